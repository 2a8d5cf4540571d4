#include "base/http/http.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/http/httploop.h"
#include "base/http/netguard.h"
#include "base/http/proxyenv.h"
#include "base/http/url.h"

#define DEFAULT_MAX_BYTES (64u * 1024u * 1024u)
#define MAX_SPARE 256 /* handles of libcurl that are kept for the next requests */

/* An address taken apart; requests for the same one that follow each other share it. */
typedef struct shared_url {
    int users;
    char *given; /* as it was asked for */
    iad_url url;
} shared_url;

typedef struct transfer {
    iad_http *http;
    CURL *easy;
    struct transfer *next, *previous; /* all running ones */
    iad_http_request request;         /* strings in it are not valid after start */
    shared_url *place;
    struct curl_slist *headers;
    char *body;
    iad_buf answer_body, header_text;
    iad_http_header list[IAD_HTTP_MAX_HEADERS];
    iad_http_answer answer;
    size_t max_bytes;
    int guarded;        /* addresses are checked */
    int head_done;
    iad_http_error why; /* what a callback decided */
    char curl_message[CURL_ERROR_SIZE];
} transfer;

struct iad_http {
    CURLM *multi;
    iad_http_loop loop;
    CURL *spare[MAX_SPARE];
    size_t n_spare;
    shared_url *last;
    transfer *running;
    size_t n_running;
    char *user_agent, *ca_file;
    iad_strings allow_hosts;
    struct curl_slist *connect_to;
    int no_proxy, allow_private, insecure;
    transfer *stillborn; /* ended before they began: reported by the next poll */
};

struct iad_http_jar {
    CURLSH *share;
};

const char *iad_http_header_get(const iad_http_answer *answer, const char *name, size_t i) {
    for (size_t k = 0; k < answer->n_headers; k++)
        if (iad_text_equal_nocase(answer->headers[k].name, name) && i-- == 0) return answer->headers[k].value;
    return NULL;
}

/* ---- callbacks of libcurl ---- */

