#include "bench/metrics/pixelmetrics.h"

#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "bench/metrics/aupimo.h"
#include "bench/metrics/floatkey.h"
#include "bench/metrics/legacymetrics.h"
#include "bench/metrics/pixelwalk.h"
#include "bench/metrics/positives.h"
#include "bench/metrics/tally.h"

static iad_status check_options(iad_pixel_options *o, iad_err *err) {
    if (!o->n_pro_limits) {
        o->n_pro_limits = 1;
        o->pro_limits[0] = 0.3;
    }
    if (o->n_pro_limits > IAD_PRO_MAX_LIMITS)
        return IAD_FAIL(err, IAD_ERR_ARG, "%zu PRO limits, at most %d", o->n_pro_limits, IAD_PRO_MAX_LIMITS);
    for (size_t i = 0; i < o->n_pro_limits; i++)
        if (!(o->pro_limits[i] > 0 && o->pro_limits[i] <= 1))
            return IAD_FAIL(err, IAD_ERR_ARG, "PRO limit %g is not in (0, 1]", o->pro_limits[i]);
    if (!o->connectivity) o->connectivity = 8;
    if (o->connectivity != 4 && o->connectivity != 8)
        return IAD_FAIL(err, IAD_ERR_ARG, "connectivity %d is neither 4 nor 8", o->connectivity);
    if (o->n_threads < 1) o->n_threads = 1;
    if (o->n_threads > 256) o->n_threads = 256;
    if (o->curve_points && o->curve_points < 8)
        return IAD_FAIL(err, IAD_ERR_ARG, "a curve needs at least 8 points, not %zu", o->curve_points);
    if (o->aupimo_low <= 0) o->aupimo_low = 1e-5;
    if (o->aupimo_high <= 0) o->aupimo_high = 1e-4;
    if (!(o->aupimo_low < o->aupimo_high && o->aupimo_high <= 1))
        return IAD_FAIL(err, IAD_ERR_ARG, "AUPIMO bounds %g and %g", o->aupimo_low, o->aupimo_high);
    if (o->use_pro_threshold && !isfinite(o->pro_threshold)) return IAD_FAIL(err, IAD_ERR_ARG, "PRO threshold is not finite");
    return IAD_OK;
}

static void clear_values(iad_pixel_metrics *m, const iad_pixel_options *o) {
    *m = (iad_pixel_metrics){0};
    m->auroc = m->ap = m->aupr_trapz = m->f1_max = m->f1_max_threshold = m->auroc_anomaly_only = NAN;
    m->aupimo_mean = m->aupimo_sd = m->aupimo_p05 = m->aupimo_p50 = m->aupimo_p95 = NAN;
    m->pro_at_threshold = m->fpr_at_threshold = m->precision_at_threshold = m->recall_at_threshold = m->iou_at_threshold = NAN;
    m->legacy = (iad_pixel_legacy){NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN};
    m->n_pro_limits = o->n_pro_limits;
    for (size_t i = 0; i < o->n_pro_limits; i++) {
        m->pro_limit[i] = o->pro_limits[i];
        m->aupro[i] = NAN;
    }
}

/* AUROC of the pictures with a defect; `tally` holds just these. Their negatives are fewer than those of the whole set. */
static double anomaly_only(const iad_positives *set, const iad_tally *tally, const uint32_t *keys, const uint32_t *count, size_t k) {
    uint64_t pixels = 0;
    for (size_t i = 0; i < 2 * k + 1; i++) pixels += tally->slots[i];
    if (pixels == set->n) return NAN;
    iad_walk walk = {keys, count, k, tally->slots, set->n, pixels - set->n, set, 0, 0};
    return iad_walk_auroc(&walk);
}

