/* The inner loops of the backward operations, one set per instruction set: grad_kernels_<isa>.c includes the vector words of
 * runtime/cpu/vec_<isa>.h and then dw_pack.inc, rows_back.inc and attend_back.inc. */
#ifndef IAD_TRAIN_GRAD_KERNELS_H
#define IAD_TRAIN_GRAD_KERNELS_H

#include "train/grad.h"

/* How rows become 32-bit words for a product over the rows (pack.h of the runtime: groups). */
typedef enum iad_weave {
    IAD_WEAVE_F32,     /* one row a group: its floats */
    IAD_WEAVE_PAIRS,   /* two bf16 rows a group: (even, odd) in a word */
    IAD_WEAVE_WIDE     /* one bf16 row a group: its values as floats */
} iad_weave;

/* What fuse_back knows of a row after its first pass (formulas: rows_back.inc). */
typedef struct iad_fuse_stats {
    float factor[IAD_FUSE_MAX_TAPS];  /* 1 / rms of the tap */
    float mix[IAD_FUSE_MAX_TAPS];     /* of dy in the gradient of n_l: s R a_l */
    float gate[IAD_FUSE_MAX_TAPS];    /* gradient of the gate's logit */
    float inner[IAD_FUSE_MAX_TAPS];   /* f_l^3 / n sum(dn norm x) */
    float last;                       /* of x in the gradient of the last tap: s dot / (n R) */
    float scale;                      /* gradient of the scale */
} iad_fuse_stats;

/* One (sequence, key/value head) of attend_back and the memory to work in. Lanes are (row, query head of the group), row by row. */
typedef struct iad_attend_back_work {
    int d_head, group, n_head, causal;
    float scale;
    int64_t n_row, n_key;
    const float *q, *out, *dout, *k, *v;  /* at the head's first column and the sequence's first row */
    float *dq, *dk, *dv;
    int64_t q_stride, out_stride, dout_stride, dq_stride, k_stride, v_stride, dk_stride, dv_stride;
    const iad_probe *probe;               /* or NULL; n_head counts all query heads for its mean */
    const float *probe_grad;
    int64_t probe_stride;
    float *memory;                        /* as many floats as attend_back_floats says, 64-byte aligned */
} iad_attend_back_work;

typedef struct iad_grad_kernels {
    /* n columns of a group to n words; odd NULL: zeros. */
    void (*weave)(iad_weave how, const void *even, const void *odd, int64_t n, uint32_t *words);
    /* to[c * stride + g] = word c of group g for 16 groups of n columns (n up to 256); groups that are NULL are zeros. */
    void (*weave_turned)(iad_weave how, const void *const even[16], const void *const odd[16], int64_t n, uint32_t *to, int64_t stride);
    void (*add)(iad_dtype type, const void *x, int64_t n, float *y); /* y += x */

    float (*rms_factor)(const float *x, float eps, int64_t n);
    /* dw[c] += dy[r][c] x[r][c] factor[r], row after row */
    void (*rmsnorm_dw)(iad_mat x, iad_mat dy, const float *factor, int64_t col, int64_t n, float *dw);
    void (*rmsnorm_dx)(const float *x, const float *weight, float factor, const float *dy, int64_t n, int set, float *dx);
    void (*silu_mul_back)(const float *gate, const float *up, const float *dy, int64_t n, float *dgate, float *dup);
    void (*gelu_back)(const float *x, const float *dy, int64_t n, float *dx);
    void (*fuse_stats)(const iad_fuse_back *back, int64_t row, iad_fuse_stats *stats);
    void (*fuse_params)(const iad_fuse_back *back, const iad_fuse_stats *stats, int64_t col, int64_t n); /* columns of dnorm, dgate_w */
    void (*fuse_taps)(const iad_fuse_back *back, int64_t row, const iad_fuse_stats *stats);
    double (*cross_entropy)(float *logits, int64_t n, int32_t target, float weight, int *hit);

    size_t (*attend_back_floats)(int d_head, int64_t n_key);
    void (*attend_back)(iad_attend_back_work *work);
} iad_grad_kernels;

extern const iad_grad_kernels iad_grad_kernels_plain;
#if defined(__x86_64__)
extern const iad_grad_kernels iad_grad_kernels_avx2;
extern const iad_grad_kernels iad_grad_kernels_avx512;
#endif
const iad_grad_kernels *iad_grad_kernels_of(const iad_device *device);

#endif
