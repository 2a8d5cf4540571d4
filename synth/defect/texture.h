/* Strange texture out of a known picture: three of ten operations (DRAEM, MemSeg; synth-data 1.4, 1.5), all on bytes. */
#ifndef IAD_SYNTH_TEXTURE_H
#define IAD_SYNTH_TEXTURE_H

#include <jansson.h>

#include "base/image/image.h"
#include "base/rng.h"
#include "base/status.h"

typedef enum iad_texture_op {
    IAD_TEXTURE_GAMMA = 0,  /* per channel: exponents in 1/1000, 500..2000 */
    IAD_TEXTURE_BRIGHTNESS, /* factor in 1/1000, 800..1200, and offset -30..30 */
    IAD_TEXTURE_SHARPEN,    /* 3 x 3, strength in 1/1000 */
    IAD_TEXTURE_COLOR,      /* hue in 1/1000 of a turn, saturation factor in 1/1000 */
    IAD_TEXTURE_SOLARISE,   /* values from a threshold 32..128 on are inverted; second number 1, half of the time: not at all, as published */
    IAD_TEXTURE_POSTERISE,  /* bits kept: 2..4 */
    IAD_TEXTURE_INVERT,
    IAD_TEXTURE_AUTOCONTRAST, /* per channel: smallest to 0, largest to 255 */
    IAD_TEXTURE_EQUALISE,   /* per channel: Pillow's ImageOps.equalize */
    IAD_TEXTURE_ROTATE,     /* 1/1000 degree, +-45; does nothing here: the caller samples at turned coordinates */
    IAD_TEXTURE_OPS
} iad_texture_op;

typedef struct iad_texture_step {
    int op;
    int64_t a, b, c;
} iad_texture_step;

enum { IAD_TEXTURE_STEPS = 3 };
/* Three different operations. */
void iad_texture_draw(iad_rng *rng, iad_texture_step steps[IAD_TEXTURE_STEPS]);
/* [[op,a,b,c],...] */
json_t *iad_texture_json(const iad_texture_step steps[IAD_TEXTURE_STEPS]);
iad_status iad_texture_parse(const json_t *params, const char *key, iad_texture_step steps[IAD_TEXTURE_STEPS], iad_err *err);
iad_status iad_texture_apply(iad_image *image, const iad_texture_step steps[IAD_TEXTURE_STEPS], iad_err *err);
/* Angle of the ROTATE step, 0 without one. */
int iad_texture_angle(const iad_texture_step steps[IAD_TEXTURE_STEPS]);

/* A w x h piece of `from`, turned by `angle` (1/1000 degree) and shifted by (x, y), repeated beyond its borders; in `channels` channels; grey 1:
 * without colour. */
iad_status iad_texture_cut(const iad_image *from, int64_t x, int64_t y, int angle, int w, int h, int channels, int grey, iad_image *out,
                           iad_err *err);

#endif
