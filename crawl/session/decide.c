#include "crawl/session/decide.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "crawl/session/crawlrows.h"
#include "crawl/session/decide_parts.h"
#include "crawl/session/signatureblob.h"
#include "crawl/session/strmap.h"
#include "manifests/query.h"

#define MAX_HITS 10000000u

typedef struct deciding {
    iad_manifest *m;
    int64_t category_id;
    const iad_decide_rules *rules;
    iad_doubles *doubles;
    iad_decision *d;
    iad_strmap first; /* engine keys and addresses -> the first candidate that has it */
    int sticky;
} deciding;

/* What the row of a hit says beside its candidate. */
typedef struct hit_row {
    iad_candidate c;
    const char *engine, *key, *verdict, *reason;
    int64_t stored_of, stored_alike;
    int width, height, thumbnail, advert;
} hit_row;

void iad_decision_deinit(iad_decision *d) {
    free(d->items);
    iad_arena_deinit(&d->arena);
    memset(d, 0, sizeof *d);
}

static void reject(iad_candidate *c, iad_hit_state state, iad_outcome reason) {
    c->state = state;
    c->reason = reason;
}

/* ---- facts ---- */

static iad_status count(iad_manifest *m, const char *sql, int64_t id, const char *text, int64_t *n, iad_err *err) {
    iad_query q;
    IAD_TRY(iad_query_open(&q, m, "crawl_url", sql, err));
    iad_query_i64(&q, id);
    if (text) iad_query_text(&q, text);
    *n = iad_query_next(&q) ? iad_query_col_i64(&q, 0) : 0;
    return iad_query_close(&q, err);
}

/* The picture that a host shows in place of what one asked for. */
static iad_status is_placeholder(iad_manifest *m, int64_t picture_id, const char *host, int *placeholder, iad_err *err) {
    int64_t n = 0;
    IAD_TRY(count(m,
                  "WITH RECURSIVE way(id,step) AS (SELECT id,0 FROM crawl_url WHERE picture_id=? AND host=? UNION SELECT u.id,way.step+1 FROM way"
                  " JOIN crawl_url u ON u.target_id=way.id WHERE way.step<8)"
                  " SELECT min(count(DISTINCT h.page_url),count(DISTINCT h.url_id)) FROM way JOIN crawl_hit h ON h.url_id=way.id",
                  picture_id, host, &n, err));
    *placeholder = n >= IAD_PLACEHOLDER_PAGES;
    return IAD_OK;
}

/* Hosts whose owner said no several times are left alone, also in what was fetched before they said so. */
static iad_status has_opted_out(deciding *x, const char *host, int *out, iad_err *err) {
    int64_t n = 0;
    *out = 0;
    if (x->rules->optout_hosts <= 0) return IAD_OK;
    iad_query q;
    IAD_TRY(iad_query_open(&q, x->m, "crawl_url", "SELECT count(*) FROM (SELECT 1 FROM crawl_url WHERE host=? AND error='optout' LIMIT ?)", err));
    iad_query_text(&q, host);
    iad_query_i64(&q, x->rules->optout_hosts);
    if (iad_query_next(&q)) n = iad_query_col_i64(&q, 0);
    *out = n >= x->rules->optout_hosts;
    return iad_query_close(&q, err);
}

typedef struct picture_facts {
    iad_outcome error;
    int width, height, refused;
    uint8_t pixel_sha256[32];
    uint64_t leak_hash[4];
    iad_signature signature;
} picture_facts;

