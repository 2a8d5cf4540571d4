/* What a sample must be before a model sees it. */
#ifndef IAD_TRAIN_SAMPLECHECK_H
#define IAD_TRAIN_SAMPLECHECK_H

#include "runtime/model/config.h"
#include "train/data/sample.h"

/* IAD_ERR_ARG, message beginning with "task N", when ids, targets, pictures, words or mask contradict each other or the config.
 * maps 0: words and mask are not looked at; compress 1: compressed pictures are. */
iad_status iad_sample_check(const iad_sample *sample, const iad_model_config *config, int maps, int compress, iad_err *err);

#endif
