/* What a crawl is to find: data sets, categories, goals and queries as rows, before anything is asked. */
#ifndef IAD_CRAWL_CRAWLPLAN_H
#define IAD_CRAWL_CRAWLPLAN_H

#include "base/buf.h"
#include "crawl/session/crawlrun.h"
#include "manifests/categories.h"

typedef struct iad_crawl_plan {
    const char *const *engines; /* NULL-terminated names */
    int64_t target;             /* pictures per category, 0: all */
    int min_side;               /* 0: 256, and 400 for textures */
} iad_crawl_plan;

/* Benchmarks whose products a category also is: "mvtec,real_iad"; "" for most. */
const char *iad_crawl_overlap(const char *slug);

/* The v-th query of a product in the engine's language: 0 is the stored one, the others replace its tail. 0: there are no more. */
int iad_crawl_variant(const iad_product *product, const char *language, int v, iad_buf *out, iad_err *err);

/* Adds what is missing for these products; raises goals. *ids[n]: their category ids (caller frees). Idempotent. */
iad_status iad_crawl_plan_products(iad_manifest *m, const iad_crawl_options *options, const iad_crawl_plan *plan, const iad_product *const *products,
                                   size_t n, int64_t **ids, iad_err *err);

/* Takes the rows of a list of addresses in (see urllist.h) as hits of the categories that it names, or of one that is named like the file. *ids, *n
 * as above. *bad: lines that could not be read. Idempotent: a page of rows is added once. */
iad_status iad_crawl_plan_urls(iad_manifest *m, const iad_crawl_options *options, const iad_crawl_plan *plan, const char *path, int64_t **ids,
                               size_t *n, int64_t *bad, iad_err *err);

#endif
