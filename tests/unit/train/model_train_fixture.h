/* The tiny model while it is trained, and samples made by formulas that tests/parity/train_reference.py knows too. */
#ifndef IAD_TEST_MODEL_TRAIN_FIXTURE_H
#define IAD_TEST_MODEL_TRAIN_FIXTURE_H

#include "tests/unit/model/model_fixture.h"
#include "train/model/trainmodel.h"

/* ---- parameters and model ---- */

typedef struct tm_fx {
    fx_dir dir;
    iad_device *device;
    iad_queue *queue;
    iad_checkpoint *checkpoint;
    iad_params *params;
    iad_train_model *model;
    iad_train_model_options options;
} tm_fx;

static inline iad_train_model_options tm_options(void) {
    return (iad_train_model_options){.compute = IAD_F32, .map = iad_map_options_default(), .map_weight = 1, .fusion = 1, .compression = 1};
}

static inline void tm_set(tm_fx *t, const char *name, const float *values) {
    iad_err err = IAD_ERR_NONE;
    assert_ok(iad_params_set(t->params, t->queue, iad_params_find(t->params, name), values, &err));
}

/* Golden weights; those of the fusion golden too, but its scale 0.5. */
static inline void tm_golden_fusion(tm_fx *t) {
    for (int i = 0; i < t->params->n_tensor; i++) {
        const iad_param *p = &t->params->tensors[i];
        if (strncmp(p->name, "iadgpt.", 7) != 0) continue;
        float *values = fx_floats((size_t)p->n);
        iad_newmodel_golden(p->name, p->rank, p->shape, 0, (size_t)p->n, values);
        if (p->role == IAD_ROLE_SCALE) values[0] = 0.5f;
        tm_set(t, p->name, values);
        free(values);
    }
}

static inline void tm_open(tm_fx *t, iad_device *device, const iad_model_config *config, const iad_train_model_options *options,
                           const iad_param_rules *rules) {
    iad_err err = IAD_ERR_NONE;
    const iad_newmodel_options made = fx_golden();
    *t = (tm_fx){.dir = fx_dir_new(), .device = device, .options = *options};
    fx_write(&t->dir, config, &made);
    assert_ok(device->ops->queue_new(device, &t->queue, &err));
    assert_ok(iad_checkpoint_open(t->dir.path, &t->checkpoint, NULL, &err));
    assert_ok(iad_params_load(t->checkpoint, device, rules, &t->params, &err));
    tm_golden_fusion(t);
    assert_ok(iad_train_model_new(t->params, options, &t->model, &err));
}

static inline void tm_close(tm_fx *t) {
    iad_train_model_free(t->model);
    iad_params_free(t->params);
    iad_checkpoint_close(t->checkpoint);
    t->device->ops->queue_free(t->queue);
    iad_device_memory memory;
    iad_device_memory_get(t->device, &memory);
    assert_int_equal(0, (int)memory.now);
    iad_device_free(t->device);
    fx_dir_free(&t->dir);
}

/* ---- samples ---- */

/* Picture i: 28 a x 28 b pixels, the synthetic picture k. */
typedef struct tm_picture {
    int a, b, k, reference;
} tm_picture;

/* Text tokens are (17 s + 29 i + 3) mod 290 for the i-th of sample s. */
static inline int32_t tm_token(int64_t s, int64_t i) { return (int32_t)((17 * s + 29 * i + 3) % 290); }

/* Three words, then for every picture <start> <image> <end> and a word, then n_word words of which the first and third are anomaly words and
 * the second is the normal word, then n_answer words that are predicted, by the row before each. query: index of the supervised picture or -1. */
