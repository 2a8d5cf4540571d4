#include "train/param/optimizer.h"

#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/fmath.h"
#include "train/param/exchange.h"

struct iad_optimizer {
    iad_params *params;
    iad_comm *comm;
    iad_optimizer_options options;
    iad_exchange exchange;
    iad_optimizer_clock clock;
    /* One span per trainable tensor that reaches into a piece of this rank, without the padding; its tensor beside it. */
    iad_optimizer_span *spans; /* [n_span] */
    const iad_param **owners;  /* [n_span] */
    int n_span;
    int64_t n_state;           /* elements of the arrays below: spans in blocks of IAD_ADAMW_BLOCK */
    void *m, *v;               /* device, f32 or 8-bit codes */
    void *m_scale, *v_scale;   /* device f32 per block, of 8-bit states */
};

iad_optimizer_options iad_optimizer_defaults(void) {
    return (iad_optimizer_options){.beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8, .clip = 1, .max_skipped = 3};
}

/* ---- making ---- */

static iad_status check_options(const iad_optimizer_options *o, iad_err *err) {
    if (!(o->beta1 >= 0 && o->beta1 < 1)) return IAD_FAIL(err, IAD_ERR_ARG, "optimizer: beta1 is %g, expected 0 to below 1", o->beta1);
    if (!(o->beta2 >= 0 && o->beta2 < 1)) return IAD_FAIL(err, IAD_ERR_ARG, "optimizer: beta2 is %g, expected 0 to below 1", o->beta2);
    if (!(o->eps > 0 && o->eps <= 1)) return IAD_FAIL(err, IAD_ERR_ARG, "optimizer: eps is %g, expected above 0, to 1", o->eps);
    if (!(o->clip >= 0 && isfinite(o->clip))) return IAD_FAIL(err, IAD_ERR_ARG, "optimizer: clip is %g, expected a norm, or 0 for none", o->clip);
    if (o->max_skipped < 1) return IAD_FAIL(err, IAD_ERR_ARG, "optimizer: max_skipped is %d, expected at least 1", o->max_skipped);
    return IAD_OK;
}

static int64_t blocks_of(const iad_optimizer_span *s) { return (s->end - s->begin + IAD_ADAMW_BLOCK - 1) / IAD_ADAMW_BLOCK; }

static iad_status find_spans(iad_optimizer *o, iad_err *err) {
    const iad_params *p = o->params;
    o->spans = iad_calloc((size_t)p->n_tensor, sizeof *o->spans);
    o->owners = iad_calloc((size_t)p->n_tensor, sizeof *o->owners);
    if (!o->spans || !o->owners) return IAD_NOMEM(err, "the optimizer");
    for (int i = 0; i < p->n_tensor; i++) {
        const iad_param *t = &p->tensors[i];
        int64_t begin, end;
        iad_params_piece(p, t->bucket, o->comm->rank, o->comm->world, &begin, &end);
        if (begin < t->offset) begin = t->offset;
        if (end > t->offset + t->n) end = t->offset + t->n;
        if (!t->trainable || begin >= end) continue;
        o->spans[o->n_span] = (iad_optimizer_span){.begin = begin, .end = end};
        o->owners[o->n_span] = t;
        o->n_state += blocks_of(&o->spans[o->n_span++]) * IAD_ADAMW_BLOCK;
    }
    return IAD_OK;
}

static iad_status state_alloc(const iad_optimizer *o, int64_t n, size_t size, void **data, iad_err *err) {
    return o->params->device->ops->alloc(o->params->device, (size_t)(n ? n : 1) * size, data, err);
}

static iad_status allocate(iad_optimizer *o, iad_err *err) {
    const int64_t n_block = o->n_state / IAD_ADAMW_BLOCK;
    const size_t size = o->options.states8 ? 1 : sizeof(float);
    IAD_TRY(state_alloc(o, o->n_state, size, &o->m, err));
    IAD_TRY(state_alloc(o, o->n_state, size, &o->v, err));
    if (o->options.states8) {
        IAD_TRY(state_alloc(o, n_block, sizeof(float), &o->m_scale, err));
        IAD_TRY(state_alloc(o, n_block, sizeof(float), &o->v_scale, err));
    }
    int64_t at = 0;
    for (int i = 0; i < o->n_span; i++) {
        iad_optimizer_span *s = &o->spans[i];
        if (o->options.states8) {
            s->m8 = (uint8_t *)o->m + at;
            s->v8 = (uint8_t *)o->v + at;
            s->m_scale = (float *)o->m_scale + at / IAD_ADAMW_BLOCK;
            s->v_scale = (float *)o->v_scale + at / IAD_ADAMW_BLOCK;
        } else {
            s->m = (float *)o->m + at;
            s->v = (float *)o->v + at;
        }
        at += blocks_of(s) * IAD_ADAMW_BLOCK;
    }
    return IAD_OK;
}

static iad_status start(iad_optimizer *o, iad_err *err) {
    iad_queue *queue = NULL;
    IAD_TRY(check_options(&o->options, err));
    IAD_TRY(iad_exchange_init(&o->exchange, o->params, o->comm, err));
    IAD_TRY(find_spans(o, err));
    IAD_TRY(allocate(o, err));
    IAD_TRY(o->params->device->ops->queue_new(o->params->device, &queue, err));
    iad_status status = iad_optimizer_reset(o, queue, err);
    o->params->device->ops->queue_free(queue);
    return status;
}

