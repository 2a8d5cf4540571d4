#include "base/status.h"

#include <string.h>

#include "base/textargs.h"

const char *iad_status_name(iad_status code) {
    static const char *const names[] = {"ok",     "argument",    "io",       "memory",      "format",   "limit",
                                        "not found", "exists", "unsupported", "database", "interrupted", "internal"};
    unsigned i = (unsigned)code;
    return i < sizeof names / sizeof names[0] ? names[i] : "unknown";
}

iad_status iad_err_set(iad_err *err, iad_status code, const char *file, int line, const char *fmt, ...) {
    if (!err) return code;
    /* Arguments may point into err->msg itself, so format aside first. */
    char text[sizeof err->msg];
    IAD_TEXT_OF_ARGS(text, fmt);
    err->code = code;
    err->file = file;
    err->line = line;
    memcpy(err->msg, text, sizeof text);
    return code;
}

iad_status iad_err_prefix(iad_err *err, const char *fmt, ...) {
    if (!err) return IAD_ERR_INTERNAL;
    char text[sizeof err->msg];
    IAD_TEXT_OF_ARGS(text, fmt);
    /* Append ": " and as much of the old message as fits. */
    size_t len = strlen(text);
    const char *const parts[] = {": ", err->msg};
    for (unsigned k = 0; k < 2; k++)
        for (size_t i = 0; parts[k][i] && len + 1 < sizeof text; i++) text[len++] = parts[k][i];
    text[len] = 0;
    memcpy(err->msg, text, len + 1);
    return err->code;
}
