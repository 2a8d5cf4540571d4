/* Synthetic defects. A generator draws its parameters once (whole numbers only, so that they are the same everywhere) and makes
 * layers from them as often as wanted: pieces of picture with a cover, not yet blended. blend.h puts layers into a picture,
 * visible.h says what can be seen of them, recipe/ ties it together and is what everything outside this folder calls.
 *
 * Bit for bit the same on every machine: integers, base/rng.h, base/fmath.h, + - * / sqrt only. */
#ifndef IAD_SYNTH_DEFECT_H
#define IAD_SYNTH_DEFECT_H

#include <jansson.h>
#include <stdint.h>

#include "base/image/image.h"
#include "base/rng.h"
#include "base/status.h"
#include "synth/defect/foreground.h"

/* Pictures that a generator works with. Borrowed. All have the destination's number of channels. */
typedef struct iad_defect_scene {
    const iad_image *dst;     /* the good picture that gets the defect; 1 or 3 channels */
    const iad_image *src;     /* another good picture of the category, any size; NULL: dst itself is the source */
    const iad_image *tex;     /* a picture to take texture from, any size; NULL: none at hand */
    const iad_foreground *fg; /* the object in dst; NULL: the whole picture */
    const iad_foreground *src_fg; /* the object in src, NULL: all of it. Only for drawing, never for making layers */
    int grey;                 /* 1: dst shows no colour (one channel, or R = G = B nearly everywhere): inserted content must not either */
} iad_defect_scene;

/* How large defects shall be, as shares of the foreground's area, and how they are chosen. */
typedef struct iad_defect_size {
    int published;         /* 1: the published ranges of the generator (synth-data section 1), area_* ignored */
    double area_lo, area_hi; /* else the cover's area is log-uniform in here, e.g. 0.0005 to 0.15 */
} iad_defect_size;

/* One inserted piece. */
typedef struct iad_defect_layer {
    int x, y;          /* upper left corner in dst; the box lies inside dst */
    iad_image content; /* [h][w] in dst's channels; owned */
    iad_image cover;   /* [h][w] one channel, 0..255: how much of the pixel belongs to the piece; owned */
} iad_defect_layer;

#define IAD_DEFECT_MAX_LAYERS 8
typedef struct iad_defect_layers {
    iad_defect_layer items[IAD_DEFECT_MAX_LAYERS];
    int n;
} iad_defect_layers;
/* Frees the pictures; safe on an all-zero struct and twice. */
void iad_defect_layers_deinit(iad_defect_layers *layers);

typedef struct iad_defect_generator {
    const char *name;    /* "cutpaste", goes into the manifest */
    const char *version; /* raised whenever the same parameters give other pixels */
    int wants_src;       /* 1: src of the scene should be another picture of the category */
    int wants_tex;       /* 1: uses tex when it is there */
    int null_edit;       /* 1: what it makes is still a good part */
    /* Draws parameters for this scene: *params is a new JSON object of integers, strings and arrays of them. Every length is in
     * pixels of dst, angles in 1/1000 degree, factors and shares in 1/1000000. IAD_ERR_NOT_FOUND: no place that fits (try another seed). */
    iad_status (*draw)(const iad_defect_scene *scene, const iad_defect_size *size, iad_rng *rng, json_t **params, iad_err *err);
    /* Makes the layers; a pure function of scene and params. Parameters come from a database: checked, IAD_ERR_FORMAT names the key. */
    iad_status (*layers)(const iad_defect_scene *scene, const json_t *params, iad_defect_layers *layers, iad_err *err);
} iad_defect_generator;

/* cutpaste.c (also the rectangle of 3-way CutPaste), scar.c, spot.c, nulledit.c, nsa.c, perlin.c, shuffle.c */
extern const iad_defect_generator iad_defect_cutpaste, iad_defect_scar, iad_defect_spot, iad_defect_null_edit, iad_defect_nsa, iad_defect_perlin,
    iad_defect_shuffle;

/* All of them, *n their number; by name, NULL when there is none. */
const iad_defect_generator *const *iad_defect_generators(size_t *n);
const iad_defect_generator *iad_defect_generator_find(const char *name);

/* ---- for generators (place.c, params.c) ---- */

/* A place for a box of w x h: its centre is uniform over the foreground, the box lies inside dst, and at least min_share (0..1) of
 * it (of the cover, when one is given: [h][w]) lies on the foreground. Without a foreground uniform over all places inside.
 * IAD_ERR_NOT_FOUND after 64 attempts. */
iad_status iad_defect_place(const iad_defect_scene *scene, iad_rng *rng, int w, int h, const iad_image *cover, double min_share, int *x, int *y,
                            iad_err *err);
/* Sides of a box with `area` pixels and height/width ratio drawn as CutPaste does (U(0.3, 1) or U(1, 3.3), half each); both at least 2
 * and at most the picture's. */
void iad_defect_box(const iad_defect_scene *scene, iad_rng *rng, double area, int *w, int *h);
/* An area in pixels for this size wish (not `published`): log-uniform share of the foreground. At least 16. */
double iad_defect_area(const iad_defect_scene *scene, const iad_defect_size *size, iad_rng *rng);
/* Integer member within lo..hi of parameters that came from outside. */
iad_status iad_defect_param(const json_t *params, const char *key, int64_t lo, int64_t hi, int64_t *value, iad_err *err);

/* Brightness, contrast, saturation, hue of a piece (synth-data 1.2): factors in 1/1000000, hue in 1/1000000 of a turn; order: permutation
 * number 0..23 of the four. */
typedef struct iad_color_jitter { int64_t brightness, contrast, saturation, hue, order; } iad_color_jitter;
/* spread: 100000 = 0.1 for the published range; grey scenes get brightness and contrast only, with twice the spread. */
iad_color_jitter iad_color_jitter_draw(iad_rng *rng, int grey, int64_t spread);
json_t *iad_color_jitter_json(const iad_color_jitter *jitter);
iad_status iad_color_jitter_parse(const json_t *params, const char *key, iad_color_jitter *jitter, iad_err *err);
void iad_color_jitter_apply(iad_image *image, const iad_color_jitter *jitter);

#endif
