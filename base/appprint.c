#include "base/appprint.h"

#include <stdio.h>

#include "base/json.h"

#define MAX_PRINTED (1024u * 1024u * 1024u)

iad_status iad_app_print(const char *text, size_t n, iad_err *err) {
    if (fwrite(text, 1, n, stdout) != n || fflush(stdout) != 0) return IAD_FAIL(err, IAD_ERR_IO, "cannot write the output: %m");
    return IAD_OK;
}

iad_status iad_app_print_json(const json_t *value, iad_err *err) {
    iad_buf text;
    iad_buf_init(&text, MAX_PRINTED);
    iad_status status = iad_json_pretty(value, &text, err);
    if (status == IAD_OK) status = iad_app_print(iad_buf_str(&text), text.len, err);
    iad_buf_deinit(&text);
    return status;
}
