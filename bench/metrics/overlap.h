/* Exact, order-free sums of region overlaps in fixed point: a region of area a with c pixels found counts
 * floor(c 2^62 / a), so full recall is exactly 2^62 and the sum does not depend on the order of the pixels. Internal. */
#ifndef IAD_METRICS_OVERLAP_H
#define IAD_METRICS_OVERLAP_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

__extension__ typedef unsigned __int128 iad_u128;

typedef struct iad_region_share {
    uint64_t whole;             /* floor(2^62 / area) */
    uint32_t rest, carry, area; /* 2^62 mod area; running remainder */
} iad_region_share;

typedef struct iad_overlap {
    iad_region_share *shares; /* [n], owned */
    size_t n;
    iad_u128 sum; /* in units of 2^-62 regions */
} iad_overlap;

/* Nothing found yet. area[i] >= 1. */
iad_status iad_overlap_init(iad_overlap *overlap, const uint32_t *area, size_t n, iad_err *err);
void iad_overlap_deinit(iad_overlap *overlap);

/* One more pixel of the region is found. */
static inline void iad_overlap_add(iad_overlap *overlap, uint32_t region) {
    iad_region_share *s = overlap->shares + region;
    uint64_t step = s->whole;
    s->carry += s->rest;
    if (s->carry >= s->area) {
        s->carry -= s->area;
        step++;
    }
    overlap->sum += step;
}

/* Mean overlap over the regions, 0..1. */
static inline double iad_overlap_mean(const iad_overlap *overlap, iad_u128 sum) {
    return (double)sum / ((double)overlap->n * 0x1p62);
}

#endif
