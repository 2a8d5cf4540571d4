/* The model while it is trained, from the inside, and the four parts of a micro-batch's pass. */
#ifndef IAD_TRAIN_TRAINPASS_H
#define IAD_TRAIN_TRAINPASS_H

#include "train/model/microbatch.h"
#include "train/model/trainblock.h"

struct iad_train_model {
    iad_params *params;
    iad_train_model_options options;
    iad_binding *binding;
    iad_train_reach reach;           /* of a pass with gradients */
    iad_workspace ws;
};

/* One micro-batch on its way. */
typedef struct iad_train_pass {
    const iad_train_model *model;
    iad_queue *queue;
    iad_micro batch;
    iad_train_space space;
    iad_attend_seq *seqs;            /* host, room for the windows and pictures of the tower, or the samples */
    int64_t *kv_row;                 /* likewise */
    double ce_scale, map_scale;      /* the latter with the weight of the map loss */
    const iad_map_range *range;      /* NULL: extremes only */
    const iad_probe **probes;        /* [n_sample] */
    iad_mat *probe_grad;             /* [n_sample] */
    iad_train_sums *sums;
} iad_train_pass;

/* Tower: patches of all pictures -> space.tokens. */
iad_status iad_pass_vision(iad_train_pass *pass, iad_err *err);
/* space.dmerged -> gradients of merger, fusion and tower. */
iad_status iad_pass_vision_back(iad_train_pass *pass, iad_err *err);
/* Rows of the batch -> space.text.x[layers], and the raw maps in space.map. */
iad_status iad_pass_text(iad_train_pass *pass, iad_err *err);
/* space.text.grad -> gradients of layers and embeddings, and space.dmerged. */
iad_status iad_pass_text_back(iad_train_pass *pass, iad_err *err);
/* Final norm, head and cross-entropy of the supervised rows; with a backward pass their gradients, and space.text.grad is set. */
iad_status iad_pass_head(iad_train_pass *pass, iad_err *err);
/* Losses of the raw maps; with a backward pass their gradients become space.dmap. */
iad_status iad_pass_maps(iad_train_pass *pass, iad_err *err);

#endif
