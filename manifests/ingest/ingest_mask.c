#include "manifests/ingest/ingest_mask.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/image/decode.h"
#include "base/image/resize.h"
#include "base/json.h"
#include "manifests/identity.h"

#define JPEG_THRESHOLD 128
#define MAX_MAP_BYTES 65536u

static size_t n_pixels(const iad_image *image) { return (size_t)image->width * (size_t)image->height; }

/* ---- decoding ---- */

/* Maximum over the channels of each pixel. */
static iad_status flatten(iad_image *image, iad_err *err) {
    if (image->channels == 1) return IAD_OK;
    iad_image plane;
    IAD_TRY(iad_image_init(&plane, image->width, image->height, 1, err));
    for (size_t i = 0, n = n_pixels(image); i < n; i++) {
        const uint8_t *px = image->px + 3 * i;
        uint8_t most = px[0] > px[1] ? px[0] : px[1];
        plane.px[i] = most > px[2] ? most : px[2];
    }
    iad_image_deinit(image);
    *image = plane;
    return IAD_OK;
}

/* 16-bit masks: small numbers are ids, anything above a byte is just "defect". */
static iad_status decode_deep(const void *bytes, size_t n, const char *name, const iad_image_info *info, iad_image *plane, iad_err *err) {
    if (info->channels > 1) {
        IAD_TRY(iad_image_decode(bytes, n, name, NULL, plane, NULL, err));
        return flatten(plane, err);
    }
    iad_image16 deep = {0};
    IAD_TRY(iad_image_decode16(bytes, n, name, &deep, err));
    iad_status status = iad_image_init(plane, deep.width, deep.height, 1, err);
    if (status == IAD_OK) {
        size_t count = n_pixels(plane);
        uint16_t most = 0;
        for (size_t i = 0; i < count; i++) most = deep.px[i] > most ? deep.px[i] : most;
        for (size_t i = 0; i < count; i++) plane->px[i] = most > 255 ? (deep.px[i] ? 255 : 0) : (uint8_t)deep.px[i];
    }
    iad_image16_deinit(&deep);
    return status;
}

/* Index pictures whose index 0 is not black: the black entry is the background. */
static iad_status fix_palette(const void *bytes, size_t n, const char *name, iad_image *indices, iad_err *err) {
    iad_decode_options as_color = {.channels = 3};
    iad_image color = {0};
    IAD_TRY(iad_image_decode(bytes, n, name, &as_color, &color, NULL, err));
    int black = -1, zero_is_black = 1;
    for (size_t i = 0, count = n_pixels(indices); i < count; i++) {
        const uint8_t *px = color.px + 3 * i;
        int is_black = (px[0] | px[1] | px[2]) == 0;
        if (indices->px[i] == 0) zero_is_black = is_black;
        else if (is_black) black = indices->px[i];
    }
    iad_image_deinit(&color);
    if (zero_is_black || black < 0) return IAD_OK;
    /* Index 0 becomes a class of its own; 255 is free, or it shares one. */
    for (size_t i = 0, count = n_pixels(indices); i < count; i++)
        indices->px[i] = indices->px[i] == black ? 0 : indices->px[i] ? indices->px[i] : 255;
    return IAD_OK;
}

iad_status iad_mask_decode(const void *bytes, size_t n, const char *name, iad_mask_file *file, iad_err *err) {
    memset(file, 0, sizeof *file);
    iad_image_info info;
    IAD_TRY(iad_image_probe(bytes, n, name, &info, err));
    if (info.depth == 16) return decode_deep(bytes, n, name, &info, &file->values, err);
    iad_decode_options raw = {.raw_values = 1};
    IAD_TRY(iad_image_decode(bytes, n, name, &raw, &file->values, &info, err));
    iad_status status = IAD_OK;
    if (info.channels == 3 && file->values.channels == 1) status = fix_palette(bytes, n, name, &file->values, err);
    if (status == IAD_OK) status = flatten(&file->values, err);
    if (status != IAD_OK) {
        iad_image_deinit(&file->values);
        return status;
    }
    if (info.format == IAD_IMAGE_JPEG) {
        file->jpeg = 1;
        for (size_t i = 0, count = n_pixels(&file->values); i < count; i++) file->values.px[i] = file->values.px[i] >= JPEG_THRESHOLD ? 255 : 0;
    }
    return IAD_OK;
}

iad_status iad_mask_fit(iad_image *plane, int width, int height, int *resized, iad_err *err) {
    *resized = plane->width != width || plane->height != height;
    if (!*resized) return IAD_OK;
    iad_image fitted;
    IAD_TRY(iad_resize(plane, width, height, IAD_FILTER_NEAREST_PIL, &fitted, err));
    iad_image_deinit(plane);
    *plane = fitted;
    return IAD_OK;
}

