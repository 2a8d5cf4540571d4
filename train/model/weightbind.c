#include "train/model/weightbind.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"

/* ---- slots ---- */

static iad_status find(const iad_binding *b, const char *name, const iad_param **param, iad_err *err) {
    *param = iad_params_find(b->params, name);
    return *param != NULL ? IAD_OK : IAD_FAIL(err, IAD_ERR_INTERNAL, "%s: no such parameter", name);
}

static iad_status own_floats(iad_binding *b, int64_t n, float **data, iad_err *err) {
    void *made = NULL;
    IAD_TRY(b->model->device->ops->alloc(b->model->device, (size_t)n * sizeof(float), &made, err));
    IAD_TRY(iad_model_own(b->model, made, 0, err));
    b->model->weight_bytes += (size_t)n * sizeof(float);
    *data = made;
    return IAD_OK;
}

static iad_status bind_vector(void *user, const char *name, const float **slot, iad_err *err) {
    iad_binding *b = user;
    iad_bound_vector *v = &b->vectors[b->n_vector++];
    v->slot = slot;
    IAD_TRY(find(b, name, &v->param, err));
    IAD_TRY(own_floats(b, v->param->n, &v->data, err));
    *slot = v->data;
    return IAD_OK;
}

static iad_status bind_linear(void *user, const char *prefix, const char *const *part, int n_part, int with_bias, iad_weight **slot, iad_err *err) {
    iad_binding *b = user;
    iad_bound_linear *l = &b->linears[b->n_linear++];
    char name[256];
    l->slot = slot;
    l->n_part = n_part;
    for (int i = 0; i < n_part; i++) {
        snprintf(name, sizeof name, "%s%s.weight", prefix, part[i]);
        IAD_TRY(find(b, name, &l->weight[i], err));
        l->n_out += l->weight[i]->shape[0];
        l->n_in = l->weight[i]->n / l->weight[i]->shape[0];
        snprintf(name, sizeof name, "%s%s.bias", prefix, part[i]);
        if (with_bias) IAD_TRY(find(b, name, &l->bias[i], err));
    }
    size_t bytes = (size_t)(l->n_in * l->n_out) * iad_dtype_size(b->compute) + (size_t)l->n_out * sizeof(float);
    if (bytes > b->host_bytes) b->host_bytes = bytes;
    return IAD_OK;
}

static iad_status bind_table(void *user, const char *name, iad_mat *slot, iad_err *err) {
    iad_binding *b = user;
    IAD_TRY(find(b, name, &b->embed, err));
    *slot = (iad_mat){.data = b->params->high + b->embed->offset,
                      .rows = b->embed->shape[0],
                      .cols = b->embed->shape[1],
                      .stride = b->embed->shape[1],
                      .dtype = IAD_BF16};
    if (b->compute == IAD_BF16) return IAD_OK;
    IAD_TRY(own_floats(b, b->embed->n, &b->table, err));
    slot->data = b->table;
    slot->dtype = IAD_F32;
    return IAD_OK;
}

static iad_bound_linear *linear_of(const iad_binding *b, iad_weight *const *slot) {
    for (int i = 0; i < b->n_linear; i++)
        if (b->linears[i].slot == slot) return &b->linears[i];
    return NULL;
}

static const iad_param *vector_of(const iad_binding *b, const float *const *slot) {
    for (int i = 0; i < b->n_vector; i++)
        if (b->vectors[i].slot == slot) return b->vectors[i].param;
    return NULL;
}

static iad_bound_block block_of(const iad_binding *b, const iad_block_weights *w) {
    return (iad_bound_block){.qkv = linear_of(b, &w->qkv),
                             .out = linear_of(b, &w->out),
                             .gate_up = linear_of(b, &w->gate_up),
                             .down = linear_of(b, &w->down),
                             .norm1 = vector_of(b, &w->norm1),
                             .norm2 = vector_of(b, &w->norm2)};
}

/* ---- making ---- */

