/* Separable Gaussian sums of a plane at arbitrary positions: blurring and pooling are the same thing on different grids. */
#ifndef IAD_BENCH_PATCHNN_PN_POOL_H
#define IAD_BENCH_PATCHNN_PN_POOL_H

#include "base/status.h"

/* One axis: output i is the sum over t of weight[i * n_taps + t] * input[index[i * n_taps + t]]. */
typedef struct iad_pn_axis {
    int n_in, n_out, n_taps;
    int *index;    /* mirrored at the borders (half-sample symmetric) */
    float *weight; /* sums to 1 for every output */
} iad_pn_axis;

/* n_out Gaussian windows of `sigma` input samples (cut at 3 sigma), window i centred at (i + 0.5) * step - 0.5. */
iad_status iad_pn_axis_init(iad_pn_axis *axis, int n_in, int n_out, double step, double sigma, iad_err *err);
void iad_pn_axis_deinit(iad_pn_axis *axis);

/* src [y->n_in][x->n_in] to dst [y->n_out][x->n_out], where neighbouring outputs lie `stride` floats apart.
 * row: scratch of x->n_in floats. */
void iad_pn_pool(const float *src, const iad_pn_axis *x, const iad_pn_axis *y, float *row, float *dst, int stride);

/* Halves a plane with the binomial filter 1 3 3 1 on both axes; odd sizes round up. dst: [(h+1)/2][(w+1)/2]. row: w floats. */
void iad_pn_halve(const float *src, int width, int height, float *row, float *dst);

#endif
