/* Arithmetic of a micro-batch, products and attention only (train page 4.1). */
#ifndef IAD_TRAIN_TRAINFLOPS_H
#define IAD_TRAIN_TRAINFLOPS_H

#include "train/model/microbatch.h"
#include "train/model/trainspace.h"

/* Multiplications and additions of the forward pass, and of as much of the backward pass as there is: twice the products of every block that
 * it goes through and five products of attention for two. What is computed again is not counted. */
double iad_train_flops(const iad_model_config *config, const iad_train_reach *reach, const iad_micro *batch);

#endif
