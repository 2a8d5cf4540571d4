#include "runtime/program/mapfiles.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/html.h"
#include "base/image/decode.h"
#include "base/image/draw.h"
#include "base/image/encode.h"
#include "runtime/engine/mapping.h"
#include "runtime/program/program.h"

enum { MAX_ENCODED = 1 << 30 };

/* v -> 0..1 in place. A run whose maps are all one value has nothing that stands out. */
static void scale(iad_plane *plane, float lo, float hi) {
    size_t n = (size_t)plane->width * (size_t)plane->height;
    double span = (double)hi - (double)lo;
    for (size_t i = 0; i < n; i++) {
        double t = span > 0 ? ((double)plane->px[i] - (double)lo) / span : 0;
        plane->px[i] = (float)(t > 1 ? 1 : t > 0 ? t : 0);
    }
}

static iad_status find_boxes(iad_record *r, const iad_plane *plane, double threshold, iad_err *err) {
    iad_map_box_options options = iad_map_box_defaults((float)threshold);
    options.max_boxes = IAD_RECORD_MAX_BOXES;
    iad_map_box *found = NULL;
    size_t n = 0;
    IAD_TRY(iad_map_boxes(plane, &options, &found, &n, err));
    r->n_boxes = (int)(n < IAD_RECORD_MAX_BOXES ? n : IAD_RECORD_MAX_BOXES);
    for (int i = 0; i < r->n_boxes; i++)
        r->boxes[i] = (iadgpt_box){found[i].box.x0, found[i].box.y0, found[i].box.x1, found[i].box.y1, found[i].peak};
    free(found);
    return IAD_OK;
}

static iad_status save(const char *dir, const char *name, const char *extension, const iad_buf *bytes, iad_err *err) {
    char file[IAD_PATH_MAX], path[IAD_PATH_MAX];
    if (!iad_path_safe(name)) return IAD_FAIL(err, IAD_ERR_FORMAT, "\"%s\" is no name for a file", name);
    if (snprintf(file, sizeof file, "%s%s", name, extension) >= (int)sizeof file) return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: name too long", name);
    IAD_TRY(iad_path_join(path, sizeof path, dir, file, err));
    return iad_file_write(path, bytes->data, bytes->len, err);
}

static iad_status write_map(const iad_record *r, const iad_plane *plane, const char *dir, iad_err *err) {
    iad_image16 image = {0};
    IAD_TRY(iad_image16_init(&image, plane->width, plane->height, err));
    size_t n = (size_t)plane->width * (size_t)plane->height;
    for (size_t i = 0; i < n; i++) image.px[i] = (uint16_t)(plane->px[i] * 65535.0 + 0.5);
    iad_buf out;
    iad_buf_init(&out, MAX_ENCODED);
    iad_status status = iad_encode_png16(&image, -1, &out, err);
    if (status == IAD_OK) status = save(dir, r->name, ".png", &out, err);
    iad_buf_deinit(&out);
    iad_image16_deinit(&image);
    return status;
}

static iad_status draw(const iad_record *r, const iad_plane *plane, const iad_map_output *o, iad_image *image, iad_err *err) {
    if (image->width != plane->width || image->height != plane->height)
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: the picture has changed since it was inspected", r->file);
    IAD_TRY(iad_draw_heat(image, plane, 0, 1, 0.6, err));
    int side = image->width < image->height ? image->width : image->height;
    int thick = side / 200 < 1 ? 1 : side / 200 > 8 ? 8 : side / 200, letters = side / 400 < 1 ? 1 : side / 400;
    const iad_rgb red = {255, 64, 64}, green = {80, 220, 120}, white = {255, 255, 255}, black = {0, 0, 0};
    for (int i = 0; i < r->n_boxes; i++) iad_draw_rect(image, r->boxes[i].x0, r->boxes[i].y0, r->boxes[i].x1 + 1, r->boxes[i].y1 + 1, red, thick);
    char text[64];
    int verdict = o->has_threshold ? iad_verdict(r->score, o->threshold) : -1;
    snprintf(text, sizeof text, "%.4f%s", r->score, verdict < 0 ? "" : verdict ? " anomalous" : " normal");
    iad_draw_fill(image, 0, 0, iad_text_width(text, letters) + 4 * letters, iad_text_height(letters) + 2 * letters, black);
    iad_draw_text(image, 2 * letters, letters, text, verdict < 0 ? white : verdict ? red : green, letters);
    return IAD_OK;
}

