/* Decoding by magic bytes, never by name: JPEG, PNG, WebP, BMP. */
#ifndef IAD_IMAGE_DECODE_H
#define IAD_IMAGE_DECODE_H

#include "base/image/image.h"

typedef enum iad_image_format {
    IAD_IMAGE_UNKNOWN = 0,
    IAD_IMAGE_JPEG,
    IAD_IMAGE_PNG,
    IAD_IMAGE_WEBP,
    IAD_IMAGE_BMP
} iad_image_format;

/* "jpeg", "png", "webp", "bmp", "unknown". */
const char *iad_image_format_name(iad_image_format format);

/* What the first bytes say (16 are enough; fewer can be too few for a BMP). */
iad_image_format iad_image_sniff(const void *bytes, size_t n);

/* Facts about the file as stored, before any conversion. */
typedef struct iad_image_info {
    iad_image_format format;
    int width, height; /* pixels after EXIF orientation */
    int channels;      /* as stored: 1 grey, 2 grey+alpha, 3 RGB/YCbCr/palette, 4 RGBA or CMYK; BMP palette of greys: 1 */
    int depth;         /* bits per sample as stored: 1, 2, 4, 8, 16 */
    int orientation;   /* EXIF 1..8, 1 when absent; already applied to the pixels */
    int animated;      /* 1: more than one frame (WebP, PNG); only the first (PNG: the still) picture is decoded */
    long warnings;     /* faults survived: libjpeg's count; else 1 when the file's end is missing; 0 for a clean file */
    int truncated;     /* 1: the data ends before the picture does */
} iad_image_info;

typedef struct iad_decode_options {
    uint64_t max_pixels;  /* 0: IAD_IMAGE_MAX_PIXELS, which is also the most */
    int channels;         /* 0: 1 for grey sources, 3 for the rest; 1 or 3: as iad_image_to_grey, iad_image_to_rgb */
    int accept_truncated; /* 0: a truncated file is IAD_ERR_FORMAT; 1: keep what is there, info->truncated = 1 */
    int raw_values;       /* 1: palette indices and 1/2/4-bit greys stay as they are (class maps), alpha is dropped,
                           * 16-bit is IAD_ERR_UNSUPPORTED */
} iad_decode_options;

/* Header only: fills *info (warnings and truncated stay 0). name is used in messages, NULL is fine. A file that
 * passes can still fail to decode. Errors: as iad_image_decode. */
iad_status iad_image_probe(const void *bytes, size_t n, const char *name, iad_image_info *info, iad_err *err);

/* Whole picture to 8 bits per sample. Alpha is composed on white; 16-bit samples keep their high byte; CMYK and YCCK
 * become RGB as Pillow does; colour profiles and gamma are ignored; EXIF orientation is applied. The pixels equal
 * those of Pillow (JPEG: of libjpeg-turbo with islow DCT and fancy upsampling). *image is filled anew and all zero on
 * failure; *info holds what was learnt, also on failure. options and info may be NULL. A file that lacks only its end
 * mark (JPEG EOI, PNG IEND) has all its pixels and is no truncated one: see warnings. With accept_truncated the
 * missing rows are a flat colour; a file cut within its header is refused all the same. Errors: IAD_ERR_FORMAT (not a
 * picture, truncated, broken), IAD_ERR_LIMIT, IAD_ERR_UNSUPPORTED, IAD_ERR_NOMEM. */
iad_status iad_image_decode(const void *bytes, size_t n, const char *name, const iad_decode_options *options,
                            iad_image *image, iad_image_info *info, iad_err *err);

/* 16-bit grey PNG with all its bits; 8-bit grey of any format is widened by 257. Alpha is composed on white (65535).
 * IAD_ERR_UNSUPPORTED for colour, else as iad_image_decode. */
iad_status iad_image_decode16(const void *bytes, size_t n, const char *name, iad_image16 *image, iad_err *err);

/* Reads the file (up to IAD_IMAGE_MAX_FILE_BYTES) and decodes it. Errors also: IAD_ERR_NOT_FOUND, IAD_ERR_IO. */
iad_status iad_image_load(const char *path, const iad_decode_options *options, iad_image *image,
                          iad_image_info *info, iad_err *err);

#endif
