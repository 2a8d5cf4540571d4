#include "tests/unit/iad_test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/fmath.h"
#include "base/image/decode.h"
#include "base/image/encode.h"
#include "base/rng.h"
#include "bench/leak/leakfeatures.h"
#include "bench/leak/leakprobe.h"
#include "bench/leak/logistic.h"

/* ---- the regression ---- */

static void test_known_fit(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    /* One feature at -1 and 1 (already standardised): the optimum of n (log-likelihood) - ridge/2 w^2 has p(1) - share = ridge w / n_side in closed
     * form. */
    double x[8] = {-1, -1, -1, -1, 1, 1, 1, 1};
    uint8_t label[8] = {0, 0, 0, 1, 0, 1, 1, 1};
    iad_logistic model;
    assert_ok(iad_logistic_fit(x, label, NULL, 8, 1, 1e-6, &model, &err));
    assert_close(model.weight[0], log(3), 1e-5);
    assert_close(model.bias, 0, 1e-9);
    assert_ok(iad_logistic_fit(x, label, NULL, 8, 1, 2.0, &model, &err));
    double w = model.weight[0], p = 1 / (1 + exp(-w));
    assert_close(8 * (0.75 - p), 2.0 * w, 1e-7); /* the gradient vanishes */
}

static void test_recovers_weights(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    enum { N = 20000, D = 3 };
    double *x = iad_alloc(N * D, sizeof *x);
    uint8_t *label = iad_alloc(N, 1);
    const double truth[D] = {1.5, -0.75, 0};
    iad_rng rng;
    iad_rng_init(&rng, 5, 0);
    for (int i = 0; i < N; i++) {
        double s = 0.4;
        for (int j = 0; j < D; j++) s += truth[j] * (x[i * D + j] = iad_rng_normal(&rng));
        label[i] = (uint8_t)iad_rng_chance(&rng, 1 / (1 + exp(-s)));
    }
    iad_logistic model;
    assert_ok(iad_logistic_fit(x, label, NULL, N, D, 1e-3, &model, &err));
    for (int j = 0; j < D; j++) assert_close(model.weight[j], truth[j], 0.1);
    assert_close(model.bias, 0.4, 0.1);
    free(x);
    free(label);
}

static void test_separable_and_constant(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    double x[8] = {0, 7, 1, 7, 2, 7, 3, 7};
    uint8_t label[4] = {0, 0, 1, 1};
    iad_logistic model;
    assert_ok(iad_logistic_fit(x, label, NULL, 4, 2, 0.1, &model, &err)); /* separable: the ridge keeps it finite */
    assert_true(isfinite(model.weight[0]) && model.weight[0] > 0.5);
    assert_true(model.weight[1] == 0);
    uint8_t use[4] = {1, 1, 0, 0};
    assert_fails(IAD_ERR_ARG, iad_logistic_fit(x, label, use, 4, 2, 0.1, &model, &err));
}

/* ---- pictures ---- */

typedef struct folder {
    char dir[64];
    iad_leak_picture items[600];
    char paths[600][96], groups[600][16];
    size_t n;
} folder;

static void add(folder *f, const iad_image *picture, int quality, const char *kind, int group) {
    iad_err err = IAD_ERR_NONE;
    iad_buf bytes;
    iad_buf_init(&bytes, 1 << 24);
    if (quality) assert_ok(iad_encode_jpeg(picture, &(iad_jpeg_options){.quality = quality, .subsample = 1}, &bytes, &err));
    else assert_ok(iad_encode_png(picture, 1, &bytes, &err));
    char dir[sizeof f->dir];
    memcpy(dir, f->dir, sizeof dir);
    snprintf(f->paths[f->n], sizeof f->paths[0], "%s/%zu", dir, f->n);
    snprintf(f->groups[f->n], sizeof f->groups[0], "%d", group);
    assert_ok(iad_file_write(f->paths[f->n], bytes.data, bytes.len, &err));
    f->items[f->n] = (iad_leak_picture){f->paths[f->n], kind, f->groups[f->n]};
    f->n++;
    iad_buf_deinit(&bytes);
}

static void noisy(iad_image *picture, uint64_t seed) {
    iad_err err = IAD_ERR_NONE;
    iad_rng rng;
    iad_rng_init(&rng, seed, 1);
    assert_ok(iad_image_init(picture, 64, 48, 3, &err));
    int base = iad_rng_int(&rng, 60, 180);
    for (int i = 0; i < 64 * 48 * 3; i++) picture->px[i] = (uint8_t)(base + iad_rng_int(&rng, -20, 20) + (i / 3) % 64 / 4);
}

