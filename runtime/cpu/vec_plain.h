/* The vector words of vec_avx512.h in portable C: four lanes, element by element. */
#ifndef IAD_CPU_VEC_PLAIN_H
#define IAD_CPU_VEC_PLAIN_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "runtime/tensor/dtype.h"

#define VEC_TARGET
#define VEC_INLINE static inline __attribute__((always_inline))
#define VEC_NAME(name) name##_plain
enum { VN = 4 };
typedef float vf __attribute__((vector_size(16))); /* the compiler's own vectors: + - * / on any target */
typedef int32_t vec_int __attribute__((vector_size(16)));

VEC_INLINE vf v_load(const float *p) {
    vf a;
    memcpy(&a, p, sizeof a);
    return a;
}
VEC_INLINE void v_store(float *p, vf a) { memcpy(p, &a, sizeof a); }
VEC_INLINE vf v_set1(float a) { return (vf){a, a, a, a}; }
VEC_INLINE vf v_pick(vec_int mask, vf yes, vf no) { return (vf)((mask & (vec_int)yes) | (~mask & (vec_int)no)); }
VEC_INLINE vf v_fma(vf a, vf b, vf c) { return a * b + c; }
VEC_INLINE vf v_max(vf a, vf b) { return v_pick(a > b, a, b); }
VEC_INLINE vf v_min(vf a, vf b) { return v_pick(a < b, a, b); }
VEC_INLINE vf v_abs(vf a) { return (vf)((vec_int)a & 0x7fffffff); }

VEC_INLINE vf v_keep(vf s, const int32_t *visible, int32_t at) {
    vec_int see;
    memcpy(&see, visible, sizeof see);
    return v_pick(see > at, s, v_set1(-INFINITY));
}

/* Here anything below 2^-126 is 0 and nothing exceeds 2^127.5. */
VEC_INLINE vf v_exp2(vf x) {
    vec_int tiny = x < -126.0f;
    x = v_max(v_set1(-126.0f), v_min(v_set1(127.49f), x));
    vf n = (x + 12582912.0f) - 12582912.0f; /* 1.5 * 2^23: rounds to the nearest integer */
    vf r = x - n;
    vf p = v_set1(0.000153533572f);
    p = v_fma(p, r, v_set1(0.00133988762f));
    p = v_fma(p, r, v_set1(0.00961843739f));
    p = v_fma(p, r, v_set1(0.0555033247f));
    p = v_fma(p, r, v_set1(0.240226479f));
    p = v_fma(p, r, v_set1(0.693147203f));
    p = v_fma(p, r, v_set1(1.0f));
    vf known = v_pick(n == n, n, v_set1(0.0f)); /* a NaN has no integer */
    vec_int power = (__builtin_convertvector(known, vec_int) + 127) << 23;
    return (vf)(~tiny & (vec_int)(p * (vf)power));
}

VEC_INLINE float v_sum(vf a) { return (a[0] + a[2]) + (a[1] + a[3]); }

VEC_INLINE vf v_load_bf16(const void *p) {
    uint16_t bits[4];
    memcpy(bits, p, sizeof bits);
    return (vf){iad_bf16_to_f32(bits[0]), iad_bf16_to_f32(bits[1]), iad_bf16_to_f32(bits[2]), iad_bf16_to_f32(bits[3])};
}

VEC_INLINE void v_store_bf16(void *p, vf a) {
    uint16_t bits[4] = {iad_f32_to_bf16(a[0]), iad_f32_to_bf16(a[1]), iad_f32_to_bf16(a[2]), iad_f32_to_bf16(a[3])};
    memcpy(p, bits, sizeof bits);
}

VEC_INLINE void v_transpose(vf *r) {
    vf t[4];
    for (int i = 0; i < 4; i++) t[i] = r[i];
    for (int i = 0; i < 4; i++) r[i] = (vf){t[0][i], t[1][i], t[2][i], t[3][i]};
}

#endif
