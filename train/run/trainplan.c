#include "train/run/trainplan.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "train/data/samplecost.h"

enum { MAX_PICTURES = 5, LOADER_BYTES = 512 << 20 };

/* ---- the mean record ---- */

typedef struct shape {
    double share;
    int pictures, compressed; /* of them, against the first */
    int text, supervised;     /* tokens */
} shape;

/* Text lengths: train page 4.2. */
static const shape stage1[] = {{1, 1, 0, 150, 120}};
static const shape stage2[] = {{0.35, 5, 0, 130, 20}, {0.65, 2, 0, 120, 40}};
static const shape stage3[] = {{0.4, 2, 0, 110, 20}, {0.3, 3, 1, 115, 20}, {0.3, 5, 3, 120, 20}};

static void measure(const iad_plan_request *r, const iad_model_config *model, const shape *s, int vision_trained, iad_plan *plan) {
    const iad_vision_config *v = &model->vision;
    int h = model->paper.image_height ? model->paper.image_height : 448, w = model->paper.image_width ? model->paper.image_width : 448;
    int64_t n_patch = (int64_t)(h / v->patch) * (w / v->patch);
    iad_sample_picture pictures[MAX_PICTURES] = {0};
    iad_sample sample = {.pictures = pictures, .n_picture = s->pictures, .n_id = s->text + s->pictures, .n_target = s->supervised};
    for (int i = 0; i < s->pictures; i++) {
        pictures[i].patches.n_row = n_patch;
        pictures[i].patches.gh = h / v->patch;
        pictures[i].patches.gw = w / v->patch;
        pictures[i].patches.n_col = v->in_channels * v->temporal * v->patch * v->patch;
        pictures[i].reference = r->config->model.compression && i > 0 && i <= s->compressed ? 0 : -1;
    }
    plan->sample_flops += s->share * iad_sample_cost(&sample, model, model->paper.retention, vision_trained);
    plan->sample_rows += s->share * (double)iad_sample_rows(&sample, v->merge, model->paper.retention);
    plan->sample_patches += s->share * (double)n_patch * s->pictures;
}

static void mean_record(const iad_plan_request *r, const iad_model_config *model, int vision_trained, iad_plan *plan) {
    const shape *shapes = r->config->stage == 1 ? stage1 : r->config->stage == 2 ? stage2 : stage3;
    size_t n = r->config->stage == 1   ? sizeof stage1 / sizeof *stage1
               : r->config->stage == 2 ? sizeof stage2 / sizeof *stage2
                                       : sizeof stage3 / sizeof *stage3;
    for (size_t i = 0; i < n; i++) measure(r, model, &shapes[i], vision_trained, plan);
}

/* ---- parameters ---- */

typedef struct counting {
    const iad_param_rules *rules;
    iad_plan *plan;
    int vision_trained;
} counting;

static iad_status count_tensor(void *user, const iad_tensor_spec *spec, iad_err *err) {
    (void)err;
    counting *c = user;
    uint64_t n = 1;
    for (int i = 0; i < spec->rank; i++) n *= (uint64_t)spec->shape[i];
    c->plan->parameters += n;
    if (!iad_param_is_trainable(c->rules, spec->name)) return IAD_OK;
    c->plan->trainable += n;
    if (strncmp(spec->name, "visual.blocks.", 14) == 0 || strncmp(spec->name, "visual.patch_embed.", 19) == 0) c->vision_trained = 1;
    return IAD_OK;
}

/* ---- memory ---- */

static void add(iad_plan *plan, const char *name, double bytes) {
    plan->memory[plan->n_memory].name = name;
    plan->memory[plan->n_memory++].bytes = bytes;
    plan->total += bytes;
}

static iad_status memory_of(const iad_plan_request *r, const iad_model_config *model, int vision_trained, iad_plan *plan, iad_err *err) {
    const iad_train_config *c = r->config;
    double n = (double)plan->parameters, own = (double)plan->trainable / r->world;
    /* The largest pass: as many rows as allowed, or as many samples; every row may be of a picture (stages 1 and 2 do not compress). */
    double most = (double)c->micro_samples < ceil((double)c->batch / r->world) ? c->micro_samples : ceil((double)c->batch / r->world);
    double rows = most * fmax(plan->sample_rows, plan->sample_patches / (model->vision.merge * model->vision.merge));
    if (rows > c->micro_rows) rows = c->micro_rows;
    int64_t n_row = (int64_t)rows, n_patch = (int64_t)rows * model->vision.merge * model->vision.merge;
    iad_train_memory m;
    IAD_TRY(iad_train_model_plan(model, &c->model, vision_trained, n_patch, n_row, (int64_t)(most * 120 < rows ? most * 120 : rows), &m, err));
    plan->n_memory = 0;
    plan->total = 0;
    add(plan, "weights (bf16 and remainder)", 4 * n);
    add(plan, "gradients (f32)", 4 * n);
    add(plan, c->optimizer.states8 ? "optimizer states (8 bits)" : "optimizer states (f32)",
        c->optimizer.states8 ? own * (2 + 8.0 / IAD_ADAMW_BLOCK) : own * 8);
    add(plan, "checkpoint being written", (c->optimizer.states8 ? 2 : 8) * own + 4 * n / r->world);
    add(plan, "packed weights", (double)m.weights);
    add(plan, "activations", (double)m.activations);
    add(plan, "workspace", (double)m.workspace);
    add(plan, "pictures kept decoded", LOADER_BYTES);
    return IAD_OK;
}

