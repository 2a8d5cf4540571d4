/* The table of a model's tensors, and the two styles of their names. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "runtime/model/checkpoint.h"

typedef struct emitter {
    iad_tensor_fn fn;
    void *user;
    int extra;
} emitter;

/* A tensor named prefix + name. Shape: the axes up to the first 0. */
static iad_status put(const emitter *e, const char *prefix, const char *name, iad_tensor_role role, const int64_t shape[6], iad_err *err) {
    char full[128];
    iad_tensor_spec spec = {.name = full, .role = role, .extra = e->extra};
    snprintf(full, sizeof full, "%s%s", prefix, name);
    while (spec.rank < 5 && shape[spec.rank]) {
        spec.shape[spec.rank] = shape[spec.rank];
        spec.rank++;
    }
    return e->fn(e->user, &spec, err);
}

#define PUT(name, role, ...) IAD_TRY(put(e, prefix, (name), (role), (const int64_t[6]){__VA_ARGS__}, err))

static iad_status vision_tensors(const emitter *e, const iad_vision_config *v, iad_err *err) {
    const int64_t d = v->hidden, inter = v->intermediate, group = d * v->merge * v->merge;
    char prefix[64] = "visual.";
    PUT("patch_embed.proj.weight", IAD_ROLE_CONV, d, v->in_channels, v->temporal, v->patch, v->patch);
    for (int i = 0; i < v->depth; i++) {
        snprintf(prefix, sizeof prefix, "visual.blocks.%d.", i);
        PUT("norm1.weight", IAD_ROLE_NORM, d);
        PUT("norm2.weight", IAD_ROLE_NORM, d);
        PUT("attn.qkv.weight", IAD_ROLE_LINEAR, 3 * d, d);
        PUT("attn.qkv.bias", IAD_ROLE_BIAS, 3 * d);
        PUT("attn.proj.weight", IAD_ROLE_LINEAR, d, d);
        PUT("attn.proj.bias", IAD_ROLE_BIAS, d);
        PUT("mlp.gate_proj.weight", IAD_ROLE_LINEAR, inter, d);
        PUT("mlp.gate_proj.bias", IAD_ROLE_BIAS, inter);
        PUT("mlp.up_proj.weight", IAD_ROLE_LINEAR, inter, d);
        PUT("mlp.up_proj.bias", IAD_ROLE_BIAS, inter);
        PUT("mlp.down_proj.weight", IAD_ROLE_LINEAR, d, inter);
        PUT("mlp.down_proj.bias", IAD_ROLE_BIAS, d);
    }
    snprintf(prefix, sizeof prefix, "visual.merger.");
    PUT("ln_q.weight", IAD_ROLE_NORM, d);
    PUT("mlp.0.weight", IAD_ROLE_LINEAR, group, group);
    PUT("mlp.0.bias", IAD_ROLE_BIAS, group);
    PUT("mlp.2.weight", IAD_ROLE_LINEAR, v->out_hidden, group);
    PUT("mlp.2.bias", IAD_ROLE_BIAS, v->out_hidden);
    return IAD_OK;
}

