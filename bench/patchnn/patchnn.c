/* The public functions: options, and score and map from the two distance maps. */
#include "bench/patchnn/patchnn.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "bench/patchnn/pn_model.h"

#define MIN_SIDE 64
#define MAX_SIDE 1024

iad_status iad_patchnn_new(const iad_image *exemplars, int n, const iad_patchnn_options *opts, iad_patchnn **out, iad_err *err) {
    iad_pn_params params = *iad_pn_default_params();
    if (!out) return IAD_FAIL(err, IAD_ERR_ARG, "patchnn: nowhere to put the model");
    *out = NULL;
    if (opts && opts->work_side != 0) {
        if (opts->work_side < MIN_SIDE || opts->work_side > MAX_SIDE)
            return IAD_FAIL(err, IAD_ERR_ARG, "patchnn: working side %d, %d..%d wanted", opts->work_side, MIN_SIDE, MAX_SIDE);
        params.work_side = opts->work_side;
    }
    return iad_patchnn_new_with(exemplars, n, &params, opts && opts->force_scalar, out, err);
}

iad_status iad_patchnn_score(const iad_patchnn *model, const iad_image *query, double *score, iad_plane *map, iad_err *err) {
    if (map) *map = (iad_plane){0};
    if (!model || !query || !score) return IAD_FAIL(err, IAD_ERR_ARG, "patchnn: no model, no query or nowhere to put the score");
    iad_pn_maps maps;
    IAD_TRY(iad_pn_maps_init(model, query, &maps, err));
    size_t n = (size_t)maps.width * (size_t)maps.height;
    float w = (float)maps.alignment, best = 0.0f;
    for (size_t i = 0; i < n; i++) {
        maps.anywhere[i] += w * (maps.in_place[i] - maps.anywhere[i]);
        if (maps.anywhere[i] > best) best = maps.anywhere[i];
    }
    *score = (double)best;
    if (map) {
        *map = (iad_plane){maps.width, maps.height, maps.anywhere};
        maps.anywhere = NULL;
    }
    iad_pn_maps_deinit(&maps);
    return IAD_OK;
}
