/* Resizing of 8-bit pictures: argument checks, nearest neighbour, and the order of the passes around the kernels. */
#include "base/image/resize.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/image/resize_pass.h"
#include "base/image/resize_scalar.h"

/* Bytes of intermediate columns made at a time: they should still be in the second-level cache when the second pass reads them. */
#define STRIP_BYTES (256u * 1024u)

static iad_status resize_check(const iad_image *src, int width, int height, iad_filter filter, iad_err *err) {
    if (!src->px || src->width < 1 || src->height < 1 || (src->channels != 1 && src->channels != 3))
        return IAD_FAIL(err, IAD_ERR_ARG, "resize: the source holds no picture of 1 or 3 channels");
    if (width < 1 || height < 1) return IAD_FAIL(err, IAD_ERR_ARG, "resize to %d x %d pixels", width, height);
    if ((unsigned)filter > IAD_FILTER_LANCZOS) return IAD_FAIL(err, IAD_ERR_ARG, "resize: no filter %d", (int)filter);
    return IAD_OK;
}

/* ---- nearest ---- */

static iad_status nearest_table(int in, int out, iad_filter filter, int **table, iad_err *err) {
    int *source = iad_alloc((size_t)out, sizeof *source);
    *table = source;
    if (!source) return IAD_NOMEM(err, "a resize table");
    if (filter == IAD_FILTER_NEAREST_PIL) {
        /* Pillow adds up the step instead of multiplying: ties land where the rounding of that sum puts them. */
        double step = (double)in / out, at = step * 0.5;
        for (int o = 0; o < out; o++, at += step) source[o] = at < in ? (int)at : in - 1;
    } else {
        /* OpenCV divides by the inverse scale, which is itself rounded. */
        double step = 1.0 / ((double)out / in);
        for (int o = 0; o < out; o++) {
            double at = floor(o * step);
            source[o] = at < in ? (int)at : in - 1;
        }
    }
    return IAD_OK;
}

static iad_status nearest(const iad_image *src, iad_filter filter, iad_image *dst, iad_err *err) {
    int *xs = NULL, *ys = NULL;
    iad_status status = nearest_table(src->width, dst->width, filter, &xs, err);
    if (status == IAD_OK) status = nearest_table(src->height, dst->height, filter, &ys, err);
    if (status == IAD_OK) {
        size_t row = (size_t)dst->width * (size_t)dst->channels;
        for (int y = 0; y < dst->height; y++) {
            uint8_t *out = iad_image_at(dst, 0, y);
            const uint8_t *line = iad_image_at(src, 0, ys[y]);
            if (y > 0 && ys[y] == ys[y - 1])
                memcpy(out, out - row, row);
            else if (src->channels == 1)
                for (int x = 0; x < dst->width; x++) out[x] = line[xs[x]];
            else
                for (int x = 0; x < dst->width; x++) memcpy(out + 3 * (size_t)x, line + 3 * (size_t)xs[x], 3);
        }
    }
    free(xs);
    free(ys);
    return status;
}

/* ---- antialiased ---- */

/* Rows between columns of the intermediate picture: a whole, odd number of cache lines, so that neighbouring columns do not
 * fall into the same cache set. */
static size_t column_stride(int rows) {
    size_t lines = ((size_t)rows + 63) / 64;
    return (lines | 1) * 64;
}

static int ring_quads(const iad_packed_axis *axis) {
    int n = 8;
    while (n < axis->longest + 4) n *= 2;
    return n;
}

