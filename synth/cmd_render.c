/* iad-synth render: data sets of rendered products as files, and into a manifest. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/appprint.h"
#include "base/progress.h"
#include "manifests/ingest/ingest.h"
#include "manifests/manifest.h"
#include "manifests/query.h"
#include "synth/render/renderset.h"
#include "synth/synth_cmd.h"

#define DATASET_NAME "rendered"

/* ---- --list ---- */

static void list_text(FILE *out) {
    size_t n;
    const iad_render_family *const *families = iad_render_families(&n);
    for (size_t i = 0; i < n; i++) {
        fprintf(out, "%-16s%s\n", families[i]->name, families[i]->text);
        for (size_t k = 0; k < iad_render_kind_count(families[i]); k++) {
            fprintf(out, "    %-20s%s\n", families[i]->kinds[k].name, families[i]->kinds[k].text);
        }
    }
}

static iad_status list_json(iad_err *err) {
    size_t n;
    const iad_render_family *const *families = iad_render_families(&n);
    json_t *root = json_array();
    for (size_t i = 0; i < n; i++) {
        json_t *kinds = json_array();
        for (size_t k = 0; k < iad_render_kind_count(families[i]); k++) {
            json_array_append_new(
                kinds, json_pack("{s:s,s:s}", "name", families[i]->kinds[k].name, "text", families[i]->kinds[k].text));
        }
        json_array_append_new(
            root, json_pack("{s:s,s:s,s:o}", "name", families[i]->name, "text", families[i]->text, "kinds", kinds));
    }
    iad_status status = iad_app_print_json(root, err);
    json_decref(root);
    return status;
}

/* ---- options ---- */

/* The families to render, in the table's order, each once. *chosen is owned by the caller. */
static iad_status choose_families(const iad_strings *names, const iad_render_family ***chosen, size_t *n,
                                  iad_err *err) {
    size_t total;
    const iad_render_family *const *families = iad_render_families(&total);
    int all = names->n == 0;
    for (size_t i = 0; i < names->n; i++) {
        if (strcmp(names->items[i], "all") == 0) {
            all = 1;
        } else if (!iad_render_family_find(names->items[i])) {
            return IAD_FAIL(err, IAD_ERR_ARG, "--families: no family \"%.60s\"; iad-synth render --list shows them",
                            names->items[i]);
        }
    }
    *chosen = iad_calloc(total, sizeof **chosen);
    if (!*chosen) return IAD_NOMEM(err, "the list of families");
    *n = 0;
    for (size_t f = 0; f < total; f++) {
        int wanted = all;
        for (size_t i = 0; i < names->n && !wanted; i++) wanted = strcmp(names->items[i], families[f]->name) == 0;
        if (wanted) (*chosen)[(*n)++] = families[f];
    }
    return IAD_OK;
}

/* ---- the run ---- */

typedef struct render_view {
    iad_app *app;
    iad_progress progress;
} render_view;

static void show_progress(void *user, int written, int failed) {
    render_view *view = user;
    if (!written && !failed) view->progress.skipped++;
    iad_progress_add(&view->progress, 1, (uint64_t)failed);
}

static void show_trouble(void *user, const char *message) {
    const render_view *view = user;
    IAD_WARN(&view->app->log, "%s", message);
}

static void show_ingest_trouble(void *user, iad_ingest_trouble what, const char *name, const char *reason) {
    const render_view *view = user;
    (void)what;
    IAD_WARN(&view->app->log, "%s: %s", name, reason);
}

static void show_remark(void *user, const char *text) {
    const render_view *view = user;
    IAD_DEBUG(&view->app->log, "%s", text);
}

/* Products of one family are called what the family is: "gear_2" is a gear. */
static iad_status set_displays(iad_manifest *manifest, const iad_render_set *set, const char *dataset, iad_err *err) {
    for (size_t i = 0; i < iad_render_set_categories(set); i++) {
        char name[IAD_RENDER_NAME];
        iad_query q;
        iad_render_set_category(set, i, name);
        IAD_TRY(iad_query_open(&q, manifest, "category",
                               "UPDATE category SET display=replace(?,'_',' ') WHERE name=? AND"
                               " dataset_id=(SELECT id FROM dataset WHERE name=?)",
                               err));
        iad_query_text(&q, iad_render_category_family(name)->name);
        iad_query_text(&q, name);
        iad_query_text(&q, dataset);
        IAD_TRY(iad_query_run(&q, name, err));
    }
    return IAD_OK;
}