/* ---- what the values mean ---- */

/* Masks are nearly all zeros: eight pixels at a time. */
static void find_values(const iad_image *plane, uint8_t present[256]) {
    size_t i = 0, n = n_pixels(plane);
    memset(present, 0, 256);
    for (; i + 8 <= n; i += 8) {
        uint64_t eight;
        memcpy(&eight, plane->px + i, 8);
        if (eight == 0) present[0] = 1;
        else if (eight == UINT64_MAX) present[255] = 1;
        else
            for (size_t k = 0; k < 8; k++) present[plane->px[i + k]] = 1;
    }
    for (; i < n; i++) present[plane->px[i]] = 1;
}

static const char *name_of(const json_t *names, int value) {
    char key[8];
    snprintf(key, sizeof key, "%d", value);
    return json_string_value(json_object_get(names, key));
}

static iad_mask_kind classify(const uint8_t present[256], const json_t *names) {
    int n = 0, named = 1, only = 0;
    for (int v = 1; v < 256; v++) {
        if (!present[v]) continue;
        n++;
        only = v;
        named = named && name_of(names, v) != NULL;
    }
    if (n == 0) return IAD_MASK_EMPTY;
    if (names && named) return IAD_MASK_CLASSES;
    if (n == 1 && (only == 1 || only == 255)) return IAD_MASK_PLAIN;
    return n <= IAD_MASK_MAX_CLASSES ? IAD_MASK_CLASSES : IAD_MASK_SOFT;
}

static json_t *load_names(const char *names) { return names ? json_loads(names, 0, NULL) : NULL; }

void iad_mask_classify(const iad_image *plane, const char *names, iad_mask_values *values) {
    json_t *map = load_names(names);
    find_values(plane, values->present);
    values->kind = classify(values->present, map);
    json_decref(map);
}

/* Canonical JSON of the values that occur: {"3":"scratch","7":null}. */
static iad_status write_map(const uint8_t present[256], const json_t *names, iad_buf *text, iad_err *err) {
    json_t *map = json_object();
    iad_status status = map ? IAD_OK : IAD_NOMEM(err, "a map of mask values");
    for (int v = 1; v < 256 && status == IAD_OK; v++) {
        char key[8];
        if (!present[v]) continue;
        snprintf(key, sizeof key, "%d", v);
        const char *name = name_of(names, v);
        if (json_object_set_new(map, key, name ? json_string(name) : json_null()) != 0) status = IAD_NOMEM(err, "a map of mask values");
    }
    if (status == IAD_OK) status = iad_json_canonical(map, text, err);
    json_decref(map);
    return status;
}

iad_status iad_mask_make_row(const iad_image *plane, const char *names, const iad_mask_values *values, iad_mask_quality quality, iad_mask_row *row,
                             iad_err *err) {
    json_t *map = load_names(names);
    iad_buf text;
    iad_buf_init(&text, MAX_MAP_BYTES);
    iad_status status = IAD_OK;
    int classes = values->kind == IAD_MASK_CLASSES;
    if (classes) status = write_map(values->present, map, &text, err);
    if (status == IAD_OK) status = iad_mask_prepare(plane, classes ? iad_buf_str(&text) : NULL, quality, row, err);
    iad_buf_deinit(&text);
    json_decref(map);
    return status;
}

/* ---- building ---- */

void iad_mask_unite(iad_image *into, const iad_image *other) {
    for (size_t i = 0, n = n_pixels(into); i < n; i++)
        if (!into->px[i]) into->px[i] = other->px[i];
}

static int clip(double value, int lo, int hi) {
    return value <= lo ? lo : value >= hi ? hi : (int)value;
}

iad_status iad_mask_from_boxes(const iad_box_row *boxes, size_t n, int width, int height, iad_image *plane, iad_err *err) {
    IAD_TRY(iad_image_init(plane, width, height, 1, err));
    for (size_t i = 0; i < n; i++) {
        int x0 = clip(floor(boxes[i].x0), 0, width), x1 = clip(ceil(boxes[i].x1), 0, width);
        int y0 = clip(floor(boxes[i].y0), 0, height), y1 = clip(ceil(boxes[i].y1), 0, height);
        for (int y = y0; y < y1 && x0 < x1; y++) memset(iad_image_at(plane, x0, y), 255, (size_t)(x1 - x0));
    }
    return IAD_OK;
}
