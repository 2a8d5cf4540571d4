#include "annotate/work/annotaterun.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "annotate/check/judge_answer.h"
#include "annotate/client/lvlmreply.h"
#include "annotate/work/encodepool.h"
#include "base/alloc.h"
#include "base/http/http.h"
#include "base/http/url.h"
#include "base/json.h"
#include "base/progress.h"
#include "base/sha256.h"
#include "manifests/query.h"

#define GROUP_S 0.01 /* seconds between the first answer of a transaction and its end */

typedef struct session {
    iad_manifest *m;
    const iad_annotate_options *o;
    iad_annotate_counts *c;
    iad_http *http;
    iad_encode_pool *pool;
    iad_source *source;
    iad_flow flow;
    iad_rng rng;
    iad_job *ready, *ready_last, *waiting; /* bodies that may be sent; jobs that wait for their time */
    int alive, most_alive, exhausted, draining, bugs, finished;
    double opened; /* when the transaction at hand was begun */
    double reserved, reply_tokens; /* money on its way; mean of an answer's tokens */
    int64_t replies;
    char url[IAD_URL_MAX], authorization[IAD_SECRET_MAX + 32];
    iad_status status; /* why the run ends early */
    iad_err err;
} session;

typedef struct open_request {
    session *s;
    iad_job *job;
} open_request;

static void end_run(session *s, iad_status status, const char *text) {
    s->draining = 1;
    if (s->status == IAD_OK) s->status = IAD_FAIL(&s->err, status, "%s", text);
}

static void keep(session *s, iad_status status, const iad_err *err) {
    if (status == IAD_OK || s->status != IAD_OK) return;
    s->status = status;
    s->err = *err;
    s->draining = 1;
}

/* ---- rows ---- */

static iad_status in_transaction(session *s, iad_err *err) {
    if (iad_manifest_in_transaction(s->m)) return IAD_OK;
    s->opened = iad_clock();
    return iad_manifest_begin(s->m, err);
}

/* Answers that come close together are written together; what is counted as finished is on the disk. *next: at most until the next commit. */
static iad_status commit_group(session *s, int now, double *next, iad_err *err) {
    if (iad_manifest_in_transaction(s->m)) {
        const double left = s->opened + GROUP_S - iad_clock();
        if (!now && left > 0) {
            if (left < *next) *next = left;
            return IAD_OK;
        }
        IAD_TRY(iad_manifest_commit(s->m, err));
    }
    if (s->finished) s->o->progress(s->o->user, s->c);
    s->finished = 0;
    return IAD_OK;
}

static iad_answer_row row_of(const session *s, const iad_job *job) {
    const iad_work *w = &job->work;
    return (iad_answer_row){.unit = w->unit,
                            .image_sha256 = w->image_sha256,
                            .of_unit = w->has_of ? w->of_unit : NULL,
                            .image_id = w->image_id,
                            .run_id = s->o->run_id,
                            .prompt = w->prompt,
                            .model = s->o->model,
                            .params = w->params,
                            .colour = job->colour,
                            .round = w->round,
                            .attempts = job->attempts,
                            .predicted = w->predicted,
                            .feedback = s->o->feedback};
}

static void drop(session *s, iad_job *job) {
    s->alive--;
    s->finished++;
    iad_job_free(job);
}

static void give_up(session *s, iad_job *job, iad_lvlm_class class, const char *detail) {
    iad_answer_row row = row_of(s, job);
    iad_err err = IAD_ERR_NONE;
    iad_status status = in_transaction(s, &err);
    if (status == IAD_OK && (class == IAD_LVLM_FILTERED || class == IAD_LVLM_INPUT)) {
        status = iad_annotate_final_put(s->m, &row, class == IAD_LVLM_FILTERED ? "filtered" : "unusable", detail, &err);
        if (class == IAD_LVLM_FILTERED) s->c->filtered++;
        else s->c->unusable++;
    } else if (status == IAD_OK) {
        status = iad_annotate_trouble_put(s->m, &row, iad_lvlm_class_name(class), detail, &err);
        s->c->troubled++;
    }
    keep(s, status, &err);
    drop(s, job);
}

static void prepare(session *s, iad_job *job) {
    iad_buf_reset(&job->body);
    iad_encode_pool_give(s->pool, job);
}

