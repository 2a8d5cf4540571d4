/* What the commands share. */
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "manifests/cmd.h"

#define MAX_PRINTED (1024u * 1024u * 1024u)

int iad_cmd_operands(const iad_strings *operands, size_t lo, size_t hi, const char *what, iad_err *err) {
    if (operands->n >= lo && operands->n <= hi) return -1;
    if (operands->n > hi)
        IAD_FAIL(err, IAD_ERR_ARG, "unexpected word \"%.100s\"%s%s", operands->items[hi], *what ? "; wanted: " : "",
                 what);
    else IAD_FAIL(err, IAD_ERR_ARG, "wanted: %s", what);
    return IAD_EXIT_USAGE;
}

iad_status iad_cmd_print(const char *text, size_t n, iad_err *err) {
    if (fwrite(text, 1, n, stdout) != n || fflush(stdout) != 0)
        return IAD_FAIL(err, IAD_ERR_IO, "cannot write the output: %m");
    return IAD_OK;
}

iad_status iad_cmd_print_json(const json_t *value, iad_err *err) {
    iad_buf text;
    iad_buf_init(&text, MAX_PRINTED);
    iad_status status = iad_json_pretty(value, &text, err);
    if (status == IAD_OK) status = iad_cmd_print(text.data, text.len, err);
    iad_buf_deinit(&text);
    return status;
}

void iad_cmd_end_run(iad_manifest *manifest, int64_t run_id, int code, json_t *counts) {
    char *text = counts ? json_dumps(counts, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    const char *word = code == IAD_EXIT_OK            ? "ok"
                       : code == IAD_EXIT_PARTIAL     ? "partial"
                       : code == IAD_EXIT_INTERRUPTED ? "interrupted"
                                                      : "failed";
    /* Best effort: what the command did is stored already, and its own error is the one to show. */
    if (manifest && run_id) (void)iad_run_end(manifest, run_id, word, text, NULL);
    free(text);
    json_decref(counts);
}
