#include "crawl/polite/backoff.h"

int iad_backoff_tries(iad_outcome outcome, int most) {
    if (!iad_outcome_transient(outcome)) return 1;
    return outcome == IAD_OUT_DNS && most > 2 ? 2 : most;
}

double iad_backoff_wait(iad_outcome outcome, int tries, double base, double retry_after, iad_rng *rng) {
    if (retry_after >= 0) return retry_after < IAD_RETRY_AFTER_MAX ? retry_after : IAD_RETRY_AFTER_MAX;
    double most = outcome == IAD_OUT_HTTP_429 ? 5 * base : base;
    for (int i = 1; i < tries && most < IAD_BACKOFF_CAP; i++) most *= 2;
    return iad_rng_range(rng, 0, most < IAD_BACKOFF_CAP ? most : IAD_BACKOFF_CAP);
}