static void wait_for(session *s, iad_job *job, double seconds) {
    job->next_at = iad_clock() + seconds;
    job->next = s->waiting;
    s->waiting = job;
}

static double foreseen_cost(const session *s, const iad_job *job) {
    return iad_price_of(&s->o->price, job->work.predicted, 0, (int64_t)s->reply_tokens + 1, 0);
}

/* ---- answers ---- */

static void take_answer(session *s, iad_job *job, const iad_chat_answer *a, const char *body, size_t n, double seconds) {
    const iad_judge_facts facts = {.prompt = job->work.prompt,
                                   .model = s->o->model,
                                   .names_differ = s->o->profile->names_differ,
                                   .category = job->work.category,
                                   .colour = job->colour,
                                   .anomalous = job->work.anomalous};
    iad_answer_row row = row_of(s, job);
    iad_judged judged;
    iad_err err = IAD_ERR_NONE;
    int added = 0, again = 0;
    row.raw = body;
    row.n_raw = n;
    row.ms = (int64_t)(seconds * 1000);
    row.cost = iad_price_of(&s->o->price, a->prompt_tokens, a->cached_tokens, a->completion_tokens, 0);
    iad_status status = iad_judge_answer(&judged, &facts, a, &err);
    if (status == IAD_OK) {
        status = in_transaction(s, &err);
        if (status == IAD_OK) status = iad_annotate_answer_put(s->m, &row, a, &judged, &added, &err);
        if (status == IAD_OK) {
            s->c->answers++;
            s->c->ok += judged.ok;
            s->c->prompt_tokens += a->prompt_tokens;
            s->c->completion_tokens += a->completion_tokens;
            s->c->cost += row.cost;
            s->c->spent += row.cost;
            s->replies++;
            s->reply_tokens += ((double)a->completion_tokens - s->reply_tokens) / (double)(s->replies < 200 ? s->replies + 1 : 200);
            again = !judged.ok && ++job->work.round <= s->o->rounds;
            s->c->rejected += !judged.ok && !again;
        }
        iad_judged_deinit(&judged);
    }
    if (status == IAD_OK && again) status = iad_source_round(s->m, s->o, &job->work, &again, &err);
    keep(s, status, &err);
    if (status == IAD_OK && again && !s->draining) {
        job->tries = job->attempts = 0;
        job->form = IAD_CHAT_WHOLE;
        s->c->wanted++;
        prepare(s, job);
    } else drop(s, job);
}

static void take_trouble(session *s, iad_job *job, iad_lvlm_verdict v, const char *detail, double retry_after) {
    char text[700];
    s->bugs = v.action == IAD_LVLM_COUNT ? s->bugs + 1 : v.class == IAD_LVLM_TRANSIENT || v.class == IAD_LVLM_RATE ? s->bugs : 0;
    s->c->rate_limited += v.action == IAD_LVLM_BACK_OFF;
    switch (v.action) {
    case IAD_LVLM_STOP:
        snprintf(text, sizeof text, "the service refuses the account, key or model: %.500s", detail);
        end_run(s, IAD_ERR_UNSUPPORTED, text);
        give_up(s, job, v.class, detail);
        return;
    case IAD_LVLM_COUNT:
        if (s->bugs >= IAD_LVLM_MAX_BUGS) {
            snprintf(text, sizeof text, "%d requests in a row were refused as wrong; the last: %.500s", s->bugs, detail);
            end_run(s, IAD_ERR_UNSUPPORTED, text);
        }
        give_up(s, job, v.class, detail);
        return;
    case IAD_LVLM_CROP:
    case IAD_LVLM_REENCODE:
        if (job->form != IAD_CHAT_WHOLE || s->draining) {
            if (job->form != IAD_CHAT_WHOLE) give_up(s, job, v.class, detail);
            else drop(s, job);
            return;
        }
        job->form = v.action == IAD_LVLM_CROP ? IAD_CHAT_CROPPED : IAD_CHAT_SMALLER;
        prepare(s, job);
        return;
    default:
        if (++job->tries >= s->o->tries || s->draining) give_up(s, job, v.class, detail);
        else {
            s->c->retries++;
            wait_for(s, job, iad_lvlm_wait(v.class, job->tries, retry_after, s->o->backoff_s, &s->rng));
        }
    }
}

