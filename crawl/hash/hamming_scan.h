/* The inner loop of every search: the smallest Hamming distance from one word to many. */
#ifndef IAD_CRAWL_HAMMING_SCAN_H
#define IAD_CRAWL_HAMMING_SCAN_H

#include <stddef.h>
#include <stdint.h>

/* min of popcount(word ^ words[i]), i < n; 65 when n is 0. */
typedef int iad_hamming_scan(uint64_t word, const uint64_t *words, size_t n);

iad_hamming_scan iad_hamming_scan_plain, iad_hamming_scan_popcnt, iad_hamming_scan_avx512;

/* The fastest that this processor runs; all give the same. */
iad_hamming_scan *iad_hamming_scan_best(void);

/* Whether the two fast ones can run here. */
int iad_hamming_has_popcnt(void);
int iad_hamming_has_avx512(void);

#endif
