#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/progress.h"
#include "crawl/polite/backoff.h"
#include "crawl/polite/optout.h"
#include "crawl/session/crawlsession.h"

#define MAX_BACKLOG 256 /* received pictures that wait for a worker; beyond, nothing new is asked for */

void iad_job_free(iad_job *job) {
    if (!job) return;
    iad_url_deinit(&job->url);
    free(job->waiters);
    free(job);
}

static iad_status add_waiter(iad_job *job, int place, iad_err *err) {
    void *waiters = job->waiters;
    IAD_TRY(iad_grow(&waiters, &job->cap_waiters, job->n_waiters + 1, sizeof *job->waiters, 1u << 20, "waiting categories", err));
    job->waiters = waiters;
    job->waiters[job->n_waiters++] = place;
    return IAD_OK;
}

/* ---- the end of a job ---- */

static void wake(iad_session *s, int place) {
    iad_category_work *w = &s->work[place];
    if (w->outstanding && --w->outstanding == 0) iad_work_ready(s, place);
}

/* The address has its outcome in the manifest: those who wait for it, wait for what it redirects to, or are told. */
static iad_status end_job(iad_session *s, iad_job *job, int64_t target_id, iad_err *err) {
    iad_status status = IAD_OK;
    if (job->url.text) iad_strmap_remove(&s->jobs, job->url.text);
    for (size_t i = 0; i < job->n_waiters; i++) {
        int waits = 0;
        if (target_id && status == IAD_OK) status = iad_desk_ask(s, target_id, job->waiters[i], &waits, err);
        if (!waits) wake(s, job->waiters[i]);
    }
    iad_job_free(job);
    return status;
}

static iad_status finish(iad_session *s, iad_job *job, iad_outcome outcome, const char *detail, int64_t target_id, const iad_fetch_facts *facts,
                         iad_err *err) {
    iad_fetch_facts none = {.length = -1, .tries = job->tries};
    iad_status status = iad_session_write(s, err);
    if (status == IAD_OK) status = iad_url_row_fetched(s->m, job->url_id, IAD_URL_DONE, outcome, detail, target_id, facts ? facts : &none, err);
    s->counts->failed += outcome != IAD_OUT_OK && job->kind == IAD_JOB_PICTURE;
    iad_status ended = end_job(s, job, target_id, status == IAD_OK ? err : NULL);
    return status != IAD_OK ? status : ended;
}

/* ---- the beginning ---- */

iad_status iad_desk_enqueue(iad_session *s, iad_job *job, double not_before, iad_err *err) {
    return iad_hostqueue_add(s->queue, job->url.domain, job, not_before, err);
}

iad_status iad_desk_route(iad_session *s, iad_job *job, iad_err *err) {
    iad_origin *o = job->origin;
    if (o->parked != IAD_OUT_OK) return finish(s, job, o->parked, "the host is left alone in this run", 0, NULL, err);
    if (!s->o->ignore_robots && !iad_robots_allowed(&o->robots, job->url.target)) return finish(s, job, IAD_OUT_ROBOTS, NULL, 0, NULL, err);
    return iad_desk_enqueue(s, job, 0, err);
}

static iad_status begin(iad_session *s, iad_job *job, iad_url_state state, iad_err *err) {
    if (state == IAD_URL_RECEIVED) return iad_pool_submit(s, job, err);
    if (state == IAD_URL_TODO) {
        IAD_TRY(iad_session_write(s, err));
        IAD_TRY(iad_url_row_state(s->m, job->url_id, IAD_URL_ACTIVE, err));
    }
    IAD_TRY(iad_origin_get(s, &job->url, &job->origin, err));
    if (job->origin->state == 2) return iad_desk_route(s, job, err);
    if (job->origin->last_waiting) job->origin->last_waiting->next = job;
    else job->origin->waiting = job;
    job->origin->last_waiting = job;
    return iad_origin_ask(s, job->origin, err);
}

