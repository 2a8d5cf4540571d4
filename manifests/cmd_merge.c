/* iad-manifest merge */
#include <stdio.h>

#include "manifests/cmd.h"
#include "manifests/merge.h"

#define MAX_SHOWN 100

typedef struct merge_view {
    iad_app *app;
    const char *from;
    size_t shown;
} merge_view;

static void show_conflict(void *user, const char *item, const char *text) {
    merge_view *view = user;
    if (++view->shown > MAX_SHOWN && !view->app->verbose) return;
    IAD_WARN(&view->app->log, "%s: conflict: %s: %s", view->from, item, text);
    if (view->shown == MAX_SHOWN && !view->app->verbose)
        IAD_WARN(&view->app->log, "more conflicts are counted, --verbose shows them");
}

static void add(iad_merge_counts *sum, const iad_merge_counts *one) {
    sum->added += one->added;
    sum->same += one->same;
    sum->pictures_added += one->pictures_added;
    sum->pictures_same += one->pictures_same;
    sum->renamed += one->renamed;
    sum->conflicts += one->conflicts;
    sum->left_out += one->left_out;
}

static iad_status merge_one(iad_app *app, iad_manifest *into, const char *path, iad_merge_counts *sum, iad_err *err) {
    iad_manifest *from = NULL;
    merge_view view = {.app = app, .from = path};
    iad_merge_options options = {.stop = &app->stop, .conflict = show_conflict, .user = &view};
    iad_merge_counts counts = {0};
    IAD_TRY(iad_manifest_open(path, IAD_MANIFEST_READ, &from, err));
    iad_status status = iad_merge_run(into, from, &options, &counts, err);
    iad_manifest_close(from);
    if (status == IAD_OK) {
        IAD_INFO(&app->log, "%s: %lld pictures added, %lld were there", path, (long long)counts.pictures_added,
                 (long long)counts.pictures_same);
        add(sum, &counts);
    }
    return status;
}

static int merge(iad_app *app, const char *db, const iad_strings *files, iad_err *err) {
    iad_manifest *into = NULL;
    iad_merge_counts sum = {0};
    int64_t run_id = 0;
    iad_status status = iad_manifest_open(db, IAD_MANIFEST_CREATE, &into, err);
    for (size_t i = 0; status == IAD_OK && i < files->n; i++) status = merge_one(app, into, files->items[i], &sum, err);
    int code = status != IAD_OK ? iad_app_exit_code(status) : sum.conflicts ? IAD_EXIT_PARTIAL : IAD_EXIT_OK;
    /* The run is noted last: a merge that changes nothing must find nothing changed. */
    if (status == IAD_OK && sum.added) {
        status = iad_run_begin(into, "iad-manifest merge", app->version, app->argv_text, NULL, 0, &run_id, err);
        if (status != IAD_OK) code = iad_app_exit_code(status);
    }
    if (status == IAD_OK)
        fprintf(
            stderr,
            "%s merge: files=%zu added=%lld same=%lld pictures_added=%lld pictures_same=%lld renamed=%lld"
            " conflicts=%lld left_out=%lld\n",
            app->program, files->n, (long long)sum.added, (long long)sum.same, (long long)sum.pictures_added,
            (long long)sum.pictures_same, (long long)sum.renamed, (long long)sum.conflicts, (long long)sum.left_out);
    iad_cmd_end_run(into, run_id, code,
                    json_pack("{s:I,s:I,s:I}", "added", (json_int_t)sum.added, "conflicts", (json_int_t)sum.conflicts,
                              "left_out", (json_int_t)sum.left_out));
    iad_manifest_close(into);
    return code;
}

int iad_cmd_merge(iad_app *app, int argc, char **argv, iad_err *err) {
    const char *db = NULL;
    const iad_arg table[] = {{.kind = IAD_ARG_STRING,
                              .name = "db",
                              .value = &db,
                              .meta = "FILE",
                              .help = "manifest to merge into; made when it is not there",
                              .required = 1},
                             {.kind = IAD_ARG_END}};
    const iad_command self = {
        .name = "merge",
        .usage = "--db FILE OTHER...",
        .help =
            "Adds everything of the other manifests that FILE does not have. Each one is merged whole or not at all;"
            " doing it again changes "
            "nothing. Where two say different things, FILE's word is kept and the conflict is named; the command then"
            " ends with 3."};
    iad_strings operands = {0};
    int code = iad_app_parse(app, &self, argc, argv, table, &operands, err);
    if (code < 0) code = iad_cmd_operands(&operands, 1, 100000, "at least one other manifest", err);
    if (code < 0) code = merge(app, db, &operands, err);
    iad_strings_deinit(&operands);
    return code;
}
