/* The backward operations of the CPU device (contracts: train/grad.h). */
#ifndef IAD_TRAIN_GRAD_OPS_CPU_H
#define IAD_TRAIN_GRAD_OPS_CPU_H

#include "train/grad.h"

/* linear_dw.c */
iad_status iad_cpu_linear_dw(iad_queue *queue, iad_mat dy, iad_mat x, iad_mat dw, float *db, iad_err *err);
/* grad_rows.c */
iad_status iad_cpu_rmsnorm_back(iad_queue *queue, iad_mat x, const float *weight, float eps, iad_mat dy, iad_mat dx, int set, float *dw,
                                iad_err *err);
iad_status iad_cpu_silu_mul_back(iad_queue *queue, iad_mat gate_up, iad_mat dy, iad_mat dgate_up, iad_err *err);
iad_status iad_cpu_gelu_back(iad_queue *queue, iad_mat x, iad_mat dy, iad_mat dx, iad_err *err);
iad_status iad_cpu_fuse_back(iad_queue *queue, const iad_fuse_back *back, iad_err *err);
iad_status iad_cpu_scatter_add(iad_queue *queue, iad_mat dy, const int32_t *index, iad_mat dtable, iad_err *err);
iad_status iad_cpu_cross_entropy(iad_queue *queue, iad_mat logits, const int32_t *target, const float *weight, double *loss, uint8_t *hit,
                                 iad_err *err);
/* attend_back.c */
iad_status iad_cpu_attend_back(iad_queue *queue, const iad_attend_back *back, iad_err *err);

#endif
