/* The pixel container of the suite: 8-bit interleaved rows without padding. */
#ifndef IAD_IMAGE_IMAGE_H
#define IAD_IMAGE_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* Named limits. Sizes are checked against them before any allocation. */
#define IAD_IMAGE_MAX_SIDE 65500
#define IAD_IMAGE_MAX_PIXELS (256u * 1024u * 1024u)
#define IAD_IMAGE_MAX_FILE_BYTES (512u * 1024u * 1024u)

typedef struct iad_image {
    int width, height; /* pixels, >= 1 */
    int channels;      /* 1 grey, 3 RGB */
    uint8_t *px;       /* [height][width][channels], 0..255, owned */
} iad_image;

/* 16-bit grey, e.g. a depth map or a stored anomaly map. */
typedef struct iad_image16 {
    int width, height;
    uint16_t *px; /* [height][width], native byte order, owned */
} iad_image16;

/* One float plane, e.g. an anomaly map. */
typedef struct iad_plane {
    int width, height;
    float *px; /* [height][width], owned */
} iad_plane;

/* Allocates zeroed pixels; what the struct held before is forgotten, not freed.
 * Errors: IAD_ERR_ARG, IAD_ERR_LIMIT (size), IAD_ERR_NOMEM; the struct is all zero then. */
iad_status iad_image_init(iad_image *image, int width, int height, int channels, iad_err *err);
iad_status iad_image16_init(iad_image16 *image, int width, int height, iad_err *err);
iad_status iad_plane_init(iad_plane *plane, int width, int height, iad_err *err);

/* iad_image_init without the zeros, for callers that write every pixel. */
iad_status iad_image_init_raw(iad_image *image, int width, int height, int channels, iad_err *err);

/* Frees the pixels and clears the struct; safe on an all-zero struct and twice. */
void iad_image_deinit(iad_image *image);
void iad_image16_deinit(iad_image16 *image);
void iad_plane_deinit(iad_plane *plane);

/* These three fill *dst anew (initialised here, owned by the caller); src and dst must be different structs. */
iad_status iad_image_copy(const iad_image *src, iad_image *dst, iad_err *err);

/* Grey -> RGB by repetition; RGB -> grey as Pillow's convert("L"): (19595 R + 38470 G + 7471 B + 0x8000) >> 16. */
iad_status iad_image_to_rgb(const iad_image *src, iad_image *dst, iad_err *err);
iad_status iad_image_to_grey(const iad_image *src, iad_image *dst, iad_err *err);

/* Pixel address helper. */
static inline uint8_t *iad_image_at(const iad_image *image, int x, int y) {
    return image->px + ((size_t)y * (size_t)image->width + (size_t)x) * (size_t)image->channels;
}

#endif
