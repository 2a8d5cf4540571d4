/* Pixel metrics: golden vector, brute force on small maps with many ties, properties, errors. */
#include "tests/unit/iad_test.h"

#include <float.h>

#include "base/rng.h"
#include "bench/metrics/pixelmetrics.h"
#include "tests/unit/metrics/brute_pixels.h"

static iad_err err;

/* Three 6 x 8 maps with ties; scores checked with scikit-learn and the MVTec code. */
static float g6_maps[3][48];
static uint8_t g6_masks[3][48];
static iad_map_view g6[3];

static void make_g6(void) {
    for (int n = 0; n < 3; n++)
        for (int y = 0; y < 6; y++)
            for (int x = 0; x < 8; x++) {
                int at = y * 8 + x, raise = 0;
                if (n == 0 && y >= 1 && y <= 2 && x >= 1 && x <= 2) raise = 6;
                if (n == 0 && y == 3 && x == 3) raise = 4;
                if (n == 0 && y >= 4 && y <= 5 && x >= 6) raise = 3;
                if (n == 1 && y == 0 && x == 0) raise = 5;
                g6_masks[n][at] = raise > 0;
                g6_maps[n][at] = (float)((7 * x + 5 * y + 3 * n * x + 11 * n) % 13 + raise);
            }
    for (int n = 0; n < 3; n++)
        g6[n] = (iad_map_view){.map = g6_maps[n], .mask = n < 2 ? g6_masks[n] : NULL, .width = 8, .height = 6, .label = n < 2, .source_regions = -1};
}

static void golden_vector(void **state) {
    (void)state;
    make_g6();
    iad_map_source source = iad_map_source_array(g6, 3);
    iad_pixel_options o = {.pro_limits = {0.05, 0.1, 0.3, 1.0}, .n_pro_limits = 4, .want = IAD_PIXEL_PRO_THR200};
    iad_pixel_metrics m;
    assert_ok(iad_pixel_metrics_compute(&source, &o, &m, &err));
    assert_int_equal(144, m.pixels);
    assert_int_equal(3, m.regions);
    assert_int_equal(2, m.defect_pictures);
    assert_int_equal(10, m.positives);
    assert_close(m.auroc, 0.8761194030, 5e-11);
    assert_close(m.ap, 0.6558306056, 5e-11);
    assert_close(m.aupr_trapz, 0.7035586268, 5e-11);
    assert_close(m.f1_max, 2.0 / 3, 1e-12);
    assert_close(m.f1_max_threshold, 13, 0);
    static const double eight[4] = {0.6995024876, 0.7330845771, 0.7873134328, 0.8997512438};
    static const double four[4] = {0.7565298507, 0.7845149254, 0.8330223881, 0.9225746269};
    for (int i = 0; i < 4; i++) assert_close(m.aupro[i], eight[i], 5e-11);
    assert_close(m.legacy.aupro_thr200_rescaled, 0.7846491228, 5e-11);
    iad_pixel_metrics_deinit(&m);
    o.connectivity = 4;
    assert_ok(iad_pixel_metrics_compute(&source, &o, &m, &err));
    assert_int_equal(4, m.regions);
    for (int i = 0; i < 4; i++) assert_close(m.aupro[i], four[i], 5e-11);
    iad_pixel_metrics_deinit(&m);
}

/* A random small set: sizes differ, few score levels make many ties, some masks are absent. */
typedef struct set {
    float maps[4][400];
    uint8_t masks[4][400];
    iad_map_view views[4];
    size_t n;
} set;

