/* The loopback web's server: libmicrohttpd in one thread that also draws the pictures. Loopback addresses only. */
#ifndef IAD_TEST_WEBSERVER_H
#define IAD_TEST_WEBSERVER_H

#include <stdio.h>

#include "base/text.h"
#include "tests/web/webplan.h"

typedef struct iad_web_options {
    iad_web_plan plan; /* its products, ports and so on are filled in by iad_web_new */
    int port;          /* 0: any */
    int tls;           /* 1: also a port with TLS and a certificate made at start */
    FILE *log;         /* NULL: none */
    int latency_ms;    /* before every picture */
    int patience_s;    /* how long stalled and hanging answers are held before the connection closes */
    size_t cache_bytes;
    const iad_strings *blocks; /* "ENGINE:HOW:FROM:COUNT": requests FROM (0 is the first) .. FROM + COUNT - 1 of an engine are refused. HOW: captcha
                                * (200 and a page), 429 (Retry-After: 2), 503, antiflag (Baidu's JSON), wappass (302), html, cut, close */
} iad_web_options;

typedef struct iad_web iad_web;

/* Opens the ports: options->port for host 0 and, when the pattern is empty, one for each further host; 127.0.0.1 and, where there is one, ::1.
 * Errors: IAD_ERR_IO (a port), IAD_ERR_ARG (a block), IAD_ERR_NOMEM. */
iad_status iad_web_new(const iad_web_options *options, iad_web **web, iad_err *err);
void iad_web_free(iad_web *web);

const iad_web_plan *iad_web_plan_of(const iad_web *web);

/* Draws every picture once. Errors: those of drawing. */
iad_status iad_web_warm(iad_web *web, iad_err *err);

/* Answers until stop_fd can be read (-1: never) or `seconds` have passed. Errors: IAD_ERR_IO. */
iad_status iad_web_run(iad_web *web, int stop_fd, double seconds, iad_err *err);

#endif
