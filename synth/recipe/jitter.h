/* Small changes that every picture of a task gets on its own, so that pictures of one scene differ in more than the defect: light, framing, codec.
 * Text form: canonical JSON, all members optional: {"b":ppm,"c":ppm,"dx":ppm,"dy":ppm,"q":85,"r":mdeg,"s":0|1}: brightness and contrast factors
 * (1000000 = 1), shift as a share of the sides, JPEG quality, rotation in 1/1000 degree, chroma subsampling (0: 4:4:4, 1: 4:2:0). */
#ifndef IAD_SYNTH_JITTER_H
#define IAD_SYNTH_JITTER_H

#include <stdint.h>

#include "base/image/image.h"
#include "base/rng.h"
#include "base/status.h"

typedef struct iad_jitter {
    int brightness, contrast; /* 1/1000000; 1000000: unchanged */
    int dx, dy;               /* 1/1000000 of width and height */
    int rotation;             /* 1/1000 degree */
    int quality, subsample;   /* quality 0: no codec step */
} iad_jitter;
#define IAD_JITTER_NONE ((iad_jitter){1000000, 1000000, 0, 0, 0, 0, 0})

/* Photometric +-5 %; geometry (up to 1 % shift and 2 degrees) only when asked; codec step always (quality 85, 90, 95, both subsamplings). */
iad_jitter iad_jitter_draw(iad_rng *rng, int geometry);
/* text[160]; "" for none. */
void iad_jitter_text(const iad_jitter *jitter, char text[160]);
iad_status iad_jitter_parse(const char *text, iad_jitter *jitter, iad_err *err); /* NULL and "": none */
/* In place; the mask (may be NULL) moves along. Pixels that come from outside repeat the border. */
iad_status iad_jitter_apply(const iad_jitter *jitter, iad_image *picture, iad_image *mask, iad_err *err);

#endif
