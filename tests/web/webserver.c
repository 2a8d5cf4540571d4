/* The server's frame: ports, the loop, sleeping connections, the log. */
#include "tests/web/webserver.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "tests/web/webstate.h"

enum { MAX_CONNECTIONS = 4000, IDLE_S = 75, MAX_NAPS = 100000, MAX_SEEN = 1 << 24 };

double iad_web_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

const iad_web_plan *iad_web_plan_of(const iad_web *web) { return &web->plan; }

/* ---- sleeping connections ---- */

void iad_web_nap_take(iad_web *web, struct MHD_Connection *connection, double seconds) {
    void *block = web->naps;
    if (iad_grow(&block, &web->cap_naps, web->n_naps + 1, sizeof *web->naps, MAX_NAPS, "sleeping connections", NULL) != IAD_OK) return;
    web->naps = block;
    web->naps[web->n_naps++] = (iad_web_nap){iad_web_now() + seconds, connection};
    MHD_suspend_connection(connection);
}

/* Wakes those whose time has come (all when `all`); seconds until the next one, at most 1. */
static double wake(iad_web *web, int all) {
    const double now = iad_web_now();
    double next = 1;
    for (size_t i = 0; i < web->n_naps;) {
        const double left = web->naps[i].until - now;
        if (left > 0 && !all) {
            if (left < next) next = left;
            i++;
            continue;
        }
        MHD_resume_connection(web->naps[i].connection);
        web->naps[i] = web->naps[--web->n_naps];
    }
    return next;
}

/* ---- what was asked for before ---- */

static void put_seen(uint64_t *table, size_t cap, uint64_t key) {
    size_t at = key % cap;
    while (table[at]) at = (at + 1) % cap;
    table[at] = key;
}

int iad_web_first_time(iad_web *web, const char *address) {
    const uint64_t key = iad_web_number(&web->plan, address, 0) | 1;
    for (size_t at = web->cap_seen ? key % web->cap_seen : 0; web->cap_seen && web->seen[at]; at = (at + 1) % web->cap_seen)
        if (web->seen[at] == key) return 0;
    if (2 * (web->n_seen + 1) > web->cap_seen) {
        const size_t cap = web->cap_seen ? 2 * web->cap_seen : 1024;
        uint64_t *grown = cap <= MAX_SEEN ? iad_calloc(cap, sizeof *grown) : NULL;
        if (!grown) return 0;
        for (size_t i = 0; i < web->cap_seen; i++)
            if (web->seen[i]) put_seen(grown, cap, web->seen[i]);
        free(web->seen);
        web->seen = grown;
        web->cap_seen = cap;
    }
    put_seen(web->seen, web->cap_seen, key);
    web->n_seen++;
    return 1;
}

/* ---- requests ---- */

static void *begin_request(void *user, const char *uri, struct MHD_Connection *connection) {
    (void)connection;
    iad_web_request *request = iad_calloc(1, sizeof *request);
    if (!request) return NULL;
    request->web = user;
    request->start = iad_web_now();
    request->uri = iad_strdup(uri);
    request->method = "?";
    return request;
}

/* One cell of the log: what came from outside must not make cells or lines. */
static void clean(char *text) {
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f) *text = '?';
}

static void end_request(void *user, struct MHD_Connection *connection, void **state, enum MHD_RequestTerminationCode code) {
    iad_web *web = user;
    iad_web_request *request = *state;
    (void)connection;
    if (!request) return;
    if (web->options.log) {
        if (request->uri) clean(request->uri);
        clean(request->host);
        clean(request->agent);
        fprintf(web->options.log, "%.6f\t%.6f\t%s\t%s\t%s\t%d\t%llu\t%s\t%s\t%s\n", request->start, iad_web_now(), request->host, request->method,
                request->uri ? request->uri : "", request->status, (unsigned long long)request->bytes,
                code == MHD_REQUEST_TERMINATED_COMPLETED_OK ? "done" : "aborted", request->kind, request->agent);
        fflush(web->options.log);
    }
    free(request->uri);
    free(request);
    *state = NULL;
}

static enum MHD_Result handle(void *user, struct MHD_Connection *connection, const char *path, const char *method, const char *version,
                              const char *upload, size_t *upload_size, void **state) {
    iad_web *web = user;
    iad_web_request *request = *state;
    (void)version, (void)upload;
    if (!request || !request->uri || web->stopping) return MHD_NO;
    const char *host = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Host"),
               *agent = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "User-Agent");
    iad_text_copy(request->host, sizeof request->host, host ? host : "");
    iad_text_copy(request->agent, sizeof request->agent, agent ? agent : "");
    request->method = !strcmp(method, "GET") ? "GET" : !strcmp(method, "HEAD") ? "HEAD" : "other";
    if (*upload_size) {
        *upload_size = 0;
        return MHD_YES;
    }
    if (!strcmp(request->method, "other")) return iad_web_send_page(request, connection, 405, "<html>GET only</html>", NULL);
    return iad_web_answer(request, connection, path);
}