static void done(void *user, const iad_http_answer *answer) {
    open_request *r = user;
    session *s = r->s;
    iad_job *job = r->job;
    iad_lvlm_reply reply;
    char detail[400];
    free(r);
    iad_lvlm_reply_init(&reply, answer, s->o->key);
    iad_lvlm_verdict v = reply.verdict;
    if (answer->error != IAD_HTTP_NONE) iad_text_copy(detail, sizeof detail, reply.detail);
    else snprintf(detail, sizeof detail, "%d %.90s %.280s", answer->status, reply.code, reply.detail);
    detail[iad_utf8_valid(detail, strlen(detail))] = 0;
    s->reserved -= foreseen_cost(s, job) < s->reserved ? foreseen_cost(s, job) : s->reserved;
    iad_flow_end(&s->flow, job->foreseen,
                 v.class == IAD_LVLM_OK          ? (double)(reply.answer.prompt_tokens + reply.answer.completion_tokens)
                 : v.class == IAD_LVLM_TRANSIENT ? job->foreseen
                                                 : 0,
                 v.class, answer->retry_after_s, iad_clock());
    if (v.class == IAD_LVLM_OK) {
        s->bugs = 0;
        take_answer(s, job, &reply.answer, answer->body ? answer->body->data : NULL, answer->body ? answer->body->len : 0, answer->seconds);
    } else take_trouble(s, job, v, detail, answer->retry_after_s);
    iad_lvlm_reply_deinit(&reply);
}

/* ---- sending ---- */

static iad_status send_job(session *s, iad_job *job, iad_err *err) {
    char unit[90] = "X-Request-Unit: ";
    iad_hex(job->work.unit, 32, unit + 16);
    const char *headers[] = {"Content-Type: application/json", unit, s->authorization};
    open_request *r = iad_calloc(1, sizeof *r);
    if (!r) return IAD_NOMEM(err, "a request");
    *r = (open_request){s, job};
    const iad_http_request request = {.method = "POST",
                                      .url = s->url,
                                      .headers = headers,
                                      .n_headers = *s->authorization ? 3 : 2,
                                      .body = job->body.data,
                                      .n_body = job->body.len,
                                      .total_s = s->o->timeout_s,
                                      .stall_s = s->o->timeout_s,
                                      .stall_bytes = 1,
                                      .max_bytes = IAD_CHAT_MAX_ANSWER,
                                      .done = done,
                                      .user = r};
    iad_status status = iad_http_start(s->http, &request, err);
    if (status != IAD_OK) {
        free(r);
        return status;
    }
    s->c->requests++;
    job->attempts++;
    s->reserved += foreseen_cost(s, job);
    return IAD_OK;
}

static iad_job *first_due(session *s, double now, double *next) {
    iad_job **best = NULL;
    for (iad_job **p = &s->waiting; *p; p = &(*p)->next) {
        if ((*p)->next_at <= now && (!best || (*p)->next_at < (*best)->next_at)) best = p;
        else if ((*p)->next_at > now && (*p)->next_at - now < *next) *next = (*p)->next_at - now;
    }
    if (!best) return NULL;
    iad_job *job = *best;
    *best = job->next;
    return job;
}

static void collect_ready(session *s) {
    for (iad_job *job; (job = iad_encode_pool_take(s->pool)) != NULL;) {
        if (job->status != IAD_OK) {
            give_up(s, job, IAD_LVLM_INPUT, job->err.msg);
            continue;
        }
        job->next = NULL;
        if (s->ready_last) s->ready_last->next = job;
        else s->ready = job;
        s->ready_last = job;
    }
}

