/* What the commands share. */
#include <stdlib.h>

#include "manifests/cmd.h"

int iad_cmd_operands(const iad_strings *operands, size_t lo, size_t hi, const char *what, iad_err *err) {
    if (operands->n >= lo && operands->n <= hi) return -1;
    if (operands->n > hi)
        IAD_FAIL(err, IAD_ERR_ARG, "unexpected word \"%.100s\"%s%s", operands->items[hi], *what ? "; wanted: " : "",
                 what);
    else IAD_FAIL(err, IAD_ERR_ARG, "wanted: %s", what);
    return IAD_EXIT_USAGE;
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
