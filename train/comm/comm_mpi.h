/* Ranks that MPI started (CPU memory). The MPI library is not linked: a module for the one that started the process is loaded from
 * IAD_MPI_MODULE_DIR, or from ../lib/iadgpt beside the program (mpicalls.h). */
#ifndef IAD_TRAIN_COMM_MPI_H
#define IAD_TRAIN_COMM_MPI_H

#include "train/comm/launch.h"

/* launch->transport is openmpi or mpich. IAD_ERR_NOT_FOUND: no module for it (names where it was looked for), IAD_ERR_UNSUPPORTED: MPI did
 * not start, IAD_ERR_ARG: MPI counts other ranks than the launch says. */
iad_status iad_comm_mpi_new(const iad_launch *launch, double deadline, iad_comm **comm, iad_err *err);

/* Messages are cut into pieces of so many bytes (1..2^30), by default IAD_COMM_MPI_CHUNK; for tests and measurements, the same on every rank. */
enum { IAD_COMM_MPI_CHUNK = 16 << 20 };
void iad_comm_mpi_chunk_set(iad_comm *comm, size_t bytes);

#endif
