/* How long to wait before a request is repeated. */
#ifndef IAD_CRAWL_BACKOFF_H
#define IAD_CRAWL_BACKOFF_H

#include "base/rng.h"
#include "crawl/outcome.h"

#define IAD_BACKOFF_CAP 60.0             /* seconds */
#define IAD_RETRY_AFTER_MAX 3600.0       /* of a server's Retry-After that is honoured */

/* Tries that an outcome is worth in all: 1 for what will not change (4xx ...), `most` for trouble that passes, 2 for names that do not
 * resolve. */
int iad_backoff_tries(iad_outcome outcome, int most);

/* Seconds to wait after the tries-th failure (1, 2 ...): what the server asked for (retry_after >= 0, at most IAD_RETRY_AFTER_MAX), else full
 * jitter, uniform in 0 .. min(cap, base * 2^(tries-1)) (Brooker, "Exponential Backoff and Jitter", 2015); five times the base for 429. */
double iad_backoff_wait(iad_outcome outcome, int tries, double base, double retry_after, iad_rng *rng);

#endif
