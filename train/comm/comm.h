/* Ranks that train together: few collective operations, each with a deadline; every rank makes the same calls in the same order.
 * Transports: self (world 1), mpi (CPU memory; Open MPI or MPICH, loaded when launched by one), loopback (threads of one process), nccl
 * (one rank per card). Nothing here sums floats in an order that depends on the transport: sums are folds in rank order. */
#ifndef IAD_TRAIN_COMM_H
#define IAD_TRAIN_COMM_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef enum iad_fold { IAD_FOLD_SUM, IAD_FOLD_MIN, IAD_FOLD_MAX } iad_fold;

typedef struct iad_comm iad_comm;

typedef struct iad_comm_ops {
    const char *name; /* "self", "mpi", "loopback", "nccl" */
    int device_memory; /* 1: buffers may lie in a card's memory, else in ordinary memory only */
    /* send_bytes[r] bytes at send + send_at[r] go to rank r, recv_bytes[r] bytes from rank r arrive at recv + recv_at[r]. */
    iad_status (*all_to_all)(iad_comm *comm, const void *send, const size_t *send_at, const size_t *send_bytes, void *recv, const size_t *recv_at,
                             const size_t *recv_bytes, iad_err *err);
    /* bytes[r] bytes of rank r arrive at all + at[r] on every rank; mine may be all + at[rank]. */
    iad_status (*all_gather)(iad_comm *comm, const void *mine, void *all, const size_t *at, const size_t *bytes, iad_err *err);
    iad_status (*barrier)(iad_comm *comm, iad_err *err);
    /* Tells the others to give up (message in the error of the call in which they wait, or of their next one) and returns within seconds; the
     * caller then ends. The communicator is broken after it. */
    void (*abort)(iad_comm *comm, const char *message);
    void (*close)(iad_comm *comm);
} iad_comm_ops;

/* Every transport's struct begins with this. */
struct iad_comm {
    const iad_comm_ops *ops;
    int rank, world;
    int local_rank;
    double deadline;  /* seconds a call may wait for the others without progress; the error then names call, ranks and seconds */
    int broken;       /* 1 after a failed call: a rank is lost or gave up, every later call fails at once; save nothing together, end the process */
};

enum { IAD_COMM_MAX_FOLD = 4096, IAD_COMM_MAX_TEXT = 1 << 20, IAD_COMM_MAX_WORLD = 65536 };

/* values[n] folded over all ranks in rank order, the same bits on every rank (all_gather, then a local fold). A NaN of any rank is the
 * result, also of MIN and MAX. IAD_ERR_LIMIT: n > IAD_COMM_MAX_FOLD. On failure values are as before. */
iad_status iad_comm_fold(iad_comm *comm, double *values, int n, iad_fold fold, iad_err *err);
/* IAD_ERR_FORMAT names the first rank whose text differs from rank 0's, and both texts from where they part (configuration, build).
 * Every rank gets the same answer. At most IAD_COMM_MAX_TEXT bytes of text. */
iad_status iad_comm_agree(iad_comm *comm, const char *what, const char *text, iad_err *err);

/* The deadline of a communicator that was told none, seconds. */
#define IAD_COMM_DEADLINE 300.0

/* ops->abort by a name that reads as what it is. */
void iad_comm_abort(iad_comm *comm, const char *message);

/* For transports. What a rank sends itself in all_to_all has one size: IAD_ERR_ARG when the two arrays differ about it. */
iad_status iad_comm_check_own(const iad_comm *comm, const size_t *send_bytes, const size_t *recv_bytes, iad_err *err);
/* Gives the processor away: at first only when someone wants it, then by sleeping longer and longer, up to `most` seconds. seconds: since
 * anything moved. */
void iad_comm_rest(double seconds, double most);

/* World 1: nothing waits, nothing fails but contradictory sizes (IAD_ERR_ARG). */
iad_status iad_comm_self_new(iad_comm **comm, iad_err *err);
void iad_comm_free(iad_comm *comm); /* NULL is fine */

#endif
