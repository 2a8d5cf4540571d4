/* WebP by libwebp. The frame of the file (RIFF chunks) is walked here, because libwebp alone decodes no animation and
 * reads no EXIF block. */
#include <stdlib.h>
#include <string.h>

#include <webp/decode.h>

#include "base/alloc.h"
#include "base/image/decode_internal.h"
#include "base/image/exif.h"
#include "base/image/rows.h"

#define RIFF_BYTES 12
#define FRAME_HEADER_BYTES 16
#define EXIF_FLAG 8 /* in the first byte of chunk VP8X */

/* The picture within the file. */
typedef struct webp_layout {
    const uint8_t *data; /* what libwebp gets: the whole file, or the first frame of an animation */
    size_t n;
    int x, y, width, height; /* place of the frame on the canvas */
    int alpha;
    int cut;      /* the file ends within the data of the picture */
    int tail_cut; /* the file ends before its header says, after the picture */
} webp_layout;

static int tag_is(const uint8_t *p, const char *tag) { return memcmp(p, tag, 4) == 0; }

/* Chunk ANMF (WebP container specification): place halved, size less one, duration and flags, then the frame's own
 * chunks. */
static void take_frame(const uint8_t *body, size_t length, webp_layout *layout) {
    layout->x = (int)(2 * iad_le24(body));
    layout->y = (int)(2 * iad_le24(body + 3));
    layout->width = (int)iad_le24(body + 6) + 1;
    layout->height = (int)iad_le24(body + 9) + 1;
    layout->data = body + FRAME_HEADER_BYTES;
    layout->n = length - FRAME_HEADER_BYTES;
}

/* Walks the chunks behind the RIFF header: finds the first frame of an animation, EXIF, and where the data ends. */
static void walk(const iad_decode_job *job, webp_layout *layout) {
    size_t at = RIFF_BYTES, n = job->n;
    uint64_t claimed = (uint64_t)iad_le32(job->bytes + 4) + 8;
    int picture_seen = 0, exif_promised = 0;
    while (n >= at && n - at >= 8) {
        const uint8_t *head = job->bytes + at;
        uint64_t length = iad_le32(head + 4);
        size_t there = n - at - 8 < length ? n - at - 8 : (size_t)length;
        int is_frame = tag_is(head, "ANMF"), is_picture = is_frame || tag_is(head, "VP8 ") || tag_is(head, "VP8L");
        if (is_picture && !picture_seen) {
            picture_seen = 1;
            layout->cut = there < length;
            if (is_frame && there > FRAME_HEADER_BYTES) take_frame(head + 8, there, layout);
        }
        if (tag_is(head, "VP8X") && there > 0) exif_promised = head[8] & EXIF_FLAG;
        if (tag_is(head, "EXIF") && there == length) {
            exif_promised = 0;
            int orientation = iad_exif_orientation(head + 8, there);
            if (orientation) job->info->orientation = orientation;
        }
        if (there < length) break;
        at += 8 + there + (length & 1);
    }
    layout->tail_cut = claimed > n;
    /* Without its EXIF block the picture may come out turned. */
    if (layout->tail_cut && (!picture_seen || exif_promised)) layout->cut = 1;
}

static iad_status vp8_failure(const iad_decode_job *job, const webp_layout *layout, VP8StatusCode code, iad_err *err) {
    switch (code) {
    case VP8_STATUS_OUT_OF_MEMORY: return IAD_NOMEM(err, job->name);
    case VP8_STATUS_UNSUPPORTED_FEATURE:
        return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "%s: WebP: a feature that libwebp does not know", job->name);
    default: break;
    }
    if (layout->cut || layout->tail_cut) return iad_decode_truncated(job, err);
    return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: WebP: broken data", job->name);
}

static iad_status open_frame(iad_decode_job *job, webp_layout *layout, iad_err *err) {
    iad_image_info *info = job->info;
    WebPBitstreamFeatures frame;
    if (layout->data == job->bytes && layout->cut) return iad_decode_truncated(job, err);
    if (layout->data == job->bytes)
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: WebP: an animation without a frame", job->name);
    VP8StatusCode code = WebPGetFeatures(layout->data, layout->n, &frame);
    if (code != VP8_STATUS_OK) return vp8_failure(job, layout, code, err);
    int fits = frame.width == layout->width && frame.height == layout->height &&
               layout->x <= info->width - layout->width && layout->y <= info->height - layout->height;
    if (!fits || frame.has_animation) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: WebP: broken first frame", job->name);
    layout->alpha = frame.has_alpha;
    return IAD_OK;
}

