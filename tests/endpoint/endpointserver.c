#include "tests/endpoint/endpointserver.h"

#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"

enum { MAX_CONNECTIONS = 1024, IDLE_S = 120, MAX_NAPS = 1 << 16, MAX_MET = 1 << 24, SLOW_PIECES = 20 };

typedef struct nap {
    double until;
    struct MHD_Connection *connection;
} nap;

typedef struct met { /* a request that was seen: how often */
    uint64_t body;
    int attempts; /* 0: an empty place */
} met;

struct iad_ep {
    iad_ep_options options;
    struct MHD_Daemon *daemon;
    iad_ep_batches *batches;
    nap *naps;
    size_t n_naps, cap_naps;
    met *seen;
    size_t n_seen, cap_seen;
    int port, stopping;
    int64_t requests, answers, charged, prompt, completion, refused;
};

typedef struct request {
    iad_ep *ep;
    double start;
    const char *method;
    char path[256], unit[80], name[96];
    struct MHD_PostProcessor *post;
    iad_buf in, out;
    int status, phase, running, kind, limited; /* phase 0: reading, 1: sleeping before the answer, 2: answered */
    double wake;
    iad_ep_work work;
    int worked; /* a chat answer was made: it is charged */
    int64_t completion;
    /* sending */
    struct MHD_Connection *connection;
    size_t stop_at, piece;
    double interval, next;
} request;

static double now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int iad_ep_port(const iad_ep *ep) { return ep->port; }

void iad_ep_summary(const iad_ep *ep, char *out, size_t size) {
    snprintf(out, size, "requests=%lld charged=%lld prompt_tokens=%lld completion_tokens=%lld refused=%lld violations=%lld most_running=%d",
             (long long)ep->requests, (long long)ep->charged, (long long)ep->prompt, (long long)ep->completion, (long long)ep->refused,
             (long long)ep->options.quota.broken, ep->options.quota.most_running);
}

/* ---- sleeping ---- */

static void nap_take(iad_ep *ep, struct MHD_Connection *connection, double until) {
    void *block = ep->naps;
    if (iad_grow(&block, &ep->cap_naps, ep->n_naps + 1, sizeof *ep->naps, MAX_NAPS, "sleeping connections", NULL) != IAD_OK) return;
    ep->naps = block;
    ep->naps[ep->n_naps++] = (nap){until, connection};
    MHD_suspend_connection(connection);
}

static double wake(iad_ep *ep, int all) {
    const double now = now_s();
    double next = 1;
    for (size_t i = 0; i < ep->n_naps;) {
        const double left = ep->naps[i].until - now;
        if (left > 0 && !all) {
            if (left < next) next = left;
            i++;
            continue;
        }
        MHD_resume_connection(ep->naps[i].connection);
        ep->naps[i] = ep->naps[--ep->n_naps];
    }
    return next;
}

/* ---- what was asked before ---- */

static met *place_of(met *table, size_t cap, uint64_t body) {
    size_t at = body % cap;
    while (table[at].attempts && table[at].body != body) at = (at + 1) % cap;
    return &table[at];
}

/* How often this body came before; it is counted. */
static int attempt_of(iad_ep *ep, uint64_t body) {
    if (2 * (ep->n_seen + 1) > ep->cap_seen) {
        const size_t cap = ep->cap_seen ? 2 * ep->cap_seen : 1024;
        met *grown = cap <= MAX_MET ? iad_calloc(cap, sizeof *grown) : NULL;
        if (!grown) return 0;
        for (size_t i = 0; i < ep->cap_seen; i++)
            if (ep->seen[i].attempts) *place_of(grown, cap, ep->seen[i].body) = ep->seen[i];
        free(ep->seen);
        ep->seen = grown;
        ep->cap_seen = cap;
    }
    met *place = place_of(ep->seen, ep->cap_seen, body);
    if (!place->attempts) ep->n_seen++;
    place->body = body;
    return place->attempts++;
}

static int draw(void *user, uint64_t body) {
    iad_ep *ep = user;
    return iad_ep_script_draw(&ep->options.script, ep->requests++, body, attempt_of(ep, body));
}

/* ---- books ---- */

/* One cell of a table: what came from outside must not make cells or lines. */
static void clean(char *text) {
    for (; *text; text++)
        if ((unsigned char)*text <= 0x20 || *text == 0x7f) *text = '?';
}

static const char *kind_name(int kind) { return kind < 0 ? "plain" : iad_ep_kinds[kind].name; }