/* The rendered files become rows: the same way as those of any other data set. */
static iad_status add_to_manifest(iad_app *app, const iad_render_set *set, const char *db, const char *name, int captions,
                                  iad_ingest_result *result, iad_err *err) {
    render_view view = {.app = app};
    iad_ingest_news news = {&view, show_ingest_trouble, show_remark};
    iad_ingest_options options = {.adapter = iad_adapter_find("mvtec"),
                                  .root = set->out,
                                  .name = name,
                                  .licence = "Apache-2.0",
                                  .origin = "rendered",
                                  .eval_overlap = "",
                                  .threads = set->threads,
                                  .any_count = 1,
                                  .stop = &app->stop,
                                  .news = &news};
    if (!options.adapter) return IAD_FAIL(err, IAD_ERR_INTERNAL, "the manifest library has no adapter \"mvtec\"");
    iad_manifest *manifest = NULL;
    int64_t run_id = 0;
    /* Some families bear the names of published categories: they are not those. */
    options.adapter_options = json_pack("{s:s,s:s}", "set", "none", "mask-quality", "exact");
    if (!options.adapter_options) return IAD_NOMEM(err, "ingest options");
    iad_status status = iad_manifest_open(db, IAD_MANIFEST_CREATE, &manifest, err);
    if (status == IAD_OK)
        status =
            iad_run_begin(manifest, "iad-synth render", app->version, app->argv_text, NULL, set->seed, &run_id, err);
    if (status == IAD_OK) {
        status = iad_ingest_run(manifest, &options, result, err);
        if (status == IAD_OK) status = set_displays(manifest, set, name, err);
        const char *end = status == IAD_OK ? "ok" : status == IAD_ERR_INTERRUPTED ? "interrupted" : "failed";
        iad_err end_err = IAD_ERR_NONE;
        iad_status ended = iad_run_end(manifest, run_id, end, NULL, &end_err);
        if (status == IAD_OK && ended != IAD_OK) {
            *err = end_err;
            status = ended;
        }
    }
    if (status == IAD_OK && captions) status = iad_synth_caption(app, manifest, name, err);
    iad_manifest_close(manifest);
    json_decref(options.adapter_options);
    return status;
}

static iad_status print_plan(const iad_render_set *set, int json, FILE *out, iad_err *err) {
    for (size_t i = 0; i < iad_render_set_size(set); i++) {
        iad_render_job job;
        char picture[512], mask[512];
        IAD_TRY(iad_render_set_item(set, i, &job, picture, mask, sizeof picture, err));
        if (!json) fprintf(out, "%s\t%s\n", picture, mask);
        else if (*mask) fprintf(out, "{\"picture\": \"%s\", \"mask\": \"%s\"}\n", picture, mask);
        else fprintf(out, "{\"picture\": \"%s\"}\n", picture);
    }
    return IAD_OK;
}

static void print_categories(const iad_render_set *set, FILE *out) {
    fprintf(out, "%-16s%7s%7s%7s%7s\n", "category", "train", "good", "bad", "kinds");
    for (size_t i = 0; i < iad_render_set_categories(set); i++) {
        char name[IAD_RENDER_NAME];
        iad_render_set_category(set, i, name);
        fprintf(out, "%-16s%7d%7d%7d%7zu\n", name, set->train, set->good, set->bad,
                iad_render_kind_count(iad_render_category_family(name)));
    }
}

