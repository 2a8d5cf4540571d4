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

typedef struct seen_ids {
    int64_t own[64], replayed[64];
    size_t n_own, n_replayed;
} seen_ids;

static iad_status see(void *user, int64_t task_id, int replayed, iad_err *err) {
    seen_ids *seen = user;
    if (task_id == 1000) return IAD_FAIL(err, IAD_ERR_IO, "enough");
    if (replayed) seen->replayed[seen->n_replayed++] = task_id;
    else seen->own[seen->n_own++] = task_id;
    return IAD_OK;
}

/* Stage 2 of a manifest with 40 records of stage 1 and 10 of stage 2, some of them for evaluation. */
static void test_lists(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_stage_counts counts;
    seen_ids seen = {0}, again = {0};
    iad_manifest *m = fixture_open();
    assert_ok(iad_query_exec(
        m,
        "WITH RECURSIVE k(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM k WHERE i<50) INSERT INTO task(id,stage,task,question,answer,part,external_id)"
        " SELECT i,CASE WHEN i<=40 THEN 1 ELSE 2 END,'t','q','a',CASE WHEN i%10=0 THEN 'eval' ELSE 'train' END,'record/'||i FROM k",
        &err));
    assert_ok(iad_stage_count(m, 2, 9, 0.5, &counts, &err));
    assert_int_equal(counts.own, 9);
    assert_int_equal(counts.replay_of, 36);
    assert_ok(iad_stage_each(m, 2, 9, 0.5, see, &seen, &err));
    assert_int_equal(seen.n_own, 9);
    assert_int_equal(seen.n_replayed, counts.replay);
    assert_in_range(seen.n_replayed, 6, 30);
    for (size_t i = 0, k = 0; i < 40; i++) { /* exactly those that the hash keeps, in order */
        char id[32];
        snprintf(id, sizeof id, "record/%zu", i + 1);
        if ((i + 1) % 10 == 0 || !iad_replay_keep(9, 2, id, 0.5)) continue;
        assert_int_equal(seen.replayed[k++], i + 1);
    }
    assert_ok(iad_stage_each(m, 2, 9, 0, see, &again, &err));
    assert_int_equal(again.n_replayed, 0);
    assert_ok(iad_stage_count(m, 1, 9, 0.5, &counts, &err)); /* nothing comes before stage 1 */
    assert_true(counts.own == 36 && counts.replay == 0);
    assert_ok(iad_query_exec(m, "UPDATE task SET id=1000 WHERE id=45", &err));
    assert_fails(IAD_ERR_IO, iad_stage_each(m, 2, 9, 0, see, &again, &err));
    assert_string_equal(err.msg, "enough");
    iad_manifest_close(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_shares), cmocka_unit_test(test_defaults), cmocka_unit_test(test_lists)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
