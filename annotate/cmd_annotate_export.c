/* iad-annotate export: the texts that came from answers, as `iad-manifest export --format captions-...` writes all of them. */
#include <stdio.h>
#include <string.h>

#include "annotate/cmd_annotate.h"
#include "base/appprint.h"
#include "manifests/export/export_captions.h"

#define MAX_EXPORT (2047u * 1024u * 1024u)

int iad_cmd_annotate_export(iad_app *app, int argc, char **argv, iad_err *err) {
    static const char *const formats[] = {"llava", "messages", "jsonl", "tsv"};
    const char *db = NULL, *format = "llava";
    iad_caption_export options = {.answers_only = 1};
    iad_strings operands = {0};
    const iad_arg table[] = {{.kind = IAD_ARG_STRING, .name = "db", .value = &db, .meta = "FILE", .help = "manifest", .required = 1},
                             {.kind = IAD_ARG_CHOICE,
                              .name = "format",
                              .value = &format,
                              .help = "llava: a list of conversations; messages, jsonl: a line each",
                              .choices = "llava|messages|jsonl|tsv"},
                             {.kind = IAD_ARG_STRING, .name = "dataset", .value = &options.dataset, .meta = "NAME", .help = "only this data set"},
                             {.kind = IAD_ARG_END}};
    const iad_command self = {.name = "export",
                              .usage = "--db FILE [--format F]",
                              .help = "Writes the accepted texts. Paths are DATASET/PATH as `iad-manifest export --dataset` writes the pictures; "
                                      "each record names its answer."};
    int code = iad_app_parse(app, &self, argc, argv, table, &operands, err);
    if (code < 0) {
        iad_manifest *m = NULL;
        iad_buf out;
        int64_t n = 0;
        while (strcmp(format, formats[options.format]) != 0) options.format++;
        iad_buf_init(&out, MAX_EXPORT);
        iad_status status = iad_manifest_open(db, IAD_MANIFEST_READ, &m, err);
        if (status == IAD_OK) status = iad_export_captions(m, &options, &out, &n, err);
        if (status == IAD_OK) status = iad_app_print(iad_buf_str(&out), out.len, err);
        if (status == IAD_OK) fprintf(stderr, "%s export: texts=%lld bytes=%zu\n", app->program, (long long)n, out.len);
        iad_buf_deinit(&out);
        iad_manifest_close(m);
        code = iad_app_exit_code(status);
    }
    iad_strings_deinit(&operands);
    return code;
}
