/* Checkpoints: the way there and back bit by bit, at other world sizes, asynchronous, replaced, pruned, tidied up. */
#include "tests/unit/train/trainstore_fixture.h"

#include <sys/stat.h>

#include "base/crc32c.h"
#include "train/store/shardwrite.h"

static ts_job fresh(const ts_place *p, int steps) { return (ts_job){.model = &p->model, .dir = p->dir, .from = -2, .steps = steps}; }
static ts_job again(const ts_place *p, int steps) { return (ts_job){.model = &p->model, .dir = p->dir, .from = -1, .steps = steps}; }

static ts_job must(ts_job what, int world) {
    ts_job j = ts_run(&what, world);
    if (j.loaded != IAD_OK) fail_msg("%s", j.err.msg);
    return j;
}

static int64_t latest(const ts_place *p) {
    iad_err err = IAD_ERR_NONE;
    int64_t step;
    assert_ok(iad_train_store_latest(p->dir, &step, &err));
    return step;
}

static void equal_states(const iad_train_state *a, const iad_train_state *b) {
    assert_int_equal(a->stage, b->stage);
    assert_int_equal(a->step, b->step);
    assert_int_equal(a->steps, b->steps);
    assert_true(a->seed == b->seed);
    assert_memory_equal(a->map_lo, b->map_lo, sizeof a->map_lo);
    assert_memory_equal(a->map_hi, b->map_hi, sizeof a->map_hi);
    assert_int_equal(a->has_map_range, b->has_map_range);
    assert_int_equal(a->samples, b->samples);
    assert_int_equal(a->broken, b->broken);
    assert_int_equal(a->clock.t, b->clock.t);
    assert_int_equal(a->clock.skipped_in_row, b->clock.skipped_in_row);
    assert_int_equal(a->clock.skipped_total, b->clock.skipped_total);
    assert_string_equal(a->config_sha256, b->config_sha256);
    assert_string_equal(a->data_sha256, b->data_sha256);
    assert_string_equal(a->build, b->build);
}

/* 2 N steps, or N, stop, load, N: the same bits. */
static void round_trip(void **state) {
    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        ts_place p = ts_place_new();
        ts_job start = fresh(&p, 6), go_on = again(&p, 3);
        start.states8 = go_on.states8 = kind & 1;
        start.async = go_on.async = kind >> 1;
        ts_job whole = must(start, 1);
        pf_remove(p.dir);
        start.steps = 3;
        ts_job first = must(start, 1), second = must(go_on, 1);
        assert_string_equal("", second.note);
        assert_int_equal(first.digest[1], second.digest[0]);
        assert_int_equal(whole.digest[1], second.digest[1]); /* states and clock came back too */
        assert_int_not_equal(first.digest[1], second.digest[1]);
        iad_train_state want = ts_state(3);
        want.clock.t = 3;
        equal_states(&want, &second.state);
        assert_int_equal(6, latest(&p));
        assert_false(iad_file_exists(ts_path(&p, "step-00000006.tmp")));
        ts_place_free(&p);
    }
}

/* 1, 3, 2, 4, 1 ranks, a step on each: every bit as on one rank (the gradients' sums do not depend on the order). */
static void reshard(void **state) {
    (void)state;
    static const int worlds[] = {1, 3, 2, 4, 1};
    for (int states8 = 0; states8 < 2; states8++) {
        ts_place p = ts_place_new();
        ts_job start = fresh(&p, 5), part = {0};
        start.states8 = states8;
        ts_job whole = must(start, 1);
        pf_remove(p.dir);
        for (int i = 0; i < 5; i++) {
            part = i ? again(&p, 1) : fresh(&p, 1);
            part.states8 = states8;
            part.async = i % 2;
            part = must(part, worlds[i]);
        }
        assert_int_equal(whole.digest[1], part.digest[1]);
        ts_place_free(&p);
    }
}

