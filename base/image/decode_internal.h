/* What decode.c and the four format files share. Not for other folders. */
#ifndef IAD_IMAGE_DECODE_INTERNAL_H
#define IAD_IMAGE_DECODE_INTERNAL_H

#include "base/image/decode.h"

/* One file being decoded. A format file fills *info with the facts as stored (width and height BEFORE the turn that
 * info->orientation demands) and *image with the pixels as stored; decode.c turns both upright at the end. */
typedef struct iad_decode_job {
    const uint8_t *bytes;
    size_t n;
    const char *name; /* never NULL */
    uint64_t max_pixels;
    int channels; /* 0, 1 or 3, as in iad_decode_options */
    int accept_truncated, raw_values;
    iad_image *image;
    iad_image_info *info;
} iad_decode_job;

/* Headers only: *job->info. */
iad_status iad_probe_jpeg(iad_decode_job *job, iad_err *err);
iad_status iad_probe_png(iad_decode_job *job, iad_err *err);
iad_status iad_probe_webp(iad_decode_job *job, iad_err *err);
iad_status iad_probe_bmp(iad_decode_job *job, iad_err *err);

/* Whole pictures: *job->info and *job->image. On failure *job->image may hold pixels; the caller frees them. */
iad_status iad_decode_jpeg(iad_decode_job *job, iad_err *err);
iad_status iad_decode_png(iad_decode_job *job, iad_err *err);
iad_status iad_decode_webp(iad_decode_job *job, iad_err *err);
iad_status iad_decode_bmp(iad_decode_job *job, iad_err *err);

/* A PNG whose stored depth is 16 and whose colour type is grey or grey with alpha, with all its bits. */
iad_status iad_decode_png_grey16(iad_decode_job *job, iad_image16 *image, iad_err *err);

/* job->info->width and height against 1, IAD_IMAGE_MAX_SIDE and job->max_pixels. */
iad_status iad_decode_check_size(const iad_decode_job *job, iad_err *err);

/* Checks the size and allocates *job->image: job->channels, or `natural` channels when that is 0. The pixels are
 * zeroed only when `zero` is set. */
iad_status iad_decode_open_image(iad_decode_job *job, int natural, int zero, iad_err *err);

/* The failure of a picture whose data ends early; sets job->info->truncated. */
iad_status iad_decode_truncated(const iad_decode_job *job, iad_err *err);

/* Little and big endian numbers in byte strings. */
static inline uint32_t iad_le16(const uint8_t *p) { return (uint32_t)p[0] | (uint32_t)p[1] << 8; }
static inline uint32_t iad_le24(const uint8_t *p) { return iad_le16(p) | (uint32_t)p[2] << 16; }
static inline uint32_t iad_le32(const uint8_t *p) { return iad_le16(p) | iad_le16(p + 2) << 16; }
static inline uint32_t iad_be16(const uint8_t *p) { return (uint32_t)p[0] << 8 | p[1]; }
static inline uint32_t iad_be32(const uint8_t *p) { return iad_be16(p) << 16 | iad_be16(p + 2); }

#endif