static iad_status read_picture(iad_manifest *m, int64_t id, picture_facts *f, iad_err *err) {
    iad_query q;
    memset(f, 0, sizeof *f);
    IAD_TRY(iad_query_open(&q, m, "crawl_picture",
                           "SELECT p.error,p.width,p.height,p.pixel_sha256,p.leak_hash,p.signature,r.sha256 IS NOT NULL FROM crawl_picture p"
                           " LEFT JOIN crawl_rejection r ON r.sha256=p.sha256 WHERE p.id=?",
                           err));
    iad_query_i64(&q, id);
    iad_status status = IAD_OK;
    if (iad_query_next(&q)) {
        const char *error = iad_query_col_text(&q, 0);
        f->error = error ? iad_outcome_parse(error) : IAD_OUT_OK;
        f->width = (int)iad_query_col_i64(&q, 1);
        f->height = (int)iad_query_col_i64(&q, 2);
        f->refused = iad_query_col_i64(&q, 6) != 0;
        size_t n_leak, n;
        const uint8_t *leak = iad_query_col_blob(&q, 4, &n_leak);
        int whole = iad_query_col_bytes(&q, 3, f->pixel_sha256, 32) && n_leak == 32;
        for (int i = 0; whole && i < 32; i++) f->leak_hash[i / 8] |= (uint64_t)leak[i] << (8 * (i % 8));
        const void *signature = iad_query_col_blob(&q, 5, &n);
        if (f->error == IAD_OUT_OK && (!whole || iad_signature_blob_read(signature, n, &f->signature, NULL) != IAD_OK))
            status = IAD_FAIL(err, IAD_ERR_FORMAT, "picture %lld of the crawl: damaged hashes", (long long)id);
    } else {
        status = IAD_FAIL(err, IAD_ERR_NOT_FOUND, "no picture %lld", (long long)id);
    }
    iad_status closed = iad_query_close(&q, status == IAD_OK ? err : NULL);
    return status != IAD_OK ? status : closed;
}

/* ---- before the download ---- */

static void judge_claims(const deciding *x, const hit_row *row, iad_candidate *c) {
    int shorter = row->width < row->height ? row->width : row->height, longer = row->width < row->height ? row->height : row->width;
    if (!c->url_id) reject(c, IAD_HIT_FAILED, IAD_OUT_SCHEME);
    else if (row->advert) reject(c, IAD_HIT_REJECTED, IAD_OUT_ADVERT);
    else if (row->thumbnail && !x->rules->keep_thumbnails) reject(c, IAD_HIT_REJECTED, IAD_OUT_THUMBNAIL);
    else if (shorter > 0 && shorter < x->rules->min_side) reject(c, IAD_HIT_REJECTED, IAD_OUT_TOO_SMALL);
    else if (shorter > 0 && longer > x->rules->max_aspect * shorter) reject(c, IAD_HIT_REJECTED, IAD_OUT_ASPECT);
}

/* An earlier hit with this key decides: a double when it is kept or a double itself, held while it has no outcome, nothing when it came to
 * nothing. The place is a candidate's index + 1, since the array moves. */
static void judge_twin(deciding *x, const char *text, const char *why, iad_candidate *c) {
    uintptr_t place = (uintptr_t)iad_strmap_get(&x->first, text);
    if (!place) return;
    const iad_candidate *twin = &x->d->items[place - 1];
    switch (twin->state) {
    case IAD_HIT_UNTOUCHED:
    case IAD_HIT_WAITING:
    case IAD_HIT_HELD: c->state = IAD_HIT_HELD; break;
    case IAD_HIT_KEPT:
    case IAD_HIT_SPARE:
        c->state = IAD_HIT_DOUBLE;
        c->why = why;
        c->of_hit = twin->hit_id;
        c->head = place;
        break;
    case IAD_HIT_DOUBLE:
        c->state = IAD_HIT_DOUBLE;
        c->why = why;
        c->of_hit = twin->of_hit;
        c->head = twin->head;
        break;
    case IAD_HIT_REJECTED:
    case IAD_HIT_FAILED:
        if (c->url_id == twin->url_id) reject(c, twin->state, twin->reason);
        break;
    }
}

/* ---- the address ---- */

