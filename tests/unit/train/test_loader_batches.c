/* The loader: the same samples byte for byte however they are asked for, every record once an epoch, ranks that share a batch, broken records
 * counted. */
#include "tests/unit/train/loader_fixture.h"

#include "base/sha256.h"
#include "synth/task/replay.h"
#include "train/data/order.h"

static corpus shared;

static int open_shared(void **state) {
    (void)state;
    corpus_open(&shared, "loader");
    return 0;
}

static int close_shared(void **state) {
    (void)state;
    corpus_close(&shared);
    return 0;
}

/* ---- what a sample is, as bytes ---- */

static void add(iad_sha256 *sha, const void *bytes, size_t n) {
    iad_err err = IAD_ERR_NONE;
    if (n) assert_ok(iad_sha256_add(sha, bytes, n, &err));
}

static void add_sample(iad_sha256 *sha, const iad_sample *s) {
    add(sha, &s->task_id, sizeof s->task_id);
    add(sha, &s->replayed, sizeof s->replayed);
    add(sha, s->ids, (size_t)s->n_id * sizeof *s->ids);
    add(sha, s->target, (size_t)s->n_id * sizeof *s->target);
    for (int i = 0; i < s->n_picture; i++) {
        const iad_sample_picture *p = &s->pictures[i];
        assert_non_null(p->patches.rows);
        add(sha, &p->position, sizeof p->position);
        add(sha, &p->reference, sizeof p->reference);
        add(sha, p->patches.rows, (size_t)p->patches.n_row * (size_t)p->patches.n_col * sizeof(float));
    }
    for (int i = 0; i < s->n_word; i++) {
        add(sha, &s->words[i].position, sizeof s->words[i].position);
        add(sha, &s->words[i].row_class, sizeof s->words[i].row_class);
        add(sha, &s->words[i].weight, sizeof s->words[i].weight);
    }
    add(sha, &s->weight, sizeof s->weight);
    if (s->mask) add(sha, s->mask, (size_t)s->mask_h * (size_t)s->mask_w * sizeof(float));
}

typedef struct digest {
    uint8_t bytes[IAD_SHA256_BYTES];
} digest;

static digest sample_digest(const iad_sample *s) {
    iad_err err = IAD_ERR_NONE;
    iad_sha256 sha;
    digest d;
    assert_ok(iad_sha256_init(&sha, &err));
    add_sample(&sha, s);
    assert_ok(iad_sha256_final(&sha, d.bytes, &err));
    return d;
}

static digest batch_digest(iad_loader *loader, int64_t step) {
    iad_err err = IAD_ERR_NONE;
    iad_batch batch;
    iad_sha256 sha;
    digest d;
    assert_ok(iad_loader_get(loader, step, &batch, &err));
    assert_int_equal(batch.n_broken, 0);
    assert_ok(iad_sha256_init(&sha, &err));
    for (int i = 0; i < batch.n; i++) {
        add_sample(&sha, &batch.samples[i]);
        assert_true(batch.cost[i] > 0);
        add(&sha, &batch.cost[i], sizeof batch.cost[i]);
    }
    assert_ok(iad_sha256_final(&sha, d.bytes, &err));
    iad_batch_deinit(&batch);
    return d;
}

enum { STEPS = 6 };

static void test_same_bytes(void **state) {
    (void)state;
    static const struct { int threads, ahead; } ways[] = {{1, 0}, {1, 2}, {3, 1}, {4, 5}};
    static const int64_t orders[][STEPS] = {{0, 1, 2, 3, 4, 5}, {5, 4, 3, 2, 1, 0}, {2, 0, 5, 5, 1, 3}};
    for (int stage = 1; stage <= 3; stage++) {
        digest want[STEPS];
        for (size_t w = 0; w < sizeof ways / sizeof *ways; w++) {
            iad_loader_options options = corpus_options(&shared, stage);
            options.threads = ways[w].threads;
            options.ahead = ways[w].ahead;
            iad_loader *loader = corpus_loader(&shared, &options);
            for (size_t o = 0; o < (w == 0 ? 1 : 3); o++)
                for (int i = 0; i < STEPS; i++) {
                    digest d = batch_digest(loader, orders[o][i]);
                    if (w == 0) want[i] = d;
                    else assert_memory_equal(d.bytes, want[orders[o][i]].bytes, sizeof d.bytes);
                }
            iad_loader_free(loader);
        }
        assert_memory_not_equal(want[0].bytes, want[1].bytes, sizeof want[0].bytes);
    }
}

