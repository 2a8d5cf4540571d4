/* The built-in bitmap font: printable ASCII in cells of 8 x 13, drawn for this suite. Internal to base/image. */
#ifndef IAD_IMAGE_FONT_H
#define IAD_IMAGE_FONT_H

#include <stdint.h>

#define IAD_FONT_WIDTH 8
#define IAD_FONT_HEIGHT 13

/* 13 rows from the top, bit 7 leftmost. Bytes outside 32..126 give a hollow box. */
const uint8_t *iad_font_glyph(unsigned char byte);

#endif
