/* Thumbnails with outlines. For gallery*.c. */
#ifndef IAD_MANIFESTS_GALLERY_THUMB_H
#define IAD_MANIFESTS_GALLERY_THUMB_H

#include "base/buf.h"
#include "base/image/image.h"

/* The file at `path` shrunk to `side` pixels at most, RGB, with the outline of `mask` (its size; NULL or without
 * pixels: none) in red, appended to *jpeg. width and height receive the thumbnail's size. A mask pixel always stays
 * visible, however much the picture shrinks. */
iad_status iad_gallery_thumb(const char *path, const iad_image *mask, int side, int quality, iad_buf *jpeg, int *width,
                             int *height, iad_err *err);

/* mask (1 channel) to width x height: a target pixel is set when any pixel that falls onto it is. */
iad_status iad_gallery_shrink_mask(const iad_image *mask, int width, int height, iad_image *out, iad_err *err);

#endif
