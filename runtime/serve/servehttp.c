/* libmicrohttpd: bytes in, bytes out, on one thread. */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/progress.h"
#include "runtime/serve/page/pagefiles.h"
#include "runtime/serve/servejob.h"

#define IDLE_S 30.0
enum { POST_BUFFER = 1 << 16, HEADER_BYTES = 1 << 15, PIECE = 1 << 14, SPARE_CONNECTIONS = 16 };

/* ---- connections ---- */

static void watch(void *user, struct MHD_Connection *connection, void **context, enum MHD_ConnectionNotificationCode what) {
    iad_serve *s = user;
    iad_conn *c = *context;
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        c = iad_calloc(1, sizeof *c);
        if (!c) return;
        c->fd = info ? info->connect_fd : -1;
        c->read_by = iad_clock() + (double)s->options.limits.header_s;
        *context = c;
        pthread_mutex_lock(&s->conn_lock);
        c->next = s->conns;
        if (c->next) c->next->previous = c;
        s->conns = c;
        s->n_conns++;
        pthread_mutex_unlock(&s->conn_lock);
    } else if (c) {
        pthread_mutex_lock(&s->conn_lock);
        if (c->previous) c->previous->next = c->next;
        else s->conns = c->next;
        if (c->next) c->next->previous = c->previous;
        s->n_conns--;
        pthread_mutex_unlock(&s->conn_lock);
        free(c);
        *context = NULL;
    }
}

/* Until when the next thing must have been read: a header, a body; 0 s: nothing is awaited. */
static void read_within(iad_serve *s, struct MHD_Connection *connection, double seconds) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    iad_conn *c = info ? info->socket_context : NULL;
    if (!c) return;
    pthread_mutex_lock(&s->conn_lock);
    c->read_by = seconds > 0 ? iad_clock() + seconds : 0;
    pthread_mutex_unlock(&s->conn_lock);
}

void iad_http_tick(iad_serve *s, double now) {
    pthread_mutex_lock(&s->conn_lock);
    for (iad_conn *c = s->conns; c; c = c->next) {
        if (c->read_by == 0 || now < c->read_by || c->fd < 0) continue;
        shutdown(c->fd, SHUT_RDWR); /* libmicrohttpd sees the end and closes; until then the descriptor is ours */
        c->read_by = 0;
        iad_metrics_count(&s->metrics, &s->metrics.now.slow_connections);
    }
    pthread_mutex_unlock(&s->conn_lock);
}

/* ---- bodies ---- */

static void give_back(iad_job *job) {
    pthread_mutex_lock(&job->serve->lock);
    job->serve->body_bytes -= job->held;
    job->held = 0;
    pthread_mutex_unlock(&job->serve->lock);
}

/* Nothing of the body is wanted any more. */
static void drop_body(iad_job *job) {
    if (job->post) MHD_destroy_post_processor(job->post);
    job->post = NULL;
    iad_parts_deinit(&job->parts);
    iad_buf_deinit(&job->body);
    give_back(job);
}

static enum MHD_Result take_part(void *user, enum MHD_ValueKind kind, const char *key, const char *file, const char *type, const char *coding,
                                 const char *bytes, uint64_t at, size_t n) {
    iad_job *job = user;
    iad_err err = IAD_ERR_NONE;
    (void)kind, (void)type, (void)coding;
    const iad_status status = iad_parts_take(&job->parts, key, file, bytes, at, n, (size_t)job->serve->options.limits.body_bytes, &err);
    iad_fault_from(&job->fault, status, &err, NULL);
    return status == IAD_OK ? MHD_YES : MHD_NO;
}

/* Counts bytes into what all requests together hold. */
static int hold(iad_job *job, size_t n) {
    iad_serve *s = job->serve;
    pthread_mutex_lock(&s->lock);
    const int fits = s->body_bytes + n <= (size_t)IAD_SERVE_BODY_MEMORY;
    if (fits) {
        s->body_bytes += n;
        job->held += n;
    }
    pthread_mutex_unlock(&s->lock);
    if (!fits) iad_fault_set(&job->fault, 503, "memory", NULL, "the bodies of all requests together have %lld bytes already", IAD_SERVE_BODY_MEMORY);
    return fits;
}

