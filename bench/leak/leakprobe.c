#include "bench/leak/leakprobe.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/image/image.h"
#include "base/pool.h"
#include "base/rng.h"
#include "base/text.h"
#include "bench/leak/leakfeatures.h"
#include "bench/leak/logistic.h"
#include "bench/metrics/imagemetrics.h"

enum { LEAST = 20 };
static const double RIDGE = 1.0;

typedef struct probe {
    const iad_leak_picture *pictures;
    size_t n;
    double *x;       /* [n][IAD_LEAK_FEATURES] */
    uint8_t *edited; /* [n] */
    uint8_t *fold;   /* [n] */
    uint8_t *use;    /* [n], scratch */
} probe;

static iad_status read_work(void *user, size_t item, int thread, void *result, iad_err *err) {
    (void)thread;
    (void)result;
    const probe *p = user;
    const char *path = p->pictures[item].path;
    uint8_t *bytes;
    size_t n;
    IAD_TRY(iad_file_read(path, IAD_IMAGE_MAX_FILE_BYTES, &bytes, &n, err));
    iad_status status = iad_leak_features(bytes, n, path, p->x + item * IAD_LEAK_FEATURES, err);
    free(bytes);
    return status;
}

static iad_status read_emit(void *user, size_t item, void *result, iad_status status, const iad_err *item_err, iad_err *err) {
    (void)user;
    (void)item;
    (void)result;
    if (status != IAD_OK && err) *err = *item_err;
    return status;
}

/* 1 when picture i takes part in the question about `kind` (NULL: all). */
static int concerned(const probe *p, size_t i, const char *kind) { return !p->edited[i] || !kind || !strcmp(p->pictures[i].kind, kind); }

/* AUROC on the pictures of one fold by a model fitted to the others; NaN when a class is missing on either side. */
static iad_status one_fold(probe *p, const char *kind, int fold, double *auroc, iad_err *err) {
    iad_logistic model;
    *auroc = NAN;
    size_t held[2] = {0}, fitted[2] = {0};
    for (size_t i = 0; i < p->n; i++) {
        int in = concerned(p, i, kind);
        p->use[i] = in && p->fold[i] != fold;
        if (in) (p->fold[i] == fold ? held : fitted)[p->edited[i]]++;
    }
    if (!held[0] || !held[1] || !fitted[0] || !fitted[1]) return IAD_OK;
    IAD_TRY(iad_logistic_fit(p->x, p->edited, p->use, p->n, IAD_LEAK_FEATURES, RIDGE, &model, err));
    size_t n = held[0] + held[1], at = 0;
    double *scores = iad_alloc(n, sizeof *scores);
    uint8_t *labels = iad_alloc(n, 1);
    iad_status status = scores && labels ? IAD_OK : IAD_NOMEM(err, "scores");
    for (size_t i = 0; status == IAD_OK && i < p->n; i++)
        if (concerned(p, i, kind) && p->fold[i] == fold) {
            scores[at] = iad_logistic_score(&model, p->x + i * IAD_LEAK_FEATURES);
            labels[at++] = p->edited[i];
        }
    iad_image_metrics metrics;
    if (status == IAD_OK) status = iad_image_metrics_compute(scores, labels, n, NULL, &metrics, err);
    if (status == IAD_OK) *auroc = metrics.auroc;
    free(scores);
    free(labels);
    return status;
}

static iad_status one_kind(probe *p, const char *kind, iad_leak_result *r, iad_err *err) {
    double values[IAD_LEAK_FOLDS], sum = 0, squares = 0;
    int n = 0;
    *r = (iad_leak_result){.kind = kind};
    for (size_t i = 0; i < p->n; i++) {
        p->use[i] = (uint8_t)concerned(p, i, kind);
        if (p->use[i]) *(p->edited[i] ? &r->n_edited : &r->n_good) += 1;
    }
    iad_logistic whole;
    IAD_TRY(iad_logistic_fit(p->x, p->edited, p->use, p->n, IAD_LEAK_FEATURES, RIDGE, &whole, err));
    for (int k = 0; k < 3; k++) {
        r->telling[k] = -1;
        for (int j = 0; j < IAD_LEAK_FEATURES; j++) {
            int taken = j == r->telling[0] || (k > 1 && j == r->telling[1]);
            double best = r->telling[k] < 0 ? 0 : fabs(whole.weight[r->telling[k]]);
            if (!(k > 0 && taken) && whole.scale[j] > 0 && fabs(whole.weight[j]) > best) r->telling[k] = j;
        }
    }
    for (int fold = 0; fold < IAD_LEAK_FOLDS; fold++) {
        double a;
        IAD_TRY(one_fold(p, kind, fold, &a, err));
        if (!isnan(a)) values[n++] = a, sum += a;
    }
    r->auroc = n ? sum / n : NAN;
    for (int i = 0; i < n; i++) squares += (values[i] - r->auroc) * (values[i] - r->auroc);
    r->auroc_sd = n > 1 ? sqrt(squares / (n - 1)) : NAN;
    return IAD_OK;
}

