#include <stdlib.h>

#include "base/alloc.h"
#include "runtime/model/positions.h"
#include "runtime/model/preprocess.h"
#include "runtime/model/vision.h"

/* Not in any config: the published tower's rotary base. */
#define VISION_THETA 10000.0

static iad_status fill(iad_vision_plan *plan, const iad_vision_config *config, const iad_windows *windows, int32_t *positions, iad_err *err) {
    int64_t group = (int64_t)config->merge * config->merge;
    for (int64_t i = 0; i < plan->n_token; i++) {
        plan->inverse[windows->order[i]] = (int32_t)i;
        for (int64_t j = 0; j < group; j++) plan->order[i * group + j] = (int32_t)(windows->order[i] * group + j);
    }
    for (int64_t i = 0; i <= plan->n_window; i++) plan->window[i] = windows->cu[i];
    iad_vision_positions(windows, config->merge, positions, positions + plan->n_patch);
    return iad_vision_rope(positions, positions + plan->n_patch, plan->n_patch, config->head_dim, VISION_THETA, plan->cosine, plan->sine, err);
}

iad_status iad_vision_plan_init(iad_vision_plan *plan, const iad_vision_config *config, int gh, int gw, iad_err *err) {
    *plan = (iad_vision_plan){.gh = gh, .gw = gw};
    iad_windows windows;
    IAD_TRY(iad_window_plan(gh, gw, config->merge, config->window, config->patch, &windows, err));
    plan->n_token = windows.n_token;
    plan->n_patch = (int64_t)gh * gw;
    plan->n_window = windows.n_window;
    size_t n = (size_t)plan->n_patch, half = (size_t)config->head_dim / 2;
    plan->order = iad_calloc(n, sizeof *plan->order);
    plan->inverse = iad_calloc((size_t)plan->n_token, sizeof *plan->inverse);
    plan->window = iad_calloc((size_t)plan->n_window + 1, sizeof *plan->window);
    plan->cosine = iad_alloc(n * half, sizeof(float));
    plan->sine = iad_alloc(n * half, sizeof(float));
    int32_t *positions = iad_alloc(2 * n, sizeof *positions);
    iad_status status = IAD_OK;
    if (plan->order == NULL || plan->inverse == NULL || plan->window == NULL || plan->cosine == NULL || plan->sine == NULL || positions == NULL)
        status = IAD_NOMEM(err, "the order of a picture's patches");
    else status = fill(plan, config, &windows, positions, err);
    free(positions);
    iad_windows_deinit(&windows);
    if (status != IAD_OK) iad_vision_plan_deinit(plan);
    return status;
}

void iad_vision_plan_deinit(iad_vision_plan *plan) {
    free(plan->order);
    free(plan->inverse);
    free(plan->window);
    free(plan->cosine);
    free(plan->sine);
    *plan = (iad_vision_plan){0};
}
