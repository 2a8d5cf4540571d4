/* The vector words of vec_avx512.h in AVX2 with FMA. */
#ifndef IAD_CPU_VEC_AVX2_H
#define IAD_CPU_VEC_AVX2_H

#if defined(__x86_64__)
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#define VEC_TARGET __attribute__((target("avx2,fma")))
#define VEC_INLINE static inline __attribute__((always_inline)) VEC_TARGET
#define VEC_NAME(name) name##_avx2
enum { VN = 8 };
typedef __m256 vf;

VEC_INLINE vf v_load(const float *p) { return _mm256_loadu_ps(p); }
VEC_INLINE void v_store(float *p, vf a) { _mm256_storeu_ps(p, a); }
VEC_INLINE vf v_set1(float a) { return _mm256_set1_ps(a); }
VEC_INLINE vf v_fma(vf a, vf b, vf c) { return _mm256_fmadd_ps(a, b, c); }
VEC_INLINE vf v_max(vf a, vf b) { return _mm256_max_ps(a, b); }
VEC_INLINE vf v_min(vf a, vf b) { return _mm256_min_ps(a, b); }
VEC_INLINE vf v_abs(vf a) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a); }

VEC_INLINE vf v_keep(vf s, const int32_t *visible, int32_t at) {
    __m256i see = _mm256_cmpgt_epi32(_mm256_loadu_si256((const __m256i_u *)visible), _mm256_set1_epi32(at));
    return _mm256_blendv_ps(_mm256_castsi256_ps(_mm256_set1_epi32((int)0xff800000u)), s, _mm256_castsi256_ps(see));
}

/* Here anything below 2^-126 is 0 and nothing exceeds 2^127.5. */
VEC_INLINE vf v_exp2(vf x) {
    vf tiny = _mm256_cmp_ps(x, _mm256_set1_ps(-126.0f), _CMP_LT_OQ);
    x = _mm256_max_ps(_mm256_set1_ps(-126.0f), _mm256_min_ps(_mm256_set1_ps(127.49f), x));
    vf n = _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    vf r = _mm256_sub_ps(x, n);
    vf p = v_set1(0.000153533572f);
    p = v_fma(p, r, v_set1(0.00133988762f));
    p = v_fma(p, r, v_set1(0.00961843739f));
    p = v_fma(p, r, v_set1(0.0555033247f));
    p = v_fma(p, r, v_set1(0.240226479f));
    p = v_fma(p, r, v_set1(0.693147203f));
    p = v_fma(p, r, v_set1(1.0f));
    __m256i power = _mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)), 23);
    return _mm256_andnot_ps(tiny, _mm256_mul_ps(p, _mm256_castsi256_ps(power)));
}

VEC_INLINE float v_sum(vf a) {
    __m128 c = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    c = _mm_add_ps(c, _mm_movehl_ps(c, c));
    return _mm_cvtss_f32(_mm_add_ss(c, _mm_movehdup_ps(c)));
}

VEC_INLINE vf v_load_bf16(const void *p) {
    __m128i bits = _mm_loadu_si128((const __m128i_u *)p);
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16));
}

VEC_INLINE void v_store_bf16(void *p, vf a) {
    __m256i u = _mm256_castps_si256(a);
    __m256i odd = _mm256_and_si256(_mm256_srli_epi32(u, 16), _mm256_set1_epi32(1));
    __m256i rounded = _mm256_add_epi32(u, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
    __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(a, a, _CMP_UNORD_Q));
    rounded = _mm256_blendv_epi8(rounded, _mm256_or_si256(u, _mm256_set1_epi32(0x00400000)), nan);
    rounded = _mm256_srli_epi32(rounded, 16);
    __m256i packed = _mm256_permute4x64_epi64(_mm256_packus_epi32(rounded, rounded), 0x08);
    _mm_storeu_si128((__m128i_u *)p, _mm256_castsi256_si128(packed));
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
