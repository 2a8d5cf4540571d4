#include "base/image/decode.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/image/decode_internal.h"
#include "base/image/exif.h"

const char *iad_image_format_name(iad_image_format format) {
    switch (format) {
    case IAD_IMAGE_JPEG: return "jpeg";
    case IAD_IMAGE_PNG: return "png";
    case IAD_IMAGE_WEBP: return "webp";
    case IAD_IMAGE_BMP: return "bmp";
    case IAD_IMAGE_UNKNOWN: break;
    }
    return "unknown";
}

/* "BM" alone begins many texts, so the size of the second header must be one that exists as well. */
static int is_bmp(const uint8_t *p, size_t n) {
    static const uint8_t header_sizes[] = {12, 40, 52, 56, 64, 108, 124};
    if (n < 16 || memcmp(p, "BM", 2) != 0) return 0;
    return p[15] == 0 && memchr(header_sizes, p[14], sizeof header_sizes) != NULL;
}

iad_image_format iad_image_sniff(const void *bytes, size_t n) {
    const uint8_t *p = bytes;
    if (n >= 3 && memcmp(p, "\xff\xd8\xff", 3) == 0) return IAD_IMAGE_JPEG;
    if (n >= 8 && memcmp(p, "\x89PNG\r\n\x1a\n", 8) == 0) return IAD_IMAGE_PNG;
    if (n >= 12 && memcmp(p, "RIFF", 4) == 0 && memcmp(p + 8, "WEBP", 4) == 0) return IAD_IMAGE_WEBP;
    if (is_bmp(p, n)) return IAD_IMAGE_BMP;
    return IAD_IMAGE_UNKNOWN;
}

iad_status iad_decode_check_size(const iad_decode_job *job, iad_err *err) {
    int w = job->info->width, h = job->info->height;
    if (w < 1 || h < 1) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: a picture of %d x %d pixels", job->name, w, h);
    if (w > IAD_IMAGE_MAX_SIDE || h > IAD_IMAGE_MAX_SIDE)
        return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: %d x %d pixels: a side is longer than %d", job->name, w, h,
                        IAD_IMAGE_MAX_SIDE);
    if ((uint64_t)w * (uint64_t)h > job->max_pixels)
        return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: %d x %d pixels: more than %llu in all", job->name, w, h,
                        (unsigned long long)job->max_pixels);
    return IAD_OK;
}

iad_status iad_decode_open_image(iad_decode_job *job, int natural, int zero, iad_err *err) {
    IAD_TRY(iad_decode_check_size(job, err));
    int channels = job->channels ? job->channels : natural;
    iad_status status = (zero ? iad_image_init : iad_image_init_raw)(job->image, job->info->width, job->info->height,
                                                                     channels, err);
    if (status != IAD_OK) iad_err_prefix(err, "%s", job->name);
    return status;
}

iad_status iad_decode_truncated(const iad_decode_job *job, iad_err *err) {
    job->info->truncated = 1;
    return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: truncated: the %s data ends after %zu bytes, before the picture does",
                    job->name, iad_image_format_name(job->info->format), job->n);
}

static iad_status open_job(iad_decode_job *job, const void *bytes, size_t n, const char *name,
                           const iad_decode_options *options, iad_image_info *info, iad_err *err) {
    static const iad_decode_options defaults;
    if (!options) options = &defaults;
    *info = (iad_image_info){.format = n ? iad_image_sniff(bytes, n) : IAD_IMAGE_UNKNOWN, .orientation = 1};
    uint64_t max_pixels = options->max_pixels;
    if (max_pixels == 0 || max_pixels > IAD_IMAGE_MAX_PIXELS) max_pixels = IAD_IMAGE_MAX_PIXELS;
    *job = (iad_decode_job){.bytes = bytes, .n = n, .name = name ? name : "picture", .max_pixels = max_pixels,
                            .channels = options->channels, .accept_truncated = options->accept_truncated,
                            .raw_values = options->raw_values, .info = info};
    if (job->channels != 0 && job->channels != 1 && job->channels != 3)
        return IAD_FAIL(err, IAD_ERR_ARG, "%s: decoding to %d channels", job->name, job->channels);
    if (n > IAD_IMAGE_MAX_FILE_BYTES)
        return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: %zu bytes, more than %u", job->name, n, IAD_IMAGE_MAX_FILE_BYTES);
    if (n == 0) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: an empty file", job->name);
    return IAD_OK;
}

static iad_status probe_format(iad_decode_job *job, iad_err *err) {
    switch (job->info->format) {
    case IAD_IMAGE_JPEG: return iad_probe_jpeg(job, err);
    case IAD_IMAGE_PNG: return iad_probe_png(job, err);
    case IAD_IMAGE_WEBP: return iad_probe_webp(job, err);
    case IAD_IMAGE_BMP: return iad_probe_bmp(job, err);
    case IAD_IMAGE_UNKNOWN: break;
    }
    return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: neither JPEG nor PNG nor WebP nor BMP", job->name);
}

