#include "manifests/gallery_thumb.h"

#include "base/image/decode.h"
#include "base/image/draw.h"
#include "base/image/encode.h"
#include "base/image/resize.h"

iad_status iad_gallery_shrink_mask(const iad_image *mask, int width, int height, iad_image *out, iad_err *err) {
    IAD_TRY(iad_image_init(out, width, height, 1, err));
    for (int y = 0; y < mask->height; y++) {
        int to_y = (int)((int64_t)y * height / mask->height);
        for (int x = 0; x < mask->width; x++)
            if (*iad_image_at(mask, x, y)) *iad_image_at(out, (int)((int64_t)x * width / mask->width), to_y) = 255;
    }
    return IAD_OK;
}

/* Longest side `side`, never enlarged, no side below one pixel. */
static void fit(int *width, int *height, int side) {
    int longest = *width > *height ? *width : *height;
    if (longest <= side) return;
    *width = (int)(((int64_t)*width * side + longest / 2) / longest);
    *height = (int)(((int64_t)*height * side + longest / 2) / longest);
    if (*width < 1) *width = 1;
    if (*height < 1) *height = 1;
}

iad_status iad_gallery_thumb(const char *path, const iad_image *mask, int side, int quality, iad_buf *jpeg, int *width,
                             int *height, iad_err *err) {
    static const iad_rgb red = {255, 32, 32};
    iad_image picture = {0}, small = {0}, outline = {0};
    iad_decode_options decode = {.channels = 3, .accept_truncated = 1};
    iad_jpeg_options encode = {.quality = quality, .subsample = 1};
    iad_status status = iad_image_load(path, &decode, &picture, NULL, err);
    if (status == IAD_OK) {
        *width = picture.width;
        *height = picture.height;
        fit(width, height, side);
        status = iad_resize(&picture, *width, *height, IAD_FILTER_BILINEAR, &small, err);
    }
    iad_image_deinit(&picture);
    if (status == IAD_OK && mask && mask->px) {
        status = iad_gallery_shrink_mask(mask, *width, *height, &outline, err);
        if (status == IAD_OK) status = iad_draw_contour(&small, &outline, red, 1, err);
    }
    if (status == IAD_OK) status = iad_encode_jpeg(&small, &encode, jpeg, err);
    iad_image_deinit(&small);
    iad_image_deinit(&outline);
    return status;
}
