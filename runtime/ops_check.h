/* The shape and type rules of ops.h, checked the same way by every implementation before it computes.
 * Each returns IAD_ERR_ARG with a message that names the op and the operand, or IAD_OK. */
#ifndef IAD_OPS_CHECK_H
#define IAD_OPS_CHECK_H

#include "runtime/ops.h"

enum {
    IAD_ATTEND_MAX_HEAD = 256,  /* d_head */
    IAD_ATTEND_MAX_HEADS = 1024
};

/* Of a layer n_in -> n_out with weights of `storage`. */
iad_status iad_check_linear(int64_t n_in, int64_t n_out, iad_dtype storage, const iad_mat *x, iad_store store, const iad_mat *y, iad_err *err);
iad_status iad_check_rmsnorm(const iad_mat *x, const float *weight, float eps, const iad_mat *y, iad_err *err);
iad_status iad_check_rope(const iad_mat *x, int n_head, int d_head, const float *cosine, const float *sine, iad_err *err);
iad_status iad_check_silu_mul(const iad_mat *gate_up, const iad_mat *y, iad_err *err);
/* gelu and copy: the same shape. */
iad_status iad_check_same(const char *op, const iad_mat *x, const iad_mat *y, iad_err *err);
iad_status iad_check_gather(const iad_mat *table, const int32_t *index, const iad_mat *y, iad_err *err);
iad_status iad_check_attend(const char *op, const iad_attend *job, iad_err *err);
/* Includes the check of the job. */
iad_status iad_check_probe(const iad_attend *job, int64_t seq, const iad_probe *probe, iad_err *err);
iad_status iad_check_fuse(const iad_fuse *job, iad_err *err);
iad_status iad_check_best_match(const iad_mat *x, const iad_mat *ref, int aligned, const float *best, iad_err *err);

/* Keys that query row `row` of the sequence sees. */
static inline int64_t iad_attend_visible(const iad_attend_seq *seq, int64_t row) {
    int64_t n_key = seq->spans[0].k.rows + seq->spans[1].k.rows;
    return seq->causal ? n_key - seq->n_row + row + 1 : n_key;
}

#endif
