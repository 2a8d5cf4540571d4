/* Operations on rows: iad_ops.rmsnorm, rope, silu_mul, gelu, copy and gather on the card.
 *
 * A row's result depends on that row alone: not on the number of rows, its place or its alignment. Everything is read and written in
 * pieces of 128 bits where addresses and strides allow. */
#ifndef IAD_CUDA_ROWS_CUH
#define IAD_CUDA_ROWS_CUH

#include "runtime/cuda/cuda_device.cuh"

iad_status iad_cuda_rmsnorm(iad_queue *queue, iad_mat x, const float *weight, float eps, iad_mat y, iad_err *err);
iad_status iad_cuda_rope(iad_queue *queue, iad_mat x, int n_head, int d_head, const float *cosine, const float *sine, iad_err *err);
iad_status iad_cuda_silu_mul(iad_queue *queue, iad_mat gate_up, iad_mat y, iad_err *err);
iad_status iad_cuda_gelu(iad_queue *queue, iad_mat x, iad_mat y, iad_err *err);
iad_status iad_cuda_copy(iad_queue *queue, iad_mat x, iad_mat y, iad_err *err);
iad_status iad_cuda_gather(iad_queue *queue, iad_mat table, const int32_t *index, iad_mat y, iad_err *err);

/* gather with the indices on the card (device [y.rows]), as a recorded graph needs it. An index outside the table gives a row of NaNs: the
 * host cannot see it. */
iad_status iad_cuda_gather_device(iad_queue *queue, iad_mat table, const int32_t *index, iad_mat y, iad_err *err);

#endif
