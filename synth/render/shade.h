/* Light on a grid of surface points. */
#ifndef IAD_RENDER_SHADE_H
#define IAD_RENDER_SHADE_H

#include "base/status.h"
#include "synth/render/scene.h"

/* Points per picture pixel and axis. */
#define IAD_SHADE_SUPER 2

/* grid: side*super x side*super surface points, row by row. radiance: [side][side][3] linear light, mean over each pixel's
 * points, before the camera. Every output depends only on points within a bounded reach (shadow and occlusion radius) and is
 * computed without running float sums, so equal neighbourhoods give equal bits.
 * Errors: IAD_ERR_NOMEM. */
iad_status iad_shade(const iad_scene *scene, const iad_surface *grid, int side, float *radiance, iad_err *err);

#endif
