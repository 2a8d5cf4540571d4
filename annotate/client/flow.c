#include "annotate/client/flow.h"

#include <string.h>

#define SAFETY 0.97 /* of a quota: requests that leave evenly may arrive in a bunch */

static double capacity(double per_minute) {
    double cap = per_minute / 60 / 20;
    return cap < 2 ? 2 : cap;
}

/* Per second, so that capacity + 60 s of it stay below the quota. */
static double rate(double per_minute, double largest, double factor) {
    double left = per_minute * SAFETY - capacity(per_minute) - largest;
    return (left < 0.1 ? 0.1 : left) / 60 * factor;
}

void iad_flow_init(iad_flow *flow, const iad_flow_options *options, double now) {
    memset(flow, 0, sizeof *flow);
    flow->o = *options;
    flow->requests = 1; /* not more: nothing is saved up before the run */
    flow->now = now;
    flow->factor = options->ramp_s > 0 ? 0.1 : 1;
    flow->limit = options->concurrency < 4 ? options->concurrency : 4;
    flow->slow_start = 1;
    flow->paused_until = now;
}

static void advance(iad_flow *f, double now) {
    double dt = now - f->now;
    if (dt <= 0) return;
    f->now = now;
    f->requests += dt * rate(f->o.rpm, 0, f->factor);
    f->tokens += dt * rate(f->o.tpm, f->largest, f->factor);
    if (f->requests > capacity(f->o.rpm)) f->requests = capacity(f->o.rpm);
    if (f->tokens > capacity(f->o.tpm)) f->tokens = capacity(f->o.tpm);
    f->factor += f->o.ramp_s > 0 ? dt / f->o.ramp_s : dt / 30;
    if (f->factor > 1) f->factor = 1;
}

double iad_flow_wait(iad_flow *f, double now) {
    double wait = 0;
    advance(f, now);
    if (f->open >= (int)f->limit) return -1;
    if (f->paused_until > now) wait = f->paused_until - now;
    if (f->o.rpm > 0 && f->requests < 1) {
        double w = (1 - f->requests) / rate(f->o.rpm, 0, f->factor);
        if (w > wait) wait = w;
    }
    /* A debt is paid before the next request begins, so a request may be larger than the bucket. */
    if (f->o.tpm > 0 && f->tokens < 0) {
        double w = -f->tokens / rate(f->o.tpm, f->largest, f->factor);
        if (w > wait) wait = w;
    }
    return wait;
}

void iad_flow_start(iad_flow *f, double tokens, double now) {
    advance(f, now);
    f->open++;
    if (tokens > f->largest) f->largest = tokens;
    f->requests -= 1;
    f->tokens -= tokens;
}

void iad_flow_end(iad_flow *f, double foreseen, double used, iad_lvlm_class c, double retry_after, double now) {
    advance(f, now);
    f->open--;
    f->tokens += foreseen - used;
    if (c == IAD_LVLM_OK) {
        f->limit += f->slow_start ? 1 : ++f->successes % 20 == 0;
        if (f->limit > f->o.concurrency) f->limit = f->o.concurrency;
    } else if (c == IAD_LVLM_RATE || c == IAD_LVLM_BURST) {
        f->slow_start = 0;
        f->limit = f->limit / 2 < 1 ? 1 : f->limit / 2;
        f->factor *= c == IAD_LVLM_BURST ? 0.5 : 0.67;
        if (f->factor < 0.02) f->factor = 0.02;
        if (retry_after > 300) retry_after = 300;
        if (retry_after > 0 && now + retry_after > f->paused_until) f->paused_until = now + retry_after;
    }
}
