/* One step of training. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/progress.h"
#include "train/data/order.h"
#include "train/run/stagestate.h"

/* The samples of this rank's batch, cut into passes. */
typedef struct passes {
    iad_batch batch;
    const iad_sample **order; /* [batch.n], pass after pass */
    int *begin;               /* [n + 1] */
    int n;
} passes;

static void passes_deinit(passes *p) {
    iad_batch_deinit(&p->batch);
    free(p->order);
    free(p->begin);
}

/* Rows of the language model, or what the tower's patches weigh where compression hides them. */
static double pass_cost(const iad_stage *stage, const iad_sample *sample) {
    const iad_model_config *model = &stage->params->config;
    int merge = model->vision.merge;
    double rows = (double)iad_sample_rows(sample, merge, model->paper.retention), tokens = 0;
    for (int i = 0; i < sample->n_picture; i++) tokens += (double)sample->pictures[i].patches.n_row / (merge * merge);
    return rows > tokens ? rows : tokens;
}

static iad_status cut(const iad_stage *stage, passes *p, iad_err *err) {
    size_t n = (size_t)p->batch.n;
    double *cost = iad_alloc(n, sizeof *cost);
    int *pass_of = iad_alloc(n, sizeof *pass_of);
    p->order = iad_alloc(n, sizeof *p->order);
    p->begin = iad_calloc(n + 1, sizeof *p->begin);
    iad_status status = !cost || !pass_of || !p->order || !p->begin ? IAD_NOMEM(err, "the passes of a step") : IAD_OK;
    if (status == IAD_OK) {
        for (size_t i = 0; i < n; i++) cost[i] = pass_cost(stage, &p->batch.samples[i]);
        p->n = iad_order_pack(cost, (int)n, stage->config->micro_rows, stage->config->micro_samples, pass_of);
        int at = 0;
        for (int k = 0; k < p->n; k++) {
            for (size_t i = 0; i < n; i++)
                if (pass_of[i] == k) p->order[at++] = &p->batch.samples[i];
            p->begin[k + 1] = at;
        }
    }
    free(cost);
    free(pass_of);
    return status;
}

/* What all ranks together have in this step. */
typedef struct totals {
    double target, maps, samples, broken, stop;
} totals;

static iad_status count(const iad_stage *stage, const passes *p, totals *t, iad_err *err) {
    int asked = stage->o->stop && atomic_load(stage->o->stop);
    double values[5] = {p->batch.n_target, p->batch.n_map, p->batch.n, p->batch.n_broken, asked};
    IAD_TRY(iad_comm_fold(stage->comm, values, 5, IAD_FOLD_SUM, err));
    *t = (totals){values[0], values[1], values[2], values[3], values[4]};
    return IAD_OK;
}

static iad_train_sums no_sums(void) { return (iad_train_sums){.map_min = {INFINITY, INFINITY}, .map_max = {-INFINITY, -INFINITY}}; }

/* Extremes of all ranks' maps become the next normalisation. */
static iad_status take_range(iad_stage *stage, const iad_train_sums *sums, iad_err *err) {
    double lo[2] = {sums->map_min[0], sums->map_min[1]}, hi[2] = {sums->map_max[0], sums->map_max[1]};
    IAD_TRY(iad_comm_fold(stage->comm, lo, 2, IAD_FOLD_MIN, err));
    IAD_TRY(iad_comm_fold(stage->comm, hi, 2, IAD_FOLD_MAX, err));
    if (!(isfinite(lo[0]) && isfinite(lo[1]) && isfinite(hi[0]) && isfinite(hi[1]))) return IAD_OK; /* a step without maps keeps the range */
    memcpy(stage->state.map_lo, lo, sizeof lo);
    memcpy(stage->state.map_hi, hi, sizeof hi);
    stage->state.has_map_range = 1;
    return IAD_OK;
}

static iad_map_range range_of(const iad_stage *stage) {
    const iad_train_state *s = &stage->state;
    return (iad_map_range){.lo = {s->map_lo[0], s->map_lo[1]}, .hi = {s->map_hi[0], s->map_hi[1]}};
}

/* The first step has no step before it: its own maps, looked at without gradients. */
static iad_status first_range(iad_stage *stage, const passes *p, iad_err *err) {
    iad_train_sums sums = no_sums();
    for (int k = 0; k < p->n; k++)
        IAD_TRY(iad_train_model_eval(stage->model, stage->queue, p->order + p->begin[k], p->begin[k + 1] - p->begin[k], NULL, &sums, err));
    return take_range(stage, &sums, err);
}

static iad_status learn(iad_stage *stage, const passes *p, const totals *t, iad_train_sums *sums, iad_step_result *update, double rate,
                        iad_err *err) {
    int has_maps = t->maps > 0 && stage->config->model.map_weight > 0;
    if (has_maps && !stage->state.has_map_range) IAD_TRY(first_range(stage, p, err));
    iad_map_range range = range_of(stage);
    IAD_TRY(iad_params_zero_grad(stage->params, stage->queue, err));
    for (int k = 0; k < p->n; k++)
        IAD_TRY(iad_train_model_run(stage->model, stage->queue, p->order + p->begin[k], p->begin[k + 1] - p->begin[k],
                                    t->target > 0 ? 1 / t->target : 0, has_maps ? 1 / t->maps : 0, &range, sums, err));
    if (has_maps) IAD_TRY(take_range(stage, sums, err));
    IAD_TRY(iad_optimizer_step(stage->optimizer, stage->queue, rate, 1, update, err));
    if (!update->skipped) IAD_TRY(iad_train_model_refresh(stage->model, stage->queue, 0, err));
    return IAD_OK;
}

