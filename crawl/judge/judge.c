#include "crawl/judge/judge.h"

#include <stdio.h>
#include <string.h>

#include "base/image/encode.h"
#include "base/image/resize.h"
#include "base/sha256.h"
#include "crawl/judge/sniff.h"
#include "manifests/identity.h"

#define MAX_STORED (64u * 1024u * 1024u)

void iad_judgement_deinit(iad_judgement *j) {
    iad_buf_deinit(&j->stored);
}

static void decide(iad_judgement *j, iad_outcome outcome, const char *detail) {
    j->outcome = outcome;
    snprintf(j->detail, sizeof j->detail, "%.190s", detail);
}

/* A decoder's refusal as an outcome. */
static void refused_by_decoder(iad_judgement *j, iad_status status, const iad_err *why) {
    if (j->info.truncated) decide(j, IAD_OUT_TRUNCATED, why->msg);
    else if (status == IAD_ERR_LIMIT) decide(j, IAD_OUT_TOO_BIG, why->msg);
    else if (status == IAD_ERR_UNSUPPORTED) decide(j, IAD_OUT_UNSUPPORTED, why->msg);
    else decide(j, IAD_OUT_DECODE, why->msg);
}

static iad_status hash_pixels(const iad_image *image, iad_judgement *j, iad_err *err) {
    IAD_TRY(iad_pixel_sha256(image, j->pixel_sha256, err));
    IAD_TRY(iad_leak_hash(image, j->leak_hash, err));
    IAD_TRY(iad_signature_make(image, &j->signature, err));
    iad_pixel_stats_of(image, &j->stats);
    j->has_pixels = 1;
    return IAD_OK;
}

/* The file to keep when pictures are to be made smaller: hashes are then those of its own pixels, as every reader will see them. */
static iad_status encode_anew(iad_image *image, const iad_judge_options *options, iad_judgement *j, iad_err *err) {
    int longer = image->width > image->height ? image->width : image->height;
    iad_image small = {0};
    if (longer > options->max_side) {
        int w = (int)(((int64_t)image->width * options->max_side + longer / 2) / longer),
            h = (int)(((int64_t)image->height * options->max_side + longer / 2) / longer);
        IAD_TRY(iad_resize(image, w > 0 ? w : 1, h > 0 ? h : 1, IAD_FILTER_BICUBIC, &small, err));
        iad_image_deinit(image);
        *image = small;
    }
    iad_jpeg_options jpeg = {.quality = options->quality, .subsample = 0};
    IAD_TRY(iad_encode_jpeg(image, &jpeg, &j->stored, err));
    iad_image_deinit(image);
    IAD_TRY(iad_image_decode(j->stored.data, j->stored.len, "stored picture", NULL, image, NULL, err));
    j->stored_width = image->width;
    j->stored_height = image->height;
    return iad_sha256_bytes(j->stored.data, j->stored.len, j->stored_sha256, err);
}

iad_status iad_judge_picture(const void *bytes, size_t n, const iad_judge_options *options, iad_judgement *j, iad_err *err) {
    memset(j, 0, sizeof *j);
    iad_buf_init(&j->stored, MAX_STORED);
    IAD_TRY(iad_sha256_bytes(bytes, n, j->sha256, err));
    memcpy(j->stored_sha256, j->sha256, 32);
    iad_body_kind kind = iad_body_sniff(bytes, n, &j->kind);
    if (kind == IAD_BODY_EMPTY) decide(j, IAD_OUT_EMPTY, "no bytes");
    else if (kind == IAD_BODY_UNSUPPORTED) decide(j, IAD_OUT_UNSUPPORTED, j->kind);
    else if (kind != IAD_BODY_PICTURE) decide(j, IAD_OUT_NOT_IMAGE, j->kind);
    if (kind != IAD_BODY_PICTURE) return IAD_OK;

    iad_image image = {0};
    iad_err why = IAD_ERR_NONE;
    iad_decode_options decode = {.max_pixels = options->max_pixels};
    iad_status status = iad_image_decode(bytes, n, "picture", &decode, &image, &j->info, &why);
    if (status == IAD_ERR_NOMEM) {
        if (err) *err = why;
        return status;
    }
    if (status != IAD_OK) {
        refused_by_decoder(j, status, &why);
        return IAD_OK;
    }
    iad_exif_text_read(bytes, n, &j->exif);
    j->stored_width = image.width;
    j->stored_height = image.height;
    if (options->max_side > 0) status = encode_anew(&image, options, j, err);
    if (status == IAD_OK) status = hash_pixels(&image, j, err);
    iad_image_deinit(&image);
    IAD_TRY(status);
    int w = j->info.width, h = j->info.height, longer = w > h ? w : h, shorter = w > h ? h : w;
    if (n < options->min_bytes) {
        snprintf(j->detail, sizeof j->detail, "%zu bytes", n);
        j->outcome = IAD_OUT_TOO_SMALL;
    } else if (longer > options->max_aspect * shorter) {
        snprintf(j->detail, sizeof j->detail, "%d x %d", w, h);
        j->outcome = IAD_OUT_ASPECT;
    } else if (j->info.animated && !options->keep_animated) {
        decide(j, IAD_OUT_ANIMATED, "more than one picture");
    } else if (iad_pixel_stats_blank(&j->stats)) {
        snprintf(j->detail, sizeof j->detail, "%d colours, contrast %d", j->stats.colours, j->stats.contrast);
        j->outcome = IAD_OUT_BLANK;
    }
    return IAD_OK;
}
