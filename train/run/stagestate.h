/* What iad_stage_run holds open, for the files of train/run. */
#ifndef IAD_TRAIN_STAGESTATE_H
#define IAD_TRAIN_STAGESTATE_H

#include "base/file.h"
#include "runtime/device.h"
#include "train/run/stagerun.h"
#include "train/run/steplog.h"
#include "train/store/trainstore.h"

typedef struct iad_stage {
    const iad_stage_options *o;
    const iad_train_config *config;
    iad_comm *comm;
    iad_device *device;
    iad_queue *queue;
    iad_checkpoint *checkpoint;  /* for shapes and first values */
    char model_dir[IAD_PATH_MAX];
    int exact;                   /* init is an earlier stage's OUT */
    iad_params *params;
    iad_optimizer *optimizer;
    iad_train_model *model;
    iad_loader *loader, *held_out; /* held_out NULL: no evaluation */
    iad_train_store *store;
    iad_step_log *log;           /* rank 0 */
    iad_train_state state;
    double ceiling;              /* FLOP/s of all ranks */
    double recent;               /* sum of the losses of this call's last steps */
    int64_t n_recent;
} iad_stage;

/* One step: batch, map range, forward and backward by micro-batches, update, log. *stop_asked: some rank was told to stop. */
iad_status iad_stage_step(iad_stage *stage, iad_stage_result *result, int *stop_asked, iad_err *err);

#endif
