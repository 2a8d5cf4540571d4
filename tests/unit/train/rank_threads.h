/* N ranks of one program as N threads of a test: a communicator over shared memory that copies between their buffers. */
#ifndef IAD_TEST_RANK_THREADS_H
#define IAD_TEST_RANK_THREADS_H

#include "tests/unit/iad_test.h"

#include <pthread.h>

#include "train/comm/comm.h"

enum { RT_MAX_WORLD = 8 };

typedef struct rt_world rt_world;

typedef struct rt_comm {
    iad_comm base;
    rt_world *shared;
} rt_comm;

struct rt_world {
    pthread_barrier_t gate;
    rt_comm ranks[RT_MAX_WORLD];
    const char *from[RT_MAX_WORLD];       /* what each rank sends */
    const size_t *from_at[RT_MAX_WORLD];
    void (*body)(iad_comm *comm, void *user);
    void *user;
};

static iad_status rt_all_to_all(iad_comm *comm, const void *send, const size_t *send_at, const size_t *send_bytes, void *recv, const size_t *recv_at,
                                const size_t *recv_bytes, iad_err *err) {
    rt_world *w = ((rt_comm *)comm)->shared;
    (void)send_bytes;
    (void)err;
    w->from[comm->rank] = send;
    w->from_at[comm->rank] = send_at;
    pthread_barrier_wait(&w->gate);
    for (int r = 0; r < comm->world; r++)
        if (recv_bytes[r]) memcpy((char *)recv + recv_at[r], w->from[r] + w->from_at[r][comm->rank], recv_bytes[r]);
    pthread_barrier_wait(&w->gate);
    return IAD_OK;
}

static iad_status rt_all_gather(iad_comm *comm, const void *mine, void *all, const size_t *at, const size_t *bytes, iad_err *err) {
    rt_world *w = ((rt_comm *)comm)->shared;
    (void)err;
    w->from[comm->rank] = mine;
    pthread_barrier_wait(&w->gate);
    for (int r = 0; r < comm->world; r++)
        if (bytes[r] && (char *)all + at[r] != w->from[r]) memcpy((char *)all + at[r], w->from[r], bytes[r]); /* mine may be in place */
    pthread_barrier_wait(&w->gate);
    return IAD_OK;
}

static iad_status rt_barrier(iad_comm *comm, iad_err *err) {
    (void)err;
    pthread_barrier_wait(&((rt_comm *)comm)->shared->gate);
    return IAD_OK;
}

static void rt_abort(iad_comm *comm, const char *message) { (void)comm, (void)message; }
static void rt_close(iad_comm *comm) { (void)comm; }

static const iad_comm_ops rt_ops = {
    .name = "threads", .all_to_all = rt_all_to_all, .all_gather = rt_all_gather, .barrier = rt_barrier, .abort = rt_abort, .close = rt_close,
};

static void *rt_start(void *rank) {
    rt_comm *c = rank;
    c->shared->body(&c->base, c->shared->user);
    return NULL;
}

/* Runs body on `world` ranks; each must make the same calls. A failing assertion of cmocka may only happen on rank 0 or outside. */
static inline void rt_run(int world, void (*body)(iad_comm *comm, void *user), void *user) {
    rt_world w = {.body = body, .user = user};
    pthread_t threads[RT_MAX_WORLD];
    assert_int_equal(0, pthread_barrier_init(&w.gate, NULL, (unsigned)world));
    for (int r = 0; r < world; r++)
        w.ranks[r] = (rt_comm){.base = {.ops = &rt_ops, .rank = r, .world = world, .local_rank = r, .deadline = 60}, .shared = &w};
    for (int r = 1; r < world; r++) assert_int_equal(0, pthread_create(&threads[r], NULL, rt_start, &w.ranks[r]));
    rt_start(&w.ranks[0]);
    for (int r = 1; r < world; r++) pthread_join(threads[r], NULL);
    pthread_barrier_destroy(&w.gate);
}

#endif
