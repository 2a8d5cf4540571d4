/* AdamW over the flat space, each rank its own pieces (ZeRO-1): gradient exchange, norm, clip, update, weights back to everybody. */
#ifndef IAD_TRAIN_OPTIMIZER_H
#define IAD_TRAIN_OPTIMIZER_H

#include "train/comm/comm.h"
#include "train/param/params.h"

typedef struct iad_optimizer_options {
    double beta1, beta2, eps;   /* 0.9, 0.999, 1e-8 */
    double clip;                /* largest global gradient norm; 0: none; 1 */
    int states8;                /* 1: m and v in 8 bits */
    int max_skipped;            /* non-finite steps in a row before IAD_ERR_INTERNAL-free stop: *stop_diverged; 3 */
} iad_optimizer_options;
iad_optimizer_options iad_optimizer_defaults(void);

typedef struct iad_optimizer iad_optimizer;
iad_status iad_optimizer_new(iad_params *params, iad_comm *comm, const iad_optimizer_options *options, iad_optimizer **optimizer, iad_err *err);
void iad_optimizer_free(iad_optimizer *optimizer);

typedef struct iad_step_result {
    double grad_norm;           /* global, before clipping; may be infinite or NaN */
    int skipped;                /* 1: non-finite, nothing was changed */
    int diverged;               /* 1: max_skipped steps in a row were skipped */
} iad_step_result;

/* One update of all trainable tensors. params->grad holds this rank's sums; grad_divisor (the same on every rank) divides the global sum.
 * All-to-all of pieces, f32 sum in rank order, fixed-order norm, AdamW at step t = 1, 2, ... of this stage, all-gather of high and low.
 * Frozen tensors are untouched. Bit-equal for equal inputs; every rank ends with the same values. */
iad_status iad_optimizer_step(iad_optimizer *optimizer, iad_queue *queue, double rate, double grad_divisor, iad_step_result *result, iad_err *err);
/* t and the skip counter of the stage, for checkpoints. */
typedef struct iad_optimizer_clock { int64_t t; int32_t skipped_in_row; int64_t skipped_total; } iad_optimizer_clock;
iad_optimizer_clock iad_optimizer_clock_get(const iad_optimizer *optimizer);
void iad_optimizer_clock_set(iad_optimizer *optimizer, const iad_optimizer_clock *clock);
/* Forgets m and v and starts at t = 0 (between stages). */
iad_status iad_optimizer_reset(iad_optimizer *optimizer, iad_queue *queue, iad_err *err);
/* This rank's state of element range [begin, end) of the flat space inside one of its pieces, in the layout that checkpoints store. The store
 * (train/store) uses these; m and v are device arrays. */
typedef struct iad_optimizer_span {
    int64_t begin, end;         /* flat elements */
    float *m, *v;               /* f32 states, or NULL */
    uint8_t *m8, *v8;
    float *m_scale, *v_scale;   /* one per IAD_ADAMW_BLOCK elements from begin on */
} iad_optimizer_span;
int iad_optimizer_spans(const iad_optimizer *optimizer, const iad_optimizer_span **spans);

/* Cosine with warm-up (train page 8): step t = 0.. of n: linear from 0 over warmup * n steps, then
 * end + (peak - end) (1 + cos(pi (t - w) / (n - w))) / 2. Computed in double with base/fmath.h. */
double iad_rate_at(int64_t t, int64_t n, double peak, double end, double warmup);

#endif
