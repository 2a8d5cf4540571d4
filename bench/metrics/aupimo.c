#include "bench/metrics/aupimo.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "bench/metrics/eachpicture.h"
#include "bench/metrics/floatkey.h"
#include "bench/metrics/overlap.h"

#define HALF 65536u
#define ONE ((uint64_t)1 << 60) /* weight of a whole normal picture; a pixel weighs ONE / pixels */

/* Only scores at or above the upper FPR bound matter: a ten-thousandth of the normal pixels. The first pass finds the bin
 * of upper key halves in which the bound lies; the second one takes the scores above it and counts inside it. */
typedef struct normals {
    const iad_positives *set;
    iad_u128 *bins;        /* [n_threads][HALF] */
    uint32_t cut;          /* second pass: upper key half of the bound */
    pthread_mutex_t lock;
    uint64_t *above;       /* key << 32 | picture of the pixels above the bin */
    size_t n, cap;
} normals;

static iad_status bin_uppers(void *user, size_t i, const iad_map_view *view, int thread, iad_err *err) {
    (void)err;
    normals *a = user;
    size_t n = (size_t)view->width * (size_t)view->height;
    const uint64_t weight = ONE / a->set->pixels[i];
    iad_u128 *bins = a->bins + (size_t)thread * HALF;
    for (size_t j = 0; j < n; j++) bins[iad_float_key(view->map[j]) >> 16] += weight;
    return IAD_OK;
}

static iad_status take_above(void *user, size_t i, const iad_map_view *view, int thread, iad_err *err) {
    normals *a = user;
    size_t n = (size_t)view->width * (size_t)view->height;
    const uint64_t weight = ONE / a->set->pixels[i];
    iad_u128 *bins = a->bins + (size_t)thread * HALF;
    iad_status status = IAD_OK;
    for (size_t j = 0; j < n && status == IAD_OK; j++) {
        uint32_t key = iad_float_key(view->map[j]);
        if (key >> 16 < a->cut) continue;
        if (key >> 16 == a->cut) {
            bins[key & 0xffff] += weight;
            continue;
        }
        pthread_mutex_lock(&a->lock);
        status = iad_grow((void **)&a->above, &a->cap, a->n + 1, sizeof *a->above, IAD_PIXEL_MAX_POSITIVES, "high normal scores", err);
        if (status == IAD_OK) a->above[a->n++] = (uint64_t)key << 32 | (uint32_t)i;
        pthread_mutex_unlock(&a->lock);
    }
    return status;
}

static void add_threads(normals *a, int n_threads) {
    for (int t = 1; t < n_threads; t++)
        for (size_t i = 0; i < HALF; i++) {
            a->bins[i] += a->bins[(size_t)t * HALF + i];
            a->bins[(size_t)t * HALF + i] = 0;
        }
}

/* Shared FPR as a step function: levels in descending score. */
typedef struct level {
    uint32_t key;
    double fpr; /* at threshold = this score */
} level;

static iad_status shared_levels(const iad_map_source *source, const iad_positives *set, double high, uint64_t n_normal,
                                int n_threads, level **levels, size_t *n_levels, iad_err *err) {
    normals a = {.set = set};
    pthread_mutex_init(&a.lock, NULL);
    size_t cap = 0;
    const double whole = (double)n_normal * (double)ONE;
    a.bins = iad_calloc((size_t)n_threads * HALF, sizeof *a.bins);
    iad_status status = a.bins ? IAD_OK : IAD_NOMEM(err, "AUPIMO histogram");
    if (status == IAD_OK) status = iad_each_picture(source, 1, set->has_defect, 0, n_threads, bin_uppers, &a, err);
    if (status == IAD_OK) {
        add_threads(&a, n_threads);
        iad_u128 sum = 0;
        a.cut = HALF;
        while (a.cut > 0 && (double)sum < high * whole) sum += a.bins[--a.cut];
        for (size_t i = 0; i < HALF; i++) a.bins[i] = 0;
        status = iad_each_picture(source, 1, set->has_defect, 0, n_threads, take_above, &a, err);
    }
    if (status == IAD_OK) {
        add_threads(&a, n_threads);
        status = iad_sort_u64(a.above, a.n, 0, err);
    }
    iad_u128 sum = 0;
    for (size_t i = a.n; i-- > 0 && status == IAD_OK;) {
        uint32_t key = (uint32_t)(a.above[i] >> 32);
        sum += ONE / set->pixels[(uint32_t)a.above[i]];
        if (i && a.above[i - 1] >> 32 == key) continue;
        status = iad_grow((void **)levels, &cap, *n_levels + 1, sizeof **levels, IAD_PIXEL_MAX_POSITIVES, "FPR levels", err);
        if (status == IAD_OK) (*levels)[(*n_levels)++] = (level){key, (double)sum / whole};
    }
    for (size_t i = HALF; i-- > 0 && status == IAD_OK;) {
        if (!a.bins[i]) continue;
        sum += a.bins[i];
        status = iad_grow((void **)levels, &cap, *n_levels + 1, sizeof **levels, IAD_PIXEL_MAX_POSITIVES, "FPR levels", err);
        if (status == IAD_OK) (*levels)[(*n_levels)++] = (level){a.cut << 16 | (uint32_t)i, (double)sum / whole};
    }
    pthread_mutex_destroy(&a.lock);
    free(a.bins);
    free(a.above);
    return status;
}

