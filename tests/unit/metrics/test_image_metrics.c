/* Image-level metrics: golden vectors (scikit-learn 1.2.1), hand cases, brute force. */
#include "tests/unit/iad_test.h"

#include <math.h>

#include "base/rng.h"
#include "bench/metrics/imagemetrics.h"
#include "bench/metrics/metricstats.h"

static iad_err err;

typedef struct golden {
    size_t n;
    uint8_t labels[10];
    double scores[10];
    double auroc, ap, aupr, f1, threshold; /* threshold NaN: not given */
} golden;

static const golden vectors[] = {
    {8, {0, 0, 1, 1, 0, 1, 0, 1}, {.1, .4, .35, .8, .35, .8, .8, .2},
     0.59375, 0.6011904761904762, 0.6755952380952381, 8.0 / 11, 0.2},
    {5, {0, 1, 0, 1, 1}, {.5, .5, .5, .5, .5}, 0.5, 0.6, 0.8, 0.75, 0.5},
    {4, {0, 0, 1, 1}, {.1, .2, .3, .4}, 1, 1, 1, 1, 0.3},
    {4, {1, 1, 0, 0}, {.1, .2, .3, .4}, 0, 5.0 / 12, 7.0 / 24, 2.0 / 3, NAN},
    {10, {0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 5}, 0.5, 1.0 / 6, 1.0 / 12, 2.0 / 7, 5},
};

static void golden_vectors(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        const golden *g = vectors + i;
        iad_image_metrics m;
        assert_ok(iad_image_metrics_compute(g->scores, g->labels, g->n, NULL, &m, &err));
        assert_int_equal(0, m.undefined);
        assert_close(m.auroc, g->auroc, 1e-12);
        assert_close(m.ap, g->ap, 1e-12);
        assert_close(m.aupr_trapz, g->aupr, 1e-12);
        assert_close(m.f1_max, g->f1, 1e-12);
        if (!isnan(g->threshold)) assert_close(m.f1_max_threshold, g->threshold, 0);
    }
}

static void one_class_is_undefined(void **state) {
    (void)state;
    const double scores[] = {1, 2, 3};
    const uint8_t ones[] = {1, 1, 1}, zeros[] = {0, 0, 0};
    iad_image_metrics m;
    assert_ok(iad_image_metrics_compute(scores, ones, 3, NULL, &m, &err));
    assert_int_equal(1, m.undefined);
    assert_int_equal(3, m.positives);
    assert_true(isnan(m.auroc) && isnan(m.ap) && isnan(m.f1_max) && isnan(m.auroc_low));
    assert_ok(iad_image_metrics_compute(scores, zeros, 3, NULL, &m, &err));
    assert_int_equal(1, m.undefined);
    assert_ok(iad_image_metrics_compute(scores, zeros, 0, NULL, &m, &err));
    assert_int_equal(1, m.undefined);
}

static void bad_scores_are_named(void **state) {
    (void)state;
    double scores[] = {1, NAN, 3};
    const uint8_t labels[] = {0, 1, 1};
    const char *names[] = {"a.png", "b.png", "c.png"};
    iad_image_metrics m;
    assert_fails(IAD_ERR_FORMAT, iad_image_metrics_compute(scores, labels, 3, names, &m, &err));
    assert_non_null(strstr(err.msg, "b.png"));
    scores[1] = 0;
    scores[2] = -INFINITY;
    assert_fails(IAD_ERR_FORMAT, iad_image_metrics_compute(scores, labels, 3, NULL, &m, &err));
    assert_non_null(strstr(err.msg, "2"));
}

/* O(PQ) definition. */
static double brute_auroc(const double *s, const uint8_t *y, size_t n) {
    double sum = 0, pairs = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            if (y[i] && !y[j]) {
                pairs++;
                sum += s[i] > s[j] ? 1 : s[i] == s[j] ? 0.5 : 0;
            }
    return sum / pairs;
}

static void counts_at(const double *s, const uint8_t *y, size_t n, double t, double *tp, double *fp) {
    *tp = *fp = 0;
    for (size_t i = 0; i < n; i++)
        if (s[i] >= t) *(y[i] ? tp : fp) += 1;
}

/* DeLong from its definition, with the kernel written out. */
static double brute_se(const double *s, const uint8_t *y, size_t n, double auc) {
    double p = 0, q = 0, s10 = 0, s01 = 0;
    for (size_t i = 0; i < n; i++) *(y[i] ? &p : &q) += 1;
    for (size_t i = 0; i < n; i++) {
        double v = 0;
        for (size_t j = 0; j < n; j++)
            if (y[i] != y[j]) {
                double a = y[i] ? s[i] : s[j], b = y[i] ? s[j] : s[i];
                v += a > b ? 1 : a == b ? 0.5 : 0;
            }
        v /= y[i] ? q : p;
        *(y[i] ? &s10 : &s01) += (v - auc) * (v - auc);
    }
    return sqrt(s10 / (p - 1) / p + s01 / (q - 1) / q);
}

