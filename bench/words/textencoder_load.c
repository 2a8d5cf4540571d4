/* Tensors to an encoder. */
#include "bench/words/textencoder_internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

enum { MAX_NAME = 160 };
#define LOG2E 1.44269504088896340736

typedef struct loader {
    const iad_st_set *weights;
    const char *where;
    const char *prefix; /* "", "bert." or "mpnet." */
    iad_text_encoder *e;
} loader;

/* One of the two layouts' names below a layer. */
typedef struct layer_names {
    const char *q, *k, *v, *out, *norm1, *up, *down, *norm2;
} layer_names;

static const layer_names bert_names = {"attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense",
                                       "attention.output.LayerNorm", "intermediate.dense", "output.dense", "output.LayerNorm"};
static const layer_names mpnet_names = {"attention.attn.q", "attention.attn.k", "attention.attn.v", "attention.attn.o", "attention.LayerNorm",
                                        "intermediate.dense", "output.dense", "output.LayerNorm"};

/* rows 0: a vector of cols. */
static iad_status find(loader *l, const char *name, int64_t rows, int64_t cols, const iad_tensor_view **view, iad_err *err) {
    char full[MAX_NAME + 8], shape[80];
    snprintf(full, sizeof full, "%s%s", l->prefix, name);
    const iad_tensor_view *v = iad_st_set_find(l->weights, full);
    if (!v) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: tensor %s is missing", l->where, full);
    int fits = rows ? v->rank == 2 && v->shape[0] == rows && v->shape[1] == cols : v->rank == 1 && v->shape[0] == cols;
    if (!fits)
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: tensor %s is %s, config.json wants [%lld%s%lld]", l->where, full,
                        iad_tensor_shape_text(v->rank, v->shape, shape, sizeof shape), (long long)(rows ? rows : cols), rows ? ", " : "",
                        rows ? (long long)cols : 0LL);
    if (v->dtype != IAD_F32 && v->dtype != IAD_BF16 && v->dtype != IAD_F16)
        return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "%s: tensor %s is of type %s, F32, BF16 and F16 are supported", l->where, full,
                        iad_dtype_name(v->dtype));
    l->e->parameters += iad_tensor_count(v);
    *view = v;
    return IAD_OK;
}

static iad_status floats(loader *l, const char *name, int64_t rows, int64_t cols, float **out, iad_err *err) {
    const iad_tensor_view *view = NULL;
    IAD_TRY(find(l, name, rows, cols, &view, err));
    size_t n = iad_tensor_count(view);
    if (!(*out = iad_alloc(n, sizeof **out))) return IAD_NOMEM(err, name);
    return iad_tensor_to_f32(view, 0, n, *out, err);
}

static iad_status norm(loader *l, const char *name, float **weight, float **bias, iad_err *err) {
    char full[MAX_NAME];
    snprintf(full, sizeof full, "%s.weight", name);
    IAD_TRY(floats(l, full, 0, l->e->config.dim, weight, err));
    snprintf(full, sizeof full, "%s.bias", name);
    return floats(l, full, 0, l->e->config.dim, bias, err);
}

/* n layers side by side, each n_in -> n_out, with their biases. */
static iad_status linear(loader *l, int layer, const char *const *names, int n, int64_t n_in, int64_t n_out, iad_weight **weight, iad_err *err) {
    iad_weight_spec spec = {.name = names[0], .n_parts = n, .n_in = n_in, .storage = IAD_F32, .fast32 = 1};
    float *biases[IAD_WEIGHT_MAX_PARTS] = {NULL};
    iad_status status = IAD_OK;
    for (int i = 0; i < n && status == IAD_OK; i++) {
        char name[MAX_NAME];
        const iad_tensor_view *view = NULL;
        snprintf(name, sizeof name, "encoder.layer.%d.%s.weight", layer, names[i]);
        status = find(l, name, n_out, n_in, &view, err);
        snprintf(name, sizeof name, "encoder.layer.%d.%s.bias", layer, names[i]);
        if (status == IAD_OK) status = floats(l, name, 0, n_out, &biases[i], err);
        if (status == IAD_OK) spec.parts[i] = (iad_weight_part){.data = view->data, .dtype = view->dtype, .n_out = n_out, .bias = biases[i]};
    }
    if (status == IAD_OK) status = l->e->device->ops->weight_new(l->e->device, &spec, weight, err);
    for (int i = 0; i < n; i++) free(biases[i]);
    return status;
}

static iad_status load_layer(loader *l, int at, iad_err *err) {
    const iad_encoder_config *c = &l->e->config;
    const layer_names *names = c->kind == IAD_ENCODER_MPNET ? &mpnet_names : &bert_names;
    iad_encoder_layer *layer = &l->e->layers[at];
    const char *const qkv[] = {names->q, names->k, names->v};
    char name[MAX_NAME];
    IAD_TRY(linear(l, at, qkv, 3, c->dim, c->dim, &layer->qkv, err));
    IAD_TRY(linear(l, at, &names->out, 1, c->dim, c->dim, &layer->out, err));
    IAD_TRY(linear(l, at, &names->up, 1, c->dim, c->d_ff, &layer->up, err));
    IAD_TRY(linear(l, at, &names->down, 1, c->d_ff, c->dim, &layer->down, err));
    snprintf(name, sizeof name, "encoder.layer.%d.%s", at, names->norm1);
    IAD_TRY(norm(l, name, &layer->norm1_w, &layer->norm1_b, err));
    snprintf(name, sizeof name, "encoder.layer.%d.%s", at, names->norm2);
    return norm(l, name, &layer->norm2_w, &layer->norm2_b, err);
}