static void *ignore_log(void *user, const char *format, va_list rest) {
    (void)user, (void)format, (void)rest;
    return NULL;
}
static void drop_log(void *user, const char *format, va_list rest) { ignore_log(user, format, rest); }

/* ---- ports ---- */

/* A socket on loopback; *port 0 becomes the port that the system chose. -1: none. */
static int open_socket(int family, int *port, int listening) {
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons((uint16_t)*port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)*port), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    struct sockaddr *address = family == AF_INET ? (struct sockaddr *)&four : (struct sockaddr *)&six;
    socklen_t size = family == AF_INET ? sizeof four : sizeof six;
    const int one = 1, fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
    if (bind(fd, address, size) || (listening && listen(fd, 1024)) || getsockname(fd, address, &size)) {
        close(fd);
        return -1;
    }
    *port = ntohs(family == AF_INET ? four.sin_port : six.sin6_port);
    return fd;
}

static iad_status start_daemon(iad_web *web, int fd, int tls, iad_err *err) {
    const unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG | (tls ? MHD_USE_TLS : 0);
    const struct MHD_OptionItem more[] = {
        {tls ? MHD_OPTION_HTTPS_MEM_KEY : MHD_OPTION_END, 0, web->key}, {MHD_OPTION_HTTPS_MEM_CERT, 0, web->certificate}, {MHD_OPTION_END, 0, NULL}};
    struct MHD_Daemon *daemon =
        MHD_start_daemon(flags, 0, NULL, NULL, handle, web, MHD_OPTION_EXTERNAL_LOGGER, drop_log, NULL, MHD_OPTION_LISTEN_SOCKET, fd,
                         MHD_OPTION_URI_LOG_CALLBACK, begin_request, web, MHD_OPTION_NOTIFY_COMPLETED, end_request, web, MHD_OPTION_CONNECTION_LIMIT,
                         (unsigned)MAX_CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S, MHD_OPTION_ARRAY, more, MHD_OPTION_END);
    if (!daemon) {
        close(fd);
        return IAD_FAIL(err, IAD_ERR_IO, "the web server does not start%s", tls ? " with TLS" : "");
    }
    web->daemon[web->daemons++] = daemon;
    return IAD_OK;
}

/* Both addresses of one port; ::1 only where there is one and the port is free there. */
static iad_status open_port(iad_web *web, int *port, int tls, iad_err *err) {
    const int asked = *port, four = open_socket(AF_INET, port, 1);
    if (four < 0) return IAD_FAIL(err, IAD_ERR_IO, "port %d of 127.0.0.1: %s", asked, strerror(errno));
    IAD_TRY(start_daemon(web, four, tls, err));
    const int six = open_socket(AF_INET6, port, 1);
    return six < 0 ? IAD_OK : start_daemon(web, six, tls, err);
}

static iad_status open_ports(iad_web *web, iad_err *err) {
    iad_web_plan *plan = &web->plan;
    int port = web->options.port;
    IAD_TRY(open_port(web, &port, 0, err));
    for (int i = 0; i < plan->hosts; i++) {
        plan->ports[i] = port;
        if (i && !*plan->pattern) {
            plan->ports[i] = 0;
            IAD_TRY(open_port(web, &plan->ports[i], 0, err));
        }
    }
    if ((web->dead_socket = open_socket(AF_INET, &plan->dead_port, 0)) < 0) return IAD_FAIL(err, IAD_ERR_IO, "no port is left");
    if (!web->options.tls) return IAD_OK;
    IAD_TRY(iad_web_certificate_make(&web->key, &web->certificate, err));
    return open_port(web, &plan->tls_port, 1, err);
}

static iad_status parse_block(iad_web *web, const char *text, iad_err *err) {
    static const char *const ways[] = {"captcha", "429", "503", "antiflag", "wappass", "html", "cut", "close"};
    iad_strings words = {0};
    iad_web_block *block = &web->block[web->blocks];
    iad_status status = web->blocks < IAD_WEB_MAX_BLOCKS ? iad_strings_split(&words, text, ':', err)
                                                         : IAD_FAIL(err, IAD_ERR_LIMIT, "more than %d blocks", IAD_WEB_MAX_BLOCKS);
    if (status == IAD_OK && words.n != 4) status = IAD_FAIL(err, IAD_ERR_ARG, "block \"%s\": ENGINE:HOW:FROM:COUNT is wanted", text);
    if (status == IAD_OK) {
        int engine = 0;
        size_t way = 0;
        while (engine < IAD_WEB_ENGINES && strcmp(words.items[0], iad_web_engine_name((iad_web_engine)engine))) engine++;
        while (way < sizeof ways / sizeof *ways && strcmp(words.items[1], ways[way])) way++;
        if (engine == IAD_WEB_ENGINES || way == sizeof ways / sizeof *ways)
            status = IAD_FAIL(err, IAD_ERR_ARG, "block \"%s\": no such engine or way", text);
        else {
            block->engine = (iad_web_engine)engine;
            iad_text_copy(block->how, sizeof block->how, ways[way]);
        }
    }
    if (status == IAD_OK) status = iad_parse_i64(words.items[2], 0, INT32_MAX, "block: from", &block->from, err);
    if (status == IAD_OK) status = iad_parse_i64(words.items[3], 1, INT32_MAX, "block: count", &block->count, err);
    if (status == IAD_OK) web->blocks++;
    iad_strings_deinit(&words);
    return status;
}