static void make_set(set *s, iad_rng *rng, uint32_t levels) {
    s->n = 2 + iad_rng_below(rng, 3);
    for (size_t i = 0; i < s->n; i++) {
        int w = iad_rng_int(rng, 1, 20), h = iad_rng_int(rng, 1, 20);
        if (i == 0) w = h = 12;
        for (int j = 0; j < w * h; j++) {
            s->masks[i][j] = (uint8_t)(iad_rng_below(rng, 4) == 0 ? 1 + iad_rng_below(rng, 255) : 0);
            float v = ((float)iad_rng_below(rng, levels) - (float)levels / 2) / 3;
            if (s->masks[i][j]) v += (float)iad_rng_below(rng, levels) / 4;
            s->maps[i][j] = v == 0 && iad_rng_below(rng, 2) ? -0.0f : v;
        }
        int normal = i + 1 == s->n;
        s->views[i] = (iad_map_view){.map = s->maps[i], .mask = normal ? NULL : s->masks[i], .width = w, .height = h, .label = -1,
                                     .source_regions = -1};
    }
    s->masks[0][0] = 1;
    s->masks[0][1] = 0;
}

static void random_maps_match_brute_force(void **state) {
    (void)state;
    static brute b;
    static set s;
    iad_rng rng;
    iad_rng_init(&rng, 21, 0);
    for (int round = 0; round < 120; round++) {
        make_set(&s, &rng, round % 3 == 0 ? 2 : round % 3 == 1 ? 12 : 100000);
        int connectivity = round % 2 ? 4 : 8;
        iad_map_source source = iad_map_source_array(s.views, s.n);
        iad_pixel_options o = {.pro_limits = {0.01, 0.05, 0.3, 0.77, 1.0}, .n_pro_limits = 5, .connectivity = connectivity,
                               .use_pro_threshold = 1, .pro_threshold = 0.5};
        iad_pixel_metrics m;
        assert_ok(iad_pixel_metrics_compute(&source, &o, &m, &err));
        brute_load(&b, s.views, s.n, connectivity);
        assert_int_equal(b.regions, m.regions);
        assert_close((double)m.positives, b.p, 0);
        assert_close((double)m.score_max, b.threshold[0], 0);
        assert_close((double)m.score_min, b.threshold[b.n_thresholds - 1], 0);
        double ap, aupr, f1, at = 0, tp, fp, pro;
        brute_precision(&b, &ap, &aupr, &f1, &at);
        assert_close(m.auroc, brute_auroc(&b), 1e-12);
        assert_close(m.ap, ap, 1e-12);
        assert_close(m.aupr_trapz, aupr, 1e-12);
        assert_close(m.f1_max, f1, 1e-12);
        assert_close(m.f1_max_threshold, at, 0);
        for (int l = 0; l < 5; l++) assert_close(m.aupro[l], brute_aupro(&b, o.pro_limits[l]), 1e-12);
        brute_at(&b, 0.5, 0, &tp, &fp, &pro);
        assert_close(m.pro_at_threshold, pro, 1e-12);
        assert_close(m.recall_at_threshold, tp / b.p, 1e-15);
        assert_close(m.fpr_at_threshold, fp / b.q, 1e-15);
        assert_close(m.iou_at_threshold, tp / (b.p + fp), 1e-15);
        iad_pixel_metrics_deinit(&m);
    }
}

/* Exact rationals: with regions of sizes 1, 2, 3 and whole numbers everything is a multiple of 1/(6 M Q). */
static void aupro_is_the_exact_rational(void **state) {
    (void)state;
    /* scores:     defect 1 (area 1): 5; defect 2 (area 2): 5, 3; defect 3 (area 3): 4, 2, 2; normal: 6 5 4 3 3 2 1 0 0 0 */
    const float map[] = {5, 6, 5, 3, 5, 4, 2, 2, 4, 3, 3, 2, 1, 0, 0, 0};
    const uint8_t mask[] = {1, 0, 1, 1, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0};
    iad_map_view v = {.map = map, .mask = mask, .width = 16, .height = 1, .label = 1, .source_regions = -1};
    iad_map_source source = iad_map_source_array(&v, 1);
    iad_pixel_options o = {.pro_limits = {0.1, 0.2, 0.3, 1.0}, .n_pro_limits = 4};
    iad_pixel_metrics m;
    assert_ok(iad_pixel_metrics_compute(&source, &o, &m, &err));
    assert_int_equal(3, m.regions);
    assert_int_equal(10, m.negatives);
    /* Curve (FP, 18 PRO): (0,0) (1,0) (2,9) (3,11) (5,14) (6,18) (7,18) (10,18). */
    assert_close(m.aupro[0], 0, 0);
    assert_close(m.aupro[1], 4.5 / (2 * 18), 1e-15);
    assert_close(m.aupro[2], (4.5 + 10) / (3 * 18), 1e-15);
    assert_close(m.aupro[3], (4.5 + 10 + 25 + 16 + 72) / (10 * 18), 1e-15);
    iad_pixel_metrics_deinit(&m);
}