/* Follows redirects. state stays UNTOUCHED or becomes WAITING while there is no outcome. */
static iad_status judge_address(deciding *x, iad_candidate *c, iad_url_row *end, iad_err *err) {
    if (c->page_url_id && x->rules->check_pages) {
        iad_url_row page;
        IAD_TRY(iad_url_row_get(x->m, c->page_url_id, 0, &page, err));
        if (page.state != IAD_URL_DONE) {
            c->want_url = page.id;
            if (page.state != IAD_URL_TODO) c->state = IAD_HIT_WAITING;
            return IAD_OK;
        }
        if (page.error == IAD_OUT_OPTOUT) {
            reject(c, IAD_HIT_FAILED, IAD_OUT_OPTOUT);
            return IAD_OK;
        }
    }
    int64_t id = c->url_id;
    for (int hop = 0;; hop++) {
        IAD_TRY(iad_url_row_get(x->m, id, 0, end, err));
        int silent = 0;
        IAD_TRY(has_opted_out(x, end->host, &silent, err));
        if (silent) {
            reject(c, IAD_HIT_FAILED, IAD_OUT_OPTOUT);
        } else if (end->state != IAD_URL_DONE) {
            c->want_url = end->id;
            if (end->state != IAD_URL_TODO) c->state = IAD_HIT_WAITING;
        } else if (end->error != IAD_OUT_OK) {
            reject(c, IAD_HIT_FAILED, end->error);
        } else if (end->target_id && hop >= IAD_MAX_HOPS) {
            reject(c, IAD_HIT_FAILED, IAD_OUT_REDIRECT_LOOP);
        } else if (end->target_id) {
            id = end->target_id;
            continue;
        } else {
            c->picture_id = end->picture_id;
            if (!c->picture_id) reject(c, IAD_HIT_FAILED, IAD_OUT_NOT_IMAGE); /* a page's address given as a picture's */
        }
        return IAD_OK;
    }
}

/* ---- the picture ---- */

static iad_status judge_picture(deciding *x, iad_candidate *c, const iad_url_row *end, iad_err *err) {
    picture_facts f;
    int yes = 0;
    IAD_TRY(read_picture(x->m, c->picture_id, &f, err));
    int shorter = f.width < f.height ? f.width : f.height;
    c->pixels = (int64_t)f.width * f.height;
    if (f.error == IAD_OUT_OK && !f.refused) IAD_TRY(is_placeholder(x->m, c->picture_id, end->host, &yes, err));
    if (f.error != IAD_OUT_OK) reject(c, IAD_HIT_REJECTED, f.error);
    else if (f.refused) reject(c, IAD_HIT_REJECTED, IAD_OUT_REFUSED);
    else if (yes) reject(c, IAD_HIT_REJECTED, IAD_OUT_PLACEHOLDER);
    else if (shorter < x->rules->min_side) reject(c, IAD_HIT_REJECTED, IAD_OUT_TOO_SMALL);
    if (c->state == IAD_HIT_REJECTED) return IAD_OK;
    IAD_TRY(iad_leak_list_has(x->rules->leaks, f.pixel_sha256, f.leak_hash, &yes, err));
    if (yes) {
        reject(c, IAD_HIT_REJECTED, IAD_OUT_LEAK);
        return IAD_OK;
    }
    iad_double found;
    IAD_TRY(iad_doubles_find(x->doubles, c->picture_id, f.pixel_sha256, &f.signature, &found, err));
    c->alike = found.alike;
    if (found.why) {
        c->state = IAD_HIT_DOUBLE;
        c->why = found.of_category == x->category_id ? found.why : "other_category";
        c->of_hit = found.of_hit;
        c->head = found.place;
        return IAD_OK;
    }
    c->state = x->rules->target && x->d->kept >= x->rules->target ? IAD_HIT_SPARE : IAD_HIT_KEPT;
    x->d->kept += c->state == IAD_HIT_KEPT;
    return iad_doubles_add(x->doubles, c->picture_id, f.pixel_sha256, &f.signature, c->hit_id, x->category_id, x->d->n + 1, err);
}

