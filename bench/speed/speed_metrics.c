#include "bench/speed/speed_metrics.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/rng.h"
#include "bench/metrics/imagemetrics.h"
#include "bench/metrics/pixelmetrics.h"
#include "bench/speed/askpython.h"

#define GRID 16          /* patches a side, as a ViT-L/14 at 224 gives */
#define RUNS 3           /* the best of these counts */
#define IMAGE_SCORES 1000000

/* Two kinds of maps: what patch models give, and the worst case for caches. */
typedef enum map_kind { SMOOTH, NOISY, KINDS } map_kind;
static const char *const kind_names[KINDS] = {"smooth", "noisy"};

typedef struct bench_set {
    char folder[64];
    char maps_path[80], masks_path[80];
    int n, size;
    iad_map maps, masks;
    iad_map_view *views;
} bench_set;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* A line such as "VmHWM:  1234 kB" of /proc/self/status; -1 when there is none. */
static double status_kib(const char *key) {
    FILE *f = fopen("/proc/self/status", "r");
    char line[256];
    double value = -1;
    while (f && fgets(line, sizeof line, f))
        if (!strncmp(line, key, strlen(key))) value = strtod(line + strlen(key), NULL);
    if (f) fclose(f);
    return value;
}

/* Sets the high-water mark of resident memory back to the present; 0 when the system does not let us. */
static int reset_peak(void) {
    FILE *f = fopen("/proc/self/clear_refs", "w");
    if (!f) return 0;
    int ok = fputs("5", f) >= 0;
    return fclose(f) == 0 && ok;
}

static void fill_map(float *map, uint8_t *mask, int size, int index, map_kind kind) {
    iad_rng rng;
    iad_rng_init(&rng, 20240531, (uint64_t)index);
    float grid[GRID + 1][GRID + 1];
    for (int y = 0; y <= GRID; y++)
        for (int x = 0; x <= GRID; x++) grid[y][x] = (float)iad_rng_unit(&rng);
    memset(mask, 0, (size_t)size * (size_t)size);
    int blobs = index % 4 == 3 ? 0 : 1 + (int)iad_rng_below(&rng, 3); /* a quarter of the pictures is normal */
    for (int b = 0; b < blobs; b++) {
        double cx = iad_rng_range(&rng, 0.1, 0.9) * size, cy = iad_rng_range(&rng, 0.1, 0.9) * size;
        double rx = iad_rng_range(&rng, 0.02, 0.08) * size, ry = iad_rng_range(&rng, 0.02, 0.08) * size;
        for (int y = 0; y < size; y++)
            for (int x = 0; x < size; x++) {
                double dx = (x - cx) / rx, dy = (y - cy) / ry;
                if (dx * dx + dy * dy < 1) mask[(size_t)y * (size_t)size + (size_t)x] = 1;
            }
    }
    for (int y = 0; y < size; y++)
        for (int x = 0; x < size; x++) {
            float fy = (float)y * GRID / (float)size, fx = (float)x * GRID / (float)size;
            int iy = (int)fy, ix = (int)fx;
            fy -= (float)iy;
            fx -= (float)ix;
            float top = grid[iy][ix] + (grid[iy][ix + 1] - grid[iy][ix]) * fx;
            float low = grid[iy + 1][ix] + (grid[iy + 1][ix + 1] - grid[iy + 1][ix]) * fx;
            size_t at = (size_t)y * (size_t)size + (size_t)x;
            map[at] = top + (low - top) * fy + (mask[at] ? 0.3f : 0);
            if (kind == NOISY) map[at] += 0.3f * (float)(iad_rng_u32(&rng) >> 8) * 0x1p-24f;
        }
}

static iad_status write_set(const bench_set *s, map_kind kind, iad_err *err) {
    size_t pixels = (size_t)s->size * (size_t)s->size;
    float *map = iad_alloc(pixels, sizeof *map);
    uint8_t *mask = iad_alloc(pixels, 1);
    FILE *maps = fopen(s->maps_path, "wb"), *masks = fopen(s->masks_path, "wb");
    iad_status status = map && mask ? IAD_OK : IAD_NOMEM(err, "synthetic maps");
    if (status == IAD_OK && (!maps || !masks)) status = IAD_FAIL(err, IAD_ERR_IO, "%s: %s", s->folder, strerror(errno));
    for (int i = 0; i < s->n && status == IAD_OK; i++) {
        fill_map(map, mask, s->size, i, kind);
        if (fwrite(map, sizeof *map, pixels, maps) != pixels || fwrite(mask, 1, pixels, masks) != pixels)
            status = IAD_FAIL(err, IAD_ERR_IO, "%s: %s", s->folder, strerror(errno));
    }
    if (maps && fclose(maps) != 0 && status == IAD_OK) status = IAD_FAIL(err, IAD_ERR_IO, "%s: %s", s->maps_path, strerror(errno));
    if (masks && fclose(masks) != 0 && status == IAD_OK) status = IAD_FAIL(err, IAD_ERR_IO, "%s: %s", s->masks_path, strerror(errno));
    free(map);
    free(mask);
    return status;
}

