#include "bench/metrics/imagemetrics.h"

#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "bench/metrics/curvebuild.h"
#include "bench/metrics/floatkey.h"
#include "bench/metrics/overlap.h"
#include "bench/metrics/scorepair.h"

#define NORMAL_975 1.959963984540054 /* 97.5 % quantile of the standard normal distribution */

/* DeLong, DeLong and Clarke-Pearson 1988. Each positive has v = 2 #{negatives below} + #{negatives equal}, each negative
 * likewise from the other side; the sums of v and v^2 are integers, so P sum(v^2) - (sum v)^2 is exact. */
typedef struct spread {
    iad_u128 sum, squares;
} spread;

static void spread_add(spread *s, uint64_t v, uint64_t times) {
    s->sum += (iad_u128)v * times;
    s->squares += (iad_u128)v * v * times;
}

/* Variance of v / scale over n items with divisor n - 1, divided by n. */
static double spread_of_mean(const spread *s, uint64_t n, double scale) {
    if (n < 2) return NAN;
    double centred = (double)(s->squares * n - s->sum * s->sum);
    return centred / (double)n / (double)(n - 1) / (scale * scale) / (double)n;
}

static void delong(const iad_score_pair *s, iad_image_metrics *out) {
    spread pos = {0, 0}, neg = {0, 0};
    size_t i = s->p, j = s->q;
    uint64_t key, tp, fp;
    while (iad_score_pair_next(s, &i, &j, &key, &tp, &fp)) {
        /* i positives and j negatives are below this score now. */
        if (tp) spread_add(&pos, 2 * (uint64_t)j + fp, tp);
        if (fp) spread_add(&neg, 2 * (uint64_t)(s->p - i - tp) + tp, fp);
    }
    double variance = spread_of_mean(&pos, s->p, 2.0 * (double)s->q) + spread_of_mean(&neg, s->q, 2.0 * (double)s->p);
    out->auroc_se = sqrt(variance);
    out->auroc_low = fmax(0, out->auroc - NORMAL_975 * out->auroc_se);
    out->auroc_high = fmin(1, out->auroc + NORMAL_975 * out->auroc_se);
    if (isnan(variance)) out->auroc_low = out->auroc_high = NAN;
}

static void walk(const iad_score_pair *s, iad_image_metrics *out) {
    iad_u128 doubled = 0;
    uint64_t tp = 0, fp = 0, key, p, q, best_right = s->q;
    double ap = 0, area = 0, precision = 1, best = -1;
    size_t i = s->p, j = s->q;
    while (iad_score_pair_next(s, &i, &j, &key, &p, &q)) {
        doubled += (iad_u128)(2 * tp + p) * q;
        tp += p;
        fp += q;
        double now = (double)tp / (double)(tp + fp), rise = (double)p / (double)s->p;
        ap += rise * now;
        area += rise * (precision + now) / 2;
        precision = now;
        double f1 = 2 * (double)tp / (double)(tp + fp + s->p);
        if (f1 > best) {
            best = f1;
            out->f1_max_threshold = iad_key_double(key);
        }
        uint64_t right = tp + s->q - fp;
        if (right > best_right) best_right = right;
    }
    out->auroc = (double)doubled / (double)((iad_u128)s->p * s->q * 2);
    out->ap = ap;
    out->aupr_trapz = area;
    out->f1_max = best;
    out->best_accuracy = (double)best_right / (double)(s->p + s->q);
}

iad_status iad_image_metrics_compute(const double *scores, const uint8_t *labels, size_t n, const char *const *names,
                                     iad_image_metrics *out, iad_err *err) {
    *out = (iad_image_metrics){0};
    out->auroc = out->ap = out->aupr_trapz = out->f1_max = out->f1_max_threshold = NAN;
    out->auroc_se = out->auroc_low = out->auroc_high = out->best_accuracy = NAN;
    iad_score_pair s;
    IAD_TRY(iad_score_pair_init(&s, scores, labels, n, names, err));
    out->positives = s.p;
    out->negatives = s.q;
    out->undefined = !s.p || !s.q;
    if (!out->undefined) {
        walk(&s, out);
        delong(&s, out);
    }
    iad_score_pair_deinit(&s);
    return IAD_OK;
}

static double quantile(const uint64_t *keys, size_t n, double q) {
    double at = q * (double)(n - 1), below = floor(at);
    size_t i = (size_t)below, j = i + 1 < n ? i + 1 : i;
    double a = iad_key_double(keys[i]), b = iad_key_double(keys[j]);
    return a + (b - a) * (at - below);
}

iad_status iad_image_pgn_pbn(const double *scores, const uint8_t *labels, size_t n, double share, double *pgn,
                             double *pbn, iad_err *err) {
    *pgn = *pbn = NAN;
    if (!(share > 0 && share < 1)) return IAD_FAIL(err, IAD_ERR_ARG, "share %g is not in (0, 1)", share);
    iad_score_pair s;
    IAD_TRY(iad_score_pair_init(&s, scores, labels, n, NULL, err));
    if (s.p && s.q) {
        double low = quantile(s.pos, s.p, share), high = quantile(s.neg, s.q, 1 - share);
        size_t good = 0, bad = 0;
        while (good < s.q && iad_key_double(s.neg[good]) < low) good++;
        while (bad < s.p && iad_key_double(s.pos[s.p - 1 - bad]) > high) bad++;
        *pgn = (double)good / (double)s.q;
        *pbn = (double)bad / (double)s.p;
    }
    iad_score_pair_deinit(&s);
    return IAD_OK;
}

