#include "train/comm/comm_loopback.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/text.h"

typedef enum call_kind { TO_ALL, GATHER, BARRIER } call_kind;

static const char *const call_names[] = {"all_to_all", "all_gather", "barrier"};

/* What a rank shows the others while all of them are in a call. */
typedef struct shown {
    call_kind kind;
    const char *from;
    const size_t *at, *bytes; /* all_to_all: per receiver */
    size_t n;                 /* all_gather: size of the one block */
} shown;

typedef struct loop_rank {
    iad_comm base;
    iad_loopback *loop;
    shown shown;
    int here;    /* in the call that is being gathered for */
    int closed;
    int heard;   /* rank whose message ended this one, -1 */
    char why[600];
} loop_rank;

struct iad_loopback {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    int world;
    int n_here;          /* ranks that have come to the call */
    int n_copying;       /* ranks that have not yet taken what they need from the others */
    uint64_t call;       /* calls that everybody has come to */
    struct timespec last; /* when a rank last came */
    int who;             /* who gave up first, -1 */
    int lost;            /* 1: some rank failed, so nobody can be waited for any more */
    char message[400];   /* of who, or what was lost */
    loop_rank ranks[];
};

static struct timespec now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t;
}

/* With the lock held. */
static iad_status broken(loop_rank *c, call_kind kind, iad_err *err) {
    iad_loopback *l = c->loop;
    if (!c->base.broken) {
        if (l->who >= 0 && l->who != c->base.rank) {
            c->heard = l->who;
            snprintf(c->why, sizeof c->why, "%s: rank %d gave up: %s", call_names[kind], l->who, l->message);
        } else {
            snprintf(c->why, sizeof c->why, "%s: %s", call_names[kind], l->message);
        }
    }
    c->base.broken = 1;
    return IAD_FAIL(err, IAD_ERR_IO, "%s", c->why);
}

static void lose(iad_loopback *l, const char *message) {
    if (!l->lost && l->who < 0) iad_text_copy(l->message, sizeof l->message, message);
    l->lost = 1;
    pthread_cond_broadcast(&l->moved);
}

/* The first rank that is not in the call; closed ones before others: they are never going to come. */
static int missing(const iad_loopback *l) {
    for (int r = 0; r < l->world; r++)
        if (!l->ranks[r].here && l->ranks[r].closed) return r;
    for (int r = 0; r < l->world; r++)
        if (!l->ranks[r].here) return r;
    return 0;
}

/* Waits until all ranks are in the call; with the lock held. Who came is never left: once all are here every rank copies, whatever breaks. */
static iad_status come(loop_rank *c, call_kind kind, iad_err *err) {
    iad_loopback *l = c->loop;
    char text[200];
    if (c->base.broken) return IAD_FAIL(err, IAD_ERR_IO, "%s after a failure: %s", call_names[kind], c->why);
    if (l->lost) return broken(c, kind, err);
    const uint64_t call = l->call;
    c->here = 1;
    l->last = now();
    if (++l->n_here == l->world) {
        l->n_here = 0;
        l->n_copying = l->world;
        l->call++;
        for (int r = 0; r < l->world; r++) l->ranks[r].here = 0;
        pthread_cond_broadcast(&l->moved);
        return IAD_OK;
    }
    while (l->call == call && !l->lost) {
        int absent = missing(l), rank = c->base.rank;
        if (l->ranks[absent].closed) {
            snprintf(text, sizeof text, "rank %d has ended, rank %d still waits for it", absent, rank);
            lose(l, text);
            break;
        }
        const double whole = (double)(int64_t)c->base.deadline;
        struct timespec until = l->last;
        until.tv_sec += (time_t)whole;
        until.tv_nsec += (long)((c->base.deadline - whole) * 1e9);
        if (until.tv_nsec >= 1000000000) until.tv_nsec -= 1000000000, until.tv_sec++;
        if (pthread_cond_timedwait(&l->moved, &l->lock, &until) != ETIMEDOUT || l->call != call || l->lost) continue;
        struct timespec t = now();
        if ((double)(t.tv_sec - l->last.tv_sec) + 1e-9 * (double)(t.tv_nsec - l->last.tv_nsec) < c->base.deadline) continue; /* one has come since */
        snprintf(text, sizeof text, "rank %d did not answer rank %d for %.3g seconds", missing(l), rank, c->base.deadline);
        lose(l, text);
    }
    return l->call == call ? broken(c, kind, err) : IAD_OK;
}

/* Nobody leaves while another still reads from its buffers. The copies wait for nothing, so neither does this need a deadline. */
static void part(iad_loopback *l, uint64_t call) {
    if (--l->n_copying == 0) pthread_cond_broadcast(&l->moved);
    while (l->n_copying > 0 && l->call == call) pthread_cond_wait(&l->moved, &l->lock);
}

