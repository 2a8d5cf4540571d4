#include "bench/runner.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/pool.h"
#include "base/image/decode.h"
#include "bench/jsonwrite.h"
#include "bench/unitfile.h"

/* A model shared by all queries that see the same exemplars. */
typedef struct shared_model {
    const iad_image_row *pictures; /* key: the set's common pictures */
    void *model;
} shared_model;

typedef struct unit_run {
    iad_runner *runner;
    const iad_runner_unit *unit;
    iad_mapcache_writer *caches[IAD_RUNNER_MAX_PROTOCOLS];
    size_t *todo; /* indices into tests */
    size_t n_todo;
    shared_model *models;
    size_t n_models;
    json_t *failed;
    size_t n_failed;
} unit_run;

/* What a worker hands to the emitting thread. */
typedef struct scored {
    iad_eval_picture pictures[IAD_RUNNER_MAX_PROTOCOLS];
    double scores[IAD_RUNNER_MAX_PROTOCOLS];
    double seconds;
} scored;

iad_status iad_runner_fail(json_t *failed, const iad_runner_unit *unit, const char *item, const char *reason, iad_err *err) {
    char name[400];
    snprintf(name, sizeof name, "%s/%s k=%d seed=%llu", unit->dataset, unit->category->name, unit->shots, (unsigned long long)unit->seed);
    iad_jsonw w = iad_jsonw_new();
    iad_jsonw_str(&w, "unit", name);
    iad_jsonw_str(&w, "item", item);
    iad_jsonw_str(&w, "reason", reason);
    json_t *entry = NULL;
    IAD_TRY(iad_jsonw_finish(&w, &entry, err));
    return json_array_append_new(failed, entry) == 0 ? IAD_OK : IAD_NOMEM(err, "the list of failures");
}

/* ---- models ---- */

static iad_status load_picture(const unit_run *run, const iad_image_row *row, iad_image *image, iad_err *err) {
    char path[IAD_PATH_MAX];
    IAD_TRY(iad_image_path_join(run->runner->readers[0], run->unit->root, row->path, path, sizeof path, err));
    return iad_image_load(path, NULL, image, NULL, err);
}

static iad_status make_model(const unit_run *run, const iad_image_row *rows, size_t n, void **model, iad_err *err) {
    iad_image *images = iad_calloc(n, sizeof *images);
    if (!images) return IAD_NOMEM(err, "the exemplars");
    iad_status status = IAD_OK;
    for (size_t i = 0; i < n && status == IAD_OK; i++) {
        status = load_picture(run, &rows[i], &images[i], err);
        if (status != IAD_OK) iad_err_prefix(err, "exemplar");
    }
    if (status == IAD_OK) status = run->runner->scorer.prepare(run->runner->scorer.context, images, (int)n, model, err);
    for (size_t i = 0; i < n; i++) iad_image_deinit(&images[i]);
    free(images);
    return status;
}

static iad_status make_shared_models(unit_run *run, iad_err *err) {
    const iad_refs *refs = run->unit->refs;
    run->models = iad_calloc(refs->n, sizeof *run->models);
    if (!run->models) return IAD_NOMEM(err, "the models");
    for (size_t i = 0; i < refs->n; i++) {
        const iad_refs_set *set = &refs->sets[i];
        if (!set->n_common) continue;
        shared_model *shared = &run->models[run->n_models];
        IAD_TRY(make_model(run, set->pictures, set->n_common, &shared->model, err));
        shared->pictures = set->pictures;
        run->n_models++;
    }
    return IAD_OK;
}

static const void *find_model(const unit_run *run, const iad_image_row *pictures) {
    for (size_t i = 0; i < run->n_models; i++)
        if (run->models[i].pictures == pictures) return run->models[i].model;
    return NULL;
}

/* ---- one picture, on a worker ---- */