static iad_status decide_hit(deciding *x, const hit_row *row, iad_candidate *c, iad_err *err) {
    iad_url_row end = {0};
    char url_key[32], engine_key[260];
    snprintf(url_key, sizeof url_key, "u%lld", (long long)c->url_id);
    snprintf(engine_key, sizeof engine_key, "%.20s:%.200s", row->engine, row->key ? row->key : "");
    judge_claims(x, row, c);
    if (c->state == IAD_HIT_UNTOUCHED) judge_twin(x, url_key, "url", c);
    if (c->state == IAD_HIT_UNTOUCHED && row->key) judge_twin(x, engine_key, "engine_key", c);
    if (c->state == IAD_HIT_UNTOUCHED && x->sticky && !strcmp(row->verdict, "duplicate") && row->reason && !strcmp(row->reason, "other_category")) {
        c->state = IAD_HIT_DOUBLE;
        c->why = "other_category";
        c->of_hit = row->stored_of;
    }
    if (c->state == IAD_HIT_UNTOUCHED) IAD_TRY(judge_address(x, c, &end, err));
    if (c->state == IAD_HIT_UNTOUCHED && c->picture_id) IAD_TRY(judge_picture(x, c, &end, err));
    void *place = (void *)(uintptr_t)(x->d->n + 1);
    if (c->url_id && !iad_strmap_get(&x->first, url_key)) IAD_TRY(iad_strmap_put(&x->first, url_key, place, err));
    if (row->key) {
        /* After a failure another hit of the same picture gets its chance, and is then the one that later ones follow. */
        uintptr_t before = (uintptr_t)iad_strmap_get(&x->first, engine_key);
        if (!before || x->d->items[before - 1].state >= IAD_HIT_REJECTED) IAD_TRY(iad_strmap_put(&x->first, engine_key, place, err));
    }
    return IAD_OK;
}

static const char *verdict_of(const iad_candidate *c, const char **reason) {
    *reason = NULL;
    switch (c->state) {
    case IAD_HIT_KEPT: return "kept";
    case IAD_HIT_DOUBLE: *reason = c->why; return "duplicate";
    case IAD_HIT_REJECTED: *reason = iad_outcome_name(c->reason); return "rejected";
    case IAD_HIT_FAILED: *reason = iad_outcome_name(c->reason); return "failed";
    case IAD_HIT_SPARE: *reason = "spare"; return "new";
    case IAD_HIT_UNTOUCHED:
    case IAD_HIT_WAITING:
    case IAD_HIT_HELD: break;
    }
    return "new";
}

static int differ(const char *a, const char *b) {
    return strcmp(a ? a : "", b ? b : "") != 0;
}

static iad_status add_candidate(deciding *x, const hit_row *row, iad_err *err) {
    iad_decision *d = x->d;
    void *items = d->items;
    const char *reason;
    IAD_TRY(iad_grow(&items, &d->cap, d->n + 1, sizeof *d->items, MAX_HITS, "hits", err));
    d->items = items;
    iad_candidate *c = &d->items[d->n];
    *c = row->c;
    IAD_TRY(decide_hit(x, row, c, err));
    const char *verdict = verdict_of(c, &reason);
    c->is_new_verdict = differ(verdict, row->verdict) || differ(reason, row->reason) || c->of_hit != row->stored_of || c->alike != row->stored_alike;
    d->untouched += c->state == IAD_HIT_UNTOUCHED;
    d->waiting += c->state == IAD_HIT_WAITING;
    d->held += c->state == IAD_HIT_HELD;
    d->spare += c->state == IAD_HIT_SPARE;
    d->n++;
    return IAD_OK;
}

/* In the order of pages; the first pages of all engines rank by rank, so that all of them have their share of a small category. */
static iad_status read_hits(deciding *x, iad_err *err) {
    iad_query q;
    IAD_TRY(iad_query_open(
        &q, x->m, "crawl_hit",
        "SELECT h.id,h.url_id,h.page_url_id,q.engine,h.engine_key,h.width,h.height,h.thumbnail,h.advert,h.verdict,h.reason,h.of_hit,"
        "h.alike FROM crawl_hit h JOIN crawl_page p ON p.id=h.page_id JOIN crawl_query q ON q.id=p.query_id WHERE h.category_id=?"
        " ORDER BY CASE WHEN p.number+q.variant=0 THEN 0 ELSE p.turn+1 END,CASE WHEN p.number+q.variant=0 THEN h.rank ELSE 0 END,p.turn,p.id,h.rank",
        err));
    iad_query_i64(&q, x->category_id);
    iad_status status = IAD_OK;
    while (status == IAD_OK && iad_query_next(&q)) {
        hit_row row = {.c = {.hit_id = iad_query_col_i64(&q, 0), .url_id = iad_query_col_i64(&q, 1), .page_url_id = iad_query_col_i64(&q, 2)},
                       .engine = iad_query_col_text(&q, 3), .key = iad_query_col_text(&q, 4), .width = (int)iad_query_col_i64(&q, 5),
                       .height = (int)iad_query_col_i64(&q, 6), .thumbnail = (int)iad_query_col_i64(&q, 7), .advert = (int)iad_query_col_i64(&q, 8),
                       .verdict = iad_query_col_text(&q, 9), .reason = iad_query_col_text(&q, 10), .stored_of = iad_query_col_i64(&q, 11),
                       .stored_alike = iad_query_col_i64(&q, 12)};
        status = add_candidate(x, &row, err);
    }
    iad_status closed = iad_query_close(&q, status == IAD_OK ? err : NULL);
    return status != IAD_OK ? status : closed;
}

