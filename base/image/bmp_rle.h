/* Run lengths of 8- and 4-bit Windows bitmaps. */
#ifndef IAD_IMAGE_BMP_RLE_H
#define IAD_IMAGE_BMP_RLE_H

#include <stddef.h>
#include <stdint.h>

/* Unpacks into zeroed palette indices [height][width], rows in file order. Pixels that the data skips stay 0; runs
 * are cut at the end of their row, rows behind the last one are ignored. 1 when the picture is whole (end code, or
 * the last pixel reached), 0 when the data ends first. */
int iad_bmp_rle(const uint8_t *src, size_t n, int four_bits, uint8_t *indices, size_t width, size_t height);

#endif
