/* Drawing pictures with replacement, and intervals from replicates. Internal to the two bootstraps. */
#ifndef IAD_METRICS_BOOTDRAW_H
#define IAD_METRICS_BOOTDRAW_H

#include "bench/metrics/metricstats.h"

/* Fills defaults and checks. */
iad_status iad_boot_options(const iad_bootstrap_options *options, iad_bootstrap_options *out, iad_err *err);

/* times[n]: how often each picture is drawn in replicate r. class[n]: 0 or 1, used when stratified. by_class: scratch [n]. */
void iad_boot_draw(const iad_bootstrap_options *options, uint64_t r, const uint8_t *class, size_t n, uint32_t *by_class,
                   uint32_t *times);

/* Interval and spread of the defined values (not NaN), which get sorted; shift is added to all. */
iad_interval iad_boot_interval(double *values, int n, double level, double point, double shift);

#endif
