/* First pass of the pixel metrics: regions and scores of the defect pixels of a whole set. Internal. */
#ifndef IAD_METRICS_POSITIVES_H
#define IAD_METRICS_POSITIVES_H

#include "bench/metrics/mapset.h"
#include "bench/metrics/pixelmetrics.h"

typedef struct iad_positives {
    uint64_t *pairs;   /* [n] float key << 32 | region; sorted ascending after iad_positives_sort */
    size_t n, cap;
    uint32_t *area;    /* [n_regions] pixels */
    uint32_t *picture; /* [n_regions] picture of a region */
    size_t n_regions, cap_area, cap_picture;
    uint64_t *holes;   /* [n_holes] like pairs, pixels enclosed by a region; only when wanted */
    size_t n_holes, cap_holes;
    uint8_t *has_defect; /* [pictures] 1: at least one defect pixel */
    uint32_t *pixels;    /* [pictures] */
    size_t n_pictures;
    uint64_t total_pixels, defect_pictures, lost_pictures, lost_regions, source_regions;
} iad_positives;

/* Reads every picture once. connectivity 8 or 4; want_holes 1: also fills holes. Errors: see iad_pixel_metrics_compute. */
iad_status iad_positives_collect(const iad_map_source *source, int connectivity, int want_holes, int n_threads,
                                 iad_positives *out, iad_err *err);
void iad_positives_deinit(iad_positives *positives);

/* Sorts pairs (and holes) by key. */
iad_status iad_positives_sort(iad_positives *positives, iad_err *err);
/* Stable, by the bits from low_bit upwards. */
iad_status iad_sort_u64(uint64_t *values, size_t n, int low_bit, iad_err *err);

/* Distinct keys, ascending, and how many defect pixels have each. Both owned by the caller. Needs sorted pairs. */
iad_status iad_positives_distinct(const iad_positives *positives, uint32_t **keys, uint32_t **count, size_t *k, iad_err *err);

#endif
