/* iad-crawl reject */
#include <stdio.h>

#include "base/idlist.h"
#include "crawl/cmd_crawl.h"
#include "crawl/session/rejectcrawl.h"

static int reject(iad_app *app, const char *db, const iad_strings *ids, const char *reason, iad_err *err) {
    iad_manifest *m = NULL;
    int64_t run_id = 0, added = 0;
    iad_status status = iad_manifest_open(db, IAD_MANIFEST_WRITE, &m, err);
    if (status == IAD_OK) status = iad_run_begin(m, "iad-crawl reject", app->version, app->argv_text, NULL, 0, &run_id, err);
    if (status == IAD_OK) status = iad_crawl_reject(m, ids, reason, run_id, &added, err);
    if (run_id) (void)iad_run_end(m, run_id, status == IAD_OK ? "ok" : "failed", NULL, NULL);
    if (status == IAD_OK) fprintf(stderr, "%s reject: named=%zu refused=%lld\n", app->program, ids->n, (long long)added);
    iad_manifest_close(m);
    return iad_app_exit_code(status);
}

int iad_cmd_crawl_reject(iad_app *app, int argc, char **argv, iad_err *err) {
    const char *db = NULL, *file = NULL, *reason = "refused by hand";
    iad_strings ids = {0};
    const iad_arg table[] = {
        {.kind = IAD_ARG_STRING, .name = "db", .value = &db, .meta = "FILE", .help = "manifest", .required = 1},
        {.kind = IAD_ARG_STRING, .name = "ids", .value = &file, .meta = "LIST", .help = "file with one picture per line, as the gallery lists them"},
        {.kind = IAD_ARG_STRING, .name = "reason", .value = &reason, .meta = "TEXT", .help = "kept beside the refusal"},
        {.kind = IAD_ARG_END}};
    const iad_command self = {
        .name = "reject",
        .usage = "--db FILE [--ids LIST] [SHA256...]",
        .help = "Refuses pictures by the first digits of their hash. They lose their part in the data set; `iad-crawl run` then looks for others."};
    int code = iad_app_parse(app, &self, argc, argv, table, &ids, err);
    if (code < 0 && file && iad_id_list_load(file, &ids, err) != IAD_OK) code = iad_app_exit_code(err->code);
    if (code < 0 && !ids.n) {
        IAD_FAIL(err, IAD_ERR_ARG, "no picture named");
        code = IAD_EXIT_USAGE;
    }
    if (code < 0) code = reject(app, db, &ids, reason, err);
    iad_strings_deinit(&ids);
    return code;
}
