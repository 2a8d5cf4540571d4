#include "train/model/trainmodel.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "train/model/trainflops.h"
#include "train/model/trainpass.h"

/* ---- what the backward pass has to go through ---- */

static int is_trainable(const iad_param *param) { return param != NULL && param->trainable; }

static int first_trainable(const iad_bound_block *blocks, int n) {
    for (int i = 0; i < n; i++)
        if (iad_bound_block_trainable(&blocks[i])) return i;
    return n;
}

static void want_back(const iad_bound_block *blocks, int from, int n) {
    for (int i = 0; i < n; i++)
        blocks[i].qkv->wants_back = blocks[i].out->wants_back = blocks[i].gate_up->wants_back = blocks[i].down->wants_back = i >= from;
}

static void find_reach(iad_train_model *m) {
    iad_binding *b = m->binding;
    const iad_model_config *c = &m->params->config;
    iad_binding_mark(b);
    iad_train_reach r = {.backward = 1};
    r.vision_from = b->patch->trainable ? 0 : first_trainable(b->blocks, c->vision.depth);
    int merger = b->merge_in->trainable || b->merge_out->trainable || is_trainable(b->merge_norm);
    int fusion = is_trainable(b->fuse_norm) || is_trainable(b->fuse_gate_w) || is_trainable(b->fuse_gate_b) || is_trainable(b->fuse_scale);
    r.tokens = r.vision_from < c->vision.depth || merger || fusion;
    r.text_from = r.tokens || b->embed->trainable ? 0 : first_trainable(b->layers, c->text.layers);
    want_back(b->blocks, r.vision_from, c->vision.depth);
    want_back(b->layers, r.text_from, c->text.layers);
    b->merge_in->wants_back = b->merge_out->wants_back = r.tokens;
    b->head->wants_back = is_trainable(b->norm) || r.text_from < c->text.layers;
    m->reach = r;
}

/* ---- making ---- */

static iad_status pack(iad_train_model *m, int all, iad_err *err) {
    iad_queue *queue = NULL;
    IAD_TRY(m->params->device->ops->queue_new(m->params->device, &queue, err));
    iad_status status = iad_binding_pack(m->binding, queue, all, err);
    m->params->device->ops->queue_free(queue);
    return status;
}

iad_status iad_train_model_new(iad_params *params, const iad_train_model_options *options, iad_train_model **model, iad_err *err) {
    iad_train_model *m = iad_calloc(1, sizeof *m);
    *model = NULL;
    if (m == NULL) return IAD_NOMEM(err, "the model");
    m->params = params;
    m->options = *options;
    iad_workspace_init(&m->ws, params->device);
    iad_status status = iad_binding_new(params, options->compute, options->fusion, &m->binding, err);
    if (status == IAD_OK) {
        find_reach(m);
        status = pack(m, 1, err);
    }
    if (status != IAD_OK) {
        iad_train_model_free(m);
        return status;
    }
    *model = m;
    return IAD_OK;
}

void iad_train_model_free(iad_train_model *m) {
    if (m == NULL) return;
    iad_workspace_deinit(&m->ws);
    iad_binding_free(m->binding);
    free(m);
}

iad_status iad_train_model_refresh(iad_train_model *m, iad_queue *queue, int all, iad_err *err) {
    return iad_binding_pack(m->binding, queue, all, err);
}

iad_status iad_train_model_retrain(iad_train_model *m, iad_err *err) {
    find_reach(m);
    return pack(m, 0, err);
}

/* ---- a micro-batch ---- */

static iad_status reserve(iad_train_model *m, iad_train_pass *p, const iad_train_reach *reach, iad_err *err) {
    const iad_model *model = m->binding->model;
    const iad_micro *b = &p->batch;
    const iad_train_rows rows = {.n_patch = b->plan.n_patch, .n_row = b->n_row, .n_supervised = b->n_supervised, .n_cell = b->n_cell};
    iad_workspace count = {.device = m->params->device};
    IAD_TRY(iad_train_space_take(model, &m->options, reach, &rows, &count, &p->space, err));
    iad_train_space_deinit(&p->space);
    IAD_TRY(iad_workspace_reserve(&m->ws, count.high, err));
    return iad_train_space_take(model, &m->options, reach, &rows, &m->ws, &p->space, err);
}

