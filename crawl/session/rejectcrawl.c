#include "crawl/session/rejectcrawl.h"

#include <string.h>

#include "base/sha256.h"
#include "crawl/session/crawlrows.h"
#include "manifests/query.h"

/* The picture whose hash begins so. */
static iad_status find_picture(iad_manifest *m, const char *word, uint8_t sha256[32], int64_t *image_id, iad_err *err) {
    iad_query q;
    size_t n = strlen(word);
    int found = 0;
    if (n < 8 || n > 64 || strspn(word, "0123456789abcdefABCDEF") != n)
        return IAD_FAIL(err, IAD_ERR_ARG, "\"%.70s\" is no picture: wanted 8 to 64 hexadecimal digits, as the gallery shows them", word);
    IAD_TRY(
        iad_query_open(&q, m, "crawl_picture", "SELECT sha256,image_id FROM crawl_picture WHERE substr(hex(sha256),1,?1)=upper(?2) LIMIT 2", err));
    iad_query_i64(&q, (int64_t)n);
    iad_query_text(&q, word);
    while (iad_query_next(&q)) {
        found++;
        iad_query_col_bytes(&q, 0, sha256, 32);
        *image_id = iad_query_col_i64(&q, 1);
    }
    IAD_TRY(iad_query_close(&q, err));
    if (found == 1) return IAD_OK;
    return IAD_FAIL(err, found ? IAD_ERR_ARG : IAD_ERR_NOT_FOUND, found ? "\"%.70s\" fits several pictures" : "no picture \"%.70s\"", word);
}

static iad_status refuse(iad_manifest *m, const uint8_t sha256[32], int64_t image_id, const char *reason, int64_t run_id, int64_t *added,
                         iad_err *err) {
    char now[32];
    iad_query q;
    iad_utc_now(now);
    IAD_TRY(iad_query_open(&q, m, "crawl_rejection",
                           "INSERT INTO crawl_rejection(sha256,reason,run_id,at) VALUES(?,?,?,?) ON CONFLICT(sha256) DO NOTHING", err));
    iad_query_blob(&q, sha256, 32);
    iad_query_text(&q, reason);
    iad_query_id(&q, run_id);
    iad_query_text(&q, now);
    IAD_TRY(iad_query_run(&q, "a refusal", err));
    *added += iad_query_changes(m);
    if (!image_id) return IAD_OK;
    IAD_TRY(iad_query_open(&q, m, "image", "UPDATE image SET part='none',note='not kept any more: refused' WHERE id=?", err));
    iad_query_i64(&q, image_id);
    return iad_query_run(&q, "a refused picture", err);
}

iad_status iad_crawl_reject(iad_manifest *m, const iad_strings *ids, const char *reason, int64_t run_id, int64_t *added, iad_err *err) {
    *added = 0;
    IAD_TRY(iad_manifest_begin(m, err));
    iad_status status = IAD_OK;
    for (size_t i = 0; i < ids->n && status == IAD_OK; i++) {
        uint8_t sha256[32] = {0};
        int64_t image_id = 0;
        status = find_picture(m, ids->items[i], sha256, &image_id, err);
        if (status == IAD_OK) status = refuse(m, sha256, image_id, reason, run_id, added, err);
    }
    if (status == IAD_OK)
        status = iad_query_exec(m,
                                "UPDATE crawl_goal SET state='open' WHERE state='done' AND category_id IN(SELECT i.category_id FROM"
                                " crawl_rejection r JOIN crawl_picture p ON p.sha256=r.sha256 JOIN image i ON i.id=p.image_id)",
                                err);
    if (status == IAD_OK) return iad_manifest_commit(m, err);
    iad_manifest_rollback(m);
    *added = 0;
    return status;
}
