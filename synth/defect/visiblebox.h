/* The work behind iad_visible_mask, on a piece of the picture: for trying a defect without a copy of the whole picture. */
#ifndef IAD_SYNTH_VISIBLEBOX_H
#define IAD_SYNTH_VISIBLEBOX_H

#include "synth/defect/visible.h"

/* Pixels of `box` (inside the picture, not empty); each pointer is the box's upper left pixel, strides in bytes. Outside of the box nothing changed.
 */
typedef struct iad_visible_box {
    int width, height;  /* of the whole picture */
    int channels;       /* of before and after: 1 or 3 */
    iad_rect box;
    const uint8_t *before, *after, *geom;
    size_t before_stride, after_stride, geom_stride;
    uint8_t *vis;       /* every pixel of the box is written: 0 or 255 */
    size_t vis_stride;
} iad_visible_box;

/* Errors: IAD_ERR_ARG (box, rule), IAD_ERR_NOMEM. */
iad_status iad_visible_in_box(const iad_visible_box *work, const iad_foreground *fg, int grow, const iad_visible_rule *rule, iad_visible_facts *facts,
                              iad_err *err);

#endif
