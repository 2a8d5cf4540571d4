#include "crawl/session/crawlrows.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/http/url.h"
#include "base/text.h"
#include "crawl/session/signatureblob.h"
#include "manifests/query.h"

static const char *const state_names[] = {"todo", "active", "received", "done"};

void iad_utc_now(char text[32]) {
    struct tm parts;
    time_t now = time(NULL);
    if (!gmtime_r(&now, &parts) || !strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", &parts)) memcpy(text, "unknown", 8);
}

/* ---- address ---- */

void iad_url_row_deinit(iad_url_row *row) {
    free(row->url);
    row->url = NULL;
}

iad_status iad_url_row_get(iad_manifest *m, int64_t id, int with_text, iad_url_row *row, iad_err *err) {
    iad_query q;
    *row = (iad_url_row){.id = id};
    IAD_TRY(
        iad_query_open(&q, m, "crawl_url", "SELECT state,error,kind,tries,hops,target_id,picture_id,optout,host,url FROM crawl_url WHERE id=?", err));
    iad_query_i64(&q, id);
    int found = iad_query_next(&q);
    if (found) {
        const char *state = iad_query_col_text(&q, 0), *error = iad_query_col_text(&q, 1), *kind = iad_query_col_text(&q, 2);
        for (int i = 0; i < 4; i++)
            if (state && !strcmp(state, state_names[i])) row->state = (iad_url_state)i;
        row->error = error ? iad_outcome_parse(error) : IAD_OUT_OK;
        row->is_page = kind && !strcmp(kind, "page");
        row->tries = (int)iad_query_col_i64(&q, 3);
        row->hops = (int)iad_query_col_i64(&q, 4);
        row->target_id = iad_query_col_i64(&q, 5);
        row->picture_id = iad_query_col_i64(&q, 6);
        iad_text_copy(row->optout, sizeof row->optout, iad_query_col_text(&q, 7) ? iad_query_col_text(&q, 7) : "");
        iad_text_copy(row->host, sizeof row->host, iad_query_col_text(&q, 8) ? iad_query_col_text(&q, 8) : "");
        if (with_text) row->url = iad_strdup(iad_query_col_text(&q, 9) ? iad_query_col_text(&q, 9) : "");
    }
    IAD_TRY(iad_query_close(&q, err));
    if (!found) return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "no address %lld", (long long)id);
    return with_text && !row->url ? IAD_NOMEM(err, "an address") : IAD_OK;
}

iad_status iad_url_row_put(iad_manifest *m, const char *url, const char *host, int is_page, int hops, int64_t *id, int *fresh, iad_err *err) {
    iad_query q;
    *id = 0;
    *fresh = 0;
    IAD_TRY(iad_query_open(&q, m, "crawl_url", "SELECT id FROM crawl_url WHERE url=?", err));
    iad_query_text(&q, url);
    if (iad_query_next(&q)) *id = iad_query_col_i64(&q, 0);
    IAD_TRY(iad_query_close(&q, err));
    if (*id) return IAD_OK;
    IAD_TRY(iad_query_open(&q, m, "crawl_url", "INSERT INTO crawl_url(url,host,kind,state,hops) VALUES(?,?,?,'todo',?)", err));
    iad_query_text(&q, url);
    iad_query_text(&q, host);
    iad_query_text(&q, is_page ? "page" : "image");
    iad_query_i64(&q, hops);
    IAD_TRY(iad_query_run(&q, url, err));
    *id = iad_query_last_id(m);
    *fresh = 1;
    return IAD_OK;
}

iad_status iad_url_row_state(iad_manifest *m, int64_t id, iad_url_state state, iad_err *err) {
    iad_query q;
    IAD_TRY(iad_query_open(&q, m, "crawl_url", "UPDATE crawl_url SET state=? WHERE id=?", err));
    iad_query_text(&q, state_names[state]);
    iad_query_i64(&q, id);
    return iad_query_run(&q, NULL, err);
}

iad_status iad_url_row_tries(iad_manifest *m, int64_t id, int tries, iad_err *err) {
    iad_query q;
    IAD_TRY(iad_query_open(&q, m, "crawl_url", "UPDATE crawl_url SET tries=? WHERE id=?", err));
    iad_query_i64(&q, tries);
    iad_query_i64(&q, id);
    return iad_query_run(&q, NULL, err);
}

