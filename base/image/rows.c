#include "base/image/rows.h"

/* round(x / 255) for 0 <= x <= 255 * 255, exact, without a division. */
static inline uint8_t div255(uint32_t x) {
    x += 128;
    return (uint8_t)((x + (x >> 8)) >> 8);
}

static inline uint8_t on_white(uint32_t value, uint32_t alpha) { return div255(value * alpha + 255 * (255 - alpha)); }

void iad_row_rgb_to_grey(const uint8_t *restrict src, uint8_t *restrict dst, size_t n) {
    for (size_t i = 0; i < n; i++)
        dst[i] = (uint8_t)((19595u * src[3 * i] + 38470u * src[3 * i + 1] + 7471u * src[3 * i + 2] + 0x8000u) >> 16);
}

void iad_row_grey_to_rgb(const uint8_t *restrict src, uint8_t *restrict dst, size_t n) {
    for (size_t i = 0; i < n; i++) dst[3 * i] = dst[3 * i + 1] = dst[3 * i + 2] = src[i];
}

void iad_row_rgba_on_white(const uint8_t *restrict src, uint8_t *restrict dst, size_t n) {
    for (size_t i = 0; i < n; i++) {
        uint32_t alpha = src[4 * i + 3];
        for (int c = 0; c < 3; c++) dst[3 * i + c] = on_white(src[4 * i + c], alpha);
    }
}

void iad_row_greya_on_white(const uint8_t *restrict src, uint8_t *restrict dst, size_t n) {
    for (size_t i = 0; i < n; i++) dst[i] = on_white(src[2 * i], src[2 * i + 1]);
}

/* Pillow inverts the stored values and takes nk - round((255 - C) nk / 255), nk = the stored K. That equals
 * round(C K / 255): a quotient by 255 never ends in one half. */
void iad_row_cmyk_to_rgb(const uint8_t *restrict src, uint8_t *restrict dst, size_t n) {
    for (size_t i = 0; i < n; i++) {
        uint32_t k = src[4 * i + 3];
        for (int c = 0; c < 3; c++) dst[3 * i + c] = div255(src[4 * i + c] * k);
    }
}

void iad_row_bgr_to_rgb(const uint8_t *restrict src, uint8_t *restrict dst, size_t n) {
    for (size_t i = 0; i < n; i++) {
        uint8_t b = src[3 * i], g = src[3 * i + 1], r = src[3 * i + 2];
        dst[3 * i] = r;
        dst[3 * i + 1] = g;
        dst[3 * i + 2] = b;
    }
}

void iad_row_bgrx_to_rgb(const uint8_t *restrict src, uint8_t *restrict dst, size_t n) {
    for (size_t i = 0; i < n; i++) {
        dst[3 * i] = src[4 * i + 2];
        dst[3 * i + 1] = src[4 * i + 1];
        dst[3 * i + 2] = src[4 * i];
    }
}

void iad_row_lut1(const uint8_t *restrict src, const uint8_t lut[256], uint8_t *restrict dst, size_t n) {
    for (size_t i = 0; i < n; i++) dst[i] = lut[src[i]];
}

void iad_row_lut3(const uint8_t *restrict src, const uint8_t lut[256][3], uint8_t *restrict dst, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const uint8_t *entry = lut[src[i]];
        dst[3 * i] = entry[0];
        dst[3 * i + 1] = entry[1];
        dst[3 * i + 2] = entry[2];
    }
}
