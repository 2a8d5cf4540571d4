/* A checkpoint of a run, opened without training: for the commands that export it or look at it. */
#ifndef IAD_TRAIN_STOREDRUN_H
#define IAD_TRAIN_STOREDRUN_H

#include "base/file.h"
#include "train/store/trainstore.h"

/* Everything is on the CPU: nothing is computed. */
typedef struct iad_stored_run {
    iad_comm *comm;
    iad_device *device;
    iad_queue *queue;
    iad_checkpoint *checkpoint;
    iad_params *params;            /* weights of the checkpoint, config as the run trained them */
    iad_train_state state;
    char model_dir[IAD_PATH_MAX];  /* shapes and tokenizer */
    char note[512];                /* about a damaged newer checkpoint that was passed over; "" none */
} iad_stored_run;

/* run: OUT of a run; model: the folder that it began with, NULL once the run is finished; step -1: the newest. Every checksum is read.
 * Errors: those of iad_stage_init_dir, iad_checkpoint_open, iad_train_config_load and iad_train_store_load. Close also after a failure. */
iad_status iad_stored_run_open(iad_stored_run *stored, const char *run, const char *model, int64_t step, int threads, iad_err *err);
void iad_stored_run_close(iad_stored_run *stored);

#endif
