/* What a crawl would take, before anything is asked. */
#ifndef IAD_CRAWL_ESTIMATE_H
#define IAD_CRAWL_ESTIMATE_H

#include "base/buf.h"
#include "crawl/session/crawlplan.h"

/* What became of search results elsewhere (measured on public crawls, see README.md): shares that survive each step. */
#define IAD_ESTIMATE_ALIVE 0.80
#define IAD_ESTIMATE_FIT 0.80
#define IAD_ESTIMATE_UNIQUE 0.75
#define IAD_ESTIMATE_BYTES 300000.0 /* of one picture */

/* A TSV table (name, value) about these products: pictures that are missing (what the manifest at db has is subtracted; it need not exist), results
 * that are needed for them, search pages per engine, requests, hours, bytes. Errors: as of the manifest. */
iad_status iad_crawl_estimate(const char *db, const iad_crawl_options *options, const iad_crawl_plan *plan, const iad_product *const *products,
                              size_t n, iad_buf *out, iad_err *err);

#endif