static iad_status print_result(const iad_render_set *set, const iad_render_counts *c, const iad_ingest_result *rows,
                               iad_err *err) {
    json_t *names = json_array();
    for (size_t i = 0; i < set->n_families; i++) json_array_append_new(names, json_string(set->families[i]->name));
    json_t *root = json_pack("{s:s,s:o,s:i,s:s,s:i,s:i,s:i,s:i,s:I,s:I,s:I,s:I,s:I}", "out", set->out, "families", names,
                             "designs", set->designs, "part", set->all_train ? "train" : "test", "side", set->side,
                             "train", set->train, "good", set->good, "bad", set->bad, "pictures", (json_int_t)c->pictures, "written",
                             (json_int_t)c->written, "present", (json_int_t)c->present, "failed", (json_int_t)c->failed, "added",
                             (json_int_t)rows->added);
    if (!root) return IAD_FAIL(err, IAD_ERR_ARG, "%s: the folder's name is not UTF-8", set->out);
    iad_status status = iad_app_print_json(root, err);
    json_decref(root);
    return status;
}

static int run_render(iad_app *app, iad_render_set *set, const char *db, const char *name, int captions, int json, iad_err *err) {
    render_view view = {.app = app};
    iad_render_counts counts = {0};
    iad_ingest_result rows = {0};
    double started = iad_clock();
    set->threads = (int)app->threads;
    set->stop = &app->stop;
    set->progress = show_progress;
    set->trouble = show_trouble;
    set->user = &view;
    iad_progress_start(&view.progress, "rendering", iad_render_set_size(set), app->quiet);
    iad_status status = iad_render_set_run(set, &counts, err);
    iad_progress_end(&view.progress);
    if (status == IAD_OK && db) status = add_to_manifest(app, set, db, name, captions, &rows, err);
    if (status == IAD_OK) {
        if (json) status = print_result(set, &counts, &rows, err);
        else if (!app->quiet) print_categories(set, stdout);
        fflush(stdout); /* the table stands before the summary when both go to one place */
    }
    double seconds = iad_clock() - started;
    fprintf(stderr, "%s render: categories=%zu pictures=%zu written=%zu present=%zu failed=%zu", app->program,
            iad_render_set_categories(set), counts.pictures, counts.written, counts.present, counts.failed);
    if (db) fprintf(stderr, " added=%zu", rows.added);
    fprintf(stderr, " seconds=%.2f\n", seconds);
    int code = iad_app_exit_code(status);
    if (code == IAD_EXIT_OK && (counts.failed || rows.bad || rows.refused || rows.rejected || rows.masks_failed))
        code = IAD_EXIT_PARTIAL;
    iad_ingest_result_deinit(&rows);
    return code;
}

static const char help[] =
    "Renders families of small products (screws, gears, boards, cloth ...), good and with defects, with exact masks, "
    "in MVTec layout. The same seed gives the same bytes on every machine; another seed gives other products of the "
    "same families. Files that are there are kept, so an interrupted call goes on, and larger numbers add pictures. "
    "With --db the pictures are added to a manifest as well, with --captions also what can be said about them.";

