/* Irregular covers out of gradient noise, for the generators perlin and shuffle. */
#ifndef IAD_SYNTH_NOISEMASK_H
#define IAD_SYNTH_NOISEMASK_H

#include "synth/defect/defect.h"
#include "synth/defect/perlinnoise.h"

/* The cover is where the noise is above a threshold, in one box of the picture, on the foreground. Published: the box is the picture, the threshold
 * 0.5 (DRAEM). Else the box has about twice the wanted area and the noise sinks towards its elliptic rim, so that no straight border shows. */
typedef struct iad_noise_mask {
    iad_perlin noise[2];
    int variant;       /* 0: the first alone, 1: union, 2: intersection (GLASS) */
    int64_t threshold; /* 1/1000000 */
    int island;        /* 1: the elliptic rim */
    int64_t x, y, w, h;
} iad_noise_mask;

/* IAD_ERR_NOT_FOUND when there is no place for it on the foreground. An island may still miss a foreground with holes: whoever draws looks at what
 * can be seen. */
iad_status iad_noise_mask_draw(const iad_defect_scene *scene, const iad_defect_size *size, iad_rng *rng, iad_noise_mask *mask, iad_err *err);
int iad_noise_mask_json(const iad_noise_mask *mask, json_t *params); /* 0: out of memory */
iad_status iad_noise_mask_parse(const iad_defect_scene *scene, const json_t *params, iad_noise_mask *mask, iad_err *err);
/* The cover in its box; *area receives its pixels. */
iad_status iad_noise_mask_cover(const iad_defect_scene *scene, const iad_noise_mask *mask, iad_image *cover, int64_t *area, iad_err *err);

#endif
