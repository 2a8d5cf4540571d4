#include "tests/endpoint/endpointquota.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

static void forget(iad_ep_quota *quota, double now) {
    while (quota->n && quota->ring[quota->head].time <= now - quota->window_s) {
        quota->sum -= quota->ring[quota->head].tokens;
        quota->head = (quota->head + 1) % quota->cap;
        quota->n--;
    }
}

static int room(iad_ep_quota *quota) {
    if (quota->n < quota->cap) return 1;
    const size_t cap = quota->cap ? 2 * quota->cap : 1024;
    void *block = cap <= (size_t)1 << 24 ? iad_alloc(cap, sizeof *quota->ring) : NULL;
    if (!block) return 0;
    for (size_t i = 0; i < quota->n; i++)
        memcpy((char *)block + i * sizeof *quota->ring, &quota->ring[(quota->head + i) % quota->cap], sizeof *quota->ring);
    free(quota->ring);
    quota->ring = block;
    quota->head = 0;
    quota->cap = cap;
    return 1;
}

iad_ep_verdict iad_ep_quota_ask(iad_ep_quota *quota, double now, int64_t tokens) {
    iad_ep_verdict verdict = IAD_EP_WITHIN;
    forget(quota, now);
    if (quota->concurrency && quota->running >= quota->concurrency)
        verdict = IAD_EP_OVER_CONCURRENCY;
    else if (!room(quota) || (quota->requests && (int64_t)quota->n >= quota->requests))
        verdict = IAD_EP_OVER_REQUESTS;
    else if (quota->tokens && quota->sum + tokens > quota->tokens)
        verdict = IAD_EP_OVER_TOKENS;
    if (verdict != IAD_EP_WITHIN) {
        quota->broken++;
        return verdict;
    }
    const size_t at = (quota->head + quota->n++) % quota->cap;
    quota->ring[at].time = now;
    quota->ring[at].tokens = tokens;
    quota->sum += tokens;
    if (++quota->running > quota->most_running) quota->most_running = quota->running;
    return verdict;
}

void iad_ep_quota_end(iad_ep_quota *quota) { quota->running--; }

double iad_ep_quota_wait(const iad_ep_quota *quota, double now) {
    const double wait = quota->n ? quota->ring[quota->head].time + quota->window_s - now : 0;
    return wait > 0 ? wait : 0;
}

void iad_ep_quota_deinit(iad_ep_quota *quota) { free(quota->ring); }