static curl_socket_t open_socket(void *user, curlsocktype purpose, struct curl_sockaddr *address) {
    transfer *t = user;
    if (purpose == CURLSOCKTYPE_IPCXN && t->guarded && !iad_net_public(&address->addr)) {
        t->why = IAD_HTTP_ADDRESS;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* The second look: a connection may be an old one. */
static int before_request(void *user, char *address, char *local, int port, int local_port) {
    transfer *t = user;
    (void)local, (void)port, (void)local_port;
    snprintf(t->answer.address, sizeof t->answer.address, "%s", address ? address : "");
    if (t->guarded && address && iad_net_public_text(address) == 0) {
        t->why = IAD_HTTP_ADDRESS;
        return CURL_PREREQFUNC_ABORT;
    }
    return CURL_PREREQFUNC_OK;
}

/* "Name: value\r\n" into the text; the list is made from it when all are there, since the text moves while it grows. */
static int keep_header(transfer *t, const char *line, size_t n) {
    while (n && (line[n - 1] == '\r' || line[n - 1] == '\n' || line[n - 1] == ' ' || line[n - 1] == '\t')) n--;
    if (!n || memchr(line, 0, n)) return 1;
    return iad_buf_add(&t->header_text, line, n, NULL) == IAD_OK && iad_buf_add(&t->header_text, "", 1, NULL) == IAD_OK;
}

static void list_headers(transfer *t) {
    char *text = t->header_text.data;
    t->answer.n_headers = 0;
    for (size_t at = 0; at < t->header_text.len && t->answer.n_headers < IAD_HTTP_MAX_HEADERS; at += strlen(text + at) + 1) {
        char *colon = strchr(text + at, ':');
        if (!colon || colon == text + at) continue;
        *colon = 0;
        char *value = colon + 1;
        t->list[t->answer.n_headers++] = (iad_http_header){text + at, value + strspn(value, " \t")};
        at = (size_t)(value - text);
    }
    t->answer.headers = t->list;
}

static void read_facts(transfer *t) {
    long status = 0, version = 0;
    curl_off_t length = -1, retry = 0;
    double seconds = 0;
    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(t->easy, CURLINFO_HTTP_VERSION, &version);
    curl_easy_getinfo(t->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    curl_easy_getinfo(t->easy, CURLINFO_RETRY_AFTER, &retry);
    curl_easy_getinfo(t->easy, CURLINFO_TOTAL_TIME, &seconds);
    t->answer.status = (int)status;
    t->answer.version = version == CURL_HTTP_VERSION_1_0 ? 10 : version == CURL_HTTP_VERSION_2_0 ? 20 : version == CURL_HTTP_VERSION_3 ? 30 : 11;
    t->answer.length = (int64_t)length;
    t->answer.seconds = seconds;
    if (!t->answer.n_headers) list_headers(t);
    t->answer.retry_after_s = iad_http_header_get(&t->answer, "Retry-After", 0) ? (double)retry : -1;
}

static size_t take_header(char *bytes, size_t size, size_t count, void *user) {
    transfer *t = user;
    size_t n = size * count;
    if (n >= 5 && !memcmp(bytes, "HTTP/", 5)) { /* a new answer begins: the one before was interim */
        iad_buf_reset(&t->header_text);
        return n;
    }
    long status = 0;
    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    int last = n <= 2 && (n == 0 || bytes[0] == '\r' || bytes[0] == '\n');
    if (t->head_done) return n; /* trailers are nobody's business, and the list points into the text */
    if (!last) {
        if (!keep_header(t, bytes, n)) {
            t->why = IAD_HTTP_TOO_BIG;
            return 0;
        }
        return n;
    }
    if (status < 200) return n;
    t->head_done = 1;
    read_facts(t);
    if (t->request.on_head && t->request.on_head(t->request.user, &t->answer) != 0) {
        t->why = IAD_HTTP_REFUSED;
        return 0;
    }
    if (t->answer.length > 0 && (uint64_t)t->answer.length > t->max_bytes) {
        t->why = IAD_HTTP_TOO_BIG;
        return 0;
    }
    return n;
}

static size_t take_body(char *bytes, size_t size, size_t count, void *user) {
    transfer *t = user;
    size_t n = size * count;
    t->answer.received += (int64_t)n;
    if ((uint64_t)t->answer.received > t->max_bytes) {
        t->why = IAD_HTTP_TOO_BIG;
        return 0;
    }
    if (t->request.on_body) {
        if (t->request.on_body(t->request.user, bytes, n) == 0) return n;
        t->why = IAD_HTTP_REFUSED;
        return 0;
    }
    if (iad_buf_add(&t->answer_body, bytes, n, NULL) == IAD_OK) return n;
    t->why = IAD_HTTP_INTERNAL;
    return 0;
}

/* ---- one request ---- */

/* A handle with cookies keeps them, so it goes. */
static void put_easy(transfer *t) {
    iad_http *http = t->http;
    if (!t->easy) return;
    if (t->request.jar || http->n_spare == MAX_SPARE) {
        curl_easy_cleanup(t->easy);
        return;
    }
    curl_easy_reset(t->easy);
    http->spare[http->n_spare++] = t->easy;
}

static void leave_url(shared_url *place) {
    if (!place || --place->users) return;
    iad_url_deinit(&place->url);
    free(place->given);
    free(place);
}

/* Errors: those of iad_url_parse. */
static iad_status share_url(iad_http *http, const char *given, shared_url **place, iad_err *err) {
    if (!http->last || strcmp(http->last->given, given) != 0) {
        shared_url *fresh = iad_calloc(1, sizeof *fresh);
        *place = NULL;
        if (!fresh || !(fresh->given = iad_strdup(given))) {
            free(fresh);
            return IAD_NOMEM(err, "an address");
        }
        fresh->users = 1;
        const iad_status status = iad_url_parse(given, NULL, &fresh->url, err);
        if (status != IAD_OK) return leave_url(fresh), status;
        leave_url(http->last);
        http->last = fresh;
    }
    http->last->users++;
    *place = http->last;
    return IAD_OK;
}

static void transfer_free(transfer *t) {
    put_easy(t);
    curl_slist_free_all(t->headers);
    leave_url(t->place);
    iad_buf_deinit(&t->answer_body);
    iad_buf_deinit(&t->header_text);
    free(t->body);
    free(t);
}

static iad_status add_headers(transfer *t, const iad_http_request *request, iad_err *err) {
    for (size_t i = 0; i < request->n_headers; i++) {
        if (strpbrk(request->headers[i], "\r\n")) return IAD_FAIL(err, IAD_ERR_ARG, "line break in a header");
        struct curl_slist *longer = curl_slist_append(t->headers, request->headers[i]);
        if (!longer) return IAD_NOMEM(err, "headers");
        t->headers = longer;
    }
    return IAD_OK;
}

static int allowed_by_name(const iad_http *http, const char *host) {
    if (http->allow_private) return 1;
    for (size_t i = 0; i < http->allow_hosts.n; i++)
        if (iad_net_match(http->allow_hosts.items[i], host)) return 1;
    return 0;
}

static void set_options(transfer *t, const iad_http_request *request, const char *proxy) {
    iad_http *http = t->http;
    CURL *e = t->easy;
    curl_easy_setopt(e, CURLOPT_URL, t->place->url.text);
#if LIBCURL_VERSION_NUM >= 0x075500
    curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
#else
    curl_easy_setopt(e, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
    curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(e, CURLOPT_PRIVATE, t);
    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, t->curl_message);
    curl_easy_setopt(e, CURLOPT_USERAGENT, request->user_agent ? request->user_agent : http->user_agent);
    curl_easy_setopt(e, CURLOPT_PROXY, proxy ? proxy : "");
    curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, http->insecure ? 0L : 1L);
    curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, http->insecure ? 0L : 2L);
    if (http->ca_file) curl_easy_setopt(e, CURLOPT_CAINFO, http->ca_file);
    if (http->connect_to) curl_easy_setopt(e, CURLOPT_CONNECT_TO, http->connect_to);
    if (t->headers) curl_easy_setopt(e, CURLOPT_HTTPHEADER, t->headers);
    if (request->decompress) curl_easy_setopt(e, CURLOPT_ACCEPT_ENCODING, "");
    if (request->jar) curl_easy_setopt(e, CURLOPT_COOKIEFILE, ""); /* starts the cookie engine */
    if (request->jar) curl_easy_setopt(e, CURLOPT_SHARE, request->jar->share);
    if (t->body) {
        curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->n_body);
        curl_easy_setopt(e, CURLOPT_POSTFIELDS, t->body);
    }
    if (request->method && !strcmp(request->method, "HEAD")) curl_easy_setopt(e, CURLOPT_NOBODY, 1L);
    else if (request->method) curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, request->method);
    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)(1000 * (request->connect_s > 0 ? request->connect_s : 10)));
    curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)(1000 * (request->total_s > 0 ? request->total_s : 60)));
    curl_easy_setopt(e, CURLOPT_LOW_SPEED_TIME, (long)(request->stall_s > 0 ? (request->stall_s < 1 ? 1 : request->stall_s) : 15));
    curl_easy_setopt(e, CURLOPT_LOW_SPEED_LIMIT, (long)(request->stall_bytes > 0 ? request->stall_bytes : 1024));
    curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, t);
    curl_easy_setopt(e, CURLOPT_PREREQFUNCTION, before_request);
    curl_easy_setopt(e, CURLOPT_PREREQDATA, t);
    curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(e, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, t);
}

