/* iad-synth tasks: training records of one stage. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/appprint.h"
#include "base/progress.h"
#include "synth/synth_cmd.h"
#include "synth/task/taskrun.h"

#define MAX_CONFIG_BYTES (256u * 1024u)

typedef struct tasks_view {
    iad_app *app;
    iad_progress progress;
    size_t shown;
} tasks_view;

static void show_progress(void *user, size_t records, size_t categories, size_t n_categories) {
    tasks_view *view = user;
    (void)categories;
    (void)n_categories;
    iad_progress_add(&view->progress, records - view->shown, 0);
    view->shown = records;
}

static void show_trouble(void *user, const char *message) {
    const tasks_view *view = user;
    IAD_WARN(&view->app->log, "%s", message);
}

/* ---- results ---- */

static json_t *counts_json(const iad_task_counts *c) {
    json_t *makers = json_object(), *skips = json_object();
    for (size_t i = 0; i < c->n_makers; i++)
        json_object_set_new(makers, c->makers[i].maker,
                            json_pack("{s:I,s:I,s:I}", "made", (json_int_t)c->makers[i].made, "added", (json_int_t)c->makers[i].added, "present",
                                      (json_int_t)c->makers[i].present));
    for (size_t i = 0; i < c->n_skips; i++) {
        json_t *of = json_object_get(skips, c->skips[i].maker);
        if (!of) {
            of = json_object();
            json_object_set_new(skips, c->skips[i].maker, of);
        }
        json_object_set_new(of, c->skips[i].reason, json_integer((json_int_t)c->skips[i].n));
    }
    return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:o,s:o}", "records", (json_int_t)c->made, "added", (json_int_t)c->added, "present",
                     (json_int_t)c->present, "categories", (json_int_t)c->categories, "done_before", (json_int_t)c->done_before, "failed",
                     (json_int_t)c->failed, "eval_left_out", (json_int_t)c->eval_left_out, "makers", makers, "skipped", skips);
}

static void print_counts(const iad_task_counts *c, FILE *out) {
    fprintf(out, "%-14s%12s%12s%12s\n", "maker", "records", "added", "present");
    for (size_t i = 0; i < c->n_makers; i++)
        fprintf(out, "%-14s%12zu%12zu%12zu\n", c->makers[i].maker, c->makers[i].made, c->makers[i].added, c->makers[i].present);
    for (size_t i = 0; i < c->n_skips; i++) fprintf(out, "%-14sskipped %zu: %s\n", c->skips[i].maker, c->skips[i].n, c->skips[i].reason);
}

static const char *run_word(iad_status status, const iad_task_counts *counts) {
    if (status == IAD_ERR_INTERRUPTED) return "interrupted";
    if (status != IAD_OK) return "failed";
    return counts->failed ? "partial" : "ok";
}

/* ---- the run ---- */

static iad_status start_run(iad_app *app, iad_task_run *run, iad_err *err) {
    iad_buf config;
    iad_buf_init(&config, MAX_CONFIG_BYTES);
    iad_status status = iad_task_run_config(run, &config, err);
    if (status == IAD_OK)
        status =
            iad_run_begin(run->manifest, "iad-synth tasks", app->version, app->argv_text, iad_buf_str(&config), run->options.seed, &run->run_id, err);
    iad_buf_deinit(&config);
    return status;
}

static iad_status end_run(const iad_task_run *run, iad_status status, const iad_task_counts *counts, iad_err *err) {
    json_t *json = counts_json(counts);
    char *text = json ? json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    iad_err end_err = IAD_ERR_NONE;
    iad_status ended = iad_run_end(run->manifest, run->run_id, run_word(status, counts), text, &end_err);
    free(text);
    json_decref(json);
    if (status == IAD_OK && ended != IAD_OK) {
        *err = end_err;
        return ended;
    }
    return status;
}

static iad_status make_records(iad_app *app, const char *db, iad_task_run *run, iad_task_counts *counts, iad_err *err) {
    tasks_view view = {.app = app};
    IAD_TRY(iad_manifest_open(db, run->dry_run ? IAD_MANIFEST_READ : IAD_MANIFEST_WRITE, &run->manifest, err));
    iad_status status = run->dry_run ? IAD_OK : start_run(app, run, err);
    if (status == IAD_OK) {
        run->threads = (int)app->threads;
        run->stop = &app->stop;
        run->progress = show_progress;
        run->trouble = show_trouble;
        run->user = &view;
        iad_progress_start(&view.progress, "records", 0, app->quiet);
        status = iad_task_run_all(run, counts, err);
        iad_progress_end(&view.progress);
        if (!run->dry_run) status = end_run(run, status, counts, err);
    }
    iad_manifest_close(run->manifest);
    return status;
}

