#include "bench/evalunit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/textargs.h"
#include "bench/jsonwrite.h"
#include "bench/metrics/imagemetrics.h"
#include "bench/metrics/metricstats.h"
#include "bench/metrics/pixelmetrics.h"

#define CURVE_POINTS 200

iad_status iad_evalunit_note(json_t *unit, iad_err *err, const char *fmt, ...) {
    char text[600];
    IAD_TEXT_OF_ARGS(text, fmt);
    json_t *notes = json_object_get(unit, "notes");
    if (!notes) {
        notes = json_array();
        if (!notes || json_object_set_new(unit, "notes", notes) != 0) return IAD_NOMEM(err, "a note");
    }
    return json_array_append_new(notes, iad_jsonw_text(text)) == 0 ? IAD_OK : IAD_NOMEM(err, "a note");
}

static json_t *curve_json(const iad_curve *curve) {
    json_t *points = json_array();
    for (size_t i = 0; points && i < curve->n; i++)
        if (json_array_append_new(points, json_pack("[ff]", curve->x[i], curve->y[i])) != 0) {
            json_decref(points);
            return NULL;
        }
    return points;
}

/* ---- image level ---- */

static iad_status image_json(const double *scores, const uint8_t *labels, size_t n, const char *const *names, json_t **out, iad_err *err) {
    iad_image_metrics m;
    IAD_TRY(iad_image_metrics_compute(scores, labels, n, names, &m, err));
    iad_jsonw w = iad_jsonw_new();
    iad_jsonw_num(&w, "auroc", m.auroc);
    iad_jsonw_num(&w, "auroc_low", m.auroc_low);
    iad_jsonw_num(&w, "auroc_high", m.auroc_high);
    iad_jsonw_num(&w, "auroc_se", m.auroc_se);
    iad_jsonw_num(&w, "ap", m.ap);
    iad_jsonw_num(&w, "aupr_trapz", m.aupr_trapz);
    iad_jsonw_num(&w, "f1_max", m.f1_max);
    iad_jsonw_num(&w, "f1_max_threshold", m.f1_max_threshold);
    iad_jsonw_num(&w, "best_accuracy", m.best_accuracy);
    double pgn = NAN, pbn = NAN;
    iad_status status = m.undefined ? IAD_OK : iad_image_pgn_pbn(scores, labels, n, 0.05, &pgn, &pbn, err);
    iad_jsonw_num(&w, "pgn_05", pgn);
    iad_jsonw_num(&w, "pbn_05", pbn);
    if (status != IAD_OK) w.failed = 1;
    iad_status finished = iad_jsonw_finish(&w, out, status == IAD_OK ? err : NULL);
    return status == IAD_OK ? finished : status;
}

static iad_status add_image_curves(const double *scores, const uint8_t *labels, size_t n, json_t *curves, iad_err *err) {
    iad_curve roc = {0}, pr = {0};
    IAD_TRY(iad_image_curves(scores, labels, n, CURVE_POINTS, &roc, &pr, err));
    int failed = json_object_set_new(curves, "image_roc", curve_json(&roc)) != 0 || json_object_set_new(curves, "image_pr", curve_json(&pr)) != 0;
    iad_curve_deinit(&roc);
    iad_curve_deinit(&pr);
    return failed ? IAD_NOMEM(err, "a curve") : IAD_OK;
}

/* ---- pixel level ---- */

static void legacy_json(iad_jsonw *w, const iad_pixel_legacy *l) {
    iad_jsonw_num(w, "aupro_thr200_rescaled", l->aupro_thr200_rescaled);
    iad_jsonw_num(w, "aupro_thr200_dinomaly", l->aupro_thr200_dinomaly);
    iad_jsonw_num(w, "aupro_thr200_winclip", l->aupro_thr200_winclip);
    iad_jsonw_num(w, "aupro_3d100", l->aupro_3d100);
    iad_jsonw_num(w, "visa202_auroc", l->visa202_auroc);
    iad_jsonw_num(w, "visa202_aupr", l->visa202_aupr);
    iad_jsonw_num(w, "visa202_f1_max", l->visa202_f1_max);
    iad_jsonw_num(w, "ader21_f1_max", l->ader21_f1_max);
    iad_jsonw_num(w, "ader21_iou_max", l->ader21_iou_max);
    iad_jsonw_num(w, "ader_mf1_px_0_2_0_8_0_1", l->ader_mf1_px_0_2_0_8_0_1);
    iad_jsonw_num(w, "ader_macc_px_0_2_0_8_0_1", l->ader_macc_px_0_2_0_8_0_1);
    iad_jsonw_num(w, "ader_miou_px_0_2_0_8_0_1", l->ader_miou_px_0_2_0_8_0_1);
}

