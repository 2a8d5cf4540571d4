/* iad-crawl export */
#include <stdio.h>
#include <string.h>

#include "crawl/cmd_crawl.h"
#include "crawl/session/exportcrawl.h"

int iad_cmd_crawl_export(iad_app *app, int argc, char **argv, iad_err *err) {
    const char *db = NULL, *format = "tsv";
    iad_strings operands = {0};
    const iad_arg table[] = {{.kind = IAD_ARG_STRING, .name = "db", .value = &db, .meta = "FILE", .help = "manifest", .required = 1},
                             {.kind = IAD_ARG_CHOICE, .name = "format", .value = &format, .help = "form of the list", .choices = "tsv|jsonl"},
                             {.kind = IAD_ARG_END}};
    const iad_command self = {
        .name = "export",
        .usage = "--db FILE [--format tsv|jsonl] > LIST",
        .help = "Prints one row per kept picture: address, hashes, size, licence, where it was found. Pixels are not passed on: others fetch the list"
                " themselves, e.g. with `iad-crawl run --urls LIST`. For pictures as folders: iad-manifest export."};
    int code = iad_app_parse(app, &self, argc, argv, table, &operands, err);
    if (code < 0) {
        iad_manifest *m = NULL;
        int64_t n = 0;
        iad_status status = iad_manifest_open(db, IAD_MANIFEST_READ, &m, err);
        if (status == IAD_OK) status = iad_crawl_export(m, !strcmp(format, "jsonl"), stdout, &n, err);
        if (status == IAD_OK) fprintf(stderr, "%s export: rows=%lld\n", app->program, (long long)n);
        iad_manifest_close(m);
        code = iad_app_exit_code(status);
    }
    iad_strings_deinit(&operands);
    return code;
}
