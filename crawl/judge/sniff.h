/* What a body is, by its first bytes: never by its name or the server's word. */
#ifndef IAD_CRAWL_SNIFF_H
#define IAD_CRAWL_SNIFF_H

#include <stddef.h>

typedef enum iad_body_kind {
    IAD_BODY_EMPTY = 0,
    IAD_BODY_PICTURE,     /* JPEG, PNG, WebP, BMP: can be decoded here */
    IAD_BODY_UNSUPPORTED, /* another kind of picture */
    IAD_BODY_PAGE,        /* HTML or XML */
    IAD_BODY_OTHER
} iad_body_kind;

/* *name: "jpeg", "gif", "avif", "html", "unknown" ... (static). */
iad_body_kind iad_body_sniff(const void *bytes, size_t n, const char **name);

#endif