static iad_status print_result(const iad_task_counts *counts, int json, iad_err *err) {
    if (!json) {
        print_counts(counts, stdout);
    } else {
        json_t *root = counts_json(counts);
        if (!root) return IAD_NOMEM(err, "the result");
        iad_status status = iad_app_print_json(root, err);
        json_decref(root);
        IAD_TRY(status);
    }
    return fflush(stdout) == 0 ? IAD_OK : IAD_FAIL(err, IAD_ERR_IO, "cannot write the output: %m");
}

static int run_tasks(iad_app *app, const char *db, const char *templates, iad_task_run *run, int json, iad_err *err) {
    iad_task_counts counts = {0};
    double started = iad_clock();
    iad_status status = iad_templates_load(templates, &run->templates, err);
    run->options.templates = run->templates;
    if (status == IAD_OK) status = make_records(app, db, run, &counts, err);
    if (status == IAD_OK || status == IAD_ERR_INTERRUPTED) {
        iad_err print_err = IAD_ERR_NONE;
        iad_status printed = print_result(&counts, json, &print_err);
        if (status == IAD_OK && printed != IAD_OK) {
            *err = print_err;
            status = printed;
        }
        fprintf(stderr,
                "%s tasks: stage=%d records=%zu added=%zu present=%zu categories=%zu done_before=%zu failed=%zu eval_left_out=%zu seconds=%.2f\n",
                app->program, run->stage, counts.made, counts.added, counts.present, counts.categories, counts.done_before, counts.failed,
                counts.eval_left_out, iad_clock() - started);
    }
    iad_templates_free(run->templates);
    int code = iad_app_exit_code(status);
    return code == IAD_EXIT_OK && counts.failed ? IAD_EXIT_PARTIAL : code;
}

/* ---- the command line ---- */

/* Three shares, e.g. "0.35,0.4,0.25". The option parser cuts at commas. */
static iad_status parse_shares(const iad_strings *list, const char *name, double share[3], iad_err *err) {
    if (list->n == 0) return IAD_OK;
    if (list->n != 3) return IAD_FAIL(err, IAD_ERR_ARG, "--%s wants three numbers, not %zu", name, list->n);
    for (size_t i = 0; i < 3; i++) IAD_TRY(iad_parse_f64(list->items[i], 0, 1e6, name, &share[i], err));
    if (share[0] + share[1] + share[2] <= 0) return IAD_FAIL(err, IAD_ERR_ARG, "--%s: all three are 0", name);
    return IAD_OK;
}

static const char help[] =
    "Makes training records from a manifest's pictures, captions and recipes of anomalies: stage 1 image-text pairs,\n"
    "stage 2 the odd one of a group, differences of two pictures, irregular regions, stage 3 few-shot detection,\n"
    "localisation and reasoning. The same seed gives the same records for any number of threads, and adding a\n"
    "category changes no other one's. Records that exist are left as they are, a category that is finished is passed\n"
    "over: an interrupted call is simply repeated. Data sets that overlap a benchmark give no training records, and\n"
    "no test picture is ever shown in one.";

#define SHARE(option, field, text) \
    {.kind = IAD_ARG_FLOAT, .name = option, .value = &run.options.field, .meta = "P", .help = text, .flo = 0, .fhi = 1}

