/* Spread, sign test, rank correlation, and both bootstraps. */
#include "tests/unit/iad_test.h"

#include <math.h>

#include "base/rng.h"
#include "bench/metrics/bootdraw.h"
#include "bench/metrics/metricstats.h"

static iad_err err;

static void spread(void **state) {
    (void)state;
    const double v[] = {0.9, NAN, 0.8, 0.7};
    iad_spread s = iad_spread_of(v, 4);
    assert_int_equal(3, s.n);
    assert_int_equal(1, s.undefined);
    assert_close(s.mean, 0.8, 1e-15);
    assert_close(s.sd, 0.1, 1e-15);
    assert_close(s.min, 0.7, 0);
    assert_close(s.max, 0.9, 0);
    s = iad_spread_of(v, 1);
    assert_true(isnan(s.sd));
    s = iad_spread_of(v + 1, 1);
    assert_true(s.n == 0 && isnan(s.mean));
    const double r[] = {0.98766, 0.5};
    assert_close(iad_mean_rounded(r, 2, -1), 0.74383, 1e-15);
    assert_close(iad_mean_rounded(r, 2, 2), (0.9877 + 0.5) / 2, 1e-15);
    assert_close(iad_mean_rounded(r, 2, 1), (0.988 + 0.5) / 2, 1e-15);
}

static void sign_test(void **state) {
    (void)state;
    double a[20], b[20];
    for (int i = 0; i < 20; i++) {
        a[i] = i < 9 ? 2 : 1;
        b[i] = i < 9 ? 1 : i == 9 ? 2 : 1; /* nine wins, one loss, ten ties */
    }
    iad_sign_test t = iad_sign_test_of(a, b, 20);
    assert_int_equal(9, t.wins);
    assert_int_equal(1, t.losses);
    assert_int_equal(10, t.ties);
    assert_close(t.p, 22.0 / 1024, 1e-12);
    t = iad_sign_test_of(a, a, 20);
    assert_close(t.p, 1, 0);
    a[0] = NAN;
    t = iad_sign_test_of(a, b, 20);
    assert_int_equal(8, t.wins);
}

static void rank_correlation(void **state) {
    (void)state;
    const double a[] = {1, 2, 3, 4, 5}, b[] = {10, 20, 30, 40, 1000}, c[] = {5, 4, 3, 2, 1}, d[] = {1, 1, 2, 3, 3}, e[] = {7, 7, 7, 7, 7};
    double rho;
    assert_ok(iad_rank_correlation(a, b, 5, &rho, &err));
    assert_close(rho, 1, 1e-15);
    assert_ok(iad_rank_correlation(a, c, 5, &rho, &err));
    assert_close(rho, -1, 1e-15);
    assert_ok(iad_rank_correlation(a, d, 5, &rho, &err));
    assert_close(rho, 9 / sqrt(90), 1e-12); /* ranks 1.5 1.5 3 4.5 4.5 */
    assert_ok(iad_rank_correlation(a, e, 5, &rho, &err));
    assert_true(isnan(rho));
}

static void image_bootstrap(void **state) {
    (void)state;
    enum { N = 120 };
    iad_rng rng;
    iad_rng_init(&rng, 61, 0);
    double s[N];
    uint8_t y[N];
    for (int i = 0; i < N; i++) {
        y[i] = i % 3 != 0;
        s[i] = (double)(float)(iad_rng_normal(&rng) + 1.2 * y[i]);
        if (i % 10 == 0) s[i] = 0.5; /* ties */
    }
    iad_bootstrap_options o = {.seed = 7, .replicates = 2000, .stratified = 1};
    iad_image_bootstrap a, b;
    iad_image_metrics m;
    assert_ok(iad_image_metrics_compute(s, y, N, NULL, &m, &err));
    assert_ok(iad_image_bootstrap_run(s, y, N, &o, &a, &err));
    assert_ok(iad_image_bootstrap_run(s, y, N, &o, &b, &err));
    assert_memory_equal(&a, &b, sizeof a);
    assert_close(a.auroc.point, m.auroc, 0);
    assert_int_equal(2000, a.auroc.replicates);
    /* Two roads to the same uncertainty. */
    assert_close(a.auroc.sd, m.auroc_se, 0.15 * m.auroc_se);
    assert_close(a.auroc.low, m.auroc_low, 0.03);
    assert_close(a.auroc.high, m.auroc_high, 0.03);
    assert_true(a.ap.low < m.ap && m.ap < a.ap.high);
    o.seed = 8;
    assert_ok(iad_image_bootstrap_run(s, y, N, &o, &b, &err));
    assert_true(a.auroc.sd != b.auroc.sd);

    /* One replicate is the metric of the drawn pictures. */
    o.replicates = 1;
    for (o.seed = 0; o.seed < 20; o.seed++) {
        o.stratified = o.seed % 2;
        uint32_t scratch[N], times[N];
        double s2[N];
        uint8_t y2[N];
        size_t n = 0;
        iad_boot_draw(&o, 0, y, N, scratch, times);
        for (int i = 0; i < N; i++)
            for (uint32_t k = 0; k < times[i]; k++) {
                s2[n] = s[i];
                y2[n++] = y[i];
            }
        assert_int_equal(N, n);
        assert_ok(iad_image_metrics_compute(s2, y2, n, NULL, &m, &err));
        if (o.stratified) assert_int_equal(80, m.positives);
        assert_ok(iad_image_bootstrap_run(s, y, N, &o, &a, &err));
        assert_close(a.auroc.low, m.auroc, 1e-12);
        assert_close(a.ap.low, m.ap, 1e-12);
        assert_close(a.f1_max.high, m.f1_max, 1e-12);
    }
    memset(y, 1, sizeof y);
    assert_ok(iad_image_bootstrap_run(s, y, N, &o, &a, &err));
    assert_int_equal(0, a.auroc.replicates);
    assert_true(isnan(a.auroc.point));
    o.replicates = -4;
    assert_fails(IAD_ERR_ARG, iad_image_bootstrap_run(s, y, N, &o, &a, &err));
}