static void test_epochs(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    for (int stage = 1; stage <= 3; stage++) {
        iad_manifest *m;
        iad_stage_counts counts;
        iad_loader_options options = corpus_options(&shared, stage);
        assert_ok(iad_manifest_open(shared.db, IAD_MANIFEST_READ, &m, &err));
        assert_ok(iad_stage_count(m, stage, options.seed, iad_replay_share(stage), &counts, &err));
        iad_manifest_close(m);
        iad_loader *loader = corpus_loader(&shared, &options);
        int64_t n = iad_loader_count(loader);
        assert_int_equal(n, counts.own + counts.replay);
        assert_int_equal(iad_loader_count_own(loader), counts.own);
        assert_true(stage == 1 || counts.replay > 0);
        assert_int_equal(iad_loader_steps(loader, 1), (n + 5) / 6);
        assert_int_equal(iad_loader_steps(loader, 0.001), 1);
        iad_loader_free(loader);

        options.batch = (int)n; /* an epoch is one batch */
        loader = corpus_loader(&shared, &options);
        iad_batch batch;
        assert_ok(iad_loader_get(loader, 1, &batch, &err));
        assert_int_equal(batch.n, n);
        int64_t replayed = 0;
        double n_target = 0, n_map = 0;
        for (int i = 0; i < batch.n; i++) {
            replayed += batch.samples[i].replayed;
            n_target += batch.samples[i].weight * (double)batch.samples[i].n_target;
            n_map += batch.samples[i].mask != NULL;
            for (int j = 0; j < i; j++) assert_int_not_equal(batch.samples[i].task_id, batch.samples[j].task_id);
        }
        assert_int_equal(replayed, counts.replay);
        assert_close(batch.n_target, n_target, 0);
        assert_close(batch.n_map, n_map, 0);
        assert_int_equal(n_map > 0, stage == 3);
        iad_batch_deinit(&batch);
        iad_loader_free(loader);
    }
}

static void test_ranks(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_loader_options options = corpus_options(&shared, 3);
    options.batch = 12;
    iad_loader *alone = corpus_loader(&shared, &options), *ranks[3];
    for (int r = 0; r < 3; r++) {
        options.world = 3;
        options.rank = r;
        ranks[r] = corpus_loader(&shared, &options);
    }
    for (int64_t step = 0; step < 3; step++) {
        iad_batch whole, part;
        double load[3], most = 0, sum = 0, longest = 0;
        int found[12] = {0};
        assert_ok(iad_loader_get(alone, step, &whole, &err));
        for (int r = 0; r < 3; r++) {
            load[r] = 0;
            assert_ok(iad_loader_get(ranks[r], step, &part, &err));
            for (int i = 0; i < part.n; i++) {
                digest d = sample_digest(&part.samples[i]);
                for (int j = 0; j < whole.n; j++)
                    if (whole.samples[j].task_id == part.samples[i].task_id) {
                        digest e = sample_digest(&whole.samples[j]);
                        assert_memory_equal(d.bytes, e.bytes, sizeof d.bytes);
                        assert_close(whole.cost[j], part.cost[i], 0);
                        found[j]++;
                        if (whole.cost[j] > longest) longest = whole.cost[j];
                    }
                load[r] += part.cost[i];
            }
            if (load[r] > most) most = load[r];
            sum += load[r];
            iad_batch_deinit(&part);
        }
        for (int j = 0; j < whole.n; j++) assert_int_equal(found[j], 1);
        assert_true(most <= sum / 3 + longest);
        iad_batch_deinit(&whole);
    }
    iad_loader_free(alone);
    for (int r = 0; r < 3; r++) iad_loader_free(ranks[r]);
}

