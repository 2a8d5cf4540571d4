/* A picture as 64 x 64 grey samples, each a mean weighted by a tent: what the PDQ hash starts from. */
#ifndef IAD_CRAWL_TENTGRID_H
#define IAD_CRAWL_TENTGRID_H

#include <stdint.h>

#include "base/image/image.h"

#define IAD_TENT_GRID 64
#define IAD_TENT_ONE 256 /* samples count 1/256 of a grey level: 0 .. 255 * 256 */

/* The picture without `percent` (0..40) of its width at both sides and of its height at top and bottom, whole pixels. Sample (x, y) is
 * the centre of cell (x, y) of a 64 x 64 division; its weight falls linearly to 0 at the cell's border, along both axes (two box
 * filters of half a cell, as PDQ has them; integrated over the pixels exactly). Grey is Pillow's weighting. A mirrored or turned picture gives
 * mirrored or turned samples, exactly. image: 1 or 3 channels. Errors: IAD_ERR_ARG, IAD_ERR_LIMIT (a side beyond IAD_IMAGE_MAX_SIDE). */
iad_status iad_tent_grid(const iad_image *image, int percent, uint16_t sample[IAD_TENT_GRID][IAD_TENT_GRID], iad_err *err);

#endif
