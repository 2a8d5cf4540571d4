/* From counts to areas: one walk over the distinct defect scores from high to low. Internal. */
#ifndef IAD_METRICS_PIXELWALK_H
#define IAD_METRICS_PIXELWALK_H

#include "bench/metrics/pixelmetrics.h"
#include "bench/metrics/positives.h"

/* Everything the walk reads. k >= 1. */
typedef struct iad_walk {
    const uint32_t *keys, *count; /* [k] ascending distinct keys of defect pixels, pixels on each */
    size_t k;
    const uint64_t *slots;        /* [2k + 1] all pixels, see rankcount.h */
    uint64_t positives, negatives;
    const iad_positives *set;     /* sorted pairs and areas */
    uint32_t min_key, max_key;    /* of all pixels */
} iad_walk;

/* Negatives on key i, and strictly between keys i-1 and i. */
static inline uint64_t iad_walk_equal(const iad_walk *w, size_t i) { return w->slots[2 * i + 1] - w->count[i]; }
static inline uint64_t iad_walk_between(const iad_walk *w, size_t i) { return w->slots[2 * i]; }

/* AUROC alone. */
double iad_walk_auroc(const iad_walk *walk);
/* AUROC, AP, trapezoid AUPR, F1-max and AUPRO (limits already in out) into *out. */
iad_status iad_walk_areas(const iad_walk *walk, iad_pixel_metrics *out, iad_err *err);
/* ROC, PR and PRO curves with at most max_points points. */
iad_status iad_walk_curves(const iad_walk *walk, size_t max_points, iad_pixel_metrics *out, iad_err *err);

#endif
