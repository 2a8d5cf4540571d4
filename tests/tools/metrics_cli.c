/* A thin program around the metric library for oracle_metrics.py: reads .npy maps and masks, prints name=value lines.
 *
 *   metrics_cli pixel FOLDER N THREADS CONNECTIVITY   FOLDER/map_0.npy, FOLDER/mask_0.npy ... N-1; a missing mask is a normal picture
 *   metrics_cli image FILE                            lines "score label" */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/text.h"
#include "bench/metrics/imagemetrics.h"
#include "bench/metrics/mapreader.h"
#include "bench/metrics/metricstats.h"
#include "bench/metrics/pixelmetrics.h"

static iad_err err;

static void show(const char *name, double value) { printf("%s=%.17g\n", name, value); }

static iad_status load_set(const char *folder, size_t n, iad_map_view *views, iad_plane *maps) {
    for (size_t i = 0; i < n; i++) {
        char path[IAD_PATH_MAX];
        snprintf(path, sizeof path, "%s/map_%zu.npy", folder, i);
        IAD_TRY(iad_mapreader_load(path, &maps[i], &err));
        views[i] = (iad_map_view){.map = maps[i].px, .width = maps[i].width, .height = maps[i].height, .label = -1, .source_regions = -1};
        snprintf(path, sizeof path, "%s/mask_%zu.npy", folder, i);
        if (!iad_file_exists(path)) continue;
        iad_plane plane;
        IAD_TRY(iad_mapreader_load(path, &plane, &err));
        size_t pixels = (size_t)plane.width * (size_t)plane.height;
        uint8_t *mask = iad_alloc(pixels, 1);
        if (!mask) return IAD_NOMEM(&err, "mask");
        for (size_t j = 0; j < pixels; j++) mask[j] = plane.px[j] != 0;
        views[i].mask = mask;
        iad_plane_deinit(&plane);
    }
    return IAD_OK;
}

static iad_status pixel(const char *folder, size_t n, int threads, int connectivity) {
    iad_map_view *views = iad_calloc(n, sizeof *views);
    iad_plane *maps = iad_calloc(n, sizeof *maps);
    if (!views || !maps) return IAD_NOMEM(&err, "pictures");
    IAD_TRY(load_set(folder, n, views, maps));
    iad_map_source source = iad_map_source_array(views, n);
    iad_pixel_options o = {.pro_limits = {0.05, 0.3, 1}, .n_pro_limits = 3, .connectivity = connectivity, .n_threads = threads,
                           .want = ~0u, .aupimo_low = 1e-3, .aupimo_high = 1e-1, .use_pro_threshold = 1, .pro_threshold = 0.5};
    iad_pixel_metrics m;
    IAD_TRY(iad_pixel_metrics_compute(&source, &o, &m, &err));
    show("regions", (double)m.regions);
    show("auroc", m.auroc);
    show("ap", m.ap);
    show("aupr_trapz", m.aupr_trapz);
    show("f1_max", m.f1_max);
    show("aupro_0.05", m.aupro[0]);
    show("aupro_0.3", m.aupro[1]);
    show("aupro_1", m.aupro[2]);
    show("auroc_anomaly_only", m.auroc_anomaly_only);
    show("pro_at_threshold", m.pro_at_threshold);
    show("aupro_thr200_rescaled", m.legacy.aupro_thr200_rescaled);
    show("aupro_thr200_dinomaly", m.legacy.aupro_thr200_dinomaly);
    show("aupro_3d100", m.legacy.aupro_3d100);
    show("visa202_auroc", m.legacy.visa202_auroc);
    show("visa202_aupr", m.legacy.visa202_aupr);
    show("visa202_f1_max", m.legacy.visa202_f1_max);
    show("ader21_f1_max", m.legacy.ader21_f1_max);
    show("ader21_iou_max", m.legacy.ader21_iou_max);
    show("ader_mf1", m.legacy.ader_mf1_px_0_2_0_8_0_1);
    show("aupimo_mean", m.aupimo_mean);
    iad_pixel_metrics_deinit(&m);
    for (size_t i = 0; i < n; i++) {
        free((void *)(uintptr_t)views[i].mask);
        iad_plane_deinit(&maps[i]);
    }
    free(views);
    free(maps);
    return IAD_OK;
}

static iad_status image(const char *path) {
    uint8_t *data, *labels = NULL;
    size_t bytes, n = 0, cap_s = 0, cap_l = 0;
    double *scores = NULL;
    IAD_TRY(iad_file_read(path, 1u << 30, &data, &bytes, &err));
    char *at = (char *)data;
    while (*at) {
        char *end;
        double score = strtod(at, &end);
        if (end == at) break;
        long label = strtol(end, &at, 10);
        IAD_TRY(iad_grow((void **)&scores, &cap_s, n + 1, sizeof *scores, 100000000, "scores", &err));
        IAD_TRY(iad_grow((void **)&labels, &cap_l, n + 1, 1, 100000000, "scores", &err));
        scores[n] = score;
        labels[n++] = label != 0;
        while (*at == '\n' || *at == ' ') at++;
    }
    iad_image_metrics m;
    double pgn, pbn;
    IAD_TRY(iad_image_metrics_compute(scores, labels, n, NULL, &m, &err));
    IAD_TRY(iad_image_pgn_pbn(scores, labels, n, 0.05, &pgn, &pbn, &err));
    show("auroc", m.auroc);
    show("ap", m.ap);
    show("aupr_trapz", m.aupr_trapz);
    show("f1_max", m.f1_max);
    show("f1_max_threshold", m.f1_max_threshold);
    show("pg5", pgn);
    show("pb5", pbn);
    show("auroc_se", m.auroc_se);
    free(scores);
    free(labels);
    free(data);
    return IAD_OK;
}

int main(int argc, char **argv) {
    iad_status status;
    if (argc == 6 && !strcmp(argv[1], "pixel"))
        status = pixel(argv[2], strtoul(argv[3], NULL, 10), (int)strtol(argv[4], NULL, 10), (int)strtol(argv[5], NULL, 10));
    else if (argc == 3 && !strcmp(argv[1], "image")) status = image(argv[2]);
    else {
        fputs("usage: metrics_cli pixel FOLDER N THREADS CONNECTIVITY | metrics_cli image FILE\n", stderr);
        return 2;
    }
    if (status != IAD_OK) fprintf(stderr, "%s\n", err.msg);
    return status != IAD_OK;
}
