#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/progress.h"
#include "crawl/session/crawlsession.h"
#include "manifests/query.h"

#define COOKIE_LIFETIME 3600.0
#define MAX_PAGE_BYTES (16u << 20)
#define MAX_BROKEN 5              /* unreadable pages in a row that end an engine */
#define BARREN_PAGES 2            /* pages in a row with fewer than ... */
#define BARREN_HITS 3             /* ... so many new addresses end a query */

/* ---- opening ---- */

static const char *base_of(const iad_crawl_options *o, const iad_engine *engine) {
    size_t n = strlen(engine->name);
    for (size_t i = 0; o->engine_urls && i < o->engine_urls->n; i++) {
        const char *item = o->engine_urls->items[i];
        if (!strncmp(item, engine->name, n) && item[n] == '=') return item + n + 1;
    }
    return engine->base;
}

static iad_status recall(iad_session *s, iad_lane *lane, iad_err *err) {
    iad_query q;
    IAD_TRY(iad_query_open(&q, s->m, "crawl_engine", "SELECT strikes,resume_at FROM crawl_engine WHERE name=?", err));
    iad_query_text(&q, lane->engine->name);
    if (iad_query_next(&q)) {
        lane->strikes = (int)iad_query_col_i64(&q, 0);
        lane->resume_at = iad_query_col_i64(&q, 1);
    }
    /* An engine that was given up gets one more chance when its pause is over. */
    if (lane->strikes >= s->o->strikes) lane->strikes = s->o->strikes - 1;
    return iad_query_close(&q, err);
}

iad_status iad_lanes_open(iad_session *s, iad_err *err) {
    for (const iad_engine *const *e = iad_engine_all(); *e && s->n_lanes < IAD_MAX_ENGINES; e++) {
        if ((*e)->local) continue;
        iad_lane *lane = &s->lanes[s->n_lanes++];
        *lane = (iad_lane){.session = s, .engine = *e, .base = base_of(s->o, *e), .category = -1};
        /* A program that starts again does not know when it asked last. */
        lane->next_at = s->started + s->o->engine_delay_lo_s;
        IAD_TRY(recall(s, lane, err));
        IAD_TRY(iad_http_jar_new(&lane->jar, err));
    }
    return IAD_OK;
}

void iad_lanes_close(iad_session *s) {
    for (int i = 0; i < s->n_lanes; i++) {
        iad_query_row_deinit(&s->lanes[i].query);
        iad_http_jar_free(s->lanes[i].jar);
    }
}

int iad_lane_find(const iad_session *s, const char *engine) {
    for (int i = 0; i < s->n_lanes; i++)
        if (!strcmp(s->lanes[i].engine->name, engine) && !s->lanes[i].given_up) return i;
    return -1;
}

void iad_lanes_closed(const iad_session *s, const char *closed[IAD_MAX_ENGINES + 1]) {
    int n = 0;
    for (int i = 0; i < s->n_lanes; i++)
        if (s->lanes[i].given_up) closed[n++] = s->lanes[i].engine->name;
    closed[n] = NULL;
}

/* ---- pauses and blocks ---- */

static iad_status store_state(iad_session *s, const iad_lane *lane, const char *error, iad_err *err) {
    iad_query q;
    IAD_TRY(iad_session_write(s, err));
    IAD_TRY(iad_query_open(&q, s->m, "crawl_engine",
                           "INSERT INTO crawl_engine(name,strikes,resume_at,last_error) VALUES(?,?,?,?) ON CONFLICT(name) DO UPDATE SET"
                           " strikes=excluded.strikes,resume_at=excluded.resume_at,last_error=excluded.last_error",
                           err));
    iad_query_text(&q, lane->engine->name);
    iad_query_i64(&q, lane->strikes);
    iad_query_i64(&q, lane->resume_at);
    iad_query_text(&q, error);
    return iad_query_run(&q, lane->engine->name, err);
}

/* Everybody who waits for this engine looks for another one. */
static void give_up(iad_session *s, iad_lane *lane, const char *why) {
    int place = (int)(lane - s->lanes);
    lane->given_up = 1;
    s->counts->engines_blocked++;
    iad_session_say(s,
                    "%s: given up: %s. Its queries are kept; go on later with the same command (or `iad-crawl retry`), from another address or with a"
                    " longer --engine-delay",
                    lane->engine->name, why);
    for (int i = 0; i < s->n_work; i++)
        if (s->work[i].lane == place + 1) {
            s->work[i].lane = 0;
            s->work[i].blocked = 1;
            iad_work_ready(s, i);
        }
}

