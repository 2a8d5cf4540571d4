/* Linear layers on the card: iad_ops.weight_new, weight_set, weight_free, weight_bytes and linear.
 *
 * A weight lies as its rows do in a checkpoint, [outs][n_in], rows padded to 16 bytes; a transposed layer is the same matrix read the other
 * way. Products are cuBLASLt's (lt.cuh). Where the library has none (odd addresses) a plain kernel multiplies. Sums are f32, or exact
 * integers; how many rows a call has may choose another order of the f32 sums. */
#ifndef IAD_CUDA_LINEAR_CUH
#define IAD_CUDA_LINEAR_CUH

#include "runtime/cuda/cuda_device.cuh"

typedef struct iad_cuda_weight {
    int64_t n_in, n_out;      /* of the layer */
    int64_t rows, cols, ld;   /* of the stored matrix: [rows][ld], cols of them values */
    int64_t rows_pad;         /* IAD_I8: rows in memory, a multiple of 16; else rows */
    iad_dtype storage;
    int transposed;
    void *data;
    float *bias;              /* [n_out] or NULL */
    uint16_t *bias_half;      /* the same as bf16 */
    int bias_exact;           /* bias_half equals bias: the library may add it to bf16 outputs */
    float *scale;             /* IAD_I8: [n_out] */
    size_t bytes;
} iad_cuda_weight;

static inline const iad_cuda_weight *iad_cuda_weight_of(const iad_weight *weight) { return (const iad_cuda_weight *)weight; }

/* As ops.h says. Biases pass through the host wherever they lie. */
iad_status iad_cuda_weight_new(iad_device *device, const iad_weight_spec *spec, iad_weight **weight, iad_err *err);
iad_status iad_cuda_weight_set(iad_device *device, const iad_weight_spec *spec, iad_weight *weight, iad_err *err);
void iad_cuda_weight_free(iad_device *device, iad_weight *weight);
size_t iad_cuda_weight_bytes(const iad_weight *weight);
iad_status iad_cuda_linear(iad_queue *queue, iad_mat x, const iad_weight *weight, iad_store store, iad_mat y, iad_err *err);

/* ---- pieces of linear, linear_kernels.cu ---- */

/* Rows of x quantised by the rule of runtime/cpu/pack.h: q [rows][q_stride] (columns past x.cols 0), scale [rows]. q_stride a multiple of 16. */
iad_status iad_cuda_quantise(iad_queue *queue, iad_mat x, int8_t *q, int64_t q_stride, float *scale, iad_err *err);

/* What is done to sums before they are outputs, each step rounded alone: sums of integers become f32 and are scaled, the bias is added,
 * the result stored as y's type or added to it. */
typedef struct iad_cuda_finish {
    const void *sums;         /* [y.rows][stride] int32 when x_scale is given, else f32 */
    int64_t stride;
    const float *x_scale, *w_scale; /* [rows], [n_out], or NULL both */
    const float *bias;        /* [n_out] or NULL */
    iad_store store;
} iad_cuda_finish;
iad_status iad_cuda_finish_rows(iad_queue *queue, const iad_cuda_finish *finish, iad_mat y, iad_err *err);

/* sums [x.rows][n_out] f32 = x w', by plain loops in the order of n_in. For what the library does not take. */
iad_status iad_cuda_plain_product(iad_queue *queue, iad_mat x, const iad_cuda_weight *w, float *sums, int64_t stride, iad_err *err);

#endif
