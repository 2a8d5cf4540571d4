/* iad-synth files: recipes and good pictures as files, for other tools. */
#include <stdio.h>
#include <string.h>

#include "base/progress.h"
#include "synth/recipe/filesrun.h"
#include "synth/recipe/picturestore.h"
#include "synth/synth_cmd.h"

typedef struct files_view {
    iad_app *app;
    iad_progress progress;
    size_t shown;
} files_view;

static void show_progress(void *user, size_t done, size_t total) {
    files_view *view = user;
    view->progress.total = total;
    iad_progress_add(&view->progress, done - view->shown, 0);
    view->shown = done;
}

static void show_trouble(void *user, const char *message) {
    const files_view *view = user;
    IAD_WARN(&view->app->log, "%s", message);
}

static int run_files(iad_app *app, const char *db, iad_files_run *run, iad_err *err) {
    files_view view = {.app = app};
    iad_files_counts counts = {0};
    double start = iad_clock();
    iad_status status = iad_manifest_open(db, IAD_MANIFEST_READ, &run->manifest, err);
    if (status == IAD_OK) {
        run->stop = &app->stop;
        run->threads = (int)app->threads;
        run->progress = show_progress;
        run->trouble = show_trouble;
        run->user = &view;
        iad_progress_start(&view.progress, "files", 0, app->quiet);
        status = iad_files_run_all(run, &counts, err);
        iad_progress_end(&view.progress);
        fprintf(stderr, "%s files: pictures=%zu good=%zu written=%zu present=%zu failed=%zu seconds=%.2f list=%s/list.tsv\n", app->program,
                counts.pictures, counts.good, counts.written, counts.present, counts.failed, iad_clock() - start, run->out);
    }
    iad_manifest_close(run->manifest);
    if (status != IAD_OK) return iad_app_exit_code(status);
    return counts.failed ? IAD_EXIT_PARTIAL : IAD_EXIT_OK;
}

int iad_cmd_files(iad_app *app, int argc, char **argv, iad_err *err) {
    const char *db = NULL, *format = "jpeg", *seed = "1";
    int64_t limit = 0, max_side = IAD_WORK_MAX_SIDE;
    iad_strings categories = {0}, operands = {0};
    iad_files_run run = {.categories = &categories};
    const iad_arg table[] = {{.kind = IAD_ARG_STRING, .name = "db", .value = &db, .meta = "FILE", .help = "the manifest", .required = 1},
                             {.kind = IAD_ARG_STRING, .name = "out", .value = &run.out, .meta = "DIR", .help = "folder to fill", .required = 1},
                             {.kind = IAD_ARG_STRING, .name = "preset", .value = &run.preset, .meta = "NAME", .help = "only recipes of this preset"},
                             {.kind = IAD_ARG_LIST, .name = "categories", .value = &categories, .meta = "A,B", .help = "only these categories"},
                             {.kind = IAD_ARG_CHOICE, .name = "format", .value = &format, .choices = "jpeg|png",
                              .help = "jpeg: quality 85, 90 or 95 and either subsampling, by hash"},
                             {.kind = IAD_ARG_STRING, .name = "seed", .value = &seed, .meta = "N", .help = "of the qualities"},
                             {.kind = IAD_ARG_INT, .name = "max-side", .value = &max_side, .meta = "PX",
                              .help = "longer side of good pictures; as given to iad-synth anomalies", .lo = 0, .hi = IAD_IMAGE_MAX_SIDE},
                             {.kind = IAD_ARG_INT, .name = "limit", .value = &limit, .meta = "N",
                              .help = "at most so many recipes of a category; 0: all", .lo = 0, .hi = INT64_MAX / 2},
                             {.kind = IAD_ARG_END}};
    const iad_command self = {
        .name = "files",
        .usage = "[options] --db FILE --out DIR",
        .help = "Renders recipes into files in MVTec layout, with masks, and the good pictures they were made from through the\n"
                "same encoder. list.tsv names every file, what made it and its original; `iad-bench leak --list` takes it. Files\n"
                "that are there are left, so an interrupted call is simply repeated.",
        .run = iad_cmd_files};
    int code = iad_app_parse(app, &self, argc, argv, table, &operands, err);
    if (code < 0) {
        iad_status status = operands.n ? IAD_FAIL(err, IAD_ERR_ARG, "files takes no operands (\"%.60s\")", operands.items[0]) : IAD_OK;
        if (status == IAD_OK) status = iad_parse_u64(seed, &run.seed, "--seed", err);
        run.png = strcmp(format, "png") == 0;
        run.limit = (size_t)limit;
        run.max_side = (int)max_side;
        code = status == IAD_OK ? run_files(app, db, &run, err) : iad_app_exit_code(status);
    }
    iad_strings_deinit(&categories);
    iad_strings_deinit(&operands);
    return code;
}
