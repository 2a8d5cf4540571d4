/* The one EXIF fact that changes pixels: the orientation. */
#ifndef IAD_IMAGE_EXIF_H
#define IAD_IMAGE_EXIF_H

#include <stddef.h>
#include <stdint.h>

/* `tiff` is an EXIF block (CIPA DC-008: a TIFF file of one or more directories), with or without a leading
 * "Exif\0\0". Returns tag 0x0112 of the first directory, 1..8; 0 when it is absent or the block is broken. */
int iad_exif_orientation(const uint8_t *tiff, size_t n);

/* 1 when the orientation exchanges width and height. */
static inline int iad_exif_swaps(int orientation) { return orientation >= 5 && orientation <= 8; }

/* Turns a picture as an orientation of 1..8 demands: src is [height][width][pixel_bytes] as stored, dst is the
 * upright picture (sides exchanged where iad_exif_swaps). pixel_bytes 1, 2 or 3. The two must not overlap. */
void iad_exif_turn(const uint8_t *src, int width, int height, int pixel_bytes, int orientation, uint8_t *dst);

#endif
