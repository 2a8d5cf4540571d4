/* One stage of training from beginning to end: data, steps, logs, checkpoints, export. */
#ifndef IAD_TRAIN_STAGERUN_H
#define IAD_TRAIN_STAGERUN_H

#include <stdatomic.h>

#include "base/log.h"
#include "train/comm/comm.h"
#include "train/run/trainconfig.h"

#define IAD_STAGE_CONFIG "training.json" /* in OUT: the config as it was run */

typedef struct iad_stage_options {
    const iad_train_config *config;
    const char *db;             /* manifest with the records */
    const char *init;           /* a model folder, or the OUT of an earlier stage: its exact weights */
    const char *out;            /* checkpoints, logs, and at the end OUT/model */
    const char *device;         /* runtime/device.h: "cpu" */
    int threads;                /* of the device; workers of the loader besides */
    int loader_threads;
    iad_comm *comm;             /* opened */
    int quiet;
    const iad_log *log;
    const atomic_int *stop;     /* non-zero: finish the step, save, return IAD_ERR_INTERRUPTED */
} iad_stage_options;

typedef struct iad_stage_result {
    int64_t first_step, step, steps; /* where this call began, where it is now, how many there are */
    int64_t samples, broken;         /* of the whole stage */
    int64_t skipped;                 /* non-finite steps */
    int diverged;                    /* 1: ended because of them (IAD_ERR_FORMAT) */
    double loss;                     /* about the mean over the last 50 steps of this call */
    double seconds;
} iad_stage_result;

/* Goes on from OUT's newest checkpoint when there is one (its config and records must be these: IAD_ERR_EXISTS names what differs), else
 * starts from `init`. A finished stage returns at once. */
iad_status iad_stage_run(const iad_stage_options *options, iad_stage_result *result, iad_err *err);

/* The checkpoint folder that `init` means: init itself, or init/model of an earlier stage's OUT (*exact 1: weights come from its newest
 * checkpoint). IAD_ERR_NOT_FOUND when it is neither. */
iad_status iad_stage_init_dir(const char *init, char *dir, size_t size, int *exact, iad_err *err);

#endif
