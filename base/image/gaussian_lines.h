/* The inside of the Gaussian filters: weights, and the sum of one axis over 32 lines at once. Internal to base/image; tests may
 * include it to compare the kernels. */
#ifndef IAD_IMAGE_GAUSSIAN_LINES_H
#define IAD_IMAGE_GAUSSIAN_LINES_H

#include "base/image/resize.h"

#define IAD_GAUSSIAN_LANES 32

/* 32 lines side by side: entry i of line k is in[i * 32 + k], aligned to 64 bytes. Output i of line k goes to
 * out[i * out_stride + k]:  in(i + r) w(0) + sum, for j = r .. 1 in this order, of (in(i + r - j) + in(i + r + j)) w(j),
 * every operation rounded to double on its own, the result rounded to float. `in` holds length + 2 r entries. */
typedef struct iad_gaussian_job {
    const double *in;
    const double *weight; /* [r + 1], centre first */
    int radius;
    int length;
    float *out;
    size_t out_stride;
} iad_gaussian_job;

typedef void (*iad_gaussian_kernel)(const iad_gaussian_job *job);

void iad_gaussian_lines_scalar(const iad_gaussian_job *job);
/* NULL when this processor (or this build) cannot run it. */
iad_gaussian_kernel iad_gaussian_lines_avx2(void);
iad_gaussian_kernel iad_gaussian_lines_avx512(void);

/* scipy's weights for radius r: exp(-x^2 / (2 sigma^2)) divided by their sum; weight[r + 1], centre first.
 * The exponentials are rounded correctly (to 1e-25 before rounding) and summed in numpy's pairwise order. */
iad_status iad_gaussian_weights(double sigma, int radius, double *weight, iad_err *err);

/* iad_plane_gaussian with a chosen kernel. */
iad_status iad_plane_gaussian_with(iad_gaussian_kernel kernel, iad_plane *plane, double sigma, iad_err *err);

#endif
