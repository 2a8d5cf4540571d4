/* Conversions of runs of pixels, shared by the decoders and the container. n counts pixels; src and dst do not
 * overlap unless a function says so. All results equal Pillow's for the same input. */
#ifndef IAD_IMAGE_ROWS_H
#define IAD_IMAGE_ROWS_H

#include <stddef.h>
#include <stdint.h>

/* (19595 R + 38470 G + 7471 B + 0x8000) >> 16: ITU-R BT.601 weights in 16-bit fixed point. */
void iad_row_rgb_to_grey(const uint8_t *src, uint8_t *dst, size_t n);
void iad_row_grey_to_rgb(const uint8_t *src, uint8_t *dst, size_t n);

/* Composes on white: round((v * a + 255 * (255 - a)) / 255) for each colour. */
void iad_row_rgba_on_white(const uint8_t *src, uint8_t *dst, size_t n);
void iad_row_greya_on_white(const uint8_t *src, uint8_t *dst, size_t n);

/* CMYK as Adobe programs store it in JPEG files (255 = no ink) to RGB without a colour profile:
 * colour = round(K * C / 255) of the stored values. */
void iad_row_cmyk_to_rgb(const uint8_t *src, uint8_t *dst, size_t n);

void iad_row_bgr_to_rgb(const uint8_t *src, uint8_t *dst, size_t n);
void iad_row_bgrx_to_rgb(const uint8_t *src, uint8_t *dst, size_t n);

/* dst = lut[src], one byte or three bytes a pixel. */
void iad_row_lut1(const uint8_t *src, const uint8_t lut[256], uint8_t *dst, size_t n);
void iad_row_lut3(const uint8_t *src, const uint8_t lut[256][3], uint8_t *dst, size_t n);

#endif
