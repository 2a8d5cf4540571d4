/* Metrics of one score per picture. n pictures, scores[n] (higher = more anomalous), labels[n] (0 normal, else anomalous).
 * Everything is computed from exact integer counts at the distinct scores; ties count one half.
 * One class only: `undefined` is 1 and the values are NaN (never 0 or 1); the caller leaves such a row out of means
 * with a visible note. A NaN or infinite score is IAD_ERR_FORMAT and names the picture. */
#ifndef IAD_METRICS_IMAGEMETRICS_H
#define IAD_METRICS_IMAGEMETRICS_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#define IAD_METRICS_MAX_SCORES 1000000000u

typedef struct iad_image_metrics {
    uint64_t positives, negatives;
    int undefined;           /* 1: one class only, all values below are NaN */
    double auroc;            /* 0..1, Mann-Whitney with ties 1/2 */
    double ap;               /* step function: sum (R_k - R_{k-1}) P_k, as sklearn's average_precision_score */
    double aupr_trapz;       /* trapezoid under (recall, precision) from (0, 1); not the same number as ap */
    double f1_max;           /* over all distinct thresholds, "anomalous iff score >= threshold" */
    double f1_max_threshold; /* the highest threshold that reaches f1_max */
    double auroc_se;         /* DeLong standard error; NaN when a class has one picture only */
    double auroc_low, auroc_high; /* 95 % DeLong interval clipped to 0..1; 1..1 when the classes separate perfectly */
    double best_accuracy;    /* highest share of right decisions over all thresholds, "all normal" included */
} iad_image_metrics;

/* names (for messages) may be NULL. Errors: IAD_ERR_FORMAT (NaN/Inf), IAD_ERR_LIMIT, IAD_ERR_NOMEM. */
iad_status iad_image_metrics_compute(const double *scores, const uint8_t *labels, size_t n, const char *const *names,
                                     iad_image_metrics *out, iad_err *err);

/* PGn: share of normal pictures strictly below the n-quantile of the anomalous scores (TNR at FNR = n), and
 * PBn: share of anomalous pictures strictly above the (1-n)-quantile of the normal scores (TPR at FPR = n).
 * n in (0, 1); quantiles interpolate linearly between order statistics. NaN for one class. Definition: anomalib. */
iad_status iad_image_pgn_pbn(const double *scores, const uint8_t *labels, size_t n, double share, double *pgn,
                             double *pbn, iad_err *err);

/* Decisions at one threshold (anomalous iff score >= threshold). */
typedef struct iad_decisions {
    uint64_t tp, fp, tn, fn;
    double accuracy, balanced_accuracy, precision, recall, f1; /* 0/0 is NaN, except f1: 0 */
    double overkill, miss; /* FPR on normal pictures, FNR on anomalous ones */
} iad_decisions;
iad_status iad_image_decide(const double *scores, const uint8_t *labels, size_t n, double threshold,
                            iad_decisions *out, iad_err *err);

/* Smallest threshold for which, with confidence 1 - delta, the false alarm rate on new normal pictures is at most fpr:
 * an order statistic of m normal scores (exchangeable), e.g. m >= 59 for fpr 0.05 and delta 0.05. "Anomalous iff
 * score > threshold". *enough 0: m is too small for the guarantee, the threshold is then the largest score.
 * Errors: IAD_ERR_ARG (m = 0, fpr or delta outside (0,1)), IAD_ERR_FORMAT (NaN). */
iad_status iad_threshold_at_fpr(const double *normal_scores, size_t m, double fpr, double delta, double *threshold,
                                int *enough, iad_err *err);

/* Curve for plotting or export. Points go from the highest threshold to the lowest; the first point is
 * (0,0) for ROC and (0,1) for PR, with threshold +Inf. */
typedef struct iad_curve {
    size_t n;
    double *x, *y, *threshold; /* owned, [n] each */
} iad_curve;

/* x = FPR, y = TPR; x = recall, y = precision. max_points 0: one per distinct score; else thinned evenly in arc length
 * order so that at most max_points remain, ends kept. Either curve pointer may be NULL. One class: n = 0. */
iad_status iad_image_curves(const double *scores, const uint8_t *labels, size_t n, size_t max_points, iad_curve *roc,
                            iad_curve *pr, iad_err *err);
void iad_curve_deinit(iad_curve *curve);

#endif
