/* Pictures of a request: where they come from, and their pixels. */
#ifndef IAD_SERVE_BODYPICTURE_H
#define IAD_SERVE_BODYPICTURE_H

#include "base/buf.h"
#include "base/image/image.h"
#include "base/text.h"
#include "runtime/serve/bodyread.h"
#include "runtime/serve/serve.h"

/* A picture as it was sent: an address, or the bytes of an uploaded file. Borrows from the body. */
typedef struct iad_source {
    const char *address;       /* NULL: bytes */
    const void *bytes;
    size_t n;
    const char *name;          /* NULL: none */
    char param[40];            /* "images[2]" */
} iad_source;

/* The parts of a multipart body in the order they came. */
typedef struct iad_part {
    char *field, *file;        /* owned; file NULL: a text */
    char *bytes;               /* owned, a NUL behind them */
    size_t n, cap;
} iad_part;
typedef struct iad_parts {
    iad_part *items;
    size_t n, cap, bytes;
} iad_parts;
enum { IAD_PARTS_MAX = 256, IAD_PART_MAX_NAME = 1024 };
void iad_parts_deinit(iad_parts *parts);
/* A piece as libmicrohttpd's post processor hands it out: at 0 begins a part. max: bytes of all parts. Errors: IAD_ERR_LIMIT, IAD_ERR_FORMAT,
 * IAD_ERR_NOMEM. */
iad_status iad_parts_take(iad_parts *parts, const char *field, const char *file, const char *bytes, uint64_t at, size_t n, size_t max, iad_err *err);
/* The text part "options"; "{}" without one. Any other text part, a file part that is none of fields (NULL-terminated), or a second "options" is
 * IAD_ERR_ARG. */
iad_status iad_parts_options(iad_body *body, const iad_parts *parts, const char *const *fields, const char **json, size_t *n, iad_err *err);

/* A list of pictures: the member `key` of root (an array), or the file parts of that name (root may have no such member then). *sources [*n] is owned
 * by the caller. Errors: IAD_ERR_LIMIT (more than max), IAD_ERR_FORMAT. */
iad_status iad_body_pictures(iad_body *body, const json_t *root, const iad_parts *parts, const char *key, int64_t max, iad_source **sources,
                             size_t *n, iad_err *err);
/* An address alone: data: or file:. http and https are IAD_ERR_UNSUPPORTED. */
iad_status iad_body_address(iad_body *body, const char *address, iad_source *source, iad_err *err);

/* Bytes of text[n] in base64 (RFC 4648, padding may be missing), appended. IAD_ERR_FORMAT. */
iad_status iad_base64_decode(const char *text, size_t n, iad_buf *out, iad_err *err);

/* Decodes. *room: pixels that may still be decoded for this request, lessened. Errors name the source's param. IAD_ERR_LIMIT (pixels),
 * IAD_ERR_FORMAT, IAD_ERR_NOT_FOUND, IAD_ERR_ARG (a file outside the roots). */
iad_status iad_source_decode(const iad_source *source, const iad_strings *roots, const iad_serve_limits *limits, int64_t *room, iad_image *image,
                             iad_err *err);

#endif