static void charge(iad_ep *ep, const char *unit, const iad_ep_work *work, int kind, int64_t completion, const char *outcome, const char *way) {
    const int64_t prompt = work->image_tokens + work->text_tokens;
    ep->charged++;
    ep->prompt += prompt;
    ep->completion += completion;
    if (!ep->options.ledger) return;
    fprintf(ep->options.ledger, "%.6f\t%s\t%016llx\t%016llx\t%lld\t%lld\t%s\t%s\t%s\n", now_s(), unit, (unsigned long long)work->body,
            (unsigned long long)work->look.hash, (long long)prompt, (long long)completion, kind_name(kind), outcome, way);
    fflush(ep->options.ledger);
}

static void worked(void *user, const iad_ep_batch_line *line) {
    if (line->kind < 0 || iad_ep_kinds[line->kind].family >= IAD_EP_FLOW) {
        char unit[80];
        iad_text_copy(unit, sizeof unit, line->custom_id);
        clean(unit);
        charge(user, unit, line->work, line->kind, line->completion, "done", "batch");
    }
}

static void *begin_request(void *user, const char *uri, struct MHD_Connection *connection) {
    request *r = iad_calloc(1, sizeof *r);
    (void)connection;
    if (!r) return NULL;
    r->ep = user;
    r->start = now_s();
    r->kind = -1;
    r->method = "?";
    iad_text_copy(r->path, sizeof r->path, uri);
    iad_buf_init(&r->in, IAD_EP_MAX_FILE + (1 << 20));
    iad_buf_init(&r->out, IAD_EP_MAX_FILE + (1 << 20));
    return r;
}

static void end_request(void *user, struct MHD_Connection *connection, void **state, enum MHD_RequestTerminationCode code) {
    request *r = *state;
    iad_ep *ep = user;
    (void)connection;
    if (!r) return;
    const char *outcome = code == MHD_REQUEST_TERMINATED_COMPLETED_OK ? "done" : "aborted";
    clean(r->path);
    if (r->running) iad_ep_quota_end(&ep->options.quota);
    if (r->worked) charge(ep, r->unit, &r->work, r->kind, r->completion, outcome, "online");
    if (ep->options.log) {
        fprintf(ep->options.log, "%.6f\t%.6f\t%s\t%s\t%d\t%s\t%s\t%s\t%s\t%lld\n", r->start, now_s(), r->method, r->path, r->status, outcome,
                r->limited ? "quota" : kind_name(r->kind), r->unit, r->running ? "accepted" : "refused",
                (long long)(r->worked ? r->work.image_tokens + r->work.text_tokens + r->completion : 0));
        fflush(ep->options.log);
    }
    if (r->post) MHD_destroy_post_processor(r->post);
    iad_buf_deinit(&r->in);
    iad_buf_deinit(&r->out);
    free(r);
    *state = NULL;
}

/* ---- sending ---- */

static ssize_t next_piece(void *user, uint64_t at, char *out, size_t room) {
    request *r = user;
    const double now = now_s();
    if (r->ep->stopping) return MHD_CONTENT_READER_END_WITH_ERROR;
    if (now < r->next) return nap_take(r->ep, r->connection, r->next), 0;
    if (at >= r->stop_at) {
        if (r->interval < 0 || r->wake > 0) return MHD_CONTENT_READER_END_WITH_ERROR;
        r->next = r->wake = now + r->ep->options.patience_s;
        return nap_take(r->ep, r->connection, r->next), 0;
    }
    size_t n = r->piece && r->piece < room ? r->piece : room;
    if (n > r->stop_at - at) n = r->stop_at - (size_t)at;
    memcpy(out, r->out.data + at, n);
    if (r->interval > 0) r->next = now + r->interval;
    return (ssize_t)n;
}

static void add_limits(const request *r, struct MHD_Response *response, double now) {
    const iad_ep_quota *q = &r->ep->options.quota;
    char text[64];
    if (!r->ep->options.limit_headers) return;
    snprintf(text, sizeof text, "%.0f", iad_ep_quota_wait(q, now) + 0.999);
    if (r->limited) MHD_add_response_header(response, "Retry-After", text);
    snprintf(text, sizeof text, "%lld", (long long)q->requests);
    if (q->requests) MHD_add_response_header(response, "x-ratelimit-limit-requests", text);
    snprintf(text, sizeof text, "%lld", (long long)q->requests - (long long)q->n);
    if (q->requests) MHD_add_response_header(response, "x-ratelimit-remaining-requests", text);
    snprintf(text, sizeof text, "%lld", (long long)q->tokens);
    if (q->tokens) MHD_add_response_header(response, "x-ratelimit-limit-tokens", text);
    snprintf(text, sizeof text, "%lld", (long long)(q->tokens - q->sum));
    if (q->tokens) MHD_add_response_header(response, "x-ratelimit-remaining-tokens", text);
    snprintf(text, sizeof text, "%.1fs", iad_ep_quota_wait(q, now));
    if (q->requests) MHD_add_response_header(response, "x-ratelimit-reset-requests", text);
    if (q->tokens) MHD_add_response_header(response, "x-ratelimit-reset-tokens", text);
}

