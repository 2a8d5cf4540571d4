/* How fast to ask: two token buckets (requests, tokens), a ramp, and a limit of open requests that grows by ones and halves. Times are seconds of any
 * clock that only goes forward; nothing here reads one. */
#ifndef IAD_ANNOTATE_FLOW_H
#define IAD_ANNOTATE_FLOW_H

#include <stdint.h>

#include "annotate/client/lvlmerror.h"

typedef struct iad_flow_options {
    double rpm, tpm; /* quotas per minute; 0: none */
    double ramp_s;   /* from a tenth of the quota to all of it; 0: at once */
    int concurrency; /* most open requests */
} iad_flow_options;

typedef struct iad_flow {
    iad_flow_options o;
    double requests, tokens; /* what the buckets hold; tokens may be negative: a debt */
    double largest;          /* request so far, in tokens: it may overdraw its bucket by that much */
    double now, factor;      /* share of the quotas in use, 0.02..1 */
    double limit;            /* of open requests */
    double paused_until;
    int open, slow_start, successes;
} iad_flow;

void iad_flow_init(iad_flow *flow, const iad_flow_options *options, double now);
/* Seconds until a request may begin; 0: now. Negative: when another one ends. A bucket holds a twentieth of
 * a second's share (at least two requests), and fills a little slower than the quota, so that no minute, wherever it begins, holds more than the
 * quota. */
double iad_flow_wait(iad_flow *flow, double now);
void iad_flow_start(iad_flow *flow, double tokens, double now);
/* foreseen: as given to start; used: tokens that the server counted, 0 when it refused the request (its tokens come back).
 * Success: slow start adds one to the limit each, later one per 20. Rate: halves the limit and takes a third of the rate; burst: half of it. */
void iad_flow_end(iad_flow *flow, double foreseen, double used, iad_lvlm_class c, double retry_after, double now);

#endif
