/* Where the object is (synth-data 1.6), so that defects land on it. */
#ifndef IAD_SYNTH_FOREGROUND_H
#define IAD_SYNTH_FOREGROUND_H

#include <stdint.h>

#include "base/image/image.h"
#include "base/rng.h"
#include "base/status.h"

typedef struct iad_foreground {
    iad_image mask;   /* one channel, 0 or 255, size of the picture; owned */
    int64_t area;     /* its non-zero pixels, >= 1 */
    int64_t *row_end; /* [height]: foreground pixels in all rows up to and including this one; owned */
    int texture;      /* 1: no object was told from the background: everything is foreground */
} iad_foreground;
void iad_foreground_deinit(iad_foreground *fg); /* safe on an all-zero struct and twice */

/* How to find it. "auto": background model from the border ring and Otsu, the better one, texture when neither is acceptable. "all": everything.
 * Else thresholds as RealNet's table has them: "otsu", "triangle" on channel 0..2 or grey (3), object bright or dark. */
typedef struct iad_foreground_rule {
    const char *method;  /* auto | all | otsu | triangle */
    int channel;         /* 0 red, 1 green, 2 blue, 3 grey */
    int dark;            /* 1: the object is darker than the background */
    int close_px, open_px; /* square sizes at a shorter side of 256 pixels, scaled with the picture; 0: none */
} iad_foreground_rule;
#define IAD_FOREGROUND_AUTO ((iad_foreground_rule){"auto", 3, 0, 6, 6})

/* The rule that suits a category: fg_method/fg_params of its row when set (JSON {"channel":..,"dark":..,"close":..,"open":..}), else the table for
 * the public data sets by data set and category name, else auto. Errors: IAD_ERR_FORMAT (fg_params). Strings of the rule are static. */
iad_status iad_foreground_rule_for(const char *dataset, const char *category, const char *kind, const char *fg_method, const char *fg_params,
                                   iad_foreground_rule *rule, iad_err *err);
/* As JSON text for a recipe or a row, e.g. {"channel":3,"close":6,"dark":0,"method":"auto","open":6}; text[128]. */
void iad_foreground_rule_text(const iad_foreground_rule *rule, char text[128]);
/* Reads that text back. IAD_ERR_FORMAT names the member. */
iad_status iad_foreground_rule_parse(const char *text, iad_foreground_rule *rule, iad_err *err);

/* picture: 1 or 3 channels. *fg is initialised here. */
iad_status iad_foreground_find(const iad_image *picture, const iad_foreground_rule *rule, iad_foreground *fg, iad_err *err);
/* From a mask that is already there (0 / non-zero; copied). An empty mask counts as texture. */
iad_status iad_foreground_from_mask(const iad_image *mask, iad_foreground *fg, iad_err *err);
/* A uniformly drawn foreground pixel. */
void iad_foreground_pick(const iad_foreground *fg, iad_rng *rng, int *x, int *y);
/* 1 when the picture shows no colour: one channel, or max - min of R, G, B is at most 6 for 99 % of the pixels. */
int iad_picture_is_grey(const iad_image *picture);

#endif
