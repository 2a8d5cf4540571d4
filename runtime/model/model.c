#include "runtime/model/model.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"

/* Device blocks that the model must give back, newest first. */
typedef struct block {
    struct block *next;
    void *data;
    int borrowed;
} block;

static iad_dtype act_of(iad_dtype storage) { return storage == IAD_F32 ? IAD_F32 : IAD_BF16; }

iad_status iad_model_alloc(const iad_model_config *config, iad_device *device, iad_dtype text_storage, iad_dtype vision_storage, iad_model **model,
                           iad_err *err) {
    iad_model *m = iad_calloc(1, sizeof *m);
    *model = m;
    if (m == NULL) return IAD_NOMEM(err, "the model");
    m->config = *config;
    m->device = device;
    m->text_storage = text_storage;
    m->vision_storage = vision_storage;
    m->text_act = act_of(text_storage);
    m->vision_act = act_of(vision_storage);
    m->kv = m->text_act;
    m->blocks = iad_calloc((size_t)m->config.vision.depth, sizeof *m->blocks);
    m->layers = iad_calloc((size_t)m->config.text.layers, sizeof *m->layers);
    if (m->blocks != NULL && m->layers != NULL) return IAD_OK;
    iad_model_free(m);
    *model = NULL;
    return IAD_NOMEM(err, "the model");
}

iad_status iad_model_own(iad_model *m, void *data, int borrowed, iad_err *err) {
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

/* ---- the parts by name ---- */

#define LINEAR(prefix, bias, slot, ...)                                                                             \
    do {                                                                                                            \
        const char *const parts_[] = {__VA_ARGS__};                                                                 \
        IAD_TRY(v->linear(v->user, prefix, parts_, (int)(sizeof parts_ / sizeof *parts_), bias, slot, err));         \
    } while (0)

static iad_status visit_vision(iad_model *m, const iad_model_visitor *v, iad_err *err) {
    char prefix[64], name[96];
    LINEAR("visual.patch_embed.", 0, &m->patch, "proj");
    for (int i = 0; i < m->config.vision.depth; i++) {
        iad_block_weights *b = &m->blocks[i];
        snprintf(prefix, sizeof prefix, "visual.blocks.%d.", i);
        snprintf(name, sizeof name, "%snorm1.weight", prefix);
        IAD_TRY(v->vector(v->user, name, &b->norm1, err));
        snprintf(name, sizeof name, "%snorm2.weight", prefix);
        IAD_TRY(v->vector(v->user, name, &b->norm2, err));
        LINEAR(prefix, 1, &b->qkv, "attn.qkv");
        LINEAR(prefix, 1, &b->out, "attn.proj");
        LINEAR(prefix, 1, &b->gate_up, "mlp.gate_proj", "mlp.up_proj");
        LINEAR(prefix, 1, &b->down, "mlp.down_proj");
    }
    IAD_TRY(v->vector(v->user, "visual.merger.ln_q.weight", &m->merge_norm, err));
    LINEAR("visual.merger.mlp.", 1, &m->merge_in, "0");
    LINEAR("visual.merger.mlp.", 1, &m->merge_out, "2");
    return IAD_OK;
}

static iad_status visit_fusion(iad_model *m, const iad_model_visitor *v, iad_err *err) {
    const iad_paper_config *paper = &m->config.paper;
    if (paper->n_taps > IAD_FUSE_MAX_TAPS)
        return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "config.json: iadgpt.fusion.taps has %d entries, at most %d can be used", paper->n_taps,
                        IAD_FUSE_MAX_TAPS);
    IAD_TRY(v->vector(v->user, "iadgpt.fusion.norm.weight", &m->fusion.norm, err));
    if (paper->fusion == IAD_FUSION_TOKEN) IAD_TRY(v->vector(v->user, "iadgpt.fusion.gate.weight", &m->fusion.gate_w, err));
    IAD_TRY(v->vector(v->user, "iadgpt.fusion.gate.bias", &m->fusion.gate_b, err));
    return v->vector(v->user, "iadgpt.fusion.scale", &m->fusion.scale, err);
}

static iad_status visit_text(iad_model *m, const iad_model_visitor *v, iad_err *err) {
    char prefix[64], name[96];
    for (int i = 0; i < m->config.text.layers; i++) {
        iad_block_weights *t = &m->layers[i];
        snprintf(prefix, sizeof prefix, "model.layers.%d.", i);
        snprintf(name, sizeof name, "%sinput_layernorm.weight", prefix);
        IAD_TRY(v->vector(v->user, name, &t->norm1, err));
        snprintf(name, sizeof name, "%spost_attention_layernorm.weight", prefix);
        IAD_TRY(v->vector(v->user, name, &t->norm2, err));
        LINEAR(prefix, 1, &t->qkv, "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj");
        LINEAR(prefix, 0, &t->out, "self_attn.o_proj");
        LINEAR(prefix, 0, &t->gate_up, "mlp.gate_proj", "mlp.up_proj");
        LINEAR(prefix, 0, &t->down, "mlp.down_proj");
    }
    IAD_TRY(v->vector(v->user, "model.norm.weight", &m->norm, err));
    if (m->config.text.tie) LINEAR("model.", 0, &m->head, "embed_tokens");
    else LINEAR("", 0, &m->head, "lm_head");
    return IAD_OK;
}

iad_status iad_model_visit(iad_model *m, int fusion, int text, const iad_model_visitor *v, iad_err *err) {
    IAD_TRY(visit_vision(m, v, err));
    if (fusion && m->config.paper.fusion != IAD_FUSION_OFF) IAD_TRY(visit_fusion(m, v, err));
    IAD_TRY(v->table(v->user, "model.embed_tokens.weight", &m->embed, err));
    return text ? visit_text(m, v, err) : IAD_OK;
}

void iad_model_free(iad_model *model) {
    if (model == NULL) return;
    const iad_ops *ops = model->device->ops;
    iad_device *device = model->device;
    ops->weight_free(device, model->patch);
    for (int i = 0; model->blocks != NULL && i < model->config.vision.depth; i++) {
        iad_block_weights *b = &model->blocks[i];
        ops->weight_free(device, b->qkv);
        ops->weight_free(device, b->out);
        ops->weight_free(device, b->gate_up);
        ops->weight_free(device, b->down);
    }
    ops->weight_free(device, model->merge_in);
    ops->weight_free(device, model->merge_out);
    for (int i = 0; model->layers != NULL && i < model->config.text.layers; i++) {
        iad_block_weights *t = &model->layers[i];
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
