/* Rectangles, text and copying, clipped. Sums of coordinates are 64-bit, so that no caller can overflow them. */
#include "base/image/draw.h"

#include <limits.h>
#include <string.h>

#include "base/image/font.h"

typedef struct ink {
    uint8_t v[3];
} ink;

static uint8_t grey_of(unsigned r, unsigned g, unsigned b) { return (uint8_t)((19595u * r + 38470u * g + 7471u * b + 0x8000u) >> 16); }

static ink ink_for(const iad_image *image, iad_rgb color) {
    if (image->channels == 3) return (ink){{color.r, color.g, color.b}};
    return (ink){{grey_of(color.r, color.g, color.b), 0, 0}};
}

static void fill64(iad_image *image, int64_t x0, int64_t y0, int64_t x1, int64_t y1, ink dot) {
    if (x0 < 0) x0 = 0;
    if (y0 < 0) y0 = 0;
    if (x1 > image->width) x1 = image->width;
    if (y1 > image->height) y1 = image->height;
    if (x0 >= x1 || y0 >= y1) return;
    const size_t n = (size_t)(x1 - x0), channels = (size_t)image->channels;
    uint8_t *first = iad_image_at(image, (int)x0, (int)y0);
    for (size_t i = 0; i < n; i++) memcpy(first + i * channels, dot.v, channels);
    for (int64_t y = y0 + 1; y < y1; y++) memcpy(iad_image_at(image, (int)x0, (int)y), first, n * channels);
}

static void order(int64_t *a, int64_t *b) {
    if (*a <= *b) return;
    int64_t swap = *a;
    *a = *b;
    *b = swap;
}

void iad_draw_fill(iad_image *image, int x0, int y0, int x1, int y1, iad_rgb color) {
    int64_t left = x0, top = y0, right = x1, bottom = y1;
    order(&left, &right);
    order(&top, &bottom);
    fill64(image, left, top, right, bottom, ink_for(image, color));
}

void iad_draw_rect(iad_image *image, int x0, int y0, int x1, int y1, iad_rgb color, int thickness) {
    int64_t left = x0, top = y0, right = x1, bottom = y1, t = thickness < 1 ? 1 : thickness;
    order(&left, &right);
    order(&top, &bottom);
    const ink dot = ink_for(image, color);
    if (2 * t >= right - left || 2 * t >= bottom - top) {
        fill64(image, left, top, right, bottom, dot);
        return;
    }
    fill64(image, left, top, right, top + t, dot);
    fill64(image, left, bottom - t, right, bottom, dot);
    fill64(image, left, top + t, left + t, bottom - t, dot);
    fill64(image, right - t, top + t, right, bottom - t, dot);
}

static void draw_glyph(iad_image *image, int64_t x, int64_t y, const uint8_t *glyph, int64_t scale, ink dot) {
    for (int row = 0; row < IAD_FONT_HEIGHT; row++) {
        unsigned bits = glyph[row];
        for (int from = 0; from < IAD_FONT_WIDTH;) {
            if (!(bits & (0x80u >> from))) {
                from++;
                continue;
            }
            int to = from + 1;
            while (to < IAD_FONT_WIDTH && bits & (0x80u >> to)) to++;
            fill64(image, x + from * scale, y + row * scale, x + to * scale, y + (row + 1) * scale, dot);
            from = to;
        }
    }
}

void iad_draw_text(iad_image *image, int x, int y, const char *text, iad_rgb color, int scale) {
    const int64_t s = scale < 1 ? 1 : scale;
    const ink dot = ink_for(image, color);
    int64_t at = x, line = y;
    for (; *text; text++) {
        if (*text == '\n') {
            at = x;
            line += IAD_FONT_HEIGHT * s;
            continue;
        }
        if (at < image->width && line < image->height && at + IAD_FONT_WIDTH * s > 0 && line + IAD_FONT_HEIGHT * s > 0)
            draw_glyph(image, at, line, iad_font_glyph((unsigned char)*text), s, dot);
        at += IAD_FONT_WIDTH * s;
    }
}

int iad_text_width(const char *text, int scale) {
    int64_t s = scale < 1 ? 1 : scale, longest = 0, n = 0;
    for (; *text; text++) {
        n = *text == '\n' ? 0 : n + 1;
        if (n > longest) longest = n;
    }
    if (longest > INT_MAX / (IAD_FONT_WIDTH * s)) return INT_MAX;
    return (int)(longest * IAD_FONT_WIDTH * s);
}

int iad_text_height(int scale) {
    if (scale < 1) scale = 1;
    return scale > INT_MAX / IAD_FONT_HEIGHT ? INT_MAX : IAD_FONT_HEIGHT * scale;
}

void iad_draw_image(iad_image *dst, const iad_image *src, int x, int y) {
    int64_t left = x < 0 ? -(int64_t)x : 0, top = y < 0 ? -(int64_t)y : 0; /* in src */
    int64_t right = (int64_t)dst->width - x, bottom = (int64_t)dst->height - y;
    if (right > src->width) right = src->width;
    if (bottom > src->height) bottom = src->height;
    if (left >= right || top >= bottom) return;
    const size_t n = (size_t)(right - left);
    for (int64_t row = top; row < bottom; row++) {
        const uint8_t *from = iad_image_at(src, (int)left, (int)row);
        uint8_t *to = iad_image_at(dst, (int)(x + left), (int)(y + row));
        if (dst->channels == src->channels)
            memcpy(to, from, n * (size_t)dst->channels);
        else if (dst->channels == 3)
            for (size_t i = 0; i < n; i++) to[3 * i] = to[3 * i + 1] = to[3 * i + 2] = from[i];
        else
            for (size_t i = 0; i < n; i++) to[i] = grey_of(from[3 * i], from[3 * i + 1], from[3 * i + 2]);
    }
}
