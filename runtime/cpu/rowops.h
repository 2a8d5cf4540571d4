/* Row ops of the CPU device (contracts: runtime/ops.h): every row by one thread, so that the result depends on neither the number of
 * threads nor on how rows are cut into calls. */
#ifndef IAD_CPU_ROWS_H
#define IAD_CPU_ROWS_H

#include "runtime/ops.h"

iad_status iad_cpu_rmsnorm(iad_queue *queue, iad_mat x, const float *weight, float eps, iad_mat y, iad_err *err);
iad_status iad_cpu_rope(iad_queue *queue, iad_mat x, int n_head, int d_head, const float *cosine, const float *sine, iad_err *err);
iad_status iad_cpu_silu_mul(iad_queue *queue, iad_mat gate_up, iad_mat y, iad_err *err);
iad_status iad_cpu_gelu(iad_queue *queue, iad_mat x, iad_mat y, iad_err *err);
iad_status iad_cpu_copy(iad_queue *queue, iad_mat x, iad_mat y, iad_err *err);
iad_status iad_cpu_gather(iad_queue *queue, iad_mat table, const int32_t *index, iad_mat y, iad_err *err);
iad_status iad_cpu_fuse(iad_queue *queue, const iad_fuse *job, iad_err *err);

/* One row each, of n elements; kinds are IAD_F32 or IAD_BF16. One set per instruction set. */
typedef struct iad_row_kernels {
    void (*rmsnorm)(const float *x, const float *weight, float eps, int64_t n, iad_dtype to, void *y);
    void (*rope)(float *x, int n_head, int d_head, const float *cosine, const float *sine);
    void (*silu_mul)(iad_dtype from, const void *gate, const void *up, int64_t n, iad_dtype to, void *y);
    void (*gelu)(iad_dtype from, const void *x, int64_t n, iad_dtype to, void *y);
    void (*convert)(iad_dtype from, const void *x, int64_t n, iad_dtype to, void *y);
    void (*fuse)(const iad_fuse *job, int64_t row);
    /* The 2^x inside silu, gelu and softmax, for tests. */
    void (*exp2)(const float *x, int64_t n, float *y);
} iad_row_kernels;

extern const iad_row_kernels iad_row_kernels_plain;
#if defined(__x86_64__)
extern const iad_row_kernels iad_row_kernels_avx2;
extern const iad_row_kernels iad_row_kernels_avx512;
#endif
const iad_row_kernels *iad_row_kernels_of(const iad_device *device);

#endif