static void perfect_and_reversed(void **state) {
    (void)state;
    float map[49];
    uint8_t mask[49];
    for (int i = 0; i < 49; i++) {
        mask[i] = i % 7 < 3 && i / 7 < 3;
        map[i] = mask[i] ? 2.5f + (float)i : -(float)i;
    }
    iad_map_view v = {.map = map, .mask = mask, .width = 7, .height = 7, .label = 1, .source_regions = 1};
    iad_map_source source = iad_map_source_array(&v, 1);
    iad_pixel_options o = {.pro_limits = {0.3, 1}, .n_pro_limits = 2};
    iad_pixel_metrics m;
    assert_ok(iad_pixel_metrics_compute(&source, &o, &m, &err));
    assert_close(m.auroc, 1, 0);
    assert_close(m.ap, 1, 1e-15);
    assert_close(m.f1_max, 1, 0);
    assert_close(m.aupro[0], 1, 0);
    assert_close(m.aupro[1], 1, 0);
    for (int i = 0; i < 49; i++) map[i] = -map[i];
    assert_ok(iad_pixel_metrics_compute(&source, &o, &m, &err));
    assert_close(m.auroc, 0, 0);
    assert_close(m.aupro[0], 0, 0);
    for (int i = 0; i < 49; i++) map[i] = -1e-40f; /* all equal, and subnormal */
    assert_ok(iad_pixel_metrics_compute(&source, &o, &m, &err));
    assert_close(m.auroc, 0.5, 0);
    assert_close(m.ap, 9.0 / 49, 1e-15);
    assert_close(m.aupro[1], 0.5, 1e-15);
}

typedef enum change { EXP, LOG, POWER, SHIFT, CHANGES } change;
static float changed(float x, change how) {
    switch (how) {
    case EXP: return expf(x * 3);
    case LOG: return logf(x + 1);
    case POWER: return x * x * x * x * x * x * x * x;
    default: return x * 2048 - 77777;
    }
}

static void same_bits(double a, double b) { assert_memory_equal(&a, &b, sizeof a); }

static void same_result(const iad_pixel_metrics *a, const iad_pixel_metrics *b) {
    same_bits(a->auroc, b->auroc);
    same_bits(a->ap, b->ap);
    same_bits(a->aupr_trapz, b->aupr_trapz);
    same_bits(a->f1_max, b->f1_max);
    same_bits(a->aupro[0], b->aupro[0]);
}

/* A set large enough for every path of the counting: 5 pictures of 300 x 200, thousands of distinct defect scores. */
enum { BIG = 5, BW = 300, BH = 200 };
static float big_maps[BIG][BW * BH];
static uint8_t big_masks[BIG][BW * BH];
static iad_map_view big[BIG];

static void make_big(uint64_t seed, uint32_t levels) {
    iad_rng rng;
    iad_rng_init(&rng, seed, 0);
    for (int i = 0; i < BIG; i++) {
        for (int y = 0; y < BH; y++)
            for (int x = 0; x < BW; x++) {
                int at = y * BW + x;
                int inside = i != 2 && ((x > 40 && x < 130 && y > 30 && y < 110 + i) || (x * x + y * y) % 97 == 0);
                big_masks[i][at] = (uint8_t)inside;
                /* multiples of 1/levels between 0.25 and 4: transforms keep them apart */
                big_maps[i][at] = 0.25f + (float)(iad_rng_below(&rng, levels * 3) + (inside ? iad_rng_below(&rng, levels) : 0)) / (float)levels;
            }
        big[i] = (iad_map_view){.map = big_maps[i], .mask = big_masks[i], .width = BW, .height = BH, .label = i != 2, .source_regions = -1};
    }
}

