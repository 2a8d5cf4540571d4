/* The shape and type rules of train/grad.h, checked the same way by every implementation before it computes. Each returns IAD_ERR_ARG
 * with a message that names the op and the operand, or IAD_OK. */
#ifndef IAD_TRAIN_GRAD_CHECK_H
#define IAD_TRAIN_GRAD_CHECK_H

#include "train/grad.h"

iad_status iad_grad_check_linear_dw(const iad_mat *dy, const iad_mat *x, const iad_mat *dw, iad_err *err);
iad_status iad_grad_check_rmsnorm(const iad_mat *x, const float *weight, float eps, const iad_mat *dy, const iad_mat *dx, int set, iad_err *err);
iad_status iad_grad_check_silu_mul(const iad_mat *gate_up, const iad_mat *dy, const iad_mat *dgate_up, iad_err *err);
/* gelu_back (three of them) and add (dx NULL): the same shape. */
iad_status iad_grad_check_same(const char *op, const iad_mat *x, const iad_mat *dy, const iad_mat *dx, iad_err *err);
iad_status iad_grad_check_attend(const iad_attend_back *back, iad_err *err);
iad_status iad_grad_check_fuse(const iad_fuse_back *back, iad_err *err);
iad_status iad_grad_check_scatter(const iad_mat *dy, const int32_t *index, const iad_mat *dtable, iad_err *err);
iad_status iad_grad_check_cross_entropy(const iad_mat *logits, const int32_t *target, const float *weight, const double *loss, iad_err *err);
/* n elements of a plain array that must be there when n > 0. */
iad_status iad_grad_check_array(const char *op, const char *what, const void *data, int64_t n, iad_err *err);
iad_status iad_grad_check_adamw(const iad_adamw *job, iad_err *err);

/* The span of keys that a sequence of attend_back has: the one that is not empty (the first when both are). */
static inline const iad_kv_span *iad_grad_keys(const iad_attend_seq *seq) {
    return seq->spans[0].k.rows > 0 || seq->spans[1].k.rows == 0 ? &seq->spans[0] : &seq->spans[1];
}

#endif