static folder *start(void) {
    folder *f = iad_calloc(1, sizeof *f);
    snprintf(f->dir, sizeof f->dir, "/tmp/iad-leak-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    return f;
}

static void finish(folder *f) {
    for (size_t i = 0; i < f->n; i++) unlink(f->paths[i]);
    rmdir(f->dir);
    free(f);
}

static double find(const iad_leak_report *report, const char *kind) {
    for (size_t i = 0; i < report->n; i++)
        if (kind ? report->items[i].kind && !strcmp(report->items[i].kind, kind) : !report->items[i].kind) return report->items[i].auroc;
    fail_msg("%s is not in the report", kind ? kind : "all");
    return 0;
}

static void test_tells_codecs_apart(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    folder *f = start();
    iad_image p;
    for (int i = 0; i < 150; i++) {
        noisy(&p, (uint64_t)i);
        add(f, &p, 90, NULL, i);
        iad_image_deinit(&p);
        noisy(&p, 1000 + (uint64_t)i);
        add(f, &p, i % 2 ? 90 : 80, i % 2 ? "honest" : "other_quality", 1000 + i);
        iad_image_deinit(&p);
    }
    iad_leak_report report;
    assert_ok(iad_leak_probe(f->items, f->n, 2, NULL, &report, &err));
    assert_int_equal(report.n, 3);
    assert_true(find(&report, "other_quality") > 0.99);
    assert_true(find(&report, "honest") > 0.3 && find(&report, "honest") < 0.7);
    assert_true(find(&report, NULL) > 0.65);
    iad_leak_report_deinit(&report);
    finish(f);
}

static void test_sees_the_grid_of_a_codec(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_image p, q;
    noisy(&p, 3);
    iad_buf bytes;
    iad_buf_init(&bytes, 1 << 24);
    assert_ok(iad_encode_jpeg(&p, &(iad_jpeg_options){.quality = 20}, &bytes, &err));
    double file[IAD_LEAK_FEATURES], pixels[IAD_LEAK_FEATURES];
    assert_ok(iad_leak_features(bytes.data, bytes.len, "p", file, &err));
    assert_true(file[IAD_LEAK_JPEG] == 1 && file[IAD_LEAK_LUMA_TABLE] > 100 && file[IAD_LEAK_SUBSAMPLE] == 1);
    /* shifted by three columns and stored without loss: the grid shows at phase 8 - 3 */
    iad_image decoded;
    assert_ok(iad_image_decode(bytes.data, bytes.len, "p", NULL, &decoded, NULL, &err));
    assert_ok(iad_image_init(&q, 56, 48, 3, NULL));
    for (int y = 0; y < 48; y++) memcpy(iad_image_at(&q, 0, y), iad_image_at(&decoded, 3, y), 56 * 3);
    iad_buf_reset(&bytes);
    assert_ok(iad_encode_png(&q, 1, &bytes, &err));
    assert_ok(iad_leak_features(bytes.data, bytes.len, "q", pixels, &err));
    int best = 0;
    for (int k = 1; k < 8; k++)
        if (pixels[IAD_LEAK_PHASE_X + k] > pixels[IAD_LEAK_PHASE_X + best]) best = k;
    assert_int_equal(best, 5);
    assert_true(pixels[IAD_LEAK_PNG] == 1 && pixels[IAD_LEAK_LUMA_TABLE] == 0);
    iad_buf_deinit(&bytes);
    iad_image_deinit(&p);
    iad_image_deinit(&q);
    iad_image_deinit(&decoded);
}

static void test_refuses(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    folder *f = start();
    iad_image p;
    noisy(&p, 1);
    for (int i = 0; i < 30; i++) add(f, &p, 0, i < 19 ? NULL : "x", i);
    iad_leak_report report;
    assert_fails(IAD_ERR_ARG, iad_leak_probe(f->items, f->n, 1, NULL, &report, &err));
    for (int i = 0; i < 30; i++) add(f, &p, 0, i % 2 ? NULL : "x", i);
    f->items[7].path = "/nowhere/at.png";
    assert_fails(IAD_ERR_NOT_FOUND, iad_leak_probe(f->items, f->n, 2, NULL, &report, &err));
    assert_non_null(strstr(err.msg, "nowhere"));
    iad_image_deinit(&p);
    finish(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_known_fit),          cmocka_unit_test(test_recovers_weights),
                                       cmocka_unit_test(test_separable_and_constant), cmocka_unit_test(test_tells_codecs_apart),
                                       cmocka_unit_test(test_sees_the_grid_of_a_codec), cmocka_unit_test(test_refuses)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
