/* AdamW over the flat space, each rank its own pieces (ZeRO-1): gradient exchange, norm, clip, update, weights back to everybody. */
#ifndef IAD_TRAIN_OPTIMIZER_H
#define IAD_TRAIN_OPTIMIZER_H

#include "train/comm/comm.h"
#include "train/param/params.h"

typedef struct iad_optimizer_options {
    double beta1, beta2, eps;   /* 0.9, 0.999, 1e-8 */
    double clip;                /* largest global gradient norm; 0: none; 1 */
    int states8;                /* 1: m and v in 8 bits */
    int max_skipped;            /* non-finite steps in a row at which iad_step_result.diverged says stop; 3 */
} iad_optimizer_options;
iad_optimizer_options iad_optimizer_defaults(void);

typedef struct iad_optimizer iad_optimizer;
/* params and comm outlive it. States of the tensors that are trainable now; options NULL: the defaults. */
iad_status iad_optimizer_new(iad_params *params, iad_comm *comm, const iad_optimizer_options *options, iad_optimizer **optimizer, iad_err *err);
void iad_optimizer_free(iad_optimizer *optimizer);

typedef struct iad_step_result {
    double grad_norm;           /* global, before clipping; may be infinite or NaN */
    int skipped;                /* 1: non-finite, nothing was changed */
    int diverged;               /* 1: max_skipped steps in a row were skipped */
} iad_step_result;

/* One update of all trainable tensors. params->grad holds this rank's sums; grad_divisor (the same on every rank) divides the global sum.
 * All-to-all of pieces, f32 sum in rank order, fixed-order norm, AdamW at step t = 1, 2, ... of this stage, all-gather of high and low.
 * Afterwards params->grad holds the global sums in this rank's pieces, and what it held elsewhere: the caller zeroes it for the next step. A
 * skipped step does not count for t. Errors of the ops and the comm: then the ranks may differ and the run has to end.
 * Frozen tensors are untouched. Bit-equal for equal inputs; every rank ends with the same values. */
iad_status iad_optimizer_step(iad_optimizer *optimizer, iad_queue *queue, double rate, double grad_divisor, iad_step_result *result, iad_err *err);
/* t and the skip counter of the stage, for checkpoints. */
typedef struct iad_optimizer_clock { int64_t t; int32_t skipped_in_row; int64_t skipped_total; } iad_optimizer_clock;
iad_optimizer_clock iad_optimizer_clock_get(const iad_optimizer *optimizer);
void iad_optimizer_clock_set(iad_optimizer *optimizer, const iad_optimizer_clock *clock);
/* Forgets m and v and starts at t = 0 (between stages). */
iad_status iad_optimizer_reset(iad_optimizer *optimizer, iad_queue *queue, iad_err *err);
/* This rank's state of element range [begin, end) of the flat space, inside one tensor and one of its pieces, in the layout that checkpoints
 * store (train/store uses these). Blocks of IAD_ADAMW_BLOCK lie on the same elements at every world size. m and v are device arrays. */
typedef struct iad_optimizer_span {
    int64_t begin, end;         /* flat elements */
    float *m, *v;               /* f32 states, or NULL */
    uint8_t *m8, *v8;
    float *m_scale, *v_scale;   /* one per IAD_ADAMW_BLOCK elements from begin on */
} iad_optimizer_span;
/* In rising order of begin; returns their number. */
int iad_optimizer_spans(const iad_optimizer *optimizer, const iad_optimizer_span **spans);

/* Cosine with warm-up (train page 8): step t = 0.. of n: linear from 0 over warmup * n steps, then
 * end + (peak - end) (1 + cos(pi (t - w) / (n - w))) / 2, w = warmup * n rounded up; from step n on the end. Computed in double with
 * base/fmath.h. warmup 0..1. */
double iad_rate_at(int64_t t, int64_t n, double peak, double end, double warmup);

#endif
