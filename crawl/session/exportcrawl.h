/* What is kept, for other people: addresses and hashes, no pixels. */
#ifndef IAD_CRAWL_EXPORTCRAWL_H
#define IAD_CRAWL_EXPORTCRAWL_H

#include <stdio.h>

#include "base/status.h"
#include "manifests/manifest.h"

/* One row per kept picture, by category and place in it: url, final_url, category, group words, sha256, pixel_sha256, pdq, width, height, bytes,
 * format, title, page_url, licence, licence_url, creator, copyright, engine, query. TSV with a header, or JSON lines (sorted keys). The same manifest
 * gives the same bytes. The file is a list that `iad-crawl run --urls` takes. Errors: IAD_ERR_IO, database errors. *n: rows. */
iad_status iad_crawl_export(iad_manifest *m, int json, FILE *out, int64_t *n, iad_err *err);

#endif