/* recv_at and recv_bytes per sender. */
static iad_status exchange(loop_rank *c, const shown *mine, char *recv, const size_t *recv_at, const size_t *recv_bytes, iad_err *err) {
    iad_loopback *l = c->loop;
    const int rank = c->base.rank;
    char text[200] = "";
    pthread_mutex_lock(&l->lock);
    c->shown = *mine;
    iad_status status = come(c, mine->kind, err);
    const uint64_t call = l->call;
    pthread_mutex_unlock(&l->lock);
    if (status != IAD_OK) return status;
    for (int r = 0; r < l->world && !*text; r++) {
        const shown *s = &l->ranks[r].shown;
        size_t n = s->kind == TO_ALL ? s->bytes[rank] : s->n;
        if (s->kind != mine->kind)
            snprintf(text, sizeof text, "rank %d is in %s, rank %d in %s", r < rank ? r : rank, call_names[r < rank ? s->kind : mine->kind],
                     r < rank ? rank : r, call_names[r < rank ? mine->kind : s->kind]);
        else if (mine->kind != BARRIER && n != recv_bytes[r])
            snprintf(text, sizeof text, "rank %d sent %zu bytes where %zu were expected", r, n, recv_bytes[r]);
    }
    for (int r = 0; r < l->world && !*text && mine->kind != BARRIER; r++) {
        const shown *s = &l->ranks[r].shown;
        if (recv_bytes[r] == 0) continue;
        const char *from = s->from + (s->kind == TO_ALL ? s->at[rank] : 0);
        if (from == recv + recv_at[r]) continue; /* in place */
        if (r == rank) memmove(recv + recv_at[r], from, recv_bytes[r]);
        else memcpy(recv + recv_at[r], from, recv_bytes[r]);
    }
    pthread_mutex_lock(&l->lock);
    if (*text) lose(l, text);
    part(l, call);
    if (*text) status = broken(c, mine->kind, err);
    pthread_mutex_unlock(&l->lock);
    return status;
}

static iad_status loop_all_to_all(iad_comm *comm, const void *send, const size_t *send_at, const size_t *send_bytes, void *recv,
                                  const size_t *recv_at, const size_t *recv_bytes, iad_err *err) {
    IAD_TRY(iad_comm_check_own(comm, send_bytes, recv_bytes, err));
    const shown mine = {.kind = TO_ALL, .from = send, .at = send_at, .bytes = send_bytes};
    return exchange((loop_rank *)comm, &mine, recv, recv_at, recv_bytes, err);
}

static iad_status loop_all_gather(iad_comm *comm, const void *mine, void *all, const size_t *at, const size_t *bytes, iad_err *err) {
    const shown block = {.kind = GATHER, .from = mine, .n = bytes[comm->rank]};
    return exchange((loop_rank *)comm, &block, all, at, bytes, err);
}

static iad_status loop_barrier(iad_comm *comm, iad_err *err) {
    const shown nothing = {.kind = BARRIER};
    return exchange((loop_rank *)comm, &nothing, NULL, NULL, NULL, err);
}

static void loop_give_up(iad_comm *comm, const char *message) {
    loop_rank *c = (loop_rank *)comm;
    iad_loopback *l = c->loop;
    pthread_mutex_lock(&l->lock);
    if (!comm->broken) snprintf(c->why, sizeof c->why, "this rank gave up: %.400s", message);
    if (l->who < 0 && c->heard < 0 && !l->lost) {
        l->who = comm->rank;
        iad_text_copy(l->message, sizeof l->message, message);
    }
    comm->broken = 1;
    l->lost = 1;
    pthread_cond_broadcast(&l->moved);
    pthread_mutex_unlock(&l->lock);
}

static void loop_close(iad_comm *comm) {
    loop_rank *c = (loop_rank *)comm;
    pthread_mutex_lock(&c->loop->lock);
    c->closed = 1;
    pthread_cond_broadcast(&c->loop->moved);
    pthread_mutex_unlock(&c->loop->lock);
}

static const iad_comm_ops loop_ops = {
    .name = "loopback", .all_to_all = loop_all_to_all, .all_gather = loop_all_gather, .barrier = loop_barrier, .abort = loop_give_up,
    .close = loop_close,
};

iad_status iad_loopback_new(int world, double deadline, iad_loopback **loopback, iad_err *err) {
    *loopback = NULL;
    if (world < 1 || world > IAD_LOOPBACK_MAX_WORLD)
        return IAD_FAIL(err, IAD_ERR_LIMIT, "loopback has 1 to %d ranks, not %d", (int)IAD_LOOPBACK_MAX_WORLD, world);
    if (!(deadline >= 0)) return IAD_FAIL(err, IAD_ERR_ARG, "a deadline of %g seconds", deadline);
    if (deadline == 0) deadline = IAD_COMM_DEADLINE;
    iad_loopback *l = iad_calloc(1, sizeof *l + (size_t)world * sizeof *l->ranks);
    if (!l) return IAD_NOMEM(err, "a communicator");
    pthread_condattr_t steady;
    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
    pthread_cond_init(&l->moved, &steady);
    pthread_condattr_destroy(&steady);
    pthread_mutex_init(&l->lock, NULL);
    l->world = world, l->who = -1;
    for (int r = 0; r < world; r++)
        l->ranks[r] = (loop_rank){
            .base = {.ops = &loop_ops, .rank = r, .world = world, .local_rank = r, .deadline = deadline}, .loop = l, .heard = -1};
    *loopback = l;
    return IAD_OK;
}

void iad_loopback_free(iad_loopback *l) {
    if (!l) return;
    pthread_cond_destroy(&l->moved);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

iad_comm *iad_loopback_get(iad_loopback *l, int rank) { return &l->ranks[rank].base; }

int iad_loopback_heard(const iad_loopback *l, int rank) { return l->ranks[rank].heard; }

iad_status iad_loopback_parse(const char *text, int *world, iad_err *err) {
    static const char prefix[] = "loopback:";
    int64_t n = 0;
    if (strncmp(text, prefix, sizeof prefix - 1) != 0)
        return IAD_FAIL(err, IAD_ERR_FORMAT, "--comm: \"%.100s\" is neither loopback:N nor nccl:FILE", text);
    IAD_TRY(iad_parse_i64(text + sizeof prefix - 1, 1, IAD_LOOPBACK_MAX_WORLD, "--comm loopback", &n, err));
    *world = (int)n;
    return IAD_OK;
}