static iad_status fill_ones(iad_train_pass *p, iad_err *err) {
    int64_t n = p->batch.n_row > p->batch.plan.n_patch ? p->batch.n_row : p->batch.plan.n_patch;
    int wide = p->model->options.compute == IAD_F32;
    float *host = iad_alloc((size_t)n, sizeof *host);
    uint16_t *narrow = (uint16_t *)(void *)host;
    if (host == NULL) return IAD_NOMEM(err, "a batch");
    for (int64_t i = 0; i < n; i++) {
        if (wide) host[i] = 1;
        else narrow[i] = 0x3f80; /* 1 in bf16 */
    }
    iad_status status = p->queue->ops->upload(p->queue, p->space.ones, host, (size_t)n * iad_dtype_size(p->model->options.compute), err);
    free(host);
    return status;
}

static iad_status forward_backward(iad_train_pass *p, iad_err *err) {
    if (p->space.reach.backward) IAD_TRY(fill_ones(p, err));
    IAD_TRY(iad_pass_vision(p, err));
    IAD_TRY(iad_micro_rows(&p->batch, &p->model->params->config, p->queue, p->space.tokens, err));
    IAD_TRY(iad_pass_text(p, err));
    IAD_TRY(iad_pass_maps(p, err));
    IAD_TRY(iad_pass_head(p, err));
    if (!p->space.reach.backward) return IAD_OK;
    IAD_TRY(iad_pass_text_back(p, err));
    return iad_pass_vision_back(p, err);
}

static iad_status run(iad_train_model *m, iad_train_pass *p, const iad_sample *const *samples, int n, const iad_train_reach *reach, iad_err *err) {
    IAD_TRY(iad_micro_init(&p->batch, &m->params->config, samples, n, m->options.map_weight > 0, m->options.compression, err));
    size_t n_seq = (size_t)n + (size_t)p->batch.plan.n_window + (size_t)p->batch.n_picture;
    p->seqs = iad_calloc(n_seq, sizeof *p->seqs);
    p->kv_row = iad_calloc(n_seq, sizeof *p->kv_row);
    p->probes = iad_calloc((size_t)n, sizeof *p->probes);
    p->probe_grad = iad_calloc((size_t)n, sizeof *p->probe_grad);
    if (p->seqs == NULL || p->kv_row == NULL || p->probes == NULL || p->probe_grad == NULL) return IAD_NOMEM(err, "a batch");
    IAD_TRY(reserve(m, p, reach, err));
    IAD_TRY(forward_backward(p, err));
    p->sums->n_row += p->batch.n_row;
    p->sums->n_patch += p->batch.plan.n_patch;
    p->sums->flops += iad_train_flops(&m->params->config, reach, &p->batch);
    return IAD_OK;
}

static iad_status pass(iad_train_model *m, iad_train_pass *p, const iad_sample *const *samples, int n, const iad_train_reach *reach, iad_err *err) {
    iad_status status = run(m, p, samples, n, reach, err);
    iad_train_space_deinit(&p->space);
    iad_micro_deinit(&p->batch);
    free(p->seqs);
    free(p->kv_row);
    free(p->probes);
    free(p->probe_grad);
    return status;
}

iad_status iad_train_model_run(iad_train_model *m, iad_queue *queue, const iad_sample *const *samples, int n, double ce_scale, double map_scale,
                               const iad_map_range *range, iad_train_sums *sums, iad_err *err) {
    iad_train_pass p = {
        .model = m, .queue = queue, .ce_scale = ce_scale, .map_scale = map_scale * m->options.map_weight, .range = range, .sums = sums};
    return pass(m, &p, samples, n, &m->reach, err);
}

iad_status iad_train_model_eval(iad_train_model *m, iad_queue *queue, const iad_sample *const *samples, int n, const iad_map_range *range,
                                iad_train_sums *sums, iad_err *err) {
    const iad_train_reach forward = {.backward = 0};
    iad_train_pass p = {.model = m, .queue = queue, .ce_scale = 1, .range = range, .sums = sums};
    return pass(m, &p, samples, n, &forward, err);
}
