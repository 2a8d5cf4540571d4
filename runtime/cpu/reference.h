/* The oracle of every op but the linear layers: one element after the other, sums in double, rounded to the output type once. */
#ifndef IAD_CPU_REFERENCE_H
#define IAD_CPU_REFERENCE_H

#include "runtime/ops.h"

iad_status iad_ref_rmsnorm(iad_queue *queue, iad_mat x, const float *weight, float eps, iad_mat y, iad_err *err);
iad_status iad_ref_rope(iad_queue *queue, iad_mat x, int n_head, int d_head, const float *cosine, const float *sine, iad_err *err);
iad_status iad_ref_silu_mul(iad_queue *queue, iad_mat gate_up, iad_mat y, iad_err *err);
iad_status iad_ref_gelu(iad_queue *queue, iad_mat x, iad_mat y, iad_err *err);
iad_status iad_ref_copy(iad_queue *queue, iad_mat x, iad_mat y, iad_err *err);
iad_status iad_ref_gather(iad_queue *queue, iad_mat table, const int32_t *index, iad_mat y, iad_err *err);
iad_status iad_ref_attend(iad_queue *queue, const iad_attend *job, iad_err *err);
iad_status iad_ref_probe(iad_queue *queue, const iad_attend *job, int64_t seq, const iad_probe *probe, iad_err *err);
iad_status iad_ref_fuse(iad_queue *queue, const iad_fuse *job, iad_err *err);
iad_status iad_ref_best_match(iad_queue *queue, iad_mat x, iad_mat ref, int aligned, float *best, iad_err *err);

/* Element (row, col) of a matrix, as the ops above read and write it. */
double iad_ref_get(const iad_mat *m, int64_t row, int64_t col);
void iad_ref_put(const iad_mat *m, int64_t row, int64_t col, double value);

#endif
