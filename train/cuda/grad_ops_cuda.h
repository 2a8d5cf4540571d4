/* Where the table of the card is found. */
#ifndef IAD_TRAIN_GRAD_OPS_CUDA_H
#define IAD_TRAIN_GRAD_OPS_CUDA_H

#include "train/grad.h"

/* The table when `device` is a card, else NULL (in a build without CUDA always). */
const iad_grad_ops *iad_grad_ops_cuda_of(const iad_device *device);

#endif
