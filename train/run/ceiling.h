/* What this device's products reach at best, so that a training step's rate has a measure. */
#ifndef IAD_TRAIN_CEILING_H
#define IAD_TRAIN_CEILING_H

#include "runtime/ops.h"

/* FLOP/s of the best of a few products of 1024 rows and a 1024 x 1024 layer in this number format (IAD_F32 or IAD_BF16); a fraction of a second. */
iad_status iad_train_ceiling(iad_queue *queue, iad_dtype compute, double *flops_per_s, iad_err *err);

#endif
