#include "bench/reasoning/judgeclient.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "annotate/client/lvlmreply.h"
#include "base/alloc.h"
#include "base/file.h"
#include "base/http/http.h"
#include "base/http/url.h"
#include "base/json.h"

typedef struct session {
    iad_judge_work *work;
    const iad_scorebook *book;
    const iad_judge_client_options *o;
    iad_judge_tally *tally;
    iad_http *http;
    iad_flow flow;
    iad_rng rng;
    int fd;
    int *tries;  /* [work->n] */
    double *due; /* [work->n] when it may be asked again; below 0: done with or on its way */
    size_t next; /* everything before is done with or on its way, or waits in `due` */
    size_t waiting;
    int bugs, draining;
    char url[IAD_URL_MAX], authorization[IAD_SECRET_MAX + 32];
    iad_status status; /* why the run ends early */
    iad_err err;
} session;

typedef struct request {
    session *s;
    size_t item;
    double foreseen;
} request;

static void end_run(session *s, iad_status status, const char *text) {
    s->draining = 1;
    if (s->status == IAD_OK) s->status = IAD_FAIL(&s->err, status, "%s", text);
}

/* ---- the file ---- */

static iad_status append(session *s, const char *unit, const char *reply, iad_err *err) {
    iad_buf line;
    iad_buf_init(&line, IAD_JUDGE_MAX_LINE);
    iad_status status = iad_buf_addf(&line, err, "{\"unit\":\"%s\",\"reply\":", unit);
    if (status == IAD_OK) status = iad_json_quote(reply, &line, err);
    if (status == IAD_OK) status = iad_buf_add_str(&line, "}\n", err);
    for (size_t at = 0; status == IAD_OK && at < line.len;) {
        ssize_t n = write(s->fd, line.data + at, line.len - at);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) status = IAD_FAIL(err, IAD_ERR_IO, "%s: writing: %s", s->o->path, strerror(errno));
        else at += (size_t)n;
    }
    iad_buf_deinit(&line);
    return status;
}

iad_status iad_judge_client_recall(iad_judge_work *work, const char *path, iad_err *err) {
    uint8_t *text = NULL;
    size_t n = 0, whole;
    if (!iad_file_exists(path)) return IAD_OK;
    IAD_TRY(iad_file_read(path, IAD_ASK_MAX_FILE, &text, &n, err));
    iad_status status = iad_judge_work_read(work, (const char *)text, n, path, 1, &whole, err);
    free(text);
    work->stale = 0; /* our own file remembers answers of the past */
    if (status == IAD_OK && whole < n && truncate(path, (off_t)whole) != 0)
        status = IAD_FAIL(err, IAD_ERR_IO, "%s: cutting off a torn line: %s", path, strerror(errno));
    return status;
}

/* ---- answers ---- */

static void take_reply(session *s, size_t item, const char *reply) {
    iad_err err = IAD_ERR_NONE;
    char unit[IAD_JUDGE_UNIT];
    memcpy(unit, s->work->items[item].unit, sizeof unit);
    iad_status status = append(s, unit, reply, &err);
    if (status == IAD_OK) {
        size_t before = s->work->replied;
        iad_judge_work_take(s->work, unit, reply, &err);
        status = err.code;
        iad_progress_add(s->o->progress, s->work->replied - before, 0);
    }
    if (status != IAD_OK && s->status == IAD_OK) s->status = status, s->err = err, s->draining = 1;
}

static void give_up(session *s, const char *detail) {
    s->tally->failed++;
    iad_text_copy(s->tally->last, sizeof s->tally->last, detail);
    iad_progress_add(s->o->progress, 0, 1);
}