static enum MHD_Result send_out(request *r, struct MHD_Connection *connection) {
    const iad_ep_kind *kind = r->kind >= 0 ? &iad_ep_kinds[r->kind] : NULL;
    const char *name = kind && kind->family == IAD_EP_FLOW ? kind->name : "";
    struct MHD_Response *response;
    r->phase = 2;
    r->connection = connection;
    if (kind && !strcmp(kind->name, "reset") && !r->limited) return r->status = 0, MHD_NO;
    if (!strcmp(name, "half_json")) r->out.len /= 2;
    if (!strcmp(name, "not_json")) {
        iad_buf_reset(&r->out);
        if (iad_buf_add_str(&r->out, "<!doctype html><html><body>Please sign in to the network.</body></html>", NULL) != IAD_OK) return MHD_NO;
    }
    if (!strcmp(name, "slow") || !strcmp(name, "stalled") || !strcmp(name, "cut")) {
        const int slow = *name == 's' && name[1] == 'l';
        r->stop_at = slow ? r->out.len : r->out.len / 2;
        r->piece = slow ? r->out.len / SLOW_PIECES + 1 : 0;
        r->interval = slow ? r->ep->options.slow_ms / 1000.0 / SLOW_PIECES : !strcmp(name, "cut") ? -1 : 0;
        response = MHD_create_response_from_callback(r->out.len, 1 << 16, next_piece, r, NULL);
    } else
        response = MHD_create_response_from_buffer(r->out.len, r->out.data, MHD_RESPMEM_PERSISTENT);
    if (!response) return MHD_NO;
    const int html = (r->out.len && *r->out.data == '<');
    MHD_add_response_header(response, "Content-Type",
                            r->work.stream && r->worked && !html ? "text/event-stream"
                            : html                               ? "text/html"
                                                                 : "application/json");
    if (kind && kind->retry_after && !r->limited) MHD_add_response_header(response, "Retry-After", kind->retry_after);
    add_limits(r, response, now_s());
    const enum MHD_Result result = MHD_queue_response(connection, (unsigned)r->status, response);
    MHD_destroy_response(response);
    return result;
}

/* ---- answering ---- */

static iad_status refuse(request *r, int kind, iad_err *err) {
    r->kind = kind;
    r->status = iad_ep_kinds[kind].status;
    r->ep->refused++;
    return iad_ep_error_body(&iad_ep_kinds[kind], r->ep->requests, &r->out, err);
}

/* The answer as server-sent events: one piece, then the end. */
static iad_status as_events(iad_buf *out, iad_err *err) {
    iad_buf events;
    iad_buf_init(&events, out->max);
    iad_status status = iad_buf_add_str(&events, "data: ", err);
    char *message = strstr(out->data, "\"message\":"), *object = strstr(out->data, "chat.completion");
    if (message && object) { /* a chunk has "delta" where an answer has "message" */
        if (status == IAD_OK) status = iad_buf_add(&events, out->data, (size_t)(object - out->data) + 15, err);
        if (status == IAD_OK) status = iad_buf_add_str(&events, ".chunk", err);
        if (status == IAD_OK) status = iad_buf_add(&events, object + 15, (size_t)(message - object) - 15, err);
        if (status == IAD_OK) status = iad_buf_add_str(&events, "\"delta\":", err);
        if (status == IAD_OK) status = iad_buf_add_str(&events, message + 10, err);
    }
    if (status == IAD_OK) status = iad_buf_add_str(&events, "\n\ndata: [DONE]\n\n", err);
    iad_buf_deinit(out);
    *out = events;
    return status;
}

