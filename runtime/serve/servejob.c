#include "runtime/serve/servejob.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "base/progress.h"
#include "base/textargs.h"
#include "runtime/program/program.h"

enum { MAX_ANSWER = 1 << 30 };

/* ---- life ---- */

iad_job *iad_job_new(iad_serve *serve) {
    iad_job *job = iad_calloc(1, sizeof *job);
    if (!job) return NULL;
    job->serve = serve;
    job->holders = 1;
    job->type = "application/json";
    iad_buf_init(&job->body, (size_t)serve->options.limits.body_bytes);
    iad_buf_init(&job->out, MAX_ANSWER);
    atomic_init(&job->cancel, 0);
    pthread_mutex_init(&job->lock, NULL);
    return job;
}

void iad_job_release(iad_job *job) {
    pthread_mutex_lock(&job->lock);
    const int last = --job->holders == 0;
    pthread_mutex_unlock(&job->lock);
    if (!last) return;
    iad_buf_deinit(&job->out);
    pthread_mutex_destroy(&job->lock);
    free(job);
}

/* ---- refusals ---- */

void iad_fault_set(iad_fault *fault, int status, const char *code, const char *param, const char *fmt, ...) {
    if (fault->status) return;
    *fault = (iad_fault){.status = status, .code = code};
    iad_text_copy(fault->param, sizeof fault->param, param ? param : "");
    IAD_TEXT_OF_ARGS(fault->message, fmt);
}

void iad_fault_from(iad_fault *fault, iad_status status, const iad_err *err, const char *param) {
    switch (status) {
        case IAD_OK: return;
        case IAD_ERR_FORMAT: iad_fault_set(fault, 400, "format", param, "%s", err->msg); return;
        case IAD_ERR_ARG: case IAD_ERR_EXISTS: iad_fault_set(fault, 400, "argument", param, "%s", err->msg); return;
        case IAD_ERR_LIMIT: iad_fault_set(fault, 400, "limit", param, "%s", err->msg); return;
        case IAD_ERR_UNSUPPORTED: iad_fault_set(fault, 400, "unsupported", param, "%s", err->msg); return;
        case IAD_ERR_NOT_FOUND: iad_fault_set(fault, 400, "not_found", param, "%s", err->msg); return;
        case IAD_ERR_NOMEM: iad_fault_set(fault, 503, "memory", param, "%s", err->msg); return;
        case IAD_ERR_IO: case IAD_ERR_DB: case IAD_ERR_INTERRUPTED: case IAD_ERR_INTERNAL: break;
    }
    iad_fault_set(fault, 500, "internal", param, "%s", err->msg);
}

static const char *type_of(int status) {
    switch (status) {
        case 401: return "authentication_error";
        case 403: return "permission_error";
        case 429: return "rate_limit_error";
        default: return status >= 500 ? "server_error" : "invalid_request_error";
    }
}

iad_status iad_text_json(const char *text, size_t n, iad_buf *out, iad_err *err) {
    iad_buf copy;
    iad_buf_init(&copy, MAX_ANSWER);
    iad_status status = IAD_OK;
    for (size_t at = 0; at <= n && status == IAD_OK; at++) {
        const char *nul = memchr(text + at, '\0', n - at);
        const size_t end = nul ? (size_t)(nul - text) : n;
        status = iad_buf_add(&copy, text + at, end - at, err);
        if (status == IAD_OK && nul) status = iad_buf_add_str(&copy, "\xef\xbf\xbd", err);
        at = end;
    }
    if (status == IAD_OK) status = iad_json_name(iad_buf_str(&copy), out, err);
    iad_buf_deinit(&copy);
    return status;
}

