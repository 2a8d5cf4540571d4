/* A small corpus made by the suite's own tools (rendered gears and tiles, recipes, records of all stages) beside a small model with its tokenizer. */
#ifndef IAD_TEST_LOADER_FIXTURE_H
#define IAD_TEST_LOADER_FIXTURE_H

#include "tests/unit/engine/engine_fixture.h"

#include <ftw.h>
#include <inttypes.h>
#include <unistd.h>

#include "manifests/ingest/ingest.h"
#include "manifests/query.h"
#include "manifests/records.h"
#include "synth/recipe/anomalyrun.h"
#include "synth/render/renderset.h"
#include "synth/task/taskrun.h"
#include "train/data/loader.h"

typedef struct corpus {
    char dir[64], model[96], pictures[96], db[96];
    iad_model_config config;
} corpus;

static inline int corpus_remove_one(const char *path, const struct stat *info, int kind, struct FTW *where) {
    (void)info;
    (void)kind;
    (void)where;
    return remove(path);
}

static inline void corpus_close(corpus *c) { nftw(c->dir, corpus_remove_one, 16, FTW_DEPTH | FTW_PHYS); }

static inline void corpus_captions(iad_manifest *m) {
    iad_err err = IAD_ERR_NONE;
    iad_query q;
    int64_t ids[64], n = 0;
    assert_ok(iad_query_open(&q, m, "image", "SELECT id FROM image WHERE part='train' ORDER BY id", &err));
    while (iad_query_next(&q) && n < 64) ids[n++] = iad_query_col_i64(&q, 0);
    assert_ok(iad_query_close(&q, &err));
    for (int64_t i = 0; i < n; i++)
        for (int k = 0; k < 2; k++) {
            char text[96];
            int64_t id;
            snprintf(text, sizeof text, k ? "一个零件，编号%d。" : "A part of the series, number %d.", (int)i);
            assert_ok(iad_caption_put(m, &(iad_caption_row){.image_id = ids[i], .aspect = "overall", .lang = k ? "zh" : "en", .text = text,
                                                            .model = "test"}, &id, &err));
        }
}

static inline void corpus_tasks(const char *db, iad_manifest *m, int stage, int eval, const iad_templates *templates) {
    iad_err err = IAD_ERR_NONE;
    iad_task_counts counts;
    iad_task_run run = {.manifest = m, .stage = stage, .options = iad_task_options_default(), .pool = {.real = 1, .synthetic = 1, .threads = 1},
                        .eval = eval, .threads = 1};
    (void)db;
    memcpy(&run.templates, &templates, sizeof templates);
    run.options.templates = templates;
    run.options.seed = 3;
    run.options.per_picture = 2;
    assert_ok(iad_task_run_all(&run, &counts, &err));
    assert_true(counts.added > 0);
}

/* 6 good pictures for training, 2 good and 4 bad test pictures of 96 x 96 for each of two families. */
static inline void corpus_open(corpus *c, const char *name) {
    iad_err err = IAD_ERR_NONE;
    snprintf(c->dir, sizeof c->dir, "%s-%d", name, (int)getpid());
    snprintf(c->model, sizeof c->model, "%s/model", c->dir);
    snprintf(c->pictures, sizeof c->pictures, "%s/pictures", c->dir);
    snprintf(c->db, sizeof c->db, "%s/parts.db", c->dir);
    assert_ok(iad_dir_make(c->model, &err));
    fixture_model(c->model);
    assert_ok(iad_model_config_load(c->model, &c->config, &err));
    const iad_render_family *families[2] = {iad_render_family_find("tile"), iad_render_family_find("washer")};
    iad_render_set set = {.out = c->pictures, .families = families, .n_families = 2, .side = 96, .train = 6, .good = 2, .bad = 4, .seed = 5,
                          .threads = 1};
    iad_render_counts rendered;
    assert_ok(iad_render_set_run(&set, &rendered, &err));
    iad_manifest *m;
    assert_ok(iad_manifest_open(c->db, IAD_MANIFEST_CREATE, &m, &err));
    iad_ingest_result result = {0};
    json_t *options = json_pack("{s:s,s:s}", "set", "none", "mask-quality", "exact");
    assert_ok(iad_ingest_run(m, &(iad_ingest_options){.adapter = iad_adapter_find("mvtec"), .root = c->pictures, .adapter_options = options,
                                                      .name = "rendered",
                                                      .licence = "Apache-2.0", .origin = "rendered", .eval_overlap = "", .threads = 1,
                                                          .any_count = 1}, &result, &err));
    iad_ingest_result_deinit(&result);
    json_decref(options);
    corpus_captions(m);
    iad_anomaly_counts drawn;
    assert_ok(iad_anomaly_run_all(&(iad_anomaly_run){.manifest = m, .preset = iad_preset_find("full"), .seed = 1, .per_image = 3, .twin_share = 0.2,
                                                     .textures = "other",
                                                     .max_side = IAD_WORK_MAX_SIDE, .budget = 1 << 24, .threads = 1}, &drawn, &err));
    assert_true(drawn.added > 10);
    iad_templates *templates;
    assert_ok(iad_templates_load(NULL, &templates, &err));
    for (int stage = 1; stage <= 3; stage++) corpus_tasks(c->db, m, stage, 0, templates);
    corpus_tasks(c->db, m, 3, 1, templates);
    iad_templates_free(templates);
    iad_manifest_close(m);
}

static inline iad_loader_options corpus_options(const corpus *c, int stage) {
    return (iad_loader_options){.db = c->db, .model_dir = c->model, .stage = stage, .seed = 11, .replay_share = -1, .batch = 6, .rank = 0,
                                .world = 1, .threads = 2, .ahead = 2,
                                .picture_budget = 1 << 24, .mask_scale = 2, .max_rows = 2048, .retention = -1, .compress = 1};
}

static inline iad_loader *corpus_loader(const corpus *c, const iad_loader_options *options) {
    iad_err err = IAD_ERR_NONE;
    iad_loader *loader;
    assert_ok(iad_loader_new(options, &c->config, &loader, &err));
    return loader;
}

/* The ids that a query gives, at most max. */
static inline int corpus_ids(const corpus *c, const char *sql, int64_t *ids, int max) {
    iad_err err = IAD_ERR_NONE;
    iad_manifest *m;
    iad_query q;
    int n = 0;
    assert_ok(iad_manifest_open(c->db, IAD_MANIFEST_READ, &m, &err));
    assert_ok(iad_query_open_text(&q, m, "task", sql, &err));
    while (n < max && iad_query_next(&q)) ids[n++] = iad_query_col_i64(&q, 0);
    assert_ok(iad_query_close(&q, &err));
    iad_manifest_close(m);
    return n;
}

static inline void corpus_exec(const corpus *c, const char *sql) {
    iad_err err = IAD_ERR_NONE;
    iad_manifest *m;
    assert_ok(iad_manifest_open(c->db, IAD_MANIFEST_WRITE, &m, &err));
    assert_ok(iad_query_exec(m, sql, &err));
    iad_manifest_close(m);
}

#endif
