/* Layers into a picture. out = alpha content + (1 - alpha) dst inside the cover (synth-data 1.1: alpha is the weight of what is inserted). */
#ifndef IAD_SYNTH_BLEND_H
#define IAD_SYNTH_BLEND_H

#include "synth/defect/defect.h"

typedef enum iad_blend_mode { IAD_BLEND_HARD = 0, IAD_BLEND_FEATHER, IAD_BLEND_POISSON, IAD_BLEND_MIXED } iad_blend_mode;
const char *iad_blend_name(iad_blend_mode mode);             /* hard | feather | poisson | mixed */
int iad_blend_parse(const char *name, iad_blend_mode *mode); /* 0: no such mode */

typedef struct iad_blend {
    iad_blend_mode mode;
    int opacity;  /* alpha in 1/1000000 */
    int feather;  /* FEATHER: Gaussian sigma of the cover in 1/1000 pixel (500..2000); else 0 */
} iad_blend;

/* Blends the layer into picture (in place). Only pixels of the layer's box, for FEATHER of the box widened by ceil(3 sigma), change.
 * HARD: cover as it is. FEATHER: cover smoothed, content's edge pixels go on outwards; at the picture's edge nothing fades. POISSON: gradients of
 * the content, Dirichlet border from the picture (Perez 2003); MIXED: per pixel and direction the larger gradient of content and picture. Cover
 * below 128 counts as outside for these two, and a piece that touches the box's border keeps one pixel of border. Then opacity. Alpha 0 changes
 * nothing. Errors: IAD_ERR_ARG (box outside, channels, sizes, opacity, feather above 10000), IAD_ERR_NOMEM. */
iad_status iad_blend_layer(iad_image *picture, const iad_defect_layer *layer, const iad_blend *blend, iad_err *err);

/* Solves the Poisson equation on the pixels with inside[i] != 0 of a w x h box: value[] holds the boundary where inside is 0 and gets the
 * solution elsewhere; div[] is the wanted Laplacian (4 f - sum of neighbours). Pixels on the box's border must be outside. Exact (DST-I) when
 * inside is a full rectangle, else multigrid to 0.05 grey levels. Same bits everywhere. Errors: IAD_ERR_ARG, IAD_ERR_NOMEM. */
iad_status iad_poisson_solve(int w, int h, const uint8_t *inside, const float *div, float *value, iad_err *err);

#endif
