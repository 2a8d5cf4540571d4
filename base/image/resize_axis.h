/* Weights of one axis of an antialiased resize, as Pillow computes them, and their packed forms for SIMD kernels.
 * Internal to the resampler; tests and speed programs may include it. */
#ifndef IAD_IMAGE_RESIZE_AXIS_H
#define IAD_IMAGE_RESIZE_AXIS_H

#include "base/image/resize.h"

#define IAD_RESIZE_BITS 22 /* fixed-point bits of a weight: 32 bits minus 8 for the pixel minus 2 for overshoot */

/* Output o is (2^21 + sum over t < count[o] of source[first[o] + t] * weight[o * taps + t]) >> 22, clamped to 0..255. */
typedef struct iad_axis {
    int in, out;     /* samples */
    int taps;        /* stride of `weight` */
    int *first;      /* [out], never falls */
    int *count;      /* [out], 1..taps */
    int32_t *weight; /* [out][taps], zero behind count */
} iad_axis;

/* filter: BOX, BILINEAR, BICUBIC or LANCZOS. in == out gives the identity (Pillow skips such a pass).
 * Errors: IAD_ERR_ARG (other filters), IAD_ERR_NOMEM. */
iad_status iad_axis_init(iad_axis *axis, int in, int out, iad_filter filter, iad_err *err);
void iad_axis_deinit(iad_axis *axis);

/* How a kernel wants the weights of four neighbouring samples (a "quad", starting at a multiple of 4). */
typedef enum iad_pack {
    IAD_PACK_BYTES, /* 3 words: signed base-256 digits, lowest first; byte t of a word belongs to tap t */
    IAD_PACK_PAIRS  /* 4 words of two int16: low and high part (split at 12 bits) of taps 0 and 2, then of taps 1 and 3 */
} iad_pack;

typedef struct iad_packed_axis {
    int words;       /* per quad: 3 or 4 */
    int longest;     /* largest count */
    int *first;      /* [out] first quad */
    int *count;      /* [out] quads */
    uint32_t **word; /* [out] -> [count][words] */
    uint32_t *block; /* owns the words */
} iad_packed_axis;

iad_status iad_packed_axis_init(iad_packed_axis *packed, const iad_axis *axis, iad_pack pack, iad_err *err);
void iad_packed_axis_deinit(iad_packed_axis *packed);

#endif
