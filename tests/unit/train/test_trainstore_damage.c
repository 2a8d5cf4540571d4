/* Checkpoints that are damaged, missing in part, or of something else: a message that names the file, the one before, nothing half loaded. */
#include "tests/unit/train/trainstore_fixture.h"

#include "train/store/storemanifest.h"

/* Steps 1, 2 and 3 by two ranks. */
static ts_place three_steps(void) {
    ts_place p = ts_place_new();
    ts_job j = {.model = &p.model, .dir = p.dir, .from = -2, .steps = 3, .save_every = 1, .keep = 9};
    ts_run(&j, 2);
    return p;
}

static ts_job load(const ts_place *p, int64_t step, int world) {
    ts_job j = {.model = &p->model, .dir = p->dir, .from = step};
    return ts_run(&j, world);
}

static void change(const char *path, long at, int xor, long cut) {
    iad_err err = IAD_ERR_NONE;
    uint8_t *bytes;
    size_t n;
    assert_ok(iad_file_read(path, (size_t)1 << 30, &bytes, &n, &err));
    size_t where = at >= 0 ? (size_t)at : n - (size_t)-at;
    bytes[where] = (uint8_t)(bytes[where] ^ xor);
    assert_ok(iad_file_write(path, bytes, cut ? n - (size_t)cut : n, &err));
    free(bytes);
}

/* The newest is bad, with this in the message; step 2 takes its place on one rank and on three. */
static void expect_step_2(ts_place *p, const char *message) {
    for (int world = 1; world <= 3; world += 2) {
        ts_job j = load(p, -1, world);
        if (j.loaded != IAD_OK) fail_msg("%s", j.err.msg);
        assert_int_equal(2, j.state.step);
        if (!strstr(j.note, message) || !strstr(j.note, "went back to step 2")) fail_msg("note: %s", j.note);
    }
    ts_job j = load(p, 3, 1); /* asked for by number: no other will do, and nothing is loaded */
    assert_int_not_equal(IAD_OK, j.loaded);
    assert_non_null(strstr(j.err.msg, message));
    ts_job none = {.model = &p->model, .dir = "/nowhere", .from = -1};
    none = ts_run(&none, 1);
    assert_int_equal(IAD_ERR_NOT_FOUND, none.loaded);
    assert_int_equal(none.digest[0], j.digest[0]);
    ts_place_free(p);
}

static void flipped_bits(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    uint64_t bytes;
    ts_place p = three_steps();
    assert_ok(iad_file_size(ts_path(&p, "step-00000003/rank-00001.bin"), &bytes, &err));
    change(ts_path(&p, "step-00000003/rank-00001.bin"), (long)bytes / 2, 16, 0);
    expect_step_2(&p, "step-00000003/rank-00001.bin: the checksum of tensor ");
    p = three_steps();
    change(ts_path(&p, "step-00000003/rank-00000.bin"), 80, 1, 0); /* a record */
    expect_step_2(&p, "step-00000003/rank-00000.bin: the checksum of its table");
    p = three_steps();
    change(ts_path(&p, "step-00000003/rank-00000.bin"), -9, 1, 0); /* a checksum */
    expect_step_2(&p, "step-00000003/rank-00000.bin: the checksum of its table");
    p = three_steps();
    change(ts_path(&p, "step-00000003/rank-00000.bin"), 25, 1, 0); /* the step */
    expect_step_2(&p, "step-00000003/rank-00000.bin: the checksum of its table");
}

static void cut_and_missing(void **state) {
    (void)state;
    ts_place p = three_steps();
    change(ts_path(&p, "step-00000003/rank-00001.bin"), 0, 0, 1);
    expect_step_2(&p, "step-00000003/rank-00001.bin");
    p = three_steps();
    change(ts_path(&p, "step-00000003/rank-00001.bin"), 0, 0, 100000);
    int64_t step;
    iad_err err = IAD_ERR_NONE;
    assert_ok(iad_train_store_latest(p.dir, &step, &err));
    assert_int_equal(2, step);
    expect_step_2(&p, "step-00000003/rank-00001.bin");
    p = three_steps();
    unlink(ts_path(&p, "step-00000003/rank-00000.bin"));
    expect_step_2(&p, "step-00000003/rank-00000.bin: cannot open");
    p = three_steps();
    char other[256];
    snprintf(other, sizeof other, "%s", ts_path(&p, "step-00000002/rank-00000.bin"));
    assert_int_equal(0, rename(other, ts_path(&p, "step-00000003/rank-00000.bin"))); /* of another step */
    ts_job j = load(&p, 3, 1);
    assert_int_equal(IAD_ERR_FORMAT, j.loaded);
    assert_non_null(strstr(j.err.msg, "belongs to another checkpoint"));
    j = load(&p, -1, 2); /* step 2 lacks a file now */
    assert_int_equal(IAD_OK, j.loaded);
    assert_int_equal(1, j.state.step);
    ts_place_free(&p);
}