static iad_status blocked(iad_session *s, iad_lane *lane, const char *why, iad_err *err) {
    double pause = s->o->block_pause_s;
    lane->strikes++;
    lane->warmed = 0;
    for (int i = 1; i < lane->strikes && pause < 86400; i++) pause *= 2;
    lane->resume_at = (int64_t)time(NULL) + (int64_t)(pause + 0.999);
    lane->next_at = iad_clock() + pause;
    IAD_TRY(store_state(s, lane, why, err));
    if (lane->strikes >= s->o->strikes) give_up(s, lane, why);
    else iad_session_say(s, "%s: blocked (%s); the next request in %.0f s", lane->engine->name, why, pause);
    return IAD_OK;
}

static void space_out(iad_session *s, iad_lane *lane) {
    double next = iad_clock() + iad_rng_range(&s->rng, s->o->engine_delay_lo_s, s->o->engine_delay_hi_s);
    if (next > lane->next_at) lane->next_at = next;
}

/* ---- a page came ---- */

static iad_status store_page(iad_session *s, iad_lane *lane, const iad_http_answer *a, iad_page *page, iad_err *err) {
    iad_query_row *q = &lane->query;
    char path[200];
    int fresh = 0;
    iad_page_row row = {.query_id = q->id, .category_id = s->work[lane->category].id, .start_at = q->next_at, .number = q->pages, .http = a->status,
                        .bytes = a->received};
    if (s->o->keep_pages && a->body->len) {
        snprintf(path, sizeof path, "pages/%s/%lld-%d.gz", lane->engine->name, (long long)q->id, q->pages);
        IAD_TRY(iad_crawl_store_page(&s->store, path, a->body->data, a->body->len, err));
        row.response = path;
    }
    IAD_TRY(iad_session_write(s, err));
    IAD_TRY(iad_page_row_add(s->m, &row, &page->hits, s->o->check_pages, &fresh, err));
    q->pages++;
    q->barren = fresh < BARREN_HITS ? q->barren + 1 : 0;
    q->next_at = lane->engine->next(lane->engine, q->next_at, page->hits.n);
    int over = page->state == IAD_PAGE_END || q->barren >= BARREN_PAGES || (lane->engine->ceiling && q->next_at >= lane->engine->ceiling) ||
               (page->available >= 0 && lane->engine->first == 0 && q->next_at >= page->available);
    iad_text_copy(q->state, sizeof q->state, over ? "done" : "active");
    s->counts->pages++;
    return iad_query_row_update(s->m, q, NULL, err);
}

/* The page is dealt with, one way or the other: its category goes on. */
static void hand_over(iad_session *s, iad_lane *lane) {
    int place = lane->category;
    lane->category = -1;
    lane->tries = 0;
    if (place < 0) return;
    s->work[place].lane = 0;
    iad_work_ready(s, place);
}

/* Nothing that can be read came, several times: this query is put aside. */
static iad_status put_aside(iad_session *s, iad_lane *lane, const char *why, iad_err *err) {
    iad_text_copy(lane->query.state, sizeof lane->query.state, "blocked");
    IAD_TRY(iad_session_write(s, err));
    IAD_TRY(iad_query_row_update(s->m, &lane->query, why, err));
    s->work[lane->category].blocked = 1;
    hand_over(s, lane);
    if (++lane->broken >= MAX_BROKEN) {
        IAD_TRY(store_state(s, lane, why, err));
        give_up(s, lane, why);
    }
    return IAD_OK;
}

static iad_status again_or_aside(iad_session *s, iad_lane *lane, const char *why, double retry_after, iad_err *err) {
    if (++lane->tries >= s->o->tries) return put_aside(s, lane, why, err);
    double wait = s->o->backoff_s * (1 << lane->tries);
    if (retry_after > wait) wait = retry_after < 3600 ? retry_after : 3600;
    if (iad_clock() + wait > lane->next_at) lane->next_at = iad_clock() + wait;
    return IAD_OK; /* the category still waits: the same page is asked for again */
}

