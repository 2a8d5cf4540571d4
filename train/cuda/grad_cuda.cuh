/* The backward operations and the update on the card: train/grad.h over the queues and scratch of runtime/cuda.
 *
 * Order. All sums have one fixed order, without atomics, so that two runs give the same bytes. Running sums over rows belong to a thread per
 * column that adds row after row, as grad.h wants them: cutting a batch changes no bit. The exception is linear_dw, whose order of rows is
 * cuBLASLt's: the same call gives the same bytes, a cut batch need not. */
#ifndef IAD_TRAIN_GRAD_CUDA_CUH
#define IAD_TRAIN_GRAD_CUDA_CUH

#include "runtime/cuda/cuda_device.cuh"
#include "runtime/cuda/launch.cuh"
#include "runtime/cuda/rowmath.cuh"

extern "C" {
#include "train/cpu/grad_check.h"
#include "train/cuda/grad_ops_cuda.h"
#include "train/grad.h"
}

enum {
    IAD_CUDA_SLOT_STATS = IAD_CUDA_SCRATCH_TRAIN, /* what is the same for a row */
    IAD_CUDA_SLOT_PARTS,                          /* sums of pieces */
    IAD_CUDA_GRAD_THREADS = 256                   /* of every block here, where nothing else is said */
};

/* A matrix as kernels take it. */
typedef struct iad_grad_mat {
    float *data;
    int64_t stride;
    int wide; /* rows begin at multiples of 16 bytes */
} iad_grad_mat;

static inline iad_grad_mat iad_grad_mat_of(const iad_mat *m) {
    iad_grad_mat g = {(float *)m->data, m->stride, iad_is_wide(m->data, m->stride, sizeof(float))};
    return g;
}

/* to[c] += sum over rows r of dy[r][c], or of dy[r][c] x[r][c] factor[r] when x.data is given; row after row. dy f32 or bf16, x f32. */
iad_status iad_cuda_add_columns(iad_queue *queue, iad_mat dy, iad_mat x, const float *factor, float *to, iad_err *err);

iad_status iad_cuda_linear_dw(iad_queue *queue, iad_mat dy, iad_mat x, iad_mat dw, float *db, iad_err *err);
iad_status iad_cuda_rmsnorm_back(iad_queue *queue, iad_mat x, const float *weight, float eps, iad_mat dy, iad_mat dx, int set, float *dw,
                                 iad_err *err);
iad_status iad_cuda_silu_mul_back(iad_queue *queue, iad_mat gate_up, iad_mat dy, iad_mat dgate_up, iad_err *err);
iad_status iad_cuda_gelu_back(iad_queue *queue, iad_mat x, iad_mat dy, iad_mat dx, iad_err *err);
iad_status iad_cuda_attend_back(iad_queue *queue, const iad_attend_back *back, iad_err *err);
iad_status iad_cuda_fuse_back(iad_queue *queue, const iad_fuse_back *back, iad_err *err);
iad_status iad_cuda_scatter_add(iad_queue *queue, iad_mat dy, const int32_t *index, iad_mat dtable, iad_err *err);
iad_status iad_cuda_add(iad_queue *queue, iad_mat x, iad_mat y, iad_err *err);
iad_status iad_cuda_cross_entropy(iad_queue *queue, iad_mat logits, const int32_t *target, const float *weight, double *loss, uint8_t *hit,
                                  iad_err *err);
iad_status iad_cuda_square_sum(iad_queue *queue, const float *x, int64_t n, double *sum, iad_err *err);
iad_status iad_cuda_adamw(iad_queue *queue, const iad_adamw *job, iad_err *err);
iad_status iad_cuda_join(iad_queue *queue, const uint16_t *high, const uint16_t *low, int64_t n, float *y, iad_err *err);
iad_status iad_cuda_split(iad_queue *queue, const float *y, int64_t n, uint16_t *high, uint16_t *low, iad_err *err);

#endif