iad_status iad_desk_ask(iad_session *s, int64_t url_id, int place, int *waits, iad_err *err) {
    iad_url_row row;
    *waits = 0;
    IAD_TRY(iad_url_row_get(s->m, url_id, 1, &row, err));
    iad_job *job = iad_strmap_get(&s->jobs, row.url);
    iad_status status = IAD_OK;
    if (row.state != IAD_URL_DONE && !job) {
        job = iad_calloc(1, sizeof *job);
        if (!job) status = IAD_NOMEM(err, "an address");
        if (job)
            *job =
                (iad_job){.session = s, .kind = row.is_page ? IAD_JOB_PAGE : IAD_JOB_PICTURE, .url_id = url_id, .tries = row.tries, .hops = row.hops};
        if (job && iad_url_parse(row.url, NULL, &job->url, NULL) != IAD_OK) {
            status = finish(s, job, IAD_OUT_SCHEME, NULL, 0, NULL, err);
            job = NULL;
        }
        if (job) status = iad_strmap_put(&s->jobs, row.url, job, err);
        /* It may be over at once (robots, a host that is left alone): then it is not in the table any more. */
        if (job && status == IAD_OK) status = begin(s, job, row.state, err);
        job = iad_strmap_get(&s->jobs, row.url);
    }
    if (status == IAD_OK && job) {
        status = add_waiter(job, place, err);
        *waits = status == IAD_OK;
    }
    iad_url_row_deinit(&row);
    return status;
}

/* ---- the request ---- */

iad_outcome iad_desk_outcome(const iad_http_answer *answer) {
    switch (answer->error) {
    case IAD_HTTP_NONE: break;
    case IAD_HTTP_BAD_URL: return IAD_OUT_SCHEME;
    case IAD_HTTP_DNS: return IAD_OUT_DNS;
    case IAD_HTTP_CONNECT: return IAD_OUT_CONNECT;
    case IAD_HTTP_TLS: return IAD_OUT_TLS;
    case IAD_HTTP_TIMEOUT: return IAD_OUT_TIMEOUT;
    case IAD_HTTP_SLOW: return IAD_OUT_SLOW;
    case IAD_HTTP_TOO_BIG: return IAD_OUT_TOO_BIG;
    case IAD_HTTP_ADDRESS: return IAD_OUT_ADDRESS;
    case IAD_HTTP_REFUSED: return IAD_OUT_OPTOUT; /* the only reason that we end a request for */
    case IAD_HTTP_BROKEN:
    case IAD_HTTP_CANCELLED:
    case IAD_HTTP_INTERNAL:
    case IAD_HTTP_N_ERRORS: return IAD_OUT_BROKEN;
    }
    if (answer->status == 200) return IAD_OUT_OK;
    if (answer->status == 429) return IAD_OUT_HTTP_429;
    if (answer->status >= 500) return IAD_OUT_HTTP_5XX;
    if (answer->status >= 400) return IAD_OUT_HTTP_4XX;
    return IAD_OUT_HTTP_OTHER;
}

static int on_head(void *user, const iad_http_answer *so_far) {
    iad_job *job = user;
    job->optout = iad_optout_answer(so_far, IAD_CRAWL_TOKEN, job->session->o->optout);
    return job->optout != NULL;
}

/* All waiting jobs of an origin end as it has ended; those of other origins of the same owner go back. */
static iad_status park(iad_session *s, iad_origin *o, iad_outcome why, iad_err *err) {
    iad_job *mine = NULL, *others = NULL, *job;
    o->parked = why;
    IAD_TRY(iad_origin_store(s, o, err));
    iad_session_say(s, "%s: %s %d times in a row, left alone for this run", o->name, iad_outcome_text(why), o->failures);
    while ((job = iad_hostqueue_drop(s->queue, o->domain))) {
        iad_job **list = job->origin == o && job->kind != IAD_JOB_ROBOTS ? &mine : &others;
        job->next = *list;
        *list = job;
    }
    iad_status status = IAD_OK;
    while ((job = others)) {
        others = job->next;
        job->next = NULL;
        if (status == IAD_OK) status = iad_desk_enqueue(s, job, 0, err);
    }
    while ((job = mine)) {
        mine = job->next;
        job->next = NULL;
        if (status == IAD_OK) status = finish(s, job, why, "the host is left alone in this run", 0, NULL, err);
    }
    return status;
}

static iad_status judge_host(iad_session *s, iad_origin *o, iad_outcome outcome, iad_err *err) {
    if (!iad_outcome_host_trouble(outcome)) {
        o->failures = 0;
        return IAD_OK;
    }
    if (++o->failures < s->o->park_after || o->parked != IAD_OUT_OK) return IAD_OK;
    return park(s, o, outcome, err);
}

static iad_fetch_facts facts_of(const iad_session *s, const iad_job *job, const iad_http_answer *a) {
    return (iad_fetch_facts){.http = a->status,
                             .bytes = a->received,
                             .length = a->length,
                             .content_type = iad_http_header_get(a, "content-type", 0),
                             .etag = iad_http_header_get(a, "etag", 0),
                             .last_modified = iad_http_header_get(a, "last-modified", 0),
                             .optout = job->optout,
                             .address = a->address,
                             .unverified = s->o->insecure,
                             .tries = job->tries + 1,
                             .seconds = a->seconds};
}