static iad_status answer_chat(request *r, iad_err *err) {
    iad_ep *ep = r->ep;
    int fault;
    iad_ep_work *work = &r->work;
    if (iad_ep_work_read(&ep->options.rules, iad_buf_str(&r->in), r->in.len, work, &fault, err) != IAD_OK)
        return refuse(r, iad_ep_kind_find("parameter"), err);
    if (!*r->unit) snprintf(r->unit, sizeof r->unit, "%016llx", (unsigned long long)work->body);
    /* The quota counts the tokens that are charged: a client that guesses more never exceeds it. */
    iad_buf answer;
    iad_buf_init(&answer, IAD_EP_MAX_ANSWER);
    iad_status status = IAD_OK;
    const int drawn = fault >= 0 ? fault : draw(ep, work->body), refused = drawn >= 0 && iad_ep_kinds[drawn].family < IAD_EP_FLOW;
    if (!refused) status = iad_ep_work_answer(&ep->options.rules, work, drawn, ep->requests, &answer, &r->completion, err);
    const iad_ep_verdict verdict =
        iad_ep_quota_ask(&ep->options.quota, now_s(), refused ? 0 : work->image_tokens + work->text_tokens + r->completion);
    if (verdict != IAD_EP_WITHIN) {
        static const char *const kinds[] = {"", "rate", "tokens", "concurrency"};
        iad_buf_deinit(&answer);
        r->limited = 1;
        return refuse(r, iad_ep_kind_find(kinds[verdict]), err);
    }
    r->running = 1;
    if (refused) return iad_buf_deinit(&answer), refuse(r, drawn, err);
    r->kind = drawn;
    r->worked = status == IAD_OK;
    iad_buf_deinit(&r->out);
    r->out = answer;
    r->out.max = IAD_EP_MAX_FILE;
    r->status = 200;
    ep->answers++;
    return status == IAD_OK && work->stream ? as_events(&r->out, err) : status;
}

static int key_fits(const request *r, struct MHD_Connection *connection) {
    const char *header = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Authorization"), *key = r->ep->options.key;
    return !key || (header && iad_text_starts(header, "Bearer ") && !strcmp(header + 7, key));
}

static iad_status answer(request *r, struct MHD_Connection *connection, const char *path, iad_err *err) {
    const iad_ep_options *options = &r->ep->options;
    r->status = 200;
    if (!strcmp(path, "/stats")) {
        char text[512];
        iad_ep_summary(r->ep, text, sizeof text);
        return iad_buf_addf(&r->out, err, "%s\n", text);
    }
    if (!iad_text_starts(path, "/v1/"))
        return r->status = 404, iad_buf_add_str(&r->out, "{\"error\":{\"message\":\"no such path\",\"code\":\"not_found\"}}", err);
    path += 3;
    if (!key_fits(r, connection)) return refuse(r, iad_ep_kind_find("key"), err);
    if (!strcmp(path, "/models"))
        return iad_buf_addf(&r->out, err,
                            "{\"object\":\"list\",\"data\":[{\"id\":\"%s\",\"object\":\"model\",\"created\":1700000000,\"owned_by\":\"tests\"}]}",
                            *options->rules.model ? options->rules.model : "scripted-vl");
    if (!strcmp(path, "/chat/completions") && !strcmp(r->method, "POST")) return answer_chat(r, err);
    return iad_ep_batches_answer(r->ep->batches, now_s(), r->method, path, r->name, iad_buf_str(&r->in), r->in.len, &r->status, &r->out, err);
}

/* The part named "file" of an upload. */
static enum MHD_Result take_part(void *user, enum MHD_ValueKind kind, const char *key, const char *file, const char *type, const char *coding,
                                 const char *bytes, uint64_t at, size_t n) {
    request *r = user;
    (void)kind, (void)type, (void)coding, (void)at;
    if (strcmp(key, "file")) return MHD_YES;
    iad_text_copy(r->name, sizeof r->name, file ? file : "file");
    return iad_buf_add(&r->in, bytes, n, NULL) == IAD_OK ? MHD_YES : MHD_NO;
}

static enum MHD_Result handle(void *user, struct MHD_Connection *connection, const char *path, const char *method, const char *version,
                              const char *upload, size_t *upload_size, void **state) {
    iad_ep *ep = user;
    request *r = *state;
    (void)version;
    if (!r || ep->stopping) return MHD_NO;
    if (!strcmp(r->method, "?")) {
        const char *unit = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "X-Request-Unit"),
                   *type = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Content-Type");
        r->method = !strcmp(method, "GET") ? "GET" : !strcmp(method, "POST") ? "POST" : !strcmp(method, "DELETE") ? "DELETE" : "other";
        iad_text_copy(r->unit, sizeof r->unit, unit ? unit : "");
        clean(r->unit);
        if (type && iad_text_starts(type, "multipart/form-data")) r->post = MHD_create_post_processor(connection, 1 << 16, take_part, r);
        return MHD_YES;
    }
    if (*upload_size) {
        const size_t n = *upload_size;
        *upload_size = 0;
        if (r->post) return MHD_post_process(r->post, upload, n);
        return iad_buf_add(&r->in, upload, n, NULL) == IAD_OK ? MHD_YES : MHD_NO;
    }
    if (r->phase == 0) {
        iad_err err = IAD_ERR_NONE;
        if (answer(r, connection, path, &err) != IAD_OK) {
            fprintf(stderr, "iad_endpoint: %s\n", err.msg);
            return MHD_NO;
        }
        r->phase = 1;
        if (ep->options.latency_ms && r->running) return nap_take(ep, connection, r->start + ep->options.latency_ms / 1000.0), MHD_YES;
    }
    return send_out(r, connection);
}

