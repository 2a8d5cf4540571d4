/* Eight words per instruction, where the processor counts bits of vectors. */
#include "crawl/hash/hamming_scan.h"

#if defined(__x86_64__)
#include <immintrin.h>

int iad_hamming_has_avx512(void) { return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vpopcntdq"); }

__attribute__((target("avx512f,avx512vpopcntdq"))) int iad_hamming_scan_avx512(uint64_t word, const uint64_t *words, size_t n) {
    const __m512i one = _mm512_set1_epi64((long long)word);
    __m512i a = _mm512_set1_epi64(65), b = a;
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        a = _mm512_min_epu64(a, _mm512_popcnt_epi64(_mm512_xor_si512(one, _mm512_loadu_si512(words + i))));
        b = _mm512_min_epu64(b, _mm512_popcnt_epi64(_mm512_xor_si512(one, _mm512_loadu_si512(words + i + 8))));
    }
    for (; i < n; i += 8) {
        const __mmask8 there = n - i >= 8 ? 0xff : (__mmask8)((1u << (n - i)) - 1);
        const __m512i some = _mm512_popcnt_epi64(_mm512_xor_si512(one, _mm512_maskz_loadu_epi64(there, words + i)));
        a = _mm512_mask_min_epu64(a, there, a, some);
    }
    return (int)_mm512_reduce_min_epu64(_mm512_min_epu64(a, b));
}
#else
int iad_hamming_has_avx512(void) { return 0; }
int iad_hamming_scan_avx512(uint64_t word, const uint64_t *words, size_t n) { return iad_hamming_scan_plain(word, words, n); }
#endif