static inline void tm_sample(iad_sample *s, const iad_model_config *c, int64_t id, const tm_picture *pictures, int n_picture, int query, int n_word,
                             int n_answer) {
    int64_t n = 3 + 4 * n_picture + n_word + n_answer, at = 0, word = 0;
    *s = (iad_sample){.task_id = id, .n_picture = n_picture, .n_id = n, .weight = 1, .query = query};
    s->ids = iad_calloc((size_t)n, sizeof *s->ids);
    s->target = iad_calloc((size_t)n, sizeof *s->target);
    s->pictures = iad_calloc((size_t)n_picture, sizeof *s->pictures);
    assert_true(s->ids != NULL && s->target != NULL && s->pictures != NULL);
    for (; at < 3; at++) s->ids[at] = tm_token(id, word++);
    for (int i = 0; i < n_picture; i++) {
        s->pictures[i] = (iad_sample_picture){.position = at + 1, .reference = pictures[i].reference};
        fx_patches(&s->pictures[i].patches, 28 * pictures[i].a, 28 * pictures[i].b, pictures[i].k);
        s->ids[at++] = c->ids.vision_start;
        s->ids[at++] = c->ids.image;
        s->ids[at++] = c->ids.vision_end;
        s->ids[at++] = tm_token(id, word++);
    }
    int64_t first = at;
    for (; at < n; at++) s->ids[at] = tm_token(id, word++);
    for (int64_t i = 0; i < n; i++) s->target[i] = i >= n - n_answer - 1 && i + 1 < n ? s->ids[i + 1] : -1;
    s->n_target = n_answer;
    if (query < 0) return;
    float each = 1.0f / (float)c->paper.n_map_layers;
    s->n_word = 3;
    s->words = iad_calloc(3, sizeof *s->words);
    assert_non_null(s->words);
    for (int i = 0; i < 3; i++) s->words[i] = (iad_sample_word){.position = first + i, .row_class = i == 1, .weight = i == 1 ? each : each / 2};
    s->mask_h = 2 * pictures[query].a;
    s->mask_w = 2 * pictures[query].b;
    s->mask = fx_floats((size_t)s->mask_h * (size_t)s->mask_w);
    for (int y = 0; y < s->mask_h; y++)
        for (int x = 0; x < s->mask_w; x++)
            s->mask[y * s->mask_w + x] = y >= 1 && y < 3 && x >= 2 && x < 5 ? 1.0f : (y == 3 && x == 2 ? 0.25f : 0.0f);
}

enum { TM_SAMPLES = 4 };

/* One picture; two with a map; five, three of them compressed, with a map; none at all. */
static inline void tm_samples(iad_sample samples[TM_SAMPLES], const iad_model_config *c) {
    static const tm_picture one[1] = {{3, 4, 1, -1}}, two[2] = {{5, 2, 2, -1}, {4, 4, 3, -1}},
                            five[5] = {{3, 3, 4, -1}, {3, 4, 5, 0}, {2, 5, 6, 0}, {3, 3, 7, 0}, {4, 3, 8, -1}};
    tm_sample(&samples[0], c, 1, one, 1, -1, 4, 6);
    tm_sample(&samples[1], c, 2, two, 2, 1, 5, 3);
    tm_sample(&samples[2], c, 3, five, 5, 4, 6, 4);
    tm_sample(&samples[3], c, 4, NULL, 0, -1, 2, 5);
}

static inline void tm_samples_free(iad_sample *samples, int n) {
    for (int i = 0; i < n; i++) iad_sample_deinit(&samples[i]);
}

static inline iad_train_sums tm_no_sums(void) { return (iad_train_sums){.map_min = {INFINITY, INFINITY}, .map_max = {-INFINITY, -INFINITY}}; }

/* ---- running ---- */

static const double tm_ce_scale = 0.125, tm_map_scale = 0.5;

/* A fixed range inside which the golden model's maps partly lie. */
static const iad_map_range tm_range = {.lo = {0.004, 0.004}, .hi = {0.05, 0.05}};

/* Gradients of the samples, all at once, into grad [params->n]. */
static inline void tm_gradients(tm_fx *t, const iad_sample *const *samples, int n, float *grad, iad_train_sums *sums) {
    iad_err err = IAD_ERR_NONE;
    *sums = tm_no_sums();
    assert_ok(iad_params_zero_grad(t->params, t->queue, &err));
    assert_ok(iad_train_model_run(t->model, t->queue, samples, n, tm_ce_scale, tm_map_scale, &tm_range, sums, &err));
    assert_ok(t->device->ops->download(t->queue, grad, t->params->grad, (size_t)t->params->n * sizeof(float), &err));
}

static inline double tm_loss(const iad_train_sums *s, const iad_train_model_options *o) {
    return tm_ce_scale * s->ce + tm_map_scale * o->map_weight * (s->focal + s->dice);
}

static inline double tm_eval(tm_fx *t, const iad_sample *const *samples, int n) {
    iad_err err = IAD_ERR_NONE;
    iad_train_sums sums = tm_no_sums();
    assert_ok(iad_train_model_eval(t->model, t->queue, samples, n, &tm_range, &sums, &err));
    return tm_loss(&sums, &t->options);
}

#endif
