/* Which pixels are defect: the difference between a scene and its good twin, seen through the same camera without
 * noise.
 *
 * Two ingredients: the support (pixels with a surface point whose height, material or slope the defect changed) and the
 * visible change (largest channel difference of the two noise-free pictures, in 8-bit levels). A pixel belongs to the
 * mask if
 *   1. it is in the support and changed by at least IAD_MASK_INSIDE levels (about twice the sensor noise), or
 *   2. it is outside and changed by at least IAD_MASK_OUTSIDE levels: thrown shadows, reflections and the lens' blur
 * count only where anybody would see them, as people who draw masks do, or
 *   3. it is in the support and closes a gap between such pixels (two pixels wide at 256): where old and new surface
 * happen to look alike. Groups of fewer than 4 pixels (at 256; scaled) are dropped. */
#ifndef IAD_RENDER_DEFECTMASK_H
#define IAD_RENDER_DEFECTMASK_H

#include "base/image/image.h"
#include "synth/render/scene.h"

#define IAD_MASK_INSIDE 6.0f
#define IAD_MASK_OUTSIDE 24.0f

/* good, bad: supersampled surface grids; good_coded, bad_coded: [side][side][3] noise-free pictures, 0..255.
 * mask: initialised here, one channel, 0 or 255; *area: number of set pixels. Errors: IAD_ERR_NOMEM. */
iad_status iad_defect_mask(const iad_surface *good, const iad_surface *bad, const float *good_coded,
                           const float *bad_coded, int side, iad_image *mask, size_t *area, iad_err *err);

#endif
