#include "train/comm/comm_mpi.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/progress.h"
#include "train/comm/commmodule.h"
#include "train/comm/mpicalls.h"

/* MPI promises tags up to 32767. Data tags carry the call's kind and number, so that ranks in different calls never take each other's bytes: they
 * wait, and the deadline tells. */
enum { TAG_GIVE_UP = 32767, TAG_UNDERSTOOD = 32766, TAG_CLOSED = 32765, TAG_CALLS = 8000 };
enum { KIND_TO_ALL, KIND_GATHER, KIND_BARRIER, KINDS };

/* How long a rank that gives up waits until the others have heard it. */
#define GRACE 5.0
/* How long after a rank has closed its communicator a message of it may still be on its way. */
#define LATE 1.0

typedef struct mpi_comm {
    iad_comm base;
    const iad_mpi_table *mpi;
    void *state;
    size_t chunk;
    uint64_t call;      /* number of the next one */
    unsigned char *closed; /* [world] 1: that rank makes no more calls */
    int n_closed;
    char why[IAD_MPI_TEXT + 160]; /* of base.broken */
} mpi_comm;

static const char *const call_names[KINDS] = {"all_to_all", "all_gather", "barrier"};

/* ---- waiting ---- */

/* The longest sleep between two looks, seconds. */
#define REST 0.005

static iad_status broken(mpi_comm *c, iad_err *err, const char *why) {
    if (!c->base.broken) c->mpi->drop(c->state);
    c->base.broken = 1;
    snprintf(c->why, sizeof c->why, "%s", why);
    return IAD_FAIL(err, IAD_ERR_IO, "%s", c->why);
}

/* Which ranks have closed? */
static iad_status hear_closed(mpi_comm *c, const char *call, iad_err *err) {
    char text[IAD_MPI_TEXT] = "", why[sizeof c->why];
    for (;;) {
        int from = -1, n = 0;
        if (c->mpi->probe(c->state, TAG_CLOSED, &from, &n, text) ||
            (from >= 0 && c->mpi->receive(c->state, c->closed + from, 0, from, TAG_CLOSED, text))) {
            snprintf(why, sizeof why, "%s: %s", call, text);
            return broken(c, err, why);
        }
        if (from < 0) return IAD_OK;
        c->n_closed += !c->closed[from];
        c->closed[from] = 1;
    }
}

/* Has another rank given up? Then its message is taken and answered. */
static iad_status hear(mpi_comm *c, const char *call, iad_err *err) {
    char text[IAD_MPI_TEXT] = "", message[IAD_MPI_TEXT] = "", why[sizeof c->why];
    int from = -1, n = 0, pending = 0, peer = -1;
    if (c->mpi->probe(c->state, TAG_GIVE_UP, &from, &n, text)) {
        snprintf(why, sizeof why, "%s: %s", call, text);
        return broken(c, err, why);
    }
    if (from < 0) return hear_closed(c, call, err);
    c->mpi->drop(c->state);
    int bad = n < 0 || n >= (int)sizeof message || c->mpi->receive(c->state, message, n, from, TAG_GIVE_UP, text) ||
              c->mpi->send(c->state, text, 0, from, TAG_UNDERSTOOD, text);
    double began = iad_clock();
    while (!bad && iad_clock() - began < 1 && !c->mpi->progress(c->state, &pending, &peer, text) && pending > 0)
        iad_comm_rest(iad_clock() - began, REST);
    message[sizeof message - 1] = 0;
    snprintf(why, sizeof why, "%s: rank %d gave up: %s", call, from, message);
    return broken(c, err, why);
}

