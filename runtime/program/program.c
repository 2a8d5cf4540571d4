#include "runtime/program/program.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/appprint.h"
#include "base/json.h"
#include "base/text.h"

iad_status iad_from_public_status(iadgpt_status status) {
    switch (status) {
        case IADGPT_OK: return IAD_OK;
        case IADGPT_ERR_ARG: return IAD_ERR_ARG;
        case IADGPT_ERR_IO: return IAD_ERR_IO;
        case IADGPT_ERR_NOMEM: return IAD_ERR_NOMEM;
        case IADGPT_ERR_FORMAT: return IAD_ERR_FORMAT;
        case IADGPT_ERR_LIMIT: return IAD_ERR_LIMIT;
        case IADGPT_ERR_NOT_FOUND: return IAD_ERR_NOT_FOUND;
        case IADGPT_ERR_UNSUPPORTED: return IAD_ERR_UNSUPPORTED;
        case IADGPT_ERR_INTERRUPTED: return IAD_ERR_INTERRUPTED;
        case IADGPT_ERR_INTERNAL: break;
    }
    return IAD_ERR_INTERNAL;
}

iad_status iad_from_public(iadgpt_status status, const iadgpt_error *error, iad_err *err) {
    if (status == IADGPT_OK) return IAD_OK;
    return IAD_FAIL(err, iad_from_public_status(status), "%s", error->message);
}

iad_status iad_print(iad_buf *text, iad_err *err) {
    const iad_status status = iad_app_print(iad_buf_str(text), text->len, err);
    iad_buf_reset(text);
    return status;
}

iad_status iad_clean_name(const char *text, iad_buf *out, iad_err *err) {
    size_t n = strlen(text);
    for (size_t at = 0; at < n;) {
        size_t good = iad_utf8_valid(text + at, n - at);
        IAD_TRY(iad_buf_add(out, text + at, good, err));
        at += good;
        if (at < n) {
            IAD_TRY(iad_buf_add_str(out, "\xef\xbf\xbd", err));
            at++;
        }
    }
    return IAD_OK;
}

iad_status iad_json_name(const char *text, iad_buf *out, iad_err *err) {
    iad_buf clean;
    iad_buf_init(&clean, (size_t)1 << 30);
    iad_status status = iad_clean_name(text, &clean, err);
    if (status == IAD_OK) status = iad_json_quote(iad_buf_str(&clean), out, err);
    iad_buf_deinit(&clean);
    return status;
}

iad_status iad_json_f32(float value, iad_buf *out, iad_err *err) {
    return isfinite(value) ? iad_buf_addf(out, err, "%.9g", (double)value) : iad_buf_add_str(out, "null", err);
}

iad_status iad_json_f64(double value, iad_buf *out, iad_err *err) {
    return isfinite(value) ? iad_buf_addf(out, err, "%.17g", value) : iad_buf_add_str(out, "null", err);
}

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

iad_status iad_unbase64(const char *text, void *bytes, size_t n, iad_err *err) {
    uint8_t *p = bytes;
    if (strlen(text) != (n + 2) / 3 * 4) return IAD_FAIL(err, IAD_ERR_FORMAT, "base64 text of another length than %zu bytes need", n);
    for (size_t i = 0; i < n; i += 3, text += 4) {
        uint32_t v = 0;
        size_t have = n - i < 3 ? n - i : 3;
        for (size_t k = 0; k < 4; k++) {
            const char *at = text[k] ? strchr(alphabet, text[k]) : NULL;
            if (k > have ? text[k] != '=' : !at) return IAD_FAIL(err, IAD_ERR_FORMAT, "broken base64 text");
            v = v << 6 | (k > have ? 0 : (uint32_t)(at - alphabet));
        }
        for (size_t k = 0; k < have; k++) p[i + k] = (uint8_t)(v >> (16 - 8 * k));
    }
    return IAD_OK;
}

iad_status iad_parse_size(const char *text, const char *what, int *width, int *height, iad_err *err) {
    *width = *height = 0;
    if (strcmp(text, "native") == 0) return IAD_OK;
    const char *cross = strchr(text, 'x');
    char first[16];
    if (!cross || (size_t)(cross - text) >= sizeof first)
        return IAD_FAIL(err, IAD_ERR_ARG, "%s: \"%.40s\" is not WIDTHxHEIGHT or native", what, text);
    memcpy(first, text, (size_t)(cross - text));
    first[cross - text] = 0;
    int64_t w = 0, h = 0;
    IAD_TRY(iad_parse_i64(first, 1, 65500, what, &w, err));
    IAD_TRY(iad_parse_i64(cross + 1, 1, 65500, what, &h, err));
    *width = (int)w;
    *height = (int)h;
    return IAD_OK;
}