iad_status iad_fault_json(const iad_fault *fault, iad_buf *out, iad_err *err) {
    IAD_TRY(iad_buf_add_str(out, "{\"message\":", err));
    IAD_TRY(iad_json_name(fault->message, out, err));
    IAD_TRY(iad_buf_addf(out, err, ",\"type\":\"%s\",\"param\":", type_of(fault->status)));
    if (*fault->param) IAD_TRY(iad_json_name(fault->param, out, err));
    else IAD_TRY(iad_buf_add_str(out, "null", err));
    return iad_buf_addf(out, err, ",\"code\":\"%s\"}", fault->code);
}

void iad_job_cancelled(const iad_job *job, iad_fault *fault) {
    if (atomic_load(&job->cancel) == IAD_CANCEL_DEADLINE)
        iad_fault_set(fault, 504, "deadline", NULL, "not finished in %lld seconds (--deadline)", (long long)job->serve->options.limits.deadline_s);
    else iad_fault_set(fault, 499, "gone", NULL, "the client went away");
}

/* ---- answers ---- */

/* With the job's lock held. */
static void wake(iad_job *job) {
    if (!job->suspended) return;
    job->suspended = 0;
    MHD_resume_connection(job->connection);
}

/* Counted before the client can know. */
static void count(iad_job *job) {
    iad_metrics *m = &job->serve->metrics;
    const int status = job->fault.status ? job->fault.status : job->status;
    if (job->arrived > 0) iad_metrics_request(m, (int)job->route, status, iad_clock() - job->arrived);
    if (status == 499) iad_metrics_count(m, &m->now.cancelled);
}

void iad_job_answer(iad_job *job, int status, iad_buf *text) {
    pthread_mutex_lock(&job->lock);
    if (!job->ended) {
        iad_buf_deinit(&job->out);
        job->out = *text;
        *text = (iad_buf){.max = 0};
        job->status = status;
        job->ready = job->ended = 1;
        count(job);
        wake(job);
    }
    pthread_mutex_unlock(&job->lock);
    iad_buf_deinit(text);
}

void iad_job_refuse(iad_job *job, const iad_fault *fault) {
    iad_buf text;
    iad_buf_init(&text, 1 << 16);
    pthread_mutex_lock(&job->lock);
    const int streaming = job->streaming, ended = job->ended;
    if (!ended) job->fault = *fault;
    pthread_mutex_unlock(&job->lock);
    if (ended) return;
    iad_status status = iad_buf_add_str(&text, streaming && job->route == IAD_ROUTE_INSPECT ? "event: error\ndata: " : streaming ? "data: " : "",
                                        NULL);
    if (status == IAD_OK) status = iad_buf_add_str(&text, "{\"error\":", NULL);
    if (status == IAD_OK) status = iad_fault_json(fault, &text, NULL);
    if (status == IAD_OK) status = iad_buf_add_str(&text, streaming ? "}\n\n" : "}\n", NULL);
    if (status != IAD_OK) iad_buf_reset(&text);
    if (!streaming) {
        iad_job_answer(job, fault->status, &text);
        return;
    }
    iad_job_send(job, &text);
    iad_job_end(job);
    iad_buf_deinit(&text);
}

void iad_job_stream(iad_job *job) {
    pthread_mutex_lock(&job->lock);
    job->streaming = job->ready = 1;
    job->status = 200;
    job->type = "text/event-stream";
    job->last_sent = iad_clock();
    wake(job);
    pthread_mutex_unlock(&job->lock);
}

void iad_job_send(iad_job *job, const iad_buf *text) {
    pthread_mutex_lock(&job->lock);
    /* An answer that memory does not hold ends the request, as a client that has gone does. */
    if (!job->ended && iad_buf_add(&job->out, text->data, text->len, NULL) != IAD_OK) atomic_store(&job->cancel, IAD_CANCEL_GONE);
    wake(job);
    pthread_mutex_unlock(&job->lock);
}

void iad_job_end(iad_job *job) {
    pthread_mutex_lock(&job->lock);
    job->ended = 1;
    count(job);
    wake(job);
    pthread_mutex_unlock(&job->lock);
}