/* Text of headers goes into the manifest: it must be UTF-8. */
static const char *clean(const char *text) {
    return text && iad_utf8_valid(text, strlen(text)) == strlen(text) ? text : NULL;
}

static iad_status redirected(iad_session *s, iad_job *job, const char *location, const iad_fetch_facts *facts, iad_err *err) {
    iad_url next;
    int64_t target = 0;
    int fresh;
    iad_status status = iad_url_parse(location, job->url.text, &next, NULL);
    if (status != IAD_OK) return finish(s, job, IAD_OUT_SCHEME, "redirect to what is no http address", 0, facts, err);
    if (job->hops >= IAD_MAX_HOPS || !strcmp(next.text, job->url.text)) {
        iad_url_deinit(&next);
        return finish(s, job, IAD_OUT_REDIRECT_LOOP, NULL, 0, facts, err);
    }
    status = iad_session_write(s, err);
    if (status == IAD_OK) status = iad_url_row_put(s->m, next.text, next.domain, job->kind == IAD_JOB_PAGE, job->hops + 1, &target, &fresh, err);
    iad_url_deinit(&next);
    if (status == IAD_OK) return finish(s, job, IAD_OUT_OK, NULL, target, facts, err);
    iad_job_free(job);
    return status;
}

static iad_status received(iad_session *s, iad_job *job, const iad_http_answer *a, const iad_fetch_facts *facts, iad_err *err) {
    if (a->body->len == 0) return finish(s, job, IAD_OUT_EMPTY, NULL, 0, facts, err);
    iad_status status = iad_crawl_store_spool(&s->store, job->url_id, a->body->data, a->body->len, err);
    if (status == IAD_OK) status = iad_session_write(s, err);
    if (status == IAD_OK) status = iad_url_row_fetched(s->m, job->url_id, IAD_URL_RECEIVED, IAD_OUT_OK, NULL, 0, facts, err);
    if (status == IAD_OK) status = iad_pool_submit(s, job, err);
    return status;
}

static iad_status retry(iad_session *s, iad_job *job, iad_outcome outcome, double retry_after, iad_err *err) {
    double wait = iad_backoff_wait(outcome, ++job->tries, s->o->backoff_s, retry_after, &s->rng), now = iad_clock();
    IAD_TRY(iad_session_write(s, err));
    IAD_TRY(iad_url_row_tries(s->m, job->url_id, job->tries, err));
    if (retry_after >= 0 && iad_outcome_host_trouble(outcome)) iad_hostqueue_pause(s->queue, job->url.domain, now + wait);
    return iad_desk_enqueue(s, job, now + wait, err);
}

static iad_status answered(iad_session *s, iad_job *job, const iad_http_answer *a, iad_err *err) {
    if (job->kind == IAD_JOB_ROBOTS) {
        iad_status status = iad_origin_answer(s, job, a, err);
        iad_job_free(job);
        return status;
    }
    iad_outcome outcome = iad_desk_outcome(a);
    iad_fetch_facts facts = facts_of(s, job, a);
    facts.content_type = clean(facts.content_type);
    facts.etag = clean(facts.etag);
    facts.last_modified = clean(facts.last_modified);
    IAD_TRY(judge_host(s, job->origin, outcome, err));
    const char *location = a->error == IAD_HTTP_NONE && a->status >= 300 && a->status < 400 ? iad_http_header_get(a, "location", 0) : NULL;
    if (location) return redirected(s, job, location, &facts, err);
    if (outcome == IAD_OUT_OK && job->kind == IAD_JOB_PICTURE) return received(s, job, a, &facts, err);
    if (outcome == IAD_OUT_OK) {
        facts.optout = iad_optout_page(iad_buf_str(a->body), a->body->len, IAD_CRAWL_TOKEN, s->o->optout);
        return finish(s, job, facts.optout ? IAD_OUT_OPTOUT : IAD_OUT_OK, facts.optout, 0, &facts, err);
    }
    if (job->tries + 1 < iad_backoff_tries(outcome, s->o->tries) && job->origin->parked == IAD_OUT_OK)
        return retry(s, job, outcome, a->retry_after_s, err);
    char detail[300];
    snprintf(detail, sizeof detail, "%.250s", a->error != IAD_HTTP_NONE ? a->message : "");
    return finish(s, job, outcome, outcome == IAD_OUT_OPTOUT ? job->optout : clean(detail), 0, &facts, err);
}

