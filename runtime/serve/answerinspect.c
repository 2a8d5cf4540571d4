/* Inspections: of several requests against one exemplar set in one batch, each with its own reply. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "runtime/program/program.h"
#include "runtime/serve/servejob.h"

enum { MAX_REPLY = 1 << 30 };

static void fail(iad_job *job, iad_status status, const iad_err *err) {
    iad_fault fault = {.status = 0};
    iad_fault_from(&fault, status, err, NULL);
    iad_job_refuse(job, &fault);
}

/* Its client has gone, or its time is over: says so. */
static int cancelled(iad_job *job) {
    iad_fault fault = {.status = 0};
    if (!atomic_load(&job->cancel)) return 0;
    iad_job_cancelled(job, &fault);
    iad_job_refuse(job, &fault);
    return 1;
}

/* ---- events ---- */

static iad_status send_event(const char *name, const iad_buf *data, iad_job *job, iad_err *err) {
    iad_buf out;
    iad_buf_init(&out, MAX_REPLY);
    iad_status status = iad_buf_addf(&out, err, "event: %s\ndata: ", name);
    for (size_t i = 0; i < data->len && status == IAD_OK;) { /* a line break would end the field; between members it means nothing */
        const char *end = memchr(data->data + i, '\n', data->len - i);
        const size_t n = end ? (size_t)(end - data->data) - i : data->len - i;
        status = iad_buf_add(&out, data->data + i, n, err);
        i += n + 1;
    }
    if (status == IAD_OK) status = iad_buf_add_str(&out, "\n\n", err);
    if (status == IAD_OK) iad_job_send(job, &out);
    iad_buf_deinit(&out);
    return status;
}

static int32_t show_piece(void *user, const char *text, size_t n) {
    iad_job *job = user;
    iad_buf data;
    iad_buf_init(&data, MAX_REPLY);
    iad_status status = iad_buf_add_str(&data, "{\"text\":", NULL);
    if (status == IAD_OK) status = iad_text_json(text, n, &data, NULL);
    if (status == IAD_OK) status = iad_buf_add_str(&data, "}", NULL);
    if (status == IAD_OK) status = send_event("words", &data, job, NULL);
    iad_buf_deinit(&data);
    return status != IAD_OK;
}

/* ---- words ---- */

/* Called with every token, also with those that write nothing yet. */
static int32_t look_up(void *user, const iadgpt_token *token, const iadgpt_token *top, int32_t n_top) {
    (void)token, (void)top, (void)n_top;
    return atomic_load(&((iad_job *)user)->cancel);
}

static iad_status explain(iad_serve *s, iadgpt_session *session, iad_job *job, iad_scored *scored, iad_err *err) {
    static const char *const names[] = {"end", "length", "repetition", "stopped"};
    iadgpt_generate_options options;
    iadgpt_answer answer;
    iadgpt_error error;
    iadgpt_generate_defaults(&options);
    options.max_tokens = (int32_t)job->inspect.max_tokens;
    options.piece = job->inspect.stream ? show_piece : NULL;
    options.token = look_up;
    options.user = job;
    IAD_TRY(iad_from_public(iadgpt_generate(session, &options, &answer, &error), &error, err));
    iad_metrics_tokens(&s->metrics, 0, 0, answer.n_tokens);
    scored->words = iad_alloc(answer.n, 1);
    if (scored->words) memcpy(scored->words, answer.text, scored->n_words = answer.n);
    scored->finish = names[answer.finish];
    scored->decode = answer.timings;
    return scored->words ? IAD_OK : IAD_NOMEM(err, "the words");
}

/* One picture whose words come as they are written: the reply first. */
static iad_status stream(iad_serve *s, iadgpt_session *session, iad_job *job, const iadgpt_exemplars *exemplars, iad_scored *scored, iad_err *err) {
    iad_buf data;
    iad_buf_init(&data, MAX_REPLY);
    iad_status status = iad_inspect_reply(s, job, exemplars, scored, &data, err);
    if (status == IAD_OK) {
        iad_job_stream(job);
        status = send_event("result", &data, job, err);
    }
    if (status == IAD_OK) status = explain(s, session, job, scored, err);
    if (status == IAD_OK && !cancelled(job)) {
        iad_buf_reset(&data);
        status = iad_buf_add_str(&data, "{\"words\":", err);
        if (status == IAD_OK) status = iad_text_json(scored->words, scored->n_words, &data, err);
        if (status == IAD_OK) status = iad_buf_addf(&data, err, ",\"finish\":\"%s\"", scored->finish);
        if (status == IAD_OK) status = iad_timings_add(&scored->decode, &data, err);
        if (status == IAD_OK) status = iad_buf_add_str(&data, "}", err);
        if (status == IAD_OK) status = send_event("done", &data, job, err);
        if (status == IAD_OK) iad_job_end(job);
    }
    iad_buf_deinit(&data);
    return status;
}

/* ---- one reply ---- */