/* MPNet's bucket of key - query, as T5 has it: half of them for keys behind, exact up to 7, then by the logarithm, in f32 as the published
 * code computes it, since distances at a bucket's edge depend on it. */
static int bucket_of(int64_t distance) {
    enum { HALF = IAD_MPNET_BUCKETS / 2, EXACT = HALF / 2 };
    int first = distance > 0 ? HALF : 0;
    int64_t n = distance > 0 ? distance : -distance;
    if (n < EXACT) return first + (int)n;
    float place = logf((float)n / EXACT) / (float)log((double)IAD_MPNET_DISTANCE / EXACT) * (HALF - EXACT);
    int64_t far = EXACT + (int64_t)place;
    return first + (int)(far < HALF - 1 ? far : HALF - 1);
}

static iad_status load_bias(loader *l, iad_err *err) {
    iad_text_encoder *e = l->e;
    float *table = NULL;
    int n_head = e->config.n_head;
    iad_status status = floats(l, "encoder.relative_attention_bias.weight", IAD_MPNET_BUCKETS, n_head, &table, err);
    e->bias_row = 2 * (int64_t)e->max_tokens - 1 + IAD_ENC_SLACK;
    if (status == IAD_OK && !(e->bias = iad_calloc((size_t)n_head * (size_t)e->bias_row, sizeof *e->bias)))
        status = IAD_NOMEM(err, "position biases");
    for (int h = 0; status == IAD_OK && h < n_head; h++)
        for (int64_t i = 0; i < 2 * e->max_tokens - 1; i++)
            e->bias[h * e->bias_row + i] = (float)((double)table[bucket_of(i - (e->max_tokens - 1)) * n_head + h] * LOG2E);
    free(table);
    return status;
}

static iad_status load_all(loader *l, iad_err *err) {
    iad_text_encoder *e = l->e;
    const iad_encoder_config *c = &e->config;
    IAD_TRY(find(l, "embeddings.word_embeddings.weight", c->vocab, c->dim, &e->words, err));
    IAD_TRY(floats(l, "embeddings.position_embeddings.weight", c->n_pos, c->dim, &e->places, err));
    if (c->kind == IAD_ENCODER_BERT) {
        float *types = NULL;
        iad_status status = floats(l, "embeddings.token_type_embeddings.weight", c->n_type, c->dim, &types, err);
        for (size_t i = 0; status == IAD_OK && i < (size_t)c->n_pos * (size_t)c->dim; i++) e->places[i] += types[i % (size_t)c->dim];
        free(types);
        IAD_TRY(status);
    } else IAD_TRY(load_bias(l, err));
    IAD_TRY(norm(l, "embeddings.LayerNorm", &e->norm_w, &e->norm_b, err));
    if (!(e->layers = iad_calloc((size_t)c->n_layer, sizeof *e->layers))) return IAD_NOMEM(err, "layers");
    for (int i = 0; i < c->n_layer; i++) IAD_TRY(load_layer(l, i, err));
    return IAD_OK;
}

iad_status iad_text_encoder_new(const iad_st_set *weights, const char *where, const iad_encoder_config *config, int max_tokens, iad_cpu_isa isa,
                                iad_text_encoder **encoder, iad_err *err) {
    const char *prefix = config->kind == IAD_ENCODER_MPNET ? "mpnet." : "bert.";
    *encoder = NULL;
    if (max_tokens < 1 || max_tokens > iad_encoder_max_tokens(config)) return IAD_FAIL(err, IAD_ERR_ARG, "%s: texts of %d tokens", where, max_tokens);
    iad_text_encoder *e = iad_calloc(1, sizeof *e);
    if (!e) return IAD_NOMEM(err, "an encoder");
    e->config = *config;
    e->max_tokens = max_tokens;
    iad_status status = iad_device_cpu_new(1, isa, &e->device, err);
    if (status == IAD_OK) {
        e->kernels = iad_encrow_kernels_of(e->device);
        loader l = {weights, where, iad_st_set_find(weights, "embeddings.word_embeddings.weight") ? "" : prefix, e};
        status = load_all(&l, err);
    }
    if (status == IAD_OK) *encoder = e;
    else iad_text_encoder_free(e);
    return status;
}

iad_status iad_text_encoder_open(const char *dir, const iad_encoder_config *config, int max_tokens, iad_cpu_isa isa, iad_text_encoder **encoder,
                                 iad_err *err) {
    iad_st_set *weights;
    *encoder = NULL;
    IAD_TRY(iad_st_set_open(dir, &weights, err));
    iad_status status = iad_text_encoder_new(weights, dir, config, max_tokens, isa, encoder, err);
    if (status == IAD_OK) (*encoder)->owned = weights;
    else iad_st_set_close(weights);
    return status;
}

void iad_text_encoder_free(iad_text_encoder *e) {
    if (!e) return;
    for (int i = 0; e->layers && i < e->config.n_layer; i++) {
        iad_encoder_layer *layer = &e->layers[i];
        iad_weight *weights[] = {layer->qkv, layer->out, layer->up, layer->down};
        float *vectors[] = {layer->norm1_w, layer->norm1_b, layer->norm2_w, layer->norm2_b};
        for (int k = 0; k < 4; k++) {
            e->device->ops->weight_free(e->device, weights[k]);
            free(vectors[k]);
        }
    }
    free(e->layers);
    free(e->places);
    free(e->norm_w);
    free(e->norm_b);
    free(e->bias);
    iad_device_free(e->device);
    iad_st_set_close(e->owned);
    free(e);
}

uint64_t iad_text_encoder_parameters(const iad_text_encoder *e) { return e->parameters; }
