/* iad-manifest ingest: a folder of pictures becomes rows. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/json.h"
#include "base/progress.h"
#include "manifests/cmd.h"
#include "manifests/ingest/ingest.h"
#include "manifests/manifest.h"

#define MAX_SHOWN 20 /* messages of one kind, without --verbose */

/* What the engine tells while it runs. */
typedef struct ingest_view {
    iad_app *app;
    iad_progress progress;
    size_t n_done, n_troubled;
    size_t shown[3];
} ingest_view;

static void show_trouble(void *user, iad_ingest_trouble what, const char *name, const char *reason) {
    static const char *const words[] = {"refused", "not usable", "bad"};
    ingest_view *view = user;
    if (++view->shown[what] > MAX_SHOWN && !view->app->verbose) return;
    const char *at = strncmp(reason, name, strlen(name)) == 0 ? "" : ": ";
    IAD_WARN(&view->app->log, "%s: %s%s%s", words[what], *at ? name : "", at, reason);
    if (view->shown[what] == MAX_SHOWN && !view->app->verbose) IAD_WARN(&view->app->log, "%s: more are counted, --verbose shows them", words[what]);
}

static void show_remark(void *user, const char *text) {
    const ingest_view *view = user;
    IAD_INFO(&view->app->log, "%s", text);
}

static void show_progress(void *user, size_t done, size_t total, size_t troubled) {
    ingest_view *view = user;
    if (view->n_done == 0) iad_progress_start(&view->progress, "ingesting", total, view->app->quiet);
    iad_progress_add(&view->progress, done - view->n_done, troubled - view->n_troubled);
    view->n_done = done;
    view->n_troubled = troubled;
}

/* ---- options ---- */

/* The option parser cuts at commas, but "normal=good,ok" is one value: a piece without '=' belongs to the pair before it. */
static iad_status parse_pairs(const iad_strings *pairs, json_t *object, iad_err *err) {
    char key[64] = "";
    for (size_t i = 0; i < pairs->n; i++) {
        const char *pair = pairs->items[i], *equals = strchr(pair, '=');
        json_t *value;
        if (!equals && *key) {
            value = json_sprintf("%s,%s", json_string_value(json_object_get(object, key)), pair);
        } else {
            size_t n = equals ? (size_t)(equals - pair) : 0;
            if (n == 0 || n >= sizeof key) return IAD_FAIL(err, IAD_ERR_ARG, "--option %.100s: not KEY=VALUE", pair);
            memcpy(key, pair, n);
            key[n] = 0;
            value = json_string(equals + 1);
        }
        if (json_object_set_new(object, key, value) != 0) return IAD_FAIL(err, IAD_ERR_ARG, "--option %.60s: the value is not UTF-8", key);
    }
    return IAD_OK;
}

/* A list file given as root: its folder is the data set, the file an option. */
static iad_status split_list_root(const char *root, char *folder, size_t size, const char **adapter, json_t *object, iad_err *err) {
    if (iad_file_is_dir(root)) {
        if (!iad_text_copy(folder, size, root)) return IAD_FAIL(err, IAD_ERR_LIMIT, "%.100s...: the path is too long", root);
        return IAD_OK;
    }
    if (!iad_file_exists(root)) return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "%s: no such file or folder", root);
    if (strcmp(*adapter, "auto") == 0) *adapter = "list";
    if (strcmp(*adapter, "list") != 0) return IAD_FAIL(err, IAD_ERR_ARG, "%s: adapter %s reads a folder, not a file", root, *adapter);
    iad_path_dir(folder, size, root);
    if (json_object_set_new(object, "file", json_string(iad_path_base(root))) != 0)
        return IAD_FAIL(err, IAD_ERR_ARG, "%s: the name is not UTF-8", root);
    return IAD_OK;
}

static iad_status choose_adapter(iad_app *app, const char *name, const char *root, const iad_adapter **adapter, iad_err *err) {
    if (strcmp(name, "auto") != 0) {
        *adapter = iad_adapter_find(name);
        return *adapter ? IAD_OK : IAD_FAIL(err, IAD_ERR_ARG, "no adapter \"%.60s\"; iad-manifest ingest --adapters lists them", name);
    }
    *adapter = iad_adapter_guess(root);
    if (!*adapter) return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "%s: looks like no known data set; name one with --adapter", root);
    IAD_INFO(&app->log, "reading %s as %s", root, (*adapter)->title);
    return IAD_OK;
}