void iad_leak_report_deinit(iad_leak_report *report) {
    free(report->items);
    *report = (iad_leak_report){0};
}

/* The distinct kinds with enough pictures, sorted. */
static iad_status list_kinds(const iad_leak_picture *pictures, size_t n, iad_strings *kinds, iad_err *err) {
    iad_strings all = {0};
    iad_status status = IAD_OK;
    for (size_t i = 0; status == IAD_OK && i < n; i++)
        if (pictures[i].kind) status = iad_strings_add(&all, pictures[i].kind, err);
    iad_strings_sort(&all);
    for (size_t i = 0, end; status == IAD_OK && i < all.n; i = end) {
        for (end = i + 1; end < all.n && !strcmp(all.items[i], all.items[end]);) end++;
        if (end - i >= LEAST) status = iad_strings_add(kinds, all.items[i], err);
    }
    iad_strings_deinit(&all);
    return status;
}

/* The caller's own text of a kind: results outlive the list of kinds. */
static const char *kind_of(const iad_leak_picture *pictures, const char *kind) {
    while (!pictures->kind || strcmp(pictures->kind, kind) != 0) pictures++;
    return pictures->kind;
}

static iad_status run(probe *p, int threads, const atomic_int *stop, iad_leak_report *report, iad_err *err) {
    size_t count[2] = {0};
    for (size_t i = 0; i < p->n; i++) {
        p->edited[i] = p->pictures[i].kind != NULL;
        p->fold[i] = (uint8_t)(iad_rng_subseed(0, p->pictures[i].group, 0) % IAD_LEAK_FOLDS);
        count[p->edited[i]]++;
    }
    if (count[0] < LEAST || count[1] < LEAST)
        return IAD_FAIL(err, IAD_ERR_ARG, "%zu good and %zu edited pictures: at least %d of each are needed", count[0], count[1], LEAST);
    const iad_pool_job job = {.work = read_work, .emit = read_emit, .user = p, .result_size = 1};
    IAD_TRY(iad_pool_run(&job, p->n, threads, 0, stop, err));
    iad_strings kinds = {0};
    iad_status status = list_kinds(p->pictures, p->n, &kinds, err);
    if (status == IAD_OK && !(report->items = iad_calloc(kinds.n + 1, sizeof *report->items))) status = IAD_NOMEM(err, "a report");
    for (size_t k = 0; status == IAD_OK && k < kinds.n + 1; k++) {
        status = one_kind(p, k ? kind_of(p->pictures, kinds.items[k - 1]) : NULL, &report->items[k], err);
        report->n = k + 1;
    }
    iad_strings_deinit(&kinds);
    return status;
}

iad_status iad_leak_probe(const iad_leak_picture *pictures, size_t n, int threads, const atomic_int *stop, iad_leak_report *report, iad_err *err) {
    *report = (iad_leak_report){0};
    probe p = {.pictures = pictures,
               .n = n,
               .x = iad_alloc(n, IAD_LEAK_FEATURES * sizeof(double)),
               .edited = iad_alloc(n, 1),
               .fold = iad_alloc(n, 1),
               .use = iad_alloc(n, 1)};
    iad_status status = p.x && p.edited && p.fold && p.use ? run(&p, threads, stop, report, err) : IAD_NOMEM(err, "features");
    free(p.x);
    free(p.edited);
    free(p.fold);
    free(p.use);
    if (status != IAD_OK) iad_leak_report_deinit(report);
    return status;
}
