/* Encoding to memory: JPEG and PNG. The same pixels and options give the same bytes (for one version of
 * libjpeg-turbo, libpng and zlib). Every function appends to *out and leaves *out as it was when it fails. Errors:
 * IAD_ERR_ARG (option out of range, empty picture), IAD_ERR_LIMIT (out->max), IAD_ERR_NOMEM. */
#ifndef IAD_IMAGE_ENCODE_H
#define IAD_IMAGE_ENCODE_H

#include "base/buf.h"
#include "base/image/image.h"

typedef struct iad_jpeg_options {
    int quality;   /* 1..100, 0 means 90 */
    int subsample; /* 0: 4:4:4, 1: 4:2:0 */
} iad_jpeg_options;

/* Appends a baseline JPEG (islow DCT) to *out. options may be NULL. */
iad_status iad_encode_jpeg(const iad_image *image, const iad_jpeg_options *options, iad_buf *out, iad_err *err);

/* Appends an 8-bit grey or RGB PNG; level is zlib's 0..9, -1 for our default (1: fast). */
iad_status iad_encode_png(const iad_image *image, int level, iad_buf *out, iad_err *err);

/* Appends a 16-bit grey PNG; level as above. */
iad_status iad_encode_png16(const iad_image16 *image, int level, iad_buf *out, iad_err *err);

/* Appends a 1-bit grey PNG: non-zero pixels of a one-channel image become white. */
iad_status iad_encode_png1(const iad_image *mask, iad_buf *out, iad_err *err);

#endif
