#include "bench/metrics/pixelwalk.h"

#include <math.h>

#include "bench/metrics/curvebuild.h"
#include "bench/metrics/floatkey.h"
#include "bench/metrics/overlap.h"

/* Twice the number of (defect, normal) pixel pairs in the right order, ties counting one: 2 P Q AUROC. 128 bits hold it
 * for any set; every term is an integer, so nothing is rounded before the one division. */
double iad_walk_auroc(const iad_walk *w) {
    iad_u128 sum = 0;
    uint64_t tp = 0;
    for (size_t i = w->k; i-- > 0;) {
        sum += (iad_u128)(2 * tp) * iad_walk_between(w, i + 1);
        sum += (iad_u128)(2 * tp + w->count[i]) * iad_walk_equal(w, i);
        tp += w->count[i];
    }
    sum += (iad_u128)(2 * tp) * iad_walk_between(w, 0);
    return (double)sum / (double)((iad_u128)w->positives * w->negatives * 2);
}

/* Neumaier's compensated sum. */
typedef struct exact_sum {
    double sum, lost;
} exact_sum;
static void sum_add(exact_sum *s, double x) {
    double t = s->sum + x;
    s->lost += fabs(s->sum) >= fabs(x) ? (s->sum - t) + x : (x - t) + s->sum;
    s->sum = t;
}

static void walk_precision(const iad_walk *w, iad_pixel_metrics *out) {
    exact_sum ap = {0, 0}, area = {0, 0};
    uint64_t tp = 0, fp = 0;
    double last = 1; /* precision in front of the next threshold; (recall 0, precision 1) starts the trapezoid curve */
    double best = -1;
    const double p = (double)w->positives;
    for (size_t i = w->k; i-- > 0;) {
        uint64_t between = iad_walk_between(w, i + 1);
        fp += between;
        /* Thresholds on negatives alone lower the precision at constant recall: no width, but the next edge starts lower. */
        if (between) last = (double)tp / (double)(tp + fp);
        fp += iad_walk_equal(w, i);
        tp += w->count[i];
        double precision = (double)tp / (double)(tp + fp), rise = (double)w->count[i] / p;
        sum_add(&ap, rise * precision);
        sum_add(&area, rise * (last + precision) / 2);
        last = precision;
        double f1 = 2 * (double)tp / (double)(tp + fp + w->positives);
        if (f1 > best) {
            best = f1;
            out->f1_max_threshold = (double)iad_key_float(w->keys[i]);
        }
    }
    out->ap = ap.sum + ap.lost;
    out->aupr_trapz = area.sum + area.lost;
    out->f1_max = best;
}

/* The part of the PRO curve up to FPR = limit. Whole steps are summed exactly in units of 2^-63 region pixels; only the
 * step that the limit cuts is done in double. */
typedef struct pro_area {
    double limit;       /* FPR */
    double limit_pixels;
    iad_u128 twice;     /* whole steps: 2 * sum of overlap * negatives */
    double tail;        /* the cut step, in mean overlap * negatives */
    int done;
} pro_area;

static void pro_step(pro_area *a, const iad_overlap *o, uint64_t fp, uint64_t width, iad_u128 before, iad_u128 after) {
    if (a->done || !width) return;
    if ((double)(fp + width) <= a->limit_pixels) {
        a->twice += (before + after) * width;
        return;
    }
    double x = a->limit_pixels - (double)fp, y0 = iad_overlap_mean(o, before), y1 = iad_overlap_mean(o, after);
    double cut = y0 + (y1 - y0) * (x / (double)width);
    a->tail = x * (y0 + cut) / 2;
    a->done = 1;
}

