/* Exact search in Hamming space: all codes within r bits of a code, all pairs within r bits of each other. Nothing is missed at any
 * radius and for any codes.
 *
 * Multi-index hashing (Norouzi, Punjani, Fleet 2012) on slots of 16 bits: codes within r bits agree in some slot up to one bit, for
 * r up to 7 (64 bits) and 31 (256 bits). Larger radii, and codes so alike that the slots tell nothing, are compared one by one. */
#ifndef IAD_CRAWL_HAMMING_H
#define IAD_CRAWL_HAMMING_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#define IAD_HAMMING_MAX_CODES 100000000u
#define IAD_HAMMING_MAX_WORDS 4

typedef struct iad_hamming iad_hamming;

typedef struct iad_hamming_hit {
    uint32_t position; /* of the code: 0 for the first that was added, 1 for the next ... */
    int distance;      /* bits */
} iad_hamming_hit;

typedef struct iad_hamming_hits {
    iad_hamming_hit *items; /* by position */
    size_t n, cap;
} iad_hamming_hits;
void iad_hamming_hits_deinit(iad_hamming_hits *hits);

/* words: 64-bit words of a code, 1 or 4. Errors: IAD_ERR_ARG, IAD_ERR_NOMEM. */
iad_status iad_hamming_new(int words, iad_hamming **index, iad_err *err);
void iad_hamming_free(iad_hamming *index);

/* Number of codes; the code at a position below it, [words]. */
size_t iad_hamming_count(const iad_hamming *index);
void iad_hamming_get(const iad_hamming *index, uint32_t position, uint64_t *code);

/* Adds a code at position iad_hamming_count(). New codes are compared one by one until there are a sixteenth of the sorted ones (or a few
 * thousand); then the tables are made anew. Memory: 20 bytes per code and word and slot (four slots), and 1 MB per word.
 * Errors: IAD_ERR_LIMIT (IAD_HAMMING_MAX_CODES), IAD_ERR_NOMEM; the index stays as it was then. */
iad_status iad_hamming_add(iad_hamming *index, const uint64_t *code, iad_err *err);

/* Adds n codes, [n][words]: one sorting for all of them. */
iad_status iad_hamming_add_many(iad_hamming *index, const uint64_t *codes, size_t n, iad_err *err);

/* All codes at most `radius` (0 .. 64 * words) bits from `code`, by position; what *hits held is replaced, its memory kept. Several
 * threads may ask at once while nobody adds. Errors: IAD_ERR_ARG, IAD_ERR_NOMEM. */
iad_status iad_hamming_find(const iad_hamming *index, const uint64_t *code, int radius, iad_hamming_hits *hits, iad_err *err);

/* Calls visit once for every pair of positions a < b whose codes are at most `radius` bits apart, in an order that depends on nothing
 * but the codes. A failure of visit ends the join and is returned. visit must not add. Errors: IAD_ERR_ARG, IAD_ERR_NOMEM. */
typedef iad_status iad_hamming_visit(void *user, uint32_t a, uint32_t b, int distance, iad_err *err);
iad_status iad_hamming_join(iad_hamming *index, int radius, iad_hamming_visit *visit, void *user, iad_err *err);

#endif
