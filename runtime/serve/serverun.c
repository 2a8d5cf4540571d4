/* Sessions: each takes what the queue hands out and answers it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/progress.h"
#include "runtime/program/engineoptions.h"
#include "runtime/program/program.h"
#include "runtime/serve/servejob.h"

enum { MAX_BATCH = 64 };

/* ---- scoring ---- */

void iad_scored_clear(iad_scored *scored, size_t n) {
    for (size_t i = 0; i < n; i++) {
        free(scored[i].maps);
        free(scored[i].words);
        scored[i].maps = NULL;
        scored[i].words = NULL;
    }
}

/* A result of a batch outlives the session's next call only as a copy. */
static iad_status keep(const iadgpt_result *from, int batch, iad_scored *to, iad_err *err) {
    to->result = *from;
    to->batch = batch;
    if (!from->anomaly) return IAD_OK;
    const size_t n = (size_t)from->grid_height * (size_t)from->grid_width;
    to->maps = iad_alloc(2 * n, sizeof *to->maps);
    if (!to->maps) return IAD_NOMEM(err, "a map");
    memcpy(to->maps, from->anomaly, n * sizeof *to->maps);
    memcpy(to->maps + n, from->normal, n * sizeof *to->maps);
    to->result.anomaly = to->maps;
    to->result.normal = to->maps + n;
    return IAD_OK;
}

/* A fault of one picture, or of everything? */
static int blames_picture(iadgpt_status status) { return status == IADGPT_ERR_ARG || status == IADGPT_ERR_LIMIT || status == IADGPT_ERR_UNSUPPORTED; }

static iad_status score(iad_serve *s, iadgpt_session *session, const iadgpt_exemplars *set, const iadgpt_picture *pictures, const char *const *params,
                        size_t n, iad_scored *scored, iad_err *err) {
    iadgpt_result results[MAX_BATCH];
    iadgpt_error error;
    const iadgpt_status status = iadgpt_inspect(session, set, pictures, (int32_t)n, results, &error);
    if (status == IADGPT_OK) {
        iad_metrics_batch(&s->metrics, (int)n);
        iad_metrics_tokens(&s->metrics, results[0].timings.prompt_tokens, results[0].timings.reused_tokens, 0);
        for (size_t i = 0; i < n; i++) IAD_TRY(keep(&results[i], (int)n, &scored[i], err));
        return IAD_OK;
    }
    iad_status failed = iad_from_public(status, &error, err);
    if (!blames_picture(status)) return failed;
    if (n == 1) {
        iad_fault_from(&scored[0].fault, failed, err, params[0]);
        return IAD_OK;
    }
    /* one of them spoils the batch: which? */
    for (size_t i = 0; i < n; i++) IAD_TRY(score(s, session, set, pictures + i, params + i, 1, scored + i, err));
    return IAD_OK;
}

iad_status iad_score_all(iad_serve *s, iadgpt_session *session, const iadgpt_exemplars *set, const iadgpt_picture *pictures,
                         const char *const *params, size_t n, iad_scored *scored, iad_err *err) {
    const size_t batch = (size_t)s->options.batch;
    for (size_t i = 0; i < n; i += batch) IAD_TRY(score(s, session, set, pictures + i, params + i, n - i < batch ? n - i : batch, scored + i, err));
    return IAD_OK;
}

iad_status iad_timings_add(const iadgpt_timings *timings, iad_buf *out, iad_err *err) {
    IAD_TRY(iad_buf_add_str(out, ",\"timings\":", err));
    return iad_timings_json(timings, out, err);
}

/* ---- the thread ---- */

static void answer(iad_serve *s, iadgpt_session *session, iad_job *jobs) {
    switch (jobs->route) {
        case IAD_ROUTE_CHAT: iad_answer_chat(s, session, jobs); break;
        case IAD_ROUTE_INSPECT: iad_answer_inspect(s, session, jobs); break;
        default: iad_answer_set(s, session, jobs); break;
    }
}

/* Takes out those whose client has gone or whose time is over. */
static iad_job *drop_cancelled(iad_serve *s, iad_job *jobs) {
    iad_job *kept = NULL, **last = &kept;
    while (jobs) {
        iad_job *job = jobs;
        jobs = job->next;
        job->next = NULL;
        if (!atomic_load(&job->cancel)) {
            *last = job;
            last = &job->next;
            continue;
        }
        iad_fault fault = {.status = 0};
        iad_job_cancelled(job, &fault);
        iad_job_refuse(job, &fault);
        iad_queue_done(s, job, -1);
    }
    return kept;
}

void *iad_session_main(void *user) {
    iad_serve *s = user;
    iadgpt_session *session = NULL;
    iadgpt_error error;
    for (iad_job *jobs; (jobs = iad_queue_take(s)) != NULL;) {
        jobs = drop_cancelled(s, jobs);
        if (!jobs) continue;
        const double start = iad_clock();
        int n = 0;
        if (!session && iadgpt_session_new(s->engine, &session, &error) != IADGPT_OK) {
            iad_fault fault = {.status = 0};
            iad_fault_set(&fault, 503, "memory", NULL, "%s", error.message);
            for (iad_job *job = jobs; job; job = job->next) iad_job_refuse(job, &fault);
        } else answer(s, session, jobs);
        for (iad_job *job = jobs; job; job = job->next) n++;
        const double seconds = (iad_clock() - start) / n;
        while (jobs) {
            iad_job *job = jobs;
            jobs = job->next;
            iad_queue_done(s, job, seconds);
        }
    }
    iadgpt_session_free(session);
    return NULL;
}
