/* What a sample costs, estimated from its shape alone (train page 4.1): every rank knows it without pixels. */
#ifndef IAD_TRAIN_SAMPLECOST_H
#define IAD_TRAIN_SAMPLECOST_H

#include "runtime/model/config.h"
#include "train/data/sample.h"

/* FLOP of forward and backward: products and attention of the tower, the merger, the language model, and the head at supervised rows. A backward pass
 * costs twice the forward of a product and 2.5 times that of attention. vision_trained 0: the tower only runs forward. */
double iad_sample_cost(const iad_sample *sample, const iad_model_config *config, double retention, int vision_trained);

#endif
