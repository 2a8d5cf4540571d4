/* What changed visibly, and whether that is enough to call it a defect (synth-data 1.1). */
#ifndef IAD_SYNTH_VISIBLE_H
#define IAD_SYNTH_VISIBLE_H

#include "synth/defect/foreground.h"

/* A rectangle of the picture; x1 and y1 exclusive. */
typedef struct iad_rect { int x0, y0, x1, y1; } iad_rect;

typedef struct iad_visible_rule {
    int tol;            /* grey levels: 1 as NSA, default 3 after a 3x3 mean */
    int tol_beside;     /* the same farther than 2 % of the shorter side from the object, at least tol: 12; 255: nothing there counts */
    int smooth;         /* 1: 3x3 mean of the differences before the threshold */
    double min_share;   /* of geom: 0.25 */
    int min_pixels;     /* 24 */
    double min_mean;    /* mean difference over the visible pixels: 4 */
} iad_visible_rule;
#define IAD_VISIBLE_DEFAULT ((iad_visible_rule){3, 12, 1, 0.25, 24, 4.0})

typedef struct iad_visible_facts {
    int64_t geom_area, vis_area;
    double delta_mean, delta_max; /* mean over channels of |after - before|, over the visible pixels */
    iad_rect box;                 /* of the visible pixels; empty when there are none */
    int enough;                   /* 1: passes the rule */
} iad_visible_facts;

/* before, after: the same size and channels, equal outside of `changed`. geom: one channel, where was pasted (0 / non-zero). vis is a zeroed
 * one-channel picture of that size and gets 255 where: mean difference > tol (smoothed), median 5x5, inside geom grown by `grow` pixels, closed with
 * radius S/256 (S the shorter side). Outside of the foreground grown by 2 % of S (fg may be NULL) tol_beside takes the place of tol, so that a faint
 * halo on the background does not count and a piece that hangs over the object's edge does. Work is done in `changed` only. */
iad_status iad_visible_mask(const iad_image *before, const iad_image *after, const iad_image *geom, const iad_foreground *fg, iad_rect changed,
                            int grow, const iad_visible_rule *rule, iad_image *vis, iad_visible_facts *facts, iad_err *err);

#endif
