#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/progress.h"
#include "crawl/session/crawlsession.h"
#include "manifests/query.h"

#define ROBOTS_LIFETIME 86400 /* seconds (RFC 9309, 2.4) */
#define MAX_TEXT (1u << 20)

static void origin_free(iad_origin *o) {
    if (!o) return;
    iad_robots_deinit(&o->robots);
    for (iad_job *job = o->waiting, *next; job; job = next) {
        next = job->next;
        iad_job_free(job);
    }
    free(o->name);
    free(o->domain);
    free(o);
}

void iad_origins_free(iad_session *s) {
    for (size_t i = 0; i < s->origins.cap; i++)
        if (s->origins.slots[i].key) origin_free(s->origins.slots[i].value);
    iad_strmap_deinit(&s->origins);
}

/* What an earlier run learnt, unless it is a day old. */
static iad_status recall(iad_session *s, iad_origin *o, iad_err *err) {
    iad_query q;
    IAD_TRY(iad_query_open(&q, s->m, "crawl_host", "SELECT robots,robots_error FROM crawl_host WHERE origin=? AND robots_at>?", err));
    iad_query_text(&q, o->name);
    iad_query_i64(&q, (int64_t)time(NULL) - ROBOTS_LIFETIME);
    iad_status status = IAD_OK;
    if (iad_query_next(&q) && iad_query_col_null(&q, 1)) {
        const char *text = iad_query_col_text(&q, 0);
        status = iad_robots_parse(text ? text : "", text ? strlen(text) : 0, IAD_CRAWL_TOKEN, &o->robots, err);
        o->state = 2;
    }
    iad_status closed = iad_query_close(&q, status == IAD_OK ? err : NULL);
    return status != IAD_OK ? status : closed;
}

iad_status iad_origin_get(iad_session *s, const iad_url *url, iad_origin **out, iad_err *err) {
    *out = iad_strmap_get(&s->origins, url->origin);
    if (*out) return IAD_OK;
    iad_origin *o = iad_calloc(1, sizeof *o);
    if (o) {
        o->name = iad_strdup(url->origin);
        o->domain = iad_strdup(url->domain);
    }
    iad_status status = o && o->name && o->domain ? IAD_OK : IAD_NOMEM(err, "a host");
    if (status == IAD_OK && s->o->ignore_robots) o->state = 2;
    else if (status == IAD_OK) status = recall(s, o, err);
    if (status == IAD_OK) status = iad_strmap_put(&s->origins, o->name, o, err);
    if (status != IAD_OK) {
        origin_free(o);
        return status;
    }
    *out = o;
    return IAD_OK;
}

static iad_status start_job(iad_session *s, iad_origin *o, const char *address, int hops, iad_err *err) {
    iad_job *job = iad_calloc(1, sizeof *job);
    if (!job) return IAD_NOMEM(err, "a request");
    *job = (iad_job){.session = s, .kind = IAD_JOB_ROBOTS, .origin = o, .hops = hops};
    iad_status status = iad_url_parse(address, NULL, &job->url, err);
    if (status == IAD_OK) status = iad_desk_enqueue(s, job, 0, err);
    if (status != IAD_OK) iad_job_free(job);
    return status;
}

iad_status iad_origin_ask(iad_session *s, iad_origin *o, iad_err *err) {
    char address[IAD_URL_MAX];
    if (o->state != 0) return IAD_OK;
    o->state = 1;
    snprintf(address, sizeof address, "%.8000s/robots.txt", o->name);
    return start_job(s, o, address, 0, err);
}

iad_status iad_origin_store(iad_session *s, const iad_origin *o, iad_err *err) {
    iad_query q;
    IAD_TRY(iad_session_write(s, err));
    IAD_TRY(iad_query_open(&q, s->m, "crawl_host",
                           "INSERT INTO crawl_host(origin,domain,failures,parked) VALUES(?,?,?,?) ON CONFLICT(origin) DO UPDATE SET"
                           " failures=excluded.failures,parked=excluded.parked",
                           err));
    iad_query_text(&q, o->name);
    iad_query_text(&q, o->domain);
    iad_query_i64(&q, o->failures);
    iad_query_text(&q, o->parked == IAD_OUT_OK ? NULL : iad_outcome_name(o->parked));
    return iad_query_run(&q, o->name, err);
}

