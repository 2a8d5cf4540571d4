/* What a search page says about pictures. */
#ifndef IAD_CRAWL_HITS_H
#define IAD_CRAWL_HITS_H

#include <stddef.h>

#include "base/status.h"
#include "manifests/arena.h"

#define IAD_HITS_MAX 20000u      /* per page */
#define IAD_HIT_MAX_TEXT 2000u   /* bytes of a title, longer ones are cut */

typedef struct iad_hit {
    const char *image_url;                        /* as the engine gave it; required */
    const char *page_url, *thumb_url, *title, *site, *format, *key, *licence, *licence_url, *creator; /* NULL: unknown */
    const char *category;                         /* urllist only: which category the row names */
    int width, height;                            /* as claimed, 0 unknown */
    int thumbnail;                                /* 1: image_url is only the engine's small copy */
    int advert;                                   /* 1: looks like advertising */
} iad_hit;

typedef struct iad_hits {
    iad_hit *items;
    size_t n, cap;
    iad_arena arena;
} iad_hits;
void iad_hits_deinit(iad_hits *hits);

/* Copies *hit with its strings: no control characters, valid UTF-8, no private-use marks (U+E000..U+F8FF), cut to IAD_HIT_MAX_TEXT; an
 * empty string counts as unknown. A hit without image_url is dropped. Errors: IAD_ERR_LIMIT, IAD_ERR_NOMEM. */
iad_status iad_hits_add(iad_hits *hits, const iad_hit *hit, iad_err *err);

#endif
