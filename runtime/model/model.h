/* A model on a device: the weights of a checkpoint, packed once, and the sizes that the forward passes need. Immutable after
 * loading, shared by all sessions. */
#ifndef IAD_MODEL_MODEL_H
#define IAD_MODEL_MODEL_H

#include <stdatomic.h>

#include "runtime/model/checkpoint.h"
#include "runtime/ops.h"

typedef struct iad_vision_block {
    const float *norm1, *norm2;           /* device [C] */
    iad_weight *qkv, *proj, *gate_up, *down;
} iad_vision_block;

typedef struct iad_text_layer {
    const float *norm1, *norm2;           /* device [D] */
    iad_weight *qkv, *out, *gate_up, *down;
} iad_text_layer;

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
    iad_vision_block *blocks;             /* [depth] */
    const float *merge_norm;              /* [C] */
    iad_weight *merge_in, *merge_out;     /* [M][M], [D][M], M = merge^2 C */
    iad_fusion fusion;

    iad_mat embed;                        /* table [vocab][D] as stored, or converted to f32 */
    iad_text_layer *layers;
    const float *norm;                    /* [D] */
    iad_weight *head;                     /* [vocab][D] */

    void *owned;                          /* list of device blocks to release */
    size_t weight_bytes;                  /* device memory of all weights */
} iad_model;

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