static void equal_files(const char *a, const char *b) {
    iad_err err = IAD_ERR_NONE;
    iad_map x, y;
    assert_ok(iad_map_open(&x, a, &err));
    assert_ok(iad_map_open(&y, b, &err));
    assert_int_equal(x.n, y.n);
    assert_memory_equal(x.data, y.data, x.n);
    iad_map_close(&x);
    iad_map_close(&y);
}

static void asynchronous_writes_the_same(void **state) {
    (void)state;
    static const char *const files[] = {"manifest.json", "rank-00000.bin", "rank-00001.bin"};
    ts_place p = ts_place_new(), q = ts_place_new();
    ts_job a = fresh(&p, 4), b = fresh(&q, 4);
    a.save_every = b.save_every = 2; /* the second save waits for the first */
    b.async = 1;
    must(a, 2);
    must(b, 2);
    for (int i = 0; i < 3; i++) {
        char x[300], y[300];
        snprintf(x, sizeof x, "%.60s/step-00000004/%s", p.dir, files[i]);
        snprintf(y, sizeof y, "%.60s/step-00000004/%s", q.dir, files[i]);
        equal_files(x, y);
    }
    ts_place_free(&p);
    ts_place_free(&q);
}

static void pruning(void **state) {
    (void)state;
    ts_place p = ts_place_new();
    ts_job j = fresh(&p, 9);
    char name[64];
    j.save_every = 1;
    j.keep = 2;
    j.keep_every = 4;
    j.async = 1;
    must(j, 1);
    for (int i = 1; i <= 9; i++) {
        snprintf(name, sizeof name, "step-%08d", i);
        assert_int_equal(i == 4 || i >= 8, iad_file_exists(ts_path(&p, name)));
    }
    uint8_t *text;
    size_t n;
    iad_err err = IAD_ERR_NONE;
    assert_ok(iad_file_read(ts_path(&p, "latest"), 100, &text, &n, &err));
    assert_string_equal("step-00000009\n", (const char *)text);
    free(text);
    /* Going back to an older one: it is the latest from the first save on, and what was newer is left alone. */
    j = again(&p, 1);
    j.from = 4;
    must(j, 1);
    assert_int_equal(5, latest(&p));
    assert_true(iad_file_exists(ts_path(&p, "step-00000009")));
    assert_int_equal(5, must(again(&p, 0), 1).state.step);
    ts_place_free(&p);
}

/* The same step once more replaces it; leftovers of runs that died go, an interrupted replacement is taken back. */
static void tidying(void **state) {
    (void)state;
    ts_place p = ts_place_new();
    char old[256];
    must(fresh(&p, 2), 1);
    uint32_t digest = must(fresh(&p, 2), 1).digest[1];
    assert_int_equal(0, mkdir(ts_path(&p, "step-00000007.tmp"), 0777));
    assert_int_equal(0, mkdir(ts_path(&p, "step-00000008"), 0777));
    assert_int_equal(0, mkdir(ts_path(&p, "step-9"), 0777)); /* not ours */
    iad_err err = IAD_ERR_NONE;
    assert_ok(iad_file_write(ts_path(&p, "step-00000007.tmp/.hidden"), "x", 1, &err));
    assert_ok(iad_file_write(ts_path(&p, "step-00000008/rank-00000.bin"), "x", 1, &err));
    assert_ok(iad_file_write(ts_path(&p, ".latest.4308-0x7f-0.part"), "st", 2, &err));
    snprintf(old, sizeof old, "%s", ts_path(&p, "step-00000002.old"));
    assert_int_equal(0, rename(ts_path(&p, "step-00000002"), old));
    assert_int_equal(-1, latest(&p));
    iad_train_store *store;
    iad_comm *comm;
    assert_ok(iad_comm_self_new(&comm, &err));
    assert_ok(iad_train_store_open(&(iad_train_store_options){.dir = p.dir, .keep = 1}, comm, &store, &err));
    assert_ok(iad_train_store_close(store, &err));
    assert_int_equal(2, latest(&p));
    assert_int_equal(digest, must(again(&p, 0), 1).digest[0]);
    assert_false(iad_file_exists(ts_path(&p, "step-00000007.tmp")));
    assert_false(iad_file_exists(ts_path(&p, "step-00000008")));
    assert_false(iad_file_exists(ts_path(&p, ".latest.4308-0x7f-0.part")));
    assert_true(iad_file_exists(ts_path(&p, "step-9")));
    assert_fails(IAD_ERR_ARG, iad_train_store_open(&(iad_train_store_options){.dir = p.dir, .keep = 0}, comm, &store, &err));
    assert_null(store);
    iad_comm_free(comm);
    ts_place_free(&p);
}