/* keys: scores of the defect pixels of one picture, ascending. Between two levels the curve is a straight line over
 * log FPR, from the share found just above a normal score to the share found at it; left of the first level it keeps the
 * share found above all normal scores. */
static double integrate(const uint32_t *keys, size_t n, const level *levels, size_t n_levels, double low, double high) {
    double area = 0, last = 0; /* FPR of the level before */
    size_t found = 0;          /* pixels above the current score */
    for (size_t l = 0; l < n_levels && last < high; l++) {
        while (found < n && keys[n - 1 - found] > levels[l].key) found++;
        double from = (double)found / (double)n;
        while (found < n && keys[n - 1 - found] >= levels[l].key) found++;
        double to = (double)found / (double)n;
        double a = last > low ? last : low, b = levels[l].fpr < high ? levels[l].fpr : high;
        if (b > a) {
            double ya = from, yb = from;
            if (last > 0) {
                double span = log(levels[l].fpr / last);
                ya = from + (to - from) * (log(a / last) / span);
                yb = from + (to - from) * (log(b / last) / span);
            }
            area += (ya + yb) / 2 * log(b / a);
        }
        last = levels[l].fpr;
    }
    double value = area / log(high / low);
    return value > 1 ? 1 : value;
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* Linear interpolation between order statistics. */
static double quantile(const double *sorted, size_t n, double q) {
    double at = q * (double)(n - 1), below = floor(at);
    size_t i = (size_t)below, j = i + 1 < n ? i + 1 : i;
    return sorted[i] + (sorted[j] - sorted[i]) * (at - below);
}

static void summarise(double *values, size_t n, iad_pixel_metrics *out) {
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++) sum += values[i];
    out->aupimo_mean = sum / (double)n;
    for (size_t i = 0; i < n; i++) squares += (values[i] - out->aupimo_mean) * (values[i] - out->aupimo_mean);
    out->aupimo_sd = n > 1 ? sqrt(squares / (double)(n - 1)) : NAN;
    qsort(values, n, sizeof *values, ascending);
    out->aupimo_p05 = quantile(values, n, 0.05);
    out->aupimo_p50 = quantile(values, n, 0.5);
    out->aupimo_p95 = quantile(values, n, 0.95);
}

static iad_status per_picture(const iad_positives *set, const level *levels, size_t n_levels, const iad_pixel_options *o,
                              iad_pixel_metrics *out, iad_err *err) {
    /* Defect scores by picture: a counting sort of the sorted pairs keeps them ascending within each. */
    size_t *start = iad_calloc(set->n_pictures + 1, sizeof *start);
    uint32_t *keys = iad_alloc(set->n, sizeof *keys);
    double *values = iad_alloc(set->n_pictures, sizeof *values);
    iad_status status = start && keys && values ? IAD_OK : IAD_NOMEM(err, "AUPIMO");
    if (status == IAD_OK) {
        for (size_t i = 0; i < set->n; i++) start[set->picture[(uint32_t)set->pairs[i]] + 1]++;
        for (size_t i = 0; i < set->n_pictures; i++) start[i + 1] += start[i];
        for (size_t i = 0; i < set->n; i++) keys[start[set->picture[(uint32_t)set->pairs[i]]]++] = (uint32_t)(set->pairs[i] >> 32);
        /* start[p] is now the end of picture p. */
        size_t n = 0;
        for (size_t p = 0; p < set->n_pictures; p++) {
            size_t first = p ? start[p - 1] : 0;
            if (start[p] == first) continue;
            out->aupimo[p] = integrate(keys + first, start[p] - first, levels, n_levels, o->aupimo_low, o->aupimo_high);
            values[n++] = out->aupimo[p];
        }
        if (n) summarise(values, n, out);
    }
    free(start);
    free(keys);
    free(values);
    return status;
}

iad_status iad_aupimo_compute(const iad_map_source *source, const iad_pixel_options *o, const iad_positives *set,
                              iad_pixel_metrics *out, iad_err *err) {
    out->aupimo = iad_alloc(set->n_pictures, sizeof *out->aupimo);
    if (!out->aupimo) return IAD_NOMEM(err, "AUPIMO");
    for (size_t i = 0; i < set->n_pictures; i++) out->aupimo[i] = NAN;
    uint64_t n_normal = set->n_pictures - set->defect_pictures;
    if (!n_normal || !set->n) return IAD_OK;
    level *levels = NULL;
    size_t n_levels = 0;
    iad_status status = shared_levels(source, set, o->aupimo_high, n_normal, o->n_threads, &levels, &n_levels, err);
    if (status == IAD_OK) status = per_picture(set, levels, n_levels, o, out, err);
    free(levels);
    return status;
}
