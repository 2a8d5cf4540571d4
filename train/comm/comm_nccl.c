#include "train/comm/comm_nccl.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/progress.h"
#include "base/text.h"
#include "train/comm/commmodule.h"
#include "train/comm/ncclmeet.h"

/* How often a waiting rank looks whether another has left a message, seconds: it is a look at a shared disk. */
#define LOOK 0.25
/* The longest sleep between two questions to NCCL, seconds. */
#define REST 0.001

typedef struct nccl_comm {
    iad_comm base;
    const iad_nccl_table *nccl;
    void *state;
    iad_nccl_ticket ticket;
    char meet[IAD_PATH_MAX];
    size_t *tables;      /* [4][world] of a gather or barrier */
    unsigned char *byte; /* [world] of a barrier */
    uint64_t issued, finished; /* calls */
    const char *last;    /* name of the last finished one */
    int heard;           /* 1: another rank's message ended this one */
    char why[IAD_NCCL_TEXT + 400];
} nccl_comm;

/* What was under way goes into the message: who reads it sees which call of which rank hung. */
static iad_status broken(nccl_comm *c, const char *call, const char *what, iad_err *err) {
    if (!c->base.broken) {
        snprintf(c->why, sizeof c->why, "%s: %.420s (rank %d of %d: call %" PRIu64 " issued, %" PRIu64 " finished, the last one %s)", call, what,
                 c->base.rank, c->base.world, c->issued, c->finished, c->last);
        c->nccl->leave(c->state, 0);
        c->state = NULL;
    }
    c->base.broken = 1;
    return IAD_FAIL(err, IAD_ERR_IO, "%s", c->why);
}

/* Until what was begun is done, another rank gives up, or the deadline. NCCL shows no progress within a call, so the deadline is for all of it. */
static iad_status wait_done(nccl_comm *c, const char *call, iad_err *err) {
    char text[IAD_NCCL_TEXT] = "", message[500];
    const double began = iad_clock();
    for (double looked = began;;) {
        int busy = 0;
        if (c->nccl->progress(c->state, &busy, text)) {
            if (iad_nccl_gave_up_take(c->meet, &c->ticket, message, sizeof message)) c->heard = 1;
            return broken(c, call, c->heard ? message : text, err);
        }
        if (!busy) return IAD_OK;
        double t = iad_clock();
        if (t - looked >= LOOK || t - began >= c->base.deadline) {
            looked = t;
            c->heard = iad_nccl_gave_up_take(c->meet, &c->ticket, message, sizeof message);
            if (c->heard) return broken(c, call, message, err);
        }
        if (t - began >= c->base.deadline) {
            snprintf(text, sizeof text, "not done after %.3g seconds: another rank is lost, hangs or makes another call", c->base.deadline);
            return broken(c, call, text, err);
        }
        iad_comm_rest(t - began, REST);
    }
}

static iad_status exchange(nccl_comm *c, const char *call, const void *send, const size_t *send_at, const size_t *send_bytes, void *recv,
                           const size_t *recv_at, const size_t *recv_bytes, iad_err *err) {
    char text[IAD_NCCL_TEXT] = "";
    if (c->base.broken) return IAD_FAIL(err, IAD_ERR_IO, "%s after a failure: %s", call, c->why);
    c->issued++;
    if (c->nccl->exchange(c->state, send, send_at, send_bytes, recv, recv_at, recv_bytes, text)) return broken(c, call, text, err);
    IAD_TRY(wait_done(c, call, err));
    c->finished++, c->last = call;
    return IAD_OK;
}

static iad_status nccl_all_to_all(iad_comm *comm, const void *send, const size_t *send_at, const size_t *send_bytes, void *recv,
                                  const size_t *recv_at, const size_t *recv_bytes, iad_err *err) {
    IAD_TRY(iad_comm_check_own(comm, send_bytes, recv_bytes, err));
    return exchange((nccl_comm *)comm, "all_to_all", send, send_at, send_bytes, recv, recv_at, recv_bytes, err);
}

/* Everyone gets the same block. ncclAllGather wants blocks of one size; sends do not. */
static iad_status gather(nccl_comm *c, const char *call, const void *mine, void *all, const size_t *at, const size_t *bytes, iad_err *err) {
    size_t world = (size_t)c->base.world, *send_at = c->tables, *send_bytes = send_at + world;
    for (size_t r = 0; r < world; r++) send_at[r] = 0, send_bytes[r] = bytes[c->base.rank];
    return exchange(c, call, mine, send_at, send_bytes, all, at, bytes, err);
}

static iad_status nccl_all_gather(iad_comm *comm, const void *mine, void *all, const size_t *at, const size_t *bytes, iad_err *err) {
    return gather((nccl_comm *)comm, "all_gather", mine, all, at, bytes, err);
}

