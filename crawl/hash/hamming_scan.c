#include "crawl/hash/hamming_scan.h"

static inline __attribute__((always_inline)) int scan_body(uint64_t word, const uint64_t *words, size_t n) {
    int least = 65;
    for (size_t i = 0; i < n; i++) {
        const int distance = __builtin_popcountll(word ^ words[i]);
        if (distance < least) least = distance;
    }
    return least;
}

int iad_hamming_scan_plain(uint64_t word, const uint64_t *words, size_t n) { return scan_body(word, words, n); }

#if defined(__x86_64__)
__attribute__((target("popcnt"))) int iad_hamming_scan_popcnt(uint64_t word, const uint64_t *words, size_t n) { return scan_body(word, words, n); }
int iad_hamming_has_popcnt(void) { return __builtin_cpu_supports("popcnt") != 0; }
#else
int iad_hamming_scan_popcnt(uint64_t word, const uint64_t *words, size_t n) { return scan_body(word, words, n); }
int iad_hamming_has_popcnt(void) { return 1; }
#endif

iad_hamming_scan *iad_hamming_scan_best(void) {
    if (iad_hamming_has_avx512()) return iad_hamming_scan_avx512;
    return iad_hamming_has_popcnt() ? iad_hamming_scan_popcnt : iad_hamming_scan_plain;
}