static void unmap(bench_set *s) {
    iad_map_close(&s->maps);
    iad_map_close(&s->masks);
    s->maps = s->masks = (iad_map){0};
}

static iad_status map_set(bench_set *s, iad_err *err) {
    size_t pixels = (size_t)s->size * (size_t)s->size;
    IAD_TRY(iad_map_open(&s->maps, s->maps_path, err));
    iad_status status = iad_map_open(&s->masks, s->masks_path, err);
    if (status != IAD_OK) {
        iad_map_close(&s->maps);
        return status;
    }
    for (int i = 0; i < s->n; i++)
        s->views[i] = (iad_map_view){.map = (const float *)(const void *)s->maps.data + (size_t)i * pixels,
                                     .mask = s->masks.data + (size_t)i * pixels, .width = s->size, .height = s->size,
                                     .label = -1, .source_regions = -1};
    /* Page faults are not what is measured here. */
    volatile uint8_t sink = 0;
    for (size_t i = 0; i < s->maps.n; i += 4096) sink ^= s->maps.data[i];
    for (size_t i = 0; i < s->masks.n; i += 4096) sink ^= s->masks.data[i];
    (void)sink;
    return IAD_OK;
}

typedef struct result {
    double seconds, extra_kib, auroc;
} result;

static iad_status time_ours(const bench_set *s, int threads, result *out, iad_pixel_metrics *m, iad_err *err) {
    iad_map_source source = iad_map_source_array(s->views, (size_t)s->n);
    iad_pixel_options o = {.n_threads = threads};
    *out = (result){INFINITY, -1, NAN};
    for (int r = 0; r < RUNS; r++) {
        double before = reset_peak() ? status_kib("VmRSS:") : -1, start = now();
        IAD_TRY(iad_pixel_metrics_compute(&source, &o, m, err));
        double seconds = now() - start;
        if (seconds < out->seconds) out->seconds = seconds;
        /* Later runs reuse memory of the first one, so the largest rise is the true one. */
        if (before >= 0) out->extra_kib = fmax(out->extra_kib, status_kib("VmHWM:") - before);
        out->auroc = m->auroc;
        iad_pixel_metrics_deinit(m);
    }
    return IAD_OK;
}

static const char script[] =
    "import sys, time, resource\n"
    "import numpy as np\n"
    "from sklearn.metrics import roc_auc_score\n"
    "s = np.fromfile(sys.argv[1], np.float32)\n"
    "y = np.fromfile(sys.argv[2], np.uint8)\n"
    "roc_auc_score(y[:1000] * 0 + np.arange(1000) % 2, s[:1000])\n"
    "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
    "t = time.perf_counter()\n"
    "a = roc_auc_score(y, s)\n"
    "t = time.perf_counter() - t\n"
    "print(t, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, repr(float(a)))\n";

/* 0 when Python or scikit-learn cannot be run. */
static int time_sklearn(const bench_set *s, const char *python, result *out) {
    iad_buf answer;
    iad_buf_init(&answer, 1 << 16);
    int ran = 0;
    iad_ask_python((const char *[]){python, "-c", script, s->maps_path, s->masks_path, NULL}, &answer, &ran, NULL);
    char text[256];
    iad_text_copy(text, sizeof text, iad_buf_str(&answer));
    iad_buf_deinit(&answer);
    char *at = text;
    *out = (result){strtod(at, &at), strtod(at, &at), NAN};
    char *end = at;
    out->auroc = strtod(at, &end);
    return ran && end > at;
}

static void print_row(FILE *out, const char *tool, const char *kind, const result *r, double pixels) {
    fprintf(out, "%-34s %-7s %9.3f %9.2f %10.0f %8.2f  %.12f\n", tool, kind, r->seconds, r->seconds * 1e9 / pixels,
            r->extra_kib / 1024, r->extra_kib * 1024 / pixels, r->auroc);
}