static void test_eval(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_loader_options options = corpus_options(&shared, 3);
    int64_t ids[512];
    int n = corpus_ids(&shared, "SELECT id FROM task WHERE stage=3 AND part='eval' ORDER BY id", ids, 512), seen = 0;
    options.part = "eval";
    iad_loader *loader = corpus_loader(&shared, &options);
    assert_true(n > 6 && n < 512);
    assert_int_equal(iad_loader_count(loader), n);
    for (int64_t step = 0; step <= iad_loader_steps(loader, 1); step++) {
        iad_batch batch;
        assert_ok(iad_loader_get(loader, step, &batch, &err));
        for (int i = 0; i < batch.n; i++) assert_int_equal(batch.samples[i].task_id, ids[seen++]);
        iad_batch_deinit(&batch);
    }
    assert_int_equal(seen, n);
    iad_loader_free(loader);
}

static void test_tasks(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    const char *tasks[] = {"s3_detect", "s2_outlier"};
    int64_t ids[4096];
    iad_loader_options options = corpus_options(&shared, 3);
    options.tasks = tasks;
    options.n_task = 1;
    iad_loader *loader = corpus_loader(&shared, &options);
    assert_int_equal(iad_loader_count(loader), corpus_ids(&shared, "SELECT id FROM task WHERE task='s3_detect' AND part='train'", ids, 4096));
    assert_int_equal(iad_loader_count_own(loader), iad_loader_count(loader));
    iad_loader_free(loader);
    options.n_task = 2;
    options.replay_share = 1;
    loader = corpus_loader(&shared, &options);
    assert_int_equal(iad_loader_count(loader), corpus_ids(&shared, "SELECT id FROM task WHERE task IN('s3_detect','s2_outlier') AND part='train'",
                                                          ids, 4096));
    iad_loader_free(loader);
    tasks[0] = "s9_none";
    options.n_task = 1;
    assert_fails(IAD_ERR_NOT_FOUND, iad_loader_new(&options, &shared.config, &loader, &err));
    assert_non_null(strstr(err.msg, "stage 3"));
}

static void test_options(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_loader *loader;
    const iad_loader_options good = corpus_options(&shared, 3);
    iad_loader_options bad[11];
    for (int i = 0; i < 11; i++) bad[i] = good;
    bad[0].stage = 4;
    bad[1].batch = 0;
    bad[2].rank = 1;
    bad[3].threads = 0;
    bad[4].ahead = -1;
    bad[5].mask_scale = 0;
    bad[6].max_rows = 0;
    bad[7].retention = 1.5;
    bad[8].part = "test";
    bad[9].replay_share = 2;
    bad[10].db = NULL;
    for (int i = 0; i < 11; i++) {
        assert_fails(IAD_ERR_ARG, iad_loader_new(&bad[i], &shared.config, &loader, &err));
        assert_null(loader);
    }
    bad[0] = good;
    bad[0].db = "nowhere.db";
    assert_fails(IAD_ERR_NOT_FOUND, iad_loader_new(&bad[0], &shared.config, &loader, &err));
    bad[0] = good;
    bad[0].model_dir = "nowhere";
    assert_fails(IAD_ERR_NOT_FOUND, iad_loader_new(&bad[0], &shared.config, &loader, &err));
}

/* Ended in the middle of work, in every state. */
static void test_shutdown(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_loader_options options = corpus_options(&shared, 3);
    options.threads = 3;
    options.ahead = 4;
    for (int round = 0; round < 12; round++) {
        iad_loader *loader = corpus_loader(&shared, &options);
        for (int k = 0; k < round % 4; k++) {
            iad_batch batch;
            assert_ok(iad_loader_get(loader, (round * 7 + k * 13) % 20, &batch, &err));
            iad_batch_deinit(&batch);
        }
        iad_loader_free(loader);
    }
}

