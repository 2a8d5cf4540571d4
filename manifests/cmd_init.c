/* iad-manifest init */
#include <stdio.h>

#include "base/file.h"
#include "manifests/cmd.h"
#include "manifests/schema.h"

int iad_cmd_init(iad_app *app, int argc, char **argv, iad_err *err) {
    const char *db = NULL;
    const iad_arg table[] = {
        {.kind = IAD_ARG_STRING, .name = "db", .value = &db, .meta = "FILE", .help = "manifest", .required = 1},
        {.kind = IAD_ARG_END}};
    const iad_command self = {
        .name = "init",
        .usage = "--db FILE",
        .help =
            "Makes an empty manifest. A manifest that is there already is kept; an older schema is brought up to"
            " date."};
    iad_strings operands = {0};
    int code = iad_app_parse(app, &self, argc, argv, table, &operands, err);
    if (code < 0) code = iad_cmd_operands(&operands, 0, 0, "", err);
    if (code < 0) {
        iad_manifest *manifest = NULL;
        int existed = iad_file_exists(db);
        iad_status status = iad_manifest_open(db, IAD_MANIFEST_CREATE, &manifest, err);
        iad_manifest_close(manifest);
        code = iad_app_exit_code(status);
        if (status == IAD_OK)
            fprintf(stderr, "%s init: db=%s schema=%d created=%d\n", app->program, db, IAD_SCHEMA_VERSION, !existed);
    }
    iad_strings_deinit(&operands);
    return code;
}
