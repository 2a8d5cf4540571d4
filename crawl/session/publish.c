#include <stdio.h>
#include <string.h>

#include "crawl/session/crawlsession.h"
#include "manifests/query.h"
#include "manifests/records.h"

/* ---- doubles between categories ---- */

iad_status iad_publish_decide(iad_session *s, int *reopened, iad_err *err) {
    iad_doubles *doubles = NULL;
    *reopened = 0;
    IAD_TRY(iad_doubles_new(&doubles, err));
    iad_status status = iad_session_write(s, err);
    for (int i = 0; i < s->n_work && status == IAD_OK; i++) {
        iad_category_work *w = &s->work[i];
        iad_decide_rules rules = iad_work_rules(s, w);
        iad_decision d;
        status = iad_decide_category(s->m, w->id, &rules, doubles, 0, &d, err);
        if (status != IAD_OK) break;
        status = iad_decision_store(s->m, &d, err);
        int fewer = d.kept < w->kept;
        w->kept = d.kept;
        if (status == IAD_OK && w->asked && w->target && d.kept < w->target && fewer) {
            w->open = 1; /* it lost pictures to an earlier category: perhaps there are more */
            iad_work_ready(s, i);
            ++*reopened;
        }
        if (status == IAD_OK && w->asked && !w->open) status = iad_work_close(s, w, err);
        iad_decision_deinit(&d);
    }
    iad_doubles_free(doubles);
    return status;
}

/* ---- rows for the other tools ---- */

typedef struct kept_picture {
    int64_t picture_id, category_id, dataset_id;
    iad_image_row row;
    char url[IAD_URL_MAX + 1], path[200], licence[300], note[600], format[20];
} kept_picture;

static void copy(char *out, size_t size, iad_query *q, int column) {
    const char *text = iad_query_col_text(q, column);
    iad_text_copy(out, size, text ? text : "");
}

static iad_status read_kept(iad_query *q, kept_picture *k, iad_err *err) {
    size_t n;
    memset(k, 0, sizeof *k);
    k->picture_id = iad_query_col_i64(q, 0);
    k->category_id = iad_query_col_i64(q, 1);
    k->dataset_id = iad_query_col_i64(q, 2);
    copy(k->path, sizeof k->path, q, 3);
    copy(k->url, sizeof k->url, q, 12);
    copy(k->licence, sizeof k->licence, q, 13);
    copy(k->format, sizeof k->format, q, 11);
    char overlap[100], title[300];
    copy(overlap, sizeof overlap, q, 14);
    copy(title, sizeof title, q, 15);
    if (*overlap) snprintf(k->note, sizeof k->note, "product also in %.90s; %.300s", overlap, title);
    else snprintf(k->note, sizeof k->note, "%.300s", title);
    iad_image_row *row = &k->row;
    *row = (iad_image_row){.dataset_id = k->dataset_id,
                           .category_id = k->category_id,
                           .path = k->path,
                           .has_pixels = 1,
                           .bytes = iad_query_col_i64(q, 5),
                           .width = (int)iad_query_col_i64(q, 6),
                           .height = (int)iad_query_col_i64(q, 7),
                           .channels = (int)iad_query_col_i64(q, 8),
                           .depth = (int)iad_query_col_i64(q, 9),
                           .format = iad_text_ends(k->path, ".jpg") ? "jpeg" : k->format,
                           .source_split = "crawl",
                           .part = IAD_PART_TRAIN,
                           .label = IAD_LABEL_UNKNOWN,
                           .source_url = k->url,
                           .licence = *k->licence ? k->licence : NULL,
                           .note = *k->note ? k->note : NULL};
    const uint8_t *leak = iad_query_col_blob(q, 10, &n);
    int whole = n == 32 && iad_query_col_bytes(q, 4, row->sha256, 32) && iad_query_col_bytes(q, 16, row->pixel_sha256, 32);
    for (int i = 0; whole && i < 32; i++) row->phash[i / 8] |= (uint64_t)leak[i] << (8 * (i % 8));
    return whole ? IAD_OK : IAD_FAIL(err, IAD_ERR_FORMAT, "picture %lld of the crawl: damaged hashes", (long long)k->picture_id);
}

