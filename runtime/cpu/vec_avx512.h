/* The vector words in which the kernels of attend_kernel.inc, rows_kernel.inc and match_kernel.inc are written: AVX-512. */
#ifndef IAD_CPU_VEC_AVX512_H
#define IAD_CPU_VEC_AVX512_H

#if defined(__x86_64__)
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#define VEC_TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")))
#define VEC_INLINE static inline __attribute__((always_inline)) VEC_TARGET
#define VEC_NAME(name) name##_avx512
enum { VN = 16 }; /* lanes */
typedef __m512 vf;

VEC_INLINE vf v_load(const float *p) { return _mm512_loadu_ps(p); }
VEC_INLINE void v_store(float *p, vf a) { _mm512_storeu_ps(p, a); }
VEC_INLINE vf v_set1(float a) { return _mm512_set1_ps(a); }
/* a * b + c, rounded once where the processor can. */
VEC_INLINE vf v_fma(vf a, vf b, vf c) { return _mm512_fmadd_ps(a, b, c); }
/* b when either is a NaN. */
VEC_INLINE vf v_max(vf a, vf b) { return _mm512_max_ps(a, b); }
VEC_INLINE vf v_min(vf a, vf b) { return _mm512_min_ps(a, b); }
VEC_INLINE vf v_abs(vf a) { return _mm512_abs_ps(a); }

/* s where at < visible[lane], else minus infinity. */
VEC_INLINE vf v_keep(vf s, const int32_t *visible, int32_t at) {
    __mmask16 see = _mm512_cmpgt_epi32_mask(_mm512_loadu_si512(visible), _mm512_set1_epi32(at));
    return _mm512_mask_mov_ps(_mm512_castsi512_ps(_mm512_set1_epi32((int)0xff800000u)), see, s);
}

/* 2^x, within 1 ulp; below 2^-149 it is 0; a NaN stays. */
VEC_INLINE vf v_exp2(vf x) {
    x = _mm512_max_ps(_mm512_set1_ps(-160.0f), x);
    vf n = _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    vf r = _mm512_sub_ps(x, n);
    vf p = v_set1(0.000153533572f);
    p = v_fma(p, r, v_set1(0.00133988762f));
    p = v_fma(p, r, v_set1(0.00961843739f));
    p = v_fma(p, r, v_set1(0.0555033247f));
    p = v_fma(p, r, v_set1(0.240226479f));
    p = v_fma(p, r, v_set1(0.693147203f));
    p = v_fma(p, r, v_set1(1.0f));
    return _mm512_scalef_ps(p, n);
}

/* In one fixed order. */
VEC_INLINE float v_sum(vf a) {
    __m256 b = _mm256_add_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1));
    __m128 c = _mm_add_ps(_mm256_castps256_ps128(b), _mm256_extractf128_ps(b, 1));
    c = _mm_add_ps(c, _mm_movehl_ps(c, c));
    return _mm_cvtss_f32(_mm_add_ss(c, _mm_movehdup_ps(c)));
}

VEC_INLINE vf v_load_bf16(const void *p) {
    __m256i bits = _mm256_loadu_si256((const __m256i_u *)p);
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16));
}

/* Nearest even, as iad_f32_to_bf16 (the instruction VCVTNEPS2BF16 would flush subnormals). */
VEC_INLINE void v_store_bf16(void *p, vf a) {
    __m512i u = _mm512_castps_si512(a);
    __m512i odd = _mm512_and_si512(_mm512_srli_epi32(u, 16), _mm512_set1_epi32(1));
    __m512i rounded = _mm512_add_epi32(u, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
    __mmask16 nan = _mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q);
    rounded = _mm512_mask_mov_epi32(rounded, nan, _mm512_or_si512(u, _mm512_set1_epi32(0x00400000)));
    _mm256_storeu_si256((__m256i_u *)p, _mm512_cvtepi32_epi16(_mm512_srli_epi32(rounded, 16)));
}

/* r[i] holds row i of a VN x VN block; afterwards column i. */
VEC_INLINE void v_transpose(vf *r) {
    vf t[16];
    for (int i = 0; i < 16; i += 2) {
        t[i] = _mm512_unpacklo_ps(r[i], r[i + 1]);
        t[i + 1] = _mm512_unpackhi_ps(r[i], r[i + 1]);
    }
    for (int i = 0; i < 16; i += 4) {
        r[i] = _mm512_castpd_ps(_mm512_unpacklo_pd(_mm512_castps_pd(t[i]), _mm512_castps_pd(t[i + 2])));
        r[i + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(_mm512_castps_pd(t[i]), _mm512_castps_pd(t[i + 2])));
        r[i + 2] = _mm512_castpd_ps(_mm512_unpacklo_pd(_mm512_castps_pd(t[i + 1]), _mm512_castps_pd(t[i + 3])));
        r[i + 3] = _mm512_castpd_ps(_mm512_unpackhi_pd(_mm512_castps_pd(t[i + 1]), _mm512_castps_pd(t[i + 3])));
    }
    for (int i = 0; i < 4; i++) {
        t[i] = _mm512_shuffle_f32x4(r[i], r[i + 4], 0x88);
        t[i + 4] = _mm512_shuffle_f32x4(r[i], r[i + 4], 0xdd);
        t[i + 8] = _mm512_shuffle_f32x4(r[i + 8], r[i + 12], 0x88);
        t[i + 12] = _mm512_shuffle_f32x4(r[i + 8], r[i + 12], 0xdd);
    }
    for (int i = 0; i < 4; i++) {
        r[i] = _mm512_shuffle_f32x4(t[i], t[i + 8], 0x88);
        r[i + 8] = _mm512_shuffle_f32x4(t[i], t[i + 8], 0xdd);
        r[i + 4] = _mm512_shuffle_f32x4(t[i + 4], t[i + 12], 0x88);
        r[i + 12] = _mm512_shuffle_f32x4(t[i + 4], t[i + 12], 0xdd);
    }
}
#endif

#endif