static iad_status open_file(iad_decode_job *job, webp_layout *layout, iad_err *err) {
    iad_image_info *info = job->info;
    WebPBitstreamFeatures facts;
    *layout = (webp_layout){.data = job->bytes, .n = job->n};
    walk(job, layout);
    VP8StatusCode code = WebPGetFeatures(job->bytes, job->n, &facts);
    if (code == VP8_STATUS_NOT_ENOUGH_DATA) return iad_decode_truncated(job, err);
    if (code != VP8_STATUS_OK) return vp8_failure(job, layout, code, err);
    info->width = facts.width;
    info->height = facts.height;
    info->channels = facts.has_alpha ? 4 : 3;
    info->depth = 8;
    info->animated = facts.has_animation;
    layout->alpha = facts.has_alpha;
    if (facts.has_animation) return IAD_OK;
    layout->data = job->bytes;
    layout->n = job->n;
    layout->x = layout->y = 0;
    layout->width = facts.width;
    layout->height = facts.height;
    return IAD_OK;
}

iad_status iad_probe_webp(iad_decode_job *job, iad_err *err) {
    webp_layout layout;
    return open_file(job, &layout, err);
}

/* Decodes the frame as RGB or RGBA rows to `to`. With accept_truncated a cut file leaves its missing rows untouched.
 * */
static iad_status run_decoder(const iad_decode_job *job, const webp_layout *layout, uint8_t *to, size_t stride,
                              iad_err *err) {
    WebPDecoderConfig config;
    if (!WebPInitDecoderConfig(&config))
        return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "%s: WebP: built for another version of libwebp", job->name);
    size_t row = (size_t)layout->width * (layout->alpha ? 4 : 3);
    config.output.colorspace = layout->alpha ? MODE_RGBA : MODE_RGB;
    config.output.is_external_memory = 1;
    config.output.u.RGBA.rgba = to;
    config.output.u.RGBA.stride = (int)stride;
    config.output.u.RGBA.size = ((size_t)layout->height - 1) * stride + row;
    VP8StatusCode code;
    if (layout->cut) {
        WebPIDecoder *decoder = WebPIDecode(NULL, 0, &config);
        if (!decoder) return IAD_NOMEM(err, job->name);
        code = WebPIUpdate(decoder, layout->data, layout->n);
        WebPIDelete(decoder);
        if (code == VP8_STATUS_SUSPENDED || code == VP8_STATUS_NOT_ENOUGH_DATA) code = VP8_STATUS_OK;
        job->info->truncated = 1;
    } else {
        code = WebPDecode(layout->data, layout->n, &config);
    }
    WebPFreeDecBuffer(&config.output);
    return code == VP8_STATUS_OK ? IAD_OK : vp8_failure(job, layout, code, err);
}

/* Rows of 3 or 4 bytes a pixel into their place of the picture. */
static void place_rows(const iad_image *image, const webp_layout *layout, const uint8_t *from, uint8_t *rgb) {
    size_t width = (size_t)layout->width, row = width * (layout->alpha ? 4 : 3);
    for (int y = 0; y < layout->height; y++, from += row) {
        uint8_t *to = iad_image_at(image, layout->x, layout->y + y);
        const uint8_t *src = from;
        if (layout->alpha) {
            iad_row_rgba_on_white(from, image->channels == 3 ? to : rgb, width);
            src = rgb;
        }
        if (image->channels == 1) iad_row_rgb_to_grey(src, to, width);
    }
}

iad_status iad_decode_webp(iad_decode_job *job, iad_err *err) {
    webp_layout layout;
    IAD_TRY(open_file(job, &layout, err));
    IAD_TRY(iad_decode_check_size(job, err));
    if (job->info->animated) IAD_TRY(open_frame(job, &layout, err));
    if (layout.cut && !job->accept_truncated) return iad_decode_truncated(job, err);
    if (layout.tail_cut) job->info->warnings++;
    IAD_TRY(iad_decode_open_image(job, 3, layout.cut, err));
    iad_image *image = job->image;
    int covers = layout.width == image->width && layout.height == image->height;
    /* Around a small first frame an animation is transparent. */
    if (!covers) memset(image->px, 255, (size_t)image->width * (size_t)image->height * (size_t)image->channels);
    if (image->channels == 3 && !layout.alpha)
        return run_decoder(job, &layout, iad_image_at(image, layout.x, layout.y), (size_t)image->width * 3, err);
    size_t width = (size_t)layout.width, row = width * (layout.alpha ? 4 : 3);
    uint8_t *rows = iad_calloc((size_t)layout.height, row), *rgb = iad_alloc(width, 3);
    iad_status status = rows && rgb ? run_decoder(job, &layout, rows, row, err) : IAD_NOMEM(err, job->name);
    if (status == IAD_OK) place_rows(image, &layout, rows, rgb);
    free(rows);
    free(rgb);
    return status;
}