static void take_trouble(session *s, size_t item, iad_lvlm_verdict v, const char *detail, double retry_after) {
    char text[700];
    switch (v.action) {
    case IAD_LVLM_STOP:
        snprintf(text, sizeof text, "the judge's service refuses the account, key or model: %.500s", detail);
        end_run(s, IAD_ERR_UNSUPPORTED, text);
        give_up(s, detail);
        return;
    case IAD_LVLM_COUNT:
        if (++s->bugs >= IAD_LVLM_MAX_BUGS) {
            snprintf(text, sizeof text, "%d requests in a row were refused as wrong; the last: %.500s", s->bugs, detail);
            end_run(s, IAD_ERR_UNSUPPORTED, text);
        }
        give_up(s, detail);
        return;
    case IAD_LVLM_BACK_OFF:
    case IAD_LVLM_RETRY:
        if (++s->tries[item] < s->o->tries && !s->draining) {
            s->tally->retries++;
            s->due[item] = iad_clock() + iad_lvlm_wait(v.class, s->tries[item], retry_after, s->o->backoff_s, &s->rng);
            s->waiting++;
            return;
        }
        give_up(s, detail);
        return;
    default: give_up(s, detail); /* filtered, or a complaint about a picture that was never sent */
    }
}

static void done(void *user, const iad_http_answer *answer) {
    request r = *(request *)user;
    session *s = r.s;
    iad_lvlm_reply reply;
    free(user);
    iad_lvlm_reply_init(&reply, answer, s->o->key);
    iad_lvlm_verdict v = reply.verdict;
    iad_flow_end(&s->flow, r.foreseen,
                 v.class == IAD_LVLM_OK          ? (double)(reply.answer.prompt_tokens + reply.answer.completion_tokens)
                 : v.class == IAD_LVLM_TRANSIENT ? r.foreseen
                                                 : 0,
                 v.class, answer->retry_after_s, iad_clock());
    if (v.class == IAD_LVLM_OK) {
        s->bugs = 0;
        take_reply(s, r.item, reply.answer.content);
    } else take_trouble(s, r.item, v, reply.detail, answer->retry_after_s);
    iad_lvlm_reply_deinit(&reply);
}

/* ---- sending ---- */

static iad_status send_item(session *s, size_t item, double foreseen, const iad_buf *body, iad_err *err) {
    char unit[90];
    snprintf(unit, sizeof unit, "X-Request-Unit: %s", s->work->items[item].unit);
    const char *headers[] = {"Content-Type: application/json", unit, s->authorization};
    request *r = iad_calloc(1, sizeof *r);
    if (!r) return IAD_NOMEM(err, "a request");
    *r = (request){s, item, foreseen};
    const iad_http_request http = {.method = "POST",
                                   .url = s->url,
                                   .headers = headers,
                                   .n_headers = *s->authorization ? 3 : 2,
                                   .body = body->data,
                                   .n_body = body->len,
                                   .total_s = s->o->timeout_s,
                                   .stall_s = s->o->timeout_s,
                                   .stall_bytes = 1,
                                   .max_bytes = IAD_CHAT_MAX_ANSWER,
                                   .done = done,
                                   .user = r};
    iad_status status = iad_http_start(s->http, &http, err);
    if (status != IAD_OK) free(r);
    else s->tally->requests++;
    return status;
}

/* An item that may be asked now, SIZE_MAX: none; *sleep: at most until the next one is due. Equal texts are asked once. */
static size_t next_item(session *s, double now, double *sleep) {
    for (size_t i = 0; s->waiting && i < s->next; i++) {
        if (s->due[i] < 0) continue;
        if (s->due[i] <= now) {
            s->due[i] = -1;
            s->waiting--;
            return i;
        }
        if (s->due[i] - now < *sleep) *sleep = s->due[i] - now;
    }
    while (s->next < s->work->n) {
        size_t i = s->next++;
        int twin = i && strcmp(s->work->items[i - 1].unit, s->work->items[i].unit) == 0;
        if (!s->work->items[i].reply && !twin) return i;
    }
    return SIZE_MAX;
}