static void list_adapters(FILE *out) {
    for (const iad_adapter *const *a = iad_adapters(); *a; a++) {
        fprintf(out, "%-18s%s\n%-18s%s\n", (*a)->name, (*a)->title, "", (*a)->layout);
        if ((*a)->options) fprintf(out, "%-18s--option: %s\n", "", (*a)->options);
    }
}

/* ---- the run row ---- */

static const char *run_status(iad_status status, const iad_ingest_result *r) {
    if (status == IAD_ERR_INTERRUPTED) return "interrupted";
    if (status != IAD_OK) return "failed";
    return r->bad || r->refused || r->rejected || r->masks_failed ? "partial" : "ok";
}

static iad_status end_run(iad_manifest *manifest, int64_t run_id, iad_status status, const iad_ingest_result *r, iad_err *err) {
    iad_buf counts;
    iad_buf_init(&counts, 4096);
    iad_status made = iad_buf_addf(&counts, err,
                                   "{\"added\":%zu,\"bad\":%zu,\"changed\":%zu,\"masks\":%zu,\"pictures\":%zu,\"refused\":%zu,"
                                   "\"rejected\":%zu,\"same\":%zu,\"tasks\":%zu}",
                                   r->added, r->bad, r->changed, r->masks, r->pictures, r->refused, r->rejected, r->same, r->tasks_added);
    if (made == IAD_OK) made = iad_run_end(manifest, run_id, run_status(status, r), iad_buf_str(&counts), err);
    iad_buf_deinit(&counts);
    return made;
}

static iad_status ingest(iad_app *app, const char *db, iad_ingest_options *options, iad_ingest_result *result, iad_err *err) {
    iad_manifest *manifest = NULL;
    int64_t run_id = 0;
    if (options->dry_run) return iad_ingest_run(NULL, options, result, err);
    IAD_TRY(iad_manifest_open(db, IAD_MANIFEST_CREATE, &manifest, err));
    iad_status status = iad_run_begin(manifest, "iad-manifest ingest", app->version, app->argv_text, NULL, 0, &run_id, err);
    if (status == IAD_OK) {
        status = iad_ingest_run(manifest, options, result, err);
        iad_err end_err = IAD_ERR_NONE;
        iad_status ended = end_run(manifest, run_id, status, result, &end_err);
        if (status == IAD_OK && ended != IAD_OK) {
            *err = end_err;
            status = ended;
        }
    }
    iad_manifest_close(manifest);
    return status;
}

static void summary(iad_app *app, const iad_ingest_result *r, double seconds) {
    fprintf(stderr,
            "%s ingest: dataset=%s pictures=%zu added=%zu changed=%zu same=%zu bad=%zu masks=%zu masks_failed=%zu refused=%zu rejected=%zu "
            "gone=%zu tasks=%zu bytes=%llu seconds=%.2f\n",
            app->program, *r->name ? r->name : "-", r->pictures, r->added, r->changed, r->same, r->bad, r->masks, r->masks_failed, r->refused,
            r->rejected, r->gone, r->tasks_added + r->tasks_same, (unsigned long long)r->bytes, seconds);
}

static int run_ingest(iad_app *app, const char *db, const char *adapter, const char *operand, iad_ingest_options *options, iad_err *err) {
    char root[IAD_PATH_MAX];
    iad_ingest_result result = {0};
    ingest_view view = {.app = app};
    iad_ingest_news news = {&view, show_trouble, show_remark};
    double started = iad_clock();
    iad_status status = split_list_root(operand, root, sizeof root, &adapter, options->adapter_options, err);
    if (status == IAD_OK) status = choose_adapter(app, adapter, root, &options->adapter, err);
    if (status == IAD_OK) {
        options->root = root;
        options->threads = (int)app->threads;
        options->stop = &app->stop;
        options->news = &news;
        options->progress = show_progress;
        options->progress_user = &view;
        status = ingest(app, db, options, &result, err);
        if (view.n_done) iad_progress_end(&view.progress);
        if (result.facts) {
            if (strcmp(result.facts->name, options->adapter->name) != 0) IAD_INFO(&app->log, "recognised as %s", result.facts->title);
            if (status != IAD_ERR_INTERRUPTED) iad_counts_print(&result.counts, result.facts, stdout);
            if (result.gone) IAD_WARN(&app->log, "%zu pictures of the manifest are not in the folder any more (their rows stay)", result.gone);
            fflush(stdout); /* the table stands before the summary when both go to one place */
            summary(app, &result, iad_clock() - started);
        }
    }
    int code = iad_app_exit_code(status);
    if (code == IAD_EXIT_OK && strcmp(run_status(status, &result), "partial") == 0) code = IAD_EXIT_PARTIAL;
    iad_ingest_result_deinit(&result);
    return code;
}