/* The last result of the page before: an engine that has no more repeats its last page. */
static iad_status last_result(iad_session *s, const iad_query_row *query, char url[IAD_URL_MAX + 1], iad_err *err) {
    iad_query q;
    url[0] = 0;
    IAD_TRY(iad_query_open(
        &q, s->m, "crawl_hit",
        "SELECT h.raw_url FROM crawl_hit h JOIN crawl_page p ON p.id=h.page_id WHERE p.query_id=? AND p.number=? ORDER BY h.rank DESC LIMIT 1", err));
    iad_query_i64(&q, query->id);
    iad_query_i64(&q, query->pages - 1);
    if (iad_query_next(&q) && iad_query_col_text(&q, 0)) iad_text_copy(url, IAD_URL_MAX + 1, iad_query_col_text(&q, 0));
    return iad_query_close(&q, err);
}

static iad_status read_page(iad_session *s, iad_lane *lane, const iad_http_answer *a, iad_err *err) {
    iad_page page;
    char last[IAD_URL_MAX + 1];
    IAD_TRY(last_result(s, &lane->query, last, err));
    iad_reply reply = {.status = a->status,
                       .location = iad_http_header_get(a, "location", 0),
                       .content_type = iad_http_header_get(a, "content-type", 0),
                       .body = iad_buf_str(a->body),
                       .n = a->body->len,
                       .last_url = last[0] ? last : NULL};
    IAD_TRY(lane->engine->parse(lane->engine, &reply, &page, err));
    iad_status status = IAD_OK;
    if (page.state == IAD_PAGE_BLOCKED) {
        status = blocked(s, lane, page.why, err);
    } else if (page.state == IAD_PAGE_BROKEN) {
        status = again_or_aside(s, lane, page.why, a->retry_after_s, err);
    } else {
        int forgive = lane->strikes > 0;
        lane->strikes = lane->broken = 0;
        lane->resume_at = 0;
        if (forgive) status = store_state(s, lane, NULL, err);
        if (status == IAD_OK) status = store_page(s, lane, a, &page, err);
        hand_over(s, lane);
    }
    iad_page_deinit(&page);
    return status;
}

static void page_done(void *user, const iad_http_answer *a) {
    iad_lane *lane = user;
    iad_session *s = lane->session;
    iad_err err = IAD_ERR_NONE;
    lane->busy = 0;
    s->counts->requests++;
    s->counts->bytes += a->received;
    if (a->error == IAD_HTTP_CANCELLED || s->status != IAD_OK) return;
    space_out(s, lane);
    iad_status status = a->error == IAD_HTTP_NONE ? read_page(s, lane, a, &err) : again_or_aside(s, lane, a->message, -1, &err);
    iad_session_failed(s, status, &err);
}

static void warm_done(void *user, const iad_http_answer *a) {
    iad_lane *lane = user;
    lane->busy = 0;
    lane->warmed = 1; /* also without an answer: the search itself will tell */
    lane->warmed_at = iad_clock();
    lane->session->counts->requests++;
    if (a->error != IAD_HTTP_CANCELLED) space_out(lane->session, lane);
}

/* The engine's robots.txt: a disallow of the search is a refusal, unless the user says otherwise. */
static void robots_done(void *user, const iad_http_answer *a) {
    iad_lane *lane = user;
    iad_session *s = lane->session;
    iad_robots robots = {0};
    iad_err err = IAD_ERR_NONE;
    lane->busy = 0;
    lane->robots_known = 1;
    s->counts->requests++;
    if (a->error == IAD_HTTP_CANCELLED || s->status != IAD_OK) return;
    space_out(s, lane);
    if (a->error != IAD_HTTP_NONE || iad_robots_meaning(a->status) != 1) return;
    iad_buf url;
    iad_url parsed = {0};
    iad_buf_init(&url, IAD_URL_MAX);
    iad_search search = {lane->base, "x", s->o->market, &s->o->filters, lane->engine->first};
    iad_status status = iad_robots_parse(iad_buf_str(a->body), a->body->len, IAD_CRAWL_TOKEN, &robots, &err);
    if (status == IAD_OK) status = lane->engine->request(lane->engine, &search, &url, &err);
    if (status == IAD_OK) status = iad_url_parse(iad_buf_str(&url), NULL, &parsed, &err);
    if (status == IAD_OK && !iad_robots_allowed(&robots, parsed.target)) {
        status = store_state(s, lane, "robots.txt forbids the search", &err);
        give_up(s, lane, "its robots.txt forbids the search; --engine-robots ignore asks all the same, and you answer for the engine's terms");
    }
    iad_url_deinit(&parsed);
    iad_buf_deinit(&url);
    iad_robots_deinit(&robots);
    iad_session_failed(s, status, &err);
}

