/* Ranks that talk by NCCL, one per card. Neither NCCL nor CUDA is linked: iad_comm_nccl.so is loaded from IAD_MPI_MODULE_DIR, or from ../lib/iadgpt
 * beside the program (ncclcalls.h). */
#ifndef IAD_TRAIN_COMM_NCCL_H
#define IAD_TRAIN_COMM_NCCL_H

#include "train/comm/launch.h"

/* meet: the file by which ranks find each other (ncclmeet.h), on storage that all of them see. Any launcher will do, also one without MPI. Buffers of
 * a call are memory of this rank's card (number local_rank, or rank when it was not told) or ordinary memory; a call begins behind everything
 * that the card was given before, and returns when its bytes have arrived. deadline as in iad_comm_new, also for the meeting itself.
 * IAD_ERR_NOT_FOUND: no module; IAD_ERR_UNSUPPORTED: NCCL or the card said no; IAD_ERR_IO: a rank did not come; else as ncclmeet.h says. */
iad_status iad_comm_nccl_new(const iad_launch *launch, const char *meet, double deadline, iad_comm **comm, iad_err *err);

#endif
