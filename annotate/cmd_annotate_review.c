/* iad-annotate accept, reject */
#include <stdio.h>

#include "annotate/cmd_annotate.h"
#include "annotate/work/annotatestore.h"
#include "base/idlist.h"

static int review(iad_app *app, const char *db, const iad_strings *ids, int accept, const char *reason, iad_err *err) {
    iad_manifest *m = NULL;
    int64_t run_id = 0, changed = 0;
    const char *tool = accept ? "iad-annotate accept" : "iad-annotate reject";
    iad_status status = iad_manifest_open(db, IAD_MANIFEST_WRITE, &m, err);
    if (status == IAD_OK) status = iad_run_begin(m, tool, app->version, app->argv_text, NULL, 0, &run_id, err);
    if (status == IAD_OK) status = iad_annotate_review(m, ids, accept, reason, run_id, &changed, err);
    if (run_id) (void)iad_run_end(m, run_id, status == IAD_OK ? "ok" : "failed", NULL, NULL);
    if (status == IAD_OK) fprintf(stderr, "%s %s: named=%zu changed=%lld\n", app->program, accept ? "accept" : "reject", ids->n, (long long)changed);
    iad_manifest_close(m);
    return iad_app_exit_code(status);
}

static int command(iad_app *app, int argc, char **argv, int accept, iad_err *err) {
    const char *db = NULL, *file = NULL, *reason = "by hand";
    iad_strings ids = {0};
    const iad_arg table[] = {
        {.kind = IAD_ARG_STRING, .name = "db", .value = &db, .meta = "FILE", .help = "manifest", .required = 1},
        {.kind = IAD_ARG_STRING, .name = "ids", .value = &file, .meta = "LIST", .help = "file with one answer per line, as show lists them"},
        {.kind = IAD_ARG_STRING, .name = "reason", .value = &reason, .meta = "TEXT", .help = "kept beside the word"},
        {.kind = IAD_ARG_END}};
    const iad_command self = {
        .name = accept ? "accept" : "reject",
        .usage = "--db FILE [--ids LIST] [UNIT...]",
        .help = accept ? "Takes answers by the first digits of their units, whatever the checks said: their texts become verified captions."
                       : "Refuses answers by the first digits of their units: their captions go, and the next run asks again."};
    int code = iad_app_parse(app, &self, argc, argv, table, &ids, err);
    if (code < 0 && file && iad_id_list_load(file, &ids, err) != IAD_OK) code = iad_app_exit_code(err->code);
    if (code < 0 && !ids.n) code = iad_app_exit_code(IAD_FAIL(err, IAD_ERR_ARG, "no answer named"));
    if (code < 0) code = review(app, db, &ids, accept, reason, err);
    iad_strings_deinit(&ids);
    return code;
}

int iad_cmd_annotate_accept(iad_app *app, int argc, char **argv, iad_err *err) {
    return command(app, argc, argv, 1, err);
}

int iad_cmd_annotate_reject(iad_app *app, int argc, char **argv, iad_err *err) {
    return command(app, argc, argv, 0, err);
}
