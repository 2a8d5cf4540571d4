/* Exact counts at any list of thresholds: what the threshold-based metrics need. Internal. */
#ifndef IAD_METRICS_CUTCOUNT_H
#define IAD_METRICS_CUTCOUNT_H

#include "bench/metrics/positives.h"

typedef struct iad_cut {
    uint32_t key;   /* pixels with this key or above are predicted anomalous; may be IAD_FLOAT_KEY_MAX + 1: none */
    uint64_t tp, fp;
    double overlap; /* mean over regions of the share found */
    double filled;  /* the same with the enclosed pixels counted too (share of the unfilled area, may exceed 1) */
} iad_cut;

/* Lowest key whose float is > t (strict 1) or >= t (strict 0), compared in double. Never below IAD_FLOAT_KEY_MIN. */
uint32_t iad_cut_key(double t, int strict);

/* Fills tp, fp, overlap and filled of n cuts in any order. set: sorted pairs, at least one. */
iad_status iad_cut_count(const iad_map_source *source, const iad_positives *set, int n_threads, iad_cut *cuts, size_t n, iad_err *err);

/* Keys of the negatives at n ascending ranks (0 = lowest of all negatives). */
iad_status iad_negative_ranks(const iad_map_source *source, const iad_positives *set, int n_threads, const uint64_t *ranks,
                              size_t n, uint32_t *keys, iad_err *err);

#endif
