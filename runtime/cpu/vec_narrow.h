/* The vector words of vec_avx512.h on half registers, for a single query row whose heads fill at most eight lanes. Every lane sees the
 * operations that it sees in vec_avx512.h, so that the bits are the same. */
#ifndef IAD_CPU_VEC_NARROW_H
#define IAD_CPU_VEC_NARROW_H

#if defined(__x86_64__)
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#define VEC_TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")))
#define VEC_INLINE static inline __attribute__((always_inline)) VEC_TARGET
#define VEC_NAME(name) name##_narrow
enum { VN = 8 };
typedef __m256 vf;

VEC_INLINE vf v_load(const float *p) { return _mm256_loadu_ps(p); }
VEC_INLINE void v_store(float *p, vf a) { _mm256_storeu_ps(p, a); }
VEC_INLINE vf v_set1(float a) { return _mm256_set1_ps(a); }
VEC_INLINE vf v_fma(vf a, vf b, vf c) { return _mm256_fmadd_ps(a, b, c); }
VEC_INLINE vf v_max(vf a, vf b) { return _mm256_max_ps(a, b); }

VEC_INLINE vf v_keep(vf s, const int32_t *visible, int32_t at) {
    __mmask8 see = _mm256_cmpgt_epi32_mask(_mm256_loadu_si256((const __m256i_u *)visible), _mm256_set1_epi32(at));
    return _mm256_mask_mov_ps(_mm256_castsi256_ps(_mm256_set1_epi32((int)0xff800000u)), see, s);
}

VEC_INLINE vf v_exp2(vf x) {
    x = _mm256_max_ps(_mm256_set1_ps(-160.0f), x);
    vf n = _mm256_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    vf r = _mm256_sub_ps(x, n);
    vf p = v_set1(0.000153533572f);
    p = v_fma(p, r, v_set1(0.00133988762f));
    p = v_fma(p, r, v_set1(0.00961843739f));
    p = v_fma(p, r, v_set1(0.0555033247f));
    p = v_fma(p, r, v_set1(0.240226479f));
    p = v_fma(p, r, v_set1(0.693147203f));
    p = v_fma(p, r, v_set1(1.0f));
    return _mm256_scalef_ps(p, n);
}

VEC_INLINE vf v_load_bf16(const void *p) {
    __m128i bits = _mm_loadu_si128((const __m128i_u *)p);
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16));
}

VEC_INLINE void v_store_bf16(void *p, vf a) {
    __m256i u = _mm256_castps_si256(a);
    __m256i odd = _mm256_and_si256(_mm256_srli_epi32(u, 16), _mm256_set1_epi32(1));
    __m256i rounded = _mm256_add_epi32(u, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
    __mmask8 nan = _mm256_cmp_ps_mask(a, a, _CMP_UNORD_Q);
    rounded = _mm256_mask_mov_epi32(rounded, nan, _mm256_or_si256(u, _mm256_set1_epi32(0x00400000)));
    _mm_storeu_si128((__m128i_u *)p, _mm256_cvtepi32_epi16(_mm256_srli_epi32(rounded, 16)));
}

VEC_INLINE void v_transpose(vf *r) {
    vf t[8];
    for (int i = 0; i < 8; i += 2) {
        t[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
        t[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
    }
    for (int i = 0; i < 8; i += 4) {
        r[i] = _mm256_shuffle_ps(t[i], t[i + 2], 0x44);
        r[i + 1] = _mm256_shuffle_ps(t[i], t[i + 2], 0xee);
        r[i + 2] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0x44);
        r[i + 3] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0xee);
    }
    for (int i = 0; i < 4; i++) {
        t[i] = _mm256_permute2f128_ps(r[i], r[i + 4], 0x20);
        t[i + 4] = _mm256_permute2f128_ps(r[i], r[i + 4], 0x31);
    }
    for (int i = 0; i < 8; i++) r[i] = t[i];
}
#endif

#endif