static iad_status evaluate(const unit_run *run, const iad_image_row *row, const iad_image *query, double model_score, const iad_plane *map,
                           int thread, scored *out, iad_err *err) {
    iad_runner *runner = run->runner;
    iad_image mask = {0};
    iad_mask_facts facts;
    IAD_TRY(iad_image_mask(runner->readers[thread], row->id, &mask, &facts, err));
    iad_status status = IAD_OK;
    const iad_image *truth = facts.state == IAD_MASK_KNOWN ? &mask : NULL;
    for (size_t p = 0; p < runner->n_protocols && status == IAD_OK; p++) {
        const iad_protocol *protocol = &runner->protocols[p];
        status = iad_protocol_apply(protocol, map, truth, query->width, query->height, row->path, &out->pictures[p], err);
        if (status == IAD_OK)
            status = iad_protocol_image_score(protocol, map, &out->pictures[p].map, model_score, &out->scores[p], err);
    }
    iad_image_deinit(&mask);
    return status;
}

static iad_status score_picture(void *user, size_t item, int thread, void *result, iad_err *err) {
    unit_run *run = user;
    const iad_scorer *scorer = &run->runner->scorer;
    const iad_image_row *row = &run->unit->tests->items[run->todo[item]], *exemplars;
    size_t n_exemplars;
    scored *out = result;
    iad_image query = {0};
    iad_plane map = {0};
    double score = 0;
    void *own = NULL;
    IAD_TRY(iad_refs_for(run->unit->refs, row, &exemplars, &n_exemplars, err));
    const void *model = find_model(run, exemplars);
    iad_status status = load_picture(run, row, &query, err);
    double started = iad_clock();
    if (status == IAD_OK && !model) {
        status = make_model(run, exemplars, n_exemplars, &own, err);
        model = own;
    }
    if (status == IAD_OK) status = scorer->score(model, &query, &score, &map, err);
    out->seconds = iad_clock() - started;
    if (status == IAD_OK) status = evaluate(run, row, &query, score, &map, thread, out, err);
    scorer->release(own);
    iad_plane_deinit(&map);
    iad_image_deinit(&query);
    return status;
}

static iad_status store_picture(void *user, size_t item, void *result, iad_status item_status, const iad_err *item_err, iad_err *err) {
    unit_run *run = user;
    iad_runner *runner = run->runner;
    const iad_image_row *row = &run->unit->tests->items[run->todo[item]];
    scored *out = result;
    if (item_status != IAD_OK) {
        if (item_status == IAD_ERR_NOMEM) return IAD_FAIL(err, item_status, "%s: %s", row->path, item_err->msg);
        run->n_failed++;
        iad_progress_add(runner->progress, 1, 1);
        return iad_runner_fail(run->failed, run->unit, row->path, item_err->msg, err);
    }
    for (size_t p = 0; p < runner->n_protocols; p++) {
        const iad_eval_picture *picture = &out->pictures[p];
        iad_mapcache_entry entry = {.name = row->path, .map = picture->map.px, .mask = picture->mask.px, .width = picture->map.width,
                                    .height = picture->map.height, .label = row->label == IAD_LABEL_ANOMALOUS,
                                    .source_regions = picture->source_regions, .image_score = out->scores[p]};
        memcpy(entry.picture_hash, row->sha256, sizeof entry.picture_hash);
        IAD_TRY(iad_mapcache_append(run->caches[p], &entry, err));
    }
    runner->score_seconds += out->seconds;
    runner->scored++;
    iad_progress_add(runner->progress, 1, 0);
    return IAD_OK;
}

static void drop_picture(void *user, void *result) {
    const unit_run *run = user;
    scored *out = result;
    for (size_t p = 0; p < run->runner->n_protocols; p++) iad_eval_picture_deinit(&out->pictures[p]);
}

/* ---- files of the unit ---- */

static iad_status unit_path(const unit_run *run, size_t p, const char *suffix, char path[IAD_PATH_MAX], iad_err *err) {
    const iad_runner_unit *u = run->unit;
    return iad_runner_unit_path(run->runner->out_dir, u->dataset, u->category->name, run->runner->protocols[p].name, u->shots, u->seed, suffix,
                                path, IAD_PATH_MAX, err);
}

