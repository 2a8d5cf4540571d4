/* The kernels of attend_avx512.c on half registers and with twice the rows in a register tile: decode, where a key/value head has
 * one row of at most eight query heads. begin to finish_row only; the same bits as there. */
#include "runtime/cpu/attend.h"
#include "runtime/cpu/vec_narrow.h"

#include <math.h>

#if defined(__x86_64__)
#define TILE_ROWS 16
#define TILE_EACH(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15)

/* bf16 dot products: words are pairs of bf16, even element low. */
#define ATTEND_PAIRS
#define PAIR_TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,fma")))

static inline __attribute__((always_inline)) PAIR_TARGET vf pair_mac(vf a, vf b, vf c) {
    return _mm256_dpbf16_ps(c, (__m256bh)a, (__m256bh)b);
}

/* to[i] = (even[i], odd[i]) for i < d, zeros up to `width` (a multiple of 16); odd may be missing. */
VEC_TARGET static void pair_rows(const void *even, const void *odd, int d, int width, float *to) {
    for (int i = 0; i < width; i += 16) {
        __mmask16 have = d - i >= 16 ? (__mmask16)0xffff : d > i ? (__mmask16)((1u << (d - i)) - 1) : 0;
        __m512i low = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(have, (const uint16_t *)even + i));
        __m512i high = _mm512_setzero_si512();
        if (odd != NULL) high = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(have, (const uint16_t *)odd + i));
        _mm512_storeu_si512(to + i, _mm512_or_si512(low, _mm512_slli_epi32(high, 16)));
    }
}

/* As powers_of, but row j / 2 receives the pair of the rounded powers of keys j and j + 1. The sum is of the unrounded ones. */
PAIR_TARGET static vf pair_powers(float *s, int n, vf factor, vf minus_m) {
    const size_t lanes = 2 * VN;
    vf even = v_set1(0), odd = even;
    __m256i weave = _mm256_set_epi16(15, 7, 14, 6, 13, 5, 12, 4, 11, 3, 10, 2, 9, 1, 8, 0);
    float *to = s;
    for (int j = 0; j < n; j += 2, s += 2 * lanes, to += lanes) {
        vf p0 = v_exp2(v_fma(v_load(s), factor, minus_m));
        vf p1 = j + 1 < n ? v_exp2(v_fma(v_load(s + lanes), factor, minus_m)) : v_set1(0);
        even += p0;
        odd += p1;
        _mm256_storeu_si256((__m256i_u *)to, _mm256_permutexvar_epi16(weave, (__m256i)_mm256_cvtne2ps_pbh(p1, p0)));
    }
    return even + odd;
}

#include "runtime/cpu/attend_kernel.inc"
#endif