static iad_status wait_all(mpi_comm *c, const char *call, iad_err *err) {
    char text[IAD_MPI_TEXT] = "", why[sizeof c->why];
    double moved = iad_clock();
    for (int before = 0;;) {
        int pending = 0, peer = -1;
        if (c->mpi->progress(c->state, &pending, &peer, text)) {
            snprintf(why, sizeof why, "%s: %s", call, text);
            return broken(c, err, why);
        }
        if (pending == 0) return IAD_OK;
        IAD_TRY(hear(c, call, err));
        double now = iad_clock();
        if (pending != before) before = pending, moved = now;
        if (now - moved >= c->base.deadline) {
            snprintf(why, sizeof why, "%s: rank %d did not answer rank %d for %.3g seconds", call, peer, c->base.rank, c->base.deadline);
            return broken(c, err, why);
        }
        if (c->closed[peer] && now - moved >= LATE) {
            snprintf(why, sizeof why, "%s: rank %d has ended, rank %d still waits for it", call, peer, c->base.rank);
            return broken(c, err, why);
        }
        iad_comm_rest(now - moved, REST);
    }
}

/* ---- the calls ---- */

/* Posts n bytes in pieces; bytes is sent or filled. */
static int post_pieces(mpi_comm *c, const void *send, void *receive, size_t n, int peer, int tag, char *text) {
    for (size_t at = 0; at < n; at += c->chunk) {
        int piece = (int)(n - at < c->chunk ? n - at : c->chunk);
        int bad = send ? c->mpi->send(c->state, (const char *)send + at, piece, peer, tag, text)
                       : c->mpi->receive(c->state, (char *)receive + at, piece, peer, tag, text);
        if (bad) return 1;
    }
    return 0;
}

static iad_status begin(mpi_comm *c, int kind, int *tag, iad_err *err) {
    if (c->base.broken) return IAD_FAIL(err, IAD_ERR_IO, "%s after a failure: %s", call_names[kind], c->why);
    *tag = (int)(c->call++ % TAG_CALLS) * KINDS + kind;
    return IAD_OK;
}

/* Receives first, so that arriving bytes find their place. Peers in an order of its own for every rank, so that not all begin with rank 0. */
static iad_status exchange(mpi_comm *c, int kind, int tag, const char *send, const size_t *send_at, const size_t *send_bytes, char *recv,
                           const size_t *recv_at, const size_t *recv_bytes, iad_err *err) {
    char text[IAD_MPI_TEXT] = "", why[sizeof c->why];
    int rank = c->base.rank, world = c->base.world, bad = 0;
    for (int step = 1; step < world && !bad; step++) {
        int from = (rank + world - step) % world;
        if (recv_bytes[from] > 0) bad = post_pieces(c, NULL, recv + recv_at[from], recv_bytes[from], from, tag, text);
    }
    for (int step = 1; step < world && !bad; step++) {
        int to = (rank + step) % world;
        if (send_bytes[to] > 0) bad = post_pieces(c, send + send_at[to], NULL, send_bytes[to], to, tag, text);
    }
    if (bad) {
        snprintf(why, sizeof why, "%s: %s", call_names[kind], text);
        return broken(c, err, why);
    }
    if (send_bytes[rank] > 0 && send + send_at[rank] != recv + recv_at[rank]) memmove(recv + recv_at[rank], send + send_at[rank], send_bytes[rank]);
    return wait_all(c, call_names[kind], err);
}

static iad_status mpi_all_to_all(iad_comm *comm, const void *send, const size_t *send_at, const size_t *send_bytes, void *recv, const size_t *recv_at,
                                 const size_t *recv_bytes, iad_err *err) {
    mpi_comm *c = (mpi_comm *)comm;
    int tag = 0;
    IAD_TRY(iad_comm_check_own(comm, send_bytes, recv_bytes, err));
    IAD_TRY(begin(c, KIND_TO_ALL, &tag, err));
    return exchange(c, KIND_TO_ALL, tag, send, send_at, send_bytes, recv, recv_at, recv_bytes, err);
}