static iad_status send_all(session *s, double *sleep, iad_err *err) {
    iad_buf body;
    iad_buf_init(&body, IAD_JUDGE_MAX_LINE);
    iad_status status = IAD_OK;
    while (status == IAD_OK && !s->draining) {
        double now = iad_clock(), wait = iad_flow_wait(&s->flow, now);
        if (wait != 0) {
            if (wait > 0 && wait < *sleep) *sleep = wait;
            break;
        }
        size_t item = next_item(s, now, sleep);
        if (item == SIZE_MAX) break;
        iad_buf_reset(&body);
        status = iad_judge_work_body(s->work, s->book, item, &body, err);
        double foreseen = (double)iad_profile_text_tokens(iad_buf_str(&body)) + s->work->prompt->max_tokens / 2.0;
        if (status == IAD_OK) iad_flow_start(&s->flow, foreseen, now);
        if (status == IAD_OK) status = send_item(s, item, foreseen, &body, err);
    }
    iad_buf_deinit(&body);
    return status;
}

static iad_status loop(session *s, iad_err *err) {
    for (;;) {
        double sleep = 1;
        if (s->o->stop && atomic_load(s->o->stop)) s->draining = 1;
        IAD_TRY(send_all(s, &sleep, err));
        int more = !s->draining && (s->waiting || s->next < s->work->n);
        if (!more && !iad_http_active(s->http)) return IAD_OK;
        IAD_TRY(iad_http_poll(s->http, (int)(sleep * 1000) + 1, err));
    }
}

static iad_status start(session *s, iad_err *err) {
    size_t n = strlen(s->o->url);
    while (n && s->o->url[n - 1] == '/') n--;
    if (!n || n + 32 > sizeof s->url) return IAD_FAIL(err, IAD_ERR_ARG, "--judge: not the address of a service");
    snprintf(s->url, sizeof s->url, "%.*s/chat/completions", (int)n, s->o->url);
    if (s->o->key && *s->o->key->text) snprintf(s->authorization, sizeof s->authorization, "Authorization: Bearer %s", s->o->key->text);
    s->tries = iad_calloc(s->work->n, sizeof *s->tries);
    s->due = iad_alloc(s->work->n, sizeof *s->due);
    if (!s->tries || !s->due) return IAD_NOMEM(err, "the judge's requests");
    for (size_t i = 0; i < s->work->n; i++) s->due[i] = -1;
    IAD_TRY(iad_judge_client_recall(s->work, s->o->path, err));
    s->o->progress->total = s->work->n;
    s->o->progress->skipped = s->work->replied;
    s->fd = open(s->o->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (s->fd < 0) return IAD_FAIL(err, IAD_ERR_IO, "%s: opening: %s", s->o->path, strerror(errno));
    iad_rng_init(&s->rng, 1, 0x6a756467);
    iad_flow_init(&s->flow, &s->o->flow, iad_clock());
    return iad_http_new(&(iad_http_options){.user_agent = "iad-bench/" IAD_VERSION, .allow_private = 1}, &s->http, err);
}

iad_status iad_judge_client_run(iad_judge_work *work, const iad_scorebook *book, const iad_judge_client_options *options, iad_judge_tally *tally,
                                iad_err *err) {
    session *s = iad_calloc(1, sizeof *s);
    *tally = (iad_judge_tally){0};
    if (!s) return IAD_NOMEM(err, "the judge");
    *s = (session){.work = work, .book = book, .o = options, .tally = tally, .fd = -1};
    iad_status status = start(s, err);
    if (status == IAD_OK) status = loop(s, err);
    if (status != IAD_OK && s->http) {
        s->draining = 1;
        iad_http_cancel_all(s->http); /* they end through done */
        (void)iad_http_poll(s->http, 0, NULL);
    }
    iad_http_free(s->http);
    if (s->fd >= 0 && close(s->fd) != 0 && status == IAD_OK) status = IAD_FAIL(err, IAD_ERR_IO, "%s: closing: %s", options->path, strerror(errno));
    if (status == IAD_OK && s->status != IAD_OK) {
        status = s->status;
        if (err) *err = s->err;
    }
    if (status == IAD_OK && options->stop && atomic_load(options->stop))
        status = IAD_FAIL(err, IAD_ERR_INTERRUPTED, "interrupted; the same command goes on");
    explicit_bzero(s->authorization, sizeof s->authorization);
    free(s->tries);
    free(s->due);
    free(s);
    return status;
}
