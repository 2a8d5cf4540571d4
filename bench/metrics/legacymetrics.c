#include "bench/metrics/legacymetrics.h"

#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "bench/metrics/cutcount.h"
#include "bench/metrics/floatkey.h"

#define STEPS 200       /* thresholds of the CLIP-family PRO */
#define RANKS 100       /* thresholds of MVTec 3D-AD */
#define VISA 202
#define LEGACY_LIMIT 0.3
#define MAX_CUTS (2 * (STEPS + 2) + RANKS + VISA + 21 + 7 + 1)

/* All thresholds of all wanted variants go into one list, so the maps are read once for all of them. */
typedef struct span {
    size_t first, n;
} span;

typedef struct plan {
    iad_cut cuts[MAX_CUTS];
    size_t n;
    span up, down, ranks, visa, ader21, ader7, at;
    uint64_t rank[RANKS]; /* ranks of the negatives */
} plan;

static void add(plan *p, span *s, uint32_t key) {
    p->cuts[p->n++] = (iad_cut){.key = key};
    s->n++;
}

/* Strictly above t. */
static void add_above(plan *p, span *s, double t) { add(p, s, iad_cut_key(t, 1)); }

static void plan_thr200(plan *p, double lo, double hi) {
    const double delta = (hi - lo) / STEPS;
    p->up.first = p->n;
    /* numpy.arange: ceil((hi - lo) / delta) values lo + i * ((lo + delta) - lo). */
    if (delta > 0) {
        double count = ceil((hi - lo) / delta), step = (lo + delta) - lo;
        for (int i = 0; i < count && i <= STEPS + 1; i++) add_above(p, &p->up, lo + i * step);
    }
    p->down.first = p->n;
    if (delta > 0)
        for (int i = 0; i < STEPS; i++) add_above(p, &p->down, hi - i * delta);
}

static iad_status plan_ranks(plan *p, const iad_map_source *source, const iad_positives *set, int n_threads,
                             uint64_t negatives, iad_err *err) {
    uint32_t keys[RANKS];
    const double step = (double)(negatives - 1) / (RANKS - 1);
    for (int i = 0; i < RANKS; i++) p->rank[i] = i == RANKS - 1 ? negatives - 1 : (uint64_t)floor(i * step);
    IAD_TRY(iad_negative_ranks(source, set, n_threads, p->rank, RANKS, keys, err));
    p->ranks.first = p->n;
    for (int i = 0; i < RANKS; i++) add(p, &p->ranks, keys[i] + 1); /* strictly above: the next key */
    return IAD_OK;
}

static double positive_at(const iad_positives *set, size_t i) { return (double)iad_key_float((uint32_t)(set->pairs[i] >> 32)); }

/* numpy.percentile, linear, in double. */
static double percentile(const iad_positives *set, double percent) {
    double at = percent / 100 * (double)(set->n - 1), below = floor(at), t = at - below;
    size_t i = (size_t)below, j = i + 1 < set->n ? i + 1 : i;
    double a = positive_at(set, i), b = positive_at(set, j);
    return t < 0.5 ? a + (b - a) * t : b - (b - a) * (1 - t);
}

static int downwards(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x > y ? -1 : x < y;
}

static void plan_visa(plan *p, const iad_positives *set, double lo, double hi) {
    double t[VISA];
    const double top = positive_at(set, set->n - 1), bottom = positive_at(set, 0);
    for (int i = 0; i < 100; i++) {
        t[i] = percentile(set, i == 99 ? 0 : 100 + i * (-100.0 / 99));
        t[100 + i] = i == 99 ? bottom : top + i * ((bottom - top) / 99);
    }
    t[200] = lo - 1e-8;
    t[201] = hi + 1e-8;
    qsort(t, VISA, sizeof *t, downwards);
    p->visa.first = p->n;
    for (int i = 0; i < VISA; i++) add_above(p, &p->visa, t[i]);
}

