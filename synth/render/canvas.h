/* One drawn scene, from dice to the noise-free picture. */
#ifndef IAD_RENDER_CANVAS_H
#define IAD_RENDER_CANVAS_H

#include "synth/render/render.h"

/* Random streams of a seed. Tries of a defect take STREAM_DEFECT, STREAM_DEFECT + 1, ... */
enum { IAD_STREAM_PATTERN = 1, IAD_STREAM_POSE, IAD_STREAM_GRAIN, IAD_STREAM_NOISE, IAD_STREAM_DEFECT = 16 };

typedef struct iad_canvas {
    iad_surface *grid;       /* [side * super][side * super] */
    float *radiance, *coded; /* [side][side][3]: linear light; after lens and tone curve, 0..255 */
    iad_camera camera;
} iad_canvas;

/* Draws defect `kind` (-1: the good part; job->kind is not used), try number `attempt`, into *c (all zero, or drawn
 * before with the same side: its memory is used again). `twin` is NULL or the good part's canvas: then only what the
 * defect can change is lit anew, with the same bits as without it. Errors: IAD_ERR_NOMEM. */
iad_status iad_canvas_draw(const iad_render_job *job, int kind, int attempt, const iad_canvas *twin, iad_canvas *c,
                           iad_err *err);
void iad_canvas_deinit(iad_canvas *c);

/* What a draw starts from: the dice of a picture (job->kind is not used), and the neutral studio that families change. */
void iad_canvas_dice(const iad_render_job *job, int kind, int attempt, iad_dice *dice);
void iad_canvas_scene(iad_scene *scene);

/* First word of a stream. */
uint32_t iad_render_word(uint64_t seed, uint64_t stream);

#endif
