/* The space in which patches are compared: normal variation, as the exemplars show it, has unit size in every direction. */
#ifndef IAD_BENCH_PATCHNN_PN_SPACE_H
#define IAD_BENCH_PATCHNN_PN_SPACE_H

#include <stdint.h>

#include "bench/patchnn/pn_describe.h"

/* Quantised coordinates: q = round(scale * L (w . (f - mean))), L lower triangular. */
typedef struct iad_pn_space {
    int dims;
    double scale;                   /* quantisation steps per unit; a unit is the mean difference between normal patches */
    float mean[IAD_PN_MAX_DIMS];
    float weight[IAD_PN_MAX_DIMS];  /* first, plain scaling: one total variance for every group of features */
    float matrix[IAD_PN_MAX_DIMS][IAD_PN_MAX_DIMS]; /* L */
} iad_pn_space;

/* The first space: features of the n grids scaled by the standard deviation of their group (floored by params->noise), L the identity. */
void iad_pn_space_init(iad_pn_space *space, const iad_pn_grid *grids, int n, int n_planes, const iad_pn_params *params);

/* Replaces L by the whitening of `count` differences between matching normal patches, difference [count][dims] in the first space.
 * Each difference counts by its direction (divided by its length), so that a few strong ones do not rule; the covariance is
 * shrunk by params->shrink. Afterwards the mean length of the differences is 1. count 0 leaves the space as it is. */
iad_status iad_pn_space_whiten(iad_pn_space *space, const float *difference, size_t count, const iad_pn_params *params, iad_err *err);

/* Chooses the quantisation so that the grids' patches use most of the range. */
void iad_pn_space_fit_range(iad_pn_space *space, const iad_pn_grid *grids, int n);

/* A patch in the space, unquantised; out [dims]. */
void iad_pn_space_map(const iad_pn_space *space, const float *feature, float *out);

/* The same, quantised and saturated; out has row_dims coordinates, those beyond dims become 0. */
void iad_pn_space_quantise(const iad_pn_space *space, const float *feature, int16_t *out, int row_dims);

#endif