static void interval_json(iad_jsonw *w, const char *name, const iad_interval *interval) {
    char key[64];
    snprintf(key, sizeof key, "%s_low", name);
    iad_jsonw_num(w, key, interval->low);
    snprintf(key, sizeof key, "%s_high", name);
    iad_jsonw_num(w, key, interval->high);
}

static iad_status pixel_json(const iad_pixel_metrics *m, const iad_pixel_bootstrap *boot, const iad_eval_options *options, json_t **out,
                             iad_err *err) {
    iad_jsonw w = iad_jsonw_new();
    iad_jsonw_num(&w, "auroc", m->auroc);
    iad_jsonw_num(&w, "ap", m->ap);
    iad_jsonw_num(&w, "aupr_trapz", m->aupr_trapz);
    iad_jsonw_num(&w, "f1_max", m->f1_max);
    iad_jsonw_num(&w, "f1_max_threshold", m->f1_max_threshold);
    iad_jsonw_num(&w, "aupro", m->aupro[0]);
    iad_jsonw_num(&w, "aupro_limit", m->pro_limit[0]);
    for (size_t i = 1; i < m->n_pro_limits; i++) {
        char key[32];
        snprintf(key, sizeof key, "aupro_%g", m->pro_limit[i]);
        iad_jsonw_num(&w, key, m->aupro[i]);
    }
    if (boot) {
        interval_json(&w, "auroc", &boot->auroc);
        interval_json(&w, "ap", &boot->ap);
        interval_json(&w, "f1_max", &boot->f1_max);
        interval_json(&w, "aupro", &boot->aupro);
    }
    iad_jsonw_num(&w, "auroc_anomaly_only", m->auroc_anomaly_only);
    if (options->aupimo) {
        iad_jsonw_num(&w, "aupimo_mean", m->aupimo_mean);
        iad_jsonw_num(&w, "aupimo_sd", m->aupimo_sd);
        iad_jsonw_num(&w, "aupimo_p05", m->aupimo_p05);
        iad_jsonw_num(&w, "aupimo_p50", m->aupimo_p50);
        iad_jsonw_num(&w, "aupimo_p95", m->aupimo_p95);
    }
    if (options->legacy) legacy_json(&w, &m->legacy);
    iad_jsonw_int(&w, "pixels", (long long)m->pixels);
    iad_jsonw_int(&w, "positives", (long long)m->positives);
    iad_jsonw_int(&w, "regions", (long long)m->regions);
    iad_jsonw_int(&w, "lost_regions", (long long)m->lost_regions);
    iad_jsonw_int(&w, "lost_pictures", (long long)m->lost_pictures);
    iad_jsonw_num(&w, "score_min", (double)m->score_min);
    iad_jsonw_num(&w, "score_max", (double)m->score_max);
    return iad_jsonw_finish(&w, out, err);
}

static unsigned wanted(const iad_eval_options *options) {
    unsigned want = IAD_PIXEL_ANOMALY_ONLY | options->protocol->pro_variant;
    if (options->aupimo) want |= IAD_PIXEL_AUPIMO;
    if (options->legacy) want |= IAD_PIXEL_PRO_THR200 | IAD_PIXEL_PRO_3D100 | IAD_PIXEL_VISA202 | IAD_PIXEL_ADER21;
    return want;
}

static iad_status measure_pixels(const iad_map_source *source, const iad_eval_options *options, json_t *unit, json_t *curves, iad_err *err) {
    iad_pixel_options po = {.n_pro_limits = options->n_pro_limits, .connectivity = options->protocol->connectivity,
                            .n_threads = options->threads, .want = wanted(options), .curve_points = CURVE_POINTS};
    memcpy(po.pro_limits, options->pro_limits, sizeof po.pro_limits);
    iad_pixel_metrics m = {0};
    iad_pixel_bootstrap boot;
    int has_boot = 0;
    IAD_TRY(iad_pixel_metrics_compute(source, &po, &m, err));
    iad_status status = IAD_OK;
    if (options->bootstrap > 0 && !m.undefined) {
        iad_bootstrap_options bo = {.seed = 1, .replicates = options->bootstrap, .stratified = 1, .n_threads = options->threads};
        status = iad_pixel_bootstrap_run(source, &m, options->protocol->connectivity, &bo, &boot, err);
        has_boot = status == IAD_OK;
    }
    json_t *pixel = NULL;
    if (status == IAD_OK) status = pixel_json(&m, has_boot ? &boot : NULL, options, &pixel, err);
    if (status == IAD_OK && (json_object_set_new(unit, "pixel", pixel) != 0 ||
                             json_object_set_new(curves, "pixel_roc", curve_json(&m.roc)) != 0 ||
                             json_object_set_new(curves, "pixel_pr", curve_json(&m.pr)) != 0 ||
                             json_object_set_new(curves, "pixel_pro", curve_json(&m.pro)) != 0))
        status = IAD_NOMEM(err, "a result");
    if (status == IAD_OK && m.lost_pictures)
        status = iad_evalunit_note(unit, err, "%llu anomalous pictures have no defect pixel left at evaluation size",
                                   (unsigned long long)m.lost_pictures);
    if (status == IAD_OK && m.lost_regions)
        status = iad_evalunit_note(unit, err, "%llu defect regions vanished or merged at evaluation size", (unsigned long long)m.lost_regions);
    if (status == IAD_OK && m.undefined) status = iad_evalunit_note(unit, err, "pixel metrics are undefined: only one class of pixels");
    iad_pixel_metrics_deinit(&m);
    return status;
}

