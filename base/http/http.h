/* An HTTP client for many requests at once, over one libcurl multi handle: everything happens on the thread that calls iad_http_poll.
 *
 *     iad_http_new(&options, &http, err);
 *     iad_http_start(http, &request, err);           // as many as wanted
 *     while (iad_http_active(http)) iad_http_poll(http, 1000, err);   // calls request.done for each, once
 *     iad_http_free(http);
 *
 * Redirects are never followed: the answer has them, and the caller decides. Requests start at once: limits per host are the caller's,
 * since time in a queue of libcurl's would count against the deadline. */
#ifndef IAD_BASE_HTTP_HTTP_H
#define IAD_BASE_HTTP_HTTP_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/text.h"

#define IAD_HTTP_MAX_HEADER_BYTES 65536 /* of all headers of an answer together */
#define IAD_HTTP_MAX_HEADERS 256

typedef struct iad_http iad_http;
typedef struct iad_http_jar iad_http_jar; /* cookies that some requests share */

/* How a request ended. Anything but NONE has no usable answer. */
typedef enum iad_http_error {
    IAD_HTTP_NONE = 0,
    IAD_HTTP_BAD_URL,  /* not http or https, or no URL */
    IAD_HTTP_DNS,      /* no such host, or the resolver failed */
    IAD_HTTP_CONNECT,  /* refused, unreachable, or the connection took too long */
    IAD_HTTP_TLS,      /* handshake or certificate */
    IAD_HTTP_TIMEOUT,  /* the total deadline */
    IAD_HTTP_SLOW,     /* less than the least speed for too long */
    IAD_HTTP_TOO_BIG,  /* more bytes than allowed, counted while they come, after decompression */
    IAD_HTTP_BROKEN,   /* connection lost, wrong length, not HTTP, bad compression */
    IAD_HTTP_ADDRESS,  /* an address that is not of the public internet */
    IAD_HTTP_REFUSED,  /* on_head said no */
    IAD_HTTP_CANCELLED,
    IAD_HTTP_INTERNAL, /* out of memory, a bug */
    IAD_HTTP_N_ERRORS
} iad_http_error;

typedef struct iad_http_header {
    const char *name, *value; /* as sent, without spaces around */
} iad_http_header;

/* Valid during the callback only, apart from what take functions hand over. */
typedef struct iad_http_answer {
    iad_http_error error;
    char message[256];     /* why, in words; empty for NONE */
    const char *url;       /* that was asked for */
    int status;            /* 200, 404 ...; 0 when none came */
    int version;           /* 10, 11, 20, 30 */
    const iad_http_header *headers;
    size_t n_headers;
    iad_buf *body;         /* empty with on_body; what came of it on errors */
    int64_t length;        /* Content-Length, -1 when not said */
    int64_t received;      /* body bytes, after decompression */
    double retry_after_s;  /* Retry-After, seconds from now, -1 when not said */
    double seconds;        /* from start to end */
    char address[64];      /* numeric, of the server (or proxy); "" when none was reached */
} iad_http_answer;

/* Value of the i-th header of that name (ASCII case ignored), NULL when there are fewer. */
const char *iad_http_header_get(const iad_http_answer *answer, const char *name, size_t i);

typedef struct iad_http_request {
    const char *method;         /* NULL: GET, or POST with a body */
    const char *url;
    const char *const *headers; /* "Name: value" */
    size_t n_headers;
    const void *body;           /* copied */
    size_t n_body;
    const char *user_agent;     /* NULL: the client's */
    iad_http_jar *jar;          /* NULL: no cookies */
    double connect_s, total_s;  /* 0: 10 and 60 */
    double stall_s;             /* so long below stall_bytes per second is an error; 0: 15 s; whole seconds */
    int64_t stall_bytes;        /* 0: 1024 */
    size_t max_bytes;           /* of the body; 0: 64 MiB */
    int decompress;             /* 1: ask for and undo compression; the cap counts what comes out */
    /* Once, when the headers are complete: not 0 ends the request before its body (IAD_HTTP_REFUSED). May be NULL. */
    int (*on_head)(void *user, const iad_http_answer *so_far);
    /* The body as it comes instead of collecting it (streams): not 0 ends the request. May be NULL. */
    int (*on_body)(void *user, const void *bytes, size_t n);
    /* Once, at the end, whatever happened. May start new requests. */
    void (*done)(void *user, const iad_http_answer *answer);
    void *user;
} iad_http_request;

typedef struct iad_http_options {
    const char *user_agent;          /* "name/version (+contact)"; required */
    int no_proxy;                    /* 1: ignore http_proxy, https_proxy, all_proxy, no_proxy */
    int allow_private;               /* 1: any address */
    const iad_strings *allow_hosts;  /* hosts whose address may be private; "*.name" for all below; NULL: none */
    const iad_strings *connect_to;   /* "HOST:PORT:ADDRESS:PORT" as curl --connect-to; empty HOST or PORT: any; NULL: none */
    const char *ca_file;             /* PEM; NULL: the system's */
    int insecure;                    /* 1: certificates are not checked */
    int max_idle;                    /* connections kept open for reuse; 0: 128 */
} iad_http_options;

/* Strings of the options are copied. Behind a proxy the address check sees the proxy only: then numeric private hosts are refused by their text,
 * and names are the proxy's business. Errors: IAD_ERR_ARG, IAD_ERR_NOMEM. */
iad_status iad_http_new(const iad_http_options *options, iad_http **http, iad_err *err);
/* Running requests end without a callback. */
void iad_http_free(iad_http *http);

iad_status iad_http_jar_new(iad_http_jar **jar, iad_err *err);
void iad_http_jar_free(iad_http_jar *jar); /* after all its requests */

/* What cannot be fetched (bad URL, refused host) is reported through done as well, at the next poll. Errors: IAD_ERR_ARG (line breaks in
 * a header), IAD_ERR_NOMEM. */
iad_status iad_http_start(iad_http *http, const iad_http_request *request, iad_err *err);
/* Ends all running requests with IAD_HTTP_CANCELLED (through done). */
void iad_http_cancel_all(iad_http *http);
size_t iad_http_active(const iad_http *http);

/* Waits up to timeout_ms for traffic, moves it, calls back. Errors: IAD_ERR_INTERNAL. */
iad_status iad_http_poll(iad_http *http, int timeout_ms, iad_err *err);
/* Ends a waiting poll; from any thread. */
void iad_http_wakeup(iad_http *http);

#endif
