/* Uncertainty and aggregation: image bootstrap, mean and spread over reference sets, paired sign test. */
#ifndef IAD_METRICS_METRICSTATS_H
#define IAD_METRICS_METRICSTATS_H

#include "bench/metrics/mapset.h"
#include "bench/metrics/pixelmetrics.h"

typedef struct iad_bootstrap_options {
    uint64_t seed;
    int replicates;  /* 0: 1000 */
    int stratified;  /* 1: normal and anomalous pictures are drawn separately, each as many as there are */
    double level;    /* 0: 0.95 */
    int bins;        /* pixel bootstrap only, 0: 4096 */
    int n_threads;   /* pixel bootstrap only, 0: 1; results do not depend on it */
} iad_bootstrap_options;

typedef struct iad_interval {
    double point;     /* the exact metric on the whole set */
    double low, high; /* percentile interval at `level` */
    double sd;        /* standard deviation of the replicates */
    int replicates;   /* defined ones (both classes drawn) */
} iad_interval;

/* Exact bootstrap over pictures of the image-level metrics. */
typedef struct iad_image_bootstrap {
    iad_interval auroc, ap, f1_max;
} iad_image_bootstrap;
iad_status iad_image_bootstrap_run(const double *scores, const uint8_t *labels, size_t n,
                                   const iad_bootstrap_options *options, iad_image_bootstrap *out, iad_err *err);

/* Bootstrap over pictures of the pixel metrics. Approximate: each picture is reduced once to counts in `bins` score bins
 * whose edges are ranks of the defect scores (exact when there are few distinct ones); a replicate adds the bins of the
 * drawn pictures. The interval is moved by (exact - binned) of the whole set, and `bin_error` holds that difference, so
 * the reader sees what the bins cost. */
typedef struct iad_pixel_bootstrap {
    iad_interval auroc, ap, f1_max, aupro;
    double auroc_bin_error, ap_bin_error, f1_max_bin_error, aupro_bin_error;
} iad_pixel_bootstrap;
/* exact: the result of iad_pixel_metrics_compute on the same source (its first PRO limit is used). */
iad_status iad_pixel_bootstrap_run(const iad_map_source *source, const iad_pixel_metrics *exact, int connectivity,
                                   const iad_bootstrap_options *options, iad_pixel_bootstrap *out, iad_err *err);

/* Mean and spread of n values; NaN values are left out and counted. */
typedef struct iad_spread {
    size_t n, undefined; /* values used, values left out */
    double mean, sd, min, max; /* sd: divisor n-1; NaN when n < 2; all NaN when n = 0 */
} iad_spread;
iad_spread iad_spread_of(const double *values, size_t n);

/* Mean over categories where each value (0..1) is first rounded to `decimals` of a percent, as some papers do;
 * decimals < 0: not rounded. NaN left out. */
double iad_mean_rounded(const double *values, size_t n, int decimals);

/* Two-sided exact sign test over paired categories: does A differ from B? Ties and pairs with a NaN are dropped. */
typedef struct iad_sign_test {
    size_t wins, losses, ties; /* A > B, A < B, A = B */
    double p;                  /* 1 when wins + losses = 0 */
} iad_sign_test;
iad_sign_test iad_sign_test_of(const double *a, const double *b, size_t n);

/* Spearman rank correlation with mid-ranks (comparing two score files). NaN when a side is constant or n < 2. */
iad_status iad_rank_correlation(const double *a, const double *b, size_t n, double *rho, iad_err *err);

#endif