/* ---- what is broken ---- */

static void test_broken(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    corpus c;
    corpus_open(&c, "loader-broken");
    iad_loader_options options = corpus_options(&c, 1);
    iad_loader *loader = corpus_loader(&c, &options);
    int64_t n = iad_loader_count(loader);
    iad_loader_free(loader);
    options.batch = (int)n;

    /* one picture gone, one with other pixels, one record with a mark too many, one with a span outside, one too long */
    char path[160], other[160];
    snprintf(path, sizeof path, "%s/tile/train/good/000.png", c.pictures);
    assert_int_equal(remove(path), 0);
    snprintf(path, sizeof path, "%s/tile/train/good/001.png", c.pictures);
    snprintf(other, sizeof other, "%s/tile/train/good/002.png", c.pictures);
    assert_int_equal(rename(other, path), 0);
    corpus_exec(&c, "UPDATE task SET question='<image>'||question WHERE id=(SELECT min(t.id) FROM task t JOIN task_image x ON x.task_id=t.id JOIN"
                    " image i ON i.id=x.image_id"
                    " WHERE t.stage=1 AND i.path LIKE 'washer/train/good/000%')");
    corpus_exec(&c, "UPDATE task SET answer=printf('%.*c',6000,'x') WHERE id=(SELECT min(t.id) FROM task t JOIN task_image x ON x.task_id=t.id JOIN"
                    " image i ON i.id=x.image_id"
                    " WHERE t.stage=1 AND i.path LIKE 'washer/train/good/001%')");
    int64_t ids[4096];
    int lost = corpus_ids(&c, "SELECT x.task_id FROM task_image x JOIN task t ON t.id=x.task_id JOIN image i ON i.id=x.image_id WHERE t.stage=1 AND"
                              " t.part='train' AND"
                              " (i.path LIKE 'tile/train/good/000%' OR i.path LIKE 'tile/train/good/001%' OR i.path LIKE 'tile/train/good/002%')",
                                  ids, 4096);
    assert_true(lost >= 3);
    int kept[2] = {0, 0}, broken[2] = {0, 0};
    for (int world = 1; world <= 3; world += 2)
        for (int r = 0; r < world; r++) {
            iad_batch batch;
            options.world = world;
            options.rank = r;
            loader = corpus_loader(&c, &options);
            assert_ok(iad_loader_get(loader, 0, &batch, &err));
            kept[world > 1] += batch.n;
            broken[world > 1] += batch.n_broken;
            for (int i = 0; i < batch.n_broken && i < IAD_BATCH_BROKEN; i++) {
                char id[32];
                snprintf(id, sizeof id, "task %" PRId64, batch.broken_id[i]);
                assert_non_null(strstr(batch.broken_why[i], id));
                assert_true(strlen(batch.broken_why[i]) > strlen(id) + 10);
                iad_sample sample;
                assert_int_not_equal(iad_loader_sample(loader, batch.broken_id[i], &sample, &err), IAD_OK);
                assert_string_equal(err.msg, batch.broken_why[i]);
            }
            iad_batch_deinit(&batch);
            iad_loader_free(loader);
        }
    for (int w = 0; w < 2; w++) {
        assert_int_equal(kept[w] + broken[w], n);
        assert_int_equal(broken[w], lost + 2);
    }
    corpus_close(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_same_bytes), cmocka_unit_test(test_epochs),  cmocka_unit_test(test_ranks),
                                       cmocka_unit_test(test_eval),
                                       cmocka_unit_test(test_tasks),      cmocka_unit_test(test_options), cmocka_unit_test(test_shutdown),
                                           cmocka_unit_test(test_broken)};
    return cmocka_run_group_tests_name("loader", tests, open_shared, close_shared);
}
