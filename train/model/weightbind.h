/* The bond between the flat space of parameters and the packed weights of a model: which tensors stand behind which slot, the transposed
 * weights of the backward pass, and packing both anew after an update. */
#ifndef IAD_TRAIN_WEIGHTBIND_H
#define IAD_TRAIN_WEIGHTBIND_H

#include "runtime/model/model.h"
#include "train/param/params.h"

enum { IAD_BINDING_CHUNK = 1 << 18 }; /* elements that are joined and brought to the host at a time */

typedef struct iad_bound_linear {
    iad_weight **slot;            /* in the model */
    iad_weight *back;             /* its transpose, for the gradient of its input; NULL unless wanted */
    int wants_back;
    const iad_param *weight[IAD_WEIGHT_MAX_PARTS], *bias[IAD_WEIGHT_MAX_PARTS]; /* bias NULL: none */
    int n_part;
    int64_t n_in, n_out;          /* of all parts */
    int trainable;                /* any of its tensors */
} iad_bound_linear;

typedef struct iad_bound_vector {
    const float **slot;
    float *data;                  /* what the slot points to */
    const iad_param *param;
} iad_bound_vector;

/* A block of the tower or a layer of the language model. */
typedef struct iad_bound_block {
    iad_bound_linear *qkv, *out, *gate_up, *down;
    const iad_param *norm1, *norm2;
} iad_bound_block;

typedef struct iad_binding {
    iad_params *params;           /* outlives the binding */
    iad_model *model;             /* owned; no checkpoint; keys and values f32 */
    iad_dtype compute;
    iad_bound_linear *linears;
    iad_bound_vector *vectors;
    int n_linear, n_vector;
    iad_bound_block *blocks, *layers;
    iad_bound_linear *patch, *merge_in, *merge_out, *head;
    const iad_param *merge_norm, *norm, *embed;
    const iad_param *fuse_norm, *fuse_gate_w, *fuse_gate_b, *fuse_scale; /* NULL: not there */
    float *table;                 /* device, f32 copy of the embeddings; NULL: the model reads the bf16 weights themselves */
    void *host, *device_chunk;    /* staging */
    size_t host_bytes;
} iad_binding;

/* compute IAD_F32: weights are the f32 masters. IAD_BF16: the bf16 weights, norms and biases included: the model that a bf16 export will be.
 * fusion 0: without. Nothing is packed yet. */
iad_status iad_binding_new(iad_params *params, iad_dtype compute, int fusion, iad_binding **binding, iad_err *err);
void iad_binding_free(iad_binding *binding); /* NULL is fine */
/* Notes what is trainable now. */
void iad_binding_mark(iad_binding *binding);
int iad_bound_block_trainable(const iad_bound_block *block);
/* Packs what is trainable, or everything; makes and drops transposed weights as wanted. */
iad_status iad_binding_pack(iad_binding *binding, iad_queue *queue, int all, iad_err *err);

/* The gradient of a parameter as a matrix [rows][n / rows]; and as an array, NULL when there is no such parameter or it is frozen. */
iad_mat iad_param_grad_mat(const iad_params *params, const iad_param *param, int64_t rows);
float *iad_param_grad(const iad_params *params, const iad_param *param);

#endif
