/* Quotas as a service keeps them: requests and tokens within a sliding window, and requests at the same time. */
#ifndef IAD_TEST_ENDPOINTQUOTA_H
#define IAD_TEST_ENDPOINTQUOTA_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef struct iad_ep_quota {
    int64_t requests, tokens; /* within window_s; 0: no limit */
    int concurrency;          /* 0: no limit */
    double window_s;
    /* state */
    struct {
        double time;
        int64_t tokens;
    } * ring;
    size_t head, n, cap;
    int64_t sum;    /* tokens within the window */
    int64_t broken; /* requests that were refused: the violations */
    int running, most_running;
} iad_ep_quota;

typedef enum iad_ep_verdict { IAD_EP_WITHIN, IAD_EP_OVER_REQUESTS, IAD_EP_OVER_TOKENS, IAD_EP_OVER_CONCURRENCY } iad_ep_verdict;

/* Asks for one request of so many tokens at time `now` (seconds, never falling). WITHIN: it is counted and running until iad_ep_quota_end. */
iad_ep_verdict iad_ep_quota_ask(iad_ep_quota *quota, double now, int64_t tokens);
void iad_ep_quota_end(iad_ep_quota *quota);
/* Seconds until the oldest request leaves the window. */
double iad_ep_quota_wait(const iad_ep_quota *quota, double now);
void iad_ep_quota_deinit(iad_ep_quota *quota);

#endif
