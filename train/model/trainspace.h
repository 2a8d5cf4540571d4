/* Device memory of one micro-batch: every activation that the backward pass needs, gradients, and the scratch between them, laid out in one
 * workspace before anything runs. */
#ifndef IAD_TRAIN_TRAINSPACE_H
#define IAD_TRAIN_TRAINSPACE_H

#include "runtime/model/language.h"
#include "runtime/model/vision.h"
#include "train/model/trainmodel.h"

enum { IAD_HEAD_ROWS = 256 }; /* rows of logits at a time */

/* How much of the model the backward pass goes through. */
typedef struct iad_train_reach {
    int backward;             /* 0: forward only */
    int vision_from;          /* first block of the tower with a backward pass; depth: none */
    int text_from;            /* first layer of the language model with one; layers: none */
    int tokens;               /* 1: gradients pass from the language model into the merger */
} iad_train_reach;

/* Rows of the pass. */
typedef struct iad_train_rows {
    int64_t n_patch, n_row, n_supervised, n_cell;
} iad_train_rows;

/* The blocks of the tower, or the layers of the language model. */
typedef struct iad_train_stack {
    int n_block, from;        /* blocks below `from` run in shared buffers */
    iad_recompute level;
    iad_dtype act;
    int64_t n, n_dim, q_dim, qkv_dim, inter;
    float *cosine, *sine, *back_sine; /* [n][d_head / 2]; back_sine = -sine */
    iad_mat *x;               /* host [n_block + 1]: input of each block, then the output; those up to `from` are one matrix */
    iad_block_acts *acts;     /* host [n_block] */
    iad_mat *keys, *values;   /* host [n_block], of the language model only: [n][kv_dim] f32 */
    /* backward */
    iad_mat grad;             /* [n][n_dim]: of the block's output, then of its input */
    iad_mat dnorm;            /* [n][n_dim] */
    iad_mat dhidden;          /* [n][inter] */
    iad_mat dattn, dqkv;      /* [n][q_dim], [n][qkv_dim] */
    iad_mat attn;             /* [n][q_dim] f32, when the products' input type is bf16 */
    iad_mat narrow;           /* [n][widest] bf16, likewise */
} iad_train_stack;

typedef struct iad_train_space {
    iad_train_reach reach;
    iad_train_rows rows;
    iad_train_stack vision, text;
    void *ones;               /* column of ones of the input type, as long as the longest pass */
    iad_mat raw, input;       /* patches: f32 as uploaded, input type in window order */
    iad_mat taps[IAD_FUSE_MAX_TAPS], dtaps[IAD_FUSE_MAX_TAPS]; /* of the fusion; data NULL: not there */
    iad_mat fused;            /* [P][C]; the tower's output itself without a fusion */
    iad_merge_acts merge;
    iad_mat tokens;           /* [T][D] raster order */
    iad_mat dmerged;          /* [T][D] window order */
    iad_mat dact;             /* [T][M] */
    iad_mat narrow_merge;     /* [T][widest] bf16, when that is the input type */
    float *map, *dmap;        /* [n_cell] */
    iad_mat last, normed;     /* [n_supervised][D] f32, input type */
    iad_mat logits;           /* [IAD_HEAD_ROWS][vocab] f32 */
    iad_mat narrow_logits;    /* the same in bf16, when that is the input type */
    iad_mat dnormed;          /* [IAD_HEAD_ROWS][D] */
    size_t kept;              /* bytes that live from the forward to the backward pass */
    void *host;               /* the host arrays of the stacks */
} iad_train_space;

/* Lays out over ws: counting when ws->base is NULL. Of the model only config, types and fusion.scale (whether it is there) are read. */
iad_status iad_train_space_take(const iad_model *model, const iad_train_model_options *options, const iad_train_reach *reach,
                                const iad_train_rows *rows, iad_workspace *ws, iad_train_space *space, iad_err *err);
void iad_train_space_deinit(iad_train_space *space); /* host arrays; the memory is the workspace's */

#endif
