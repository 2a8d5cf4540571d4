/* Patch descriptors on a grid: per octave eight half-wave oriented gradients, both signs of the Laplacian, the mean, and the
 * means of two colour opponents, each pooled by a Gaussian. */
#ifndef IAD_BENCH_PATCHNN_PN_DESCRIBE_H
#define IAD_BENCH_PATCHNN_PN_DESCRIBE_H

#include "bench/patchnn/pn_params.h"
#include "bench/patchnn/pn_picture.h"

typedef struct iad_pn_grid {
    int width, height; /* patches; patch (x, y) is centred at pixel ((x + 0.5) * step_x - 0.5, (y + 0.5) * step_y - 0.5) */
    int dims;
    double step_x, step_y; /* working pixels between centres: the grid tiles the picture */
    float *v;              /* [height][width][dims], owned */
} iad_pn_grid;

/* Dimensions of a descriptor and the group (same kind, same octave) of each: features of one group share one scale. */
int iad_pn_describe_dims(const iad_pn_params *params, int n_planes);
int iad_pn_describe_group(int n_planes, int dim);
int iad_pn_describe_n_groups(const iad_pn_params *params, int n_planes);

/* Size of the grid of a picture. */
void iad_pn_describe_size(const iad_pn_picture *picture, const iad_pn_params *params, int *width, int *height);

iad_status iad_pn_describe(const iad_pn_picture *picture, const iad_pn_params *params, iad_pn_grid *grid, iad_err *err);
void iad_pn_grid_deinit(iad_pn_grid *grid);

#endif