/* The rules that are meant for us, and how they were come by. */
static iad_status store_rules(iad_session *s, const iad_origin *o, int http, const char *trouble, iad_err *err) {
    iad_buf text;
    iad_query q;
    iad_buf_init(&text, MAX_TEXT * 16);
    iad_status status = iad_robots_text(&o->robots, IAD_CRAWL_TOKEN, &text, err);
    if (status == IAD_OK) status = iad_session_write(s, err);
    if (status == IAD_OK)
        status =
            iad_query_open(&q, s->m, "crawl_host",
                           "INSERT INTO crawl_host(origin,domain,robots,robots_http,robots_error,robots_at) VALUES(?,?,?,?,?,?) ON CONFLICT(origin)"
                           " DO UPDATE SET robots=excluded.robots,robots_http=excluded.robots_http,robots_error=excluded.robots_error,"
                           "robots_at=excluded.robots_at",
                           err);
    if (status == IAD_OK) {
        iad_query_text(&q, o->name);
        iad_query_text(&q, o->domain);
        iad_query_text(&q, iad_buf_str(&text));
        iad_query_id(&q, http);
        iad_query_text(&q, trouble);
        iad_query_i64(&q, (int64_t)time(NULL));
        status = iad_query_run(&q, o->name, err);
    }
    iad_buf_deinit(&text);
    return status;
}

/* robots.txt is known now: all that waited for it goes its way. */
static iad_status release(iad_session *s, iad_origin *o, iad_err *err) {
    o->state = 2;
    if (o->robots.delay > 0) iad_hostqueue_slow(s->queue, o->domain, o->robots.delay);
    iad_job *job = o->waiting;
    o->waiting = o->last_waiting = NULL;
    while (job) {
        iad_job *next = job->next;
        job->next = NULL;
        iad_status status = iad_desk_route(s, job, err);
        if (status != IAD_OK) {
            o->waiting = next;
            return status;
        }
        job = next;
    }
    return IAD_OK;
}

iad_status iad_origin_answer(iad_session *s, iad_job *job, const iad_http_answer *answer, iad_err *err) {
    iad_origin *o = job->origin;
    iad_outcome outcome = iad_desk_outcome(answer);
    const char *location =
        answer->error == IAD_HTTP_NONE && answer->status >= 300 && answer->status < 400 ? iad_http_header_get(answer, "location", 0) : NULL;
    if (location && job->hops < IAD_MAX_HOPS) {
        iad_url next;
        if (iad_url_parse(location, job->url.text, &next, NULL) == IAD_OK) {
            iad_status status = start_job(s, o, next.text, job->hops + 1, err);
            iad_url_deinit(&next);
            return status;
        }
    }
    if (iad_outcome_transient(outcome) && job->tries + 1 < s->o->tries) {
        iad_job *again = iad_calloc(1, sizeof *again);
        if (!again) return IAD_NOMEM(err, "a request");
        *again = (iad_job){.session = s, .kind = IAD_JOB_ROBOTS, .origin = o, .hops = job->hops, .tries = job->tries + 1};
        iad_status status = iad_url_parse(job->url.text, NULL, &again->url, err);
        double wait = iad_rng_range(&s->rng, 0, s->o->backoff_s * (1 << job->tries));
        if (answer->retry_after_s > wait) wait = answer->retry_after_s < 60 ? answer->retry_after_s : 60;
        if (status == IAD_OK) status = iad_desk_enqueue(s, again, iad_clock() + wait, err);
        if (status != IAD_OK) iad_job_free(again);
        return status;
    }
    int meaning = answer->error == IAD_HTTP_NONE ? iad_robots_meaning(answer->status) : -1;
    if (location) meaning = 0; /* too many hops, or to nowhere: as if there were none (2.3.1.2) */
    if (outcome == IAD_OUT_HTTP_429) meaning = -1;
    const char *trouble = NULL;
    if (answer->error == IAD_HTTP_TOO_BIG) meaning = 1; /* what came of it is read */
    if (meaning == 1) {
        IAD_TRY(iad_robots_parse(iad_buf_str(answer->body), answer->body->len, IAD_CRAWL_TOKEN, &o->robots, err));
    } else if (meaning < 0) {
        o->robots.deny_all = 1;
        trouble = iad_outcome_name(outcome);
        /* A host that cannot be reached at all is no host that forbids: its addresses fail for what they are. */
        if (answer->error == IAD_HTTP_DNS || answer->error == IAD_HTTP_CONNECT || answer->error == IAD_HTTP_TLS || answer->error == IAD_HTTP_ADDRESS)
            o->parked = outcome;
    }
    IAD_TRY(store_rules(s, o, answer->status, trouble, err));
    return release(s, o, err);
}
