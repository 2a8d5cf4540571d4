/* What a lazy learner could see of a picture file: how it was encoded, and the plainest statistics of its pixels. Nothing here looks at a defect. */
#ifndef IAD_BENCH_LEAKFEATURES_H
#define IAD_BENCH_LEAKFEATURES_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum {
    IAD_LEAK_BYTES,         /* log of file bytes per pixel */
    IAD_LEAK_JPEG,          /* 1: JPEG */
    IAD_LEAK_PNG,           /* 1: PNG */
    IAD_LEAK_LUMA_TABLE,    /* mean of the first quantisation table; 0 without */
    IAD_LEAK_CHROMA_TABLE,  /* mean of the second */
    IAD_LEAK_SUBSAMPLE,     /* luma samples per chroma sample; 0 without */
    IAD_LEAK_PHASE_X,       /* [8]: mean step between columns 8 k + i - 1 and 8 k + i, over the mean of all phases: the grid of a codec */
    IAD_LEAK_PHASE_Y = IAD_LEAK_PHASE_X + 8,
    IAD_LEAK_BORDER = IAD_LEAK_PHASE_Y + 8, /* mean step in the outer 4 pixels over that of the rest */
    IAD_LEAK_BORDER_MEAN,   /* mean grey of the outer 4 pixels less that of the rest */
    IAD_LEAK_MEAN,          /* grey, 0..1 */
    IAD_LEAK_SD,
    IAD_LEAK_NOISE,         /* log of the mean absolute Laplacian */
    IAD_LEAK_CHROMA,        /* mean of max - min over R, G, B, 0..1 */
    IAD_LEAK_WIDTH,         /* log of the sides */
    IAD_LEAK_HEIGHT,
    IAD_LEAK_FEATURES
};
/* Short name of a feature, e.g. "phase_x3". text[24]. */
void iad_leak_feature_name(int feature, char text[24]);

/* bytes[n]: a picture file; name is used in messages. Errors: those of iad_image_decode, IAD_ERR_ARG below 16 x 16 pixels. */
iad_status iad_leak_features(const void *bytes, size_t n, const char *name, double features[IAD_LEAK_FEATURES], iad_err *err);

#endif
