/* The scorer's object: bank, scoring, map. */
#include "bench/patchnn/patchnn.h"

#include <stdlib.h>

void iad_patchnn_free(iad_patchnn *model) { free(model); }

iad_status iad_patchnn_new(const iad_image *exemplars, int n, const iad_patchnn_options *opts, iad_patchnn **out,
                           iad_err *err) {
    (void)exemplars, (void)n, (void)opts, (void)out;
    return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "patchnn is not built yet");
}

iad_status iad_patchnn_score(const iad_patchnn *model, const iad_image *query, double *score, iad_plane *map,
                             iad_err *err) {
    (void)model, (void)query, (void)score, (void)map;
    return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "patchnn is not built yet");
}
