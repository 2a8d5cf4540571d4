/* The ops of iad_grad_ops_plain: plain loops, one thread, on any device whose memory is ordinary memory. */
#ifndef IAD_TRAIN_GRAD_PLAIN_H
#define IAD_TRAIN_GRAD_PLAIN_H

#include "train/grad.h"

iad_status iad_plain_op_linear_dw(iad_queue *queue, iad_mat dy, iad_mat x, iad_mat dw, float *db, iad_err *err);
iad_status iad_plain_op_rmsnorm_back(iad_queue *queue, iad_mat x, const float *weight, float eps, iad_mat dy, iad_mat dx, int set, float *dw,
                                     iad_err *err);
iad_status iad_plain_op_silu_mul_back(iad_queue *queue, iad_mat gate_up, iad_mat dy, iad_mat dgate_up, iad_err *err);
iad_status iad_plain_op_gelu_back(iad_queue *queue, iad_mat x, iad_mat dy, iad_mat dx, iad_err *err);
iad_status iad_plain_op_attend_back(iad_queue *queue, const iad_attend_back *back, iad_err *err);
iad_status iad_plain_op_fuse_back(iad_queue *queue, const iad_fuse_back *back, iad_err *err);
iad_status iad_plain_op_scatter_add(iad_queue *queue, iad_mat dy, const int32_t *index, iad_mat dtable, iad_err *err);
iad_status iad_plain_op_cross_entropy(iad_queue *queue, iad_mat logits, const int32_t *target, const float *weight, double *loss,
                                      uint8_t *hit, iad_err *err);

#endif