static iad_status bind_all(iad_binding *b, int fusion, iad_err *err) {
    const iad_model_visitor visitor = {.vector = bind_vector, .linear = bind_linear, .table = bind_table, .user = b};
    iad_model *m = b->model;
    size_t depth = (size_t)m->config.vision.depth, layers = (size_t)m->config.text.layers;
    b->linears = iad_calloc(4 * (depth + layers) + 4, sizeof *b->linears);
    b->vectors = iad_calloc(2 * (depth + layers) + 6, sizeof *b->vectors);
    b->blocks = iad_calloc(depth, sizeof *b->blocks);
    b->layers = iad_calloc(layers, sizeof *b->layers);
    if (b->linears == NULL || b->vectors == NULL || b->blocks == NULL || b->layers == NULL) return IAD_NOMEM(err, "the table of weights");
    IAD_TRY(iad_model_visit(m, fusion, 1, &visitor, err));
    for (size_t i = 0; i < depth; i++) b->blocks[i] = block_of(b, &m->blocks[i]);
    for (size_t i = 0; i < layers; i++) b->layers[i] = block_of(b, &m->layers[i]);
    b->patch = linear_of(b, &m->patch);
    b->merge_in = linear_of(b, &m->merge_in);
    b->merge_out = linear_of(b, &m->merge_out);
    b->head = linear_of(b, &m->head);
    b->merge_norm = vector_of(b, &m->merge_norm);
    b->norm = vector_of(b, &m->norm);
    b->fuse_norm = vector_of(b, &m->fusion.norm);
    b->fuse_gate_w = vector_of(b, &m->fusion.gate_w);
    b->fuse_gate_b = vector_of(b, &m->fusion.gate_b);
    b->fuse_scale = vector_of(b, &m->fusion.scale);
    iad_binding_mark(b);
    if ((b->host = iad_alloc(b->host_bytes, 1)) == NULL) return IAD_NOMEM(err, "packing weights");
    return m->device->ops->alloc(m->device, IAD_BINDING_CHUNK * sizeof(float), &b->device_chunk, err);
}

iad_status iad_binding_new(iad_params *params, iad_dtype compute, int fusion, iad_binding **binding, iad_err *err) {
    *binding = NULL;
    if (compute != IAD_F32 && compute != IAD_BF16)
        return IAD_FAIL(err, IAD_ERR_ARG, "products are computed in f32 or bf16, not %s", iad_dtype_name(compute));
    iad_binding *b = iad_calloc(1, sizeof *b);
    if (b == NULL) return IAD_NOMEM(err, "the model");
    b->params = params;
    b->compute = compute;
    iad_status status = iad_model_alloc(&params->config, params->device, compute, compute, &b->model, err);
    if (status == IAD_OK) {
        b->model->kv = IAD_F32; /* the backward pass takes keys and values as the forward pass saw them */
        status = bind_all(b, fusion, err);
    }
    if (status != IAD_OK) {
        iad_binding_free(b);
        return status;
    }
    *binding = b;
    return IAD_OK;
}

void iad_binding_free(iad_binding *b) {
    if (b == NULL) return;
    if (b->model != NULL) {
        iad_device *device = b->model->device;
        for (int i = 0; i < b->n_linear; i++) device->ops->weight_free(device, b->linears[i].back);
        device->ops->release(device, b->device_chunk);
    }
    iad_model_free(b->model);
    free(b->linears);
    free(b->vectors);
    free(b->blocks);
    free(b->layers);
    free(b->host);
    free(b);
}

void iad_binding_mark(iad_binding *b) {
    for (int i = 0; i < b->n_linear; i++) {
        iad_bound_linear *l = &b->linears[i];
        l->trainable = 0;
        for (int p = 0; p < l->n_part; p++) l->trainable |= l->weight[p]->trainable || (l->bias[p] != NULL && l->bias[p]->trainable);
    }
}

int iad_bound_block_trainable(const iad_bound_block *block) {
    return block->qkv->trainable || block->out->trainable || block->gate_up->trainable || block->down->trainable || block->norm1->trainable ||
           block->norm2->trainable;
}

/* ---- packing ---- */

/* Values of a parameter as f32, into host memory (to_host) or device memory. */
static iad_status values(const iad_binding *b, iad_queue *queue, const iad_param *param, int to_host, float *dst, iad_err *err) {
    const uint16_t *high = b->params->high + param->offset, *low = b->compute == IAD_F32 ? b->params->low + param->offset : NULL;
    if (!to_host) return b->params->grad_ops->join(queue, high, low, param->n, dst, err);
    for (int64_t at = 0; at < param->n; at += IAD_BINDING_CHUNK) {
        int64_t n = param->n - at < IAD_BINDING_CHUNK ? param->n - at : IAD_BINDING_CHUNK;
        IAD_TRY(b->params->grad_ops->join(queue, high + at, low != NULL ? low + at : NULL, n, b->device_chunk, err));
        IAD_TRY(queue->ops->download(queue, dst + at, b->device_chunk, (size_t)n * sizeof(float), err));
    }
    return IAD_OK;
}

