/* Decoding by magic bytes, never by name: JPEG, PNG, WebP, BMP. */
#ifndef IAD_IMAGE_DECODE_H
#define IAD_IMAGE_DECODE_H

#include "base/image/image.h"

typedef enum iad_image_format { IAD_IMAGE_UNKNOWN = 0, IAD_IMAGE_JPEG, IAD_IMAGE_PNG, IAD_IMAGE_WEBP, IAD_IMAGE_BMP } iad_image_format;

/* "jpeg", "png", "webp", "bmp", "unknown". */
const char *iad_image_format_name(iad_image_format format);

/* What the first bytes say (16 are enough). */
iad_image_format iad_image_sniff(const void *bytes, size_t n);

/* Facts about the file as stored, before any conversion. */
typedef struct iad_image_info {
    iad_image_format format;
    int width, height;   /* pixels after EXIF orientation */
    int channels;        /* as stored: 1 grey, 2 grey+alpha, 3 RGB/YCbCr/palette, 4 RGBA or CMYK */
    int depth;           /* bits per sample as stored: 1, 2, 4, 8, 16 */
    int orientation;     /* EXIF 1..8, 1 when absent; already applied to the pixels */
    int animated;        /* 1: more than one frame; the first one is decoded */
    long warnings;       /* libjpeg's warning count (corrupt data), else 0 */
    int truncated;       /* 1: the data ends before the picture does */
} iad_image_info;

typedef struct iad_decode_options {
    uint64_t max_pixels;   /* 0: IAD_IMAGE_MAX_PIXELS */
    int channels;          /* 0: 1 for grey sources and 3 for the rest; 1 or 3: convert */
    int accept_truncated;  /* 0: a truncated file is IAD_ERR_FORMAT; 1: keep what is there, info->truncated = 1 */
    int raw_values;        /* 1: palette indices and 1/2/4-bit greys are kept as they are (class maps), 16-bit is refused */
} iad_decode_options;

/* Header only: fills *info (warnings and truncated stay 0). name is used in messages. */
iad_status iad_image_probe(const void *bytes, size_t n, const char *name, iad_image_info *info, iad_err *err);

/* Whole picture to 8 bits per sample. Alpha is composed on white; 16-bit samples keep their high byte;
 * CMYK and YCCK become RGB as Pillow does; EXIF orientation is applied. options and info may be NULL.
 * Errors: IAD_ERR_FORMAT (not a picture, truncated, broken), IAD_ERR_LIMIT, IAD_ERR_UNSUPPORTED, IAD_ERR_NOMEM. */
iad_status iad_image_decode(const void *bytes, size_t n, const char *name, const iad_decode_options *options,
                            iad_image *image, iad_image_info *info, iad_err *err);

/* 16-bit grey PNG with all its bits (8-bit grey is widened by 257). */
iad_status iad_image_decode16(const void *bytes, size_t n, const char *name, iad_image16 *image, iad_err *err);

/* Reads the file (up to IAD_IMAGE_MAX_FILE_BYTES) and decodes it. */
iad_status iad_image_load(const char *path, const iad_decode_options *options, iad_image *image,
                          iad_image_info *info, iad_err *err);

#endif