static iad_status remove_file(const char *path, iad_err *err) {
    if (unlink(path) != 0 && errno != ENOENT) return IAD_FAIL(err, IAD_ERR_IO, "%s: cannot remove: %s", path, strerror(errno));
    return IAD_OK;
}

static iad_status open_cache(unit_run *run, size_t p, iad_err *err) {
    char path[IAD_PATH_MAX], dir[IAD_PATH_MAX], tag[IAD_UNITFILE_TAG];
    IAD_TRY(unit_path(run, p, ".maps", path, err));
    iad_path_dir(dir, sizeof dir, path);
    IAD_TRY(iad_dir_make(dir, err));
    if (run->runner->restart) IAD_TRY(remove_file(path, err));
    IAD_TRY(iad_unitfile_tag(run->runner, run->unit, &run->runner->protocols[p], tag, err));
    iad_status status = iad_mapcache_append_open(path, tag, &run->caches[p], err);
    if (status == IAD_ERR_EXISTS) iad_err_prefix(err, "made with another scorer, preset or exemplars; choose another --out or give --restart");
    return status;
}

/* A picture whose file changed since its map was stored must not keep the old map. */
static iad_status check_unchanged(const char *path, const iad_image_list *tests, iad_err *err) {
    iad_mapcache *cache;
    IAD_TRY(iad_mapcache_open(path, 0, &cache, err));
    iad_status status = IAD_OK;
    for (size_t i = 0; i < tests->n && status == IAD_OK; i++) {
        ptrdiff_t at = iad_mapcache_find(cache, tests->items[i].path);
        iad_mapcache_entry entry;
        int has_mask;
        if (at < 0) continue;
        status = iad_mapcache_entry_at(cache, (size_t)at, &entry, &has_mask, err);
        if (status == IAD_OK && memcmp(entry.picture_hash, tests->items[i].sha256, sizeof entry.picture_hash) != 0)
            status = IAD_FAIL(err, IAD_ERR_EXISTS, "%s: the picture changed since its map was stored; give --restart", tests->items[i].path);
    }
    iad_mapcache_close(cache);
    return status;
}

static iad_status close_caches(unit_run *run, iad_err *err) {
    iad_status first = IAD_OK;
    for (size_t p = 0; p < run->runner->n_protocols; p++) {
        iad_status status = iad_mapcache_append_close(run->caches[p], first == IAD_OK ? err : NULL);
        run->caches[p] = NULL;
        if (first == IAD_OK) first = status;
    }
    return first;
}

/* ---- scoring ---- */

static iad_status score_missing(unit_run *run, iad_err *err) {
    const iad_image_list *tests = run->unit->tests;
    run->todo = iad_calloc(tests->n, sizeof *run->todo);
    if (!run->todo) return IAD_NOMEM(err, "the list of pictures");
    for (size_t i = 0; i < tests->n; i++) {
        int everywhere = 1;
        for (size_t p = 0; p < run->runner->n_protocols; p++) everywhere &= iad_mapcache_has(run->caches[p], tests->items[i].path);
        if (!everywhere) run->todo[run->n_todo++] = i;
    }
    run->runner->progress->skipped += tests->n - run->n_todo;
    if (run->n_todo == 0) return IAD_OK;
    iad_status status = make_shared_models(run, err);
    iad_pool_job job = {.work = score_picture, .emit = store_picture, .drop = drop_picture, .user = run, .result_size = sizeof(scored)};
    if (status == IAD_OK) status = iad_pool_run(&job, run->n_todo, run->runner->threads, 2 * (size_t)run->runner->threads, run->runner->stop, err);
    for (size_t i = 0; i < run->n_models; i++) run->runner->scorer.release(run->models[i].model);
    return status;
}

/* ---- measuring ---- */

