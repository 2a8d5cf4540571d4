/* Checkpoints: the way there and back bit by bit, at other world sizes, asynchronous, pruned, damaged in every way. */
#include "tests/unit/train/params_fixture.h"
#include "tests/unit/train/rank_threads.h"

#include <sys/stat.h>

#include "train/store/storemanifest.h"
#include "train/store/trainstore.h"

static const char *const frozen[] = {"visual.blocks.*"};
static const iad_param_rules rules = {.freeze = frozen, .n_freeze = 1, .decay = 0.1f};

static iad_train_state some_state(int64_t step) {
    iad_train_state s = {.stage = 2, .step = step, .steps = 900, .seed = 0xfedcba9876543210u, .map_lo = {0.1, -3.25e-300}, .map_hi = {1.0 / 3, 1},
                         .has_map_range = 1, .samples = 77, .broken = 3};
    memset(s.config_sha256, 'a', 64);
    memset(s.data_sha256, 'b', 64);
    snprintf(s.build, sizeof s.build, "test \"build\" é");
    return s;
}

/* ---- one run on some ranks: load (step -1: newest, -2: do not), train, save ---- */

typedef struct job {
    const pf_model *model;
    const char *dir;
    int states8, async;
    int64_t from;
    int steps;            /* trained on */
    int64_t save_every;   /* 0: at the end only */
    int keep, keep_every;
    uint32_t digest[2];   /* CRC of all master values at the start and at the end */
    char note[512];
    iad_status loaded;
    iad_err err;
    iad_train_state state;
} job;

static uint32_t digest_of(const iad_params *p) {
    uint32_t h = 2166136261u;
    for (int i = 0; i < p->n_tensor; i++)
        for (int64_t k = p->tensors[i].offset; k < p->tensors[i].offset + p->tensors[i].n; k++)
            h = (h ^ ((uint32_t)p->high[k] << 16 | p->low[k])) * 16777619u;
    return h;
}

static void run_rank(iad_comm *comm, void *user) {
    job *j = user;
    iad_err err = IAD_ERR_NONE;
    iad_optimizer *o = NULL;
    iad_train_store *store = NULL;
    iad_optimizer_options options = iad_optimizer_defaults();
    iad_train_state state = some_state(0);
    char note[512] = "";
    pf f = pf_load(j->model, &rules);
    options.states8 = j->states8;
    options.clip = 0;
    assert_ok(iad_optimizer_new(f.params, comm, &options, &o, &err));
    iad_status loaded = j->from == -2 ? IAD_OK : iad_train_store_load(j->dir, j->from, comm, f.queue, f.params, o, &state, note, sizeof note, &err);
    if (comm->rank == 0) {
        j->loaded = loaded;
        j->err = err;
        j->state = state;
        memcpy(j->note, note, sizeof note);
        j->digest[0] = digest_of(f.params);
    }
    if (loaded == IAD_OK && (j->steps || j->from == -2)) {
        const iad_train_store_options keep = {.dir = j->dir, .keep = j->keep ? j->keep : 2, .keep_every = j->keep_every, .async = j->async};
        assert_ok(iad_train_store_open(&keep, comm, &store, &err));
        for (int s = 1; s <= j->steps; s++) {
            iad_step_result result;
            pf_gradients(f.params, (int)state.step, comm->rank, comm->world, 1);
            assert_ok(iad_optimizer_step(o, f.queue, 1e-3, PF_SAMPLES, &result, &err));
            state.step++;
            if (j->save_every ? state.step % j->save_every == 0 : s == j->steps) assert_ok(iad_train_store_save(store, f.queue, f.params, o, &state, &err));
        }
        if (!j->steps) assert_ok(iad_train_store_save(store, f.queue, f.params, o, &state, &err));
        assert_ok(iad_train_store_wait(store, &err));
        assert_ok(iad_train_store_close(store, &err));
    }
    if (comm->rank == 0) j->digest[1] = digest_of(f.params);
    iad_optimizer_free(o);
    pf_free(&f);
}

static job run(const job *what, int world) {
    job j = *what;
    rt_run(world, run_rank, &j);
    return j;
}

typedef struct place {
    pf_model model;
    char dir[64];
} place;

static place place_new(void) {
    place p = {.model = pf_open(IAD_BF16, 1, 1), .dir = "/tmp/iad_store_XXXXXX"};
    assert_non_null(mkdtemp(p.dir));
    return p;
}

static void place_free(place *p) {
    pf_close(&p->model);
    pf_remove(p->dir);
}

static char *path_of(const place *p, const char *name) {
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", p->dir, name);
    return path;
}

/* ---- tests ---- */

static void round_trip(void **state) {
    (void)state;
    for (int states8 = 0; states8 < 2; states8++)
        for (int async = 0; async < 2; async++) {
            place p = place_new();
            job whole = run(&(job){.model = &p.model, .dir = p.dir, .from = -2, .steps = 6, .states8 = states8, .async = async}, 1);
            pf_remove(p.dir);
            job first = run(&(job){.model = &p.model, .dir = p.dir, .from = -2, .steps = 3, .states8 = states8, .async = async}, 1);
            job second = run(&(job){.model = &p.model, .dir = p.dir, .from = -1, .steps = 3, .states8 = states8, .async = async}, 1);
            if (second.loaded != IAD_OK) fail_msg("%s", second.err.msg);
            assert_string_equal("", second.note);
            assert_int_equal(first.digest[1], second.digest[0]);
            assert_int_equal(whole.digest[1], second.digest[1]); /* states and clock came back too */
            assert_int_not_equal(first.digest[1], second.digest[1]);
            iad_train_state want = some_state(3);
            want.clock.t = 3;
            assert_memory_equal(&want, &second.state, sizeof want);
            int64_t step;
            iad_err err = IAD_ERR_NONE;
            assert_ok(iad_train_store_latest(p.dir, &step, &err));
            assert_int_equal(6, step);
            assert_false(iad_file_exists(path_of(&p, "step-00000006.tmp")));
            place_free(&p);
        }
}

/* 1 -> 3 -> 2 -> 1 ranks, a step on each: every bit as on one rank (the gradients' sums do not depend on the order). */
static void reshard(void **state) {
    (void)state;
    for (int states8 = 0; states8 < 2; states8++) {
        place p = place_new();
        static const int worlds[] = {1, 3, 2, 4, 1};
        job whole = run(&(job){.model = &p.model, .dir = p.dir, .from = -2, .steps = 5, .states8 = states8}, 1), part = {0};
        pf_remove(p.dir);
        for (int i = 0; i < 5; i++) {
            part = run(&(job){.model = &p.model, .dir = p.dir, .from = i ? -1 : -2, .steps = 1, .states8 = states8, .async = i % 2}, worlds[i]);
            if (part.loaded != IAD_OK) fail_msg("%s", part.err.msg);
        }
        assert_int_equal(whole.digest[1], part.digest[1]);
        place_free(&p);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(round_trip), cmocka_unit_test(reshard)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
