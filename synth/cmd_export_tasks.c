/* iad-synth export: training records as files for other programs. */
#include <stdio.h>
#include <string.h>

#include "base/progress.h"
#include "synth/export/task_export.h"
#include "synth/recipe/picturestore.h"
#include "synth/synth_cmd.h"

typedef struct export_view {
    iad_app *app;
    iad_progress progress;
    size_t shown;
} export_view;

static void show_progress(void *user, size_t done, size_t total) {
    export_view *view = user;
    view->progress.total = total;
    iad_progress_add(&view->progress, done - view->shown, 0);
    view->shown = done;
}

static void show_trouble(void *user, const char *message) {
    const export_view *view = user;
    IAD_WARN(&view->app->log, "%s", message);
}

static int run_export(iad_app *app, const char *db, iad_task_export *run, iad_err *err) {
    export_view view = {.app = app};
    iad_export_counts c = {0};
    double started = iad_clock();
    iad_status status = iad_manifest_open(db, IAD_MANIFEST_READ, &run->manifest, err);
    if (status == IAD_OK) {
        run->stop = &app->stop;
        run->progress = show_progress;
        run->trouble = show_trouble;
        run->user = &view;
        iad_progress_start(&view.progress, "records", 0, app->quiet);
        status = iad_task_export_run(run, &c, err);
        iad_progress_end(&view.progress);
        fprintf(
            stderr,
            "%s export: records=%zu written=%zu refused=%zu unfit=%zu rendered=%zu linked=%zu present=%zu masks=%zu shards=%zu seconds=%.2f out=%s\n",
            app->program, c.records, c.written, c.refused, c.unfit, c.rendered, c.linked, c.present, c.masks, c.shards, iad_clock() - started,
            run->out);
    }
    iad_manifest_close(run->manifest);
    int code = iad_app_exit_code(status);
    return code == IAD_EXIT_OK && c.refused ? IAD_EXIT_PARTIAL : code;
}

static const char help[] =
    "Writes the records of a stage (with the share of the earlier stage that training shows again) for other\n"
    "programs. Recipes and changed pictures are rendered to OUT/render, each once; other pictures stay where they\n"
    "are, or are copied or linked (--files). Files appear when they are complete; pictures that are there are left,\n"
    "so an interrupted call is simply repeated. Boxes are pixels of the resized picture (Qwen2.5-VL) under --min-\n"
    "pixels and --max-pixels; ms-swift gets those of the files. Records that cannot be told safely are left out and\n"
    "counted.";

int iad_cmd_export_tasks(iad_app *app, int argc, char **argv, iad_err *err) {
    const char *db = NULL, *format = NULL, *seed = "1", *part = "train", *files = "none", *key = "images";
    int64_t stage = 0, limit = 0, shard_mb = 500, min_pixels = IAD_EXPORT_MIN_PIXELS, max_pixels = IAD_EXPORT_MAX_PIXELS,
            max_side = IAD_WORK_MAX_SIDE;
    iad_strings operands = {0};
    iad_task_export run = {.replay = -1};
    const iad_arg table[] = {
        {.kind = IAD_ARG_STRING, .name = "db", .value = &db, .meta = "FILE", .help = "the manifest", .required = 1},
        {.kind = IAD_ARG_INT,
         .name = "stage",
         .value = &stage,
         .meta = "N",
         .help = "which stage's records; 0: those of others",
         .required = 1,
         .lo = 0,
         .hi = 3},
        {.kind = IAD_ARG_CHOICE,
         .name = "format",
         .value = &format,
         .choices = "llava|qwen|llama-factory|ms-swift|webdataset|hf|mmad|grpo",
         .help = "what to write",
         .required = 1},
        {.kind = IAD_ARG_STRING, .name = "out", .value = &run.out, .meta = "DIR", .help = "folder to fill", .required = 1},
        {.kind = IAD_ARG_CHOICE, .name = "part", .value = &part, .choices = "train|eval", .help = "eval: records for measuring, without replay"},
        {.kind = IAD_ARG_STRING, .name = "seed", .value = &seed, .meta = "N", .help = "0..2^64-1; chooses the replayed records"},
        {.kind = IAD_ARG_FLOAT,
         .name = "replay",
         .value = &run.replay,
         .meta = "P",
         .help = "share of the earlier stage; -1: 0.5 in stage 2, 0.8 in stage 3",
         .flo = -1,
         .fhi = 1},
        {.kind = IAD_ARG_INT, .name = "limit", .value = &limit, .meta = "N", .help = "at most so many records; 0: all", .lo = 0, .hi = INT64_MAX / 2},
        {.kind = IAD_ARG_CHOICE,
         .name = "files",
         .value = &files,
         .choices = "none|copy|hardlink|symlink|render",
         .help = "unchanged real pictures: name the original, bring it along, or encode it like the synthetic ones"},
        {.kind = IAD_ARG_INT, .name = "shard-mb", .value = &shard_mb, .meta = "N", .help = "webdataset: size of a shard", .lo = 1, .hi = 1 << 20},
        {.kind = IAD_ARG_INT,
         .name = "min-pixels",
         .value = &min_pixels,
         .meta = "N",
         .help = "of a picture as the model sees it",
         .lo = 784,
         .hi = 1 << 28},
        {.kind = IAD_ARG_INT,
         .name = "max-pixels",
         .value = &max_pixels,
         .meta = "N",
         .help = "of a picture as the model sees it",
         .lo = 784,
         .hi = 1 << 28},
        {.kind = IAD_ARG_INT, .name = "max-side", .value = &max_side, .meta = "N", .help = "longer side of rendered pictures", .lo = 16, .hi = 8192},
        {.kind = IAD_ARG_CHOICE, .name = "image-key", .value = &key, .choices = "image|images", .help = "qwen: key of several pictures"},
        {.kind = IAD_ARG_FLAG, .name = "jsonl", .value = &run.jsonl, .help = "qwen, grpo: one record a line instead of one array"},
        {.kind = IAD_ARG_END}};
    const iad_command self = {"export", "training records for other programs", "[options] --db FILE --stage N --format NAME --out DIR", help,
                              iad_cmd_export_tasks};
    int code = iad_app_parse(app, &self, argc, argv, table, &operands, err);
    if (code < 0) {
        iad_status status = IAD_OK;
        if (operands.n) status = IAD_FAIL(err, IAD_ERR_ARG, "export takes no operands (\"%.60s\")", operands.items[0]);
        if (status == IAD_OK) status = iad_parse_u64(seed, &run.seed, "--seed", err);
        if (status == IAD_OK && run.replay < 0) run.replay = -1;
        if (status == IAD_OK && (!iad_export_format_parse(format, &run.format) || !iad_export_files_parse(files, &run.files)))
            status = IAD_FAIL(err, IAD_ERR_INTERNAL, "a choice without meaning");
        run.stage = (int)stage;
        run.eval = strcmp(part, "eval") == 0;
        run.limit = (size_t)limit;
        run.shard_bytes = shard_mb << 20;
        run.min_pixels = (int)min_pixels;
        run.max_pixels = (int)max_pixels;
        run.max_side = (int)max_side;
        run.images_key = strcmp(key, "images") == 0;
        code = status == IAD_OK ? run_export(app, db, &run, err) : iad_app_exit_code(status);
    }
    iad_strings_deinit(&operands);
    return code;
}