/* Lowest key whose score, scaled in float by the range of all scores as ADer does, is > t. */
static uint32_t scaled_cut(float lo_score, float hi_score, double t) {
    uint32_t lo = IAD_FLOAT_KEY_MIN, hi = IAD_FLOAT_KEY_MAX + 1;
    const float range = hi_score - lo_score;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if ((double)((iad_key_float(mid) - lo_score) / range) > t) hi = mid;
        else lo = mid + 1;
    }
    return lo;
}

static void plan_ader(plan *p, float lo, float hi) {
    p->ader21.first = p->n;
    for (int i = 0; i < 21; i++) add(p, &p->ader21, scaled_cut(lo, hi, i * 0.05));
    p->ader7.first = p->n;
    const double step = (0.2 + 0.1) - 0.2; /* as numpy.arange(0.2, 0.801, 0.1) */
    for (int i = 0; i < 7; i++) add(p, &p->ader7, scaled_cut(lo, hi, 0.2 + i * step));
}

static double trapezoid(const double *x, const double *y, size_t n) {
    double area = 0;
    for (size_t i = 1; i < n; i++) area += (x[i] - x[i - 1]) * (y[i] + y[i - 1]) / 2;
    return fabs(area);
}

/* keep: FPR < limit (strict 1) or <= limit; rescale 1: (x - min)/(max - min), 0: x / max. NaN when nothing is left or the
 * kept points have no width. */
static double pro_thresholds(const plan *p, span s, uint64_t negatives, int strict, int rescale, int filled) {
    double x[STEPS + 2], y[STEPS + 2], lo = INFINITY, hi = -INFINITY;
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        const iad_cut *c = p->cuts + s.first + i;
        double fpr = (double)c->fp / (double)negatives;
        if (strict ? !(fpr < LEGACY_LIMIT) : !(fpr <= LEGACY_LIMIT)) continue;
        x[n] = fpr;
        y[n++] = filled ? c->filled : c->overlap;
        if (fpr < lo) lo = fpr;
        if (fpr > hi) hi = fpr;
    }
    if (!rescale) lo = 0;
    if (n < 2 || !(hi > lo)) return NAN;
    for (size_t i = 0; i < n; i++) x[i] = (x[i] - lo) / (hi - lo);
    return trapezoid(x, y, n);
}

/* Curve in ascending FPR: the rank thresholds reversed, then (1, 1); cut at the limit by interpolation. */
static double pro_ranks(const plan *p, uint64_t negatives) {
    double area = 0, last_x = 0, last_y = 0;
    for (size_t i = 0; i <= p->ranks.n; i++) {
        size_t r = p->ranks.n - 1 - i;
        double x = i == p->ranks.n ? 1 : 1 - (double)(p->rank[r] + 1) / (double)negatives;
        double y = i == p->ranks.n ? 1 : p->cuts[p->ranks.first + r].overlap;
        if (i) {
            if (x >= LEGACY_LIMIT) {
                double cut = x > last_x ? last_y + (y - last_y) * (LEGACY_LIMIT - last_x) / (x - last_x) : y;
                return (area + (LEGACY_LIMIT - last_x) * (last_y + cut) / 2) / LEGACY_LIMIT;
            }
            area += (x - last_x) * (last_y + y) / 2;
        }
        last_x = x;
        last_y = y;
    }
    return area / LEGACY_LIMIT;
}

static double round4(double x) { return rint(x * 1e4) / 1e4; }

static void finish_visa(const plan *p, uint64_t positives, uint64_t negatives, iad_pixel_legacy *out) {
    double fpr[VISA], tpr[VISA], precision[VISA], best = 0;
    for (int i = 0; i < VISA; i++) {
        const iad_cut *c = p->cuts + p->visa.first + i;
        fpr[i] = (double)c->fp / (double)negatives;
        tpr[i] = (double)c->tp / (double)positives;
        precision[i] = c->tp + c->fp ? (double)c->tp / (double)(c->tp + c->fp) : 1;
        double f1 = precision[i] > 0 && tpr[i] > 0 ? 2 * precision[i] * tpr[i] / (precision[i] + tpr[i]) : 0;
        if (f1 > best) best = f1;
    }
    out->visa202_auroc = round4(trapezoid(fpr, tpr, VISA));
    out->visa202_aupr = round4(trapezoid(tpr, precision, VISA));
    out->visa202_f1_max = best;
}

