#include "runtime/model/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "runtime/tensor/dtype.h"

/* Device blocks that the model must give back, newest first. */
typedef struct block {
    struct block *next;
    void *data;
    int borrowed;
} block;

typedef struct loader {
    iad_model *model;
    const iad_model_options *options;
    iad_queue *queue;
    uint64_t done, total;
    iad_err *err;
} loader;

static iad_status keep(iad_model *m, void *data, int borrowed, iad_err *err) {
    block *b = iad_calloc(1, sizeof *b);
    if (b == NULL) {
        if (borrowed) m->device->ops->unborrow(m->device, data);
        else m->device->ops->release(m->device, data);
        return IAD_NOMEM(err, "the list of weights");
    }
    *b = (block){m->owned, data, borrowed};
    m->owned = b;
    return IAD_OK;
}

static iad_status tick(loader *l, const iad_tensor_view *view) {
    l->done += view->bytes;
    if (l->options->progress != NULL) l->options->progress(l->options->user, l->done, l->total);
    if (l->options->stop != NULL && atomic_load(l->options->stop)) return IAD_FAIL(l->err, IAD_ERR_INTERRUPTED, "loading was interrupted");
    return IAD_OK;
}

/* A host array on the device. */
static iad_status place(loader *l, const float *host, size_t n, const float **data) {
    iad_model *m = l->model;
    void *made = NULL;
    IAD_TRY(m->device->ops->alloc(m->device, n * sizeof(float), &made, l->err));
    IAD_TRY(keep(m, made, 0, l->err));
    m->weight_bytes += n * sizeof(float);
    *data = made;
    return m->device->ops->upload(l->queue, made, host, n * sizeof(float), l->err);
}

static size_t elements(const iad_tensor_view *view) {
    size_t n = 1;
    for (int i = 0; i < view->rank; i++) n *= (size_t)view->shape[i];
    return n;
}

/* A small tensor (norms, fusion) as f32 on the device. */
static iad_status vector(loader *l, const char *name, const float **data) {
    const iad_tensor_view *view = iad_checkpoint_get(l->model->checkpoint, name);
    if (view == NULL) return IAD_FAIL(l->err, IAD_ERR_INTERNAL, "%s: tensor vanished after opening", name);
    size_t n = elements(view);
    float *host = iad_alloc(n, sizeof *host);
    if (host == NULL) return IAD_NOMEM(l->err, name);
    iad_status status = iad_dtype_to_f32(view->dtype, view->data, n, host, l->err);
    if (status == IAD_OK) status = place(l, host, n, data);
    free(host);
    if (status != IAD_OK) return status;
    return tick(l, view);
}

enum { FLAG_BIAS = 1 };

/* Parts "<prefix><part[i]>.weight" stacked into one layer. */
static iad_status linear(loader *l, const char *prefix, const char *const *part, int n_part, int flags, iad_dtype storage, iad_weight **weight) {
    iad_model *m = l->model;
    iad_weight_spec spec = {.name = prefix, .n_parts = n_part, .storage = storage};
    float *bias[IAD_WEIGHT_MAX_PARTS] = {0}, *scale[IAD_WEIGHT_MAX_PARTS] = {0};
    void *converted[IAD_WEIGHT_MAX_PARTS] = {0};
    char name[256];
    iad_status status = IAD_OK;
    for (int i = 0; i < n_part && status == IAD_OK; i++) {
        snprintf(name, sizeof name, "%s%s.weight", prefix, part[i]);
        const iad_tensor_view *view = strcmp(prefix, "lm_head") == 0 ? iad_checkpoint_head(m->checkpoint) : iad_checkpoint_get(m->checkpoint, name);
        if (view == NULL) {
            status = IAD_FAIL(l->err, IAD_ERR_INTERNAL, "%s: tensor vanished after opening", name);
            break;
        }
        size_t n_out = (size_t)view->shape[0], n_in = elements(view) / n_out;
        spec.n_in = (int64_t)n_in;
        spec.parts[i] = (iad_weight_part){.data = view->data, .dtype = view->dtype, .n_out = (int64_t)n_out};
        if (view->dtype == IAD_I8) {
            snprintf(name, sizeof name, "%s_scale", view->name);
            const iad_tensor_view *factor = iad_checkpoint_get(m->checkpoint, name);
            scale[i] = iad_alloc(n_out, sizeof(float));
            if (scale[i] == NULL) status = IAD_NOMEM(l->err, name);
            else if (factor == NULL) status = IAD_FAIL(l->err, IAD_ERR_INTERNAL, "%s: tensor vanished after opening", name);
            else status = iad_dtype_to_f32(factor->dtype, factor->data, n_out, scale[i], l->err);
            spec.parts[i].scale = scale[i];
        } else if (view->dtype != IAD_F32 && view->dtype != IAD_BF16 && view->dtype != IAD_F16) {
            converted[i] = iad_alloc(n_out * n_in, sizeof(float)); /* fp8 and f64 files are rare: one copy of this layer */
            if (converted[i] == NULL) status = IAD_NOMEM(l->err, name);
            else status = iad_dtype_to_f32(view->dtype, view->data, n_out * n_in, converted[i], l->err);
            spec.parts[i].data = converted[i];
            spec.parts[i].dtype = IAD_F32;
        }
        if (status == IAD_OK && (flags & FLAG_BIAS)) {
            snprintf(name, sizeof name, "%s%s.bias", prefix, part[i]);
            const iad_tensor_view *b = iad_checkpoint_get(m->checkpoint, name);
            bias[i] = iad_alloc(n_out, sizeof(float));
            if (bias[i] == NULL) status = IAD_NOMEM(l->err, name);
            else if (b == NULL) status = IAD_FAIL(l->err, IAD_ERR_INTERNAL, "%s: tensor vanished after opening", name);
            else status = iad_dtype_to_f32(b->dtype, b->data, n_out, bias[i], l->err);
            spec.parts[i].bias = bias[i];
        }
        if (status == IAD_OK) status = tick(l, view);
    }
    if (status == IAD_OK) status = m->device->ops->weight_new(m->device, &spec, weight, l->err);
    if (status == IAD_OK) m->weight_bytes += m->device->ops->weight_bytes(*weight);
    for (int i = 0; i < n_part; i++) {
        free(bias[i]);
        free(scale[i]);
        free(converted[i]);
    }
    return status;
}