/* Of copies the largest is kept: it takes the place of the first one. Only among hits of one category, so that no category loses to a later
 * one. */
static iad_status prefer_larger(iad_decision *d, iad_err *err) {
    size_t *best = iad_alloc(d->n, sizeof *best); /* of the head at this place: the place of its largest copy */
    if (!best) return IAD_NOMEM(err, "hits");
    for (size_t i = 0; i < d->n; i++) best[i] = i;
    for (size_t i = 0; i < d->n; i++) {
        const iad_candidate *c = &d->items[i];
        if (c->state != IAD_HIT_DOUBLE || !c->head || strcmp(c->why, "near") != 0) continue;
        if (c->pixels > d->items[best[c->head - 1]].pixels) best[c->head - 1] = i;
    }
    for (size_t i = 0; i < d->n; i++) {
        iad_candidate *c = &d->items[i];
        if (c->state != IAD_HIT_DOUBLE || !c->head || best[c->head - 1] == c->head - 1 || best[c->head - 1] == i) continue;
        c->of_hit = d->items[best[c->head - 1]].hit_id;
        c->is_new_verdict = 1;
    }
    for (size_t i = 0; i < d->n; i++) {
        iad_candidate *head = &d->items[i], *larger = &d->items[best[i]];
        if (larger == head) continue;
        larger->state = head->state;
        larger->of_hit = 0;
        larger->why = NULL;
        head->state = IAD_HIT_DOUBLE;
        head->why = "near";
        head->of_hit = larger->hit_id;
        head->is_new_verdict = larger->is_new_verdict = 1;
    }
    free(best);
    return IAD_OK;
}

iad_status iad_decide_category(iad_manifest *m, int64_t category_id, const iad_decide_rules *rules, iad_doubles *doubles, int sticky,
                               iad_decision *decision, iad_err *err) {
    memset(decision, 0, sizeof *decision);
    deciding x = {.m = m, .category_id = category_id, .rules = rules, .doubles = doubles, .d = decision, .sticky = sticky};
    iad_status status = read_hits(&x, err);
    iad_strmap_deinit(&x.first);
    if (status == IAD_OK) status = prefer_larger(decision, err);
    if (status == IAD_OK) iad_doubles_close(doubles, decision);
    if (status != IAD_OK) iad_decision_deinit(decision);
    return status;
}

iad_status iad_decision_store(iad_manifest *m, const iad_decision *d, iad_err *err) {
    for (size_t i = 0; i < d->n; i++) {
        const iad_candidate *c = &d->items[i];
        const char *reason, *verdict = verdict_of(c, &reason);
        if (!c->is_new_verdict) continue;
        iad_query q;
        IAD_TRY(iad_query_open(&q, m, "crawl_hit", "UPDATE crawl_hit SET verdict=?,reason=?,of_hit=?,alike=? WHERE id=?", err));
        iad_query_text(&q, verdict);
        iad_query_text(&q, reason);
        iad_query_id(&q, c->of_hit);
        iad_query_id(&q, c->alike);
        iad_query_i64(&q, c->hit_id);
        IAD_TRY(iad_query_run(&q, NULL, err));
    }
    return IAD_OK;
}