static void monotone_transforms_change_nothing(void **state) {
    (void)state;
    iad_map_source source = iad_map_source_array(big, BIG);
    static float kept[BIG][BW * BH];
    make_big(31, 5000); /* coarse enough that no transform merges two levels in float */
    memcpy(kept, big_maps, sizeof kept);
    iad_pixel_metrics first, m;
    assert_ok(iad_pixel_metrics_compute(&source, NULL, &first, &err));
    assert_true(first.distinct > 8192 && first.auroc > 0.6 && first.auroc < 0.9);
    for (change how = 0; how < CHANGES; how++) {
        for (int i = 0; i < BIG; i++)
            for (int j = 0; j < BW * BH; j++) big_maps[i][j] = changed(kept[i][j], how);
        assert_ok(iad_pixel_metrics_compute(&source, NULL, &m, &err));
        if (first.distinct != m.distinct) fail_msg("transform %d merged scores: the test is at fault", (int)how);
        same_result(&first, &m);
    }
}

static void threads_order_and_duplication(void **state) {
    (void)state;
    make_big(32, 40000);
    iad_map_source source = iad_map_source_array(big, BIG);
    iad_pixel_metrics one, m;
    iad_pixel_options o = {.n_threads = 1, .want = IAD_PIXEL_ANOMALY_ONLY | IAD_PIXEL_AUPIMO, .aupimo_low = 1e-3, .aupimo_high = 0.1};
    assert_ok(iad_pixel_metrics_compute(&source, &o, &one, &err));
    for (int threads = 2; threads <= 7; threads += 5) {
        o.n_threads = threads;
        assert_ok(iad_pixel_metrics_compute(&source, &o, &m, &err));
        same_result(&one, &m);
        same_bits(one.auroc_anomaly_only, m.auroc_anomaly_only);
        same_bits(one.aupimo_mean, m.aupimo_mean);
        iad_pixel_metrics_deinit(&m);
    }
    iad_map_view shuffled[2 * BIG];
    for (int i = 0; i < BIG; i++) shuffled[i] = big[(3 * i + 2) % BIG];
    source = iad_map_source_array(shuffled, BIG);
    assert_ok(iad_pixel_metrics_compute(&source, &o, &m, &err));
    same_result(&one, &m);
    iad_pixel_metrics_deinit(&m);
    for (int i = 0; i < 2 * BIG; i++) shuffled[i] = big[i % BIG];
    source = iad_map_source_array(shuffled, 2 * BIG);
    assert_ok(iad_pixel_metrics_compute(&source, &o, &m, &err));
    assert_close(m.auroc, one.auroc, 1e-15);
    assert_close(m.ap, one.ap, 1e-13);
    assert_close(m.aupr_trapz, one.aupr_trapz, 1e-13);
    assert_close(m.f1_max, one.f1_max, 0);
    assert_close(m.aupro[0], one.aupro[0], 1e-14);
    assert_close(m.auroc_anomaly_only, one.auroc_anomaly_only, 1e-15);
    iad_pixel_metrics_deinit(&m);
    iad_pixel_metrics_deinit(&one);
}

static void label_swap_mirrors_auroc(void **state) {
    (void)state;
    make_big(33, 300);
    iad_map_source source = iad_map_source_array(big, BIG);
    iad_pixel_metrics a, b;
    assert_ok(iad_pixel_metrics_compute(&source, NULL, &a, &err));
    for (int i = 0; i < BIG; i++) {
        for (int j = 0; j < BW * BH; j++) big_masks[i][j] = !big_masks[i][j];
        big[i].label = -1;
    }
    assert_ok(iad_pixel_metrics_compute(&source, NULL, &b, &err));
    assert_int_equal(a.positives, b.negatives);
    assert_close(a.auroc, 1 - b.auroc, 1e-15);
}

