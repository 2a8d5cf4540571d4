#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "runtime/model/positions.h"
#include "runtime/model/preprocess.h"
#include "runtime/model/vision.h"

/* Not in any config: the published tower's rotary base. */
#define VISION_THETA 10000.0

/* Arrays for the counts that are set already. */
static iad_status allocate(iad_vision_plan *plan, const iad_vision_config *config, iad_err *err) {
    size_t n = (size_t)plan->n_patch, half = (size_t)config->head_dim / 2;
    plan->picture = iad_calloc((size_t)plan->n_picture + 1, sizeof *plan->picture);
    plan->order = iad_calloc(n, sizeof *plan->order);
    plan->inverse = iad_calloc((size_t)plan->n_token, sizeof *plan->inverse);
    plan->window = iad_calloc((size_t)plan->n_window + 1, sizeof *plan->window);
    plan->cosine = iad_alloc(n * half, sizeof(float));
    plan->sine = iad_alloc(n * half, sizeof(float));
    if (plan->picture == NULL || plan->order == NULL || plan->inverse == NULL || plan->window == NULL || plan->cosine == NULL || plan->sine == NULL)
        return IAD_NOMEM(err, "the order of a picture's patches");
    return IAD_OK;
}

static iad_status fill(iad_vision_plan *plan, const iad_vision_config *config, const iad_windows *windows, int32_t *positions, iad_err *err) {
    int64_t group = (int64_t)config->merge * config->merge;
    for (int64_t i = 0; i < plan->n_token; i++) {
        plan->inverse[windows->order[i]] = (int32_t)i;
        for (int64_t j = 0; j < group; j++) plan->order[i * group + j] = (int32_t)(windows->order[i] * group + j);
    }
    for (int64_t i = 0; i <= plan->n_window; i++) plan->window[i] = windows->cu[i];
    plan->picture[1] = plan->n_patch;
    iad_vision_positions(windows, config->merge, positions, positions + plan->n_patch);
    return iad_vision_rope(positions, positions + plan->n_patch, plan->n_patch, config->head_dim, VISION_THETA, plan->cosine, plan->sine, err);
}

iad_status iad_vision_plan_init(iad_vision_plan *plan, const iad_vision_config *config, int gh, int gw, iad_err *err) {
    *plan = (iad_vision_plan){0};
    iad_windows windows;
    IAD_TRY(iad_window_plan(gh, gw, config->merge, config->window, config->patch, &windows, err));
    *plan = (iad_vision_plan){
        .gh = gh, .gw = gw, .n_token = windows.n_token, .n_patch = (int64_t)gh * gw, .n_window = windows.n_window, .n_picture = 1};
    iad_status status = allocate(plan, config, err);
    int32_t *positions = iad_alloc(2 * (size_t)plan->n_patch, sizeof *positions);
    if (status == IAD_OK && positions == NULL) status = IAD_NOMEM(err, "the order of a picture's patches");
    if (status == IAD_OK) status = fill(plan, config, &windows, positions, err);
    free(positions);
    iad_windows_deinit(&windows);
    if (status != IAD_OK) iad_vision_plan_deinit(plan);
    return status;
}

iad_status iad_vision_plan_join(const iad_vision_plan *plans, int n, const iad_vision_config *config, iad_vision_plan *joined, iad_err *err) {
    *joined = (iad_vision_plan){0};
    for (int i = 0; i < n; i++) {
        joined->n_patch += plans[i].n_patch;
        joined->n_token += plans[i].n_token;
        joined->n_window += plans[i].n_window;
        joined->n_picture += plans[i].n_picture;
    }
    if (joined->n_patch > INT32_MAX) return IAD_FAIL(err, IAD_ERR_LIMIT, "%lld patches in one pass", (long long)joined->n_patch);
    if (allocate(joined, config, err) != IAD_OK) {
        iad_vision_plan_deinit(joined);
        return IAD_ERR_NOMEM;
    }
    size_t half = (size_t)config->head_dim / 2;
    int64_t patch = 0, token = 0, window = 0, picture = 0;
    for (int i = 0; i < n; i++) {
        const iad_vision_plan *one = &plans[i];
        for (int64_t j = 0; j < one->n_patch; j++) joined->order[patch + j] = (int32_t)(patch + one->order[j]);
        for (int64_t j = 0; j < one->n_token; j++) joined->inverse[token + j] = (int32_t)(token + one->inverse[j]);
        for (int64_t j = 0; j <= one->n_window; j++) joined->window[window + j] = patch + one->window[j];
        for (int64_t j = 0; j <= one->n_picture; j++) joined->picture[picture + j] = patch + one->picture[j];
        memcpy(joined->cosine + (size_t)patch * half, one->cosine, (size_t)one->n_patch * half * sizeof(float));
        memcpy(joined->sine + (size_t)patch * half, one->sine, (size_t)one->n_patch * half * sizeof(float));
        patch += one->n_patch;
        token += one->n_token;
        window += one->n_window;
        picture += one->n_picture;
    }
    return IAD_OK;
}

void iad_vision_plan_deinit(iad_vision_plan *plan) {
    free(plan->picture);
    free(plan->order);
    free(plan->inverse);
    free(plan->window);
    free(plan->cosine);
    free(plan->sine);
    *plan = (iad_vision_plan){0};
}