iad_status iad_url_row_fetched(iad_manifest *m, int64_t id, iad_url_state state, iad_outcome error, const char *detail, int64_t target_id,
                               const iad_fetch_facts *f, iad_err *err) {
    char now[32];
    iad_query q;
    iad_utc_now(now);
    IAD_TRY(iad_query_open(&q, m, "crawl_url",
                           "UPDATE crawl_url SET state=?,error=?,detail=?,target_id=?,http=?,content_type=?,content_length=?,etag=?,last_modified=?,"
                           "optout=?,unverified=?,address=?,bytes=?,fetched=?,ms=?,tries=? WHERE id=?",
                           err));
    iad_query_text(&q, state_names[state]);
    iad_query_text(&q, error == IAD_OUT_OK ? NULL : iad_outcome_name(error));
    iad_query_text(&q, detail && *detail ? detail : NULL);
    iad_query_id(&q, target_id);
    iad_query_id(&q, f->http);
    iad_query_text(&q, f->content_type);
    if (f->length >= 0) iad_query_i64(&q, f->length);
    else iad_query_null(&q);
    iad_query_text(&q, f->etag);
    iad_query_text(&q, f->last_modified);
    iad_query_text(&q, f->optout);
    iad_query_i64(&q, f->unverified);
    iad_query_text(&q, f->address && *f->address ? f->address : NULL);
    iad_query_i64(&q, f->bytes);
    iad_query_text(&q, now);
    iad_query_i64(&q, (int64_t)(f->seconds * 1000));
    iad_query_i64(&q, f->tries);
    iad_query_i64(&q, id);
    return iad_query_run(&q, NULL, err);
}

iad_status iad_url_row_picture(iad_manifest *m, int64_t id, int64_t picture_id, iad_err *err) {
    iad_query q;
    IAD_TRY(iad_query_open(&q, m, "crawl_url", "UPDATE crawl_url SET state='done',picture_id=? WHERE id=?", err));
    iad_query_id(&q, picture_id);
    iad_query_i64(&q, id);
    return iad_query_run(&q, NULL, err);
}

/* ---- picture ---- */

iad_status iad_picture_row_find(iad_manifest *m, const uint8_t sha256[32], int64_t *id, iad_err *err) {
    iad_query q;
    *id = 0;
    IAD_TRY(iad_query_open(&q, m, "crawl_picture", "SELECT id FROM crawl_picture WHERE sha256=?", err));
    iad_query_blob(&q, sha256, 32);
    if (iad_query_next(&q)) *id = iad_query_col_i64(&q, 0);
    return iad_query_close(&q, err);
}

iad_status iad_picture_row_add(iad_manifest *m, const iad_judgement *j, int64_t bytes, const char *path, int64_t stored_bytes, int64_t *id,
                               iad_err *err) {
    uint8_t leak[32], signature[IAD_SIGNATURE_BLOB_MAX];
    size_t n_signature = 0;
    int good = j->outcome == IAD_OUT_OK && j->has_pixels; /* nothing is compared with what is not kept */
    const char *const exif[] = {j->exif.maker, j->exif.model, j->exif.software, j->exif.artist, j->exif.copyright};
    iad_query q;
    for (int i = 0; i < 32; i++) leak[i] = (uint8_t)(j->leak_hash[i / 8] >> (8 * (i % 8)));
    if (good) IAD_TRY(iad_signature_blob_make(&j->signature, signature, &n_signature, err));
    IAD_TRY(
        iad_query_open(&q, m, "crawl_picture",
                       "INSERT INTO crawl_picture(sha256,bytes,format,width,height,channels,depth,orientation,animated,warnings,maker,model,software,"
                       "artist,copyright,pixel_sha256,leak_hash,signature,quality,white_border,sharpness,colours,error,detail,path,stored_sha256,"
                       "stored_bytes,stored_width,stored_height) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
                       err));
    iad_query_blob(&q, j->sha256, 32);
    iad_query_i64(&q, bytes);
    iad_query_text(&q, j->kind);
    const int facts[] = {j->info.width, j->info.height, j->info.channels, j->info.depth};
    for (size_t i = 0; i < 4; i++) iad_query_id(&q, facts[i]);
    iad_query_i64(&q, j->info.orientation);
    iad_query_i64(&q, j->info.animated);
    iad_query_i64(&q, j->info.warnings);
    for (size_t i = 0; i < 5; i++) iad_query_text(&q, *exif[i] ? exif[i] : NULL);
    iad_query_blob(&q, j->has_pixels ? j->pixel_sha256 : NULL, 32);
    iad_query_blob(&q, j->has_pixels ? leak : NULL, 32);
    iad_query_blob(&q, good ? signature : NULL, n_signature);
    if (j->has_pixels) {
        iad_query_i64(&q, j->signature.quality);
        iad_query_f64(&q, j->stats.white_border);
        iad_query_f64(&q, j->stats.sharpness);
        iad_query_i64(&q, j->stats.colours);
    } else {
        for (int i = 0; i < 4; i++) iad_query_null(&q);
    }
    iad_query_text(&q, j->outcome == IAD_OUT_OK ? NULL : iad_outcome_name(j->outcome));
    iad_query_text(&q, j->detail[0] ? j->detail : NULL);
    iad_query_text(&q, path);
    iad_query_blob(&q, path ? j->stored_sha256 : NULL, 32);
    if (path) {
        iad_query_i64(&q, stored_bytes);
        iad_query_i64(&q, j->stored_width);
        iad_query_i64(&q, j->stored_height);
    }
    IAD_TRY(iad_query_run(&q, "a picture", err));
    *id = iad_query_last_id(m);
    return IAD_OK;
}

