/* A model on a device: the weights of a checkpoint, packed once, and the sizes that the forward passes need. Immutable after
 * loading, shared by all sessions. */
#ifndef IAD_MODEL_MODEL_H
#define IAD_MODEL_MODEL_H

#include <stdatomic.h>

#include "runtime/model/block.h"
#include "runtime/model/checkpoint.h"
#include "runtime/ops.h"

/* Rules of the paper's fusion on the device; all NULL when the mode is off. */
typedef struct iad_fusion {
    const float *norm, *gate_w, *gate_b, *scale;
} iad_fusion;

typedef struct iad_model {
    const iad_checkpoint *checkpoint;     /* outlives the model */
    iad_model_config config;
    iad_device *device;
    iad_dtype text_storage, vision_storage; /* IAD_F32, IAD_BF16 or IAD_I8 */
    iad_dtype text_act, vision_act;       /* inputs of the products: IAD_F32, or IAD_BF16 for the other two storages */
    iad_dtype kv;                         /* keys and values: IAD_F32 when text_storage is, else IAD_BF16 */

    iad_weight *patch;                    /* [C][channels * temporal * patch * patch] */
    iad_block_weights *blocks;            /* [depth] */
    const float *merge_norm;              /* [C] */
    iad_weight *merge_in, *merge_out;     /* [M][M], [D][M], M = merge^2 C */
    iad_fusion fusion;

    iad_mat embed;                        /* table [vocab][D] as stored, or converted to f32 */
    iad_block_weights *layers;            /* [text layers] */
    const float *norm;                    /* [D] */
    iad_weight *head;                     /* [vocab][D] */

    void *owned;                          /* list of device blocks to release */
    size_t weight_bytes;                  /* device memory of all weights */
} iad_model;

/* ---- building ----
 *
 * A model without weights; those are put into its slots by whoever makes it: iad_model_load, or the trainer. Storage: IAD_F32, IAD_BF16
 * or IAD_I8. */
iad_status iad_model_alloc(const iad_model_config *config, iad_device *device, iad_dtype text_storage, iad_dtype vision_storage, iad_model **model,
                           iad_err *err);
/* Device memory that iad_model_free gives back; released at once when this fails. borrowed: by iad_ops.borrow. */
iad_status iad_model_own(iad_model *model, void *data, int borrowed, iad_err *err);

/* Called for every slot of a model, in a fixed order, with the tensors that belong into it (names of the checkpoint). */
typedef struct iad_model_visitor {
    iad_status (*vector)(void *user, const char *name, const float **slot, iad_err *err); /* norms, fusion: f32 on the device */
    /* "<prefix><part>.weight" of every part, stacked along their outputs, and "<prefix><part>.bias" when with_bias. */
    iad_status (*linear)(void *user, const char *prefix, const char *const *part, int n_part, int with_bias, iad_weight **slot, iad_err *err);
    iad_status (*table)(void *user, const char *name, iad_mat *slot, iad_err *err);
    void *user;
} iad_model_visitor;
/* fusion 0: without the paper's fusion. text 0: without layers, norm and head. */
iad_status iad_model_visit(iad_model *model, int fusion, int text, const iad_model_visitor *visitor, iad_err *err);

/* ---- loading ---- */

typedef struct iad_model_options {
    iad_dtype text_storage, vision_storage;
    int vision_only;                      /* 1: layers, norm and head stay empty */
    /* Called between tensors; may be NULL. done, total in bytes of the checkpoint. */
    void (*progress)(void *user, uint64_t done, uint64_t total);
    void *user;
    const atomic_int *stop;               /* non-zero: IAD_ERR_INTERRUPTED; may be NULL */
} iad_model_options;

iad_status iad_model_load(const iad_checkpoint *checkpoint, iad_device *device, const iad_model_options *options, iad_model **model,
                          iad_err *err);
void iad_model_free(iad_model *model); /* NULL is fine */

/* Watches a forward pass: called with each stage's result, e.g. ("vision.block", 3, x). m is device memory and valid during the
 * call only; download through the queue. */
typedef struct iad_trace {
    iad_status (*see)(void *user, iad_queue *queue, const char *stage, int index, iad_mat m, iad_err *err);
    void *user;
} iad_trace;

/* IAD_OK when trace is NULL. */
iad_status iad_trace_see(const iad_trace *trace, iad_queue *queue, const char *stage, int index, iad_mat m, iad_err *err);

#endif