static iad_status set_image(iad_session *s, int64_t picture_id, int64_t image_id, iad_err *err) {
    iad_query q;
    IAD_TRY(iad_query_open(&q, s->m, "crawl_picture", "UPDATE crawl_picture SET image_id=? WHERE id=?", err));
    iad_query_id(&q, image_id);
    iad_query_i64(&q, picture_id);
    return iad_query_run(&q, NULL, err);
}

/* The picture behind a hit: its address after redirects. */
#define PICTURE_OF_HIT                                                                                                             \
    "(WITH RECURSIVE way(id,step) AS (SELECT h.url_id,0 UNION ALL SELECT u.target_id,way.step+1 FROM way JOIN crawl_url u ON u.id=way.id" \
    " WHERE u.target_id IS NOT NULL AND way.step<8) SELECT u.picture_id FROM way JOIN crawl_url u ON u.id=way.id WHERE u.picture_id IS NOT NULL)"

static iad_status publish_kept(iad_session *s, int64_t category_id, iad_err *err) {
    iad_query q;
    IAD_TRY(iad_query_open(
        &q, s->m, "crawl_hit",
        "SELECT p.id,c.id,c.dataset_id,p.path,p.stored_sha256,p.stored_bytes,p.stored_width,p.stored_height,p.channels,p.depth,p.leak_hash,"
        "p.format,h.raw_url,coalesce(h.licence,''),coalesce(g.overlap,''),coalesce(h.title,''),p.pixel_sha256"
        " FROM crawl_hit h JOIN crawl_page pg ON pg.id=h.page_id JOIN category c ON c.id=h.category_id LEFT JOIN crawl_goal g ON g.category_id=c.id"
        " JOIN crawl_picture p ON p.id=" PICTURE_OF_HIT
        " WHERE h.category_id=? AND h.verdict='kept' AND (p.image_id IS NULL OR (SELECT i.category_id IS NOT h.category_id OR i.part<>'train'"
        " FROM image i WHERE i.id=p.image_id)) ORDER BY pg.turn,h.rank",
        err));
    iad_query_i64(&q, category_id);
    iad_status status = IAD_OK;
    while (status == IAD_OK && iad_query_next(&q)) {
        kept_picture k;
        int64_t image_id = 0;
        status = read_kept(&q, &k, err);
        if (status == IAD_OK) status = iad_image_put(s->m, &k.row, &image_id, NULL, err);
        if (status == IAD_OK) status = set_image(s, k.picture_id, image_id, err);
    }
    iad_status closed = iad_query_close(&q, status == IAD_OK ? err : NULL);
    return status != IAD_OK ? status : closed;
}

/* Pictures that were kept once and are not any more: captions and records may hang on their rows, so the rows stay, without a part. */
static iad_status retire(iad_session *s, int64_t category_id, iad_err *err) {
    iad_query q;
    IAD_TRY(iad_query_open(
        &q, s->m, "image",
        "UPDATE image SET part='none',note='not kept any more: '||coalesce((SELECT h.reason FROM crawl_hit h JOIN crawl_url u ON u.id=h.url_id"
        " JOIN crawl_picture p ON p.id=u.picture_id WHERE p.image_id=image.id AND h.reason IS NOT NULL LIMIT 1),'') WHERE category_id=?1 AND "
        "part='train' AND id IN(SELECT image_id"
        " FROM crawl_picture WHERE image_id IS NOT NULL) AND id NOT IN(SELECT p.image_id FROM crawl_hit h JOIN crawl_picture p ON"
        " p.id=" PICTURE_OF_HIT " WHERE h.category_id=?1 AND h.verdict='kept' AND p.image_id IS NOT NULL)",
        err));
    iad_query_i64(&q, category_id);
    return iad_query_run(&q, "pictures that are not kept any more", err);
}

iad_status iad_publish_images(iad_session *s, iad_err *err) {
    IAD_TRY(iad_session_write(s, err));
    for (int i = 0; i < s->n_work; i++) IAD_TRY(retire(s, s->work[i].id, err));
    for (int i = 0; i < s->n_work; i++) IAD_TRY(publish_kept(s, s->work[i].id, err));
    return IAD_OK;
}