#define LINEAR(prefix, flags, storage, weight, ...)                                                     \
    do {                                                                                                \
        const char *const parts_[] = {__VA_ARGS__};                                                     \
        IAD_TRY(linear(l, prefix, parts_, (int)(sizeof parts_ / sizeof *parts_), flags, storage, weight)); \
    } while (0)

static iad_status load_vision(loader *l) {
    iad_model *m = l->model;
    iad_dtype storage = m->vision_storage;
    /* 1176 wide and seen by raw pixels: 8 bits there would cost accuracy and gain nothing. */
    LINEAR("visual.patch_embed.", 0, storage == IAD_I8 ? IAD_BF16 : storage, &m->patch, "proj");
    char prefix[64], name[96];
    for (int i = 0; i < m->config.vision.depth; i++) {
        iad_vision_block *b = &m->blocks[i];
        snprintf(prefix, sizeof prefix, "visual.blocks.%d.", i);
        snprintf(name, sizeof name, "%snorm1.weight", prefix);
        IAD_TRY(vector(l, name, &b->norm1));
        snprintf(name, sizeof name, "%snorm2.weight", prefix);
        IAD_TRY(vector(l, name, &b->norm2));
        LINEAR(prefix, FLAG_BIAS, storage, &b->qkv, "attn.qkv");
        LINEAR(prefix, FLAG_BIAS, storage, &b->proj, "attn.proj");
        LINEAR(prefix, FLAG_BIAS, storage, &b->gate_up, "mlp.gate_proj", "mlp.up_proj");
        LINEAR(prefix, FLAG_BIAS, storage, &b->down, "mlp.down_proj");
    }
    IAD_TRY(vector(l, "visual.merger.ln_q.weight", &m->merge_norm));
    LINEAR("visual.merger.mlp.", FLAG_BIAS, storage, &m->merge_in, "0");
    LINEAR("visual.merger.mlp.", FLAG_BIAS, storage, &m->merge_out, "2");
    return IAD_OK;
}

static iad_status load_fusion(loader *l) {
    iad_model *m = l->model;
    const iad_paper_config *paper = &m->config.paper;
    if (paper->fusion == IAD_FUSION_OFF || iad_checkpoint_get(m->checkpoint, "iadgpt.fusion.scale") == NULL) return IAD_OK;
    if (paper->n_taps > IAD_FUSE_MAX_TAPS)
        return IAD_FAIL(l->err, IAD_ERR_UNSUPPORTED, "config.json: iadgpt.fusion.taps has %d entries, at most %d can be used", paper->n_taps, IAD_FUSE_MAX_TAPS);
    IAD_TRY(vector(l, "iadgpt.fusion.norm.weight", &m->fusion.norm));
    if (paper->fusion == IAD_FUSION_TOKEN) IAD_TRY(vector(l, "iadgpt.fusion.gate.weight", &m->fusion.gate_w));
    IAD_TRY(vector(l, "iadgpt.fusion.gate.bias", &m->fusion.gate_b));
    return vector(l, "iadgpt.fusion.scale", &m->fusion.scale);
}

