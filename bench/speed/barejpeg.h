/* libjpeg-turbo alone: the least that reading a JPEG costs. */
#ifndef IAD_SPEED_BAREJPEG_H
#define IAD_SPEED_BAREJPEG_H

#include <stddef.h>
#include <stdint.h>

#include "base/image/image.h"

#define IAD_BARE_ROW_BYTES (8u * IAD_IMAGE_MAX_SIDE)

/* Decodes bytes[n] row by row into row[IAD_BARE_ROW_BYTES], with the library's defaults. Pixels decoded, 0 for a broken file. */
uint64_t iad_bare_jpeg(const uint8_t *bytes, size_t n, uint8_t *row);

#endif