static iad_status describe(const unit_run *run, size_t p, const char *inputs, json_t **out, iad_err *err) {
    const iad_runner_unit *u = run->unit;
    json_t *exemplars = NULL;
    IAD_TRY(iad_unitfile_exemplars(u, &exemplars, err));
    iad_jsonw w = iad_jsonw_new();
    iad_jsonw_str(&w, "dataset", u->dataset);
    iad_jsonw_str(&w, "category", u->category->name);
    iad_jsonw_int(&w, "shots", u->shots);
    iad_jsonw_int(&w, "seed", (long long)u->seed);
    iad_jsonw_str(&w, "preset", run->runner->protocols[p].name);
    iad_jsonw_str(&w, "inputs", inputs);
    iad_jsonw_take(&w, "exemplars", exemplars);
    return iad_jsonw_finish(&w, out, err);
}

/* Is this test picture, byte for byte or pixel for pixel, one of the exemplars that were shown? */
static int is_exemplar(const iad_refs *refs, const iad_image_row *test) {
    for (size_t s = 0; s < refs->n; s++)
        for (size_t i = 0; i < refs->sets[s].n_pictures; i++) {
            const iad_image_row *shown = &refs->sets[s].pictures[i];
            if (memcmp(shown->sha256, test->sha256, sizeof test->sha256) == 0) return 1;
            if (shown->has_pixels && test->has_pixels && memcmp(shown->pixel_sha256, test->pixel_sha256, sizeof test->pixel_sha256) == 0) return 1;
        }
    return 0;
}

static iad_status add_notes(const unit_run *run, json_t *unit, iad_err *err) {
    const iad_refs *refs = run->unit->refs;
    size_t leaked = 0;
    const char *first = "";
    for (size_t i = 0; i < run->unit->tests->n; i++)
        if (is_exemplar(refs, &run->unit->tests->items[i]) && leaked++ == 0) first = run->unit->tests->items[i].path;
    if (leaked) IAD_TRY(iad_evalunit_note(unit, err, "%zu test pictures are copies of an exemplar (first: %s)", leaked, first));
    if (run->unit->n_bad)
        IAD_TRY(iad_evalunit_note(unit, err, "%lld test pictures cannot be decoded and are left out", (long long)run->unit->n_bad));
    if (run->n_failed) IAD_TRY(iad_evalunit_note(unit, err, "%zu test pictures failed and are left out", run->n_failed));
    for (size_t i = 0; i < refs->n; i++) {
        if (refs->sets[i].note) IAD_TRY(iad_evalunit_note(unit, err, "%s", refs->sets[i].note));
        if (refs->sets[i].n_unpaired)
            IAD_TRY(iad_evalunit_note(unit, err, "%zu test pictures have no exemplar of their own", refs->sets[i].n_unpaired));
    }
    return IAD_OK;
}

static iad_status measure(unit_run *run, size_t p, const char *inputs, json_t **out, iad_err *err) {
    const iad_image_list *tests = run->unit->tests;
    char path[IAD_PATH_MAX];
    iad_mapcache *cache = NULL;
    iad_eval_test *list = iad_calloc(tests->n, sizeof *list);
    size_t n = 0;
    *out = NULL;
    iad_status status = list ? unit_path(run, p, ".maps", path, err) : IAD_NOMEM(err, "the scores");
    if (status == IAD_OK) status = iad_mapcache_open(path, 0, &cache, err);
    for (size_t i = 0; i < tests->n && status == IAD_OK; i++) {
        const iad_image_row *row = &tests->items[i];
        ptrdiff_t at = iad_mapcache_find(cache, row->path);
        iad_mapcache_entry entry;
        int has_mask;
        if (at < 0) continue; /* it failed and is named in `failed` */
        status = iad_mapcache_entry_at(cache, (size_t)at, &entry, &has_mask, err);
        list[n++] = (iad_eval_test){row->path, row->defect, row->label == IAD_LABEL_ANOMALOUS, status == IAD_OK ? entry.image_score : 0};
    }
    if (status == IAD_OK) status = describe(run, p, inputs, out, err);
    iad_eval_options options = run->runner->eval;
    options.protocol = &run->runner->protocols[p];
    options.threads = run->runner->threads;
    if (status == IAD_OK) status = iad_evalunit_measure(list, n, cache, &options, *out, err);
    if (status == IAD_OK) status = add_notes(run, *out, err);
    iad_mapcache_close(cache);
    free(list);
    if (status != IAD_OK) {
        json_decref(*out);
        *out = NULL;
    }
    return status;
}

