/* How the HTTP client waits: libcurl says which sockets and which clock it waits for, the kernel keeps the list. So a turn costs what happens in it,
 * not what is open. */
#ifndef IAD_BASE_HTTPLOOP_H
#define IAD_BASE_HTTPLOOP_H

#include <curl/curl.h>

#include "base/status.h"

typedef struct iad_http_loop {
    CURLM *multi; /* borrowed */
    int epoll, event; /* descriptors; event ends a wait */
    double due;   /* iad_clock() at which libcurl wants a turn; -1: not at all */
} iad_http_loop;

/* loop must stay where it is while `multi` lives. Errors: IAD_ERR_IO (no descriptors left). */
iad_status iad_http_loop_init(iad_http_loop *loop, CURLM *multi, iad_err *err);
void iad_http_loop_deinit(iad_http_loop *loop);

/* What is due by the clock, requests that were just started among it. Errors: IAD_ERR_INTERNAL. */
iad_status iad_http_loop_due(iad_http_loop *loop, iad_err *err);
/* Waits up to timeout_ms for traffic, the clock or iad_http_loop_wake, and moves what came. Errors: IAD_ERR_INTERNAL. */
iad_status iad_http_loop_wait(iad_http_loop *loop, int timeout_ms, iad_err *err);
/* From any thread. */
void iad_http_loop_wake(iad_http_loop *loop);

#endif
