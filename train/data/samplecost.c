#include "train/data/samplecost.h"

/* Forward cost of products and of attention, kept apart because their backward passes cost differently. */
typedef struct flops { double products, attention; } flops;

static double with_backward(flops f) { return 3 * f.products + 3.5 * f.attention; }
static double forward_only(flops f) { return f.products + f.attention; }

static flops tower(const iad_vision_config *v, double patches, double values) {
    double c = v->hidden, side = v->window / v->patch, window = side * side < patches ? side * side : patches;
    double block = 4 * c * c + 3 * c * v->intermediate;
    int whole = v->n_fullatt;
    return (flops){.products = 2 * patches * (v->depth * block + values * c),
                   .attention = 4 * c * patches * ((v->depth - whole) * window + whole * patches)};
}

static flops merger(const iad_vision_config *v, double tokens) {
    double wide = (double)v->hidden * v->merge * v->merge;
    return (flops){.products = 2 * tokens * (wide * wide + wide * v->out_hidden)};
}

static flops language(const iad_text_config *t, double rows, double supervised) {
    double d = t->hidden, q = (double)t->heads * t->head_dim, kv = (double)t->kv_heads * t->head_dim;
    double layer = d * (q + 2 * kv) + q * d + 3 * d * t->intermediate;
    return (flops){.products = 2 * rows * t->layers * layer + 2 * d * t->vocab * supervised, .attention = t->layers * 2 * rows * rows * q};
}

double iad_sample_cost(const iad_sample *sample, const iad_model_config *config, double retention, int vision_trained) {
    const iad_vision_config *v = &config->vision;
    double sum = with_backward(language(&config->text, (double)iad_sample_rows(sample, v->merge, retention), (double)sample->n_target));
    for (int i = 0; i < sample->n_picture; i++) {
        const iad_patches *p = &sample->pictures[i].patches;
        flops f = tower(v, (double)p->n_row, p->n_col);
        sum += (vision_trained ? with_backward(f) : forward_only(f)) + with_backward(merger(v, (double)p->n_row / (v->merge * v->merge)));
    }
    return sum;
}
