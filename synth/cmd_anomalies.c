/* iad-synth anomalies: recipes of defects for every good picture. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/progress.h"
#include "synth/recipe/anomalyrun.h"
#include "synth/synth_cmd.h"

typedef struct anomalies_view {
    iad_app *app;
    iad_progress progress;
    size_t shown;
} anomalies_view;

static void show_progress(void *user, size_t done, size_t total) {
    anomalies_view *view = user;
    view->progress.total = total;
    iad_progress_add(&view->progress, done - view->shown, 0);
    view->shown = done;
}

static void show_trouble(void *user, const char *message) {
    const anomalies_view *view = user;
    IAD_WARN(&view->app->log, "%s", message);
}

static json_t *counts_json(const iad_anomaly_counts *c) {
    return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "pictures", (json_int_t)c->pictures, "failed", (json_int_t)c->failed, "recipes",
                     (json_int_t)c->recipes, "added", (json_int_t)c->added, "twins", (json_int_t)c->twins, "present", (json_int_t)c->present,
                     "gave_up", (json_int_t)c->gave_up, "eval_left_out", (json_int_t)c->eval_left_out);
}

static iad_status end_run(iad_manifest *manifest, int64_t run_id, iad_status status, const iad_anomaly_counts *c, iad_err *err) {
    json_t *json = counts_json(c);
    iad_buf text;
    iad_buf_init(&text, 65536);
    if (json) iad_json_canonical(json, &text, NULL);
    const char *word = status == IAD_ERR_INTERRUPTED ? "interrupted" : status != IAD_OK ? "failed" : c->failed ? "partial" : "ok";
    iad_status ended = iad_run_end(manifest, run_id, word, text.len ? iad_buf_str(&text) : NULL, err);
    iad_buf_deinit(&text);
    json_decref(json);
    return ended;
}

static int run_anomalies(iad_app *app, const char *db, const char *preset, iad_anomaly_run *run, iad_err *err) {
    anomalies_view view = {.app = app};
    iad_anomaly_counts counts = {0};
    iad_manifest *manifest = NULL;
    int64_t run_id = 0;
    double start = iad_clock();
    if (!(run->preset = iad_preset_find(preset))) return iad_app_exit_code(IAD_FAIL(err, IAD_ERR_ARG, "no preset \"%.40s\": paper or full", preset));
    iad_status status = iad_manifest_open(db, run->dry_run ? IAD_MANIFEST_READ : IAD_MANIFEST_WRITE, &manifest, err);
    if (status == IAD_OK && !run->dry_run)
        status = iad_run_begin(manifest, "iad-synth anomalies", app->version, app->argv_text, NULL, run->seed, &run_id, err);
    if (status == IAD_OK) {
        run->manifest = manifest;
        run->stop = &app->stop;
        run->threads = (int)app->threads;
        run->progress = show_progress;
        run->trouble = show_trouble;
        run->user = &view;
        iad_progress_start(&view.progress, "pictures", 0, app->quiet);
        status = iad_anomaly_run_all(run, &counts, err);
        iad_progress_end(&view.progress);
        if (run_id) {
            iad_status ended = end_run(manifest, run_id, status, &counts, status == IAD_OK ? err : NULL);
            if (status == IAD_OK) status = ended;
        }
        fprintf(stderr,
                "%s anomalies: pictures=%zu recipes=%zu added=%zu twins=%zu present=%zu gave_up=%zu failed=%zu eval_left_out=%zu seconds=%.2f\n",
                app->program, counts.pictures, counts.recipes, counts.added, counts.twins, counts.present, counts.gave_up, counts.failed,
                counts.eval_left_out, iad_clock() - start);
    }
    iad_manifest_close(manifest);
    if (status != IAD_OK) return iad_app_exit_code(status);
    return counts.failed ? IAD_EXIT_PARTIAL : IAD_EXIT_OK;
}

int iad_cmd_anomalies(iad_app *app, int argc, char **argv, iad_err *err) {
    const char *db = NULL, *preset = "full", *seed = "1", *textures = "other";
    int64_t per_image = 2, max_side = IAD_WORK_MAX_SIDE, memory = 512, limit = 0;
    iad_strings datasets = {0}, categories = {0}, operands = {0};
    iad_anomaly_run run = {.datasets = &datasets, .categories = &categories, .twin_share = 0.2};
    const iad_arg table[] = {
        {.kind = IAD_ARG_STRING, .name = "db", .value = &db, .meta = "FILE", .help = "the manifest", .required = 1},
        {.kind = IAD_ARG_CHOICE, .name = "preset", .value = &preset, .choices = "full|paper", .help = "mix of generators"},
        {.kind = IAD_ARG_INT, .name = "per-image", .value = &per_image, .meta = "N",
         .help = "recipes for each good picture", .lo = 1, .hi = IAD_ANOMALY_MAX_PER_IMAGE},
        {.kind = IAD_ARG_STRING, .name = "seed", .value = &seed, .meta = "N", .help = "0..2^64-1; decides everything"},
        {.kind = IAD_ARG_FLOAT, .name = "twins", .value = &run.twin_share, .meta = "P",
         .help = "share of recipes that are also rendered with another blend", .flo = 0, .fhi = 1},
        {.kind = IAD_ARG_LIST, .name = "dataset", .value = &datasets, .meta = "A,B", .help = "only these data sets"},
        {.kind = IAD_ARG_LIST, .name = "categories", .value = &categories, .meta = "A,B", .help = "only these categories"},
        {.kind = IAD_ARG_STRING, .name = "scheme", .value = &run.scheme, .meta = "NAME", .help = "split scheme (the source's own when not given)"},
        {.kind = IAD_ARG_STRING, .name = "textures", .value = &textures, .meta = "NAME",
         .help = "foreign texture: other (categories of the same data set), none, or a data set"},
        {.kind = IAD_ARG_INT, .name = "max-side", .value = &max_side, .meta = "PX",
         .help = "larger pictures are worked on at this longer side; 0: never shrink", .lo = 0, .hi = IAD_IMAGE_MAX_SIDE},
        {.kind = IAD_ARG_INT, .name = "memory", .value = &memory, .meta = "MIB", .help = "for decoded pictures", .lo = 16, .hi = 1 << 20},
        {.kind = IAD_ARG_FLAG, .name = "allow-eval", .value = &run.allow_eval,
         .help = "also data sets that overlap a benchmark (for validation sets, never for training)"},
        {.kind = IAD_ARG_INT, .name = "limit", .value = &limit, .meta = "N",
         .help = "at most so many good pictures; 0: all", .lo = 0, .hi = INT64_MAX / 2},
        {.kind = IAD_ARG_FLAG, .name = "dry-run", .value = &run.dry_run, .help = "draw and count everything, write nothing"},
        {.kind = IAD_ARG_END}};
    const iad_command self = {.name = "anomalies",
                              .usage = "[options] --db FILE",
                              .help = "Draws recipes of synthetic defects for the good pictures of a manifest (train part, or no part). A\n"
                                      "recipe is a row that makes the same picture and mask again, bit for bit, wherever it is needed; no\n"
                                      "picture is written. Defects land on the object, and are drawn again until they can be seen. The same\n"
                                      "seed gives the same recipes for any number of threads; recipes that are there are passed over, so an\n"
                                      "interrupted call is simply repeated. Data sets that overlap a benchmark are left out.",
                              .run = iad_cmd_anomalies};
    int code = iad_app_parse(app, &self, argc, argv, table, &operands, err);
    if (code < 0) {
        iad_status status = operands.n ? IAD_FAIL(err, IAD_ERR_ARG, "anomalies takes no operands (\"%.60s\")", operands.items[0]) : IAD_OK;
        if (status == IAD_OK) status = iad_parse_u64(seed, &run.seed, "--seed", err);
        run.per_image = (int)per_image;
        run.max_side = (int)max_side;
        run.budget = (size_t)memory << 20;
        run.limit = (size_t)limit;
        run.textures = textures;
        code = status == IAD_OK ? run_anomalies(app, db, preset, &run, err) : iad_app_exit_code(status);
    }
    iad_strings_deinit(&datasets);
    iad_strings_deinit(&categories);
    iad_strings_deinit(&operands);
    return code;
}
