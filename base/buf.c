#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

void iad_buf_init(iad_buf *buf, size_t max) { *buf = (iad_buf){NULL, 0, 0, max}; }

void iad_buf_deinit(iad_buf *buf) {
    free(buf->data);
    *buf = (iad_buf){NULL, 0, 0, buf->max};
}

void iad_buf_reset(iad_buf *buf) {
    buf->len = 0;
    if (buf->data) buf->data[0] = 0;
}

/* Room for `extra` more bytes and the final NUL. */
static iad_status reserve(iad_buf *buf, size_t extra, iad_err *err) {
    if (extra > buf->max || buf->len > buf->max - extra)
        return IAD_FAIL(err, IAD_ERR_LIMIT, "text or data grows beyond its limit of %zu bytes", buf->max);
    size_t want = buf->len + extra + 1;
    if (want <= buf->cap) return IAD_OK;
    size_t cap = buf->cap < 64 ? 64 : buf->cap * 2;
    if (cap < want) cap = want;
    char *data = iad_realloc(buf->data, cap, 1);
    if (!data) return IAD_NOMEM(err, "a buffer");
    buf->data = data;
    buf->cap = cap;
    return IAD_OK;
}

iad_status iad_buf_add(iad_buf *buf, const void *bytes, size_t n, iad_err *err) {
    IAD_TRY(reserve(buf, n, err));
    if (n) memcpy(buf->data + buf->len, bytes, n);
    buf->len += n;
    buf->data[buf->len] = 0;
    return IAD_OK;
}

iad_status iad_buf_add_str(iad_buf *buf, const char *text, iad_err *err) {
    return iad_buf_add(buf, text, strlen(text), err);
}

iad_status iad_buf_vaddf(iad_buf *buf, iad_err *err, const char *fmt, va_list ap) {
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    if (n < 0) return IAD_FAIL(err, IAD_ERR_INTERNAL, "bad format string");
    IAD_TRY(reserve(buf, (size_t)n, err));
    vsnprintf(buf->data + buf->len, (size_t)n + 1, fmt, ap);
    buf->len += (size_t)n;
    return IAD_OK;
}

iad_status iad_buf_addf(iad_buf *buf, iad_err *err, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    iad_status status = iad_buf_vaddf(buf, err, fmt, ap);
    va_end(ap);
    return status;
}

const char *iad_buf_str(const iad_buf *buf) { return buf->data ? buf->data : ""; }

char *iad_buf_take(iad_buf *buf, size_t *len) {
    char *data = buf->data ? buf->data : iad_calloc(1, 1);
    if (len) *len = buf->len;
    *buf = (iad_buf){NULL, 0, 0, buf->max};
    return data;
}