static iad_status text_tensors(const emitter *e, const iad_text_config *t, iad_err *err) {
    const int64_t d = t->hidden, kv = (int64_t)t->kv_heads * t->head_dim, inter = t->intermediate;
    char prefix[64] = "model.";
    PUT("embed_tokens.weight", IAD_ROLE_EMBED, t->vocab, d);
    for (int i = 0; i < t->layers; i++) {
        snprintf(prefix, sizeof prefix, "model.layers.%d.", i);
        PUT("input_layernorm.weight", IAD_ROLE_NORM, d);
        PUT("self_attn.q_proj.weight", IAD_ROLE_LINEAR, d, d);
        PUT("self_attn.q_proj.bias", IAD_ROLE_BIAS, d);
        PUT("self_attn.k_proj.weight", IAD_ROLE_LINEAR, kv, d);
        PUT("self_attn.k_proj.bias", IAD_ROLE_BIAS, kv);
        PUT("self_attn.v_proj.weight", IAD_ROLE_LINEAR, kv, d);
        PUT("self_attn.v_proj.bias", IAD_ROLE_BIAS, kv);
        PUT("self_attn.o_proj.weight", IAD_ROLE_LINEAR, d, d);
        PUT("post_attention_layernorm.weight", IAD_ROLE_NORM, d);
        PUT("mlp.gate_proj.weight", IAD_ROLE_LINEAR, inter, d);
        PUT("mlp.up_proj.weight", IAD_ROLE_LINEAR, inter, d);
        PUT("mlp.down_proj.weight", IAD_ROLE_LINEAR, d, inter);
    }
    snprintf(prefix, sizeof prefix, "%s", "");
    PUT("model.norm.weight", IAD_ROLE_NORM, d);
    if (!t->tie) PUT("lm_head.weight", IAD_ROLE_HEAD, t->vocab, d);
    return IAD_OK;
}

static iad_status fusion_tensors(const emitter *e, const iad_model_config *c, iad_err *err) {
    const char *prefix = "iadgpt.fusion.";
    const int64_t taps = c->paper.n_taps, d = c->vision.hidden;
    if (c->paper.fusion == IAD_FUSION_OFF) return IAD_OK;
    PUT("norm.weight", IAD_ROLE_NORM, taps, d);
    if (c->paper.fusion == IAD_FUSION_TOKEN) PUT("gate.weight", IAD_ROLE_LINEAR, taps, taps * d);
    PUT("gate.bias", IAD_ROLE_BIAS, taps);
    PUT("scale", IAD_ROLE_SCALE, 1);
    return IAD_OK;
}

iad_status iad_model_tensors(const iad_model_config *config, int extras, iad_tensor_fn fn, void *user, iad_err *err) {
    emitter e = {fn, user, 0};
    IAD_TRY(vision_tensors(&e, &config->vision, err));
    IAD_TRY(text_tensors(&e, &config->text, err));
    e.extra = 1;
    return extras ? fusion_tensors(&e, config, err) : IAD_OK;
}

typedef struct totals {
    uint64_t tensors, parameters, vision;
} totals;

static iad_status add_up(void *user, const iad_tensor_spec *spec, iad_err *err) {
    totals *sum = user;
    uint64_t n = 1;
    (void)err;
    for (int i = 0; i < spec->rank; i++) n *= (uint64_t)spec->shape[i];
    sum->tensors++;
    sum->parameters += n;
    if (iad_text_starts(spec->name, "visual.")) sum->vision += n;
    return IAD_OK;
}

void iad_model_count(const iad_model_config *config, int extras, uint64_t *tensors, uint64_t *parameters, uint64_t *vision) {
    totals sum = {0, 0, 0};
    iad_model_tensors(config, extras, add_up, &sum, NULL);
    if (tensors) *tensors = sum.tensors;
    if (parameters) *parameters = sum.parameters;
    if (vision) *vision = sum.vision;
}

/* to + the part of name behind from. */
static const char *swap_prefix(const char *name, const char *from, const char *to, char *buffer, size_t size) {
    int n = snprintf(buffer, size, "%s%s", to, name + strlen(from));
    return n >= 0 && (size_t)n < size ? buffer : NULL;
}

const char *iad_model_canonical_name(const char *name, char *buffer, size_t size) {
    if (iad_text_starts(name, "model.visual.")) return name + strlen("model.");
    if (iad_text_starts(name, "model.language_model.")) return swap_prefix(name, "model.language_model.", "model.", buffer, size);
    return name;
}

const char *iad_model_new_name(const char *name, char *buffer, size_t size) {
    if (iad_text_starts(name, "visual.")) return swap_prefix(name, "", "model.", buffer, size);
    if (iad_text_starts(name, "model.") && !iad_text_starts(name, "model.language_model.") && !iad_text_starts(name, "model.visual."))
        return swap_prefix(name, "model.", "model.language_model.", buffer, size);
    return name;
}
