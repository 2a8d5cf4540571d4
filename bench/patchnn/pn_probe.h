/* A query as one exemplar should see it: turned, described, quantised, with a list of the patches that lie inside the picture. */
#ifndef IAD_BENCH_PATCHNN_PN_PROBE_H
#define IAD_BENCH_PATCHNN_PN_PROBE_H

#include "bench/patchnn/pn_model.h"

typedef struct iad_pn_probe {
    iad_pn_turn turn;
    iad_pn_grid grid;       /* of the turned canvas */
    int n_inside;
    int *inside;            /* [n_inside] cells of the grid, ascending, owned */
    int16_t *rows;          /* [n_inside][row_dims], owned */
} iad_pn_probe;

/* every: 1 all patches, 2 every second one on both axes. */
iad_status iad_pn_probe_init(iad_pn_probe *probe, const iad_pn_picture *query, double degrees, const iad_pn_params *params,
                             const iad_pn_space *space, int every, iad_err *err);
void iad_pn_probe_deinit(iad_pn_probe *probe);

#endif
