/* Chats, whole or as a stream of chunks. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/json.h"
#include "runtime/engine/engine.h"
#include "runtime/program/program.h"
#include "runtime/serve/servejob.h"

enum { MAX_REPLY = 1 << 30 };

typedef struct talk {
    iad_serve *serve;
    iad_job *job;
    iadgpt_timings prompt;
    iad_buf head;          /* members that every chunk begins with */
    iad_buf logprobs;      /* of the tokens that no chunk has carried yet, or of all */
    int n_logprobs;
    iad_err err;           /* of a callback */
    iad_status status;
} talk;

/* ---- pieces of JSON ---- */

static iad_status add_token(const iadgpt_token *token, iad_buf *out, iad_err *err) {
    IAD_TRY(iad_buf_add_str(out, "{\"token\":", err));
    IAD_TRY(iad_text_json(token->bytes, token->n, out, err));
    IAD_TRY(iad_buf_add_str(out, ",\"logprob\":", err));
    IAD_TRY(token->logprob < -9999 ? iad_buf_add_str(out, "-9999.0", err) : iad_buf_addf(out, err, "%.9g", token->logprob));
    IAD_TRY(iad_buf_add_str(out, ",\"bytes\":[", err));
    for (size_t i = 0; i < token->n; i++) IAD_TRY(iad_buf_addf(out, err, i ? ",%d" : "%d", (unsigned char)token->bytes[i]));
    return iad_buf_add_str(out, "]", err);
}

static iad_status add_logprob(talk *t, const iadgpt_token *token, const iadgpt_token *top, int32_t n_top, iad_err *err) {
    iad_buf *out = &t->logprobs;
    if (t->n_logprobs++) IAD_TRY(iad_buf_add_str(out, ",", err));
    IAD_TRY(add_token(token, out, err));
    IAD_TRY(iad_buf_add_str(out, ",\"top_logprobs\":[", err));
    for (int32_t i = 0; i < n_top && top[i].id >= 0; i++) {
        if (i) IAD_TRY(iad_buf_add_str(out, ",", err));
        IAD_TRY(add_token(&top[i], out, err));
        IAD_TRY(iad_buf_add_str(out, "}", err));
    }
    return iad_buf_add_str(out, "]}", err);
}

/* What has gathered, emptied. */
static iad_status add_logprobs(talk *t, iad_buf *out, iad_err *err) {
    if (!t->job->chat.logprobs) return iad_buf_add_str(out, ",\"logprobs\":null", err);
    IAD_TRY(iad_buf_add_str(out, ",\"logprobs\":{\"content\":[", err));
    IAD_TRY(iad_buf_add(out, t->logprobs.data, t->logprobs.len, err));
    iad_buf_reset(&t->logprobs);
    t->n_logprobs = 0;
    return iad_buf_add_str(out, "],\"refusal\":null}", err);
}

static iad_status add_usage(const talk *t, int64_t generated, iad_buf *out, iad_err *err) {
    return iad_buf_addf(out, err,
                        ",\"usage\":{\"prompt_tokens\":%lld,\"completion_tokens\":%lld,\"total_tokens\":%lld,"
                        "\"prompt_tokens_details\":{\"cached_tokens\":%lld}}",
                        (long long)t->prompt.prompt_tokens, (long long)generated, (long long)(t->prompt.prompt_tokens + generated),
                        (long long)t->prompt.reused_tokens);
}

/* The sizes at which the chat's own pictures were seen; they stand last among the pictures of the session's timeline. */
static iad_status add_resize(const talk *t, const iadgpt_session *session, iad_buf *out, iad_err *err) {
    size_t images = 0, seen = 0;
    for (size_t i = 0; i < session->prompt_units; i++) images += session->line.units[i].is_image != 0;
    IAD_TRY(iad_buf_add_str(out, ",\"resize\":[", err));
    for (size_t i = 0; i < session->prompt_units; i++) {
        const iad_unit *unit = &session->line.units[i];
        if (!unit->is_image || seen++ < images - t->job->n_images) continue;
        const size_t own = seen - 1 - (images - t->job->n_images);
        const iad_image *image = &t->job->images[own];
        IAD_TRY(iad_buf_addf(out, err, "%s{\"size\":[%d,%d],\"resized\":[%d,%d]}", own ? "," : "", image->width, image->height,
                             unit->lw * t->serve->side, unit->lh * t->serve->side));
    }
    return iad_buf_add_str(out, "]", err);
}

