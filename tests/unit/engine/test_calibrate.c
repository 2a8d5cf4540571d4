/* Thresholds with a guarantee: the known numbers of pictures, binomial tails, and a simulation. */
#include "tests/unit/iad_test.h"

#include <math.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "runtime/engine/calibrate.h"

static void needed(void **state) {
    (void)state;
    assert_int_equal(29, iad_calibrate_needed(0.10, 0.95));
    assert_int_equal(59, iad_calibrate_needed(0.05, 0.95));
    assert_int_equal(299, iad_calibrate_needed(0.01, 0.95));
    assert_int_equal(1, iad_calibrate_needed(0.96, 0.95));
    assert_int_equal(2995, iad_calibrate_needed(0.001, 0.95));
    assert_int_equal(0, iad_calibrate_needed(0, 0.95));
    assert_int_equal(0, iad_calibrate_needed(0.1, 1));
    assert_int_equal(0, iad_calibrate_needed(1e-12, 0.95));
    assert_int_equal(0, iad_calibrate_needed(NAN, 0.95));
    for (int i = 0; i < 300; i++) { /* the number is enough and one less is not */
        const double a = 0.002 + i * 0.003, d = 0.3 + (i % 7) * 0.11;
        const size_t m = iad_calibrate_needed(a, d);
        assert_true(1 - pow(1 - a, (double)m) >= d - 1e-12);
        if (m > 1) assert_true(1 - pow(1 - a, (double)m - 1) < d + 1e-12);
    }
}

/* scipy.stats.binom.sf(m - k, m, a) */
static void tails(void **state) {
    (void)state;
    static const struct {
        size_t m, k;
        double a, want;
    } golden[] = {
        {29, 29, 0.1, 0.952898713027538},
        {30, 30, 0.1, 0.957608841724784},
        {59, 59, 0.05, 0.951505474750577},
        {100, 98, 0.05, 0.88173701881488},
        {1000, 962, 0.05, 0.956651809393092},
        {5000, 4966, 0.01, 0.989521031758879},
        {200000, 100369, 0.5, 0.950321948622314},
        {100, 1, 0.05, 7.88860905221016e-131},
    };
    for (size_t i = 0; i < sizeof golden / sizeof *golden; i++)
        assert_close(iad_calibrate_confidence(golden[i].m, golden[i].k, golden[i].a), golden[i].want, 1e-9);
    assert_true(isnan(iad_calibrate_confidence(10, 0, 0.1)) && isnan(iad_calibrate_confidence(10, 11, 0.1)) &&
                isnan(iad_calibrate_confidence(0, 0, 0.1)));
}

static void thresholds(void **state) {
    (void)state;
    enum { M = 1000 };
    double scores[M];
    iad_err err;
    iad_calibration c;
    for (int i = 0; i < M; i++) scores[i] = (i * 377) % M; /* 0..999 mixed */
    assert_fails(IAD_ERR_LIMIT, iad_calibrate(scores, 58, 0.05, 0.95, &c, &err));
    assert_non_null(strstr(err.msg, "needs 59 good pictures; there are 58"));
    assert_ok(iad_calibrate(scores, 59, 0.05, 0.95, &c, &err));
    assert_int_equal(59, c.k);
    assert_close(c.empirical_fpr, 0, 0);
    assert_close(c.reached, 1 - pow(0.95, 59), 1e-12);
    for (size_t m = 59; m <= M; m++) {
        assert_ok(iad_calibrate(scores, m, 0.05, 0.95, &c, &err));
        assert_true(iad_calibrate_confidence(m, c.k, 0.05) >= 0.95);
        assert_close(c.reached, iad_calibrate_confidence(m, c.k, 0.05), 1e-12);
        if (c.k > 1) assert_true(iad_calibrate_confidence(m, c.k - 1, 0.05) < 0.95);
    }
    assert_close(c.threshold, (double)c.k - 1, 0); /* all of 0..999: the k-th smallest is k - 1 */
    assert_close(c.empirical_fpr, (double)(M - c.k) / M, 1e-12);
    /* ties and infinities */
    for (int i = 0; i < 100; i++) scores[i] = i < 3 ? INFINITY : i < 90 ? 1 : -INFINITY;
    assert_ok(iad_calibrate(scores, 100, 0.1, 0.95, &c, &err));
    assert_close(c.threshold, 1, 0);
    assert_close(c.empirical_fpr, 0.03, 1e-12);
    scores[17] = NAN;
    assert_fails(IAD_ERR_ARG, iad_calibrate(scores, 100, 0.1, 0.95, &c, &err));
    assert_non_null(strstr(err.msg, "17"));
    assert_fails(IAD_ERR_ARG, iad_calibrate(scores, 10, 0, 0.95, &c, &err));
    assert_fails(IAD_ERR_ARG, iad_calibrate(scores, 10, 0.1, 1.0, &c, &err));
    assert_fails(IAD_ERR_LIMIT, iad_calibrate(scores, 0, 0.1, 0.95, &c, &err));
}

/* The promise itself: of many calibrations on uniform scores, the share whose true rate is within the target matches
 * `reached`. */
static void promise(void **state) {
    (void)state;
    iad_rng rng;
    iad_err err;
    iad_calibration c = {0};
    int good = 0;
    enum { ROUNDS = 4000, M = 93 };
    iad_rng_init(&rng, 44, 0);
    for (int r = 0; r < ROUNDS; r++) {
        double scores[M];
        for (int i = 0; i < M; i++) scores[i] = iad_rng_unit(&rng);
        assert_ok(iad_calibrate(scores, M, 0.05, 0.90, &c, &err));
        good += 1 - c.threshold <= 0.05;
    }
    assert_true(c.k < M && c.reached >= 0.90);
    assert_close((double)good / ROUNDS, c.reached, 0.02);
}

static void leave_one_out(void **state) {
    (void)state;
    iad_err err;
    uint32_t chosen[40], again[40], n;
    int seen[20] = {0};
    for (uint32_t held = 0; held < 20; held++) {
        assert_ok(iad_leave_one_out(20, held, 4, 9, chosen, &n, &err));
        assert_int_equal(4, n);
        for (uint32_t i = 0; i < n; i++) {
            assert_true(chosen[i] < 20 && chosen[i] != held && (i == 0 || chosen[i] > chosen[i - 1]));
            seen[chosen[i]]++;
        }
        assert_ok(iad_leave_one_out(20, held, 4, 9, again, &n, &err));
        assert_memory_equal(chosen, again, 16);
    }
    int used = 0;
    for (int i = 0; i < 20; i++) used += seen[i] > 0;
    assert_true(used > 12);
    assert_ok(iad_leave_one_out(5, 2, 9, 9, chosen, &n, &err));
    static const uint32_t others[4] = {0, 1, 3, 4};
    assert_int_equal(4, n);
    assert_memory_equal(others, chosen, sizeof others);
    assert_fails(IAD_ERR_ARG, iad_leave_one_out(1, 0, 1, 9, chosen, &n, &err));
    assert_fails(IAD_ERR_ARG, iad_leave_one_out(5, 5, 1, 9, chosen, &n, &err));
    assert_fails(IAD_ERR_ARG, iad_leave_one_out(5, 0, 0, 9, chosen, &n, &err));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(needed),  cmocka_unit_test(tails),         cmocka_unit_test(thresholds),
        cmocka_unit_test(promise), cmocka_unit_test(leave_one_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