static void bear_dead(iad_http *http, transfer *t, iad_http_error why, const char *text) {
    t->answer.error = why;
    snprintf(t->answer.message, sizeof t->answer.message, "%.*s", (int)sizeof t->answer.message - 1, text);
    t->next = http->stillborn;
    http->stillborn = t;
    http->n_running++;
}

iad_status iad_http_start(iad_http *http, const iad_http_request *request, iad_err *err) {
    transfer *t = iad_calloc(1, sizeof *t);
    if (!t) return IAD_NOMEM(err, "a request");
    t->http = http;
    t->request = *request;
    t->max_bytes = request->max_bytes ? request->max_bytes : DEFAULT_MAX_BYTES;
    t->answer = (iad_http_answer){.length = -1, .retry_after_s = -1, .body = &t->answer_body, .headers = t->list};
    iad_buf_init(&t->answer_body, t->max_bytes);
    iad_buf_init(&t->header_text, IAD_HTTP_MAX_HEADER_BYTES);
    iad_err why = IAD_ERR_NONE;
    iad_status status = add_headers(t, request, err);
    if (status == IAD_OK && request->body) {
        t->body = iad_alloc(request->n_body, 1);
        if (t->body) memcpy(t->body, request->body, request->n_body);
        else status = IAD_NOMEM(err, "a request's body");
    }
    if (status != IAD_OK) {
        transfer_free(t);
        return status;
    }
    if (share_url(http, request->url, &t->place, &why) != IAD_OK) {
        bear_dead(http, t, IAD_HTTP_BAD_URL, why.msg);
        return IAD_OK;
    }
    const iad_url *url = &t->place->url;
    t->answer.url = url->text;
    char proxy[IAD_PROXY_MAX];
    int proxied = !http->no_proxy && iad_proxy_for(url->scheme, url->host, proxy);
    int open = allowed_by_name(http, url->host);
    t->guarded = !open && !proxied;
    if (!open && iad_net_public_text(url->host) == 0) {
        bear_dead(http, t, IAD_HTTP_ADDRESS, "a private address");
        return IAD_OK;
    }
    t->easy = http->n_spare && !request->jar ? http->spare[--http->n_spare] : curl_easy_init();
    if (!t->easy) {
        transfer_free(t);
        return IAD_NOMEM(err, "a request");
    }
    set_options(t, request, proxied ? proxy : NULL);
    if (curl_multi_add_handle(http->multi, t->easy) != CURLM_OK) {
        transfer_free(t);
        return IAD_NOMEM(err, "a request");
    }
    t->next = http->running;
    if (t->next) t->next->previous = t;
    http->running = t;
    http->n_running++;
    return IAD_OK;
}