/* What every rank gets is the same block, so all of its receivers stand at offset 0 of `mine`. */
static iad_status gather(mpi_comm *c, int kind, const void *mine, void *all, const size_t *at, const size_t *bytes, iad_err *err) {
    int tag = 0;
    size_t world = (size_t)c->base.world;
    IAD_TRY(begin(c, kind, &tag, err));
    size_t *zero = iad_calloc(world, sizeof *zero), *same = iad_alloc(world, sizeof *same);
    iad_status status = zero && same ? IAD_OK : IAD_NOMEM(err, "all_gather");
    for (size_t r = 0; status == IAD_OK && r < world; r++) same[r] = bytes[c->base.rank];
    if (status == IAD_OK) status = exchange(c, kind, tag, mine, zero, same, all, at, bytes, err);
    free(zero), free(same);
    return status;
}

static iad_status mpi_all_gather(iad_comm *comm, const void *mine, void *all, const size_t *at, const size_t *bytes, iad_err *err) {
    return gather((mpi_comm *)comm, KIND_GATHER, mine, all, at, bytes, err);
}

/* One byte from everyone to everyone: so the error can name who is missing. */
static iad_status mpi_barrier(iad_comm *comm, iad_err *err) {
    size_t world = (size_t)comm->world;
    size_t *at = iad_alloc(world, sizeof *at), *bytes = iad_alloc(world, sizeof *bytes);
    char *all = iad_calloc(world, 1), mine = 0;
    iad_status status = at && bytes && all ? IAD_OK : IAD_NOMEM(err, "a barrier");
    for (size_t r = 0; status == IAD_OK && r < world; r++) at[r] = r, bytes[r] = 1;
    if (status == IAD_OK) status = gather((mpi_comm *)comm, KIND_BARRIER, &mine, all, at, bytes, err);
    free(at), free(bytes), free(all);
    return status;
}

/* Not MPI_Abort: that would end this process before it has told its user, and would give the others no reason. A process that ends
 * without MPI_Finalize makes mpirun end the rest, should they not hear. */
static void mpi_give_up(iad_comm *comm, const char *message) {
    mpi_comm *c = (mpi_comm *)comm;
    char text[IAD_MPI_TEXT] = "", reason[IAD_MPI_TEXT - 1] = "";
    int pending = 0, peer = -1, bad = 0, heard = c->base.broken && strstr(c->why, " gave up: ") != NULL;
    if (!c->base.broken) c->mpi->drop(c->state), snprintf(c->why, sizeof c->why, "this rank gave up: %s", message);
    c->base.broken = 1;
    if (heard) return; /* who gave up first has told everybody */
    snprintf(reason, sizeof reason, "%s", message);
    for (int step = 1; step < comm->world && !bad; step++) {
        int to = (comm->rank + step) % comm->world;
        bad = c->mpi->receive(c->state, text, 0, to, TAG_UNDERSTOOD, text) ||
              c->mpi->send(c->state, reason, (int)strlen(reason), to, TAG_GIVE_UP, text);
    }
    double began = iad_clock(), grace = comm->deadline < GRACE ? comm->deadline : GRACE;
    while (!bad && iad_clock() - began < grace && !c->mpi->progress(c->state, &pending, &peer, text) && pending > 0) {
        int from = -1, n = 0;
        if (c->mpi->probe(c->state, TAG_GIVE_UP, &from, &n, text) || from >= 0) break; /* two at once: the other rank has its own reason */
        iad_comm_rest(iad_clock() - began, REST);
    }
    c->mpi->drop(c->state);
}

/* Tells the others that this rank makes no more calls, and waits until all have said so. 0: not all did. */
static int all_closed(mpi_comm *c) {
    char text[IAD_MPI_TEXT] = "";
    int pending = 0, peer = -1, before = 0, bad = c->base.broken;
    for (int r = 0; r < c->base.world && !bad; r++)
        if (r != c->base.rank) bad = c->mpi->send(c->state, text, 0, r, TAG_CLOSED, text);
    double moved = iad_clock();
    while (!bad && (pending > 0 || c->n_closed < c->base.world - 1)) {
        bad = c->mpi->progress(c->state, &pending, &peer, text) || hear(c, "close", NULL) != IAD_OK;
        double now = iad_clock();
        if (pending - c->n_closed != before) before = pending - c->n_closed, moved = now;
        if (now - moved >= c->base.deadline) return 0;
        iad_comm_rest(now - moved, REST);
    }
    return !bad;
}