static void no_manifest(void **state) {
    (void)state;
    ts_place p = three_steps();
    iad_err err = IAD_ERR_NONE;
    int64_t step;
    unlink(ts_path(&p, "step-00000003/manifest.json"));
    ts_job j = load(&p, -1, 1);
    assert_int_equal(IAD_OK, j.loaded);
    assert_int_equal(2, j.state.step);
    assert_string_equal("", j.note); /* that folder is no checkpoint */
    assert_int_equal(IAD_ERR_NOT_FOUND, load(&p, 3, 1).loaded);
    unlink(ts_path(&p, "step-00000002/manifest.json"));
    change(ts_path(&p, "step-00000001/manifest.json"), 300, 1, 0);
    assert_int_not_equal(IAD_OK, load(&p, -1, 2).loaded);
    assert_int_not_equal(IAD_OK, iad_train_store_latest(p.dir, &step, &err)); /* not "there is none": somebody would start over */
    assert_non_null(strstr(err.msg, "step-00000001/manifest.json"));
    unlink(ts_path(&p, "step-00000001/manifest.json"));
    assert_ok(iad_train_store_latest(p.dir, &step, &err));
    assert_int_equal(-1, step);
    assert_int_equal(IAD_ERR_NOT_FOUND, load(&p, -1, 2).loaded);
    ts_place_free(&p);
}

/* Every change to the text of a manifest is noticed, and those that keep the checksum right are still checked for sense. */
static void hostile_manifest(void **state) {
    (void)state;
    ts_place p = three_steps();
    iad_err err = IAD_ERR_NONE;
    uint8_t *text;
    size_t n;
    iad_store_manifest m;
    assert_ok(iad_file_read(ts_path(&p, "step-00000003/manifest.json"), 1 << 20, &text, &n, &err));
    assert_ok(iad_store_manifest_parse((const char *)text, n, "m", &m, &err));
    for (size_t at = 0; at < n; at += 11) { /* blanks between tokens may change */
        uint8_t old = text[at];
        if (old == ' ' || old == '\n') continue;
        text[at] ^= 1;
        iad_store_manifest bad;
        iad_status status = iad_store_manifest_parse((const char *)text, n, "m", &bad, &err);
        if (status == IAD_OK) fail_msg("byte %zu (%c) can change unseen", at, old);
        text[at] = old;
    }
    free(text);
    /* Sound checksum, nonsense inside. */
    iad_store_tensor *t = &m.tensors[m.n_tensor - 1], *big = &m.tensors[0];
    assert_int_equal(2, big->n_range);
    for (int k = 0; k < 9; k++) {
        iad_store_range saved[2] = {big->ranges[0], big->ranges[1]};
        int64_t shape = t->shape[0], step = m.step;
        uint64_t bytes = m.files[1].bytes;
        iad_store_states states = m.states;
        if (k == 0) big->ranges[1].end += 256;
        if (k == 1) big->ranges[1].begin -= 256;
        if (k == 2) big->ranges[1].file = 2;
        if (k == 3) big->ranges[0].file = -1;
        if (k == 4) t->shape[0] = INT64_MAX;
        if (k == 5) t->shape[0] = -1;
        if (k == 6) m.step = 4;
        if (k == 7) m.files[1].bytes = UINT64_MAX;
        if (k == 8) m.states = IAD_STORE_NO_STATES;
        iad_buf out;
        iad_store_manifest back;
        iad_buf_init(&out, 1 << 20);
        assert_ok(iad_store_manifest_format(&m, &out, &err));
        assert_int_not_equal(IAD_OK, iad_store_manifest_parse(iad_buf_str(&out), out.len, "m", &back, &err));
        iad_buf_deinit(&out);
        big->ranges[0] = saved[0], big->ranges[1] = saved[1];
        t->shape[0] = shape, m.step = step, m.files[1].bytes = bytes, m.states = states;
    }
    m.state.map_lo[0] = (double)NAN;
    iad_buf out;
    iad_buf_init(&out, 1 << 20);
    assert_fails(IAD_ERR_ARG, iad_store_manifest_format(&m, &out, &err));
    m.state.map_lo[0] = 0;
    snprintf(m.state.build, sizeof m.state.build, "\xff");
    assert_fails(IAD_ERR_ARG, iad_store_manifest_format(&m, &out, &err));
    iad_buf_deinit(&out);
    iad_store_manifest_deinit(&m);
    ts_place_free(&p);
}

