/* The plain backward operations of grad_plain.inc in double: what tests hold against central differences. Nothing else uses them. Rows
 * and strides are as in the ops of train/grad.h; formulas are in grad_plain.inc. */
#ifndef IAD_TRAIN_GRAD_PLAIN64_H
#define IAD_TRAIN_GRAD_PLAIN64_H

#include "train/cpu/grad_plain_types.h"

IAD_GRAD_PLAIN_TYPES(double, iad_plain64_attend_seq, iad_plain64_fuse_row)

void iad_plain64_linear_dw(int64_t n, int64_t n_out, int64_t n_in, const double *dy, int64_t dy_stride, const double *x, int64_t x_stride,
                           double *dw, int64_t dw_stride, double *db);
void iad_plain64_rmsnorm_back(int64_t n, const double *x, const double *weight, double eps, const double *dy, double *dx, int set, double *dw);
void iad_plain64_silu_mul_back(int64_t m, const double *gate_up, const double *dy, double *dgate_up);
void iad_plain64_gelu_back(int64_t n, const double *x, const double *dy, double *dx);
/* p and probe_grad: n_key doubles each. */
void iad_plain64_attend_back(const iad_plain64_attend_seq *seq, double *p, double *probe_grad);
void iad_plain64_fuse_back(const iad_plain64_fuse_row *row);
double iad_plain64_cross_entropy(int64_t n, double *logits, int32_t target, double weight, int *hit);

#endif