/* MHD_NO: the client sends more than anybody wants to throw away. */
static enum MHD_Result take(iad_job *job, const char *bytes, size_t n) {
    const iad_serve_limits *limits = &job->serve->options.limits;
    iad_err err = IAD_ERR_NONE;
    if (!job->fault.status && job->held + n > (size_t)limits->body_bytes)
        iad_fault_set(&job->fault, 413, "limit", NULL, "a body of more than %lld bytes (--max-body)", (long long)limits->body_bytes);
    if (!job->fault.status && hold(job, n)) {
        if (job->post) {
            if (MHD_post_process(job->post, bytes, n) != MHD_YES)
                iad_fault_set(&job->fault, 400, "format", NULL, "a multipart body that cannot be read");
        } else iad_fault_from(&job->fault, iad_buf_add(&job->body, bytes, n, &err), &err, NULL);
    }
    if (!job->fault.status) return MHD_YES;
    drop_body(job);
    job->discarded += n;
    return job->discarded <= 4 * (uint64_t)limits->body_bytes ? MHD_YES : MHD_NO;
}

/* ---- sending ---- */

static ssize_t next_piece(void *user, uint64_t at, char *out, size_t room) {
    iad_job *job = user;
    ssize_t n;
    (void)at;
    pthread_mutex_lock(&job->lock);
    if (job->out.len > 0) {
        n = (ssize_t)(job->out.len < room ? job->out.len : room);
        memcpy(out, job->out.data, (size_t)n);
        memmove(job->out.data, job->out.data + n, job->out.len - (size_t)n);
        job->out.len -= (size_t)n;
        job->last_sent = iad_clock();
    } else if (job->ended) {
        n = MHD_CONTENT_READER_END_OF_STREAM;
    } else {
        n = 0;
        job->suspended = 1;
        MHD_suspend_connection(job->connection);
    }
    pthread_mutex_unlock(&job->lock);
    return n;
}

static void add_headers(const iad_job *job, struct MHD_Response *response) {
    char text[16];
    if (job->page && job->status == 200) {
        iad_page_header headers[IAD_PAGE_HEADERS];
        iad_page_headers(job->page, headers);
        for (const iad_page_header *h = headers; h->name; h++) MHD_add_response_header(response, h->name, h->value);
    } else {
        MHD_add_response_header(response, "Content-Type", job->type);
        MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
        MHD_add_response_header(response, "Cache-Control", "no-store");
    }
    if (job->allow_origin) {
        MHD_add_response_header(response, "Access-Control-Allow-Origin", job->allow_origin);
        MHD_add_response_header(response, "Vary", "Origin");
    }
    if (job->route == IAD_ROUTE_PREFLIGHT) {
        MHD_add_response_header(response, "Access-Control-Allow-Methods", "GET, POST, DELETE");
        MHD_add_response_header(response, "Access-Control-Allow-Headers", "Authorization, Content-Type");
        MHD_add_response_header(response, "Access-Control-Max-Age", "600");
    }
    if (job->status == 401) MHD_add_response_header(response, "WWW-Authenticate", "Bearer");
    if (job->status == 405) MHD_add_response_header(response, "Allow", job->allow);
    if (job->status == 503) MHD_add_response_header(response, "Connection", "close");
    if (job->fault.retry_after) {
        snprintf(text, sizeof text, "%d", job->fault.retry_after);
        MHD_add_response_header(response, "Retry-After", text);
    }
}

