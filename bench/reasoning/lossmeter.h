/* How well a model foresees the reference answers of held-out records: their cross-entropy, by the forward pass of the training. */
#ifndef IAD_BENCH_LOSSMETER_H
#define IAD_BENCH_LOSSMETER_H

#include "bench/reasoning/asklist.h"

typedef struct iad_loss_options {
    const char *db, *model, *device;
    int stage; /* of the records: decides about compression, as in training */
    int threads;
    const char *compute; /* "f32" or "bf16" */
} iad_loss_options;

typedef struct iad_lossmeter iad_lossmeter;
/* Loads f32 masters of all parameters (8 bytes each). Errors: those of checkpoint and manifest. */
iad_status iad_lossmeter_open(const iad_loss_options *options, iad_lossmeter **meter, iad_err *err);
void iad_lossmeter_close(iad_lossmeter *meter);
/* "<SHA-256 of the checkpoint>, f32": what decides a loss besides the record. Valid as long as the meter. */
const char *iad_lossmeter_name(const iad_lossmeter *meter);
/* Sum of -log p over the answer's tokens (all turns of the answers, end marks included) given everything before each, and their number. Errors: of
 * the record, with its number (missing picture, too long ...). */
iad_status iad_lossmeter_measure(iad_lossmeter *meter, int64_t task_id, double *nll, int64_t *tokens, iad_err *err);

#endif