/* Sends what may be sent; *next: seconds until there is something to do. */
static iad_status send_all(session *s, double *next, iad_err *err) {
    collect_ready(s);
    while (!s->draining) {
        double now = iad_clock(), wait = iad_flow_wait(&s->flow, now);
        if (wait != 0) {
            if (wait > 0 && wait < *next) *next = wait;
            return IAD_OK;
        }
        iad_job *job = first_due(s, now, next);
        if (!job && s->ready) {
            job = s->ready;
            s->ready = job->next;
            if (!s->ready) s->ready_last = NULL;
        }
        if (!job) return IAD_OK;
        if (s->o->max_cost > 0 && s->c->spent + s->reserved + foreseen_cost(s, job) > s->o->max_cost) {
            s->c->stopped_by_cost = 1;
            s->draining = 1;
            drop(s, job);
            return IAD_OK;
        }
        job->foreseen = (double)job->work.predicted + s->reply_tokens * 1.1;
        iad_flow_start(&s->flow, job->foreseen, now);
        IAD_TRY(send_job(s, job, err));
    }
    return IAD_OK;
}

static iad_status fill_pool(session *s, iad_err *err) {
    while (!s->draining && !s->exhausted && s->alive < s->most_alive) {
        int found;
        iad_job *job = iad_job_new();
        if (!job) return IAD_NOMEM(err, "a request");
        iad_status status = iad_source_next(s->source, &job->work, &found, s->c, err);
        if (status != IAD_OK || !found) {
            iad_job_free(job);
            s->exhausted = status == IAD_OK;
            if (status != IAD_OK) return status;
            break;
        }
        s->c->wanted++;
        s->alive++;
        iad_encode_pool_give(s->pool, job);
    }
    return IAD_OK;
}

static void drop_list(session *s, iad_job **list) {
    for (iad_job *job; (job = *list) != NULL;) {
        *list = job->next;
        drop(s, job);
    }
}

static iad_status loop(session *s, iad_err *err) {
    while (s->status == IAD_OK || iad_http_active(s->http)) {
        double next = 1;
        if (s->o->stop && atomic_load(s->o->stop) && !s->draining) {
            s->draining = 1;
            s->o->say(s->o->user, "stopping: answers on their way are awaited (again: end at once)");
        }
        IAD_TRY(fill_pool(s, err));
        IAD_TRY(send_all(s, &next, err));
        if (s->draining) {
            drop_list(s, &s->ready);
            s->ready_last = NULL;
            drop_list(s, &s->waiting);
            if (!iad_http_active(s->http)) break;
        } else if (s->exhausted && s->alive == 0) break;
        IAD_TRY(commit_group(s, 0, &next, err));
        IAD_TRY(iad_http_poll(s->http, (int)(next * 1000) + 1, err));
    }
    return commit_group(s, 1, NULL, err);
}

/* ---- beginning and end ---- */

typedef struct probe_state {
    const iad_annotate_options *o;
    int status, listed, known, answered;
    char detail[400];
} probe_state;

static void probe_done(void *user, const iad_http_answer *answer) {
    probe_state *p = user;
    json_t *root = NULL;
    char code[96];
    p->answered = 1;
    p->status = answer->error == IAD_HTTP_NONE ? answer->status : 0;
    if (p->status == 0) iad_text_copy(p->detail, sizeof p->detail, answer->message);
    if (p->status != 200 && answer->body && answer->body->len) {
        if (p->o->key) iad_secret_hide(p->o->key, answer->body->data, answer->body->len);
        iad_lvlm_error_body(answer->body->data, answer->body->len, code, p->detail);
    }
    if (p->status == 200 && iad_json_parse(iad_buf_str(answer->body), answer->body->len, 32, "models", &root, NULL) == IAD_OK) {
        const json_t *list = json_object_get(root, "data");
        p->listed = json_array_size(list) > 0;
        for (size_t i = 0; i < json_array_size(list); i++) {
            const char *id = json_string_value(json_object_get(json_array_get(list, i), "id"));
            p->known |= id && !strcmp(id, p->o->model);
        }
    }
    json_decref(root);
}