static iad_status write_overlay(const iad_record *r, const iad_plane *plane, const iad_map_output *o, iad_err *err) {
    iad_image image = {0};
    const iad_decode_options decode = {.channels = 3};
    IAD_TRY(iad_image_load(r->file, &decode, &image, NULL, err));
    iad_buf out;
    iad_buf_init(&out, MAX_ENCODED);
    iad_status status = draw(r, plane, o, &image, err);
    if (status == IAD_OK) status = iad_encode_jpeg(&image, NULL, &out, err);
    if (status == IAD_OK) status = save(o->overlay_dir, r->name, ".jpg", &out, err);
    iad_buf_deinit(&out);
    iad_image_deinit(&image);
    return status;
}

iad_status iad_record_finish(iad_record *r, const iad_map_output *o, iad_err *err) {
    r->finished = 1;
    r->n_boxes = 0;
    if (!r->grid) return IAD_OK;
    const iad_resize_record size = {.source_h = r->source_h, .source_w = r->source_w, .resized_h = r->resized_h, .resized_w = r->resized_w};
    iad_plane plane = {0};
    IAD_TRY(iad_map_to_picture(r->grid, r->grid_h, r->grid_w, &size, &plane, err));
    scale(&plane, o->lo, o->hi);
    iad_status status = find_boxes(r, &plane, o->box_threshold, err);
    if (status == IAD_OK && o->map_dir) status = write_map(r, &plane, o->map_dir, err);
    if (status == IAD_OK && o->overlay_dir) status = write_overlay(r, &plane, o, err);
    iad_plane_deinit(&plane);
    return status;
}

iad_status iad_map_entry(const iad_record *r, int first, iad_buf *out, iad_err *err) {
    if (!r->grid) return IAD_OK;
    char file[IAD_PATH_MAX];
    snprintf(file, sizeof file, "%s.png", r->name);
    IAD_TRY(iad_buf_add_str(out, first ? "\n  {\"file\":" : ",\n  {\"file\":", err));
    IAD_TRY(iad_json_name(r->file, out, err));
    IAD_TRY(iad_buf_add_str(out, ",\"map\":", err));
    IAD_TRY(iad_json_name(file, out, err));
    IAD_TRY(iad_buf_addf(out, err, ",\"grid\":[%d,%d],\"min\":", r->grid_w, r->grid_h));
    IAD_TRY(iad_json_f32(r->lo, out, err));
    IAD_TRY(iad_buf_add_str(out, ",\"max\":", err));
    IAD_TRY(iad_json_f32(r->hi, out, err));
    IAD_TRY(iad_buf_add_str(out, ",\"f32\":\"", err));
    IAD_TRY(iad_base64(out, r->grid, (size_t)r->grid_w * (size_t)r->grid_h * sizeof *r->grid, err));
    return iad_buf_add_str(out, "\"}", err);
}

iad_status iad_map_sidecar(const iad_map_output *o, const char *range, const char *key, const iad_buf *entries, iad_err *err) {
    char path[IAD_PATH_MAX];
    iad_buf out;
    iad_buf_init(&out, (size_t)1 << 33);
    iad_status status = iad_path_join(path, sizeof path, o->map_dir, "maps.json", err);
    if (status == IAD_OK) status = iad_buf_addf(&out, err, "{\"exemplars\":\"%s\",\"range\":\"%s\",\"lo\":", key, range);
    if (status == IAD_OK) status = iad_json_f32(o->lo, &out, err);
    if (status == IAD_OK) status = iad_buf_add_str(&out, ",\"hi\":", err);
    if (status == IAD_OK) status = iad_json_f32(o->hi, &out, err);
    if (status == IAD_OK)
        status = iad_buf_add_str(&out,
                                 ",\"value\":\"lo + (hi - lo) * pixel / 65535, clamped to lo..hi; f32 holds the exact values of the grid, row by "
                                 "row, "
                                       "little-endian, and the picture is their bilinear enlargement\",\"maps\":[", err);
    if (status == IAD_OK) status = iad_buf_add_str(&out, iad_buf_str(entries), err);
    if (status == IAD_OK) status = iad_buf_add_str(&out, "\n]}\n", err);
    if (status == IAD_OK) status = iad_file_write(path, out.data, out.len, err);
    iad_buf_deinit(&out);
    return status;
}