/* ---- query ---- */

void iad_query_row_deinit(iad_query_row *row) {
    free(row->text);
    free(row->filters);
    memset(row, 0, sizeof *row);
}

static int is_closed(const char *const *closed, const char *engine) {
    for (; closed && *closed; closed++)
        if (!strcmp(*closed, engine)) return 1;
    return 0;
}

iad_status iad_query_row_next(iad_manifest *m, int64_t category_id, const char *const *closed, iad_query_row *row, iad_err *err) {
    iad_query q;
    memset(row, 0, sizeof *row);
    IAD_TRY(iad_query_open(
        &q, m, "crawl_query",
        "SELECT id,next_at,variant,pages,barren,engine,state,text,filters FROM crawl_query WHERE category_id=? AND state IN('todo','active')"
        " ORDER BY variant,pages,id",
        err));
    iad_query_i64(&q, category_id);
    iad_status status = IAD_OK;
    while (iad_query_next(&q)) {
        const char *engine = iad_query_col_text(&q, 5);
        if (!engine || is_closed(closed, engine)) continue;
        row->id = iad_query_col_i64(&q, 0);
        row->next_at = iad_query_col_i64(&q, 1);
        row->variant = (int)iad_query_col_i64(&q, 2);
        row->pages = (int)iad_query_col_i64(&q, 3);
        row->barren = (int)iad_query_col_i64(&q, 4);
        iad_text_copy(row->engine, sizeof row->engine, engine);
        iad_text_copy(row->state, sizeof row->state, iad_query_col_text(&q, 6));
        row->text = iad_strdup(iad_query_col_text(&q, 7));
        row->filters = iad_strdup(iad_query_col_text(&q, 8));
        if (!row->text || !row->filters) status = IAD_NOMEM(err, "a query");
        break;
    }
    iad_status closed_status = iad_query_close(&q, status == IAD_OK ? err : NULL);
    return status != IAD_OK ? status : closed_status;
}

iad_status iad_query_row_update(iad_manifest *m, const iad_query_row *row, const char *last_error, iad_err *err) {
    iad_query q;
    IAD_TRY(iad_query_open(&q, m, "crawl_query", "UPDATE crawl_query SET next_at=?,pages=?,barren=?,state=?,last_error=? WHERE id=?", err));
    iad_query_i64(&q, row->next_at);
    iad_query_i64(&q, row->pages);
    iad_query_i64(&q, row->barren);
    iad_query_text(&q, row->state);
    iad_query_text(&q, last_error);
    iad_query_i64(&q, row->id);
    return iad_query_run(&q, row->text, err);
}

/* ---- page and hits ---- */

/* The row of an address as somebody wrote it; *id = 0 when it is none. */
static iad_status put_address(iad_manifest *m, const char *text, int is_page, int64_t *id, int *fresh, iad_err *err) {
    iad_url url;
    iad_err why = IAD_ERR_NONE;
    *id = 0;
    *fresh = 0;
    iad_status status = iad_url_parse(text, NULL, &url, &why);
    if (status == IAD_ERR_NOMEM) return IAD_NOMEM(err, "an address");
    if (status != IAD_OK) return IAD_OK;
    status = iad_url_row_put(m, url.text, url.domain, is_page, 0, id, fresh, err);
    iad_url_deinit(&url);
    return status;
}

