#include <math.h>

#include "train/model/trainspace.h"
#include "train/model/weightbind.h"

static double padded(double n, double unit) { return ceil(n / unit) * unit; }

/* A linear layer as the CPU device packs it: panels of 64 outputs, inputs in groups of 16 words; f32 biases. back: and its transpose. */
static size_t linear(const iad_train_model_options *o, double n_in, double n_out, int bias, int back) {
    double size = (double)iad_dtype_size(o->compute), group = o->compute == IAD_F32 ? 16 : 32;
    double bytes = padded(n_out, 64) * padded(n_in, group) * size + (bias ? 4 * padded(n_out, 64) : 0);
    return (size_t)(back ? bytes + padded(n_in, 64) * padded(n_out, group) * size : bytes);
}

/* What the operations keep on the side: the operands of a weight's gradient packed for 256 rows, or for 2^20 values. */
static size_t side(const iad_model_config *c, int64_t n_row, int64_t n_supervised) {
    double wide = c->text.hidden + 2.0 * c->text.intermediate, rows = n_row < 256 ? (double)n_row : 256;
    double head = ((double)c->text.hidden + c->text.vocab) * (n_supervised < 256 ? (double)n_supervised : 256), values = 1 << 20;
    if (wide * rows > values) values = wide * rows;
    if (head > values) values = head;
    return (size_t)(4 * values);
}

static size_t weights(const iad_model_config *c, const iad_train_model_options *o, int vision_trained) {
    const iad_vision_config *v = &c->vision;
    const iad_text_config *t = &c->text;
    double width = v->hidden, group = width * v->merge * v->merge, q_dim = (double)t->heads * t->head_dim, kv_dim = (double)t->kv_heads * t->head_dim;
    size_t sum = IAD_BINDING_CHUNK * sizeof(float) + linear(o, (double)v->in_channels * v->temporal * v->patch * v->patch, width, 0, 0);
    for (int i = 0; i < v->depth; i++)
        sum += linear(o, width, 3 * width, 1, vision_trained) + linear(o, width, width, 1, vision_trained) +
               linear(o, width, 2.0 * v->intermediate, 1, vision_trained) + linear(o, v->intermediate, width, 1, vision_trained) +
               (size_t)(8 * width);
    sum += linear(o, group, group, 1, 1) + linear(o, group, v->out_hidden, 1, 1);
    if (o->fusion && c->paper.fusion != IAD_FUSION_OFF) sum += (size_t)(4.0 * c->paper.n_taps * (c->paper.n_taps + 1) * width);
    for (int i = 0; i < t->layers; i++)
        sum += linear(o, t->hidden, q_dim + 2 * kv_dim, 1, 1) + linear(o, q_dim, t->hidden, 0, 1) +
               linear(o, t->hidden, 2.0 * t->intermediate, 0, 1) + linear(o, t->intermediate, t->hidden, 0, 1) + (size_t)(8.0 * t->hidden);
    sum += linear(o, t->hidden, t->vocab, 0, 1);
    return o->compute == IAD_F32 ? sum + (size_t)4 * (size_t)t->vocab * (size_t)t->hidden : sum;
}

iad_status iad_train_model_plan(const iad_model_config *config, const iad_train_model_options *options, int vision_trained, int64_t n_patch,
                                int64_t n_row, int64_t n_supervised, iad_train_memory *memory, iad_err *err) {
    static const float present = 0; /* the layout asks only whether there is a fusion */
    iad_model model = {.config = *config, .text_storage = options->compute, .vision_storage = options->compute, .text_act = options->compute,
                       .vision_act = options->compute, .kv = IAD_F32};
    if (options->fusion && config->paper.fusion != IAD_FUSION_OFF) model.fusion.scale = &present;
    const iad_train_reach reach = {.backward = 1, .vision_from = vision_trained ? 0 : config->vision.depth, .tokens = 1};
    const iad_train_rows rows = {.n_patch = n_patch, .n_row = n_row, .n_supervised = n_supervised,
                                 .n_cell = options->map_weight > 0 ? 2 * n_patch / ((int64_t)config->vision.merge * config->vision.merge) : 0};
    iad_workspace count = {0};
    iad_train_space space;
    if (n_patch < 0 || n_row < 0 || n_supervised < 0 || n_patch > INT32_MAX || n_row > INT32_MAX || n_supervised > n_row)
        return IAD_FAIL(err, IAD_ERR_ARG, "a batch of %lld patches, %lld rows, %lld of them supervised", (long long)n_patch, (long long)n_row,
                        (long long)n_supervised);
    IAD_TRY(iad_train_space_take(&model, options, &reach, &rows, &count, &space, err));
    *memory = (iad_train_memory){.weights = weights(config, options, vision_trained),
                                 .activations = space.kept,
                                 .workspace = count.high - space.kept + side(config, n_row, n_supervised)};
    iad_train_space_deinit(&space);
    return IAD_OK;
}