iad_status iad_web_new(const iad_web_options *options, iad_web **out, iad_err *err) {
    iad_web *web = iad_calloc(1, sizeof *web);
    *out = NULL;
    if (!web) return IAD_NOMEM(err, "a web server");
    web->options = *options;
    web->plan = options->plan;
    web->dead_socket = -1;
    iad_status status = iad_products_builtin(&web->plan.products, err);
    if (status == IAD_OK && (web->plan.categories < 1 || (size_t)web->plan.categories > web->plan.products.n))
        status = IAD_FAIL(err, IAD_ERR_ARG, "%d categories: 1 to %zu are there", web->plan.categories, web->plan.products.n);
    for (size_t i = 0; status == IAD_OK && options->blocks && i < options->blocks->n; i++) status = parse_block(web, options->blocks->items[i], err);
    if (status == IAD_OK) status = iad_web_cache_new(options->cache_bytes, &web->cache, err);
    if (status == IAD_OK) status = open_ports(web, err);
    if (status == IAD_OK && options->log) {
        fprintf(options->log, "start\tend\thost\tmethod\tpath\tstatus\tbytes\toutcome\tkind\tagent\n");
        fflush(options->log);
    }
    if (status == IAD_OK) *out = web;
    else iad_web_free(web);
    return status;
}

void iad_web_free(iad_web *web) {
    if (!web) return;
    web->stopping = 1;
    wake(web, 1);
    for (int i = 0; i < web->daemons; i++) {
        MHD_run(web->daemon[i]);
        MHD_stop_daemon(web->daemon[i]);
    }
    if (web->dead_socket >= 0) close(web->dead_socket);
    iad_web_cache_free(web->cache);
    iad_products_deinit(&web->plan.products);
    free(web->naps);
    free(web->seen);
    free(web->bomb);
    free(web->key);
    free(web->certificate);
    free(web);
}

iad_status iad_web_warm(iad_web *web, iad_err *err) {
    for (int c = 0; c < web->plan.categories; c++)
        for (int m = 0; m < web->plan.per_category; m++) {
            iad_web_item item;
            char *bytes;
            size_t n;
            iad_web_item_get(&web->plan, c, m, &item);
            IAD_TRY(iad_web_cache_get(web->cache, &web->plan, &item, &bytes, &n, err));
            free(bytes);
        }
    return IAD_OK;
}

iad_status iad_web_run(iad_web *web, int stop_fd, double seconds, iad_err *err) {
    struct pollfd fds[IAD_WEB_MAX_DAEMONS + 1];
    const double end = iad_web_now() + seconds;
    for (int i = 0; i < web->daemons; i++) {
        const union MHD_DaemonInfo *info = MHD_get_daemon_info(web->daemon[i], MHD_DAEMON_INFO_EPOLL_FD);
        if (!info) return IAD_FAIL(err, IAD_ERR_IO, "the web server has no epoll");
        fds[i] = (struct pollfd){.fd = info->epoll_fd, .events = POLLIN};
    }
    fds[web->daemons] = (struct pollfd){.fd = stop_fd, .events = POLLIN};
    while (iad_web_now() < end) {
        double wait = wake(web, 0);
        for (int i = 0; i < web->daemons; i++) {
            MHD_UNSIGNED_LONG_LONG ms;
            if (MHD_get_timeout(web->daemon[i], &ms) == MHD_YES && (double)ms / 1000 < wait) wait = (double)ms / 1000;
        }
        if (poll(fds, (nfds_t)web->daemons + 1, (int)(wait * 1000 + 0.999)) < 0 && errno != EINTR)
            return IAD_FAIL(err, IAD_ERR_IO, "waiting for requests: %s", strerror(errno));
        if (fds[web->daemons].revents) return IAD_OK;
        wake(web, 0);
        for (int i = 0; i < web->daemons; i++) MHD_run(web->daemon[i]);
    }
    return IAD_OK;
}