/* ---- asking ---- */

static iad_status ask(iad_session *s, iad_lane *lane, const char *url, void (*done)(void *, const iad_http_answer *), iad_err *err) {
    const char *headers[16];
    size_t n = 0;
    for (const char *const *h = lane->engine->headers; h && *h && n < 16; h++) headers[n++] = *h;
    iad_http_request request = {.url = url,
                                .headers = headers,
                                .n_headers = n,
                                .jar = lane->jar,
                                .connect_s = s->o->connect_s,
                                .total_s = s->o->total_s,
                                .stall_s = s->o->stall_s,
                                .max_bytes = MAX_PAGE_BYTES,
                                .decompress = 1,
                                .done = done,
                                .user = lane,
                                .user_agent = s->o->engine_agent ? s->o->engine_agent : s->agent};
    lane->busy = 1;
    return iad_http_start(s->http, &request, err);
}

static iad_status ask_robots(iad_session *s, iad_lane *lane, iad_err *err) {
    iad_url url;
    IAD_TRY(iad_url_parse("/robots.txt", lane->base, &url, err));
    iad_status status = ask(s, lane, url.text, robots_done, err);
    iad_url_deinit(&url);
    return status;
}

/* The category whose turn it is: the first in order, so that one after the other is finished and not all at the end. */
static int first_waiting(const iad_session *s, int place) {
    for (int i = 0; i < s->n_work; i++)
        if (s->work[i].lane == place + 1) return i;
    return -1;
}

static iad_status ask_page(iad_session *s, iad_lane *lane, int place, iad_err *err) {
    iad_category_work *w = &s->work[place];
    iad_buf url;
    if (lane->category != place) {
        iad_query_row_deinit(&lane->query);
        lane->query = w->want;
        w->want = (iad_query_row){0};
        lane->category = place;
        lane->tries = 0;
    }
    iad_search search = {lane->base, lane->query.text, s->o->market, &s->o->filters, lane->query.next_at};
    iad_buf_init(&url, 4 * IAD_URL_MAX);
    iad_status status = lane->engine->request(lane->engine, &search, &url, err);
    if (status == IAD_OK) status = ask(s, lane, iad_buf_str(&url), page_done, err);
    iad_buf_deinit(&url);
    return status;
}

static iad_status step(iad_session *s, iad_lane *lane, double now, double *wait, iad_err *err) {
    int place = lane->category >= 0 ? lane->category : first_waiting(s, (int)(lane - s->lanes));
    if (place < 0 || lane->busy || lane->given_up) return IAD_OK;
    double ready = lane->next_at;
    int64_t pause = lane->resume_at - (int64_t)time(NULL);
    if (pause > 0 && now + (double)pause > ready) ready = now + (double)pause;
    if (ready > now) {
        if (ready - now < *wait) *wait = ready - now;
        return IAD_OK;
    }
    if (!lane->robots_known && !s->o->ignore_engine_robots) return ask_robots(s, lane, err);
    if (lane->engine->warm_path && (!lane->warmed || now - lane->warmed_at > COOKIE_LIFETIME)) {
        iad_url url;
        IAD_TRY(iad_url_parse(lane->engine->warm_path, lane->base, &url, err));
        iad_status status = ask(s, lane, url.text, warm_done, err);
        iad_url_deinit(&url);
        return status;
    }
    return ask_page(s, lane, place, err);
}

iad_status iad_lanes_step(iad_session *s, double now, double *wait, iad_err *err) {
    *wait = 1e9;
    for (int i = 0; i < s->n_lanes; i++) IAD_TRY(step(s, &s->lanes[i], now, wait, err));
    return IAD_OK;
}