/* bf16 weights that a device can take from its own memory. */
static int stays_there(const iad_binding *b) { return b->compute == IAD_BF16 && !b->params->device->ops->host_memory; }

/* The layer as a spec over b->host: biases first, then the weights of the parts. */
static iad_status stage(const iad_binding *b, iad_queue *queue, const iad_bound_linear *l, iad_weight_spec *spec, iad_err *err) {
    float *bias = b->host;
    char *weight = (char *)(bias + l->n_out);
    *spec = (iad_weight_spec){.name = l->weight[0]->name, .n_parts = l->n_part, .n_in = l->n_in, .storage = b->compute};
    for (int p = 0; p < l->n_part; p++) {
        const iad_param *w = l->weight[p];
        void *data = weight;
        spec->parts[p] = (iad_weight_part){.data = data, .dtype = b->compute, .n_out = w->shape[0]};
        if (stays_there(b)) spec->parts[p].data = b->params->high + w->offset;
        else if (b->compute == IAD_F32) IAD_TRY(values(b, queue, w, 1, data, err));
        else IAD_TRY(queue->ops->download(queue, data, b->params->high + w->offset, (size_t)w->n * sizeof(uint16_t), err));
        weight += (size_t)w->n * iad_dtype_size(b->compute);
        if (l->bias[p] == NULL) continue;
        IAD_TRY(values(b, queue, l->bias[p], 1, bias, err));
        spec->parts[p].bias = bias;
        bias += l->bias[p]->n;
    }
    return IAD_OK;
}

static iad_status pack(iad_binding *b, iad_queue *queue, iad_bound_linear *l, int all, iad_err *err) {
    iad_device *device = b->model->device;
    const iad_ops *ops = device->ops;
    if (!l->wants_back && l->back != NULL) {
        ops->weight_free(device, l->back);
        l->back = NULL;
    }
    int changed = all || l->trainable, new_back = l->wants_back && l->back == NULL;
    if (*l->slot != NULL && !changed && !new_back) return IAD_OK;
    iad_weight_spec spec;
    IAD_TRY(stage(b, queue, l, &spec, err));
    if (*l->slot == NULL) IAD_TRY(ops->weight_new(device, &spec, l->slot, err));
    else if (changed) IAD_TRY(ops->weight_set(device, &spec, *l->slot, err));
    spec.transposed = 1;
    if (new_back) return ops->weight_new(device, &spec, &l->back, err);
    return l->back != NULL && changed ? ops->weight_set(device, &spec, l->back, err) : IAD_OK;
}

iad_status iad_binding_pack(iad_binding *b, iad_queue *queue, int all, iad_err *err) {
    uint16_t first;
    /* The device's own queue is about to read what this one may still be writing: wait for it. */
    if (stays_there(b)) IAD_TRY(queue->ops->download(queue, &first, b->params->high, sizeof first, err));
    for (int i = 0; i < b->n_vector; i++) {
        const iad_bound_vector *v = &b->vectors[i];
        if (all || v->param->trainable) IAD_TRY(values(b, queue, v->param, 0, v->data, err));
    }
    if (b->table != NULL && (all || b->embed->trainable)) IAD_TRY(values(b, queue, b->embed, 0, b->table, err));
    for (int i = 0; i < b->n_linear; i++) IAD_TRY(pack(b, queue, &b->linears[i], all, err));
    return IAD_OK;
}

/* ---- gradients ---- */

iad_mat iad_param_grad_mat(const iad_params *params, const iad_param *param, int64_t rows) {
    return (iad_mat){.data = params->grad + param->offset, .rows = rows, .cols = param->n / rows, .stride = param->n / rows, .dtype = IAD_F32};
}

float *iad_param_grad(const iad_params *params, const iad_param *param) {
    return param != NULL && param->trainable ? params->grad + param->offset : NULL;
}