static iad_status passes_with(const iad_resize_kernel *kernel, const iad_image *src, const iad_axis *across, const iad_axis *down,
                              iad_image *dst, iad_err *err) {
    const int channels = src->channels, lanes = kernel->lanes;
    const int top = down->first[0] / 4 * 4; /* down's quads count from source row 0 */
    const int bottom = down->first[down->out - 1] + down->count[down->out - 1];
    const size_t stride = column_stride(bottom - top);
    int strip = (int)(STRIP_BYTES / (stride * (size_t)channels)) / lanes * lanes;
    if (strip < lanes) strip = lanes;
    if (strip > dst->width) strip = dst->width;

    iad_packed_axis horizontal = {0}, vertical = {0};
    uint8_t *columns = NULL, *ring = NULL;
    iad_status status = iad_packed_axis_init(&horizontal, across, kernel->pack, err);
    if (status == IAD_OK) status = iad_packed_axis_init(&vertical, down, kernel->pack, err);
    if (status != IAD_OK) goto done;
    const int ring_h = ring_quads(&horizontal), ring_v = ring_quads(&vertical);
    const size_t ring_size_h = (size_t)ring_h * (size_t)channels * kernel->quad_size, ring_size_v = (size_t)ring_v * kernel->quad_size;
    columns = iad_alloc_aligned((size_t)strip * (size_t)channels, stride);
    ring = iad_alloc_aligned(ring_size_h > ring_size_v ? ring_size_h : ring_size_v, 1);
    if (!columns || !ring) {
        status = IAD_NOMEM(err, "resize columns");
        goto done;
    }
    for (int o = 0; o < down->out; o++) vertical.first[o] -= top / 4;

    for (int x0 = 0; x0 < dst->width; x0 += strip) {
        const int x1 = x0 + strip < dst->width ? x0 + strip : dst->width;
        for (int y = top; y < bottom; y += lanes) {
            const iad_resize_job job = {.src = iad_image_at(src, 0, y),
                                        .src_stride = (size_t)src->width * (size_t)channels,
                                        .lines = bottom - y < lanes ? bottom - y : lanes,
                                        .length = src->width,
                                        .channels = channels,
                                        .axis = &horizontal,
                                        .x0 = x0,
                                        .x1 = x1,
                                        .dst = columns + (y - top),
                                        .dst_stride = stride,
                                        .ring = ring,
                                        .ring_quads = ring_h};
            kernel->run(&job);
        }
        const int samples = (x1 - x0) * channels;
        for (int s = 0; s < samples; s += lanes) {
            const iad_resize_job job = {.src = columns + (size_t)s * stride,
                                        .src_stride = stride,
                                        .lines = samples - s < lanes ? samples - s : lanes,
                                        .length = bottom - top,
                                        .channels = 1,
                                        .axis = &vertical,
                                        .x0 = 0,
                                        .x1 = dst->height,
                                        .dst = dst->px + (size_t)x0 * (size_t)channels + (size_t)s,
                                        .dst_stride = (size_t)dst->width * (size_t)channels,
                                        .ring = ring,
                                        .ring_quads = ring_v};
            kernel->run(&job);
        }
    }
done:
    free(columns);
    free(ring);
    iad_packed_axis_deinit(&horizontal);
    iad_packed_axis_deinit(&vertical);
    return status;
}

static iad_status antialiased(const iad_resize_kernel *kernel, const iad_image *src, iad_filter filter, iad_image *dst,
                              iad_err *err) {
    iad_axis across = {0}, down = {0};
    iad_status status = iad_axis_init(&across, src->width, dst->width, filter, err);
    if (status == IAD_OK) status = iad_axis_init(&down, src->height, dst->height, filter, err);
    if (status == IAD_OK)
        status = kernel ? passes_with(kernel, src, &across, &down, dst, err) : iad_resize_passes_scalar(src, &across, &down, dst, err);
    iad_axis_deinit(&across);
    iad_axis_deinit(&down);
    return status;
}

/* ---- entry points ---- */

iad_status iad_resize_with(const iad_resize_kernel *kernel, const iad_image *src, int width, int height, iad_filter filter,
                           iad_image *dst, iad_err *err) {
    *dst = (iad_image){0};
    IAD_TRY(resize_check(src, width, height, filter, err));
    if (width == src->width && height == src->height) return iad_image_copy(src, dst, err);
    IAD_TRY(iad_image_init(dst, width, height, src->channels, err));
    iad_status status = filter == IAD_FILTER_NEAREST_PIL || filter == IAD_FILTER_NEAREST_CV
                            ? nearest(src, filter, dst, err)
                            : antialiased(kernel, src, filter, dst, err);
    if (status != IAD_OK) iad_image_deinit(dst);
    return status;
}

iad_status iad_resize(const iad_image *src, int width, int height, iad_filter filter, iad_image *dst, iad_err *err) {
    const iad_resize_kernel *kernel = iad_resize_avx512();
    if (!kernel) kernel = iad_resize_avx2();
    return iad_resize_with(kernel, src, width, height, filter, dst, err);
}

iad_status iad_resize_pillow13(const iad_image *src, int width, int height, iad_filter filter, iad_image *dst, iad_err *err) {
    *dst = (iad_image){0};
    IAD_TRY(resize_check(src, width, height, filter, err));
    int lost_height = src->height - height, lost_width = src->width - width;
    int nearest_filter = filter == IAD_FILTER_NEAREST_PIL || filter == IAD_FILTER_NEAREST_CV;
    if (nearest_filter || lost_width == 0 || lost_height <= 0 || lost_height <= 2 * lost_width)
        return iad_resize(src, width, height, filter, dst, err);
    iad_image shorter;
    IAD_TRY(iad_resize(src, src->width, height, filter, &shorter, err));
    iad_status status = iad_resize(&shorter, width, height, filter, dst, err);
    iad_image_deinit(&shorter);
    return status;
}

iad_status iad_resize_scalar(const iad_image *src, int width, int height, iad_filter filter, iad_image *dst, iad_err *err) {
    return iad_resize_with(NULL, src, width, height, filter, dst, err);
}