static iad_status decode_format(iad_decode_job *job, iad_err *err) {
    switch (job->info->format) {
    case IAD_IMAGE_JPEG: return iad_decode_jpeg(job, err);
    case IAD_IMAGE_PNG: return iad_decode_png(job, err);
    case IAD_IMAGE_WEBP: return iad_decode_webp(job, err);
    case IAD_IMAGE_BMP: return iad_decode_bmp(job, err);
    case IAD_IMAGE_UNKNOWN: break;
    }
    return probe_format(job, err);
}

/* From the facts as stored to the facts of the upright picture. */
static void turn_info(iad_image_info *info) {
    if (!iad_exif_swaps(info->orientation)) return;
    int width = info->width;
    info->width = info->height;
    info->height = width;
}

/* Replaces the stored picture by the upright one. */
static iad_status turn_image(iad_image *image, int orientation, const char *name, iad_err *err) {
    if (orientation <= 1) return IAD_OK;
    int swap = iad_exif_swaps(orientation);
    iad_image upright;
    iad_status status = iad_image_init_raw(&upright, swap ? image->height : image->width,
                                           swap ? image->width : image->height, image->channels, err);
    if (status != IAD_OK) {
        iad_err_prefix(err, "%s", name);
        return status;
    }
    iad_exif_turn(image->px, image->width, image->height, image->channels, orientation, upright.px);
    iad_image_deinit(image);
    *image = upright;
    return IAD_OK;
}

iad_status iad_image_probe(const void *bytes, size_t n, const char *name, iad_image_info *info, iad_err *err) {
    iad_decode_job job;
    IAD_TRY(open_job(&job, bytes, n, name, NULL, info, err));
    IAD_TRY(probe_format(&job, err));
    IAD_TRY(iad_decode_check_size(&job, err));
    turn_info(info);
    return IAD_OK;
}

iad_status iad_image_decode(const void *bytes, size_t n, const char *name, const iad_decode_options *options,
                            iad_image *image, iad_image_info *info, iad_err *err) {
    iad_image_info unused;
    iad_decode_job job;
    *image = (iad_image){0};
    if (!info) info = &unused;
    IAD_TRY(open_job(&job, bytes, n, name, options, info, err));
    job.image = image;
    iad_status status = decode_format(&job, err);
    if (status == IAD_OK) status = turn_image(image, info->orientation, job.name, err);
    if (status != IAD_OK) iad_image_deinit(image);
    turn_info(info);
    return status;
}

static iad_status refuse_colour(const iad_decode_job *job, iad_err *err) {
    return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "%s: a colour picture where grey is needed", job->name);
}

/* 8-bit grey, however stored, widened so that 255 becomes 65535. */
static iad_status decode_widened(const iad_decode_job *job, iad_image16 *image, iad_err *err) {
    iad_image narrow;
    iad_image_info info;
    IAD_TRY(iad_image_decode(job->bytes, job->n, job->name, NULL, &narrow, &info, err));
    iad_status status = narrow.channels == 1 ? iad_image16_init(image, narrow.width, narrow.height, err)
                                             : refuse_colour(job, err);
    if (status == IAD_OK) {
        size_t count = (size_t)narrow.width * (size_t)narrow.height;
        for (size_t i = 0; i < count; i++) image->px[i] = (uint16_t)(narrow.px[i] * 257u);
    }
    iad_image_deinit(&narrow);
    return status;
}

static iad_status turn_image16(iad_image16 *image, int orientation, iad_err *err) {
    if (orientation <= 1) return IAD_OK;
    int swap = iad_exif_swaps(orientation);
    iad_image16 upright;
    IAD_TRY(iad_image16_init(&upright, swap ? image->height : image->width, swap ? image->width : image->height, err));
    iad_exif_turn((const uint8_t *)image->px, image->width, image->height, 2, orientation, (uint8_t *)upright.px);
    iad_image16_deinit(image);
    *image = upright;
    return IAD_OK;
}

iad_status iad_image_decode16(const void *bytes, size_t n, const char *name, iad_image16 *image, iad_err *err) {
    iad_image_info info;
    iad_decode_job job;
    *image = (iad_image16){0};
    IAD_TRY(open_job(&job, bytes, n, name, NULL, &info, err));
    IAD_TRY(probe_format(&job, err));
    if (info.format != IAD_IMAGE_PNG || info.depth != 16) return decode_widened(&job, image, err);
    if (info.channels > 2) return refuse_colour(&job, err);
    iad_status status = iad_decode_png_grey16(&job, image, err);
    if (status == IAD_OK) status = turn_image16(image, info.orientation, err);
    if (status != IAD_OK) iad_image16_deinit(image);
    return status;
}

iad_status iad_image_load(const char *path, const iad_decode_options *options, iad_image *image,
                          iad_image_info *info, iad_err *err) {
    *image = (iad_image){0};
    if (info) *info = (iad_image_info){.orientation = 1};
    uint8_t *bytes = NULL;
    size_t n = 0;
    IAD_TRY(iad_file_read(path, IAD_IMAGE_MAX_FILE_BYTES, &bytes, &n, err));
    iad_status status = iad_image_decode(bytes, n, path, options, image, info, err);
    free(bytes);
    return status;
}
