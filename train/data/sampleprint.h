/* A sample for people: pictures with their sizes, the text with what is predicted and what is looked at, the mask as a small grid. */
#ifndef IAD_TRAIN_SAMPLEPRINT_H
#define IAD_TRAIN_SAMPLEPRINT_H

#include "base/buf.h"
#include "runtime/model/config.h"
#include "runtime/token/tokenizer.h"
#include "train/data/sample.h"

/* Appends some lines of UTF-8. In the text, [[...]] is predicted, ** ** and ++ ++ stand round words whose attention is supervised (anomaly,
 * normal), and <picture k> for picture k, from 1. retention: of compressed pictures, -1: the config's. */
iad_status iad_sample_print(const iad_sample *sample, const iad_model_config *config, const iad_tokenizer *tokenizer, double retention, iad_buf *out,
                            iad_err *err);

#endif
