#include "train/model/trainblock.h"

#include <math.h>

/* A view of as many columns of a scratch matrix, without gaps. */
static iad_mat reshaped(iad_mat m, int64_t rows, int64_t cols) {
    m.rows = rows;
    m.cols = m.stride = cols;
    return m;
}

static iad_status weights_back(iad_queue *queue, const iad_params *params, const iad_bound_linear *l, iad_mat dy, iad_mat x, const void *ones,
                               iad_err *err) {
    const iad_grad_ops *grad = params->grad_ops;
    int64_t col = 0;
    for (int p = 0; p < l->n_part; p++) {
        int64_t n_out = l->weight[p]->shape[0];
        iad_mat part = iad_mat_cols(dy, col, n_out);
        float *bias = iad_param_grad(params, l->bias[p]);
        col += n_out;
        if (l->weight[p]->trainable) IAD_TRY(grad->linear_dw(queue, part, x, iad_param_grad_mat(params, l->weight[p], n_out), bias, err));
        else if (bias != NULL) { /* the sum of the rows of dy, as a product with ones */
            iad_mat column = {.data = (void *)(uintptr_t)ones, .rows = dy.rows, .cols = 1, .stride = 1, .dtype = dy.dtype};
            IAD_TRY(grad->linear_dw(queue, part, column, iad_param_grad_mat(params, l->bias[p], n_out), NULL, err));
        }
    }
    return IAD_OK;
}

iad_status iad_linear_back(iad_queue *queue, const iad_params *params, const iad_bound_linear *l, iad_mat dy, iad_mat x, const void *ones,
                           iad_mat narrow, iad_mat dx, iad_err *err) {
    if (x.dtype == IAD_BF16) {
        narrow = reshaped(narrow, dy.rows, dy.cols);
        IAD_TRY(queue->ops->copy(queue, dy, narrow, err));
        dy = narrow;
    }
    if (l->trainable) IAD_TRY(weights_back(queue, params, l, dy, x, ones, err));
    return dx.data != NULL ? queue->ops->linear(queue, dy, l->back, IAD_STORE_SET, dx, err) : IAD_OK;
}

iad_status iad_block_restore(iad_queue *queue, const iad_train_stack *s, int block, const iad_block_weights *w, float eps, iad_err *err) {
    const iad_ops *ops = queue->ops;
    const iad_block_acts *a = &s->acts[block];
    if (s->level == IAD_RECOMPUTE_NONE || s->level == IAD_RECOMPUTE_BLOCK) return IAD_OK;
    IAD_TRY(ops->rmsnorm(queue, s->x[block], w->norm1, eps, a->norm1, err));
    IAD_TRY(ops->rmsnorm(queue, a->mid, w->norm2, eps, a->norm2, err));
    if (s->level == IAD_RECOMPUTE_FFN) IAD_TRY(ops->linear(queue, a->norm2, w->gate_up, IAD_STORE_SET, a->gate_up, err));
    return ops->silu_mul(queue, a->gate_up, a->hidden, err);
}

static iad_status attention_back(iad_queue *queue, const iad_params *params, const iad_train_stack *s, const iad_block_acts *a,
                                 const iad_block_attention *t, iad_err *err) {
    const iad_ops *ops = queue->ops;
    int64_t kv_dim = (int64_t)t->n_kv_head * t->d_head;
    iad_mat out = a->attn;
    if (out.dtype == IAD_BF16) {
        out = s->attn;
        IAD_TRY(ops->copy(queue, a->attn, out, err));
    }
    const iad_attend job = {.n_head = t->n_head, .n_kv_head = t->n_kv_head, .d_head = t->d_head, .scale = 1.0f / sqrtf((float)t->d_head),
                            .q = iad_mat_cols(a->qkv, 0, s->q_dim), .out = out, .seqs = t->seqs, .n_seq = t->n_seq};
    const iad_attend_back back = {.job = &job,
                                  .dout = s->dattn,
                                  .dq = iad_mat_cols(s->dqkv, 0, s->q_dim),
                                  .dk = iad_mat_cols(s->dqkv, s->q_dim, kv_dim),
                                  .dv = iad_mat_cols(s->dqkv, s->q_dim + kv_dim, kv_dim),
                                  .kv_row = t->kv_row,
                                  .probes = t->probes,
                                  .probe_grad = t->probe_grad};
    IAD_TRY(params->grad_ops->attend_back(queue, &back, err));
    IAD_TRY(ops->rope(queue, back.dq, t->n_head, t->d_head, s->cosine, s->back_sine, err)); /* a turn back is the transpose of a turn */
    return ops->rope(queue, back.dk, t->n_kv_head, t->d_head, s->cosine, s->back_sine, err);
}

iad_status iad_block_back(iad_queue *queue, const iad_params *params, const iad_train_stack *s, int block, const iad_block_weights *w,
                          const iad_bound_block *bound, float eps, const iad_block_attention *attention, const void *ones, iad_err *err) {
    const iad_grad_ops *grad = params->grad_ops;
    const iad_block_acts *a = &s->acts[block];
    IAD_TRY(iad_linear_back(queue, params, bound->down, s->grad, a->hidden, ones, s->narrow, s->dhidden, err));
    IAD_TRY(grad->silu_mul_back(queue, a->gate_up, s->dhidden, a->gate_up, err));
    IAD_TRY(iad_linear_back(queue, params, bound->gate_up, a->gate_up, a->norm2, ones, s->narrow, s->dnorm, err));
    IAD_TRY(grad->rmsnorm_back(queue, a->mid, w->norm2, eps, s->dnorm, s->grad, 0, iad_param_grad(params, bound->norm2), err));
    IAD_TRY(iad_linear_back(queue, params, bound->out, s->grad, a->attn, ones, s->narrow, s->dattn, err));
    IAD_TRY(attention_back(queue, params, s, a, attention, err));
    IAD_TRY(iad_linear_back(queue, params, bound->qkv, s->dqkv, a->norm1, ones, s->narrow, s->dnorm, err));
    return grad->rmsnorm_back(queue, s->x[block], w->norm1, eps, s->dnorm, s->grad, 0, iad_param_grad(params, bound->norm1), err);
}