/* What libcurl says in our words. */
static iad_http_error classify(const transfer *t, CURLcode code) {
    if (t->why != IAD_HTTP_NONE && code != CURLE_OK) return t->why;
    double connected = 0, total = 0;
    switch (code) {
    case CURLE_OK: return IAD_HTTP_NONE;
    case CURLE_URL_MALFORMAT: return IAD_HTTP_BAD_URL;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY: return IAD_HTTP_DNS;
    case CURLE_COULDNT_CONNECT: return IAD_HTTP_CONNECT;
    case CURLE_OPERATION_TIMEDOUT:
        curl_easy_getinfo(t->easy, CURLINFO_CONNECT_TIME, &connected);
        curl_easy_getinfo(t->easy, CURLINFO_TOTAL_TIME, &total);
        if (strstr(t->curl_message, "too slow")) return IAD_HTTP_SLOW;
        return connected > 0 || t->head_done ? IAD_HTTP_TIMEOUT : IAD_HTTP_CONNECT;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS: return IAD_HTTP_TLS;
    case CURLE_FILESIZE_EXCEEDED: return IAD_HTTP_TOO_BIG;
    case CURLE_OUT_OF_MEMORY:
    case CURLE_FAILED_INIT: return IAD_HTTP_INTERNAL;
    default: return IAD_HTTP_BROKEN;
    }
}

static void say_why(transfer *t, CURLcode code) {
    const char *said = t->curl_message[0] ? t->curl_message : curl_easy_strerror(code);
    switch (t->answer.error) {
    case IAD_HTTP_NONE: break;
    case IAD_HTTP_ADDRESS: said = "the host's address is private"; break;
    case IAD_HTTP_REFUSED: said = "ended by the caller"; break;
    case IAD_HTTP_CANCELLED: said = "cancelled"; break;
    default: break;
    }
    if (t->answer.error == IAD_HTTP_TOO_BIG)
        snprintf(t->answer.message, sizeof t->answer.message, "more than %zu bytes", t->max_bytes);
    else if (t->answer.error != IAD_HTTP_NONE) snprintf(t->answer.message, sizeof t->answer.message, "%s", said);
}

static void finish(transfer *t, CURLcode code) {
    iad_http *http = t->http;
    read_facts(t);
    t->answer.error = classify(t, code);
    say_why(t, code);
    curl_multi_remove_handle(http->multi, t->easy);
    if (t->previous) t->previous->next = t->next;
    else http->running = t->next;
    if (t->next) t->next->previous = t->previous;
    http->n_running--;
    t->request.done(t->request.user, &t->answer);
    transfer_free(t);
}

static void report_stillborn(iad_http *http) {
    transfer *list = http->stillborn;
    http->stillborn = NULL;
    while (list) {
        transfer *next = list->next;
        http->n_running--;
        list->request.done(list->request.user, &list->answer);
        transfer_free(list);
        list = next;
    }
}

/* Calls back for all requests that have ended; their number. */
static size_t finish_ended(iad_http *http) {
    size_t n = 0;
    int left = 0;
    for (CURLMsg *message; (message = curl_multi_info_read(http->multi, &left));) {
        if (message->msg != CURLMSG_DONE) continue;
        transfer *t = NULL;
        CURLcode result = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &t);
        finish(t, result);
        n++;
    }
    return n;
}

