#include "bench/metrics/rankkeys.h"

#include "bench/metrics/floatkey.h"

void iad_keys_shifted_scalar(const float *values, size_t n, uint32_t base, uint32_t top, uint32_t *out,
                             iad_key_range *range) {
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, values + i, sizeof bits);
        range->bad |= (bits & 0x7f800000u) == 0x7f800000u;
        uint32_t key = iad_float_key(values[i]);
        if (key < range->min) range->min = key;
        if (key > range->max) range->max = key;
        uint32_t x = key > base ? key - base : 0;
        out[i] = x > top ? top : x;
    }
}

#if defined(__x86_64__)
#include <immintrin.h>

__attribute__((target("avx2"))) static void keys_avx2(const float *values, size_t n, uint32_t base, uint32_t top,
                                                      uint32_t *out, iad_key_range *range) {
    const __m256i vbase = _mm256_set1_epi32((int)base), vtop = _mm256_set1_epi32((int)top);
    const __m256i sign = _mm256_set1_epi32(INT32_MIN), exponent = _mm256_set1_epi32(0x7f800000);
    const __m256 zero = _mm256_setzero_ps();
    __m256i lo = _mm256_set1_epi32((int)range->min), hi = _mm256_set1_epi32((int)range->max);
    __m256i bad = _mm256_setzero_si256();
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        __m256i bits = _mm256_castps_si256(_mm256_add_ps(_mm256_loadu_ps(values + i), zero)); /* -0 becomes +0 */
        bad = _mm256_or_si256(bad, _mm256_cmpeq_epi32(_mm256_and_si256(bits, exponent), exponent));
        __m256i key = _mm256_xor_si256(bits, _mm256_or_si256(_mm256_srai_epi32(bits, 31), sign));
        lo = _mm256_min_epu32(lo, key);
        hi = _mm256_max_epu32(hi, key);
        __m256i x = _mm256_sub_epi32(_mm256_max_epu32(key, vbase), vbase);
        _mm256_storeu_si256((__m256i *)(void *)(out + i), _mm256_min_epu32(x, vtop));
    }
    uint32_t los[8], his[8];
    _mm256_storeu_si256((__m256i *)(void *)los, lo);
    _mm256_storeu_si256((__m256i *)(void *)his, hi);
    for (int j = 0; j < 8; j++) {
        if (los[j] < range->min) range->min = los[j];
        if (his[j] > range->max) range->max = his[j];
    }
    range->bad |= (uint32_t)_mm256_movemask_epi8(bad);
    iad_keys_shifted_scalar(values + i, n - i, base, top, out + i, range);
}
#endif

void iad_keys_shifted(const float *values, size_t n, uint32_t base, uint32_t top, uint32_t *out, iad_key_range *range) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) {
        keys_avx2(values, n, base, top, out, range);
        return;
    }
#endif
    iad_keys_shifted_scalar(values, n, base, top, out, range);
}
