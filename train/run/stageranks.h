/* A stage by several logical ranks of this process. */
#ifndef IAD_TRAIN_STAGERANKS_H
#define IAD_TRAIN_STAGERANKS_H

#include "train/run/stagerun.h"

/* iad_stage_run on `world` threads, each a rank of a loopback (comm_loopback.h) with model, pieces and loader of its own: the same bytes as that many
 * ranks of MPI. options->comm is not read; options->threads is what all ranks have together, each gets its share, at least one. *result is
 * rank 0's. On failure the error is that of the rank which gave up, and names it when it is not rank 0. IAD_ERR_UNSUPPORTED: not the CPU. */
iad_status iad_stage_run_ranks(const iad_stage_options *options, int world, double deadline, iad_stage_result *result, iad_err *err);

#endif
