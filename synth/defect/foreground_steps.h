/* The steps of foreground.c, for it and for tests. All on pictures of the working size. */
#ifndef IAD_SYNTH_FOREGROUND_STEPS_H
#define IAD_SYNTH_FOREGROUND_STEPS_H

#include "base/image/image.h"
#include "base/status.h"

/* One channel (0..2 of a colour picture; else grey) as a picture of its own. */
iad_status iad_fg_plane(const iad_image *picture, int channel, iad_image *plane, iad_err *err);
/* Thresholds: foreground is > level. Otsu 1979: largest between-class variance, the lowest level of ties. Triangle (Zack 1977): the level farthest
 * from the line between the histogram's peak and its longer tail's end. */
int iad_fg_otsu(const iad_image *plane);
int iad_fg_triangle(const iad_image *plane);
/* Farther from the outer 3 % ring's median than max(6 MAD, 12) in any channel. *mask is initialised here. */
iad_status iad_fg_unlike_border(const iad_image *picture, iad_image *mask, iad_err *err);
/* Closes, then opens with squares of these sides (at a shorter side of 256, scaled to the mask's); 0: not. In place. */
iad_status iad_fg_clean(iad_image *mask, int close_px, int open_px, iad_err *err);
/* Where the largest 8-connected region does not touch the picture's border, those that do are surroundings (a table's edge, a clamp) and are erased.
 * In place. */
iad_status iad_fg_drop_surroundings(iad_image *mask, iad_err *err);
/* Share of all pixels, and of the outer 3 % ring, that is set. */
void iad_fg_shares(const iad_image *mask, double *area, double *border);

#endif