/* Held-out records, the same ones every time. */
static iad_status evaluate(iad_stage *stage, iad_step_figures *f, iad_err *err) {
    iad_train_sums sums = no_sums();
    iad_map_range range = range_of(stage);
    int batches = (stage->config->eval_records + stage->config->batch - 1) / stage->config->batch;
    iad_status status = IAD_OK;
    for (int b = 0; b < batches && status == IAD_OK; b++) {
        passes p = {0};
        status = iad_loader_get(stage->held_out, b, &p.batch, err);
        if (status == IAD_OK) status = cut(stage, &p, err);
        for (int k = 0; k < p.n && status == IAD_OK; k++)
            status = iad_train_model_eval(stage->model, stage->queue, p.order + p.begin[k], p.begin[k + 1] - p.begin[k],
                                          stage->state.has_map_range ? &range : NULL, &sums, err);
        passes_deinit(&p);
    }
    if (status != IAD_OK) return iad_err_prefix(err, "held-out records");
    double v[6] = {sums.ce, sums.n_token, sums.n_hit, sums.focal, sums.dice, sums.n_map};
    IAD_TRY(iad_comm_fold(stage->comm, v, 6, IAD_FOLD_SUM, err));
    f->has_eval = 1;
    f->eval_ce = v[0] / v[1];
    f->eval_accuracy = v[2] / v[1];
    f->eval_focal = v[5] > 0 ? v[3] / v[5] : 0;
    f->eval_dice = v[5] > 0 ? v[4] / v[5] : 0;
    return IAD_OK;
}

static void name_broken(const iad_stage *stage, const iad_batch *batch) {
    int n = batch->n_broken < 8 ? batch->n_broken : 8;
    for (int i = 0; i < n; i++) IAD_WARN(stage->o->log, "record %" PRId64 " left out: %s", batch->broken_id[i], batch->broken_why[i]);
    if (batch->n_broken > n) IAD_WARN(stage->o->log, "and %d more records of this step", batch->n_broken - n);
}

static iad_status report(iad_stage *stage, const totals *t, const iad_train_sums *sums, const iad_step_result *update, iad_step_figures *f,
                         iad_err *err) {
    double v[7] = {sums->ce, sums->n_token, sums->n_hit, sums->focal, sums->dice, (double)sums->n_row, sums->flops};
    IAD_TRY(iad_comm_fold(stage->comm, v, 7, IAD_FOLD_SUM, err));
    iad_device_memory memory;
    iad_device_memory_get(stage->device, &memory);
    f->ce = v[1] > 0 ? v[0] / v[1] : 0;
    f->accuracy = v[1] > 0 ? v[2] / v[1] : 0;
    f->focal = t->maps > 0 ? v[3] / t->maps : 0;
    f->dice = t->maps > 0 ? v[4] / t->maps : 0;
    f->loss = f->ce + stage->config->model.map_weight * (f->focal + f->dice);
    f->rows = (int64_t)v[5];
    f->flops = v[6];
    f->ceiling = stage->ceiling;
    f->memory = (double)memory.peak;
    f->grad_norm = update->grad_norm;
    f->skipped = update->skipped;
    f->samples = (int64_t)t->samples;
    f->maps = (int64_t)t->maps;
    f->broken = (int64_t)t->broken;
    f->tokens = (int64_t)t->target;
    return IAD_OK;
}

/* The mean of the last steps, older ones fading. */
static void remember(iad_stage *stage, double loss) {
    enum { WINDOW = 50 };
    if (stage->n_recent == WINDOW) stage->recent -= stage->recent / WINDOW;
    else stage->n_recent++;
    stage->recent += loss;
}

iad_status iad_stage_step(iad_stage *stage, iad_stage_result *result, int *stop_asked, iad_err *err) {
    iad_train_state *s = &stage->state;
    const iad_train_config *c = stage->config;
    double start = iad_clock();
    passes p = {0};
    totals t = {0};
    iad_train_sums sums = no_sums();
    iad_step_result update = {0};
    iad_step_figures f = {.stage = c->stage,
                          .step = s->step,
                          .steps = s->steps,
                          .rate = iad_rate_at(s->step + 1, s->steps + 1, c->rate, c->rate_end, c->warmup)}; /* neither first nor last step at 0 */
    iad_status status = iad_loader_get(stage->loader, s->step, &p.batch, err);
    f.wait_seconds = iad_clock() - start;
    if (status == IAD_OK) name_broken(stage, &p.batch);
    if (status == IAD_OK) status = cut(stage, &p, err);
    if (status == IAD_OK) status = count(stage, &p, &t, err);
    if (status == IAD_OK && t.samples == 0) status = IAD_FAIL(err, IAD_ERR_FORMAT, "step %" PRId64 ": every record of the batch is broken", s->step);
    if (status == IAD_OK) status = learn(stage, &p, &t, &sums, &update, f.rate, err);
    passes_deinit(&p);
    if (status == IAD_OK) status = report(stage, &t, &sums, &update, &f, err);
    if (status != IAD_OK) return status;
    s->step++;
    s->samples += f.samples;
    s->broken += f.broken;
    s->clock = iad_optimizer_clock_get(stage->optimizer);
    f.seconds = iad_clock() - start;
    if (stage->held_out && (s->step % c->eval_every == 0 || s->step == s->steps)) IAD_TRY(evaluate(stage, &f, err));
    if (!update.skipped) remember(stage, f.loss);
    if (stage->log) IAD_TRY(iad_step_log_add(stage->log, &f, err));
    *stop_asked = t.stop > 0;
    result->diverged = update.diverged;
    if (update.diverged)
        return IAD_FAIL(err, IAD_ERR_FORMAT,
                        "stage %d diverged: %d steps in a row with a loss or gradient that is not finite, the last one step %" PRId64, c->stage,
                        c->optimizer.max_skipped, s->step - 1);
    return IAD_OK;
}