static iad_status load_text(loader *l) {
    iad_model *m = l->model;
    const iad_tensor_view *view = iad_checkpoint_get(m->checkpoint, "model.embed_tokens.weight");
    const iad_text_config *text = &m->config.text;
    m->embed = (iad_mat){.rows = text->vocab, .cols = text->hidden, .stride = text->hidden, .dtype = view->dtype};
    if (view->dtype == IAD_F32 || view->dtype == IAD_BF16 || view->dtype == IAD_F16) {
        IAD_TRY(m->device->ops->borrow(m->device, view->data, view->bytes, &m->embed.data, l->err));
        IAD_TRY(keep(m, m->embed.data, 1, l->err));
    } else {
        m->embed.dtype = IAD_F32;
        const float *table = NULL;
        IAD_TRY(vector(l, "model.embed_tokens.weight", &table));
        memcpy(&m->embed.data, &table, sizeof table);
    }
    IAD_TRY(tick(l, view));
    if (l->options->vision_only) return IAD_OK;
    char prefix[64], name[96];
    iad_dtype storage = m->text_storage;
    for (int i = 0; i < text->layers; i++) {
        iad_text_layer *t = &m->layers[i];
        snprintf(prefix, sizeof prefix, "model.layers.%d.", i);
        snprintf(name, sizeof name, "%sinput_layernorm.weight", prefix);
        IAD_TRY(vector(l, name, &t->norm1));
        snprintf(name, sizeof name, "%spost_attention_layernorm.weight", prefix);
        IAD_TRY(vector(l, name, &t->norm2));
        LINEAR(prefix, FLAG_BIAS, storage, &t->qkv, "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj");
        LINEAR(prefix, 0, storage, &t->out, "self_attn.o_proj");
        LINEAR(prefix, 0, storage, &t->gate_up, "mlp.gate_proj", "mlp.up_proj");
        LINEAR(prefix, 0, storage, &t->down, "mlp.down_proj");
    }
    IAD_TRY(vector(l, "model.norm.weight", &m->norm));
    LINEAR("lm_head", 0, storage, &m->head, "");
    return IAD_OK;
}

static iad_status load(loader *l) {
    IAD_TRY(load_vision(l));
    IAD_TRY(load_fusion(l));
    return load_text(l);
}

static int storage_ok(iad_dtype d) { return d == IAD_F32 || d == IAD_BF16 || d == IAD_I8; }

iad_status iad_model_load(const iad_checkpoint *checkpoint, iad_device *device, const iad_model_options *options, iad_model **model,
                          iad_err *err) {
    *model = NULL;
    if (!storage_ok(options->text_storage) || !storage_ok(options->vision_storage))
        return IAD_FAIL(err, IAD_ERR_ARG, "weights are kept as f32, bf16 or int8");
    iad_model *m = iad_calloc(1, sizeof *m);
    if (m == NULL) return IAD_NOMEM(err, "the model");
    m->checkpoint = checkpoint;
    m->config = *iad_checkpoint_config(checkpoint);
    m->device = device;
    m->text_storage = options->text_storage;
    m->vision_storage = options->vision_storage;
    m->text_act = m->text_storage == IAD_F32 ? IAD_F32 : IAD_BF16;
    m->vision_act = m->vision_storage == IAD_F32 ? IAD_F32 : IAD_BF16;
    m->kv = m->text_storage == IAD_F32 ? IAD_F32 : IAD_BF16;
    m->blocks = iad_calloc((size_t)m->config.vision.depth, sizeof *m->blocks);
    m->layers = iad_calloc((size_t)m->config.text.layers, sizeof *m->layers);
    iad_status status = m->blocks == NULL || m->layers == NULL ? IAD_NOMEM(err, "the model") : IAD_OK;
    loader l = {.model = m, .options = options, .err = err};
    for (size_t i = 0; i < iad_checkpoint_count(checkpoint); i++) l.total += iad_checkpoint_at(checkpoint, i)->bytes;
    if (status == IAD_OK) status = device->ops->queue_new(device, &l.queue, err);
    if (status == IAD_OK) {
        status = load(&l);
        device->ops->queue_free(l.queue);
    }
    if (status != IAD_OK) {
        iad_model_free(m);
        return status;
    }
    *model = m;
    return IAD_OK;
}

void iad_model_free(iad_model *model) {
    if (model == NULL) return;
    const iad_ops *ops = model->device->ops;
    iad_device *device = model->device;
    ops->weight_free(device, model->patch);
    for (int i = 0; model->blocks != NULL && i < model->config.vision.depth; i++) {
        iad_vision_block *b = &model->blocks[i];
        ops->weight_free(device, b->qkv);
        ops->weight_free(device, b->proj);
        ops->weight_free(device, b->gate_up);
        ops->weight_free(device, b->down);
    }
    ops->weight_free(device, model->merge_in);
    ops->weight_free(device, model->merge_out);
    for (int i = 0; model->layers != NULL && i < model->config.text.layers; i++) {
        iad_text_layer *t = &model->layers[i];
        ops->weight_free(device, t->qkv);
        ops->weight_free(device, t->out);
        ops->weight_free(device, t->gate_up);
        ops->weight_free(device, t->down);
    }
    ops->weight_free(device, model->head);
    for (block *b = model->owned; b != NULL;) {
        block *next = b->next;
        if (b->borrowed) ops->unborrow(device, b->data);
        else ops->release(device, b->data);
        free(b);
        b = next;
    }
    free(model->blocks);
    free(model->layers);
    free(model);
}

iad_status iad_trace_see(const iad_trace *trace, iad_queue *queue, const char *stage, int index, iad_mat m, iad_err *err) {
    if (trace == NULL) return IAD_OK;
    return trace->see(trace->user, queue, stage, index, m, err);
}