static iad_status add_extension(const talk *t, const iadgpt_session *session, const iadgpt_answer *answer, iad_buf *out, iad_err *err) {
    iadgpt_timings all = answer->timings;
    all.preprocess = t->prompt.preprocess;
    all.vision = t->prompt.vision;
    all.prefill = t->prompt.prefill;
    all.prompt_tokens = t->prompt.prompt_tokens;
    all.reused_tokens = t->prompt.reused_tokens;
    IAD_TRY(iad_buf_addf(out, err, ",\"iad\":{\"prefix\":\"%s\"", t->prompt.reused_tokens > 0 ? "hit" : "miss"));
    IAD_TRY(add_resize(t, session, out, err));
    IAD_TRY(iad_timings_add(&all, out, err));
    return iad_buf_add_str(out, "}", err);
}

static const char *reason(const iadgpt_answer *answer) { return answer->finish == IADGPT_FINISH_LENGTH ? "length" : "stop"; }

/* ---- streams ---- */

/* data: {head,"choices":[{"index":0,"delta":{..},"logprobs":..,"finish_reason":..}]} */
static iad_status send_chunk(talk *t, const char *role, const char *text, size_t n, const char *finish, iad_err *err) {
    iad_buf out;
    iad_buf_init(&out, MAX_REPLY);
    iad_status status = iad_buf_addf(&out, err, "data: {%s,\"choices\":[{\"index\":0,\"delta\":{", iad_buf_str(&t->head));
    if (status == IAD_OK && role) status = iad_buf_addf(&out, err, "\"role\":\"%s\",\"content\":\"\"", role);
    if (status == IAD_OK && text) status = iad_buf_add_str(&out, "\"content\":", err);
    if (status == IAD_OK && text) status = iad_text_json(text, n, &out, err);
    if (status == IAD_OK) status = iad_buf_add_str(&out, "}", err);
    if (status == IAD_OK && text) status = add_logprobs(t, &out, err);
    if (status == IAD_OK) status = iad_buf_addf(&out, err, finish ? ",\"finish_reason\":\"%s\"}]}\n\n" : ",\"finish_reason\":null}]}\n\n", finish);
    if (status == IAD_OK) iad_job_send(t->job, &out);
    iad_buf_deinit(&out);
    return status;
}

static iad_status send_end(talk *t, const iadgpt_session *session, const iadgpt_answer *answer, iad_err *err) {
    iad_buf out;
    iad_buf_init(&out, MAX_REPLY);
    iad_status status = IAD_OK;
    if (t->n_logprobs) status = send_chunk(t, NULL, "", 0, NULL, err); /* of tokens that wrote nothing */
    if (status == IAD_OK) status = send_chunk(t, NULL, NULL, 0, reason(answer), err);
    /* One chunk without choices at the end: the extension, and the usage when it was asked for. */
    if (status == IAD_OK) status = iad_buf_addf(&out, err, "data: {%s,\"choices\":[]", iad_buf_str(&t->head));
    if (status == IAD_OK && t->job->chat.include_usage) status = add_usage(t, answer->n_tokens, &out, err);
    if (status == IAD_OK) status = add_extension(t, session, answer, &out, err);
    if (status == IAD_OK) status = iad_buf_add_str(&out, "}\n\ndata: [DONE]\n\n", err);
    if (status == IAD_OK) {
        iad_job_send(t->job, &out);
        iad_job_end(t->job);
    }
    iad_buf_deinit(&out);
    return status;
}

/* ---- while the answer is written ---- */

static int32_t take_piece(void *user, const char *text, size_t n) {
    talk *t = user;
    t->status = send_chunk(t, NULL, text, n, NULL, &t->err);
    return t->status != IAD_OK;
}

static int32_t take_token(void *user, const iadgpt_token *token, const iadgpt_token *top, int32_t n_top) {
    talk *t = user;
    if (atomic_load(&t->job->cancel)) return 1;
    if (t->job->chat.logprobs) t->status = add_logprob(t, token, top, n_top, &t->err);
    return t->status != IAD_OK;
}

/* ---- the whole ---- */

