/* The vision tower: patches of one picture -> tokens of the language model (model page sections 4 and 10.1). */
#ifndef IAD_MODEL_VISION_H
#define IAD_MODEL_VISION_H

#include "runtime/model/model.h"
#include "runtime/model/workspace.h"

/* Geometry of one picture, or of several that go through the tower together, one after the other. P patches, T = P / merge^2 tokens;
 * "window order" is the order of the rows inside the tower. */
typedef struct iad_vision_plan {
    int gh, gw;           /* of one picture; 0 of several */
    int64_t n_patch, n_token;
    int64_t *picture;     /* [n_picture + 1] first patch row of each picture */
    int n_picture;
    int32_t *order;       /* [P] window row -> row of the picture's patch list */
    int32_t *inverse;     /* [T] raster token -> window token */
    int64_t *window;      /* [n_window + 1] first patch row of each window */
    int64_t n_window;
    float *cosine, *sine; /* [P][d_head / 2] in window order */
} iad_vision_plan;

/* gh, gw: patches, multiples of merge, at least merge. Errors: IAD_ERR_ARG, IAD_ERR_LIMIT, IAD_ERR_NOMEM. */
iad_status iad_vision_plan_init(iad_vision_plan *plan, const iad_vision_config *config, int gh, int gw, iad_err *err);
void iad_vision_plan_deinit(iad_vision_plan *plan);

/* Several pictures as one pass. *joined is initialised here; the plans stay the caller's. */
iad_status iad_vision_plan_join(const iad_vision_plan *plans, int n, const iad_vision_config *config, iad_vision_plan *joined, iad_err *err);

/* Attention of a block over qkv [P][3C]: one sequence per picture (whole), or per window. seqs: host, room for n_picture or n_window; returns
 * how many. */
int64_t iad_vision_seqs(const iad_vision_plan *plan, iad_mat qkv, int whole, iad_attend_seq *seqs);

/* x [P][C] f32 -> out [P][C] f32 (the same matrix or another). */
iad_status iad_vision_block_forward(iad_queue *queue, const iad_model *model, int block, const float *cosine, const float *sine,
                                    const iad_block_acts *acts, const iad_attend_seq *seqs, int64_t n_seq, iad_mat x,
                                    iad_mat out, iad_err *err);

/* The paper's fusion: taps [rows][C] f32 in the config's order, the last is the tower's output; out may be that one. Needs
 * model->fusion.scale. */
iad_status iad_vision_fuse(iad_queue *queue, const iad_model *model, const iad_mat *taps, iad_mat out, iad_err *err);
/* The same as a description, without out. */
iad_fuse iad_vision_fuse_job(const iad_model *model, const iad_mat *taps);

/* Buffers of the merger. M = merge^2 C. */
typedef struct iad_merge_acts {
    iad_mat normed;   /* [P][C] input type of the products */
    iad_mat inner;    /* [T][M] f32 */
    iad_mat act;      /* [T][M] input type */
    iad_mat merged;   /* [T][D] f32 in window order */
} iad_merge_acts;
iad_status iad_vision_merge_acts(const iad_model *model, const iad_vision_plan *plan, iad_workspace *ws, iad_merge_acts *acts, iad_err *err);
/* normed of all patches as the merger's first layer reads it, [T][M]: merge^2 rows of a group are neighbours. */
iad_mat iad_merge_groups(const iad_merge_acts *acts);
/* x [P][C] f32 in window order -> tokens [T][D] f32 in raster order. */
iad_status iad_vision_merge(iad_queue *queue, const iad_model *model, const iad_vision_plan *plan, const iad_merge_acts *acts, iad_mat x,
                            iad_mat tokens, iad_err *err);

/* Device memory that iad_vision_forward takes from a workspace. */
iad_status iad_vision_bytes(const iad_model *model, const iad_vision_plan *plan, size_t *bytes, iad_err *err);

/* rows: host f32, of all pictures one after the other, [P][channels * temporal * patch^2] in merge-block order (iad_preprocess). tokens: device
 * [T][D] f32. Stages for trace: "vision.block" (x in window order), "vision.fused", "vision.tokens". */
iad_status iad_vision_forward(iad_queue *queue, const iad_model *model, const iad_vision_plan *plan, iad_workspace *ws, const float *rows,
                              iad_mat tokens, const iad_trace *trace, iad_err *err);

#endif
