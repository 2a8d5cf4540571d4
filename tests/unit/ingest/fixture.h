/* Little pictures, masks and lists for fixture trees. Everything fails the running test when it cannot be written.
 * A picture is a pattern of its seed, so that two seeds never give the same pixels. */
#ifndef IAD_TEST_INGEST_FIXTURE_H
#define IAD_TEST_INGEST_FIXTURE_H

#include <png.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/image/encode.h"
#include "base/image/image.h"
#include "tests/unit/iad_test.h"

#define FX static __attribute__((unused))

enum { FX_W = 32, FX_H = 24 };

typedef struct fx_rect {
    int x0, y0, x1, y1; /* x1 and y1 exclusive */
    uint8_t r, g, b;    /* r alone for grey masks */
} fx_rect;

FX void fx_ok(iad_status status, const char *what, const iad_err *err) {
    if (status != IAD_OK) fail_msg("fixture %s: %s", what, err->msg);
}

FX void fx_bytes(const char *dir, const char *rel, const void *bytes, size_t n) {
    iad_err err = IAD_ERR_NONE;
    char path[IAD_PATH_MAX];
    fx_ok(iad_path_join(path, sizeof path, dir, rel, &err), rel, &err);
    fx_ok(iad_file_write(path, bytes, n, &err), rel, &err);
}

FX void fx_text(const char *dir, const char *rel, const char *text) { fx_bytes(dir, rel, text, strlen(text)); }

FX void fx_dir(const char *dir, const char *rel) {
    iad_err err = IAD_ERR_NONE;
    char path[IAD_PATH_MAX];
    fx_ok(iad_path_join(path, sizeof path, dir, rel, &err), rel, &err);
    fx_ok(iad_dir_make(path, &err), rel, &err);
}

/* Symbolic link <dir>/<rel> -> target (as given). */
FX void fx_link(const char *dir, const char *rel, const char *target) {
    iad_err err = IAD_ERR_NONE;
    char path[IAD_PATH_MAX], parent[IAD_PATH_MAX];
    fx_ok(iad_path_join(path, sizeof path, dir, rel, &err), rel, &err);
    iad_path_dir(parent, sizeof parent, path);
    fx_ok(iad_dir_make(parent, &err), rel, &err);
    if (symlink(target, path) != 0) fail_msg("fixture link %s", path);
}

FX iad_image fx_pattern(int w, int h, int channels, unsigned seed) {
    iad_err err = IAD_ERR_NONE;
    iad_image image;
    fx_ok(iad_image_init(&image, w, h, channels, &err), "picture", &err);
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++)
            for (int c = 0; c < channels; c++)
                iad_image_at(&image, x, y)[c] =
                    (uint8_t)(((unsigned)x * (3 + seed % 5) + (unsigned)y * (2 + seed % 7) + seed * 37 + (unsigned)c * 60) & 255);
    return image;
}

FX void fx_write_png(const char *dir, const char *rel, iad_image *image) {
    iad_err err = IAD_ERR_NONE;
    iad_buf out;
    iad_buf_init(&out, 1u << 24);
    fx_ok(iad_encode_png(image, -1, &out, &err), rel, &err);
    fx_bytes(dir, rel, out.data, out.len);
    iad_buf_deinit(&out);
    iad_image_deinit(image);
}

FX void fx_png_size(const char *dir, const char *rel, int w, int h, int channels, unsigned seed) {
    iad_image image = fx_pattern(w, h, channels, seed);
    fx_write_png(dir, rel, &image);
}
FX void fx_png(const char *dir, const char *rel, unsigned seed) { fx_png_size(dir, rel, FX_W, FX_H, 3, seed); }
FX void fx_png_grey(const char *dir, const char *rel, unsigned seed) { fx_png_size(dir, rel, FX_W, FX_H, 1, seed); }

FX void fx_png16(const char *dir, const char *rel, int w, int h, unsigned seed) {
    iad_err err = IAD_ERR_NONE;
    iad_image16 image;
    iad_buf out;
    fx_ok(iad_image16_init(&image, w, h, &err), rel, &err);
    for (int i = 0; i < w * h; i++) image.px[i] = (uint16_t)((unsigned)i * 71 + seed);
    iad_buf_init(&out, 1u << 24);
    fx_ok(iad_encode_png16(&image, -1, &out, &err), rel, &err);
    fx_bytes(dir, rel, out.data, out.len);
    iad_buf_deinit(&out);
    iad_image16_deinit(&image);
}

/* keep: percent of the file's bytes that are written (100: a whole file). */
FX void fx_jpeg_cut(const char *dir, const char *rel, int w, int h, int channels, unsigned seed, int keep) {
    iad_err err = IAD_ERR_NONE;
    iad_image image = fx_pattern(w, h, channels, seed);
    iad_buf out;
    iad_buf_init(&out, 1u << 24);
    fx_ok(iad_encode_jpeg(&image, NULL, &out, &err), rel, &err);
    fx_bytes(dir, rel, out.data, out.len * (size_t)keep / 100);
    iad_buf_deinit(&out);
    iad_image_deinit(&image);
}
FX void fx_jpeg(const char *dir, const char *rel, unsigned seed) { fx_jpeg_cut(dir, rel, FX_W, FX_H, 3, seed, 100); }
FX void fx_jpeg_grey(const char *dir, const char *rel, unsigned seed) { fx_jpeg_cut(dir, rel, FX_W, FX_H, 1, seed, 100); }