static iad_status send_reply(talk *t, const iadgpt_session *session, const iadgpt_answer *answer, iad_err *err) {
    iad_buf out;
    iad_buf_init(&out, MAX_REPLY);
    iad_status status = iad_buf_addf(&out, err, "{%s,\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":",
                                     iad_buf_str(&t->head));
    if (status == IAD_OK) status = iad_text_json(answer->text, answer->n, &out, err);
    if (status == IAD_OK) status = iad_buf_add_str(&out, ",\"refusal\":null}", err);
    if (status == IAD_OK) status = add_logprobs(t, &out, err);
    if (status == IAD_OK) status = iad_buf_addf(&out, err, ",\"finish_reason\":\"%s\"}]", reason(answer));
    if (status == IAD_OK) status = add_usage(t, answer->n_tokens, &out, err);
    if (status == IAD_OK) status = add_extension(t, session, answer, &out, err);
    if (status == IAD_OK) status = iad_buf_add_str(&out, "}\n", err);
    if (status == IAD_OK) iad_job_answer(t->job, 200, &out);
    iad_buf_deinit(&out);
    return status;
}

static iad_status make_head(talk *t, iad_err *err) {
    const iad_job *job = t->job;
    IAD_TRY(iad_buf_addf(&t->head, err, "\"id\":\"chatcmpl-%llx-%llu\",\"object\":\"chat.completion%s\",\"created\":%lld,\"model\":",
                         (unsigned long long)t->serve->created, (unsigned long long)job->number, job->chat.stream ? ".chunk" : "",
                         (long long)time(NULL)));
    return iad_json_quote(t->serve->options.name, &t->head, err);
}

static iad_status prompt(talk *t, iadgpt_session *session, const iadgpt_picture *pictures, iad_err *err) {
    iad_chat_body *c = &t->job->chat;
    iadgpt_error error;
    for (size_t i = 0; i < c->n_sources; i++) c->items[c->source_item[i]].picture = &pictures[i];
    if (t->job->set) IAD_TRY(iad_setstore_exemplars(&t->serve->store, t->job->set, &c->settings.exemplars, err));
    IAD_TRY(iad_from_public(iadgpt_session_sync(session, c->messages, c->n_messages, &c->settings, &error), &error, err));
    t->prompt = session->timings;
    iad_metrics_tokens(&t->serve->metrics, t->prompt.prompt_tokens, t->prompt.reused_tokens, 0);
    return IAD_OK;
}

static iad_status run(talk *t, iadgpt_session *session, iad_fault *fault, iad_err *err) {
    iad_job *job = t->job;
    iadgpt_generate_options *g = &job->chat.generate;
    iadgpt_answer answer;
    iadgpt_error error;
    iadgpt_picture *pictures = iad_calloc(job->n_images, sizeof *pictures);
    if (!pictures) return IAD_NOMEM(err, "the pictures");
    for (size_t i = 0; i < job->n_images; i++)
        pictures[i] = (iadgpt_picture){job->images[i].width, job->images[i].height, job->images[i].channels, job->images[i].px};
    iad_status status = prompt(t, session, pictures, err);
    free(pictures);
    IAD_TRY(status);
    IAD_TRY(make_head(t, err));
    g->token = take_token;
    g->user = t;
    if (job->chat.stream) {
        iad_job_stream(job);
        IAD_TRY(send_chunk(t, "assistant", NULL, 0, NULL, err));
        g->piece = take_piece;
    }
    IAD_TRY(iad_from_public(iadgpt_generate(session, g, &answer, &error), &error, err));
    iad_metrics_tokens(&t->serve->metrics, 0, 0, answer.n_tokens);
    if (t->status != IAD_OK) {
        *err = t->err;
        return t->status;
    }
    if (answer.finish == IADGPT_FINISH_STOPPED) {
        iad_job_cancelled(job, fault);
        return IAD_OK;
    }
    return job->chat.stream ? send_end(t, session, &answer, err) : send_reply(t, session, &answer, err);
}

void iad_answer_chat(iad_serve *s, iadgpt_session *session, iad_job *job) {
    talk t = {.serve = s, .job = job};
    iad_fault fault = {.status = 0};
    iad_err err = IAD_ERR_NONE;
    iad_buf_init(&t.head, 1 << 16);
    iad_buf_init(&t.logprobs, MAX_REPLY);
    const iad_status status = run(&t, session, &fault, &err);
    iad_fault_from(&fault, status, &err, NULL);
    if (fault.status) iad_job_refuse(job, &fault);
    iad_buf_deinit(&t.head);
    iad_buf_deinit(&t.logprobs);
}