iad_status iad_http_poll(iad_http *http, int timeout_ms, iad_err *err) {
    const int born_dead = http->stillborn != NULL;
    report_stillborn(http);
    IAD_TRY(iad_http_loop_due(&http->loop, err)); /* requests that were just started want their first step */
    if (finish_ended(http) || born_dead) timeout_ms = 0;
    IAD_TRY(iad_http_loop_wait(&http->loop, timeout_ms, err));
    finish_ended(http);
    return IAD_OK;
}

void iad_http_cancel_all(iad_http *http) {
    while (http->running) {
        http->running->why = IAD_HTTP_CANCELLED;
        finish(http->running, CURLE_ABORTED_BY_CALLBACK);
    }
    report_stillborn(http);
}

size_t iad_http_active(const iad_http *http) {
    return http->n_running;
}

void iad_http_wakeup(iad_http *http) {
    iad_http_loop_wake(&http->loop);
}

/* ---- the client ---- */

iad_status iad_http_new(const iad_http_options *options, iad_http **out, iad_err *err) {
    *out = NULL;
    if (!options->user_agent || !*options->user_agent || strpbrk(options->user_agent, "\r\n"))
        return IAD_FAIL(err, IAD_ERR_ARG, "an HTTP client needs a user agent of one line");
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) return IAD_FAIL(err, IAD_ERR_INTERNAL, "libcurl cannot start");
    iad_http *http = iad_calloc(1, sizeof *http);
    if (!http) {
        curl_global_cleanup();
        return IAD_NOMEM(err, "an HTTP client");
    }
    http->no_proxy = options->no_proxy;
    http->allow_private = options->allow_private;
    http->insecure = options->insecure;
    http->user_agent = iad_strdup(options->user_agent);
    http->ca_file = options->ca_file ? iad_strdup(options->ca_file) : NULL;
    http->loop.epoll = http->loop.event = -1;
    http->multi = curl_multi_init();
    iad_status status = http->user_agent && http->multi && (!options->ca_file || http->ca_file) ? IAD_OK : IAD_NOMEM(err, "an HTTP client");
    for (size_t i = 0; status == IAD_OK && options->allow_hosts && i < options->allow_hosts->n; i++)
        status = iad_strings_add(&http->allow_hosts, options->allow_hosts->items[i], err);
    for (size_t i = 0; status == IAD_OK && options->connect_to && i < options->connect_to->n; i++) {
        struct curl_slist *longer = curl_slist_append(http->connect_to, options->connect_to->items[i]);
        if (longer) http->connect_to = longer;
        else status = IAD_NOMEM(err, "an HTTP client");
    }
    if (status == IAD_OK) status = iad_http_loop_init(&http->loop, http->multi, err);
    if (status != IAD_OK) {
        iad_http_free(http);
        return status;
    }
    curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, (long)(options->max_idle > 0 ? options->max_idle : 128));
    curl_multi_setopt(http->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
    *out = http;
    return IAD_OK;
}

void iad_http_free(iad_http *http) {
    if (!http) return;
    for (transfer *t = http->running, *next; t; t = next) {
        next = t->next;
        curl_multi_remove_handle(http->multi, t->easy);
        transfer_free(t);
    }
    for (transfer *t = http->stillborn, *next; t; t = next) {
        next = t->next;
        transfer_free(t);
    }
    for (size_t i = 0; i < http->n_spare; i++) curl_easy_cleanup(http->spare[i]);
    if (http->multi) curl_multi_cleanup(http->multi); /* it still tells the loop of sockets */
    iad_http_loop_deinit(&http->loop);
    leave_url(http->last);
    curl_slist_free_all(http->connect_to);
    iad_strings_deinit(&http->allow_hosts);
    free(http->user_agent);
    free(http->ca_file);
    free(http);
    curl_global_cleanup();
}

iad_status iad_http_jar_new(iad_http_jar **out, iad_err *err) {
    iad_http_jar *jar = iad_calloc(1, sizeof *jar);
    *out = jar;
    if (jar) jar->share = curl_share_init();
    if (!jar || !jar->share) {
        free(jar);
        *out = NULL;
        return IAD_NOMEM(err, "cookies");
    }
    curl_share_setopt(jar->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_COOKIE);
    return IAD_OK;
}

void iad_http_jar_free(iad_http_jar *jar) {
    if (!jar) return;
    curl_share_cleanup(jar->share);
    free(jar);
}
