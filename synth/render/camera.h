/* From linear light to 8-bit pixels: lens, sensor noise, tone curve. */
#ifndef IAD_RENDER_CAMERA_H
#define IAD_RENDER_CAMERA_H

#include "base/image/image.h"
#include "synth/render/scene.h"

/* radiance [side][side][3] -> coded [side][side][3], values 0..255 (float, without noise). Same bits for equal
 * neighbourhoods (the lens reaches 7 pixels at most). Errors: IAD_ERR_NOMEM. */
iad_status iad_camera_expose(const iad_camera *camera, const float *radiance, int side, float *coded, iad_err *err);

/* coded + noise -> picture (RGB, initialised here). The noise of a pixel depends on its position, on `seed` and on its
 * own brightness, on nothing else. */
iad_status iad_camera_develop(const iad_camera *camera, const float *coded, int side, uint32_t seed, iad_image *picture,
                              iad_err *err);

#endif
