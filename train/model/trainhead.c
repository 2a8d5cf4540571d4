#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "train/model/trainpass.h"

/* ---- words ---- */

/* Rows [at, at + n) of the supervised ones. */
static iad_status head_chunk(iad_train_pass *p, int64_t at, int64_t n, const float *weight, double *loss, uint8_t *hit, iad_err *err) {
    const iad_binding *b = p->model->binding;
    const iad_params *params = p->model->params;
    const iad_train_space *t = &p->space;
    iad_mat last = iad_mat_rows(t->last, at, n), normed = iad_mat_rows(t->normed, at, n), logits = iad_mat_rows(t->logits, 0, n);
    IAD_TRY(iad_text_head(p->queue, b->model, last, normed, logits, err));
    IAD_TRY(params->grad_ops->cross_entropy(p->queue, logits, p->batch.target + at, weight, loss, hit, err));
    if (!t->reach.backward) return IAD_OK;
    int below = b->norm->trainable || t->text.from < t->text.n_block;
    iad_mat dnormed = below ? iad_mat_rows(t->dnormed, 0, n) : (iad_mat){0};
    IAD_TRY(iad_linear_back(p->queue, params, b->head, logits, normed, t->ones, t->narrow_logits, dnormed, err));
    if (!below) return IAD_OK;
    IAD_TRY(params->grad_ops->rmsnorm_back(p->queue, last, b->model->norm, params->config.text.rms_eps, dnormed, dnormed, 1,
                                           iad_param_grad(params, b->norm), err));
    if (t->text.from == t->text.n_block) return IAD_OK;
    double square = 0;
    IAD_TRY(params->grad_ops->square_sum(p->queue, dnormed.data, n * dnormed.cols, &square, err));
    p->sums->ce_grad += square;
    return params->grad_ops->scatter_add(p->queue, dnormed, p->batch.row + at, t->text.grad, err);
}

iad_status iad_pass_head(iad_train_pass *p, iad_err *err) {
    const iad_train_space *t = &p->space;
    int64_t n = p->batch.n_supervised;
    if (t->reach.backward && t->text.from < t->text.n_block)
        IAD_TRY(p->queue->ops->zero(p->queue, t->text.grad.data, (size_t)(t->text.n * t->text.n_dim) * sizeof(float), err));
    if (n == 0) return IAD_OK;
    IAD_TRY(p->queue->ops->gather(p->queue, t->text.x[t->text.n_block], p->batch.row, t->last, err));
    double loss[IAD_HEAD_ROWS];
    float weight[IAD_HEAD_ROWS];
    uint8_t hit[IAD_HEAD_ROWS];
    for (int64_t at = 0; at < n; at += IAD_HEAD_ROWS) {
        int64_t m = n - at < IAD_HEAD_ROWS ? n - at : IAD_HEAD_ROWS;
        for (int64_t i = 0; i < m; i++) weight[i] = (float)(p->ce_scale * (double)p->batch.weight[at + i]);
        IAD_TRY(head_chunk(p, at, m, weight, loss, hit, err));
        for (int64_t i = 0; i < m; i++) {
            p->sums->ce += (double)p->batch.weight[at + i] * loss[i];
            p->sums->n_token += (double)p->batch.weight[at + i];
            p->sums->n_hit += hit[i];
        }
    }
    return IAD_OK;
}

/* ---- maps ---- */

static void extremes(iad_train_sums *sums, const float *raw, int64_t cells) {
    for (int c = 0; c < 2; c++)
        for (int64_t j = 0; j < cells; j++) {
            double v = raw[c * cells + j];
            if (v < sums->map_min[c]) sums->map_min[c] = v;
            if (v > sums->map_max[c]) sums->map_max[c] = v;
        }
}

static iad_status losses(const iad_train_pass *p, iad_map_item *items, iad_err *err) {
    const iad_map_options *o = &p->model->options.map;
    if (o->norm == IAD_MAP_BATCH) return iad_map_loss_batch(o, items, p->batch.n_map, err);
    for (int i = 0; i < p->batch.n_map; i++) {
        iad_map_item *t = &items[i];
        if (iad_map_loss(o, p->range, t->raw, t->h, t->w, t->mask, t->mask_h, t->mask_w, &t->focal, &t->dice, t->draw, err) != IAD_OK)
            return iad_err_prefix(err, "task %lld", (long long)p->batch.samples[p->batch.maps[i].sample]->task_id);
    }
    return IAD_OK;
}

static iad_status with_host(iad_train_pass *p, float *raw, float *draw, iad_map_item *items, iad_err *err) {
    const iad_ops *ops = p->queue->ops;
    const iad_train_space *t = &p->space;
    size_t bytes = (size_t)p->batch.n_cell * sizeof(float);
    IAD_TRY(ops->download(p->queue, raw, t->map, bytes, err));
    for (int i = 0; i < p->batch.n_map; i++) {
        const iad_micro_map *m = &p->batch.maps[i];
        const iad_sample *s = p->batch.samples[m->sample];
        extremes(p->sums, raw + m->first, (int64_t)m->h * m->w);
        items[i] = (iad_map_item){.raw = raw + m->first, .h = m->h, .w = m->w, .mask = s->mask, .mask_h = s->mask_h, .mask_w = s->mask_w,
                                  .draw = t->reach.backward ? draw + m->first : NULL};
    }
    p->sums->n_map += p->batch.n_map;
    if (p->range == NULL && !t->reach.backward) return IAD_OK;
    IAD_TRY(losses(p, items, err));
    for (int i = 0; i < p->batch.n_map; i++) {
        p->sums->focal += items[i].focal;
        p->sums->dice += items[i].dice;
    }
    if (!t->reach.backward) return IAD_OK;
    for (int64_t i = 0; i < p->batch.n_cell; i++) {
        draw[i] = (float)(p->map_scale * (double)draw[i]);
        p->sums->map_grad += (double)draw[i] * (double)draw[i];
    }
    return ops->upload(p->queue, t->dmap, draw, bytes, err);
}

iad_status iad_pass_maps(iad_train_pass *p, iad_err *err) {
    if (p->batch.n_map == 0) return IAD_OK;
    float *host = iad_alloc(2 * (size_t)p->batch.n_cell, sizeof *host);
    iad_map_item *items = iad_calloc((size_t)p->batch.n_map, sizeof *items);
    iad_status status = host == NULL || items == NULL ? IAD_NOMEM(err, "the maps of a batch") : IAD_OK;
    if (status == IAD_OK) status = with_host(p, host, host + p->batch.n_cell, items, err);
    free(host);
    free(items);
    return status;
}
