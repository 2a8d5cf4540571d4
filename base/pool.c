#include "base/pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"

#define MAX_THREADS 256

int iad_cpu_count(void) {
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : (int)sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : n > MAX_THREADS ? MAX_THREADS : n;
}

/* ---- ordered run ----
 *
 * A ring of `ahead` slots. Item i lives in slot i % ahead from the moment a worker takes it until it was emitted; workers
 * wait while next_item - next_emit == ahead, the emitting thread waits for the state of its slot to become done. */

typedef struct pool_slot {
    int done;
    iad_status status;
    iad_err err;
} pool_slot;

typedef struct pool {
    const iad_pool_job *job;
    size_t n, ahead;
    pthread_mutex_t lock;
    pthread_cond_t room, ready;
    size_t next_item, next_emit;
    int cancel; /* no new items */
    pool_slot *slots;
    unsigned char *results;
} pool;

typedef struct pool_worker {
    pool *p;
    int thread;
} pool_worker;

static void *slot_result(const pool *p, size_t item) { return p->results + item % p->ahead * p->job->result_size; }

static void *worker_main(void *user) {
    pool_worker *w = user;
    pool *p = w->p;
    pthread_mutex_lock(&p->lock);
    for (;;) {
        while (!p->cancel && p->next_item < p->n && p->next_item - p->next_emit >= p->ahead) pthread_cond_wait(&p->room, &p->lock);
        if (p->cancel || p->next_item >= p->n) break;
        size_t item = p->next_item++;
        pthread_mutex_unlock(&p->lock);

        pool_slot *slot = &p->slots[item % p->ahead];
        slot->err = IAD_ERR_NONE;
        memset(slot_result(p, item), 0, p->job->result_size);
        slot->status = p->job->work(p->job->user, item, w->thread, slot_result(p, item), &slot->err);

        pthread_mutex_lock(&p->lock);
        slot->done = 1;
        if (item == p->next_emit) pthread_cond_signal(&p->ready);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

static void drop(const iad_pool_job *job, void *result) {
    if (job->drop) job->drop(job->user, result);
}

static int asked_to_stop(const atomic_int *stop) { return stop && atomic_load(stop); }

static iad_status interrupted(iad_err *err) { return IAD_FAIL(err, IAD_ERR_INTERRUPTED, "interrupted"); }

/* Emits in order until the end, a failure, or a stop. Called with the lock held. */
static iad_status emit_all(pool *p, const atomic_int *stop, iad_err *err) {
    const iad_pool_job *job = p->job;
    while (p->next_emit < p->n) {
        if (asked_to_stop(stop)) p->cancel = 1;
        if (p->cancel && p->next_emit >= p->next_item) return interrupted(err);
        size_t item = p->next_emit;
        pool_slot *slot = &p->slots[item % p->ahead];
        while (!slot->done && !(p->cancel && item >= p->next_item)) {
            pthread_cond_wait(&p->ready, &p->lock);
        }
        if (!slot->done) return interrupted(err);
        pthread_mutex_unlock(&p->lock);
        iad_status status = job->emit(job->user, item, slot_result(p, item), slot->status, &slot->err, err);
        drop(job, slot_result(p, item));
        pthread_mutex_lock(&p->lock);
        slot->done = 0;
        p->next_emit++;
        pthread_cond_signal(&p->room);
        if (status != IAD_OK) {
            p->cancel = 1;
            return status;
        }
    }
    return IAD_OK;
}

static iad_status run_alone(const iad_pool_job *job, size_t n, const atomic_int *stop, iad_err *err) {
    void *result = iad_calloc(1, job->result_size);
    if (!result) return IAD_NOMEM(err, "a work item");
    iad_status status = IAD_OK;
    for (size_t i = 0; i < n && status == IAD_OK; i++) {
        if (asked_to_stop(stop)) {
            status = interrupted(err);
            break;
        }
        iad_err item_err = IAD_ERR_NONE;
        memset(result, 0, job->result_size);
        iad_status item_status = job->work(job->user, i, 0, result, &item_err);
        status = job->emit(job->user, i, result, item_status, &item_err, err);
        drop(job, result);
    }
    free(result);
    return status;
}

iad_status iad_pool_run(const iad_pool_job *job, size_t n, int threads, size_t ahead, const atomic_int *stop, iad_err *err) {
    if (threads < 1 || threads > MAX_THREADS) return IAD_FAIL(err, IAD_ERR_ARG, "threads: %d is outside 1..%d", threads, MAX_THREADS);
    if (ahead == 0) ahead = 4 * (size_t)threads;
    if (threads == 1 || n < 2) return run_alone(job, n, stop, err);

    pool p = {.job = job, .n = n, .ahead = ahead};
    pthread_t ids[MAX_THREADS];
    pool_worker workers[MAX_THREADS];
    int started = 0;
    p.slots = iad_calloc(ahead, sizeof *p.slots);
    p.results = iad_calloc(ahead, job->result_size);
    if (!p.slots || !p.results) {
        free(p.slots);
        free(p.results);
        return IAD_NOMEM(err, "the work queue");
    }
    pthread_mutex_init(&p.lock, NULL);
    pthread_cond_init(&p.room, NULL);
    pthread_cond_init(&p.ready, NULL);
    for (; started < threads; started++) {
        workers[started] = (pool_worker){&p, started};
        if (pthread_create(&ids[started], NULL, worker_main, &workers[started]) != 0) break;
    }
    iad_status status;
    if (started == 0) {
        status = run_alone(job, n, stop, err);
    } else {
        pthread_mutex_lock(&p.lock);
        status = emit_all(&p, stop, err);
        p.cancel = 1;
        pthread_cond_broadcast(&p.room);
        pthread_mutex_unlock(&p.lock);
    }
    for (int i = 0; i < started; i++) pthread_join(ids[i], NULL);
    for (size_t item = p.next_emit; started && item < p.next_item; item++)
        if (p.slots[item % ahead].done) drop(job, slot_result(&p, item));
    pthread_cond_destroy(&p.ready);
    pthread_cond_destroy(&p.room);
    pthread_mutex_destroy(&p.lock);
    free(p.results);
    free(p.slots);
    return status;
}

/* ---- unordered loop ---- */

typedef struct loop {
    atomic_size_t next;
    size_t n, chunk;
    void (*fn)(void *user, size_t i, int thread);
    void *user;
} loop;

typedef struct loop_worker {
    loop *l;
    int thread;
} loop_worker;

static void *loop_main(void *user) {
    loop_worker *w = user;
    loop *l = w->l;
    for (;;) {
        size_t from = atomic_fetch_add(&l->next, l->chunk);
        if (from >= l->n) return NULL;
        size_t to = l->n - from < l->chunk ? l->n : from + l->chunk;
        for (size_t i = from; i < to; i++) l->fn(l->user, i, w->thread);
    }
}

void iad_parallel_for(size_t n, int threads, void (*fn)(void *user, size_t i, int thread), void *user) {
    if (threads > MAX_THREADS) threads = MAX_THREADS;
    if (threads < 1) threads = 1;
    loop l = {.n = n, .fn = fn, .user = user, .chunk = n / ((size_t)threads * 8) + 1};
    atomic_init(&l.next, 0);
    pthread_t ids[MAX_THREADS];
    loop_worker workers[MAX_THREADS];
    int started = 1;
    workers[0] = (loop_worker){&l, 0};
    for (; started < threads && (size_t)started < n; started++) {
        workers[started] = (loop_worker){&l, started};
        if (pthread_create(&ids[started], NULL, loop_main, &workers[started]) != 0) break;
    }
    loop_main(&workers[0]);
    for (int i = 1; i < started; i++) pthread_join(ids[i], NULL);
}
