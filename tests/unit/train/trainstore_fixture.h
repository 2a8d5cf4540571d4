/* Runs that load, train and save in a folder of their own, on any number of ranks. */
#ifndef IAD_TEST_TRAINSTORE_FIXTURE_H
#define IAD_TEST_TRAINSTORE_FIXTURE_H

#include "tests/unit/train/params_fixture.h"
#include "tests/unit/train/rank_threads.h"

#include "train/store/trainstore.h"

static const char *const ts_frozen[] = {"visual.blocks.*"};
static const iad_param_rules ts_rules = {.freeze = ts_frozen, .n_freeze = 1, .decay = 0.1f};

static inline iad_train_state ts_state(int64_t step) {
    iad_train_state s = {.stage = 2, .step = step, .steps = 900, .seed = 0xfedcba9876543210u, .map_lo = {0.1, -3.25e-300}, .map_hi = {1.0 / 3, 1},
                         .has_map_range = 1, .samples = 77, .broken = 3};
    memset(s.config_sha256, 'a', 64);
    memset(s.data_sha256, 'b', 64);
    snprintf(s.build, sizeof s.build, "test \"build\" é");
    return s;
}

/* ---- one run on some ranks: load (step -1: newest, -2: do not), train, save ---- */

typedef struct ts_job {
    const pf_model *model;
    const iad_param_rules *rules; /* NULL: ts_rules */
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
} ts_job;

static inline uint32_t ts_digest(const iad_params *p) {
    uint32_t h = 2166136261u;
    for (int i = 0; i < p->n_tensor; i++)
        for (int64_t k = p->tensors[i].offset; k < p->tensors[i].offset + p->tensors[i].n; k++)
            h = (h ^ ((uint32_t)p->high[k] << 16 | p->low[k])) * 16777619u;
    return h;
}

static inline void ts_run_rank(iad_comm *comm, void *user) {
    ts_job *j = user;
    iad_err err = IAD_ERR_NONE;
    iad_optimizer *o = NULL;
    iad_train_store *store = NULL;
    iad_optimizer_options options = iad_optimizer_defaults();
    iad_train_state state = ts_state(0);
    char note[512] = "";
    pf f = pf_load(j->model, j->rules ? j->rules : &ts_rules);
    options.states8 = j->states8;
    options.clip = 0;
    assert_ok(iad_optimizer_new(f.params, comm, &options, &o, &err));
    iad_status loaded = j->from == -2 ? IAD_OK : iad_train_store_load(j->dir, j->from, comm, f.queue, f.params, o, &state, note, sizeof note, &err);
    if (comm->rank == 0) {
        j->loaded = loaded;
        j->err = err;
        j->state = state;
        memcpy(j->note, note, sizeof note);
        j->digest[0] = ts_digest(f.params);
    }
    if (loaded == IAD_OK && (j->steps || j->from == -2)) {
        const iad_train_store_options keep = {.dir = j->dir, .keep = j->keep ? j->keep : 2, .keep_every = j->keep_every, .async = j->async};
        assert_ok(iad_train_store_open(&keep, comm, &store, &err));
        for (int s = 1; s <= j->steps; s++) {
            iad_step_result result;
            pf_gradients(f.params, (int)state.step, comm->rank, comm->world, 1);
            assert_ok(iad_optimizer_step(o, f.queue, 1e-3, PF_SAMPLES, &result, &err));
            state.step++;
            if (j->save_every ? state.step % j->save_every == 0 : s == j->steps) assert_ok(iad_train_store_save(store, f.queue, f.params, o, &state,
                                                                                                                &err));
        }
        if (!j->steps) assert_ok(iad_train_store_save(store, f.queue, f.params, o, &state, &err));
        assert_ok(iad_train_store_wait(store, &err));
        assert_ok(iad_train_store_close(store, &err));
    }
    if (comm->rank == 0) j->digest[1] = ts_digest(f.params);
    iad_optimizer_free(o);
    pf_free(&f);
}

/* The job on so many ranks; the members behind `keep_every` are filled. */
static inline ts_job ts_run(const ts_job *what, int world) {
    ts_job j = *what;
    rt_run(world, ts_run_rank, &j);
    return j;
}

typedef struct ts_place {
    pf_model model;
    char dir[64];
} ts_place;

static inline ts_place ts_place_new(void) {
    ts_place p = {.model = pf_open(IAD_BF16, 1, 1), .dir = "/tmp/iad_store_XXXXXX"};
    assert_non_null(mkdtemp(p.dir));
    return p;
}

static inline void ts_place_free(ts_place *p) {
    pf_close(&p->model);
    pf_remove(p->dir);
}

/* Valid until the next call. */
static inline char *ts_path(const ts_place *p, const char *name) {
    static char path[256];
    snprintf(path, sizeof path, "%.63s/%.180s", p->dir, name);
    return path;
}

#endif
