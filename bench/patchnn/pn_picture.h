/* The working picture: float planes of one common area, and its turned copies. */
#ifndef IAD_BENCH_PATCHNN_PN_PICTURE_H
#define IAD_BENCH_PATCHNN_PN_PICTURE_H

#include "base/image/image.h"
#include "base/status.h"

typedef struct iad_pn_picture {
    int width, height, n_planes; /* 1: luminance; 3: luminance, red - green, yellow - blue */
    float *px;                   /* [n_planes][height][width], luminance 0..1, opponents -1..1, owned */
} iad_pn_picture;

/* Where a picture went when it was turned about its centre: canvas = (c x - s y + tx, s x + c y + ty), in pixel centres. */
typedef struct iad_pn_turn {
    double degrees, c, s, tx, ty;
    int width, height; /* of the canvas, the bounding box of the turned picture */
} iad_pn_turn;

/* Brings any picture to about side^2 pixels with its aspect kept (the longer side is at most 8 * side, the shorter at least 16).
 * n_planes 3 of a grey picture has opponents 0; n_planes 1 of a colour picture is its luminance.
 * Errors: IAD_ERR_ARG (no pixels), IAD_ERR_NOMEM. */
iad_status iad_pn_picture_init(iad_pn_picture *picture, const iad_image *image, int side, int n_planes, iad_err *err);
void iad_pn_picture_deinit(iad_pn_picture *picture);

/* 1 when the picture shows colour: three channels that differ somewhere by more than rounding and chroma noise. */
int iad_pn_picture_has_colour(const iad_image *image);

/* The geometry of a turn of a width x height picture; multiples of 90 degrees are exact. */
iad_pn_turn iad_pn_turn_make(int width, int height, double degrees);
void iad_pn_turn_apply(const iad_pn_turn *turn, double x, double y, double *cx, double *cy);
void iad_pn_turn_undo(const iad_pn_turn *turn, double cx, double cy, double *x, double *y);

/* Bilinear, border replicated. planes: [n][height][width] to [n][turn->height][turn->width]. */
void iad_pn_turn_planes(const iad_pn_turn *turn, const float *planes, int n, int width, int height, float *out);
iad_status iad_pn_picture_turn(const iad_pn_picture *picture, const iad_pn_turn *turn, iad_pn_picture *turned, iad_err *err);

#endif
