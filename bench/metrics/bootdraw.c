#include "bench/metrics/bootdraw.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"

#define MAX_REPLICATES 1000000

iad_status iad_boot_options(const iad_bootstrap_options *options, iad_bootstrap_options *out, iad_err *err) {
    *out = options ? *options : (iad_bootstrap_options){.stratified = 1};
    if (!out->replicates) out->replicates = 1000;
    if (out->level == 0) out->level = 0.95;
    if (!out->bins) out->bins = 4096;
    if (out->n_threads < 1) out->n_threads = 1;
    if (out->n_threads > 256) out->n_threads = 256;
    if (out->replicates < 1 || out->replicates > MAX_REPLICATES)
        return IAD_FAIL(err, IAD_ERR_ARG, "%d bootstrap replicates, 1..%d are possible", out->replicates, MAX_REPLICATES);
    if (!(out->level > 0 && out->level < 1)) return IAD_FAIL(err, IAD_ERR_ARG, "bootstrap level %g is not in (0, 1)", out->level);
    if (out->bins < 64 || out->bins > 65536) return IAD_FAIL(err, IAD_ERR_ARG, "%d bootstrap bins, 64..65536 are possible", out->bins);
    return IAD_OK;
}

void iad_boot_draw(const iad_bootstrap_options *options, uint64_t r, const uint8_t *class, size_t n, uint32_t *by_class,
                   uint32_t *times) {
    iad_rng rng;
    iad_rng_init(&rng, options->seed, r);
    memset(times, 0, n * sizeof *times);
    if (!options->stratified) {
        for (size_t i = 0; i < n; i++) times[iad_rng_below(&rng, (uint32_t)n)]++;
        return;
    }
    size_t normals = 0, at = 0;
    for (size_t i = 0; i < n; i++) normals += !class[i];
    size_t next = normals;
    for (size_t i = 0; i < n; i++) by_class[class[i] ? next++ : at++] = (uint32_t)i;
    for (size_t i = 0; i < normals; i++) times[by_class[iad_rng_below(&rng, (uint32_t)normals)]]++;
    for (size_t i = normals; i < n; i++) times[by_class[normals + iad_rng_below(&rng, (uint32_t)(n - normals))]]++;
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double quantile(const double *sorted, size_t n, double q) {
    double at = q * (double)(n - 1), below = floor(at);
    size_t i = (size_t)below, j = i + 1 < n ? i + 1 : i;
    return sorted[i] + (sorted[j] - sorted[i]) * (at - below);
}

iad_interval iad_boot_interval(double *values, int n, double level, double point, double shift) {
    iad_interval out = {point, NAN, NAN, NAN, 0};
    size_t used = 0;
    for (int i = 0; i < n; i++)
        if (!isnan(values[i])) values[used++] = values[i] + shift;
    out.replicates = (int)used;
    if (!used) return out;
    out.sd = iad_spread_of(values, used).sd;
    qsort(values, used, sizeof *values, ascending);
    /* A shift must not push the ends out of the range of every metric here. */
    out.low = fmin(1, fmax(0, quantile(values, used, (1 - level) / 2)));
    out.high = fmin(1, fmax(0, quantile(values, used, (1 + level) / 2)));
    return out;
}