static iad_status walk_pro(const iad_walk *w, iad_pixel_metrics *out, iad_err *err) {
    const iad_positives *set = w->set;
    pro_area areas[IAD_PRO_MAX_LIMITS] = {{0}};
    for (size_t l = 0; l < out->n_pro_limits; l++) {
        areas[l].limit = out->pro_limit[l];
        areas[l].limit_pixels = out->pro_limit[l] * (double)w->negatives;
    }
    /* sum <= regions 2^62 and width <= negatives must stay below 2^127 together. */
    if ((double)set->n_regions * (double)w->negatives >= 0x1p63)
        return IAD_FAIL(err, IAD_ERR_LIMIT, "%zu regions and %llu normal pixels in one set", set->n_regions,
                        (unsigned long long)w->negatives);
    iad_overlap o;
    IAD_TRY(iad_overlap_init(&o, set->area, set->n_regions, err));
    uint64_t fp = 0;
    size_t pair = set->n;
    for (size_t i = w->k + 1; i-- > 0;) {
        uint64_t between = iad_walk_between(w, i);
        for (size_t l = 0; l < out->n_pro_limits; l++) pro_step(areas + l, &o, fp, between, o.sum, o.sum);
        fp += between;
        if (!i) break;
        iad_u128 before = o.sum;
        for (uint32_t c = 0; c < w->count[i - 1]; c++) iad_overlap_add(&o, (uint32_t)set->pairs[--pair]);
        uint64_t equal = iad_walk_equal(w, i - 1);
        for (size_t l = 0; l < out->n_pro_limits; l++) pro_step(areas + l, &o, fp, equal, before, o.sum);
        fp += equal;
    }
    for (size_t l = 0; l < out->n_pro_limits; l++) {
        double whole = (double)areas[l].twice / ((double)set->n_regions * 0x1p63);
        double value = (whole + areas[l].tail) / areas[l].limit_pixels;
        out->aupro[l] = value > 1 ? 1 : value;
    }
    iad_overlap_deinit(&o);
    return IAD_OK;
}

iad_status iad_walk_areas(const iad_walk *w, iad_pixel_metrics *out, iad_err *err) {
    out->auroc = iad_walk_auroc(w);
    walk_precision(w, out);
    return walk_pro(w, out, err);
}

typedef struct three_curves {
    iad_curve_builder roc, pr, pro;
} three_curves;

static iad_status curves_pass(const iad_walk *w, three_curves *c, iad_err *err) {
    const iad_positives *set = w->set;
    iad_overlap o;
    IAD_TRY(iad_overlap_init(&o, set->area, set->n_regions, err));
    const double p = (double)w->positives, q = (double)w->negatives;
    uint64_t tp = 0, fp = 0;
    size_t pair = set->n;
    iad_curve_vertex(&c->roc, 0, 0, INFINITY);
    iad_curve_vertex(&c->pro, 0, 0, INFINITY);
    iad_curve_vertex(&c->pr, 0, 1, INFINITY);
    for (size_t i = w->k; i-- > 0;) {
        uint64_t between = iad_walk_between(w, i + 1);
        fp += between;
        if (between) {
            /* The lowest float above this key separates exactly these pixels. */
            double above = (double)iad_key_float(w->keys[i] + 1);
            iad_curve_vertex(&c->roc, (double)fp / q, (double)tp / p, above);
            iad_curve_vertex(&c->pro, (double)fp / q, iad_overlap_mean(&o, o.sum), above);
        }
        for (uint32_t n = 0; n < w->count[i]; n++) iad_overlap_add(&o, (uint32_t)set->pairs[--pair]);
        fp += iad_walk_equal(w, i);
        tp += w->count[i];
        double at = (double)iad_key_float(w->keys[i]);
        iad_curve_vertex(&c->roc, (double)fp / q, (double)tp / p, at);
        iad_curve_vertex(&c->pro, (double)fp / q, iad_overlap_mean(&o, o.sum), at);
        iad_curve_vertex(&c->pr, (double)tp / p, (double)tp / (double)(tp + fp), at);
    }
    if (fp < w->negatives) {
        double lowest = (double)iad_key_float(w->min_key);
        iad_curve_vertex(&c->roc, 1, 1, lowest);
        iad_curve_vertex(&c->pro, 1, 1, lowest);
    }
    iad_curve_end(&c->roc);
    iad_curve_end(&c->pro);
    iad_curve_end(&c->pr);
    iad_overlap_deinit(&o);
    return IAD_OK;
}

iad_status iad_walk_curves(const iad_walk *w, size_t max_points, iad_pixel_metrics *out, iad_err *err) {
    three_curves c;
    iad_curve_measure(&c.roc);
    iad_curve_measure(&c.pr);
    iad_curve_measure(&c.pro);
    IAD_TRY(curves_pass(w, &c, err));
    IAD_TRY(iad_curve_begin(&c.roc, &out->roc, max_points, err));
    IAD_TRY(iad_curve_begin(&c.pr, &out->pr, max_points, err));
    IAD_TRY(iad_curve_begin(&c.pro, &out->pro, max_points, err));
    return curves_pass(w, &c, err);
}
