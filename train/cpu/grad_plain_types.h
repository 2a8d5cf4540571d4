/* Arguments of the plain attention and fusion of grad_plain.inc, for float and for double. */
#ifndef IAD_TRAIN_GRAD_PLAIN_TYPES_H
#define IAD_TRAIN_GRAD_PLAIN_TYPES_H

#include "train/grad.h"

/* attend: one sequence; pointers to its first row. stride: q, out, dout, dq; kv_stride: k, v; dkv_stride: dk, dv. The probe's fields as
 * in iad_probe; n_probe 0: none. fuse: one row; dx[l], dnorm, dgate_w, dgate_b, dscale may be NULL. */
#define IAD_GRAD_PLAIN_TYPES(real, attend_name, fuse_name)                                                  \
    typedef struct attend_name {                                                                            \
        int n_head, n_kv_head, d_head, causal;                                                              \
        double scale;                                                                                       \
        int64_t n_row, n_key;                                                                               \
        const real *q, *out, *dout, *k, *v;                                                                 \
        real *dq, *dk, *dv;                                                                                 \
        int64_t stride[4], kv_stride[2], dkv_stride[2];                                                     \
        int n_probe;                                                                                        \
        const int64_t *probe_row;                                                                           \
        const int *probe_class;                                                                             \
        const float *probe_weight;                                                                          \
        int64_t col, n_col, grad_stride;                                                                    \
        const real *grad;                                                                                   \
    } attend_name;                                                                                          \
    typedef struct fuse_name {                                                                              \
        int n_tap;                                                                                          \
        int64_t n;                                                                                          \
        double eps;                                                                                         \
        const real *x[IAD_FUSE_MAX_TAPS], *norm, *gate_w, *gate_b, *scale, *dy;                             \
        real *dx[IAD_FUSE_MAX_TAPS], *dnorm, *dgate_w, *dgate_b, *dscale;                                   \
    } fuse_name;

#endif
