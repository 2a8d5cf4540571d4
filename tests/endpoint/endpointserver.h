/* The scripted endpoint's server: libmicrohttpd in one thread. Loopback only. */
#ifndef IAD_TEST_ENDPOINTSERVER_H
#define IAD_TEST_ENDPOINTSERVER_H

#include <stdio.h>

#include "tests/endpoint/endpointbatch.h"
#include "tests/endpoint/endpointquota.h"

typedef struct iad_ep_options {
    int port;        /* 0: any */
    const char *key; /* NULL: none is asked for. Never written anywhere */
    iad_ep_rules rules;
    iad_ep_script script;
    iad_ep_quota quota;                  /* its limits; state all zero */
    int limit_headers;                   /* 1: x-ratelimit-* on every answer, Retry-After when a quota is exceeded */
    int latency_ms, slow_ms, patience_s; /* before every answer; how long a slow one takes; how long a stalled one is held */
    double batch_s;
    const iad_strings *batch_ends;
    FILE *log, *ledger; /* NULL: none */
} iad_ep_options;

typedef struct iad_ep iad_ep;

/* Errors: IAD_ERR_IO (port), IAD_ERR_NOMEM. */
iad_status iad_ep_new(const iad_ep_options *options, iad_ep **ep, iad_err *err);
void iad_ep_free(iad_ep *ep);
int iad_ep_port(const iad_ep *ep);
/* Answers until stop_fd can be read or `seconds` have passed. Errors: IAD_ERR_IO. */
iad_status iad_ep_run(iad_ep *ep, int stop_fd, double seconds, iad_err *err);
/* "requests=... answers=..." of everything so far, one line. */
void iad_ep_summary(const iad_ep *ep, char *out, size_t size);

#endif