/* A record over several checksums, read and written in pieces. */
static void many_chunks(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    ts_place p = ts_place_new();
    const int64_t n = 2 * (int64_t)IAD_SHARD_CHUNK + 12345;
    uint8_t *values = iad_alloc((size_t)n, 1);
    for (int64_t i = 0; i < n; i++) values[i] = (uint8_t)(i * 2654435761u >> 13);
    iad_shard_record records[2] = {{.tensor = 3, .kind = IAD_SHARD_M8, .begin = 256, .count = n}, {.tensor = 3, .kind = IAD_SHARD_M_SCALE,
                                                                                                   .begin = 256, .count = 257}};
    const void *sources[2] = {values, values};
    iad_device *device;
    iad_queue *queue;
    assert_ok(iad_device_cpu_new(1, IAD_CPU_AUTO, &device, &err));
    assert_ok(device->ops->queue_new(device, &queue, &err));
    iad_shard_plan plan = {.info = {2, 5, 99}, .records = records, .sources = sources, .n_record = 2, .device = device, .queue = queue};
    iad_shard_place(records, 2, &plan.data, &plan.crcs);
    assert_int_equal(4, plan.crcs);
    assert_int_equal(8, records[1].bytes);
    assert_ok(iad_shard_write(&plan, ts_path(&p, "shard"), &err));
    iad_map map;
    iad_shard shard;
    assert_ok(iad_map_open(&map, ts_path(&p, "shard"), &err));
    assert_ok(iad_shard_parse(map.data, map.n, "shard", &shard, &err));
    assert_int_equal(2, shard.info.rank);
    assert_int_equal(5, shard.info.world);
    assert_int_equal(99, shard.info.step);
    const iad_shard_record *r = iad_shard_find(&shard, 3, IAD_SHARD_M8, 256);
    assert_non_null(r);
    assert_null(iad_shard_find(&shard, 3, IAD_SHARD_M8, 0));
    assert_ok(iad_shard_verify(&shard, r, "t", &err));
    assert_memory_equal(values, map.data + r->at, (size_t)n);
    const uint64_t at = r->at;
    uint8_t *copy = iad_alloc(map.n, 1);
    memcpy(copy, map.data, map.n);
    iad_shard_deinit(&shard);
    copy[at + IAD_SHARD_CHUNK + 5] ^= 1; /* in the second chunk */
    assert_ok(iad_shard_parse(copy, map.n, "shard", &shard, &err));
    assert_fails(IAD_ERR_FORMAT, iad_shard_verify(&shard, iad_shard_find(&shard, 3, IAD_SHARD_M8, 256), "t", &err));
    assert_ok(iad_shard_verify(&shard, iad_shard_find(&shard, 3, IAD_SHARD_M_SCALE, 256), "t", &err));
    iad_shard_deinit(&shard);
    iad_map_close(&map);
    free(copy);
    free(values);
    device->ops->queue_free(queue);
    iad_device_free(device);
    ts_place_free(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip), cmocka_unit_test(reshard), cmocka_unit_test(asynchronous_writes_the_same),
        cmocka_unit_test(pruning),    cmocka_unit_test(tidying), cmocka_unit_test(many_chunks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
