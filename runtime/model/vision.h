/* The vision tower: patches of one picture -> tokens of the language model (model page sections 4 and 10.1). */
#ifndef IAD_MODEL_VISION_H
#define IAD_MODEL_VISION_H

#include "runtime/model/model.h"
#include "runtime/model/workspace.h"

/* Geometry of one picture. P = gh * gw patches, T = P / merge^2 tokens; "window order" is the order of the rows inside the tower. */
typedef struct iad_vision_plan {
    int gh, gw;
    int64_t n_patch, n_token;
    int32_t *order;       /* [P] window row -> row of the picture's patch list */
    int32_t *inverse;     /* [T] raster token -> window token */
    int64_t *window;      /* [n_window + 1] first patch row of each window */
    int64_t n_window;
    float *cosine, *sine; /* [P][d_head / 2] in window order */
} iad_vision_plan;

/* gh, gw: patches, multiples of merge, at least merge. Errors: IAD_ERR_ARG, IAD_ERR_LIMIT, IAD_ERR_NOMEM. */
iad_status iad_vision_plan_init(iad_vision_plan *plan, const iad_vision_config *config, int gh, int gw, iad_err *err);
void iad_vision_plan_deinit(iad_vision_plan *plan);

/* Buffers of one block. Inference hands the same ones to every block; training hands each block its own, which then hold what the
 * backward pass needs. m = rows of gate_up: the feed-forward part runs over so many rows at a time. */
typedef struct iad_vision_acts {
    iad_mat norm1;    /* [P][C] input type of the products */
    iad_mat qkv;      /* [P][3C] f32; q and k rotated */
    iad_mat attn;     /* [P][C] input type */
    iad_mat mid;      /* [P][C] f32: x after attention; may be x itself */
    iad_mat norm2;    /* [P][C] input type */
    iad_mat gate_up;  /* [m][2I] f32 */
    iad_mat hidden;   /* [m][I] input type */
} iad_vision_acts;

/* x [P][C] f32 -> out [P][C] f32 (the same matrix or another). */
iad_status iad_vision_block_forward(iad_queue *queue, const iad_model *model, int block, const iad_vision_plan *plan, const float *cosine,
                                    const float *sine, const iad_vision_acts *acts, const iad_attend_seq *seqs, int64_t n_seq, iad_mat x,
                                    iad_mat out, iad_err *err);

/* Merger: x [P][C] f32 in window order -> tokens [T][D] f32 in raster order. Takes its buffers from ws. */
iad_status iad_vision_merge(iad_queue *queue, const iad_model *model, const iad_vision_plan *plan, iad_workspace *ws, iad_mat x, iad_mat tokens,
                            iad_err *err);

/* Device memory that iad_vision_forward takes from a workspace. */
iad_status iad_vision_bytes(const iad_model *model, const iad_vision_plan *plan, size_t *bytes, iad_err *err);

/* rows: host f32 [P][channels * temporal * patch^2] in merge-block order (iad_preprocess). tokens: device [T][D] f32.
 * Stages for trace: "vision.block" (x in window order), "vision.fused", "vision.tokens". */
iad_status iad_vision_forward(iad_queue *queue, const iad_model *model, const iad_vision_plan *plan, iad_workspace *ws, const float *rows,
                              iad_mat tokens, const iad_trace *trace, iad_err *err);

#endif