int iad_cmd_render(iad_app *app, int argc, char **argv, iad_err *err) {
    const char *out = NULL, *layout = "mvtec", *db = NULL, *name = DATASET_NAME, *seed_text = "1", *part = "test";
    int list = 0, dry_run = 0, json = 0, captions = 0;
    int64_t side = 256, train = 8, good = 10, bad = 12, designs = 1;
    iad_strings names = {0}, operands = {0};
    const iad_arg table[] = {
        {.kind = IAD_ARG_STRING,
         .name = "out",
         .value = &out,
         .meta = "DIR",
         .help = "folder for the pictures: new, empty, or of an earlier call"},
        {.kind = IAD_ARG_LIST,
         .name = "families",
         .value = &names,
         .meta = "A,B",
         .help = "families to render, all when not given (see --list)"},
        {.kind = IAD_ARG_INT,
         .name = "designs",
         .value = &designs,
         .meta = "N",
         .help = "products of each family: categories gear, gear_2, gear_3 ...",
         .lo = 1,
         .hi = IAD_RENDER_MAX_DESIGNS},
        {.kind = IAD_ARG_INT,
         .name = "size",
         .value = &side,
         .meta = "PX",
         .help = "side of the square pictures",
         .lo = IAD_RENDER_MIN_SIDE,
         .hi = IAD_RENDER_MAX_SIDE},
        {.kind = IAD_ARG_INT,
         .name = "train",
         .value = &train,
         .meta = "N",
         .help = "good pictures for training, per category",
         .lo = 0,
         .hi = IAD_RENDER_MAX_PER_PART},
        {.kind = IAD_ARG_INT,
         .name = "good",
         .value = &good,
         .meta = "N",
         .help = "good test pictures per category",
         .lo = 0,
         .hi = IAD_RENDER_MAX_PER_PART},
        {.kind = IAD_ARG_INT,
         .name = "bad",
         .value = &bad,
         .meta = "N",
         .help = "defective test pictures per category, spread over its kinds",
         .lo = 0,
         .hi = IAD_RENDER_MAX_PER_PART},
        {.kind = IAD_ARG_CHOICE,
         .name = "part",
         .value = &part,
         .choices = "test|train",
         .help = "what the pictures of --good and --bad are for; train: real defects to learn from"},
        {.kind = IAD_ARG_STRING,
         .name = "seed",
         .value = &seed_text,
         .meta = "N",
         .help = "0..2^64-1; decides everything"},
        {.kind = IAD_ARG_CHOICE,
         .name = "layout",
         .value = &layout,
         .choices = "mvtec",
         .help = "how the files are arranged"},
        {.kind = IAD_ARG_STRING,
         .name = "db",
         .value = &db,
         .meta = "FILE",
         .help = "also add the pictures to this manifest (made when it is not there)"},
        {.kind = IAD_ARG_STRING,
         .name = "name",
         .value = &name,
         .meta = "NAME",
         .help = "name of the data set in the manifest"},
        {.kind = IAD_ARG_FLAG,
         .name = "captions",
         .value = &captions,
         .help = "also caption the good pictures in the manifest, as iad-synth caption does"},
        {.kind = IAD_ARG_FLAG, .name = "list", .value = &list, .help = "list the families and their defects and end"},
        {.kind = IAD_ARG_FLAG,
         .name = "dry-run",
         .value = &dry_run,
         .help = "print the files that would be made, write nothing"},
        {.kind = IAD_ARG_FLAG, .name = "json", .value = &json, .help = "print lists and the result as JSON"},
        {.kind = IAD_ARG_END}};
    const iad_command self = {"render", "render pictures of small products, good and defective, with masks",
                              "[options] --out DIR", help, iad_cmd_render};
    const iad_render_family **families = NULL;
    int code = iad_app_parse(app, &self, argc, argv, table, &operands, err);
    iad_status status = IAD_OK;
    iad_render_set set = {.out = out, .designs = (int)designs, .side = (int)side, .train = (int)train, .good = (int)good, .bad = (int)bad,
                          .all_train = strcmp(part, "train") == 0};
    if (code < 0 && operands.n)
        status = IAD_FAIL(err, IAD_ERR_ARG, "render takes no operands (\"%.60s\")", operands.items[0]);
    if (code < 0 && status == IAD_OK && !list) {
        if (!out && !dry_run) status = IAD_FAIL(err, IAD_ERR_ARG, "render wants --out DIR");
        if (status == IAD_OK && captions && !db) status = IAD_FAIL(err, IAD_ERR_ARG, "--captions stand in a manifest: --db FILE");
        if (status == IAD_OK) status = iad_parse_u64(seed_text, &set.seed, "--seed", err);
        if (status == IAD_OK) status = choose_families(&names, &families, &set.n_families, err);
    }
    if (code < 0 && status != IAD_OK) code = iad_app_exit_code(status);
    if (code < 0) {
        set.families = families;
        if (list) {
            if (json) status = list_json(err);
            else list_text(stdout);
            code = iad_app_exit_code(status);
        } else if (dry_run) {
            code = iad_app_exit_code(print_plan(&set, json, stdout, err));
        } else {
            code = run_render(app, &set, db, name, captions, json, err);
        }
    }
    free(families);
    iad_strings_deinit(&names);
    iad_strings_deinit(&operands);
    return code;
}