static void random_sets_match_brute_force(void **state) {
    (void)state;
    iad_rng rng;
    iad_rng_init(&rng, 11, 0);
    for (int round = 0; round < 300; round++) {
        size_t n = 4 + iad_rng_below(&rng, 60);
        uint32_t levels = 1 + iad_rng_below(&rng, round % 2 ? 5 : 1000);
        double s[64];
        uint8_t y[64];
        for (size_t i = 0; i < n; i++) {
            s[i] = (double)iad_rng_below(&rng, levels) / 7 - 3;
            y[i] = (uint8_t)iad_rng_below(&rng, 2);
        }
        y[0] = y[1] = 1;
        y[2] = y[3] = 0;
        iad_image_metrics m;
        assert_ok(iad_image_metrics_compute(s, y, n, NULL, &m, &err));
        assert_close(m.auroc, brute_auroc(s, y, n), 1e-12);
        assert_close(m.auroc_se, brute_se(s, y, n, m.auroc), 1e-12);
        double best = 0, tp, fp, p = (double)m.positives, q = (double)m.negatives, right = q;
        for (size_t i = 0; i < n; i++) {
            counts_at(s, y, n, s[i], &tp, &fp);
            best = fmax(best, 2 * tp / (tp + fp + p));
            right = fmax(right, tp + q - fp);
        }
        assert_close(m.f1_max, best, 1e-15);
        assert_close(m.best_accuracy, right / (p + q), 1e-15);
        counts_at(s, y, n, m.f1_max_threshold, &tp, &fp);
        assert_close(2 * tp / (tp + fp + p), best, 1e-15);
        /* AP: each distinct threshold from high to low. */
        double ap = 0, last = 0, t = INFINITY;
        for (;;) {
            double next = -INFINITY;
            for (size_t i = 0; i < n; i++)
                if (s[i] < t && s[i] > next) next = s[i];
            if (next == -INFINITY) break;
            t = next;
            counts_at(s, y, n, t, &tp, &fp);
            ap += (tp / p - last) * tp / (tp + fp);
            last = tp / p;
        }
        assert_close(m.ap, ap, 1e-12);
    }
}

static void label_swap_mirrors_auroc(void **state) {
    (void)state;
    iad_rng rng;
    iad_rng_init(&rng, 12, 0);
    double s[200];
    uint8_t y[200], z[200];
    for (int i = 0; i < 200; i++) {
        s[i] = (double)iad_rng_below(&rng, 50);
        y[i] = (uint8_t)(iad_rng_below(&rng, 3) == 0);
        z[i] = !y[i];
    }
    iad_image_metrics a, b;
    assert_ok(iad_image_metrics_compute(s, y, 200, NULL, &a, &err));
    assert_ok(iad_image_metrics_compute(s, z, 200, NULL, &b, &err));
    assert_close(a.auroc, 1 - b.auroc, 1e-15);
    assert_close(a.auroc_se, b.auroc_se, 1e-15);
    /* Zero has one value, whatever its sign. */
    for (int i = 0; i < 200; i++) s[i] = i % 2 ? 0.0 : -0.0;
    assert_ok(iad_image_metrics_compute(s, y, 200, NULL, &a, &err));
    assert_close(a.auroc, 0.5, 0);
}

static void perfect_separation_has_a_point_interval(void **state) {
    (void)state;
    const double s[] = {1, 2, 3, 4, 5};
    const uint8_t y[] = {0, 0, 1, 1, 1};
    iad_image_metrics m;
    assert_ok(iad_image_metrics_compute(s, y, 5, NULL, &m, &err));
    assert_close(m.auroc, 1, 0);
    assert_close(m.auroc_low, 1, 0);
    assert_close(m.auroc_high, 1, 0);
    const uint8_t lone[] = {0, 0, 0, 0, 1};
    assert_ok(iad_image_metrics_compute(s, lone, 5, NULL, &m, &err));
    assert_close(m.auroc, 1, 0);
    assert_true(isnan(m.auroc_se));
}

static void pgn_and_pbn(void **state) {
    (void)state;
    const double s[] = {.1, .4, .35, .8};
    const uint8_t y[] = {0, 0, 1, 1};
    double pg, pb;
    assert_ok(iad_image_pgn_pbn(s, y, 4, 0.2, &pg, &pb, &err)); /* quantiles 0.44 and 0.34 */
    assert_close(pg, 1, 0);
    assert_close(pb, 1, 0);
    assert_ok(iad_image_pgn_pbn(s, y, 4, 0.05, &pg, &pb, &err)); /* 0.3725 and 0.385 */
    assert_close(pg, 0.5, 0);
    assert_close(pb, 0.5, 0);
    assert_fails(IAD_ERR_ARG, iad_image_pgn_pbn(s, y, 4, 1.5, &pg, &pb, &err));
}

