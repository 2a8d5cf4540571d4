/* N logical ranks of one process: threads that copy between each other's buffers, by the same contract as ranks of MPI. With it the pieces, the
 * exchange, checkpoints and their resharding of N ranks run, and are tested, without a launcher and on one machine. */
#ifndef IAD_TRAIN_COMM_LOOPBACK_H
#define IAD_TRAIN_COMM_LOOPBACK_H

#include "train/comm/comm.h"

enum { IAD_LOOPBACK_MAX_WORLD = 64 };

typedef struct iad_loopback iad_loopback;

/* world 1..IAD_LOOPBACK_MAX_WORLD (IAD_ERR_LIMIT); deadline in seconds, 0: IAD_COMM_DEADLINE. */
iad_status iad_loopback_new(int world, double deadline, iad_loopback **loopback, iad_err *err);
void iad_loopback_free(iad_loopback *loopback); /* after the threads of all ranks have ended; NULL is fine */

/* The communicator of a rank, to be used by one thread at a time. It belongs to the loopback: iad_comm_free only says that the rank makes no more
 * calls, so that others who still wait for it fail at once. Buffers are ordinary memory. */
iad_comm *iad_loopback_get(iad_loopback *loopback, int rank);

/* The rank whose giving up made a call of `rank` fail, -1: none did. */
int iad_loopback_heard(const iad_loopback *loopback, int rank);

/* N of "loopback:N", the value of --comm. IAD_ERR_FORMAT: another text; IAD_ERR_ARG or IAD_ERR_LIMIT: N is out of range. */
iad_status iad_loopback_parse(const char *text, int *world, iad_err *err);

#endif
