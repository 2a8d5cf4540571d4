/* Scores of one set split by class, as sorted keys. Internal to the image-level metrics. */
#ifndef IAD_METRICS_SCOREPAIR_H
#define IAD_METRICS_SCOREPAIR_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef struct iad_score_pair {
    uint64_t *pos, *neg; /* [p], [q] double keys (floatkey.h), ascending, owned */
    size_t p, q;
} iad_score_pair;

/* Checks that every score is finite (IAD_ERR_FORMAT names the item). names may be NULL. */
iad_status iad_score_pair_init(iad_score_pair *pair, const double *scores, const uint8_t *labels, size_t n,
                               const char *const *names, iad_err *err);
void iad_score_pair_deinit(iad_score_pair *pair);

/* Walks the distinct scores from high to low: begin with i = p, j = q. Returns 0 at the end; else sets the key and how
 * many positives and negatives have it, and steps. */
int iad_score_pair_next(const iad_score_pair *pair, size_t *i, size_t *j, uint64_t *key, uint64_t *tp, uint64_t *fp);

#endif