static void decisions(void **state) {
    (void)state;
    const double s[] = {.1, .4, .35, .8, .4};
    const uint8_t y[] = {0, 0, 1, 1, 1};
    iad_decisions d;
    assert_ok(iad_image_decide(s, y, 5, 0.4, &d, &err));
    assert_int_equal(2, d.tp);
    assert_int_equal(1, d.fp);
    assert_int_equal(1, d.tn);
    assert_int_equal(1, d.fn);
    assert_close(d.accuracy, 0.6, 1e-15);
    assert_close(d.balanced_accuracy, (2.0 / 3 + 0.5) / 2, 1e-15);
    assert_close(d.overkill, 0.5, 1e-15);
    assert_close(d.miss, 1.0 / 3, 1e-15);
    assert_ok(iad_image_decide(s, y, 5, 9, &d, &err));
    assert_close(d.f1, 0, 0);
    assert_true(isnan(d.precision));
}

/* With the promise FPR <= a at confidence 1 - d the largest of m scores suffices from m = log d / log(1 - a) on. */
static void threshold_needs_enough_normals(void **state) {
    (void)state;
    static const struct { double fpr; size_t m; } need[] = {{0.10, 29}, {0.05, 59}, {0.01, 299}};
    double scores[300], t;
    int enough;
    for (int i = 0; i < 300; i++) scores[i] = i;
    for (int i = 0; i < 3; i++) {
        assert_ok(iad_threshold_at_fpr(scores, need[i].m, need[i].fpr, 0.05, &t, &enough, &err));
        assert_int_equal(1, enough);
        assert_close(t, (double)need[i].m - 1, 0);
        assert_ok(iad_threshold_at_fpr(scores, need[i].m - 1, need[i].fpr, 0.05, &t, &enough, &err));
        assert_int_equal(0, enough);
        assert_close(t, (double)need[i].m - 2, 0);
    }
    assert_ok(iad_threshold_at_fpr(scores, 300, 0.10, 0.05, &t, &enough, &err));
    assert_int_equal(1, enough);
    assert_true(t < 298 && t > 270); /* more than one false alarm among 300 is affordable */
    assert_fails(IAD_ERR_ARG, iad_threshold_at_fpr(scores, 0, 0.1, 0.05, &t, &enough, &err));
}

static double trapezoid(const iad_curve *c) {
    double a = 0;
    for (size_t i = 1; i < c->n; i++) a += (c->x[i] - c->x[i - 1]) * (c->y[i] + c->y[i - 1]) / 2;
    return a;
}

static void curves_reproduce_the_areas(void **state) {
    (void)state;
    iad_rng rng;
    iad_rng_init(&rng, 13, 0);
    enum { N = 3000 };
    static double s[N];
    static uint8_t y[N];
    for (int i = 0; i < N; i++) {
        y[i] = (uint8_t)iad_rng_below(&rng, 2);
        s[i] = iad_rng_normal(&rng) + y[i];
    }
    iad_image_metrics m;
    iad_curve roc, pr;
    assert_ok(iad_image_metrics_compute(s, y, N, NULL, &m, &err));
    assert_ok(iad_image_curves(s, y, N, 0, &roc, &pr, &err));
    assert_int_equal(N + 1, roc.n);
    assert_close(trapezoid(&roc), m.auroc, 1e-12);
    assert_close(trapezoid(&pr), m.aupr_trapz, 1e-12);
    iad_curve_deinit(&roc);
    iad_curve_deinit(&pr);
    assert_ok(iad_image_curves(s, y, N, 200, &roc, &pr, &err));
    assert_true(roc.n <= 200 && roc.n > 80);
    assert_true(pr.n <= 200 && pr.n > 20);
    assert_close(trapezoid(&roc), m.auroc, 2e-3);
    assert_close(roc.x[roc.n - 1], 1, 0);
    assert_close(roc.y[roc.n - 1], 1, 0);
    assert_close(pr.x[pr.n - 1], 1, 0);
    iad_curve_deinit(&roc);
    iad_curve_deinit(&pr);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_vectors),
        cmocka_unit_test(one_class_is_undefined),
        cmocka_unit_test(bad_scores_are_named),
        cmocka_unit_test(random_sets_match_brute_force),
        cmocka_unit_test(label_swap_mirrors_auroc),
        cmocka_unit_test(perfect_separation_has_a_point_interval),
        cmocka_unit_test(pgn_and_pbn),
        cmocka_unit_test(decisions),
        cmocka_unit_test(threshold_needs_enough_normals),
        cmocka_unit_test(curves_reproduce_the_areas),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