static void on_done(void *user, const iad_http_answer *answer) {
    iad_job *job = user;
    iad_session *s = job->session;
    iad_err err = IAD_ERR_NONE;
    iad_hostqueue_done(s->queue, job->url.domain);
    s->counts->requests++;
    s->counts->bytes += answer->received;
    if (answer->error == IAD_HTTP_CANCELLED || s->status != IAD_OK) {
        if (job->kind != IAD_JOB_ROBOTS) iad_strmap_remove(&s->jobs, job->url.text);
        iad_job_free(job);
        return;
    }
    iad_session_failed(s, answered(s, job, answer, &err), &err);
}

static iad_status start(iad_session *s, iad_job *job, iad_err *err) {
    /* JPEG first: many hosts choose the format by this header. */
    static const char *const picture[] = {"Accept: image/jpeg,image/png;q=0.8,image/*;q=0.5,*/*;q=0.1"};
    static const char *const text[] = {"Accept: text/html,text/plain;q=0.9,*/*;q=0.1"};
    iad_http_request request = {.url = job->url.text,
                                .user_agent = s->agent,
                                .n_headers = 1,
                                .headers = job->kind == IAD_JOB_PICTURE ? picture : text,
                                .connect_s = s->o->connect_s,
                                .total_s = s->o->total_s,
                                .stall_s = s->o->stall_s,
                                .max_bytes = (size_t)s->o->max_bytes,
                                .on_head = job->kind == IAD_JOB_ROBOTS ? NULL : on_head,
                                .done = on_done,
                                .user = job};
    if (job->kind != IAD_JOB_PICTURE) request.decompress = 1;
    if (job->kind == IAD_JOB_ROBOTS) request.max_bytes = IAD_ROBOTS_MAX_BYTES;
    if (job->kind == IAD_JOB_PAGE) request.max_bytes = 4u << 20;
    return iad_http_start(s->http, &request, err);
}

iad_status iad_desk_step(iad_session *s, double now, double *wait, iad_err *err) {
    *wait = 1e9;
    while ((int)iad_hostqueue_running(s->queue) < s->o->connections && iad_pool_backlog(s) < MAX_BACKLOG) {
        iad_job *job = iad_hostqueue_take(s->queue, now, wait);
        if (!job) break;
        IAD_TRY(start(s, job, err));
    }
    return IAD_OK;
}

/* ---- the judgement ---- */

static iad_status keep(iad_session *s, iad_job *job, iad_judgement *j, int64_t *picture_id, iad_err *err) {
    char path[128];
    int64_t stored = job->n_bytes;
    IAD_TRY(iad_picture_row_find(s->m, j->sha256, picture_id, err)); /* its file may have been lost all the same */
    if (j->outcome == IAD_OUT_OK && j->stored.len) {
        stored = (int64_t)j->stored.len;
        iad_crawl_store_image_path(j->stored_sha256, "jpeg", path);
        IAD_TRY(iad_crawl_store_write(&s->store, path, j->stored.data, j->stored.len, err));
    } else if (j->outcome == IAD_OUT_OK) {
        iad_crawl_store_image_path(j->sha256, j->kind, path);
        IAD_TRY(iad_crawl_store_keep(&s->store, job->url_id, path, err));
    }
    if (*picture_id) return IAD_OK;
    return iad_picture_row_add(s->m, j, job->n_bytes, j->outcome == IAD_OUT_OK ? path : NULL, stored, picture_id, err);
}

iad_status iad_desk_judged(iad_session *s, iad_job *job, iad_judgement *j, iad_err *err) {
    int64_t picture_id = 0;
    void *unspool = s->unspool;
    iad_status status = iad_session_write(s, err);
    if (status == IAD_OK) status = keep(s, job, j, &picture_id, err);
    if (status == IAD_OK) status = iad_url_row_picture(s->m, job->url_id, picture_id, err);
    if (status == IAD_OK) status = iad_grow(&unspool, &s->cap_unspool, s->n_unspool + 1, sizeof *s->unspool, 1u << 24, "spool files", err);
    s->unspool = unspool;
    if (status != IAD_OK) {
        iad_strmap_remove(&s->jobs, job->url.text);
        iad_job_free(job);
        return status;
    }
    s->unspool[s->n_unspool++] = job->url_id;
    s->counts->fetched += j->outcome == IAD_OUT_OK;
    s->counts->failed += j->outcome != IAD_OUT_OK;
    return end_job(s, job, 0, err);
}