/* ---- what would fit ---- */

static const char *recompute_name(iad_recompute level) {
    static const char *const names[] = {"none", "norms", "ffn", "block"};
    return names[level];
}

/* One change after the other, from the cheapest in time: 1 when `changed` fits. */
static int fits_with(const iad_plan_request *r, const iad_model_config *model, int vision_trained, const iad_train_config *changed,
                     const iad_plan *base, iad_err *err) {
    iad_plan plan = *base;
    iad_plan_request other = *r;
    other.config = changed;
    return memory_of(&other, model, vision_trained, &plan, err) == IAD_OK && plan.total <= r->budget;
}

static void advise(const iad_plan_request *r, const iad_model_config *model, int vision_trained, iad_plan *plan) {
    int n = 0;
    for (int level = 1; level <= IAD_RECOMPUTE_BLOCK && n == 0; level++) {
        iad_train_config c = *r->config;
        if ((int)c.model.recompute_text < level) c.model.recompute_text = (iad_recompute)level;
        if ((int)c.model.recompute_vision < level) c.model.recompute_vision = (iad_recompute)level;
        if (fits_with(r, model, vision_trained, &c, plan, NULL))
            snprintf(plan->advice[n++], sizeof plan->advice[0], "recompute_text %s, recompute_vision %s", recompute_name(c.model.recompute_text),
                     recompute_name(c.model.recompute_vision));
    }
    int before = n;
    for (int rows = r->config->micro_rows / 2; rows >= 64 && n == before; rows /= 2) {
        iad_train_config c = *r->config;
        c.micro_rows = rows;
        if (fits_with(r, model, vision_trained, &c, plan, NULL)) snprintf(plan->advice[n++], sizeof plan->advice[0], "micro_rows %d", rows);
    }
    iad_train_config c = *r->config;
    c.optimizer.states8 = 1;
    if (n < 3 && !r->config->optimizer.states8 && fits_with(r, model, vision_trained, &c, plan, NULL))
        snprintf(plan->advice[n++], sizeof plan->advice[0], "states 8bit");
    c.model.recompute_text = c.model.recompute_vision = IAD_RECOMPUTE_BLOCK;
    for (int rows = r->config->micro_rows; rows >= 64 && n == 0; rows /= 2) {
        c.micro_rows = rows;
        if (fits_with(r, model, vision_trained, &c, plan, NULL))
            snprintf(plan->advice[n++], sizeof plan->advice[0], "states 8bit, recompute_text block, recompute_vision block, micro_rows %d", rows);
    }
    for (int world = r->world * 2; world <= 1024 && n == 0; world *= 2) {
        iad_plan_request other = *r;
        other.world = world;
        if (fits_with(&other, model, vision_trained, &c, plan, NULL))
            snprintf(plan->advice[n++], sizeof plan->advice[0], "%d ranks of so much memory, states 8bit, recompute block, micro_rows %d", world,
                     c.micro_rows);
    }
    if (n == 0) snprintf(plan->advice[0], sizeof plan->advice[0], "nothing: weights and gradients alone are larger");
}

iad_status iad_train_plan(const iad_plan_request *r, iad_plan *plan, iad_err *err) {
    const iad_train_config *c = r->config;
    iad_model_config model = *r->model;
    const char *patterns[2 * IAD_TRAIN_MAX_PATTERNS];
    const iad_param_rules rules = iad_train_config_rules(c, patterns);
    counting count = {.rules = &rules, .plan = plan};
    *plan = (iad_plan){.fits = 1};
    if (r->world < 1) return IAD_FAIL(err, IAD_ERR_ARG, "a world of %d", r->world);
    if (r->records < 1 && c->steps < 1) return IAD_FAIL(err, IAD_ERR_ARG, "how long? neither records (a manifest) nor steps are given");
    IAD_TRY(iad_train_config_adjust(c, &model, err));
    IAD_TRY(iad_model_tensors(&model, 1, count_tensor, &count, err));
    mean_record(r, &model, count.vision_trained, plan);
    IAD_TRY(memory_of(r, &model, count.vision_trained, plan, err));
    plan->steps = c->steps > 0 ? c->steps : (int64_t)fmax(1, ceil(c->epochs * (double)r->records / c->batch));
    plan->flops = (double)plan->steps * c->batch * plan->sample_flops;
    if (r->flops_per_s > 0) plan->seconds = plan->flops / (r->flops_per_s * r->world);
    plan->fits = r->budget <= 0 || plan->total <= r->budget;
    if (!plan->fits) advise(r, &model, count.vision_trained, plan);
    return IAD_OK;
}
