/* Turning, describing and quantising a query. */
#include "bench/patchnn/pn_probe.h"

#include <stdlib.h>

#include "base/alloc.h"

/* Patches up to this many steps outside still take part, for the interpolation on the way back. */
#define MARGIN 1.5

static int is_inside(const iad_pn_probe *probe, const iad_pn_picture *query, int x, int y) {
    double qx, qy;
    iad_pn_turn_undo(&probe->turn, (x + 0.5) * probe->grid.step_x - 0.5, (y + 0.5) * probe->grid.step_y - 0.5, &qx, &qy);
    double mx = 0.5 + MARGIN * probe->grid.step_x, my = 0.5 + MARGIN * probe->grid.step_y;
    return qx >= -mx && qy >= -my && qx <= query->width - 1 + mx && qy <= query->height - 1 + my;
}

iad_status iad_pn_probe_init(iad_pn_probe *probe, const iad_pn_picture *query, double degrees, const iad_pn_params *params,
                             const iad_pn_space *space, int every, iad_err *err) {
    *probe = (iad_pn_probe){.turn = iad_pn_turn_make(query->width, query->height, degrees)};
    iad_status status;
    if (degrees == 0.0) status = iad_pn_describe(query, params, &probe->grid, err);
    else {
        iad_pn_picture turned = {0};
        status = iad_pn_picture_turn(query, &probe->turn, &turned, err);
        if (status == IAD_OK) status = iad_pn_describe(&turned, params, &probe->grid, err);
        iad_pn_picture_deinit(&turned);
    }
    IAD_TRY(status);
    int width = probe->grid.width, height = probe->grid.height, row_dims = iad_pn_row_dims(space->dims);
    size_t cells = (size_t)width * (size_t)height;
    probe->inside = iad_alloc(cells, sizeof *probe->inside);
    probe->rows = iad_alloc_aligned(cells * (size_t)row_dims, sizeof *probe->rows);
    if (!probe->inside || !probe->rows) {
        iad_pn_probe_deinit(probe);
        return IAD_NOMEM(err, "a query's patches");
    }
    for (int y = 0; y < height; y += every) {
        for (int x = 0; x < width; x += every) {
            if (!is_inside(probe, query, x, y)) continue;
            int cell = y * width + x;
            iad_pn_space_quantise(space, probe->grid.v + (size_t)cell * (size_t)space->dims,
                                  probe->rows + (size_t)probe->n_inside * (size_t)row_dims, row_dims);
            probe->inside[probe->n_inside++] = cell;
        }
    }
    return IAD_OK;
}

void iad_pn_probe_deinit(iad_pn_probe *probe) {
    iad_pn_grid_deinit(&probe->grid);
    free(probe->inside);
    free(probe->rows);
    *probe = (iad_pn_probe){0};
}
