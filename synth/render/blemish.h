/* Shapes of damage that many families share. Each is drawn once per picture (…_make) and then asked at every surface
 * point (…_at) what it does there; the family decides what that means for height, colour and gloss. */
#ifndef IAD_RENDER_BLEMISH_H
#define IAD_RENDER_BLEMISH_H

#include "base/rng.h"

#define IAD_STROKE_POINTS 24
#define IAD_CRACK_SEGMENTS 72

/* A drawn line: scratch, cut, fold, hair. */
typedef struct iad_stroke {
    float px[IAD_STROKE_POINTS], py[IAD_STROKE_POINTS];
    int n;
    float width;          /* half width at its widest */
    float x0, y0, x1, y1; /* bounding box with room for four widths */
} iad_stroke;

/* From (x, y) in direction `turns`, `length` long; `wobble` bends it (0 straight .. 1 curly). */
void iad_stroke_make(iad_stroke *stroke, iad_rng *rng, float x, float y, float turns, float length, float width,
                     float wobble);

/* Distance from the line in half widths (1 at its edge), tapering towards both ends; 9 where far away. *along: 0..1. */
float iad_stroke_at(const iad_stroke *stroke, float x, float y, float *along);

/* A crack: a ragged main line with side branches. */
typedef struct iad_crack {
    float ax[IAD_CRACK_SEGMENTS], ay[IAD_CRACK_SEGMENTS], bx[IAD_CRACK_SEGMENTS], by[IAD_CRACK_SEGMENTS];
    float wa[IAD_CRACK_SEGMENTS], wb[IAD_CRACK_SEGMENTS]; /* half widths at both ends */
    int n;
    float x0, y0, x1, y1;
} iad_crack;

/* Starts at (x, y), runs in direction `turns` for about `length`; half width `width` at its start, thinning out;
 * `branches` 0..5. */
void iad_crack_make(iad_crack *crack, iad_rng *rng, float x, float y, float turns, float length, float width,
                    int branches);

/* Signed distance to the crack's edge: negative inside. 9 where far away. */
float iad_crack_at(const iad_crack *crack, float x, float y);

/* A patch with an irregular outline: stain, chip, hole, dent. */
typedef struct iad_blob {
    float x, y, c, s, rx, ry; /* centre, direction, half axes */
    float ragged;             /* 0 ellipse .. 1 torn outline */
    float detail;             /* features of the outline per radius */
    uint32_t seed;
} iad_blob;

void iad_blob_make(iad_blob *blob, iad_rng *rng, float x, float y, float radius, float aspect, float ragged);

/* Distance from the centre in units of the outline: 0 centre, 1 outline, 9 far away. */
float iad_blob_at(const iad_blob *blob, float x, float y);

#endif