/* ---- per defect kind: the normals against this kind alone ---- */

static int by_text(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

static iad_status defect_json(const char *name, const iad_eval_test *tests, size_t n, const iad_map_source *source, const size_t *in_cache,
                              double *scores, uint8_t *labels, size_t *index, const iad_eval_options *options, json_t **out, iad_err *err) {
    size_t m = 0, anomalous = 0;
    for (size_t i = 0; i < n; i++) {
        if (tests[i].label && strcmp(tests[i].defect ? tests[i].defect : "", name) != 0) continue;
        scores[m] = tests[i].score;
        labels[m] = (uint8_t)tests[i].label;
        if (in_cache) index[m] = in_cache[i];
        anomalous += tests[i].label != 0;
        m++;
    }
    iad_image_metrics image;
    IAD_TRY(iad_image_metrics_compute(scores, labels, m, NULL, &image, err));
    double pixel_auroc = NAN, aupro = NAN;
    if (source) {
        iad_map_subset subset = {source, index};
        iad_map_source part = iad_map_source_subset(&subset, m);
        iad_pixel_options po = {.connectivity = options->protocol->connectivity, .n_threads = options->threads};
        iad_pixel_metrics pixel = {0};
        IAD_TRY(iad_pixel_metrics_compute(&part, &po, &pixel, err));
        pixel_auroc = pixel.auroc;
        aupro = pixel.aupro[0];
        iad_pixel_metrics_deinit(&pixel);
    }
    iad_jsonw w = iad_jsonw_new();
    iad_jsonw_str(&w, "name", name);
    iad_jsonw_int(&w, "n", (long long)anomalous);
    iad_jsonw_num(&w, "image_auroc", image.auroc);
    iad_jsonw_num(&w, "pixel_auroc", pixel_auroc);
    iad_jsonw_num(&w, "aupro", aupro);
    return iad_jsonw_finish(&w, out, err);
}

static iad_status measure_defects(const iad_eval_test *tests, size_t n, const iad_map_source *source, const size_t *in_cache, double *scores,
                                  uint8_t *labels, const iad_eval_options *options, json_t *unit, iad_err *err) {
    const char **names = iad_calloc(n, sizeof *names);
    size_t *index = iad_calloc(n, sizeof *index);
    json_t *list = json_array();
    size_t m = 0;
    iad_status status = names && index && list ? IAD_OK : IAD_NOMEM(err, "the kinds of defects");
    for (size_t i = 0; status == IAD_OK && i < n; i++)
        if (tests[i].label) names[m++] = tests[i].defect ? tests[i].defect : "";
    if (status == IAD_OK && m) qsort(names, m, sizeof *names, by_text);
    for (size_t i = 0; status == IAD_OK && i < m; i++) {
        if (i && strcmp(names[i], names[i - 1]) == 0) continue;
        json_t *defect = NULL;
        status = defect_json(names[i], tests, n, source, in_cache, scores, labels, index, options, &defect, err);
        if (status == IAD_OK && json_array_append_new(list, defect) != 0) status = IAD_NOMEM(err, "the kinds of defects");
    }
    if (status == IAD_OK && json_object_set(unit, "defects", list) != 0) status = IAD_NOMEM(err, "the kinds of defects");
    json_decref(list);
    free(index);
    free(names);
    return status;
}

/* ---- the unit ---- */

/* Place of each test in the cache; *masks_missing counts anomalous pictures without a stored mask. */
static iad_status locate(const iad_eval_test *tests, size_t n, const iad_mapcache *cache, size_t *in_cache, size_t *masks_missing,
                         size_t *masks_there, const char **first_missing, iad_err *err) {
    *masks_missing = *masks_there = 0;
    for (size_t i = 0; i < n; i++) {
        ptrdiff_t at = iad_mapcache_find(cache, tests[i].path);
        if (at < 0) return IAD_FAIL(err, IAD_ERR_INTERNAL, "%s: no map in the cache", tests[i].path);
        in_cache[i] = (size_t)at;
        iad_mapcache_entry entry;
        int has_mask;
        IAD_TRY(iad_mapcache_entry_at(cache, (size_t)at, &entry, &has_mask, err));
        if (!tests[i].label) continue;
        if (has_mask) {
            (*masks_there)++;
        } else {
            if (!*masks_missing) *first_missing = tests[i].path;
            (*masks_missing)++;
        }
    }
    return IAD_OK;
}

static json_t *pictures_json(const iad_eval_test *tests, size_t n) {
    json_t *list = json_array();
    for (size_t i = 0; list && i < n; i++) {
        iad_jsonw w = iad_jsonw_new();
        iad_jsonw_str(&w, "path", tests[i].path);
        iad_jsonw_int(&w, "label", tests[i].label);
        iad_jsonw_str(&w, "defect", tests[i].defect);
        iad_jsonw_num(&w, "score", tests[i].score);
        json_t *picture = NULL;
        if (iad_jsonw_finish(&w, &picture, NULL) != IAD_OK || json_array_append_new(list, picture) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static iad_status measure(const iad_eval_test *tests, size_t n, const iad_mapcache *cache, const iad_eval_options *options, json_t *unit,
                          double *scores, uint8_t *labels, const char **names, size_t *in_cache, iad_err *err) {
    size_t anomalous = 0;
    for (size_t i = 0; i < n; i++) {
        scores[i] = tests[i].score;
        labels[i] = (uint8_t)tests[i].label;
        names[i] = tests[i].path;
        anomalous += tests[i].label != 0;
    }
    json_t *image = NULL, *curves = json_object();
    if (!curves || json_object_set_new(unit, "curves", curves) != 0) return IAD_NOMEM(err, "a result");
    if (json_object_set_new(unit, "counts", json_pack("{sI sI}", "normal", (json_int_t)(n - anomalous), "anomalous", (json_int_t)anomalous)) != 0)
        return IAD_NOMEM(err, "a result");
    IAD_TRY(image_json(scores, labels, n, names, &image, err));
    if (json_object_set_new(unit, "image", image) != 0) return IAD_NOMEM(err, "a result");
    if (anomalous == 0 || anomalous == n)
        IAD_TRY(iad_evalunit_note(unit, err, "image metrics are undefined: every test picture is %s", anomalous ? "anomalous" : "normal"));
    IAD_TRY(add_image_curves(scores, labels, n, curves, err));

    iad_map_source source = {0};
    int with_pixels = 0;
    if (json_object_set_new(unit, "pixel", json_null()) != 0) return IAD_NOMEM(err, "a result");
    if (cache) {
        size_t missing, there;
        const char *first = "";
        IAD_TRY(locate(tests, n, cache, in_cache, &missing, &there, &first, err));
        with_pixels = missing == 0 && there > 0;
        if (missing && !there) IAD_TRY(iad_evalunit_note(unit, err, "no pixel metrics: this category has no masks"));
        if (missing && there)
            IAD_TRY(iad_evalunit_note(unit, err, "no pixel metrics: %zu anomalous pictures have no mask (first: %s)", missing, first));
        source = iad_mapcache_source(cache);
    }
    iad_map_subset ordered = {&source, in_cache};
    iad_map_source part = iad_map_source_subset(&ordered, n);
    if (with_pixels) IAD_TRY(measure_pixels(&part, options, unit, curves, err));
    IAD_TRY(measure_defects(tests, n, with_pixels ? &source : NULL, with_pixels ? in_cache : NULL, scores, labels, options, unit, err));
    return json_object_set_new(unit, "pictures", pictures_json(tests, n)) == 0 ? IAD_OK : IAD_NOMEM(err, "a result");
}

iad_status iad_evalunit_measure(const iad_eval_test *tests, size_t n, const iad_mapcache *cache, const iad_eval_options *options,
                                json_t *unit, iad_err *err) {
    double *scores = iad_calloc(n, sizeof *scores);
    uint8_t *labels = iad_calloc(n, sizeof *labels);
    const char **names = iad_calloc(n, sizeof *names);
    size_t *in_cache = iad_calloc(n, sizeof *in_cache);
    iad_status status = scores && labels && names && in_cache
                            ? measure(tests, n, cache, options, unit, scores, labels, names, in_cache, err)
                            : IAD_NOMEM(err, "the scores");
    free(in_cache);
    free(names);
    free(labels);
    free(scores);
    return status;
}
