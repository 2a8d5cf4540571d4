/* The counting engine against its scalar oracle, on every kind of key list it treats differently. */
#include "tests/unit/iad_test.h"

#include <float.h>
#include <math.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "bench/metrics/floatkey.h"
#include "bench/metrics/rankcount.h"
#include "bench/metrics/rankkeys.h"

static iad_err err;

static void keys_keep_the_order(void **state) {
    (void)state;
    const float x[] = {-FLT_MAX, -1e30f, -1.5f, -1.0f, -FLT_MIN, -1e-45f, 0.0f, 1e-45f, FLT_MIN, 1.0f, 1.5f, 1e30f, FLT_MAX};
    for (size_t i = 0; i < sizeof x / sizeof *x; i++) {
        if (i) assert_true(iad_float_key(x[i - 1]) < iad_float_key(x[i]));
        assert_true(iad_key_float(iad_float_key(x[i])) == x[i]);
        assert_true(iad_key_double(iad_double_key((double)x[i])) == (double)x[i]);
    }
    assert_int_equal(iad_float_key(0.0f), iad_float_key(-0.0f));
    assert_int_equal(IAD_FLOAT_KEY_MIN, iad_float_key(-FLT_MAX));
    assert_int_equal(IAD_FLOAT_KEY_MAX, iad_float_key(FLT_MAX));
}

static void shifted_keys_match_scalar(void **state) {
    (void)state;
    iad_rng rng;
    iad_rng_init(&rng, 41, 0);
    for (int round = 0; round < 200; round++) {
        float values[67];
        uint32_t a[67], b[67];
        size_t n = iad_rng_below(&rng, 68);
        for (size_t i = 0; i < n; i++) {
            uint32_t bits = iad_rng_u32(&rng);
            if (iad_rng_below(&rng, 10) == 0) bits = iad_rng_below(&rng, 2) << 31; /* zeros of both signs */
            if ((bits & 0x7f800000u) == 0x7f800000u && round % 4) bits ^= 0x40000000u;
            memcpy(values + i, &bits, sizeof bits);
        }
        uint32_t base = iad_rng_u32(&rng), top = iad_rng_u32(&rng) >> iad_rng_below(&rng, 20);
        iad_key_range x = {UINT32_MAX, 0, 0}, y = x;
        iad_keys_shifted(values, n, base, top, a, &x);
        iad_keys_shifted_scalar(values, n, base, top, b, &y);
        if (n) assert_memory_equal(a, b, n * sizeof *a);
        assert_int_equal(!!x.bad, !!y.bad);
        assert_int_equal(x.min, y.min);
        assert_int_equal(x.max, y.max);
    }
}

