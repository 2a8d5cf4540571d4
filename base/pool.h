/* Parallel work with a bounded queue and results in order.
 *
 * iad_pool_run is what every data tool needs: workers do the heavy part of items 0..n-1 in any order, the calling thread
 * consumes the results strictly in the order of the items (so that output does not depend on threads), at most `ahead` items
 * are in flight (so that memory is bounded). */
#ifndef IAD_BASE_POOL_H
#define IAD_BASE_POOL_H

#include <stdatomic.h>
#include <stddef.h>

#include "base/status.h"

typedef struct iad_pool_job {
    /* Runs on a worker: computes item i into *result (slot of result_size bytes, zeroed). `thread` is 0..threads-1.
     * A failure is kept and handed to emit. */
    iad_status (*work)(void *user, size_t item, int thread, void *result, iad_err *err);
    /* Runs on the calling thread, in order. `status` and `item_err` say how work ended. A failure stops everything. */
    iad_status (*emit)(void *user, size_t item, void *result, iad_status status, const iad_err *item_err, iad_err *err);
    /* Frees what a result holds; called once for every result that was produced, after emit or instead of it. May be NULL. */
    void (*drop)(void *user, void *result);
    void *user;
    size_t result_size;
} iad_pool_job;

/* threads 1..256 (1: everything on the calling thread); ahead 0 means 4 * threads. stop (may be NULL) is polled: when it becomes
 * non-zero no new item starts, finished ones are emitted in order, and IAD_ERR_INTERRUPTED is returned.
 * On an emit failure that status is returned. */
iad_status iad_pool_run(const iad_pool_job *job, size_t n, int threads, size_t ahead, const atomic_int *stop, iad_err *err);

/* Calls fn(user, i, thread) for i in 0..n-1 on `threads` threads, chunked dynamically; order undefined; fn cannot fail. */
void iad_parallel_for(size_t n, int threads, void (*fn)(void *user, size_t i, int thread), void *user);

/* Processors this process may run on (affinity respected), at least 1, at most 256. */
int iad_cpu_count(void);

#endif
