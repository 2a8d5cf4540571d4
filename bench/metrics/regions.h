/* Connected regions of a mask as runs of pixels (run-based union-find): time and memory follow the defect, not the picture. */
#ifndef IAD_METRICS_REGIONS_H
#define IAD_METRICS_REGIONS_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef struct iad_run {
    int y, x0, x1;   /* pixels x0 .. x1-1 of row y */
    uint32_t region; /* 0..n_regions-1, numbered by their first run in reading order */
} iad_run;

typedef struct iad_regions {
    iad_run *runs; /* in reading order, owned */
    size_t n_runs, cap_runs;
    uint32_t *area; /* [n_regions] pixels, owned */
    size_t n_regions;
    uint64_t pixels; /* sum of the areas */
} iad_regions;

/* Labels the non-zero pixels of mask[height][width]. connectivity 8 or 4. regions: all zero before the first call, may be
 * used again. Errors: IAD_ERR_NOMEM, IAD_ERR_ARG. */
iad_status iad_regions_label(iad_regions *regions, const uint8_t *mask, int width, int height, int connectivity,
                             iad_err *err);
void iad_regions_deinit(iad_regions *regions);

/* Pixels enclosed by a region but not part of it, with the background 8-connected (what scikit-image calls the filled
 * image). Appends (pixel index, region) pairs to *holes. */
typedef struct iad_hole {
    size_t pixel;
    uint32_t region;
} iad_hole;
iad_status iad_regions_holes(const iad_regions *regions, int width, iad_hole **holes, size_t *n, size_t *cap, iad_err *err);

#endif
