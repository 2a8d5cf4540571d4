#include "manifests/identity.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/alloc.h"
#include "base/image/encode.h"
#include "base/image/phash.h"
#include "manifests/components.h"

#define MAX_PNG_BYTES (64u * 1024u * 1024u)
#define MAX_VALUE_MAP_BYTES 65536
#define MAX_BOXES_BYTES (64 * (IAD_MASK_MAX_BOXES + 1))

static void put_u32(uint8_t *bytes, uint32_t value) {
    for (int i = 0; i < 4; i++) bytes[i] = (uint8_t)(value >> (8 * i));
}

/* 1 when an RGB picture has no colour. Photographs say no within the first pixels. */
static int is_colourless(const iad_image *image) {
    const uint8_t *px = image->px;
    for (size_t left = (size_t)image->width * (size_t)image->height; left;) {
        size_t part = left < 1024 ? left : 1024;
        unsigned differ = 0;
        for (size_t i = 0; i < part; i++)
            differ |= (unsigned)(px[3 * i] ^ px[3 * i + 1]) | (unsigned)(px[3 * i] ^ px[3 * i + 2]);
        if (differ) return 0;
        px += 3 * part;
        left -= part;
    }
    return 1;
}

/* XXH3-128 of all values, or of the red plane only; most significant byte first, as its specification writes it. */
static iad_status digest_pixels(const iad_image *image, int red_only, uint8_t digest[16], iad_err *err) {
    size_t n = (size_t)image->width * (size_t)image->height;
    XXH128_canonical_t canonical;
    if (!red_only) {
        XXH128_canonicalFromHash(&canonical, XXH3_128bits(image->px, n * (size_t)image->channels));
    } else {
        uint8_t block[8192];
        XXH3_state_t *state = XXH3_createState();
        if (!state) return IAD_NOMEM(err, "a pixel hash");
        XXH3_128bits_reset(state);
        for (size_t at = 0; at < n;) {
            size_t part = n - at < sizeof block ? n - at : sizeof block;
            for (size_t i = 0; i < part; i++) block[i] = image->px[3 * (at + i)];
            XXH3_128bits_update(state, block, part);
            at += part;
        }
        XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state));
        XXH3_freeState(state);
    }
    memcpy(digest, canonical.digest, 16);
    return IAD_OK;
}

iad_status iad_pixel_sha256(const iad_image *image, uint8_t digest[32], iad_err *err) {
    if (image->channels != 1 && image->channels != 3)
        return IAD_FAIL(err, IAD_ERR_ARG, "pixels with %d channels", image->channels);
    int packed = image->channels == 3 && is_colourless(image);
    uint8_t bytes[36] = {'i', 'a', 'd', 'p', 'i', 'x', '2', 0};
    put_u32(bytes + 8, (uint32_t)image->width);
    put_u32(bytes + 12, (uint32_t)image->height);
    put_u32(bytes + 16, packed ? 1 : (uint32_t)image->channels);
    IAD_TRY(digest_pixels(image, packed, bytes + 20, err));
    return iad_sha256_bytes(bytes, sizeof bytes, digest, err);
}

iad_status iad_leak_hash(const iad_image *image, uint64_t hash[4], iad_err *err) {
    uint64_t turns[8];
    IAD_TRY(iad_phash_turns(image, IAD_LEAK_CROP_PERCENT, turns, err));
    memcpy(hash, turns, 4 * sizeof *hash);
    return IAD_OK;
}

/* ---- masks ---- */

/* Hash of all that makes the mask what it is; `pixels` are already in their stored form (0/255 or ids). */
static iad_status mask_hash(const iad_image *pixels, const char *value_map, iad_mask_quality quality,
                            uint8_t digest[32], iad_err *err) {
    uint8_t head[16] = {'i', 'a', 'd', 'm', 'a', 's', 'k', '3'};
    put_u32(head + 8, (uint32_t)pixels->width);
    put_u32(head + 12, (uint32_t)pixels->height);
    const char *name = iad_mask_quality_name(quality), *map = value_map ? value_map : "";
    uint8_t sum[16];
    IAD_TRY(digest_pixels(pixels, 0, sum, err));
    iad_sha256 hash;
    IAD_TRY(iad_sha256_init(&hash, err));
    iad_status status = iad_sha256_add(&hash, head, sizeof head, err);
    if (status == IAD_OK) status = iad_sha256_add(&hash, name, strlen(name) + 1, err);
    if (status == IAD_OK) status = iad_sha256_add(&hash, map, strlen(map) + 1, err);
    if (status == IAD_OK) status = iad_sha256_add(&hash, sum, sizeof sum, err);
    return iad_sha256_end(&hash, status, digest, err);
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
        status = iad_buf_addf(&row->boxes, err, "%s[%d,%d,%d,%d]", i ? "," : "", items[i].x0, items[i].y0, items[i].x1,
                              items[i].y1);
    }
    if (status == IAD_OK) status = iad_buf_add_str(&row->boxes, "]", err);
    free(items);
    return status;
}

/* 1 when all values are 0 and 255: the stored form, which needs no copy. */
static int is_black_and_white(const iad_image *mask) {
    size_t i = 0, n = (size_t)mask->width * (size_t)mask->height;
    for (; i + 8 <= n; i += 8) {
        uint64_t eight;
        memcpy(&eight, mask->px + i, 8);
        if (eight == 0 || eight == UINT64_MAX) continue;
        for (size_t k = 0; k < 8; k++)
            if (mask->px[i + k] != 0 && mask->px[i + k] != 255) return 0;
    }
    for (; i < n; i++)
        if (mask->px[i] != 0 && mask->px[i] != 255) return 0;
    return 1;
}

static iad_status binarise(const iad_image *mask, iad_image *copy, iad_err *err) {
    IAD_TRY(iad_image_copy(mask, copy, err));
    for (size_t i = 0, n = (size_t)mask->width * (size_t)mask->height; i < n; i++) copy->px[i] = copy->px[i] ? 255 : 0;
    return IAD_OK;
}

iad_status iad_mask_prepare(const iad_image *mask, const char *value_map, iad_mask_quality quality, iad_mask_row *row,
                            iad_err *err) {
    memset(row, 0, sizeof *row);
    if (mask->channels != 1) return IAD_FAIL(err, IAD_ERR_ARG, "a mask has one channel, not %d", mask->channels);
    iad_buf_init(&row->png, MAX_PNG_BYTES);
    iad_buf_init(&row->value_map, MAX_VALUE_MAP_BYTES);
    iad_buf_init(&row->boxes, MAX_BOXES_BYTES);
    row->width = mask->width;
    row->height = mask->height;
    row->quality = quality;
    iad_image copy = {0};
    const iad_image *pixels = mask;
    iad_status status = IAD_OK;
    if (!value_map && !is_black_and_white(mask)) {
        status = binarise(mask, &copy, err);
        pixels = &copy;
    }
    if (status == IAD_OK) status = mask_hash(pixels, value_map, quality, row->sha256, err);
    if (status == IAD_OK) status = describe_components(pixels, row, err);
    if (status == IAD_OK && value_map) status = iad_buf_add_str(&row->value_map, value_map, err);
    if (status == IAD_OK)
        status = value_map ? iad_encode_png(pixels, -1, &row->png, err) : iad_encode_png1(pixels, &row->png, err);
    iad_image_deinit(&copy);
    if (status != IAD_OK) iad_mask_row_deinit(row);
    return status;
}
