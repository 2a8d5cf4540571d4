/* A patch embedding that is no noise: a cosine transform of the patch in three opponent colours, lowest frequencies first, each coefficient
 * divided by its usual size in photographs. Random filters see little but a patch's mean, which is some forty times larger than what a
 * scratch changes; a tower that is trained from nothing on few pictures starts from here at fine detail of the same size as the mean. */
#ifndef IAD_MODEL_COSINEPATCH_H
#define IAD_MODEL_COSINEPATCH_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "runtime/model/config.h"

enum { IAD_COSINE_MAX_FILTERS = 3 * 32 * 32 };

/* Filter of output channel i: colour (0 luminance, 1 red against blue, 2 green against both) and frequency in half periods per patch. */
typedef struct iad_cosine_filter { int colour, v, h; double gain; } iad_cosine_filter;

/* filters [v->hidden]. IAD_ERR_ARG when the tower has no three input channels, a patch side above 32, or more channels than a patch has
 * coefficients (3 patch^2). */
iad_status iad_cosine_filters(const iad_vision_config *v, iad_cosine_filter *filters, iad_err *err);

/* Elements first .. first + n - 1 of visual.patch_embed.proj.weight [hidden][3][temporal][patch][patch]. */
void iad_cosine_patch(const iad_vision_config *v, const iad_cosine_filter *filters, uint64_t first, size_t n, float *dst);

#endif