/* GET /models: is the service there, does it take the key, does it have the model? */
static iad_status probe(session *s, iad_err *err) {
    probe_state p = {.o = s->o};
    char url[IAD_URL_MAX];
    snprintf(url, sizeof url, "%.*s/models", (int)(strlen(s->url) - strlen("/chat/completions")), s->url);
    const char *headers[] = {s->authorization};
    const iad_http_request request = {
        .url = url, .headers = headers, .n_headers = *s->authorization ? 1 : 0, .total_s = 30, .max_bytes = 8 << 20, .done = probe_done, .user = &p};
    IAD_TRY(iad_http_start(s->http, &request, err));
    while (!p.answered) IAD_TRY(iad_http_poll(s->http, 1000, err));
    if (p.status == 0) return IAD_FAIL(err, IAD_ERR_IO, "%s cannot be reached: %s", url, p.detail);
    if (p.status == 401 || p.status == 403)
        return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "%s: the key is not taken (%d): %.300s", url, p.status, p.detail);
    if (p.listed && !p.known) {
        char text[300];
        snprintf(text, sizeof text, "the service does not list a model %.100s", s->o->model);
        s->o->say(s->o->user, text);
    }
    return IAD_OK;
}

static void wake(void *user) {
    iad_http_wakeup(user);
}

static iad_status start(session *s, iad_err *err) {
    const iad_annotate_options *o = s->o;
    size_t n = strlen(o->url);
    while (n && o->url[n - 1] == '/') n--;
    if (!n || n + 32 > sizeof s->url) return IAD_FAIL(err, IAD_ERR_ARG, "--url: not the address of a service");
    snprintf(s->url, sizeof s->url, "%.*s/chat/completions", (int)n, o->url);
    if (o->key && *o->key->text) snprintf(s->authorization, sizeof s->authorization, "Authorization: Bearer %s", o->key->text);
    IAD_TRY(iad_http_new(&(iad_http_options){.user_agent = "iad-annotate/" IAD_VERSION, .allow_private = 1}, &s->http, err));
    if (o->probe) IAD_TRY(probe(s, err));
    IAD_TRY(iad_source_new(s->m, o, &s->source, err));
    IAD_TRY(iad_encode_pool_new(o->profile, o->model, o->max_pixels, o->quality, o->threads, wake, s->http, &s->pool, err));
    IAD_TRY(iad_manifest_begin(s->m, err));
    for (size_t i = 0; i < o->n_prompts; i++) IAD_TRY(iad_annotate_prompt_put(s->m, o->prompts[i], err));
    if (o->audit) IAD_TRY(iad_annotate_prompt_put(s->m, o->audit, err));
    IAD_TRY(iad_manifest_commit(s->m, err));
    iad_query q;
    IAD_TRY(iad_query_open(&q, s->m, "annotate_answer", "SELECT coalesce(sum(cost),0) FROM annotate_answer", err));
    if (iad_query_next(&q)) s->c->spent = iad_query_col_f64(&q, 0);
    IAD_TRY(iad_query_close(&q, err));
    const iad_prompt *first = o->audit_share > 0 ? o->audit : o->prompts[0];
    s->reply_tokens = first->expected_tokens;
    s->most_alive = o->flow.concurrency * 2 + o->threads * 2;
    iad_rng_init(&s->rng, (uint64_t)o->seed, 0x616e6e6f);
    iad_flow_init(&s->flow, &o->flow, iad_clock());
    return IAD_OK;
}

iad_status iad_annotate_run(iad_manifest *m, const iad_annotate_options *options, iad_annotate_counts *counts, iad_err *err) {
    session *s = iad_calloc(1, sizeof *s);
    memset(counts, 0, sizeof *counts);
    if (!s) return IAD_NOMEM(err, "a run");
    *s = (session){.m = m, .o = options, .c = counts};
    iad_status status = start(s, err);
    if (status == IAD_OK) status = loop(s, err);
    if (status != IAD_OK && s->http) {
        s->draining = 1;
        iad_http_cancel_all(s->http); /* their jobs end through done */
        (void)iad_http_poll(s->http, 0, NULL);
    }
    if (status != IAD_OK) iad_manifest_rollback(m);
    iad_encode_pool_free(s->pool); /* before the client, which its workers wake */
    iad_http_free(s->http);
    iad_source_free(s->source);
    drop_list(s, &s->ready);
    drop_list(s, &s->waiting);
    explicit_bzero(s->authorization, sizeof s->authorization);
    if (status == IAD_OK && s->status != IAD_OK) {
        status = s->status;
        if (err) *err = s->err;
    }
    if (status == IAD_OK && options->stop && atomic_load(options->stop))
        status = IAD_FAIL(err, IAD_ERR_INTERRUPTED, "interrupted; the same command goes on");
    free(s);
    return status;
}
