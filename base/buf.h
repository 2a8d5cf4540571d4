/* Bounded growing byte buffer. Always NUL-terminated behind `len`, so that text can be used as a C string. */
#ifndef IAD_BASE_BUF_H
#define IAD_BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>

#include "base/status.h"

typedef struct iad_buf {
    char *data; /* owned, NULL while empty */
    size_t len, cap;
    size_t max; /* growing beyond this is IAD_ERR_LIMIT */
} iad_buf;

/* max: the largest length in bytes that this buffer may reach. Allocates nothing. */
void iad_buf_init(iad_buf *buf, size_t max);
void iad_buf_deinit(iad_buf *buf);
/* Forgets the content, keeps the memory. */
void iad_buf_reset(iad_buf *buf);

iad_status iad_buf_add(iad_buf *buf, const void *bytes, size_t n, iad_err *err);
iad_status iad_buf_add_str(iad_buf *buf, const char *text, iad_err *err);
iad_status iad_buf_addf(iad_buf *buf, iad_err *err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
iad_status iad_buf_vaddf(iad_buf *buf, iad_err *err, const char *fmt, va_list ap) __attribute__((format(printf, 3, 0)));

/* The text so far; "" when empty. Valid until the next change. */
const char *iad_buf_str(const iad_buf *buf);
/* Hands the block over (caller frees) and leaves the buffer empty. Never NULL unless memory is out. */
char *iad_buf_take(iad_buf *buf, size_t *len);

#endif