static iad_status reply_to(iad_serve *s, iad_job *job, const iadgpt_exemplars *exemplars, const iad_scored *scored, iad_err *err) {
    size_t good = 0;
    while (good < job->n_images && scored[good].fault.status) good++;
    if (good == job->n_images) { /* all failed: the first one's fault is the reply */
        iad_job_refuse(job, &scored[0].fault);
        return IAD_OK;
    }
    iad_buf out;
    iad_buf_init(&out, MAX_REPLY);
    iad_status status = iad_inspect_reply(s, job, exemplars, scored, &out, err);
    if (status == IAD_OK) status = iad_buf_add_str(&out, "\n", err);
    if (status == IAD_OK) iad_job_answer(job, 200, &out);
    iad_buf_deinit(&out);
    return status;
}

static iadgpt_picture picture_of(const iad_image *image) { return (iadgpt_picture){image->width, image->height, image->channels, image->px}; }

/* Pictures whose words are wanted go alone: words go on where the picture's prompt ends. */
static iad_status with_words(iad_serve *s, iadgpt_session *session, iad_job *job, const iadgpt_exemplars *exemplars, iad_scored *scored,
                             iad_err *err) {
    for (size_t i = 0; i < job->n_images; i++) {
        const iadgpt_picture picture = picture_of(&job->images[i]);
        const char *const param = job->inspect.images[i].param;
        if (!scored[i].fault.status) IAD_TRY(iad_score_all(s, session, exemplars, &picture, &param, 1, &scored[i], err));
        if (scored[i].fault.status) continue;
        if (job->inspect.stream) return stream(s, session, job, exemplars, scored, err);
        IAD_TRY(explain(s, session, job, &scored[i], err));
        if (cancelled(job)) return IAD_OK;
    }
    return reply_to(s, job, exemplars, scored, err);
}

/* ---- a batch ---- */

/* All pictures of all jobs that can be scored, as one list. */
static iad_status score_jobs(iad_serve *s, iadgpt_session *session, iad_job *jobs, const iadgpt_exemplars *exemplars, iad_scored *scored, size_t n,
                             iad_err *err) {
    iadgpt_picture *pictures = iad_calloc(n, sizeof *pictures);
    const char **params = iad_calloc(n, sizeof *params);
    size_t *where = iad_calloc(n, sizeof *where), at = 0, used = 0;
    iad_scored *packed = iad_calloc(n, sizeof *packed);
    iad_status status = pictures && params && where && packed ? IAD_OK : IAD_NOMEM(err, "a batch");
    for (iad_job *job = jobs; job && status == IAD_OK; job = job->next)
        for (size_t i = 0; i < job->n_images; i++, at++) {
            if (scored[at].fault.status) continue;
            pictures[used] = picture_of(&job->images[i]);
            params[used] = job->inspect.images[i].param;
            where[used++] = at;
        }
    if (status == IAD_OK) status = iad_score_all(s, session, exemplars, pictures, params, used, packed, err);
    for (size_t i = 0; i < used && packed; i++) scored[where[i]] = packed[i];
    free(pictures);
    free(params);
    free(where);
    free(packed);
    return status;
}

static iad_status exemplars_of(iad_serve *s, iadgpt_session *session, iad_job *job, const iadgpt_exemplars **exemplars, iadgpt_exemplars **own,
                               iad_err *err) {
    iadgpt_picture good[IAD_MAX_GOOD];
    iadgpt_error error;
    if (job->set) return iad_setstore_exemplars(&s->store, job->set, exemplars, err);
    for (size_t i = 0; i < job->n_good; i++) good[i] = picture_of(&job->good[i]);
    IAD_TRY(iad_from_public(iadgpt_exemplars_prepare(session, good, (int32_t)job->n_good, &job->inspect.settings, own, &error), &error, err));
    *exemplars = *own;
    return IAD_OK;
}

static iad_status answer_all(iad_serve *s, iadgpt_session *session, iad_job *jobs, const iadgpt_exemplars *exemplars, iad_scored *scored, size_t n,
                             iad_err *err) {
    if (jobs->inspect.words) return with_words(s, session, jobs, exemplars, scored, err);
    IAD_TRY(score_jobs(s, session, jobs, exemplars, scored, n, err));
    for (iad_job *job = jobs; job; scored += job->n_images, job = job->next) {
        iad_err own = IAD_ERR_NONE;
        const iad_status status = reply_to(s, job, exemplars, scored, &own);
        if (status != IAD_OK) fail(job, status, &own);
    }
    return IAD_OK;
}

void iad_answer_inspect(iad_serve *s, iadgpt_session *session, iad_job *jobs) {
    const iadgpt_exemplars *exemplars = NULL;
    iadgpt_exemplars *own = NULL;
    iad_err err = IAD_ERR_NONE;
    size_t n = 0, at = 0;
    for (const iad_job *job = jobs; job; job = job->next) n += job->n_images;
    iad_scored *scored = iad_calloc(n, sizeof *scored);
    iad_status status = scored ? IAD_OK : IAD_NOMEM(&err, "a batch");
    for (const iad_job *job = jobs; job && scored; job = job->next)
        for (size_t i = 0; i < job->n_images; i++) scored[at++].fault = job->image_faults[i];
    if (status == IAD_OK) status = exemplars_of(s, session, jobs, &exemplars, &own, &err);
    if (status == IAD_OK) status = answer_all(s, session, jobs, exemplars, scored, n, &err);
    for (iad_job *job = jobs; job && status != IAD_OK; job = job->next) fail(job, status, &err); /* those that have an answer keep it */
    if (scored) iad_scored_clear(scored, n);
    free(scored);
    iadgpt_exemplars_free(own);
}
