#include "manifests/identity.h"

#include <stdlib.h>
#include <string.h>

#include "base/image/encode.h"
#include "base/image/phash.h"
#include "manifests/components.h"

#define MAX_PNG_BYTES (64u * 1024u * 1024u)
#define MAX_VALUE_MAP_BYTES 65536
#define MAX_BOXES_BYTES (64 * (IAD_MASK_MAX_BOXES + 1))

static void put_u32(uint8_t *bytes, uint32_t value) {
    for (int i = 0; i < 4; i++) bytes[i] = (uint8_t)(value >> (8 * i));
}

/* Feeds the pixels as RGB, expanding grey through a small buffer. */
static iad_status hash_rgb(iad_sha256 *hash, const iad_image *image, iad_err *err) {
    size_t n = (size_t)image->width * (size_t)image->height;
    if (image->channels == 3) return iad_sha256_add(hash, image->px, 3 * n, err);
    uint8_t rgb[3 * 1024];
    for (size_t at = 0; at < n;) {
        size_t part = n - at < 1024 ? n - at : 1024;
        for (size_t i = 0; i < part; i++) rgb[3 * i] = rgb[3 * i + 1] = rgb[3 * i + 2] = image->px[at + i];
        IAD_TRY(iad_sha256_add(hash, rgb, 3 * part, err));
        at += part;
    }
    return IAD_OK;
}

iad_status iad_pixel_sha256(const iad_image *image, uint8_t digest[32], iad_err *err) {
    if (image->channels != 1 && image->channels != 3) return IAD_FAIL(err, IAD_ERR_ARG, "pixels with %d channels", image->channels);
    uint8_t head[8];
    put_u32(head, (uint32_t)image->width);
    put_u32(head + 4, (uint32_t)image->height);
    iad_sha256 hash;
    IAD_TRY(iad_sha256_init(&hash, err));
    iad_status status = iad_sha256_add(&hash, head, sizeof head, err);
    if (status == IAD_OK) status = hash_rgb(&hash, image, err);
    if (status != IAD_OK) {
        iad_sha256_deinit(&hash);
        return status;
    }
    return iad_sha256_final(&hash, digest, err);
}

iad_status iad_leak_hash(const iad_image *image, uint64_t hash[4], iad_err *err) {
    uint64_t turns[8];
    IAD_TRY(iad_phash_turns(image, IAD_LEAK_CROP_PERCENT, turns, err));
    memcpy(hash, turns, 4 * sizeof *hash);
    return IAD_OK;
}

/* ---- masks ---- */

/* Hash of all that makes the mask what it is; `pixels` are already in their stored form (0/255 or ids). */
static iad_status mask_hash(const iad_image *pixels, const char *value_map, iad_mask_quality quality, uint8_t digest[32], iad_err *err) {
    uint8_t head[16] = {'i', 'a', 'd', 'm', 'a', 's', 'k', '1'};
    put_u32(head + 8, (uint32_t)pixels->width);
    put_u32(head + 12, (uint32_t)pixels->height);
    const char *name = iad_mask_quality_name(quality), *map = value_map ? value_map : "";
    iad_sha256 hash;
    IAD_TRY(iad_sha256_init(&hash, err));
    iad_status status = iad_sha256_add(&hash, head, sizeof head, err);
    if (status == IAD_OK) status = iad_sha256_add(&hash, name, strlen(name) + 1, err);
    if (status == IAD_OK) status = iad_sha256_add(&hash, map, strlen(map) + 1, err);
    if (status == IAD_OK) status = iad_sha256_add(&hash, pixels->px, (size_t)pixels->width * (size_t)pixels->height, err);
    if (status != IAD_OK) {
        iad_sha256_deinit(&hash);
        return status;
    }
    return iad_sha256_final(&hash, digest, err);
}

static iad_status describe_components(const iad_image *pixels, iad_mask_row *row, iad_err *err) {
    iad_component *items = NULL;
    size_t n = 0;
    IAD_TRY(iad_components(pixels, &items, &n, err));
    row->n_components = (int64_t)n;
    iad_status status = iad_buf_add_str(&row->boxes, "[", err);
    for (size_t i = 0; i < n; i++) {
        row->area += items[i].area;
        if (status != IAD_OK || i >= IAD_MASK_MAX_BOXES) continue;
        status = iad_buf_addf(&row->boxes, err, "%s[%d,%d,%d,%d]", i ? "," : "", items[i].x0, items[i].y0, items[i].x1, items[i].y1);
    }
    if (status == IAD_OK) status = iad_buf_add_str(&row->boxes, "]", err);
    free(items);
    return status;
}

iad_status iad_mask_prepare(const iad_image *mask, const char *value_map, iad_mask_quality quality, iad_mask_row *row, iad_err *err) {
    memset(row, 0, sizeof *row);
    if (mask->channels != 1) return IAD_FAIL(err, IAD_ERR_ARG, "a mask has one channel, not %d", mask->channels);
    iad_buf_init(&row->png, MAX_PNG_BYTES);
    iad_buf_init(&row->value_map, MAX_VALUE_MAP_BYTES);
    iad_buf_init(&row->boxes, MAX_BOXES_BYTES);
    row->width = mask->width;
    row->height = mask->height;
    row->quality = quality;
    iad_image pixels = {0};
    iad_status status = iad_image_copy(mask, &pixels, err);
    if (status == IAD_OK && !value_map) {
        size_t n = (size_t)mask->width * (size_t)mask->height;
        for (size_t i = 0; i < n; i++) pixels.px[i] = pixels.px[i] ? 255 : 0;
    }
    if (status == IAD_OK) status = mask_hash(&pixels, value_map, quality, row->sha256, err);
    if (status == IAD_OK) status = describe_components(&pixels, row, err);
    if (status == IAD_OK && value_map) status = iad_buf_add_str(&row->value_map, value_map, err);
    if (status == IAD_OK) status = value_map ? iad_encode_png(&pixels, -1, &row->png, err) : iad_encode_png1(&pixels, &row->png, err);
    iad_image_deinit(&pixels);
    if (status != IAD_OK) iad_mask_row_deinit(row);
    return status;
}
