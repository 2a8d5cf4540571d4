/* How ranks find each other for NCCL: a small file that all of them see, written by rank 0. It names the job and the generation (which start
 * of the job this is), so that a file that an earlier start left behind is never believed. */
#ifndef IAD_TRAIN_NCCLMEET_H
#define IAD_TRAIN_NCCLMEET_H

#include "train/comm/launch.h"
#include "train/comm/ncclcalls.h"

enum { IAD_NCCL_JOB_MAX = 200, IAD_NCCL_TICKET_MAX = 1024 };

typedef struct iad_nccl_ticket {
    char job[IAD_NCCL_JOB_MAX]; /* printable, no spaces */
    int64_t generation;
    int world;
    char build[40];
    unsigned char id[IAD_NCCL_ID];
} iad_nccl_ticket;

/* job and generation from the environment (env NULL: the process's): IAD_JOB, else Slurm's job and step, torchrun's TORCHELASTIC_RUN_ID, or PMIx's
 * namespace; IAD_GENERATION, else TORCHELASTIC_RESTART_COUNT, else SLURM_RESTART_COUNT, else 0. IAD_ERR_ARG: nothing names the job. */
iad_status iad_nccl_job(iad_launch_env env, void *user, iad_nccl_ticket *ticket, iad_err *err);

/* text [IAD_NCCL_TICKET_MAX]; five lines "name value" after a first one that names the format. */
void iad_nccl_ticket_format(const iad_nccl_ticket *ticket, char *text);
/* IAD_ERR_FORMAT names `what` and the line. */
iad_status iad_nccl_ticket_parse(const char *text, size_t n, const char *what, iad_nccl_ticket *ticket, iad_err *err);

/* Rank 0: lays the ticket down at path. IAD_ERR_EXISTS: one of this very job and generation is there already. */
iad_status iad_nccl_offer(const char *path, const iad_nccl_ticket *ticket, iad_err *err);
/* The others: waits for the ticket of this job and generation and takes its id. IAD_ERR_FORMAT at once when it is of another world or build;
 * IAD_ERR_IO after `deadline` seconds without one, saying what is there instead. */
iad_status iad_nccl_await(const char *path, iad_nccl_ticket *ticket, double deadline, iad_err *err);

/* A rank that cannot go on leaves its message beside the ticket; the others look for it while they wait. take: 1 and "rank N gave up: ..." when there
 * is one of this job and generation. clear: before a start, by rank 0. */
void iad_nccl_gave_up_leave(const char *path, const iad_nccl_ticket *ticket, int rank, const char *message);
int iad_nccl_gave_up_take(const char *path, const iad_nccl_ticket *ticket, char *message, size_t n);
void iad_nccl_gave_up_clear(const char *path);

#endif