static void anomaly_only_ignores_normal_pictures(void **state) {
    (void)state;
    make_big(34, 300);
    iad_pixel_options o = {.want = IAD_PIXEL_ANOMALY_ONLY};
    iad_map_source source = iad_map_source_array(big, BIG);
    iad_pixel_metrics all, part;
    assert_ok(iad_pixel_metrics_compute(&source, &o, &all, &err));
    iad_map_view defect[BIG - 1];
    for (int i = 0, n = 0; i < BIG; i++)
        if (i != 2) defect[n++] = big[i];
    source = iad_map_source_array(defect, BIG - 1);
    assert_ok(iad_pixel_metrics_compute(&source, NULL, &part, &err));
    same_bits(all.auroc_anomaly_only, part.auroc);
    assert_true(all.auroc != part.auroc);
}

static double trapezoid(const iad_curve *c) {
    double a = 0;
    for (size_t i = 1; i < c->n; i++) a += (c->x[i] - c->x[i - 1]) * (c->y[i] + c->y[i - 1]) / 2;
    return a;
}

static void curves_follow_the_areas(void **state) {
    (void)state;
    make_big(35, 40000);
    iad_map_source source = iad_map_source_array(big, BIG);
    iad_pixel_options o = {.curve_points = 200, .pro_limits = {1.0}, .n_pro_limits = 1};
    iad_pixel_metrics m;
    assert_ok(iad_pixel_metrics_compute(&source, &o, &m, &err));
    assert_true(m.roc.n <= 200 && m.roc.n > 80 && m.pr.n <= 200 && m.pr.n > 20 && m.pro.n <= 200 && m.pro.n > 80);
    assert_close(trapezoid(&m.roc), m.auroc, 1e-3);
    assert_close(trapezoid(&m.pro), m.aupro[0], 1e-3);
    assert_close(trapezoid(&m.pr), m.aupr_trapz, 1e-2);
    for (size_t i = 1; i < m.roc.n; i++)
        assert_true(m.roc.x[i] >= m.roc.x[i - 1] && m.roc.y[i] >= m.roc.y[i - 1] && m.roc.threshold[i] < m.roc.threshold[i - 1]);
    iad_pixel_metrics_deinit(&m);
}

static void one_class_is_undefined(void **state) {
    (void)state;
    const float map[] = {1, -2, 3, 4};
    const uint8_t none[] = {0, 0, 0, 0}, all[] = {1, 1, 1, 1};
    iad_map_view v = {.map = map, .mask = none, .width = 2, .height = 2, .label = 0, .source_regions = -1};
    iad_map_source source = iad_map_source_array(&v, 1);
    iad_pixel_options o = {.want = ~0u, .curve_points = 50};
    iad_pixel_metrics m;
    assert_ok(iad_pixel_metrics_compute(&source, &o, &m, &err));
    assert_int_equal(1, m.undefined);
    assert_true(isnan(m.auroc) && isnan(m.ap) && isnan(m.aupro[0]) && isnan(m.legacy.visa202_auroc) && m.roc.n == 0);
    assert_close((double)m.score_min, -2, 0);
    assert_close((double)m.score_max, 4, 0);
    iad_pixel_metrics_deinit(&m);
    v.mask = all;
    v.label = 1;
    assert_ok(iad_pixel_metrics_compute(&source, &o, &m, &err));
    assert_int_equal(1, m.undefined);
    assert_true(isnan(m.auroc));
    iad_pixel_metrics_deinit(&m);
    source.count = 0;
    assert_ok(iad_pixel_metrics_compute(&source, &o, &m, &err));
    assert_int_equal(1, m.undefined);
    iad_pixel_metrics_deinit(&m);
}