static iad_status second_pass(const iad_map_source *source, const iad_pixel_options *o, iad_positives *set,
                              iad_pixel_metrics *out, iad_err *err) {
    uint32_t *keys = NULL, *count = NULL;
    size_t k = 0;
    iad_tally tally = {0};
    iad_status status = iad_positives_sort(set, err);
    if (status == IAD_OK) status = iad_positives_distinct(set, &keys, &count, &k, err);
    if (status == IAD_OK && (o->want & IAD_PIXEL_ANOMALY_ONLY)) {
        status = iad_tally_count(source, keys, k, IAD_TALLY_DEFECT, set->has_defect, o->n_threads, &tally, err);
        if (status == IAD_OK) {
            out->auroc_anomaly_only = anomaly_only(set, &tally, keys, count, k);
            status = iad_tally_count(source, keys, k, IAD_TALLY_CLEAN, set->has_defect, o->n_threads, &tally, err);
        }
    } else if (status == IAD_OK) {
        status = iad_tally_count(source, keys, k, IAD_TALLY_ALL, NULL, o->n_threads, &tally, err);
    }
    if (status == IAD_OK) {
        out->distinct = k;
        out->score_min = iad_key_float(tally.min_key);
        out->score_max = iad_key_float(tally.max_key);
        iad_walk walk = {keys, count, k, tally.slots, out->positives, out->negatives, set, tally.min_key, tally.max_key};
        if (!out->undefined) {
            status = iad_walk_areas(&walk, out, err);
            if (status == IAD_OK && o->curve_points) status = iad_walk_curves(&walk, o->curve_points, out, err);
        }
    }
    iad_tally_deinit(&tally);
    free(keys);
    free(count);
    return status;
}

/* No defect pixel: the maps are still read for their range and for NaN. */
static iad_status range_only(const iad_map_source *source, int n_threads, iad_pixel_metrics *out, iad_err *err) {
    const uint32_t any = iad_float_key(0);
    iad_tally tally = {0};
    iad_status status = iad_tally_count(source, &any, 1, IAD_TALLY_ALL, NULL, n_threads, &tally, err);
    if (status == IAD_OK && out->pixels) {
        out->score_min = iad_key_float(tally.min_key);
        out->score_max = iad_key_float(tally.max_key);
    }
    iad_tally_deinit(&tally);
    return status;
}

iad_status iad_pixel_metrics_compute(const iad_map_source *source, const iad_pixel_options *options,
                                     iad_pixel_metrics *out, iad_err *err) {
    iad_pixel_options o = options ? *options : (iad_pixel_options){0};
    *out = (iad_pixel_metrics){0};
    IAD_TRY(check_options(&o, err));
    clear_values(out, &o);
    iad_positives set;
    int want_holes = (o.want & IAD_PIXEL_PRO_THR200) != 0;
    iad_status status = iad_positives_collect(source, o.connectivity, want_holes, o.n_threads, &set, err);
    if (status == IAD_OK) {
        out->pictures = set.n_pictures;
        out->defect_pictures = set.defect_pictures;
        out->pixels = set.total_pixels;
        out->positives = set.n;
        out->negatives = set.total_pixels - set.n;
        out->regions = set.n_regions;
        out->source_regions = set.source_regions;
        out->lost_pictures = set.lost_pictures;
        out->lost_regions = set.lost_regions;
        out->undefined = !out->positives || !out->negatives;
        status = out->positives ? second_pass(source, &o, &set, out, err) : range_only(source, o.n_threads, out, err);
    }
    if (status == IAD_OK && !out->undefined) status = iad_legacy_compute(source, &o, &set, out, err);
    if (status == IAD_OK && (o.want & IAD_PIXEL_AUPIMO)) status = iad_aupimo_compute(source, &o, &set, out, err);
    iad_positives_deinit(&set);
    if (status != IAD_OK) iad_pixel_metrics_deinit(out);
    return status;
}

void iad_pixel_metrics_deinit(iad_pixel_metrics *m) {
    free(m->aupimo);
    m->aupimo = NULL;
    iad_curve_deinit(&m->roc);
    iad_curve_deinit(&m->pr);
    iad_curve_deinit(&m->pro);
}
