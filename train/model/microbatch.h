/* A micro-batch on the host: samples checked, their pictures laid side by side for one pass of the tower, their rows for one pass of the
 * language model. Filled in two steps, because which tokens of a compressed picture stay is known after the tower has run. */
#ifndef IAD_TRAIN_MICROBATCH_H
#define IAD_TRAIN_MICROBATCH_H

#include "runtime/model/vision.h"
#include "train/data/sample.h"

typedef struct iad_micro_picture {
    const iad_sample_picture *source;
    int sample;
    int reference;           /* picture of the batch against which it is compressed, -1: all tokens stay */
    int lh, lw;              /* merged grid */
    int64_t patch, token;    /* first row in the tower and first token, raster order, of the whole batch */
    int32_t *kept;           /* [n_kept] raster tokens inside the picture, NULL: all; owned */
    int64_t n_kept;
} iad_micro_picture;

/* Supervised attention of one sample. */
typedef struct iad_micro_map {
    int sample;
    iad_probe probe;         /* its arrays are owned; out is set by the caller */
    int64_t *row;
    int *row_class;
    float *weight;
    int h, w;                /* merged grid of the query picture */
    int64_t first;           /* of its [2][h w] cells among those of the batch */
} iad_micro_map;

typedef struct iad_micro {
    const iad_sample *const *samples;
    int n_sample;
    iad_micro_picture *pictures; /* of all samples, in order */
    int n_picture;
    iad_vision_plan plan;    /* of all pictures; empty without any */
    int64_t *segment;        /* [n_sample + 1] first row of each sample in the language model */
    int64_t n_row, n_supervised;
    iad_micro_map *maps;     /* [n_map] */
    int n_map;
    int64_t n_cell;          /* cells of all maps, both classes */
    /* from the second step on */
    int32_t *ids;            /* [n_row] token, -1 where the row is a picture's */
    int32_t *token;          /* [n_row] token of the tower, raster order, -1 where the row is text */
    int32_t *group;          /* [n_row] the same in window order */
    int32_t *pos[3];         /* [n_row] t, h, w */
    int32_t *row;            /* [n_supervised] rows whose next token is predicted */
    int32_t *target;         /* [n_supervised] */
    float *weight;           /* [n_supervised] of the sample */
} iad_micro;

/* maps 0: attention is not supervised; compress 0: no compression. Errors name the task: IAD_ERR_ARG for a sample that contradicts itself or
 * does not fit the model, IAD_ERR_LIMIT for more than IAD_TEXT_MAX_SEQS samples, or for one without rows. */
iad_status iad_micro_init(iad_micro *batch, const iad_model_config *config, const iad_sample *const *samples, int n, int maps, int compress,
                          iad_err *err);
/* tokens [plan.n_token][D]: of the tower, raster order; NULL data without pictures. Decides what is kept and fills the rows. */
iad_status iad_micro_rows(iad_micro *batch, const iad_model_config *config, iad_queue *queue, iad_mat tokens, iad_err *err);
void iad_micro_deinit(iad_micro *batch);

#endif