static void bad_input_is_named(void **state) {
    (void)state;
    make_g6();
    g6[1].name = "b/001.png";
    iad_map_source source = iad_map_source_array(g6, 3);
    iad_pixel_metrics m;
    float keep = g6_maps[1][13];
    static const float bad[] = {NAN, INFINITY, -INFINITY};
    for (int i = 0; i < 3; i++) {
        g6_maps[1][13] = bad[i]; /* a normal pixel at x 5, y 1 */
        assert_fails(IAD_ERR_FORMAT, iad_pixel_metrics_compute(&source, NULL, &m, &err));
        assert_non_null(strstr(err.msg, "b/001.png"));
        assert_non_null(strstr(err.msg, "x=5 y=1"));
    }
    g6_maps[1][13] = keep;
    g6_maps[1][0] = NAN; /* a defect pixel */
    assert_fails(IAD_ERR_FORMAT, iad_pixel_metrics_compute(&source, NULL, &m, &err));
    assert_non_null(strstr(err.msg, "x=0 y=0"));
    g6_maps[1][0] = 1;
    g6[1].label = 0;
    assert_fails(IAD_ERR_FORMAT, iad_pixel_metrics_compute(&source, NULL, &m, &err));
    assert_non_null(strstr(err.msg, "labelled normal"));
    g6[1].label = 1;
    g6[1].mask = NULL;
    assert_fails(IAD_ERR_FORMAT, iad_pixel_metrics_compute(&source, NULL, &m, &err));
    assert_non_null(strstr(err.msg, "no mask"));
    make_g6();
    iad_pixel_options o = {.pro_limits = {0.0}, .n_pro_limits = 1};
    assert_fails(IAD_ERR_ARG, iad_pixel_metrics_compute(&source, &o, &m, &err));
    o = (iad_pixel_options){.connectivity = 6};
    assert_fails(IAD_ERR_ARG, iad_pixel_metrics_compute(&source, &o, &m, &err));
}

static void lost_defects_are_counted(void **state) {
    (void)state;
    make_g6();
    static const uint8_t empty[48];
    g6[0].source_regions = 5; /* two of them are left with 8-connectivity */
    g6[1].mask = empty;
    g6[1].source_regions = 1;
    iad_map_source source = iad_map_source_array(g6, 3);
    iad_pixel_metrics m;
    assert_ok(iad_pixel_metrics_compute(&source, NULL, &m, &err));
    assert_int_equal(2, m.regions);
    assert_int_equal(6, m.source_regions);
    assert_int_equal(1, m.lost_pictures);
    assert_int_equal(4, m.lost_regions);
}

static void subset_of_a_source(void **state) {
    (void)state;
    make_g6();
    iad_map_source base = iad_map_source_array(g6, 3);
    const size_t index[] = {2, 0};
    iad_map_subset subset = {&base, index};
    iad_map_source source = iad_map_source_subset(&subset, 2);
    iad_pixel_metrics m;
    assert_ok(iad_pixel_metrics_compute(&source, NULL, &m, &err));
    assert_int_equal(96, m.pixels);
    assert_int_equal(9, m.positives);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_vector),
        cmocka_unit_test(random_maps_match_brute_force),
        cmocka_unit_test(aupro_is_the_exact_rational),
        cmocka_unit_test(perfect_and_reversed),
        cmocka_unit_test(monotone_transforms_change_nothing),
        cmocka_unit_test(threads_order_and_duplication),
        cmocka_unit_test(label_swap_mirrors_auroc),
        cmocka_unit_test(anomaly_only_ignores_normal_pictures),
        cmocka_unit_test(curves_follow_the_areas),
        cmocka_unit_test(one_class_is_undefined),
        cmocka_unit_test(bad_input_is_named),
        cmocka_unit_test(lost_defects_are_counted),
        cmocka_unit_test(subset_of_a_source),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