enum { PICTURES = 12, W = 40, H = 30 };
static float maps[PICTURES][W * H];
static uint8_t masks[PICTURES][W * H];
static iad_map_view views[PICTURES];

static void make(uint32_t levels) {
    iad_rng rng;
    iad_rng_init(&rng, 62, 0);
    for (int i = 0; i < PICTURES; i++) {
        for (int j = 0; j < W * H; j++) {
            int x = j % W, y = j / W, inside = i % 3 && ((x > 5 && x < 10 + i && y > 4 && y < 9) || (x > 30 && y > 20 + i % 4));
            masks[i][j] = (uint8_t)inside;
            maps[i][j] = (float)(iad_rng_below(&rng, levels) + (inside ? iad_rng_below(&rng, levels) : 0)) / (float)levels;
        }
        views[i] = (iad_map_view){.map = maps[i], .mask = i % 3 ? masks[i] : NULL, .width = W, .height = H, .label = i % 3 != 0,
                                  .source_regions = -1};
    }
}

static void pixel_bootstrap(void **state) {
    (void)state;
    make(60); /* fewer levels than bins: the bins are exact */
    iad_map_source source = iad_map_source_array(views, PICTURES);
    iad_pixel_metrics m, drawn;
    assert_ok(iad_pixel_metrics_compute(&source, NULL, &m, &err));
    iad_bootstrap_options o = {.seed = 3, .replicates = 300, .stratified = 1};
    iad_pixel_bootstrap a, b;
    assert_ok(iad_pixel_bootstrap_run(&source, &m, 8, &o, &a, &err));
    assert_close(a.auroc_bin_error, 0, 1e-12);
    assert_close(a.ap_bin_error, 0, 1e-12);
    assert_close(a.f1_max_bin_error, 0, 1e-12);
    assert_close(a.aupro_bin_error, 0, 1e-12);
    assert_true(a.auroc.low < m.auroc && m.auroc < a.auroc.high && a.auroc.sd > 0);
    assert_true(a.aupro.low < m.aupro[0] && m.aupro[0] < a.aupro.high);
    o.n_threads = 3;
    assert_ok(iad_pixel_bootstrap_run(&source, &m, 8, &o, &b, &err));
    assert_memory_equal(&a, &b, sizeof a);

    o.replicates = 1;
    o.n_threads = 1;
    for (o.seed = 0; o.seed < 10; o.seed++) {
        o.stratified = o.seed % 2;
        uint8_t class[PICTURES];
        uint32_t scratch[PICTURES], times[PICTURES];
        size_t index[PICTURES], n = 0;
        for (int i = 0; i < PICTURES; i++) class[i] = i % 3 != 0;
        iad_boot_draw(&o, 0, class, PICTURES, scratch, times);
        for (size_t i = 0; i < PICTURES; i++)
            for (uint32_t k = 0; k < times[i]; k++) index[n++] = i;
        iad_map_subset subset = {&source, index};
        iad_map_source part = iad_map_source_subset(&subset, n);
        assert_ok(iad_pixel_metrics_compute(&part, NULL, &drawn, &err));
        assert_ok(iad_pixel_bootstrap_run(&source, &m, 8, &o, &a, &err));
        assert_close(a.auroc.low, drawn.auroc, 1e-12);
        assert_close(a.ap.low, drawn.ap, 1e-12);
        assert_close(a.f1_max.low, drawn.f1_max, 1e-12);
        assert_close(a.aupro.low, drawn.aupro[0], 1e-12);
    }

    make(100000); /* many levels: the bins cost a little, and say so */
    assert_ok(iad_pixel_metrics_compute(&source, NULL, &m, &err));
    o.bins = 256;
    o.replicates = 100;
    assert_ok(iad_pixel_bootstrap_run(&source, &m, 8, &o, &a, &err));
    print_message("bin errors: auroc %.2g ap %.2g f1 %.2g aupro %.2g\n", a.auroc_bin_error, a.ap_bin_error, a.f1_max_bin_error, a.aupro_bin_error);
    assert_true(a.auroc_bin_error != 0 && fabs(a.auroc_bin_error) < 1e-3 && fabs(a.aupro_bin_error) < 5e-3 && fabs(a.ap_bin_error) < 5e-3);
    o.bins = 7;
    assert_fails(IAD_ERR_ARG, iad_pixel_bootstrap_run(&source, &m, 8, &o, &a, &err));
    o.bins = 256;
    source.count--;
    assert_fails(IAD_ERR_ARG, iad_pixel_bootstrap_run(&source, &m, 8, &o, &a, &err));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spread),          cmocka_unit_test(sign_test),       cmocka_unit_test(rank_correlation),
        cmocka_unit_test(image_bootstrap), cmocka_unit_test(pixel_bootstrap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