static int up(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static size_t sort_distinct(uint32_t *keys, size_t n) {
    qsort(keys, n, sizeof *keys, up);
    size_t k = 0;
    for (size_t i = 0; i < n; i++)
        if (!k || keys[i] != keys[k - 1]) keys[k++] = keys[i];
    return k;
}

/* How scores are distributed: each stresses another part of the plan. */
typedef enum shape { UNIFORM, EXPONENTIAL, CLUSTER_AND_OUTLIER, ANY_FLOAT, FEW_LEVELS, SHAPES } shape;

static float draw(iad_rng *rng, shape how) {
    switch (how) {
    case UNIFORM: return (float)iad_rng_unit(rng);
    case EXPONENTIAL: return expf((float)iad_rng_range(rng, -60, 60));
    case CLUSTER_AND_OUTLIER: return iad_rng_below(rng, 1000) ? 1 + (float)iad_rng_unit(rng) * 0.01f : (float)iad_rng_range(rng, -3e38, 3e38);
    case FEW_LEVELS: return (float)iad_rng_int(rng, -40, 40) / 8;
    default: {
        uint32_t bits = iad_rng_u32(rng);
        if ((bits & 0x7f800000u) == 0x7f800000u) bits ^= 0x40000000u;
        float x;
        memcpy(&x, &bits, sizeof x);
        return x;
    }
    }
}

static void counts_match_scalar(void **state) {
    (void)state;
    static const size_t key_counts[] = {1, 2, 17, 1024, 4096, 4097, 30000, 200000};
    enum { N = 300000 };
    float *values = iad_alloc(N, sizeof *values);
    uint32_t *keys = iad_alloc(200000, sizeof *keys);
    uint64_t *a = iad_alloc(400001, sizeof *a), *b = iad_alloc(400001, sizeof *b);
    assert_true(values && keys && a && b);
    iad_rng rng;
    iad_rng_init(&rng, 42, 0);
    for (shape how = 0; how < SHAPES; how++)
        for (size_t c = 0; c < sizeof key_counts / sizeof *key_counts; c++) {
            for (size_t i = 0; i < N; i++) values[i] = draw(&rng, how);
            for (size_t i = 0; i < key_counts[c]; i++) keys[i] = iad_float_key(i % 2 ? draw(&rng, how) : values[iad_rng_below(&rng, N)]);
            size_t k = sort_distinct(keys, key_counts[c]);
            iad_rank_plan *plan;
            iad_rank_counter *fast, *slow;
            assert_ok(iad_rank_plan_new(keys, k, &plan, &err));
            assert_ok(iad_rank_counter_new(plan, &fast, &err));
            assert_ok(iad_rank_counter_new(plan, &slow, &err));
            memset(a, 0, (2 * k + 1) * sizeof *a);
            memset(b, 0, (2 * k + 1) * sizeof *b);
            uint32_t min_a = UINT32_MAX, max_a = 0, min_b = UINT32_MAX, max_b = 0;
            /* two rounds through the same counter, in uneven pieces */
            size_t cut = iad_rng_below(&rng, N);
            assert_int_equal(cut, iad_rank_add(fast, values, cut));
            if (c % 2) iad_rank_finish(fast, a, &min_a, &max_a);
            assert_int_equal(N - cut, iad_rank_add(fast, values + cut, N - cut));
            iad_rank_finish(fast, a, &min_a, &max_a);
            assert_int_equal(N, iad_rank_add_scalar(slow, values, N));
            iad_rank_finish(slow, b, &min_b, &max_b);
            assert_memory_equal(a, b, (2 * k + 1) * sizeof *a);
            assert_int_equal(min_a, min_b);
            assert_int_equal(max_a, max_b);
            uint64_t sum = 0;
            for (size_t i = 0; i < 2 * k + 1; i++) sum += a[i];
            assert_int_equal(N, sum);
            iad_rank_counter_free(fast);
            iad_rank_counter_free(slow);
            iad_rank_plan_free(plan);
        }
    free(values);
    free(keys);
    free(a);
    free(b);
}

static void not_finite_is_found(void **state) {
    (void)state;
    const uint32_t keys[] = {iad_float_key(0.5f)};
    static float values[5000];
    for (size_t at = 0; at < 5000; at += 617) {
        for (int i = 0; i < 5000; i++) values[i] = (float)i;
        values[at] = at % 2 ? NAN : INFINITY;
        if (at + 1 < 5000) values[at + 1] = NAN;
        iad_rank_plan *plan;
        iad_rank_counter *counter;
        assert_ok(iad_rank_plan_new(keys, 1, &plan, &err));
        assert_ok(iad_rank_counter_new(plan, &counter, &err));
        assert_int_equal(at, iad_rank_add(counter, values, 5000));
        assert_int_equal(at, iad_rank_add_scalar(counter, values, 5000));
        iad_rank_counter_free(counter);
        iad_rank_plan_free(plan);
    }
}

static void bad_keys_are_refused(void **state) {
    (void)state;
    const uint32_t twice[] = {iad_float_key(1), iad_float_key(1)}, infinite[] = {0xff800000u};
    iad_rank_plan *plan;
    assert_fails(IAD_ERR_INTERNAL, iad_rank_plan_new(twice, 2, &plan, &err));
    assert_fails(IAD_ERR_INTERNAL, iad_rank_plan_new(infinite, 1, &plan, &err));
    assert_fails(IAD_ERR_ARG, iad_rank_plan_new(twice, 0, &plan, &err));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_keep_the_order),  cmocka_unit_test(shifted_keys_match_scalar),
        cmocka_unit_test(counts_match_scalar),  cmocka_unit_test(not_finite_is_found),
        cmocka_unit_test(bad_keys_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