/* MPI_Finalize waits for all ranks without end, so it is called only when all are there. */
static void mpi_close(iad_comm *comm) {
    mpi_comm *c = (mpi_comm *)comm;
    if (all_closed(c)) c->mpi->finish(c->state);
    else c->mpi->leave(c->state);
    free(c->closed);
    free(c);
}

static const iad_comm_ops mpi_ops = {
    .name = "mpi", .all_to_all = mpi_all_to_all, .all_gather = mpi_all_gather, .barrier = mpi_barrier, .abort = mpi_give_up, .close = mpi_close,
};

/* ---- starting ---- */

static const char *const modules[] = {[IAD_TRANSPORT_OPENMPI] = "iad_comm_openmpi.so", [IAD_TRANSPORT_MPICH] = "iad_comm_mpich.so"};
static const char *const packages[] = {[IAD_TRANSPORT_OPENMPI] = "libopenmpi-dev", [IAD_TRANSPORT_MPICH] = "libmpich-dev"};

static iad_status load_module(iad_transport transport, const iad_mpi_table **table, iad_err *err) {
    const void *found = NULL;
    IAD_TRY(iad_comm_module_open(modules[transport], packages[transport], IAD_MPI_CALLS_SYMBOL, &found, err));
    *table = found;
    if ((*table)->version != IAD_MPI_CALLS_VERSION) return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "%s: not a module of this build", modules[transport]);
    return IAD_OK;
}

iad_status iad_comm_mpi_new(const iad_launch *launch, double deadline, iad_comm **comm, iad_err *err) {
    char text[IAD_MPI_TEXT] = "";
    *comm = NULL;
    if (launch->transport != IAD_TRANSPORT_OPENMPI && launch->transport != IAD_TRANSPORT_MPICH)
        return IAD_FAIL(err, IAD_ERR_ARG, "this launch has no MPI");
    mpi_comm *c = iad_calloc(1, sizeof *c);
    if (!c) return IAD_NOMEM(err, "a communicator");
    c->base.ops = &mpi_ops, c->base.deadline = deadline, c->chunk = IAD_COMM_MPI_CHUNK;
    iad_status status = load_module(launch->transport, &c->mpi, err);
    if (status == IAD_OK && c->mpi->start(&c->state, &c->base.rank, &c->base.world, &c->base.local_rank, text))
        status = IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "MPI did not start: %s", text);
    if (status == IAD_OK && (c->base.rank != launch->rank || c->base.world != launch->world)) {
        status = IAD_FAIL(err, IAD_ERR_ARG, "this process shall be rank %d of %d, but MPI (%s) counts it as rank %d of %d", launch->rank,
                          launch->world, c->mpi->mpi, c->base.rank, c->base.world);
        c->mpi->leave(c->state);
    }
    if (status == IAD_OK && !(c->closed = iad_calloc((size_t)c->base.world, 1))) {
        status = IAD_NOMEM(err, "a communicator");
        c->mpi->leave(c->state);
    }
    if (status != IAD_OK) {
        free(c);
        return status;
    }
    if (launch->local_rank >= 0) c->base.local_rank = launch->local_rank;
    *comm = &c->base;
    return IAD_OK;
}

void iad_comm_mpi_chunk_set(iad_comm *comm, size_t bytes) {
    if (comm->ops == &mpi_ops) ((mpi_comm *)comm)->chunk = bytes < 1 ? 1 : bytes > 1u << 30 ? 1u << 30 : bytes;
}
