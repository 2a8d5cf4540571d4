/* The model while it is trained: the runtime's forward passes with a slot for every activation that the backward pass needs, the
 * backward pass, and the weights packed anew after every update. The forward arithmetic is the runtime's own (runtime/model). */
#ifndef IAD_TRAIN_TRAINMODEL_H
#define IAD_TRAIN_TRAINMODEL_H

#include "runtime/model/language.h"
#include "runtime/model/vision.h"
#include "train/data/sample.h"
#include "train/loss/maploss.h"
#include "train/param/params.h"

/* What is computed again in the backward pass instead of kept (train page 3.5): bit-equal gradients, less memory. */
typedef enum iad_recompute {
    IAD_RECOMPUTE_NONE,
    IAD_RECOMPUTE_NORMS,  /* SwiGLU's product and both norms */
    IAD_RECOMPUTE_FFN,    /* and gate and up */
    IAD_RECOMPUTE_BLOCK   /* everything but the block's input */
} iad_recompute;

typedef struct iad_train_model_options {
    iad_dtype compute;             /* IAD_F32: products of f32 masters; IAD_BF16: products of bf16 weights and bf16 inputs, f32 sums */
    iad_recompute recompute_text, recompute_vision;
    iad_map_options map;
    double map_weight;             /* lambda; 1. 0: no maps */
    int fusion, compression;       /* 0: off, for ablations */
} iad_train_model_options;

typedef struct iad_train_model iad_train_model;
/* Takes shapes from params->config; packs the weights. params outlives the model. */
iad_status iad_train_model_new(iad_params *params, const iad_train_model_options *options, iad_train_model **model, iad_err *err);
void iad_train_model_free(iad_train_model *model);
/* After params changed: packs the trainable weights again (all != 0: frozen ones too). */
iad_status iad_train_model_refresh(iad_train_model *model, iad_queue *queue, int all, iad_err *err);
/* Which tensors are trainable has changed (another stage). */
iad_status iad_train_model_retrain(iad_train_model *model, iad_err *err);

/* Sums over the samples of calls; the caller adds them up over micro-batches and ranks. */
typedef struct iad_train_sums {
    double ce, n_token;            /* weighted sum of -log p; sum of the weights of supervised tokens */
    double n_hit;                  /* tokens with the right argmax, unweighted */
    double focal, dice, n_map;     /* sums over supervised query pictures */
    double map_min[2], map_max[2]; /* extremes of the raw maps per class, for the next step's normalisation; +-inf without any */
    /* Sums of squares, for the log: of the scaled loss' gradients with respect to the raw maps, and to the language model's last rows. */
    double map_grad, ce_grad;
    int64_t n_row, n_patch;        /* rows of the language model and of the tower */
    double flops;                  /* forward and backward, products and attention as train page 4.1 counts them */
} iad_train_sums;

/* Forward and backward of one micro-batch (samples packed without padding), gradients ADDED to params->grad:
 *   grad += d/dparams [ ce_scale * sum(weight * ce) + map_scale * map_weight * sum over supervised pictures of (focal + dice) ]
 * range: normalisation of the maps (loss/maploss.h), the same for every micro-batch of a step. Adds to *sums.
 * Errors name the task. IAD_ERR_LIMIT: more than IAD_TEXT_MAX_SEQS samples. */
iad_status iad_train_model_run(iad_train_model *model, iad_queue *queue, const iad_sample *const *samples, int n, double ce_scale, double map_scale,
                               const iad_map_range *range, iad_train_sums *sums, iad_err *err);
/* Forward only: the same sums without gradients (evaluation; the first step's map range). range may be NULL: no map losses, but map_min, map_max. */
iad_status iad_train_model_eval(iad_train_model *model, iad_queue *queue, const iad_sample *const *samples, int n, const iad_map_range *range,
                                iad_train_sums *sums, iad_err *err);

/* Device memory of a micro-batch before anything is allocated (iad-train plan), by the code that lays it out: patches of all pictures, rows of
 * the language model, supervised rows. The flat space of parameters comes on top (8 bytes per parameter). IAD_ERR_ARG on negative sizes. */
typedef struct iad_train_memory {
    size_t weights;     /* packed, with the transposes of what the backward pass goes through; norms, tables */
    size_t activations; /* from the forward to the backward pass */
    size_t workspace;   /* shared by one block after the other; what the operations keep on the side */
} iad_train_memory;
iad_status iad_train_model_plan(const iad_model_config *config, const iad_train_model_options *options, int vision_trained, int64_t n_patch,
                                int64_t n_row, int64_t n_supervised, iad_train_memory *memory, iad_err *err);

#endif