static void of_something_else(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    ts_place p = three_steps();
    ts_job j = {.model = &p.model, .dir = p.dir, .from = -1, .states8 = 1};
    j = ts_run(&j, 2);
    assert_int_equal(IAD_ERR_ARG, j.loaded); /* and no falling back: the one before is no better */
    assert_non_null(strstr(j.err.msg, "this run in 8 bits"));
    static const iad_param_rules everything = {0};
    j = (ts_job){.model = &p.model, .dir = p.dir, .from = -1, .rules = &everything};
    j = ts_run(&j, 2);
    assert_int_equal(IAD_ERR_ARG, j.loaded);
    assert_non_null(strstr(j.err.msg, "it was frozen then"));
    static const char *const freeze[] = {"visual.*"};
    const iad_param_rules fewer = {.freeze = freeze, .n_freeze = 1};
    j = (ts_job){.model = &p.model, .dir = p.dir, .from = -1, .rules = &fewer};
    assert_int_equal(IAD_OK, ts_run(&j, 2).loaded); /* states that nobody needs are no harm */

    /* Another model. */
    iad_model_config config;
    pf_model other = {.dir = "/tmp/iad_params_XXXXXX"};
    assert_non_null(mkdtemp(other.dir));
    assert_ok(iad_newmodel_config("tiny", &config, &err));
    config.text.vocab += 64;
    assert_ok(iad_model_new(&config, &(iad_newmodel_options){.dtype = IAD_BF16, .threads = 1}, other.dir, NULL, NULL, &err));
    assert_ok(iad_checkpoint_open(other.dir, &other.checkpoint, NULL, &err));
    j = (ts_job){.model = &other, .dir = p.dir, .from = -1};
    j = ts_run(&j, 1);
    assert_int_equal(IAD_ERR_ARG, j.loaded);
    assert_non_null(strstr(j.err.msg, "model.embed_tokens.weight"));
    pf_close(&other);

    /* Weights only, into parameters without optimizer; and weights only, for somebody who wants states. */
    iad_comm *comm;
    iad_train_store *store;
    char dir[] = "/tmp/iad_store_XXXXXX", note[64];
    assert_non_null(mkdtemp(dir));
    assert_ok(iad_comm_self_new(&comm, &err));
    pf f = pf_load(&p.model, NULL);
    uint32_t before = ts_digest(f.params);
    iad_train_state s = ts_state(0);
    assert_ok(iad_train_store_load(p.dir, -1, comm, f.queue, f.params, NULL, NULL, note, sizeof note, &err));
    assert_int_not_equal(before, ts_digest(f.params));
    assert_ok(iad_train_store_open(&(iad_train_store_options){.dir = dir, .keep = 1}, comm, &store, &err));
    assert_ok(iad_train_store_save(store, f.queue, f.params, NULL, &s, &err));
    assert_ok(iad_train_store_close(store, &err));
    j = (ts_job){.model = &p.model, .dir = dir, .from = -1};
    j = ts_run(&j, 1);
    assert_int_equal(IAD_ERR_ARG, j.loaded);
    assert_non_null(strstr(j.err.msg, "weights only"));
    assert_ok(iad_train_store_load(dir, 0, comm, f.queue, f.params, NULL, &s, NULL, 0, &err));
    pf_free(&f);
    iad_comm_free(comm);
    pf_remove(dir);
    ts_place_free(&p);
}

/* One rank cannot write: every rank's save fails, the older checkpoint stays, and the next save works. */
typedef struct failing {
    ts_place *place;
    iad_status status[2];
} failing;

static void save_into_a_wall(iad_comm *comm, void *user) {
    failing *f = user;
    iad_err err = IAD_ERR_NONE;
    iad_train_store *store;
    pf m = pf_load(&f->place->model, NULL);
    iad_train_state s = ts_state(7);
    assert_ok(iad_train_store_open(&(iad_train_store_options){.dir = f->place->dir, .keep = 9, .async = 1}, comm, &store, &err));
    if (comm->rank == 0) assert_ok(iad_file_write(ts_path(f->place, "step-00000007.tmp"), "a file", 6, &err));
    f->status[comm->rank] = iad_train_store_save(store, m.queue, m.params, NULL, &s, &err);
    s.step = 8;
    assert_ok(iad_train_store_save(store, m.queue, m.params, NULL, &s, &err));
    assert_ok(iad_train_store_wait(store, &err));
    assert_ok(iad_train_store_close(store, &err));
    pf_free(&m);
}

static void failing_ranks(void **state) {
    (void)state;
    ts_place p = three_steps();
    failing f = {.place = &p};
    int64_t step;
    iad_err err = IAD_ERR_NONE;
    rt_run(2, save_into_a_wall, &f);
    assert_int_not_equal(IAD_OK, f.status[0]);
    assert_int_not_equal(IAD_OK, f.status[1]);
    assert_ok(iad_train_store_latest(p.dir, &step, &err));
    assert_int_equal(8, step);
    assert_int_equal(3, load(&p, 3, 1).state.step);
    ts_place_free(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flipped_bits),     cmocka_unit_test(cut_and_missing),   cmocka_unit_test(no_manifest),
        cmocka_unit_test(hostile_manifest), cmocka_unit_test(of_something_else), cmocka_unit_test(failing_ranks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
