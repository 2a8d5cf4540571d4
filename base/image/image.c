#include "base/image/image.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/image/rows.h"

static iad_status check_size(int width, int height, iad_err *err) {
    if (width < 1 || height < 1) return IAD_FAIL(err, IAD_ERR_ARG, "picture of %d x %d pixels", width, height);
    if (width > IAD_IMAGE_MAX_SIDE || height > IAD_IMAGE_MAX_SIDE)
        return IAD_FAIL(err, IAD_ERR_LIMIT, "%d x %d pixels: a side is longer than %d", width, height,
                        IAD_IMAGE_MAX_SIDE);
    if ((uint64_t)width * (uint64_t)height > IAD_IMAGE_MAX_PIXELS)
        return IAD_FAIL(err, IAD_ERR_LIMIT, "%d x %d pixels: more than %u in all", width, height, IAD_IMAGE_MAX_PIXELS);
    return IAD_OK;
}

static iad_status init_with(iad_image *image, int width, int height, int channels, void *(*take)(size_t, size_t),
                            iad_err *err) {
    *image = (iad_image){0};
    IAD_TRY(check_size(width, height, err));
    if (channels != 1 && channels != 3) return IAD_FAIL(err, IAD_ERR_ARG, "picture of %d channels", channels);
    image->px = take((size_t)width * (size_t)height, (size_t)channels);
    if (!image->px) return IAD_NOMEM(err, "a picture");
    image->width = width;
    image->height = height;
    image->channels = channels;
    return IAD_OK;
}

iad_status iad_image_init(iad_image *image, int width, int height, int channels, iad_err *err) {
    return init_with(image, width, height, channels, iad_calloc, err);
}

iad_status iad_image_init_raw(iad_image *image, int width, int height, int channels, iad_err *err) {
    return init_with(image, width, height, channels, iad_alloc, err);
}

iad_status iad_image16_init(iad_image16 *image, int width, int height, iad_err *err) {
    *image = (iad_image16){0};
    IAD_TRY(check_size(width, height, err));
    image->px = iad_calloc((size_t)width * (size_t)height, sizeof *image->px);
    if (!image->px) return IAD_NOMEM(err, "a 16-bit picture");
    image->width = width;
    image->height = height;
    return IAD_OK;
}

iad_status iad_plane_init(iad_plane *plane, int width, int height, iad_err *err) {
    *plane = (iad_plane){0};
    IAD_TRY(check_size(width, height, err));
    plane->px = iad_calloc((size_t)width * (size_t)height, sizeof *plane->px);
    if (!plane->px) return IAD_NOMEM(err, "a float plane");
    plane->width = width;
    plane->height = height;
    return IAD_OK;
}

void iad_image_deinit(iad_image *image) {
    free(image->px);
    *image = (iad_image){0};
}

void iad_image16_deinit(iad_image16 *image) {
    free(image->px);
    *image = (iad_image16){0};
}

void iad_plane_deinit(iad_plane *plane) {
    free(plane->px);
    *plane = (iad_plane){0};
}

static size_t pixel_count(const iad_image *image) { return (size_t)image->width * (size_t)image->height; }

iad_status iad_image_copy(const iad_image *src, iad_image *dst, iad_err *err) {
    IAD_TRY(iad_image_init_raw(dst, src->width, src->height, src->channels, err));
    memcpy(dst->px, src->px, pixel_count(src) * (size_t)src->channels);
    return IAD_OK;
}

iad_status iad_image_to_rgb(const iad_image *src, iad_image *dst, iad_err *err) {
    if (src->channels == 3) return iad_image_copy(src, dst, err);
    IAD_TRY(iad_image_init_raw(dst, src->width, src->height, 3, err));
    iad_row_grey_to_rgb(src->px, dst->px, pixel_count(src));
    return IAD_OK;
}

iad_status iad_image_to_grey(const iad_image *src, iad_image *dst, iad_err *err) {
    if (src->channels == 1) return iad_image_copy(src, dst, err);
    IAD_TRY(iad_image_init_raw(dst, src->width, src->height, 1, err));
    iad_row_rgb_to_grey(src->px, dst->px, pixel_count(src));
    return IAD_OK;
}