static iad_status nccl_barrier(iad_comm *comm, iad_err *err) {
    nccl_comm *c = (nccl_comm *)comm;
    size_t world = (size_t)comm->world, *at = c->tables + 2 * world, *bytes = at + world;
    unsigned char mine = 0;
    for (size_t r = 0; r < world; r++) at[r] = r, bytes[r] = 1;
    return gather(c, "barrier", &mine, c->byte, at, bytes, err);
}

static void nccl_give_up(iad_comm *comm, const char *message) {
    nccl_comm *c = (nccl_comm *)comm;
    if (!c->heard) iad_nccl_gave_up_leave(c->meet, &c->ticket, comm->rank, message);
    if (comm->broken) return;
    snprintf(c->why, sizeof c->why, "this rank gave up: %.400s", message);
    comm->broken = 1;
    c->nccl->leave(c->state, 0);
    c->state = NULL;
}

/* Leaving together waits for the others, so it has the deadline too; who is alone by then aborts. */
static void nccl_close(iad_comm *comm) {
    nccl_comm *c = (nccl_comm *)comm;
    char text[IAD_NCCL_TEXT] = "";
    if (c->state && c->nccl->finish(c->state, text)) broken(c, "close", text, NULL);
    if (c->state && wait_done(c, "close", NULL) == IAD_OK) c->nccl->leave(c->state, 1);
    free(c->tables), free(c->byte);
    free(c);
}

static const iad_comm_ops nccl_ops = {
    .name = "nccl", .device_memory = 1, .all_to_all = nccl_all_to_all, .all_gather = nccl_all_gather, .barrier = nccl_barrier, .abort = nccl_give_up,
    .close = nccl_close,
};

/* ---- starting ---- */

static iad_status meet(nccl_comm *c, iad_err *err) {
    char text[IAD_NCCL_TEXT] = "";
    IAD_TRY(iad_nccl_job(NULL, NULL, &c->ticket, err));
    c->ticket.world = c->base.world;
    iad_text_copy(c->ticket.build, sizeof c->ticket.build, IAD_VERSION);
    if (c->base.rank != 0) return iad_nccl_await(c->meet, &c->ticket, c->base.deadline, err);
    if (c->nccl->id(c->ticket.id, text)) return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "nccl: %s", text);
    return iad_nccl_offer(c->meet, &c->ticket, err);
}

static iad_status join(nccl_comm *c, iad_err *err) {
    char text[IAD_NCCL_TEXT] = "";
    if (c->nccl->start(&c->state, c->ticket.id, c->base.rank, c->base.world, c->base.local_rank, text)) {
        iad_nccl_gave_up_leave(c->meet, &c->ticket, c->base.rank, text);
        return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "nccl: %s", text);
    }
    iad_status status = wait_done(c, "joining", err);
    if (status != IAD_OK && !c->heard) iad_nccl_gave_up_leave(c->meet, &c->ticket, c->base.rank, c->why);
    return status;
}

iad_status iad_comm_nccl_new(const iad_launch *launch, const char *path, double deadline, iad_comm **comm, iad_err *err) {
    const void *table = NULL;
    *comm = NULL;
    if (!(deadline >= 0)) return IAD_FAIL(err, IAD_ERR_ARG, "a deadline of %g seconds", deadline);
    nccl_comm *c = iad_calloc(1, sizeof *c);
    if (!c) return IAD_NOMEM(err, "a communicator");
    c->base = (iad_comm){.ops = &nccl_ops, .rank = launch->rank, .world = launch->world, .deadline = deadline > 0 ? deadline : IAD_COMM_DEADLINE};
    c->base.local_rank = launch->local_rank >= 0 ? launch->local_rank : launch->rank;
    c->last = "none";
    c->tables = iad_calloc((size_t)launch->world, 4 * sizeof *c->tables);
    c->byte = iad_calloc((size_t)launch->world, 1);
    iad_status status = c->tables && c->byte ? IAD_OK : IAD_NOMEM(err, "a communicator");
    if (status == IAD_OK && !iad_text_copy(c->meet, sizeof c->meet, path)) status = IAD_FAIL(err, IAD_ERR_LIMIT, "%.100s...: name too long", path);
    if (status == IAD_OK)
        status = iad_comm_module_open("iad_comm_nccl.so", "CUDA and NCCL", IAD_NCCL_CALLS_SYMBOL, &table, err);
    c->nccl = table;
    if (status == IAD_OK && c->nccl->version != IAD_NCCL_CALLS_VERSION)
        status = IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "iad_comm_nccl.so: not a module of this build");
    if (status == IAD_OK) status = meet(c, err);
    if (status == IAD_OK) {
        status = join(c, err);
        if (c->base.rank == 0) unlink(c->meet); /* all have read it, or nobody is to read it any more */
    }
    if (status != IAD_OK) {
        if (c->state) c->nccl->leave(c->state, 0);
        free(c->tables), free(c->byte);
        free(c);
        return status;
    }
    *comm = &c->base;
    return IAD_OK;
}
