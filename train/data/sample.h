/* One training record as the model takes it: pixels cut into patches, token ids, what is to be predicted, where attention is supervised. */
#ifndef IAD_TRAIN_SAMPLE_H
#define IAD_TRAIN_SAMPLE_H

#include <stdint.h>

#include "runtime/model/preprocess.h"

/* "Compact" positions count a picture as ONE position (runtime/token/chat.h). */
typedef struct iad_sample_picture {
    iad_patches patches;
    int64_t position;        /* compact */
    int reference;           /* index of the picture against which it is compressed (paper, equations 7 to 9), -1: all tokens stay */
} iad_sample_picture;

/* A row whose attention to the query picture is supervised. */
typedef struct iad_sample_word {
    int64_t position;        /* compact, after the query picture */
    int row_class;           /* 0 anomaly, 1 normal */
    float weight;            /* those of a class add up to 1 / (number of map layers) */
} iad_sample_word;

typedef struct iad_sample {
    int64_t task_id;
    int replayed;            /* 1: of an earlier stage */
    iad_sample_picture *pictures;
    int n_picture;
    int32_t *ids;            /* [n_id] compact ids; the image pad at a picture's position */
    int32_t *target;         /* [n_id] token that the row at this position shall predict, -1: none (never at a picture) */
    int64_t n_id;
    int64_t n_target;        /* entries of target that are >= 0 */
    float weight;            /* of its cross-entropy; 1 */
    /* the map: all zero when not supervised */
    int query;               /* index of the query picture, -1: none */
    iad_sample_word *words;
    int n_word;
    float *mask;             /* [mask_h][mask_w] in 0..1: share of defect pixels in the cells of a grid over the query; NULL: not supervised */
    int mask_h, mask_w;      /* 2 gh x 2 gw of merged tokens by default (train page 11) */
} iad_sample;
void iad_sample_deinit(iad_sample *sample); /* safe on an all-zero struct and twice */

/* Rows of one picture in the language model, and rows of the sample, when each compressed picture keeps keep(retention, T) = 
 * max(1, floor(r T + 1/2)) tokens. */
int64_t iad_sample_picture_rows(const iad_sample_picture *picture, int merge, double retention);
int64_t iad_sample_rows(const iad_sample *sample, int merge, double retention);

#endif
