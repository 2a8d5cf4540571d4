/* One pass of the separable resize as SIMD kernels do it: lines in, transposed lines out. Internal to the resampler.
 *
 * A pass resamples along the lines of its source and writes TRANSPOSED: output sample s (pixel x, channel c: s = channels * x + c)
 * of line i goes to dst[s * dst_stride + i]. The second pass is therefore the same kernel again, run over the columns that
 * the first one left as lines, and it puts everything back upright; for RGB the samples fall into place interleaved.
 * Lanes of a vector are different lines, so that one weight serves a whole vector and no lane ever talks to another. */
#ifndef IAD_IMAGE_RESIZE_PASS_H
#define IAD_IMAGE_RESIZE_PASS_H

#include "base/image/resize_axis.h"

typedef struct iad_resize_job {
    const uint8_t *src; /* first line */
    size_t src_stride;  /* bytes between lines */
    int lines;          /* 1..lanes of the kernel */
    int length;         /* pixels per line */
    int channels;       /* 1 or 3, interleaved */
    const iad_packed_axis *axis;
    int x0, x1;         /* output pixels to make */
    uint8_t *dst;       /* sample of x0, channel 0, line 0; `lines` bytes are written per sample */
    size_t dst_stride;
    uint8_t *ring;      /* 64-byte aligned window of regrouped source pixels */
    int ring_quads;     /* power of two >= axis->longest + 4 */
} iad_resize_job;

typedef struct iad_resize_kernel {
    const char *name; /* "avx512", "avx2" */
    int lanes;        /* lines per job */
    size_t quad_size; /* bytes of the ring per quad and channel */
    iad_pack pack;
    void (*run)(const iad_resize_job *job);
} iad_resize_kernel;

/* NULL when this processor (or this build) cannot run it. */
const iad_resize_kernel *iad_resize_avx2(void);
const iad_resize_kernel *iad_resize_avx512(void);

/* iad_resize with a chosen kernel; NULL is the scalar oracle. */
iad_status iad_resize_with(const iad_resize_kernel *kernel, const iad_image *src, int width, int height, iad_filter filter,
                           iad_image *dst, iad_err *err);

#endif
