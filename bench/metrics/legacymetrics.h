/* Pixel metrics as published code computes them, with its thresholds, for comparison only. Internal. */
#ifndef IAD_METRICS_LEGACYMETRICS_H
#define IAD_METRICS_LEGACYMETRICS_H

#include "bench/metrics/pixelmetrics.h"
#include "bench/metrics/positives.h"

/* Fills out->legacy and the figures at options->pro_threshold, as wanted. set: sorted; out: counts and score range are
 * there, both classes exist. */
iad_status iad_legacy_compute(const iad_map_source *source, const iad_pixel_options *options, const iad_positives *set,
                              iad_pixel_metrics *out, iad_err *err);

#endif