int iad_cmd_tasks(iad_app *app, int argc, char **argv, iad_err *err) {
    const char *db = NULL, *seed = "1", *templates = NULL, *part = "train", *anomalies = "both";
    int no_codec = 0, json = 0;
    int64_t stage = 0, limit = 0;
    iad_strings datasets = {0}, categories = {0}, makers = {0}, operands = {0}, share = {0}, stage3 = {0}, shots = {0};
    iad_task_run run = {.options = iad_task_options_default(), .datasets = &datasets, .categories = &categories, .makers = &makers};
    const iad_arg table[] = {
        {.kind = IAD_ARG_STRING, .name = "db", .value = &db, .meta = "FILE", .help = "the manifest", .required = 1},
        {.kind = IAD_ARG_INT, .name = "stage", .value = &stage, .meta = "N", .help = "which stage's records", .required = 1, .lo = 1, .hi = 3},
        {.kind = IAD_ARG_STRING, .name = "seed", .value = &seed, .meta = "N", .help = "0..2^64-1; decides everything"},
        {.kind = IAD_ARG_LIST, .name = "makers", .value = &makers, .meta = "A,B", .help = "only these makers of the stage"},
        {.kind = IAD_ARG_LIST, .name = "dataset", .value = &datasets, .meta = "A,B", .help = "only these data sets"},
        {.kind = IAD_ARG_LIST, .name = "categories", .value = &categories, .meta = "A,B", .help = "only these categories"},
        {.kind = IAD_ARG_STRING, .name = "scheme", .value = &run.pool.scheme, .meta = "NAME",
         .help = "split scheme (the source's own when not given)"},
        {.kind = IAD_ARG_CHOICE, .name = "part", .value = &part, .choices = "train|eval",
         .help = "eval: records for measuring, from all pictures, marked so"},
        {.kind = IAD_ARG_CHOICE, .name = "anomalies", .value = &anomalies, .choices = "both|real|synthetic", .help = "which anomalies are shown"},
        {.kind = IAD_ARG_STRING, .name = "preset", .value = &run.pool.preset, .meta = "NAME", .help = "only recipes of this preset"},
        {.kind = IAD_ARG_FLOAT, .name = "min-area", .value = &run.pool.min_area, .meta = "X",
         .help = "only synthetic defects that cover at least this share of the picture", .flo = 0, .fhi = 1},
        {.kind = IAD_ARG_FLOAT, .name = "min-change", .value = &run.pool.min_change, .meta = "X",
         .help = "only synthetic defects that change it by at least so many of 255 levels in the mean", .flo = 0, .fhi = 255},
        {.kind = IAD_ARG_STRING, .name = "templates", .value = &templates, .meta = "DIR",
         .help = "folder of phrasings (the built-in ones when not given)"},
        {.kind = IAD_ARG_FLOAT, .name = "per-picture", .value = &run.options.per_picture, .meta = "X",
         .help = "records per leading picture, mean over a stage's makers", .flo = 0, .fhi = 100000},
        SHARE("zh-share", zh_share, "share of Chinese records"),
        SHARE("real-share", real_share, "share of real anomalies among leading pictures where there are both kinds"),
        SHARE("none-share", none_share, "stage 2: groups without outlier, pairs without difference"),
        SHARE("original-share", original_share, "stage 2: groups that hold the good original of the outlier"),
        SHARE("irregular-normal-share", irregular_normal_share, "stage 2: good pictures among those asked for irregular regions"),
        {.kind = IAD_ARG_LIST, .name = "share", .value = &share, .meta = "A,B,C",
         .help = "stage 2: outlier, difference, irregular; 0.35,0.4,0.25 when not given"},
        {.kind = IAD_ARG_LIST, .name = "stage3-share", .value = &stage3, .meta = "A,B,C",
         .help = "stage 3: detection, localisation, reasoning; 0.55,0.25,0.2 when not given"},
        {.kind = IAD_ARG_LIST, .name = "shots-share", .value = &shots, .meta = "A,B,C", .help = "stage 3: 1, 2, 4 shots; 0.4,0.3,0.3 when not given"},
        SHARE("canonical-share", canonical_share, "stage 3: detection records with the canonical question"),
        SHARE("bare-share", bare_share, "stage 3: answers that are only Yes or No"),
        SHARE("light-share", light_share, "stage 3: exemplars under another light"),
        {.kind = IAD_ARG_FLAG, .name = "no-codec-jitter", .value = &no_codec, .help = "no JPEG step in the pictures' small changes"},
        {.kind = IAD_ARG_INT, .name = "limit", .value = &limit, .meta = "N",
         .help = "at most so many records of a category and maker; 0: all", .lo = 0, .hi = INT64_MAX / 2},
        {.kind = IAD_ARG_FLAG, .name = "dry-run", .value = &run.dry_run, .help = "make and count everything, write nothing"},
        {.kind = IAD_ARG_FLAG, .name = "json", .value = &json, .help = "print the result as JSON"},
        {.kind = IAD_ARG_END}};
    const iad_command self = {"tasks", "make training records of a stage from a manifest", "[options] --db FILE --stage N", help, iad_cmd_tasks};
    int code = iad_app_parse(app, &self, argc, argv, table, &operands, err);
    if (code < 0) {
        iad_status status = IAD_OK;
        if (operands.n) status = IAD_FAIL(err, IAD_ERR_ARG, "tasks takes no operands (\"%.60s\")", operands.items[0]);
        if (status == IAD_OK) status = iad_parse_u64(seed, &run.options.seed, "--seed", err);
        if (status == IAD_OK) status = parse_shares(&share, "share", run.options.share, err);
        if (status == IAD_OK) status = parse_shares(&stage3, "stage3-share", run.options.stage3_share, err);
        if (status == IAD_OK) status = parse_shares(&shots, "shots-share", run.options.shots_share, err);
        run.stage = (int)stage;
        run.limit = (size_t)limit;
        run.eval = strcmp(part, "eval") == 0;
        run.pool.real = strcmp(anomalies, "synthetic") != 0;
        run.pool.synthetic = strcmp(anomalies, "real") != 0;
        if (no_codec) run.options.codec_jitter = 0;
        code = status == IAD_OK ? run_tasks(app, db, templates, &run, json, err) : iad_app_exit_code(status);
    }
    iad_strings *lists[] = {&datasets, &categories, &makers, &operands, &share, &stage3, &shots};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) iad_strings_deinit(lists[i]);
    return code;
}