static const char help[] =
    "Reads a folder of pictures as one data set and adds what is new to the manifest: path, label, split, defect, masks, hashes. "
    "Running it again reads only files whose size or time changed; --rehash reads all. Interrupted or killed, the same command goes on. "
    "ROOT may be a list file (.csv, .tsv, .jsonl): then its folder is the data set. Prints found and published numbers side by side.";

int iad_cmd_ingest(iad_app *app, int argc, char **argv, iad_err *err) {
    const char *db = NULL, *adapter = "auto";
    int list = 0;
    int64_t limit = 0;
    iad_strings pairs = {0}, operands = {0};
    iad_ingest_options options = {0};
    const iad_arg table[] = {
        {.kind = IAD_ARG_STRING, .name = "db", .value = &db, .meta = "FILE", .help = "manifest; made when it is not there"},
        {.kind = IAD_ARG_STRING, .name = "adapter", .value = &adapter, .meta = "NAME", .help = "layout of the folder, or auto"},
        {.kind = IAD_ARG_FLAG, .name = "adapters", .value = &list, .help = "list the adapters and end"},
        {.kind = IAD_ARG_STRING, .name = "name", .value = &options.name, .meta = "NAME",
         .help = "name of the data set (the adapter's, or the folder's)"},
        {.kind = IAD_ARG_LIST, .name = "option", .value = &pairs, .meta = "K=V", .help = "option of the adapter; may be given several times"},
        {.kind = IAD_ARG_STRING, .name = "licence", .value = &options.licence, .meta = "TEXT", .help = "licence of the pictures (the adapter's)"},
        {.kind = IAD_ARG_STRING, .name = "origin", .value = &options.origin, .meta = "WORD",
         .help = "real, rendered, web or generated (the adapter's)"},
        {.kind = IAD_ARG_STRING, .name = "eval-overlap", .value = &options.eval_overlap, .meta = "LIST",
         .help = "benchmarks that these pictures belong to, never trained on (the adapter's)"},
        {.kind = IAD_ARG_STRING, .name = "data-version", .value = &options.version, .meta = "TEXT", .help = "version of the data set"},
        {.kind = IAD_ARG_INT, .name = "limit", .value = &limit, .meta = "N", .help = "only the first N pictures, 0: all", .lo = 0, .hi = 1000000000},
        {.kind = IAD_ARG_FLAG, .name = "rehash", .value = &options.rehash, .help = "read every file again, whatever its size and time say"},
        {.kind = IAD_ARG_FLAG, .name = "any-counts", .value = &options.any_count, .help = "accept more pictures or other labels than were published"},
        {.kind = IAD_ARG_FLAG, .name = "dry-run", .value = &options.dry_run, .help = "look and count, write nothing"},
        {.kind = IAD_ARG_END}};
    const iad_command self = {"ingest", "add a data set's pictures, labels and masks", "[options] ROOT", help, iad_cmd_ingest};
    int code = iad_app_parse(app, &self, argc, argv, table, &operands, err);
    if (code < 0 && list) {
        list_adapters(stdout);
        code = IAD_EXIT_OK;
    }
    if (code < 0 && (operands.n != 1 || (!db && !options.dry_run))) {
        IAD_FAIL(err, IAD_ERR_ARG, operands.n != 1 ? "ingest wants one folder or list file" : "ingest wants --db FILE (or --dry-run)");
        code = IAD_EXIT_USAGE;
    }
    if (code < 0) {
        options.limit = (size_t)limit;
        options.adapter_options = json_object();
        iad_status status = options.adapter_options ? parse_pairs(&pairs, options.adapter_options, err)
            : IAD_FAIL(err, IAD_ERR_NOMEM, "out of memory");
        code = status == IAD_OK ? run_ingest(app, db, adapter, operands.items[0], &options, err) : iad_app_exit_code(status);
        json_decref(options.adapter_options);
    }
    iad_strings_deinit(&pairs);
    iad_strings_deinit(&operands);
    return code;
}
