#include "crawl/session/estimate.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "manifests/query.h"

/* Pictures that are kept already, 0 when there is no such category. */
static iad_status count_kept(iad_manifest *m, const char *slug, int64_t *kept, iad_err *err) {
    iad_query q;
    *kept = 0;
    IAD_TRY(iad_query_open(
        &q, m, "crawl_goal",
        "SELECT g.kept FROM crawl_goal g JOIN category c ON c.id=g.category_id JOIN dataset d ON d.id=c.dataset_id WHERE c.name=? AND d.origin='web'"
        " LIMIT 1",
        err));
    iad_query_text(&q, slug);
    if (iad_query_next(&q)) *kept = iad_query_col_i64(&q, 0);
    return iad_query_close(&q, err);
}

iad_status iad_crawl_estimate(const char *db, const iad_crawl_options *o, const iad_crawl_plan *plan, const iad_product *const *products, size_t n,
                              iad_buf *out, iad_err *err) {
    iad_manifest *m = NULL;
    int64_t missing = 0, have = 0;
    size_t engines = 0;
    while (plan->engines[engines]) engines++;
    if (!plan->target || !engines) return IAD_FAIL(err, IAD_ERR_ARG, "an estimate needs a --target above 0 and an engine");
    if (iad_file_exists(db)) IAD_TRY(iad_manifest_open(db, IAD_MANIFEST_READ, &m, err));
    iad_status status = IAD_OK;
    for (size_t i = 0; i < n && status == IAD_OK; i++) {
        int64_t kept = 0;
        if (m) status = count_kept(m, products[i]->slug, &kept, err);
        have += kept;
        missing += plan->target > kept ? plan->target - kept : 0;
    }
    iad_manifest_close(m);
    IAD_TRY(status);
    double results = (double)missing / (IAD_ESTIMATE_ALIVE * IAD_ESTIMATE_FIT * IAD_ESTIMATE_UNIQUE), pages = 0, hours = 0;
    IAD_TRY(iad_buf_addf(out, err, "name\tvalue\ncategories\t%zu\npictures_there\t%lld\npictures_missing\t%lld\nresults_needed\t%.0f\n", n,
                         (long long)have, (long long)missing, ceil(results)));
    for (size_t i = 0; i < engines; i++) {
        const iad_engine *engine = iad_engine_find(plan->engines[i]);
        double own = ceil(results / (double)engines / engine->page_size), delay = (o->engine_delay_lo_s + o->engine_delay_hi_s) / 2;
        if (own * delay / 3600 > hours) hours = own * delay / 3600; /* engines are asked side by side */
        pages += own;
        IAD_TRY(iad_buf_addf(out, err, "pages_%s\t%.0f\nhours_%s\t%.2f\n", engine->name, own, engine->name, own * delay / 3600));
    }
    double downloads = results, fetching = downloads * 1.5 / o->connections / 3600; /* a second and a half per file, connections side by side */
    if (fetching > hours) hours = fetching;
    return iad_buf_addf(out, err, "requests\t%.0f\nhours\t%.2f\ngigabytes\t%.2f\n", pages + downloads, hours,
                        downloads * IAD_ESTIMATE_ALIVE * IAD_ESTIMATE_BYTES / 1e9);
}