typedef struct ader {
    double f1, accuracy, iou;
} ader;

/* ADer adds 1e-8 to every denominator. Its "accuracy" is the recall. */
static ader ader_at(const iad_cut *c, uint64_t positives) {
    const double eps = 1e-8, tp = (double)c->tp, predicted = (double)(c->tp + c->fp), p = (double)positives;
    double precision = tp / (predicted + eps), recall = tp / (p + eps);
    return (ader){2 * precision * recall / (precision + recall + eps), recall, tp / (predicted + p - tp + eps)};
}

static void finish_ader(const plan *p, uint64_t positives, iad_pixel_legacy *out) {
    double f1 = 0, iou = 0;
    for (size_t i = 0; i < p->ader21.n; i++) {
        ader a = ader_at(p->cuts + p->ader21.first + i, positives);
        f1 = fmax(f1, a.f1);
        iou = fmax(iou, a.iou);
    }
    ader sum = {0, 0, 0};
    for (size_t i = 0; i < p->ader7.n; i++) {
        ader a = ader_at(p->cuts + p->ader7.first + i, positives);
        sum.f1 += a.f1;
        sum.accuracy += a.accuracy;
        sum.iou += a.iou;
    }
    out->ader21_f1_max = f1;
    out->ader21_iou_max = iou;
    out->ader_mf1_px_0_2_0_8_0_1 = sum.f1 / 7;
    out->ader_macc_px_0_2_0_8_0_1 = sum.accuracy / 7;
    out->ader_miou_px_0_2_0_8_0_1 = sum.iou / 7;
}

static void finish_threshold(const iad_cut *c, uint64_t positives, uint64_t negatives, iad_pixel_metrics *out) {
    out->pro_at_threshold = c->overlap;
    out->fpr_at_threshold = (double)c->fp / (double)negatives;
    out->recall_at_threshold = (double)c->tp / (double)positives;
    out->precision_at_threshold = c->tp + c->fp ? (double)c->tp / (double)(c->tp + c->fp) : NAN;
    out->iou_at_threshold = (double)c->tp / (double)(positives + c->fp);
}

iad_status iad_legacy_compute(const iad_map_source *source, const iad_pixel_options *o, const iad_positives *set,
                              iad_pixel_metrics *out, iad_err *err) {
    plan *p = iad_calloc(1, sizeof *p);
    if (!p) return IAD_NOMEM(err, "thresholds");
    const uint64_t positives = out->positives, negatives = out->negatives;
    const double lo = (double)out->score_min, hi = (double)out->score_max;
    iad_status status = IAD_OK;
    if (o->want & IAD_PIXEL_PRO_THR200) plan_thr200(p, lo, hi);
    if (o->want & IAD_PIXEL_PRO_3D100) status = plan_ranks(p, source, set, o->n_threads, negatives, err);
    if (o->want & IAD_PIXEL_VISA202) plan_visa(p, set, lo, hi);
    if ((o->want & IAD_PIXEL_ADER21) && hi > lo) plan_ader(p, out->score_min, out->score_max);
    p->at.first = p->n;
    if (o->use_pro_threshold) add(p, &p->at, iad_cut_key(o->pro_threshold, 0));
    if (status == IAD_OK) status = iad_cut_count(source, set, o->n_threads, p->cuts, p->n, err);
    if (status == IAD_OK) {
        iad_pixel_legacy *l = &out->legacy;
        if (p->up.n) {
            l->aupro_thr200_rescaled = pro_thresholds(p, p->up, negatives, 1, 1, 0);
            l->aupro_thr200_dinomaly = pro_thresholds(p, p->up, negatives, 1, 0, 0);
            l->aupro_thr200_winclip = pro_thresholds(p, p->down, negatives, 0, 1, 1);
        }
        if (p->ranks.n) l->aupro_3d100 = pro_ranks(p, negatives);
        if (p->visa.n) finish_visa(p, positives, negatives, l);
        if (p->ader21.n) finish_ader(p, positives, l);
        if (p->at.n) finish_threshold(p->cuts + p->at.first, positives, negatives, out);
    }
    free(p);
    return status;
}