static void drop_log(void *user, const char *format, va_list rest) { (void)user, (void)format, (void)rest; }

/* ---- life ---- */

static iad_status open_socket(iad_ep *ep, int *out, iad_err *err) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)ep->options.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    const int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return IAD_FAIL(err, IAD_ERR_IO, "no socket: %s", strerror(errno));
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&address, size) || listen(fd, 1024) || getsockname(fd, (struct sockaddr *)&address, &size)) {
        close(fd);
        return IAD_FAIL(err, IAD_ERR_IO, "port %d of 127.0.0.1: %s", ep->options.port, strerror(errno));
    }
    ep->port = ntohs(address.sin_port);
    *out = fd;
    return IAD_OK;
}

static iad_status start(iad_ep *ep, iad_err *err) {
    const iad_ep_batch_hooks hooks = {ep, draw, worked};
    int fd = -1;
    IAD_TRY(iad_ep_batches_new(&ep->options.rules, &hooks, ep->options.batch_s, ep->options.batch_ends, &ep->batches, err));
    IAD_TRY(open_socket(ep, &fd, err));
    ep->daemon =
        MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL, handle, ep, MHD_OPTION_EXTERNAL_LOGGER,
                         drop_log, NULL, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_URI_LOG_CALLBACK, begin_request, ep, MHD_OPTION_NOTIFY_COMPLETED,
                         end_request, ep, MHD_OPTION_CONNECTION_LIMIT, (unsigned)MAX_CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S,
                         MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)1 << 18, MHD_OPTION_END);
    if (ep->daemon) return IAD_OK;
    close(fd);
    return IAD_FAIL(err, IAD_ERR_IO, "the server does not start");
}

iad_status iad_ep_new(const iad_ep_options *options, iad_ep **out, iad_err *err) {
    iad_ep *ep = iad_calloc(1, sizeof *ep);
    *out = NULL;
    if (!ep) return IAD_NOMEM(err, "a server");
    ep->options = *options;
    const iad_status status = start(ep, err);
    if (status != IAD_OK) return iad_ep_free(ep), status;
    if (options->log) fprintf(options->log, "start\tend\tmethod\tpath\tstatus\toutcome\tkind\tunit\tverdict\ttokens\n");
    if (options->ledger) fprintf(options->ledger, "time\tunit\tbody\tpicture\tprompt_tokens\tcompletion_tokens\tkind\toutcome\tway\n");
    *out = ep;
    return IAD_OK;
}

void iad_ep_free(iad_ep *ep) {
    if (!ep) return;
    ep->stopping = 1;
    wake(ep, 1);
    if (ep->daemon) {
        MHD_run(ep->daemon);
        MHD_stop_daemon(ep->daemon);
    }
    iad_ep_batches_free(ep->batches);
    iad_ep_quota_deinit(&ep->options.quota);
    free(ep->naps);
    free(ep->seen);
    free(ep);
}

iad_status iad_ep_run(iad_ep *ep, int stop_fd, double seconds, iad_err *err) {
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(ep->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    const double end = now_s() + seconds;
    if (!info) return IAD_FAIL(err, IAD_ERR_IO, "the server has no epoll");
    struct pollfd fds[2] = {{.fd = info->epoll_fd, .events = POLLIN}, {.fd = stop_fd, .events = POLLIN}};
    while (now_s() < end) {
        double wait = wake(ep, 0);
        MHD_UNSIGNED_LONG_LONG ms;
        if (MHD_get_timeout(ep->daemon, &ms) == MHD_YES && (double)ms / 1000 < wait) wait = (double)ms / 1000;
        /* whole milliseconds would lengthen every answer */
        const struct timespec pause = {(time_t)wait, (long)((wait - (double)(time_t)wait) * 1e9)};
        if (ppoll(fds, 2, &pause, NULL) < 0 && errno != EINTR)
            return IAD_FAIL(err, IAD_ERR_IO, "waiting for requests: %s", strerror(errno));
        if (fds[1].revents) return IAD_OK;
        wake(ep, 0);
        MHD_run(ep->daemon);
    }
    return IAD_OK;
}