static enum MHD_Result respond(iad_job *job, struct MHD_Connection *connection) {
    struct MHD_Response *response;
    pthread_mutex_lock(&job->lock);
    if (job->streaming) response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, PIECE, next_piece, job, NULL);
    else response = MHD_create_response_from_buffer(job->out.len, job->out.data, MHD_RESPMEM_PERSISTENT); /* the job outlives it */
    const int status = job->status == 499 ? 400 : job->status;
    pthread_mutex_unlock(&job->lock);
    if (!response) return MHD_NO;
    add_headers(job, response);
    const enum MHD_Result result = MHD_queue_response(connection, (unsigned)status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result refuse(iad_job *job, struct MHD_Connection *connection) {
    const iad_fault fault = job->fault;
    drop_body(job);
    iad_job_refuse(job, &fault);
    iad_metrics_request(&job->serve->metrics, (int)job->route, fault.status, -1);
    return respond(job, connection);
}

/* ---- a request ---- */

static enum MHD_Result begin(iad_serve *s, struct MHD_Connection *connection, const char *url, const char *method, void **state) {
    iad_job *job = iad_job_new(s);
    if (!job) return MHD_NO;
    *state = job;
    job->connection = connection;
    read_within(s, connection, (double)s->options.limits.body_s);
    pthread_mutex_lock(&s->conn_lock);
    const int crowded = s->n_conns > s->options.limits.connections;
    pthread_mutex_unlock(&s->conn_lock);
    if (crowded)
        iad_fault_set(&job->fault, 503, "connections", NULL, "more than %lld connections (--connections)", (long long)s->options.limits.connections);
    iad_route_begin(s, job, connection, url, method);
    if (!job->fault.status && job->multipart) {
        job->post = MHD_create_post_processor(connection, POST_BUFFER, take_part, job);
        if (!job->post) iad_fault_set(&job->fault, 415, "format", NULL, "a multipart body without a boundary of two characters or more");
    }
    /* Who asks before sending is told at once. */
    if (job->fault.status && MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Expect")) {
        job->submitted = 1;
        return refuse(job, connection);
    }
    return MHD_YES;
}

static enum MHD_Result body_is_here(iad_serve *s, iad_job *job, struct MHD_Connection *connection) {
    read_within(s, connection, 0);
    job->submitted = 1;
    if (job->post) {
        if (MHD_destroy_post_processor(job->post) != MHD_YES) iad_fault_set(&job->fault, 400, "format", NULL, "a multipart body without its end");
        job->post = NULL;
    }
    if (job->fault.status) return refuse(job, connection);
    if (iad_route_answer(s, job)) {
        drop_body(job);
        iad_metrics_request(&s->metrics, (int)job->route, job->status, -1);
        return respond(job, connection);
    }
    return iad_queue_submit(s, job) ? MHD_YES : refuse(job, connection);
}

static enum MHD_Result handle(void *user, struct MHD_Connection *connection, const char *url, const char *method, const char *version,
                              const char *upload, size_t *upload_size, void **state) {
    iad_serve *s = user;
    iad_job *job = *state;
    (void)version;
    if (!job) return begin(s, connection, url, method, state);
    if (*upload_size) {
        const size_t n = *upload_size;
        *upload_size = 0;
        return take(job, upload, n);
    }
    if (!job->submitted) return body_is_here(s, job, connection);
    pthread_mutex_lock(&job->lock);
    const int ready = job->ready;
    pthread_mutex_unlock(&job->lock);
    return ready ? respond(job, connection) : MHD_YES;
}

static void completed(void *user, struct MHD_Connection *connection, void **state, enum MHD_RequestTerminationCode code) {
    iad_serve *s = user;
    iad_job *job = *state;
    (void)code;
    if (!job) return;
    *state = NULL;
    read_within(s, connection, IDLE_S);
    pthread_mutex_lock(&s->lock);
    pthread_mutex_lock(&job->lock);
    if (!job->ended) atomic_store(&job->cancel, IAD_CANCEL_GONE);
    job->connection = NULL;
    pthread_mutex_unlock(&job->lock);
    if (job->newer || job->older || s->live == job) {
        if (job->newer) job->newer->older = job->older;
        else s->live = job->older;
        if (job->older) job->older->newer = job->newer;
        job->newer = job->older = NULL;
    }
    const int queued = job->arrived > 0;
    pthread_mutex_unlock(&s->lock);
    if (!queued) drop_body(job);
    iad_job_release(job);
}

static void drop_log(void *user, const char *format, va_list rest) { (void)user, (void)format, (void)rest; }

/* ---- start ---- */

static iad_status open_socket(iad_serve *s, int *out, iad_err *err) {
    char port[16];
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    const int one = 1;
    snprintf(port, sizeof port, "%d", s->options.port);
    const int code = getaddrinfo(s->options.host, port, &hints, &found);
    if (code) return IAD_FAIL(err, IAD_ERR_ARG, "--host %s: %s", s->options.host, gai_strerror(code));
    const int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    iad_status status = fd >= 0 ? IAD_OK : IAD_FAIL(err, IAD_ERR_IO, "no socket: %m");
    if (status == IAD_OK) {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
        if (bind(fd, found->ai_addr, found->ai_addrlen) || listen(fd, 1024) || getsockname(fd, (struct sockaddr *)&address, &size))
            status = IAD_FAIL(err, IAD_ERR_IO, "port %d of %s: %s", s->options.port, s->options.host, strerror(errno));
    }
    freeaddrinfo(found);
    if (status != IAD_OK && fd >= 0) close(fd);
    if (status != IAD_OK) return status;
    s->port = ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port : ((struct sockaddr_in *)&address)->sin_port);
    *out = fd;
    return IAD_OK;
}

iad_status iad_serve_http_start(iad_serve *s, iad_err *err) {
    int fd = -1;
    IAD_TRY(open_socket(s, &fd, err));
    s->daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL, handle, s,
                                 MHD_OPTION_EXTERNAL_LOGGER, drop_log, NULL, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_NOTIFY_COMPLETED, completed, s,
                                 MHD_OPTION_NOTIFY_CONNECTION, watch, s, MHD_OPTION_CONNECTION_LIMIT,
                                 (unsigned)(s->options.limits.connections + SPARE_CONNECTIONS), MHD_OPTION_CONNECTION_TIMEOUT,
                                 (unsigned)IDLE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEADER_BYTES + POST_BUFFER, MHD_OPTION_END);
    if (s->daemon) return IAD_OK;
    close(fd);
    return IAD_FAIL(err, IAD_ERR_IO, "the server does not start");
}