static inline void fx_le(uint8_t *at, unsigned value, int n) {
    for (int i = 0; i < n; i++) at[i] = (uint8_t)(value >> (8 * i));
}

/* 24-bit bottom-up BMP of an image (1 or 3 channels); takes the image. */
FX void fx_write_bmp(const char *dir, const char *rel, iad_image *image) {
    size_t stride = ((size_t)image->width * 3 + 3) / 4 * 4, n = 54 + stride * (size_t)image->height;
    uint8_t *out = iad_calloc(n, 1);
    assert_non_null(out);
    out[0] = 'B', out[1] = 'M';
    fx_le(out + 2, (unsigned)n, 4), fx_le(out + 10, 54, 4), fx_le(out + 14, 40, 4);
    fx_le(out + 18, (unsigned)image->width, 4), fx_le(out + 22, (unsigned)image->height, 4);
    fx_le(out + 26, 1, 2), fx_le(out + 28, 24, 2), fx_le(out + 34, (unsigned)(n - 54), 4);
    for (int y = 0; y < image->height; y++)
        for (int x = 0; x < image->width; x++) {
            uint8_t *to = out + 54 + stride * (size_t)(image->height - 1 - y) + (size_t)x * 3;
            const uint8_t *px = iad_image_at(image, x, y);
            for (int c = 0; c < 3; c++) to[c] = image->channels == 3 ? px[2 - c] : px[0];
        }
    fx_bytes(dir, rel, out, n);
    free(out);
    iad_image_deinit(image);
}
FX void fx_bmp(const char *dir, const char *rel, unsigned seed) {
    iad_image image = fx_pattern(FX_W, FX_H, 3, seed);
    fx_write_bmp(dir, rel, &image);
}

/* Black picture of w x h with rectangles. */
FX iad_image fx_rects(int w, int h, int channels, const fx_rect *rects, size_t n) {
    iad_err err = IAD_ERR_NONE;
    iad_image image;
    fx_ok(iad_image_init(&image, w, h, channels, &err), "mask", &err);
    for (size_t i = 0; i < n; i++)
        for (int y = rects[i].y0; y < rects[i].y1; y++)
            for (int x = rects[i].x0; x < rects[i].x1; x++) {
                const uint8_t value[3] = {rects[i].r, rects[i].g, rects[i].b};
                memcpy(iad_image_at(&image, x, y), value, (size_t)channels);
            }
    return image;
}
FX void fx_mask_rects(const char *dir, const char *rel, int channels, const fx_rect *rects, size_t n) {
    iad_image image = fx_rects(FX_W, FX_H, channels, rects, n);
    fx_write_png(dir, rel, &image);
}
/* One 8 x 6 rectangle of `value` at x, y: a grey 8-bit mask. */
FX void fx_mask(const char *dir, const char *rel, int x, int y, uint8_t value) {
    const fx_rect rect = {x, y, x + 8, y + 6, value, value, value};
    fx_mask_rects(dir, rel, 1, &rect, 1);
}
FX void fx_mask_empty(const char *dir, const char *rel) { fx_mask_rects(dir, rel, 1, NULL, 0); }

/* 1-bit grey PNG of the same rectangle. */
FX void fx_mask_1bit(const char *dir, const char *rel, int x, int y) {
    iad_err err = IAD_ERR_NONE;
    const fx_rect rect = {x, y, x + 8, y + 6, 255, 0, 0};
    iad_image image = fx_rects(FX_W, FX_H, 1, &rect, 1);
    iad_buf out;
    iad_buf_init(&out, 1u << 20);
    fx_ok(iad_encode_png1(&image, &out, &err), rel, &err);
    fx_bytes(dir, rel, out.data, out.len);
    iad_buf_deinit(&out);
    iad_image_deinit(&image);
}

/* Palette PNG: pixel indices are the rectangles' r values, colour i of the palette is colors[i]. */
FX void fx_mask_palette(const char *dir, const char *rel, const fx_rect *rects, size_t n, const uint8_t (*colors)[3], int n_colors) {
    char path[IAD_PATH_MAX];
    iad_err err = IAD_ERR_NONE;
    iad_image image = fx_rects(FX_W, FX_H, 1, rects, n);
    fx_text(dir, rel, ""); /* makes the folders */
    fx_ok(iad_path_join(path, sizeof path, dir, rel, &err), rel, &err);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    if (setjmp(png_jmpbuf(png))) fail_msg("fixture %s", path);
    png_color palette[256] = {{0, 0, 0}};
    for (int i = 0; i < n_colors; i++) palette[i] = (png_color){colors[i][0], colors[i][1], colors[i][2]};
    png_init_io(png, file);
    png_set_IHDR(png, info, (png_uint_32)image.width, (png_uint_32)image.height, 8, PNG_COLOR_TYPE_PALETTE, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_set_PLTE(png, info, palette, n_colors);
    png_write_info(png, info);
    for (int y = 0; y < image.height; y++) png_write_row(png, image.px + (size_t)y * (size_t)image.width);
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    fclose(file);
    iad_image_deinit(&image);
}

#endif