/* The unit's result under protocol p: stored, or measured now and stored. A unit with failures is not stored, so that the next run
 * tries the failed pictures again. */
static iad_status result_of(unit_run *run, size_t p, json_t *units, iad_err *err) {
    char tag[IAD_UNITFILE_TAG], inputs[65], path[IAD_PATH_MAX];
    json_t *unit = NULL;
    IAD_TRY(iad_unitfile_tag(run->runner, run->unit, &run->runner->protocols[p], tag, err));
    IAD_TRY(iad_unitfile_inputs(run->runner, run->unit, tag, inputs, err));
    IAD_TRY(measure(run, p, inputs, &unit, err));
    iad_status status = unit_path(run, p, ".json", path, err);
    if (status == IAD_OK && run->n_failed == 0) status = iad_unitfile_save(path, unit, err);
    if (status == IAD_OK && run->runner->drop_maps) {
        status = unit_path(run, p, ".maps", path, err);
        if (status == IAD_OK) status = remove_file(path, err);
    }
    if (status != IAD_OK) {
        json_decref(unit);
        return status;
    }
    return json_array_append_new(units, unit) == 0 ? IAD_OK : IAD_NOMEM(err, "the results");
}

/* 1 in *complete when every protocol has a stored result that still answers the question; they are then appended. */
static iad_status load_complete(unit_run *run, json_t *units, int *complete, iad_err *err) {
    json_t *found[IAD_RUNNER_MAX_PROTOCOLS] = {NULL};
    iad_status status = IAD_OK;
    *complete = !run->runner->restart;
    for (size_t p = 0; p < run->runner->n_protocols && *complete && status == IAD_OK; p++) {
        char tag[IAD_UNITFILE_TAG], inputs[65], path[IAD_PATH_MAX];
        status = iad_unitfile_tag(run->runner, run->unit, &run->runner->protocols[p], tag, err);
        if (status == IAD_OK) status = iad_unitfile_inputs(run->runner, run->unit, tag, inputs, err);
        if (status == IAD_OK) status = unit_path(run, p, ".json", path, err);
        if (status == IAD_OK) status = iad_unitfile_load(path, inputs, &found[p], err);
        *complete = status == IAD_OK && found[p] != NULL;
    }
    for (size_t p = 0; p < run->runner->n_protocols; p++) {
        if (!*complete) json_decref(found[p]);
        else if (json_array_append_new(units, found[p]) != 0) status = IAD_NOMEM(err, "the results");
    }
    return status;
}

iad_status iad_runner_run(iad_runner *runner, const iad_runner_unit *unit, json_t *units, json_t *failed, iad_err *err) {
    unit_run run = {.runner = runner, .unit = unit, .failed = failed};
    int complete;
    IAD_TRY(load_complete(&run, units, &complete, err));
    if (complete) {
        runner->progress->skipped += unit->tests->n;
        return IAD_OK;
    }
    iad_status status = IAD_OK;
    for (size_t p = 0; p < runner->n_protocols && status == IAD_OK; p++) {
        char path[IAD_PATH_MAX];
        status = open_cache(&run, p, err);
        if (status == IAD_OK) status = unit_path(&run, p, ".maps", path, err);
        if (status == IAD_OK) status = check_unchanged(path, unit->tests, err);
    }
    if (status == IAD_OK) status = score_missing(&run, err);
    iad_status closed = close_caches(&run, status == IAD_OK ? err : NULL);
    if (status == IAD_OK) status = closed;
    for (size_t p = 0; p < runner->n_protocols && status == IAD_OK; p++) status = result_of(&run, p, units, err);
    free(run.models);
    free(run.todo);
    return status;
}
