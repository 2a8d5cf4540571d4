/* Which rank of how many this process is, and over what the ranks talk: a pure function of flags and environment (train page 7.4).
 *
 * The first complete set wins; a set that contradicts the MPI which started the process is refused, never guessed:
 *   flags        --rank --world --local-rank, --rdzv host:port
 *   torchrun     RANK WORLD_SIZE LOCAL_RANK, MASTER_ADDR MASTER_PORT (also a PyTorchJob's pods of one process)
 *   Open MPI     OMPI_COMM_WORLD_RANK _SIZE _LOCAL_RANK
 *   MPICH        PMI_RANK PMI_SIZE, MPI_LOCALRANKID or PMI_LOCAL_RANK (Hydra, Intel, Cray, srun --mpi=pmi2)
 *   Slurm        SLURM_PROCID, SLURM_STEP_NUM_TASKS or SLURM_NTASKS, SLURM_LOCALID, inside a step; a batch shell is one process
 *   Kubernetes   JOB_COMPLETION_INDEX (indexed Job), IAD_WORLD, IAD_SERVICE (headless service), IAD_PORT
 *   none         one process */
#ifndef IAD_TRAIN_LAUNCH_H
#define IAD_TRAIN_LAUNCH_H

#include "train/comm/comm.h"

typedef enum iad_launch_engine {
    IAD_LAUNCH_NONE, IAD_LAUNCH_FLAGS, IAD_LAUNCH_TORCHRUN, IAD_LAUNCH_OPENMPI, IAD_LAUNCH_MPICH, IAD_LAUNCH_SLURM, IAD_LAUNCH_KUBERNETES
} iad_launch_engine;

typedef enum iad_transport { IAD_TRANSPORT_SELF, IAD_TRANSPORT_OPENMPI, IAD_TRANSPORT_MPICH, IAD_TRANSPORT_NCCL } iad_transport;

enum { IAD_LAUNCH_HOST_MAX = 256, IAD_LAUNCH_DEFAULT_PORT = 29500 };

typedef struct iad_launch {
    iad_launch_engine engine;
    int rank, world;
    int local_rank;               /* on this machine; -1: not told (MPI finds it itself) */
    iad_transport transport;      /* self for world 1; the MPI that started the process; else nccl, the only one that needs no MPI */
    char rendezvous[IAD_LAUNCH_HOST_MAX + 8]; /* host:port of rank 0; "" when not told (MPI needs none) */
    char note[200];               /* what a user should know: a set that was left aside; "" */
} iad_launch;

typedef struct iad_launch_flags {
    int rank, world, local_rank;  /* -1: not given */
    const char *rendezvous;       /* NULL: not given */
} iad_launch_flags;
#define IAD_LAUNCH_NO_FLAGS ((iad_launch_flags){-1, -1, -1, NULL})

/* Looks up a variable; NULL when it is not set. getenv's shape, so that tests can bring an environment of their own. */
typedef const char *(*iad_launch_env)(void *user, const char *name);

/* flags and env may be NULL (no flags; the process's environment). Errors name the variable or flag and what to do:
 * IAD_ERR_ARG half a set, rank outside the world, contradiction; IAD_ERR_FORMAT a value that is not what it should be. */
iad_status iad_launch_find(const iad_launch_flags *flags, iad_launch_env env, void *user, iad_launch *launch, iad_err *err);

/* "rank 1 of 4, 1 on this machine, started by Open MPI, transport mpi (openmpi)". */
void iad_launch_describe(const iad_launch *launch, char *text, size_t n);

/* First host of a Slurm node list: "gpu[07-09,12],login1" -> "gpu07". out [IAD_LAUNCH_HOST_MAX]. IAD_ERR_FORMAT shows the list. */
iad_status iad_launch_first_host(const char *nodes, char *out, iad_err *err);

/* The communicator for a launch, before anything is computed. deadline: seconds a call may wait for the others without any progress; 0: the default
 * (IAD_COMM_DEADLINE). MPI is loaded and started only when world > 1. IAD_ERR_UNSUPPORTED says what is needed when the ranks have no transport. */
iad_status iad_comm_new(const iad_launch *launch, double deadline, iad_comm **comm, iad_err *err);

#endif
