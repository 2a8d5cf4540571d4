/* AVX2 forms of the 16-bit conversions; the scalar ones in dtype.c are the oracle and finish the tails. */
#include "runtime/tensor/dtype.h"

#if defined(__x86_64__)
#include <immintrin.h>

__attribute__((target("avx2"))) static size_t bf16_to_f32_avx2(const uint8_t *src, size_t n, float *dst) {
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(const void *)(src + 2 * i)));
        _mm256_storeu_ps(dst + i, _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16)));
    }
    return i;
}

__attribute__((target("avx2"))) static __m256i round_bf16(__m256 value) {
    const __m256i one = _mm256_set1_epi32(1), half = _mm256_set1_epi32(0x7fff), quiet = _mm256_set1_epi32(0x40);
    __m256i u = _mm256_castps_si256(value), high = _mm256_srli_epi32(u, 16);
    __m256i rounded = _mm256_srli_epi32(_mm256_add_epi32(u, _mm256_add_epi32(half, _mm256_and_si256(high, one))), 16);
    __m256i is_nan = _mm256_castps_si256(_mm256_cmp_ps(value, value, _CMP_UNORD_Q));
    return _mm256_blendv_epi8(rounded, _mm256_or_si256(high, quiet), is_nan);
}

__attribute__((target("avx2"))) static size_t f32_to_bf16_avx2(const float *src, size_t n, uint8_t *dst) {
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        __m256i a = round_bf16(_mm256_loadu_ps(src + i)), b = round_bf16(_mm256_loadu_ps(src + i + 8));
        __m256i packed = _mm256_permute4x64_epi64(_mm256_packus_epi32(a, b), 0xd8); /* pack works inside 128-bit lanes */
        _mm256_storeu_si256((__m256i *)(void *)(dst + 2 * i), packed);
    }
    return i;
}

__attribute__((target("avx2,f16c"))) static size_t f16_to_f32_f16c(const uint8_t *src, size_t n, float *dst) {
    size_t i = 0;
    for (; i + 8 <= n; i += 8) _mm256_storeu_ps(dst + i, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)(src + 2 * i))));
    return i;
}

__attribute__((target("avx2,f16c"))) static size_t f32_to_f16_f16c(const float *src, size_t n, uint8_t *dst) {
    size_t i = 0;
    for (; i + 8 <= n; i += 8)
        _mm_storeu_si128((__m128i *)(void *)(dst + 2 * i), _mm256_cvtps_ph(_mm256_loadu_ps(src + i), _MM_FROUND_TO_NEAREST_INT));
    return i;
}

static int has_avx2(void) { return __builtin_cpu_supports("avx2"); }
/* gcc 12 and clang 14 agree on no spelling for F16C; every processor with AVX2 and FMA has it. */
static int has_f16c(void) { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
#endif

void iad_bf16_to_f32_array(const void *src, size_t n, float *dst) {
    size_t done = 0;
#if defined(__x86_64__)
    if (has_avx2()) done = bf16_to_f32_avx2(src, n, dst);
#endif
    iad_bf16_to_f32_scalar((const uint8_t *)src + 2 * done, n - done, dst + done);
}

void iad_f32_to_bf16_array(const float *src, size_t n, void *dst) {
    size_t done = 0;
#if defined(__x86_64__)
    if (has_avx2()) done = f32_to_bf16_avx2(src, n, dst);
#endif
    iad_f32_to_bf16_scalar(src + done, n - done, (uint8_t *)dst + 2 * done);
}

void iad_f16_to_f32_array(const void *src, size_t n, float *dst) {
    size_t done = 0;
#if defined(__x86_64__)
    if (has_f16c()) done = f16_to_f32_f16c(src, n, dst);
#endif
    iad_f16_to_f32_scalar((const uint8_t *)src + 2 * done, n - done, dst + done);
}

void iad_f32_to_f16_array(const float *src, size_t n, void *dst) {
    size_t done = 0;
#if defined(__x86_64__)
    if (has_f16c()) done = f32_to_f16_f16c(src, n, dst);
#endif
    iad_f32_to_f16_scalar(src + done, n - done, (uint8_t *)dst + 2 * done);
}
