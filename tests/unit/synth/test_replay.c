/* Which records are shown again: shares, independence of seeds and stages, and the lists on a small manifest. */
#include "tests/unit/synth/taskpool_fixture.h"

#include "synth/task/replay.h"

enum { IDS = 20000 };

static size_t kept(uint64_t seed, int stage, double share, uint8_t *keep) {
    size_t n = 0;
    for (int i = IDS - 1; i >= 0; i--) { /* no order, no state */
        char id[40];
        snprintf(id, sizeof id, "caption/%016x", (unsigned)i * 2654435761u);
        keep[i] = (uint8_t)iad_replay_keep(seed, stage, id, share);
        n += keep[i];
    }
    return n;
}

static void test_shares(void **state) {
    (void)state;
    static const double shares[] = {0.05, 0.5, 0.8};
    uint8_t *a = iad_calloc(IDS, 1), *b = iad_calloc(IDS, 1), *c = iad_calloc(IDS, 1);
    for (size_t s = 0; s < 3; s++) {
        double p = shares[s], both_p = p * p;
        assert_true(tasks_sigmas(kept(1, 2, p, a), IDS, p) < 3);
        assert_true(tasks_sigmas(kept(2, 2, p, b), IDS, p) < 3);
        assert_true(tasks_sigmas(kept(1, 3, p, c), IDS, p) < 3);
        size_t seeds = 0, stages = 0;
        for (int i = 0; i < IDS; i++) {
            seeds += a[i] & b[i];
            stages += a[i] & c[i];
        }
        assert_true(tasks_sigmas(seeds, IDS, both_p) < 4);
        assert_true(tasks_sigmas(stages, IDS, both_p) < 4);
    }
    /* a larger share keeps what a smaller one kept */
    kept(1, 2, 0.05, a);
    kept(1, 2, 0.5, b);
    for (int i = 0; i < IDS; i++) assert_true(b[i] >= a[i]);
    assert_int_equal(kept(1, 2, 0, a), 0);
    assert_int_equal(kept(1, 2, 1, a), IDS);
    free(a);
    free(b);
    free(c);
}

static void test_defaults(void **state) {
    (void)state;
    assert_true(iad_replay_share(1) == 0 && iad_replay_share(2) == 0.5 && iad_replay_share(3) == 0.8);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_shares), cmocka_unit_test(test_defaults)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
