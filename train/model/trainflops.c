#include "train/model/trainflops.h"

/* One block: products per row, and attention of `pairs` (row, key) pairs. */
static double block(double n, double per_row, double q_dim, double pairs, int backward) {
    return 2 * n * per_row * (backward ? 3 : 1) + 4 * q_dim * pairs * (backward ? 3.5 : 1);
}

double iad_train_flops(const iad_model_config *c, const iad_train_reach *r, const iad_micro *b) {
    const iad_vision_config *v = &c->vision;
    const iad_text_config *t = &c->text;
    double patches = (double)b->plan.n_patch, width = v->hidden, group = width * v->merge * v->merge, whole = 0, windows = 0, causal = 0, sum = 0;
    for (int i = 0; i < b->plan.n_picture; i++)
        whole += (double)(b->plan.picture[i + 1] - b->plan.picture[i]) * (double)(b->plan.picture[i + 1] - b->plan.picture[i]);
    for (int64_t i = 0; i < b->plan.n_window; i++)
        windows += (double)(b->plan.window[i + 1] - b->plan.window[i]) * (double)(b->plan.window[i + 1] - b->plan.window[i]);
    for (int i = 0; i < b->n_sample; i++)
        causal += 0.5 * (double)(b->segment[i + 1] - b->segment[i]) * (double)(b->segment[i + 1] - b->segment[i] + 1);
    sum += 2 * patches * width * v->in_channels * v->temporal * v->patch * v->patch * (r->backward && r->vision_from == 0 ? 2 : 1);
    for (int i = 0; i < v->depth; i++)
        sum += block(patches, width * (4 * width + 3.0 * v->intermediate), width, iad_model_config_is_fullatt(c, i) ? whole : windows,
                     r->backward && i >= r->vision_from);
    sum += 2 * (double)b->plan.n_token * group * (group + v->out_hidden) * (r->backward && r->tokens ? 3 : 1);
    double q_dim = (double)t->heads * t->head_dim, kv_dim = (double)t->kv_heads * t->head_dim;
    for (int i = 0; i < t->layers; i++)
        sum += block((double)b->n_row, t->hidden * (2 * q_dim + 2 * kv_dim + 3.0 * t->intermediate), q_dim, causal, r->backward && i >= r->text_from);
    return sum + 2 * (double)b->n_supervised * t->hidden * t->vocab * (r->backward ? 3 : 1);
}