iad_status iad_image_decide(const double *scores, const uint8_t *labels, size_t n, double threshold, iad_decisions *out,
                            iad_err *err) {
    *out = (iad_decisions){0};
    for (size_t i = 0; i < n; i++) {
        if (isnan(scores[i])) return IAD_FAIL(err, IAD_ERR_FORMAT, "score %zu is not a number", i);
        int said = scores[i] >= threshold;
        if (labels[i]) *(said ? &out->tp : &out->fn) += 1;
        else *(said ? &out->fp : &out->tn) += 1;
    }
    double p = (double)(out->tp + out->fn), q = (double)(out->fp + out->tn), tp = (double)out->tp, tn = (double)out->tn;
    out->accuracy = (tp + tn) / (p + q);
    out->balanced_accuracy = (tp / p + tn / q) / 2;
    out->precision = tp / (tp + (double)out->fp);
    out->recall = tp / p;
    out->f1 = out->tp ? 2 * tp / (2 * tp + (double)out->fp + (double)out->fn) : 0;
    out->overkill = (double)out->fp / q;
    out->miss = (double)out->fn / p;
    return IAD_OK;
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* P[Binomial(m, fpr) <= r - 1], summed in the log domain: the chance that the r-th largest of m scores is exceeded by a
 * share of more than fpr of all normal pictures. */
static double chance_at_least(size_t m, size_t r, double fpr) {
    double sum = 0;
    for (size_t k = 0; k < r; k++)
        sum += exp(lgamma((double)m + 1) - lgamma((double)k + 1) - lgamma((double)(m - k) + 1) + (double)k * log(fpr) +
                   (double)(m - k) * log1p(-fpr));
    return sum;
}

iad_status iad_threshold_at_fpr(const double *normal_scores, size_t m, double fpr, double delta, double *threshold,
                                int *enough, iad_err *err) {
    if (!m || !(fpr > 0 && fpr < 1) || !(delta > 0 && delta < 1))
        return IAD_FAIL(err, IAD_ERR_ARG, "%zu normal scores, FPR %g, delta %g", m, fpr, delta);
    double *sorted = iad_alloc(m, sizeof *sorted);
    if (!sorted) return IAD_NOMEM(err, "normal scores");
    for (size_t i = 0; i < m; i++) {
        if (isnan(normal_scores[i])) {
            free(sorted);
            return IAD_FAIL(err, IAD_ERR_FORMAT, "normal score %zu is not a number", i);
        }
        sorted[i] = normal_scores[i];
    }
    qsort(sorted, m, sizeof *sorted, ascending);
    /* The largest r for which the r-th largest score still keeps the promise. */
    size_t r = 1;
    *enough = chance_at_least(m, 1, fpr) <= delta;
    while (*enough && r < m && chance_at_least(m, r + 1, fpr) <= delta) r++;
    *threshold = sorted[m - r];
    free(sorted);
    return IAD_OK;
}

static void curve_pass(const iad_score_pair *s, iad_curve_builder *roc, iad_curve_builder *pr) {
    uint64_t tp = 0, fp = 0, key, p, q;
    size_t i = s->p, j = s->q;
    iad_curve_vertex(roc, 0, 0, INFINITY);
    iad_curve_vertex(pr, 0, 1, INFINITY);
    while (iad_score_pair_next(s, &i, &j, &key, &p, &q)) {
        tp += p;
        fp += q;
        iad_curve_vertex(roc, (double)fp / (double)s->q, (double)tp / (double)s->p, iad_key_double(key));
        iad_curve_vertex(pr, (double)tp / (double)s->p, (double)tp / (double)(tp + fp), iad_key_double(key));
    }
    iad_curve_end(roc);
    iad_curve_end(pr);
}

iad_status iad_image_curves(const double *scores, const uint8_t *labels, size_t n, size_t max_points, iad_curve *roc,
                            iad_curve *pr, iad_err *err) {
    iad_curve curves[2] = {{0}, {0}};
    if (roc) *roc = curves[0];
    if (pr) *pr = curves[1];
    iad_score_pair s;
    IAD_TRY(iad_score_pair_init(&s, scores, labels, n, NULL, err));
    iad_status status = IAD_OK;
    if (s.p && s.q) {
        iad_curve_builder a, b;
        iad_curve_measure(&a);
        iad_curve_measure(&b);
        curve_pass(&s, &a, &b);
        status = iad_curve_begin(&a, &curves[0], max_points, err);
        if (status == IAD_OK) status = iad_curve_begin(&b, &curves[1], max_points, err);
        if (status == IAD_OK) curve_pass(&s, &a, &b);
    }
    iad_score_pair_deinit(&s);
    if (status == IAD_OK && roc) *roc = curves[0];
    else iad_curve_deinit(&curves[0]);
    if (status == IAD_OK && pr) *pr = curves[1];
    else iad_curve_deinit(&curves[1]);
    return status;
}
