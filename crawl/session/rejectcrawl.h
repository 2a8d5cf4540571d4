/* Pictures that a person refuses, and the page on which to choose them. */
#ifndef IAD_CRAWL_REJECTCRAWL_H
#define IAD_CRAWL_REJECTCRAWL_H

#include "base/buf.h"
#include "base/status.h"
#include "base/text.h"
#include "manifests/manifest.h"

/* Refuses the pictures whose SHA-256 (of the received bytes, as the gallery names them; at least 8 hexadecimal digits suffice when they are unique)
 * are listed. Idempotent. They lose their part in the data set at once; the next run looks for others. *added: new refusals. Errors: IAD_ERR_ARG (no
 * hash), IAD_ERR_NOT_FOUND (no such picture), each naming the word; then nothing is refused. */
iad_status iad_crawl_reject(iad_manifest *m, const iad_strings *ids, const char *reason, int64_t run_id, int64_t *added, iad_err *err);

typedef struct iad_crawl_gallery_options {
    const iad_strings *categories; /* names; empty: all */
    int per_category, side, quality; /* pictures; pixels of a thumbnail; of its JPEG */
    int rejected;                  /* 1: what was judged unfit instead of what is kept */
} iad_crawl_gallery_options;

/* One page without outside parts: thumbnails with their sources and boxes to tick; the ticked ones are listed in a text field, ready for
 * `iad-crawl reject --ids`. A picture that cannot be read shows why. *shown: pictures. Errors: IAD_ERR_NOT_FOUND (nothing to show), IAD_ERR_LIMIT. */
iad_status iad_crawl_gallery(iad_manifest *m, const iad_crawl_gallery_options *options, iad_buf *html, int64_t *shown, iad_err *err);

#endif