static iad_status run_kind(FILE *out, bench_set *s, const char *python, map_kind kind, iad_err *err) {
    IAD_TRY(write_set(s, kind, err));
    IAD_TRY(map_set(s, err));
    const double pixels = (double)s->n * s->size * s->size;
    result one, two, sklearn;
    iad_pixel_metrics m;
    iad_status status = time_ours(s, 1, &one, &m, err);
    if (status == IAD_OK) {
        print_row(out, "ours: AUROC AP F1 AUPRO, exact", kind_names[kind], &one, pixels);
        fprintf(out, "  %.2f %% defect pixels, %llu regions, AP %.6f, F1-max %.6f, AUPRO %.6f\n", 100 * (double)m.positives / pixels,
                (unsigned long long)m.regions, m.ap, m.f1_max, m.aupro[0]);
        status = time_ours(s, 2, &two, &m, err);
    }
    if (status == IAD_OK) print_row(out, "the same on two threads", kind_names[kind], &two, pixels);
    unmap(s);
    IAD_TRY(status);
    if (!python) return IAD_OK;
    if (!time_sklearn(s, python, &sklearn)) {
        fprintf(out, "%s with scikit-learn did not run\n", python);
        return IAD_OK;
    }
    print_row(out, "scikit-learn: AUROC alone", kind_names[kind], &sklearn, pixels);
    fprintf(out, "  ours is %.1f times faster and takes %.1f times less memory; AUROC differs by %.1g\n", sklearn.seconds / one.seconds,
            sklearn.extra_kib / one.extra_kib, fabs(sklearn.auroc - one.auroc));
    return IAD_OK;
}

static iad_status run_image_level(FILE *out, iad_err *err) {
    double *scores = iad_alloc(IMAGE_SCORES, sizeof *scores);
    uint8_t *labels = iad_alloc(IMAGE_SCORES, 1);
    iad_status status = scores && labels ? IAD_OK : IAD_NOMEM(err, "scores");
    if (status == IAD_OK) {
        iad_rng rng;
        iad_rng_init(&rng, 1, 0);
        for (int i = 0; i < IMAGE_SCORES; i++) {
            labels[i] = (uint8_t)(i % 3 == 0);
            scores[i] = iad_rng_unit(&rng) + labels[i] * 0.2;
        }
        double best = INFINITY;
        iad_image_metrics m;
        for (int r = 0; r < RUNS && status == IAD_OK; r++) {
            double start = now();
            status = iad_image_metrics_compute(scores, labels, IMAGE_SCORES, NULL, &m, err);
            best = fmin(best, now() - start);
        }
        if (status == IAD_OK) fprintf(out, "image level, all metrics with DeLong interval, %d scores: %.3f s\n", IMAGE_SCORES, best);
    }
    free(scores);
    free(labels);
    return status;
}

iad_status iad_speed_metrics(FILE *out, const char *python, int n_maps, int size, iad_err *err) {
    bench_set s = {.n = n_maps ? n_maps : 115, .size = size ? size : 518};
    if (s.n < 4 || s.n > 100000 || s.size < 32 || s.size > 16384)
        return IAD_FAIL(err, IAD_ERR_ARG, "%d maps of %d x %d: 4..100000 maps of 32..16384 pixels are possible", s.n, s.size, s.size);
    const char *base = getenv("TMPDIR");
    if (!base || !*base || strlen(base) > 30) base = "/tmp";
    snprintf(s.folder, sizeof s.folder, "%s/iad-speed-XXXXXX", base);
    if (!mkdtemp(s.folder)) return IAD_FAIL(err, IAD_ERR_IO, "%s: %s", s.folder, strerror(errno));
    snprintf(s.maps_path, sizeof s.maps_path, "%s/maps", s.folder);
    snprintf(s.masks_path, sizeof s.masks_path, "%s/masks", s.folder);
    s.views = iad_calloc((size_t)s.n, sizeof *s.views);
    iad_status status = s.views ? IAD_OK : IAD_NOMEM(err, "synthetic maps");
    if (status == IAD_OK) {
        fprintf(out, "pixel metrics: %d maps of %d x %d, best of %d runs\n", s.n, s.size, s.size, RUNS);
        fprintf(out, "%-34s %-7s %9s %9s %10s %8s  %s\n", "what", "maps", "seconds", "ns/pixel", "extra MiB", "B/pixel", "AUROC");
    }
    for (map_kind kind = 0; kind < KINDS && status == IAD_OK; kind++) status = run_kind(out, &s, python, kind, err);
    if (status == IAD_OK) status = run_image_level(out, err);
    unlink(s.maps_path);
    unlink(s.masks_path);
    rmdir(s.folder);
    free(s.views);
    return status;
}