static iad_status add_hit(iad_manifest *m, int64_t page_id, int64_t category_id, size_t rank, const iad_hit *hit, int check_pages, int *fresh,
                          iad_err *err) {
    int64_t url_id = 0, page_url_id = 0;
    int unused = 0;
    IAD_TRY(put_address(m, hit->image_url, 0, &url_id, &unused, err));
    if (check_pages && hit->page_url) IAD_TRY(put_address(m, hit->page_url, 1, &page_url_id, &unused, err));
    iad_query q;
    IAD_TRY(iad_query_open(&q, m, "crawl_hit", "SELECT 1 FROM crawl_hit WHERE url_id=? AND category_id=? LIMIT 1", err));
    iad_query_i64(&q, url_id);
    iad_query_i64(&q, category_id);
    *fresh += url_id != 0 && !iad_query_next(&q);
    IAD_TRY(iad_query_close(&q, err));
    IAD_TRY(
        iad_query_open(&q, m, "crawl_hit",
                       "INSERT INTO crawl_hit(page_id,rank,category_id,url_id,raw_url,page_url,page_url_id,thumb_url,title,site,width,height,format,"
                       "engine_key,licence,licence_url,creator,thumbnail,advert,verdict) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,'new')",
                       err));
    iad_query_i64(&q, page_id);
    iad_query_i64(&q, (int64_t)rank);
    iad_query_i64(&q, category_id);
    iad_query_id(&q, url_id);
    iad_query_text(&q, hit->image_url);
    iad_query_text(&q, hit->page_url);
    iad_query_id(&q, page_url_id);
    iad_query_text(&q, hit->thumb_url);
    iad_query_text(&q, hit->title);
    iad_query_text(&q, hit->site);
    iad_query_id(&q, hit->width);
    iad_query_id(&q, hit->height);
    iad_query_text(&q, hit->format);
    iad_query_text(&q, hit->key);
    iad_query_text(&q, hit->licence);
    iad_query_text(&q, hit->licence_url);
    iad_query_text(&q, hit->creator);
    iad_query_i64(&q, hit->thumbnail);
    iad_query_i64(&q, hit->advert);
    return iad_query_run(&q, hit->image_url, err);
}

iad_status iad_page_row_add(iad_manifest *m, const iad_page_row *page, const iad_hits *hits, int check_pages, int *fresh, iad_err *err) {
    char now[32];
    iad_query q;
    int64_t turn = 0;
    *fresh = 0;
    iad_utc_now(now);
    IAD_TRY(iad_query_open(&q, m, "crawl_page",
                           "SELECT coalesce(max(p.turn)+1,0) FROM crawl_page p JOIN crawl_query q ON q.id=p.query_id WHERE q.category_id=?", err));
    iad_query_i64(&q, page->category_id);
    if (iad_query_next(&q)) turn = iad_query_col_i64(&q, 0);
    IAD_TRY(iad_query_close(&q, err));
    IAD_TRY(iad_query_open(&q, m, "crawl_page",
                           "INSERT INTO crawl_page(query_id,number,turn,start_at,http,bytes,hits,fresh,fetched,response) VALUES(?,?,?,?,?,?,?,0,?,?)",
                           err));
    iad_query_i64(&q, page->query_id);
    iad_query_i64(&q, page->number);
    iad_query_i64(&q, turn);
    iad_query_i64(&q, page->start_at);
    iad_query_id(&q, page->http);
    iad_query_i64(&q, page->bytes);
    iad_query_i64(&q, (int64_t)hits->n);
    iad_query_text(&q, now);
    iad_query_text(&q, page->response);
    IAD_TRY(iad_query_run(&q, "a search page", err));
    int64_t page_id = iad_query_last_id(m);
    for (size_t i = 0; i < hits->n; i++) IAD_TRY(add_hit(m, page_id, page->category_id, i, &hits->items[i], check_pages, fresh, err));
    IAD_TRY(iad_query_open(&q, m, "crawl_page", "UPDATE crawl_page SET fresh=? WHERE id=?", err));
    iad_query_i64(&q, *fresh);
    iad_query_i64(&q, page_id);
    return iad_query_run(&q, NULL, err);
}
