/* Order of records: a bijection for every size, stable for ever; ranks against brute force; packing. */
#include "tests/unit/iad_test.h"

#include "base/alloc.h"
#include "base/rng.h"
#include "train/data/order.h"

static void check_bijection(uint64_t seed, int stage, uint64_t epoch, uint64_t n) {
    uint8_t *seen = iad_calloc(n, 1);
    for (uint64_t i = 0; i < n; i++) {
        uint64_t p = iad_order_permute(seed, stage, epoch, n, i);
        assert_true(p < n);
        assert_int_equal(seen[p], 0);
        seen[p] = 1;
    }
    free(seen);
}

static void test_bijection(void **state) {
    (void)state;
    for (uint64_t n = 1; n <= 300; n++)
        for (uint64_t epoch = 0; epoch < 3; epoch++) check_bijection(n * 7 + 1, (int)(n % 3) + 1, epoch, n);
    static const uint64_t big[] = {1023, 1024, 1025, 4096, 4097, 65535, 65536, 65537, 1000003};
    for (size_t i = 0; i < sizeof big / sizeof *big; i++) check_bijection(5, 2, 1, big[i]);
    /* far beyond what a table could hold: inside, and no two of a few alike */
    static const uint64_t huge[] = {(uint64_t)1 << 40, ((uint64_t)1 << 62) - 1, (uint64_t)1 << 62};
    for (size_t k = 0; k < 3; k++) {
        uint64_t last = huge[k];
        for (uint64_t i = 0; i < 100; i++) {
            uint64_t p = iad_order_permute(1, 1, 0, huge[k], i);
            assert_true(p < huge[k] && p != last);
            last = p;
        }
    }
}

/* A run resumed years later must see the same records. Numbers from a second implementation (Python). */
static void test_golden(void **state) {
    (void)state;
    static const uint64_t want[3][8] = {{5, 7, 3, 6, 1, 9, 8, 0},
                                         {619, 163, 413, 954, 463, 501, 461, 795},
                                         {2262384, 1641816, 2494818, 2067355, 2520164, 1055299, 2095944, 431979}};
    static const struct { uint64_t seed, epoch, n; int stage; } cases[3] = {{1, 0, 10, 1}, {42, 3, 1000, 2}, {0xfedcba9876543210u, 7, 3000000, 3}};
    for (int c = 0; c < 3; c++)
        for (uint64_t i = 0; i < 8; i++)
            assert_int_equal(iad_order_permute(cases[c].seed, cases[c].stage, cases[c].epoch, cases[c].n, i), want[c][i]);
}

/* Neighbours part, stages, seeds and epochs differ, fixed points and short walks are as rare as chance has them. */
static void test_shuffled(void **state) {
    (void)state;
    enum { N = 5000 };
    double sum = 0, product = 0;
    int fixed = 0, same_epoch = 0, same_stage = 0, same_seed = 0, near = 0;
    uint64_t before = 0;
    for (uint64_t i = 0; i < N; i++) {
        uint64_t p = iad_order_permute(9, 1, 0, N, i);
        fixed += p == i;
        same_epoch += p == iad_order_permute(9, 1, 1, N, i);
        same_stage += p == iad_order_permute(9, 2, 0, N, i);
        same_seed += p == iad_order_permute(10, 1, 0, N, i);
        near += i > 0 && (p > before ? p - before : before - p) < 10;
        before = p;
        sum += (double)p;
        product += (double)p * (double)i;
    }
    double mean = (N - 1) / 2.0, correlation = (product / N - mean * mean) / ((double)N * N / 12);
    assert_close(sum / N, mean, 1e-9);
    assert_true(correlation > -0.06 && correlation < 0.06);
    assert_true(fixed < 8 && same_epoch < 8 && same_stage < 8 && same_seed < 8);
    assert_true(near < 50);
}

static void test_batches(void **state) {
    (void)state;
    enum { N = 23, BATCH = 7 };
    uint64_t index[BATCH], all[4 * N], n = 0;
    for (int64_t step = 0; n + BATCH <= 4 * N; step++) {
        iad_order_batch(3, 2, N, step, BATCH, index);
        for (int i = 0; i < BATCH; i++) all[n++] = index[i];
    }
    for (uint64_t i = 0; i < n; i++) assert_int_equal(all[i], iad_order_permute(3, 2, i / N, N, i % N));
    uint64_t more[3 * N]; /* a batch of several epochs */
    iad_order_batch(3, 2, N, 0, 3 * N, more);
    assert_memory_equal(more, all, sizeof more);
}

/* ---- ranks ---- */

static double best_of_all(const double *cost, int n, int world) {
    double best = 1e300;
    long ways = 1;
    for (int i = 0; i < n; i++) ways *= world;
    for (long way = 0; way < ways; way++) {
        double load[4] = {0}, most = 0;
        long rest = way;
        for (int i = 0; i < n; i++, rest /= world) load[rest % world] += cost[i];
        for (int r = 0; r < world; r++)
            if (load[r] > most) most = load[r];
        if (most < best) best = most;
    }
    return best;
}

static void test_split(void **state) {
    (void)state;
    iad_rng rng;
    iad_rng_init(&rng, 1, 0);
    for (int round = 0; round < 60; round++) {
        int n = 1 + round % 8, world = 1 + round % 3, owner[8];
        double cost[8], load[4] = {0}, most = 0;
        for (int i = 0; i < n; i++) cost[i] = 1 + iad_rng_below(&rng, 20);
        iad_order_split(cost, n, world, owner);
        for (int i = 0; i < n; i++) {
            assert_in_range(owner[i], 0, world - 1);
            load[owner[i]] += cost[i];
        }
        for (int r = 0; r < world; r++)
            if (load[r] > most) most = load[r];
        /* Graham 1969: longest first is at most 4/3 - 1/(3 world) of the best */
        assert_true(most <= best_of_all(cost, n, world) * (4.0 / 3 - 1.0 / (3 * world)) + 1e-9);
    }
    int owner[6];
    iad_order_split((const double[]){3, 3, 2, 2, 2, 0}, 6, 2, owner); /* ties: lower index, lower rank */
    const int want[6] = {0, 1, 0, 1, 0, 1};
    assert_memory_equal(owner, want, sizeof want);
}

static void test_pack(void **state) {
    (void)state;
    static const double cost[8] = {3, 3, 3, 20, 1, 1, 1, 1};
    int batch_of[8];
    assert_int_equal(iad_order_pack(cost, 8, 6, 3, batch_of), 5);
    const int want[8] = {0, 0, 1, 2, 3, 3, 3, 4};
    assert_memory_equal(batch_of, want, sizeof want);
    assert_int_equal(iad_order_pack(cost, 8, 1e9, 100, batch_of), 1);
    assert_int_equal(iad_order_pack(cost, 8, 0, 1, batch_of), 8);
    assert_int_equal(iad_order_pack(cost, 0, 6, 3, batch_of), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_bijection), cmocka_unit_test(test_golden), cmocka_unit_test(test_shuffled),
                                       cmocka_unit_test(test_batches),   cmocka_unit_test(test_split),  cmocka_unit_test(test_pack)};
    return cmocka_run_group_tests_name("order", tests, NULL, NULL);
}
