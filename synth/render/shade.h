/* Light on a grid of surface points. */
#ifndef IAD_RENDER_SHADE_H
#define IAD_RENDER_SHADE_H

#include "base/status.h"
#include "synth/render/scene.h"

/* Points per picture pixel and axis. */
#define IAD_SHADE_SUPER 2

/* Pixels x0..x1-1, y0..y1-1. */
typedef struct iad_shade_rect {
    int x0, y0, x1, y1;
} iad_shade_rect;

/* The pixels whose light can change when only the surface points of pixels `changed` do, in a scene of heights
 * low..high: widened by the reach of occlusion and shadows. */
iad_shade_rect iad_shade_reach(const iad_scene *scene, iad_shade_rect changed, float low, float high, int side);

/* grid: side*super x side*super surface points, row by row. radiance: [side][side][3] linear light, mean over each
 * pixel's points, before the camera; only pixels of `rect` are written. Every output depends only on points within a
 * bounded reach (shadow and occlusion radius) and is computed without running float sums, so equal neighbourhoods give
 * equal bits. Errors: IAD_ERR_NOMEM. */
iad_status iad_shade(const iad_scene *scene, const iad_surface *grid, int side, iad_shade_rect rect, float *radiance,
                     iad_err *err);

#endif
