/* iad-manifest show */
#include <stdio.h>
#include <string.h>

#include "manifests/cmd.h"
#include "manifests/show.h"

#define MAX_TEXT (256u * 1024u * 1024u)

/* A value on one line; control bytes that came from outside become '?'. */
static iad_status add_scalar(const json_t *value, iad_buf *out, iad_err *err) {
    size_t start = out->len;
    if (json_is_string(value)) IAD_TRY(iad_buf_add_str(out, json_string_value(value), err));
    else if (json_is_integer(value)) IAD_TRY(iad_buf_addf(out, err, "%lld", (long long)json_integer_value(value)));
    else if (json_is_real(value)) IAD_TRY(iad_buf_addf(out, err, "%.6g", json_real_value(value)));
    else IAD_TRY(iad_buf_add_str(out, json_is_true(value) ? "yes" : "no", err));
    for (size_t i = start; i < out->len; i++)
        if ((unsigned char)out->data[i] < 0x20 || out->data[i] == 0x7f) out->data[i] = '?';
    return IAD_OK;
}

/* "key value key value" of a nested row. */
static iad_status add_inline(const json_t *object, iad_buf *out, iad_err *err) {
    const char *key;
    json_t *value;
    int first = 1;
    json_object_foreach((json_t *)(uintptr_t)object, key, value) {
        IAD_TRY(iad_buf_addf(out, err, "%s%s=", first ? "" : " ", key));
        IAD_TRY(add_scalar(value, out, err));
        first = 0;
    }
    return IAD_OK;
}

static iad_status add_text(const json_t *object, iad_buf *out, iad_err *err) {
    const char *key;
    json_t *value, *item;
    size_t i;
    json_object_foreach((json_t *)(uintptr_t)object, key, value) {
        if (!json_is_array(value)) {
            IAD_TRY(iad_buf_addf(out, err, "%-18s", key));
            IAD_TRY(add_scalar(value, out, err));
            IAD_TRY(iad_buf_add_str(out, "\n", err));
            continue;
        }
        json_array_foreach(value, i, item) {
            IAD_TRY(iad_buf_addf(out, err, "%-18s", i ? "" : key));
            IAD_TRY(json_is_object(item) ? add_inline(item, out, err) : add_scalar(item, out, err));
            IAD_TRY(iad_buf_add_str(out, "\n", err));
        }
    }
    return IAD_OK;
}

static iad_status show(const char *db, const char *kind, const char *key, int json, iad_err *err) {
    iad_manifest *manifest = NULL;
    json_t *object = NULL;
    iad_buf text;
    iad_buf_init(&text, MAX_TEXT);
    iad_status status = iad_manifest_open(db, IAD_MANIFEST_READ, &manifest, err);
    if (status == IAD_OK) status = iad_show(manifest, kind, key, &object, err);
    if (status == IAD_OK && json) status = iad_app_print_json(object, err);
    if (status == IAD_OK && !json) status = add_text(object, &text, err);
    if (status == IAD_OK && !json) status = iad_app_print(iad_buf_str(&text), text.len, err);
    iad_buf_deinit(&text);
    json_decref(object);
    iad_manifest_close(manifest);
    return status;
}

int iad_cmd_show(iad_app *app, int argc, char **argv, iad_err *err) {
    const char *db = NULL, *kind = "picture";
    int json = 0;
    const iad_arg table[] = {
        {.kind = IAD_ARG_STRING, .name = "db", .value = &db, .meta = "FILE", .help = "manifest", .required = 1},
        {.kind = IAD_ARG_CHOICE,
         .name = "kind",
         .value = &kind,
         .choices = "picture|dataset|category|task|set|run|mask",
         .help = "what KEY is"},
        {.kind = IAD_ARG_FLAG, .name = "json", .value = &json, .help = "as JSON"},
        {.kind = IAD_ARG_END}};
    const iad_command self = {
        .name = "show",
        .usage = "--db FILE [options] KEY",
        .help =
            "KEY is a row's id; for pictures also the file, its path in the data set, DATASET/PATH or the file's"
            " SHA-256; for "
            "data sets and categories a name; for tasks the external id."};
    iad_strings operands = {0};
    int code = iad_app_parse(app, &self, argc, argv, table, &operands, err);
    if (code < 0) code = iad_cmd_operands(&operands, 1, 1, "one KEY", err);
    if (code < 0) code = iad_app_exit_code(show(db, kind, operands.items[0], json, err));
    if (code == IAD_EXIT_OK && operands.n) fprintf(stderr, "%s show: kind=%s found=1\n", app->program, kind);
    iad_strings_deinit(&operands);
    return code;
}
