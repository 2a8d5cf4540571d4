/* Resampling and smoothing. Every kernel names the tool whose result it reproduces bit for bit (uint8) or
 * to float rounding (float planes). SIMD variants exist beside a scalar oracle (`_scalar`) and give the same bytes. */
#ifndef IAD_IMAGE_RESIZE_H
#define IAD_IMAGE_RESIZE_H

#include "base/image/image.h"

typedef enum iad_filter {
    IAD_FILTER_NEAREST_PIL, /* source = floor((d + 0.5) * in / out), the positions summed up step by step */
    IAD_FILTER_NEAREST_CV,  /* source = floor(d * (1 / (out / in))), OpenCV INTER_NEAREST */
    IAD_FILTER_BOX,         /* the four below: Pillow's antialiased filters, 22-bit fixed point, horizontal first */
    IAD_FILTER_BILINEAR,
    IAD_FILTER_BICUBIC,     /* a = -0.5 */
    IAD_FILTER_LANCZOS      /* a = 3 */
} iad_filter;

/* src (1 or 3 channels) to width x height; *dst is initialised here (all-zero on failure) and must not be src. Bit-exact with
 * Pillow's Image.resize (or OpenCV's for NEAREST_CV). An axis that keeps its length is not filtered.
 * Errors: IAD_ERR_ARG (empty source, size below 1, unknown filter), IAD_ERR_LIMIT (size), IAD_ERR_NOMEM. */
iad_status iad_resize(const iad_image *src, int width, int height, iad_filter filter, iad_image *dst, iad_err *err);
iad_status iad_resize_scalar(const iad_image *src, int width, int height, iad_filter filter, iad_image *dst, iad_err *err);

/* The horizontal pass comes first in iad_resize, as in every Pillow up to 12 (with which the published models were trained and
 * measured). Pillow 13 runs the vertical pass first when the height shrinks, and by more than twice the pixels that the width
 * shrinks by (growth counts negative); the 8-bit rounding between the passes then falls elsewhere. This function follows
 * Pillow 13. Same errors. */
iad_status iad_resize_pillow13(const iad_image *src, int width, int height, iad_filter filter, iad_image *dst, iad_err *err);

/* Float bilinear without antialias. align_corners 1: source = d * (in-1)/(out-1); 0: (d+0.5) * in/out - 0.5 clamped
 * (PyTorch default, OpenCV INTER_LINEAR). */
iad_status iad_plane_bilinear(const iad_plane *src, int width, int height, int align_corners, iad_plane *dst, iad_err *err);

/* Float bicubic, a = -0.75, 4 taps, border replicate, no antialias (OpenCV INTER_CUBIC, PyTorch bicubic). */
iad_status iad_plane_bicubic(const iad_plane *src, int width, int height, iad_plane *dst, iad_err *err);

#define IAD_GAUSSIAN_MAX_SIGMA 16384.0

/* scipy.ndimage.gaussian_filter(sigma, truncate 4, mode "reflect") of a float32 array, in place, to the bit: separable, columns
 * first, radius floor(4 sigma + 0.5), double sums in scipy's order, float result after each axis. sigma <= 1e-15 does nothing.
 * Errors: IAD_ERR_ARG (empty plane, NaN), IAD_ERR_LIMIT (sigma), IAD_ERR_NOMEM. */
iad_status iad_plane_gaussian(iad_plane *plane, double sigma, iad_err *err);

/* k x k Gaussian of sigma (>= 0.05), zero padding, in place, to float rounding (torch Conv2d as in Dinomaly: k = 5, sigma = 4).
 * k odd, 1..63. Errors: IAD_ERR_ARG, IAD_ERR_LIMIT, IAD_ERR_NOMEM. */
iad_status iad_plane_gaussian_kernel(iad_plane *plane, int k, double sigma, iad_err *err);

#endif