iad_status iad_optimizer_new(iad_params *params, iad_comm *comm, const iad_optimizer_options *options, iad_optimizer **optimizer, iad_err *err) {
    iad_optimizer *o = *optimizer = iad_calloc(1, sizeof *o);
    if (!o) return IAD_NOMEM(err, "the optimizer");
    o->params = params;
    o->comm = comm;
    o->options = options ? *options : iad_optimizer_defaults();
    iad_status status = start(o, err);
    if (status != IAD_OK) {
        iad_optimizer_free(o);
        *optimizer = NULL;
    }
    return status;
}

void iad_optimizer_free(iad_optimizer *o) {
    if (!o) return;
    iad_device *device = o->params->device;
    iad_exchange_deinit(&o->exchange);
    device->ops->release(device, o->m);
    device->ops->release(device, o->v);
    device->ops->release(device, o->m_scale);
    device->ops->release(device, o->v_scale);
    free(o->spans);
    free(o->owners);
    free(o);
}

iad_status iad_optimizer_reset(iad_optimizer *o, iad_queue *queue, iad_err *err) {
    const iad_ops *ops = o->params->device->ops;
    const size_t bytes = (size_t)o->n_state * (o->options.states8 ? 1 : sizeof(float));
    const size_t scales = (size_t)(o->n_state / IAD_ADAMW_BLOCK) * sizeof(float);
    o->clock = (iad_optimizer_clock){0};
    IAD_TRY(ops->zero(queue, o->m, bytes, err));
    IAD_TRY(ops->zero(queue, o->v, bytes, err));
    if (!o->options.states8) return IAD_OK;
    IAD_TRY(ops->zero(queue, o->m_scale, scales, err)); /* any code times scale 0 is 0 */
    return ops->zero(queue, o->v_scale, scales, err);
}

/* ---- a step ---- */

/* Sum of squares of the summed gradients of everything trainable, the same bits on every rank. */
static iad_status global_square_sum(iad_optimizer *o, iad_queue *queue, double *sum, iad_err *err) {
    *sum = 0;
    for (int i = 0; i < o->n_span; i++) {
        double part;
        const iad_optimizer_span *s = &o->spans[i];
        IAD_TRY(o->params->grad_ops->square_sum(queue, o->params->grad + s->begin, s->end - s->begin, &part, err));
        *sum += part;
    }
    return iad_comm_fold(o->comm, sum, 1, IAD_FOLD_SUM, err);
}

/* 1 - beta^t. */
static float correction(double beta, int64_t t) { return (float)(1 - (beta > 0 ? iad_pow(beta, (double)t) : 0)); }

static iad_status update(iad_optimizer *o, iad_queue *queue, double rate, double grad_scale, iad_err *err) {
    const iad_params *p = o->params;
    iad_adamw job = {.grad_scale = (float)grad_scale};
    job.beta1 = (float)o->options.beta1;
    job.beta2 = (float)o->options.beta2;
    job.eps = (float)o->options.eps;
    job.correct1 = correction(o->options.beta1, o->clock.t);
    job.correct2 = correction(o->options.beta2, o->clock.t);
    for (int i = 0; i < o->n_span; i++) {
        const iad_optimizer_span *s = &o->spans[i];
        job.n = s->end - s->begin;
        job.high = p->high + s->begin;
        job.low = p->low + s->begin;
        job.grad = p->grad + s->begin;
        job.m = s->m, job.v = s->v;
        job.m8 = s->m8, job.v8 = s->v8;
        job.m_scale = s->m_scale, job.v_scale = s->v_scale;
        job.rate = (float)(rate * (double)o->owners[i]->rate_factor);
        job.decay = o->owners[i]->decay;
        IAD_TRY(p->grad_ops->adamw(queue, &job, err));
    }
    return IAD_OK;
}

iad_status iad_optimizer_step(iad_optimizer *o, iad_queue *queue, double rate, double grad_divisor, iad_step_result *result, iad_err *err) {
    double sum;
    *result = (iad_step_result){0};
    if (!(rate >= 0 && isfinite(rate))) return IAD_FAIL(err, IAD_ERR_ARG, "learning rate %g: expected a finite number from 0 on", rate);
    if (!(grad_divisor > 0 && isfinite(grad_divisor)))
        return IAD_FAIL(err, IAD_ERR_ARG, "divisor of the gradient %g: expected a finite number above 0", grad_divisor);
    IAD_TRY(iad_exchange_gradients(&o->exchange, queue, err));
    IAD_TRY(global_square_sum(o, queue, &sum, err));
    result->grad_norm = sqrt(sum) / grad_divisor;
    if (!isfinite(result->grad_norm)) {
        o->clock.skipped_in_row++;
        o->clock.skipped_total++;
        result->skipped = 1;
        result->diverged = o->clock.skipped_in_row >= o->options.max_skipped;
        return IAD_OK;
    }
    o->clock.skipped_in_row = 0;
    o->clock.t++;
    /* The 1e-6 is that of torch.nn.utils.clip_grad_norm_. */
    double clip = o->options.clip > 0 ? o->options.clip / (result->grad_norm + 1e-6) : 1;
    IAD_TRY(update(o, queue, rate, (clip < 1 ? clip : 1) / grad_divisor, err));
    return iad_exchange_weights(&o->exchange, err);
}

/* ---- for checkpoints ---- */

iad_optimizer_clock iad_optimizer_clock_get(const iad_optimizer *o) { return o->clock; }

void iad_optimizer_clock_set(iad_optimizer *o, const iad_optimizer_clock *clock) { o->clock = *clock; }

int iad_optimizer_spans(const iad_optimizer *o, const iad_optimizer_span **spans) {
    *spans = o->spans;
    return o->n_span;
}
