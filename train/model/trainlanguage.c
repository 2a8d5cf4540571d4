#include <stdlib.h>

#include "base/alloc.h"
#include "runtime/model/positions.h"
#include "train/model/trainpass.h"

/* ---- rows in ---- */

static iad_status upload_angles(iad_train_pass *p, iad_err *err) {
    const iad_text_config *c = &p->model->params->config.text;
    const iad_train_stack *t = &p->space.text;
    const iad_micro *b = &p->batch;
    size_t n = (size_t)b->n_row * (size_t)(c->head_dim / 2), bytes = n * sizeof(float);
    float *host = iad_alloc(2 * n, sizeof *host);
    if (host == NULL) return IAD_NOMEM(err, "the rotary angles of a batch");
    iad_status status = iad_mrope_angles(b->pos[0], b->pos[1], b->pos[2], b->n_row, c->head_dim, c->mrope_section, c->rope_theta, host, host + n,
                                         err);
    if (status == IAD_OK) status = p->queue->ops->upload(p->queue, t->cosine, host, bytes, err);
    if (status == IAD_OK) status = p->queue->ops->upload(p->queue, t->sine, host + n, bytes, err);
    if (status == IAD_OK && t->from < t->n_block) {
        for (size_t i = n; i < 2 * n; i++) host[i] = -host[i];
        status = p->queue->ops->upload(p->queue, t->back_sine, host + n, bytes, err);
    }
    free(host);
    return status;
}

/* Runs of text rows and of picture rows, one after the other. */
static iad_status embed_rows(iad_train_pass *p, iad_err *err) {
    const iad_micro *b = &p->batch;
    iad_mat x = p->space.text.x[0];
    for (int64_t row = 0, end; row < b->n_row; row = end) {
        int text = b->ids[row] >= 0;
        for (end = row + 1; end < b->n_row && (b->ids[end] >= 0) == text;) end++;
        iad_mat table = text ? p->model->binding->model->embed : p->space.tokens;
        IAD_TRY(p->queue->ops->gather(p->queue, table, (text ? b->ids : b->token) + row, iad_mat_rows(x, row, end - row), err));
    }
    return IAD_OK;
}

/* ---- layers ---- */

static int is_map_layer(const iad_model_config *c, int layer) {
    for (int i = 0; i < c->paper.n_map_layers; i++)
        if (c->paper.map_layers[i] == layer) return 1;
    return 0;
}

/* Keys and values of a sample are its rows of the layer's matrices: a cache whose first row lies there. */
static iad_kv cache_of(const iad_train_pass *p, int layer, int sample) {
    const iad_train_stack *t = &p->space.text;
    iad_mat keys = t->keys[layer];
    return (iad_kv){.device = p->model->params->device, .n_layer = 1, .width = keys.cols, .cap = keys.rows, .dtype = IAD_F32,
                    .data = (char *)iad_mat_rows(keys, p->batch.segment[sample], 0).data};
}

static iad_status layer_forward(iad_train_pass *p, int layer, int probe, iad_err *err) {
    const iad_train_stack *t = &p->space.text;
    iad_kv caches[IAD_TEXT_MAX_SEQS];
    iad_text_seq seqs[IAD_TEXT_MAX_SEQS];
    for (int i = 0; i < p->batch.n_sample; i++) {
        caches[i] = cache_of(p, layer, i);
        seqs[i] = (iad_text_seq){.row = p->batch.segment[i], .n_row = p->batch.segment[i + 1] - p->batch.segment[i], .tail = &caches[i],
                                 .probe = probe ? p->probes[i] : NULL};
    }
    return iad_text_layer_forward(p->queue, p->model->binding->model, layer, &t->acts[layer], t->cosine, t->sine, seqs, p->batch.n_sample,
                                  t->x[layer], t->x[layer + 1], err);
}

iad_status iad_pass_text(iad_train_pass *p, iad_err *err) {
    iad_train_space *t = &p->space;
    IAD_TRY(upload_angles(p, err));
    IAD_TRY(embed_rows(p, err));
    IAD_TRY(p->queue->ops->zero(p->queue, t->map, (size_t)p->batch.n_cell * sizeof(float), err));
    for (int i = 0; i < p->batch.n_map; i++) {
        iad_micro_map *m = &p->batch.maps[i];
        int64_t cells = (int64_t)m->h * m->w;
        m->probe.out = (iad_mat){.data = t->map + m->first, .rows = 2, .cols = cells, .stride = cells, .dtype = IAD_F32};
        p->probes[m->sample] = &m->probe;
        p->probe_grad[m->sample] = m->probe.out;
        p->probe_grad[m->sample].data = t->dmap != NULL ? t->dmap + m->first : NULL;
    }
    for (int i = 0; i < t->text.n_block; i++) IAD_TRY(layer_forward(p, i, 1, err));
    return IAD_OK;
}

/* ---- backward ---- */

static iad_status layer_back(iad_train_pass *p, int layer, iad_err *err) {
    const iad_binding *b = p->model->binding;
    const iad_text_config *c = &p->model->params->config.text;
    const iad_train_stack *t = &p->space.text;
    if (t->level == IAD_RECOMPUTE_BLOCK) IAD_TRY(layer_forward(p, layer, 0, err));
    else IAD_TRY(iad_block_restore(p->queue, t, layer, &b->model->layers[layer], c->rms_eps, err));
    for (int i = 0; i < p->batch.n_sample; i++) {
        int64_t row = p->batch.segment[i], n = p->batch.segment[i + 1] - row;
        iad_kv_span keys = {iad_mat_rows(t->keys[layer], row, n), iad_mat_rows(t->values[layer], row, n)};
        p->seqs[i] = (iad_attend_seq){.row = row, .n_row = n, .causal = 1, .spans = {{iad_mat_rows(keys.k, 0, 0), iad_mat_rows(keys.v, 0, 0)}, keys}};
        p->kv_row[i] = row;
    }
    const int maps = p->batch.n_map > 0 && is_map_layer(&p->model->params->config, layer);
    const iad_block_attention attention = {.n_head = c->heads,
                                           .n_kv_head = c->kv_heads,
                                           .d_head = c->head_dim,
                                           .seqs = p->seqs,
                                           .n_seq = p->batch.n_sample,
                                           .kv_row = p->kv_row,
                                           .probes = maps ? p->probes : NULL,
                                           .probe_grad = maps ? p->probe_grad : NULL};
    return iad_block_back(p->queue, p->model->params, t, layer, &b->model->layers[layer], &b->layers[layer], c->rms_eps, &attention, p->space.ones,
                          err);
}

iad_status iad_pass_text_back(iad_train_pass *p, iad_err *err) {
    const iad_train_space *t = &p->space;
    const iad_params *params = p->model->params;
    const iad_param *embed = p->model->binding->embed;
    for (int i = t->text.n_block - 1; i >= t->text.from; i--) IAD_TRY(layer_back(p, i, err));
    if (t->text.from > 0) return IAD_OK;
    if (embed->trainable)
        IAD_TRY(params->grad_ops->scatter_add(p->queue, t->text.grad, p->batch.ids, iad_param_grad_mat(params, embed, embed->shape[0]), err));
    if (!t->reach.tokens) return IAD_OK;
    IAD_TRY(p->queue->ops->zero(p->queue, t->dmerged.data, (size_t)(t->dmerged.rows * t->dmerged.cols) * sizeof(float), err));
    return params->grad_ops->scatter_add(p->queue, t->text.grad, p->batch.group, t->dmerged, err);
}
