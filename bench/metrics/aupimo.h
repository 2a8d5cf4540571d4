/* AUPIMO: per anomalous picture, the share of its defect pixels found, integrated over the logarithm of the false positive
 * rate that the normal pictures share (mean over pictures of each picture's rate) between two low bounds. Definition:
 * anomalib, which samples 300 000 thresholds; here every normal score is a threshold, so the integral is exact. Internal. */
#ifndef IAD_METRICS_AUPIMO_H
#define IAD_METRICS_AUPIMO_H

#include "bench/metrics/pixelmetrics.h"
#include "bench/metrics/positives.h"

/* Fills out->aupimo and its summary; NaN when there is no normal or no anomalous picture. set: sorted. */
iad_status iad_aupimo_compute(const iad_map_source *source, const iad_pixel_options *options, const iad_positives *set,
                              iad_pixel_metrics *out, iad_err *err);

#endif
