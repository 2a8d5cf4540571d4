/* Near-equal texts over a whole corpus: MinHash of 3-grams (Broder 1997) with bands. A model that writes a template says nearly the same about many
 * pictures. */
#ifndef IAD_ANNOTATE_MINHASH_H
#define IAD_ANNOTATE_MINHASH_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#define IAD_MINHASH_N 64

/* Signature of a text; two agree in a share of positions that estimates the Jaccard index of their word triples. Texts of fewer than 3 words: of the
 * whole. */
void iad_minhash_text(const char *text, uint32_t signature[IAD_MINHASH_N]);
double iad_minhash_similarity(const uint32_t a[IAD_MINHASH_N], const uint32_t b[IAD_MINHASH_N]);

/* group[i]: the lowest index of the texts that are like text i, directly or over others: similarity >= 0.9. signatures: n of them, one after
 * the other. Errors: IAD_ERR_NOMEM. */
iad_status iad_minhash_groups(const uint32_t *signatures, size_t n, uint32_t *group, iad_err *err);

/* Hash of a text without case, spaces and signs: identical texts. */
uint64_t iad_minhash_normal(const char *text);

#endif
