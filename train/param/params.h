/* All parameters of a model in one flat space: values, gradients, and (through train/param/optimizer.h) optimizer states.
 *
 * Tensors stand in the order of iad_model_tensors (extras included unless fusion is off), each padded to a multiple of IAD_PARAM_ALIGN
 * elements: no block of 8-bit optimizer states reaches over a tensor or a rank, so states mean the same at every world size.
 * A value is (high, low): bf16 weight and 16-bit remainder, together the exact f32 master. Gradients are f32. A bucket is the range of
 * one block or layer (or of what stands between them): the unit of exchange between ranks; rank r of N owns the r-th of N nearly equal
 * pieces of every bucket (multiples of IAD_PARAM_ALIGN). */
#ifndef IAD_TRAIN_PARAMS_H
#define IAD_TRAIN_PARAMS_H

#include "runtime/model/checkpoint.h"
#include "train/grad.h"

enum { IAD_PARAM_ALIGN = IAD_ADAMW_BLOCK };

typedef struct iad_param {
    char *name;           /* old style; owned */
    iad_tensor_role role;
    int rank;
    int64_t shape[IAD_TENSOR_MAX_RANK];
    int64_t offset, n;    /* elements in the flat space */
    int bucket;
    int trainable;
    float decay;          /* 0 for norms, biases and scales */
    float rate_factor;    /* multiplies the learning rate; 1 */
} iad_param;

typedef struct iad_bucket {
    char name[64];        /* "visual.blocks.3", "model.layers.0", "head" ...: train/param/paramrules.h */
    int64_t begin, end;
} iad_bucket;

typedef struct iad_params {
    iad_model_config config;
    iad_device *device;
    const iad_grad_ops *grad_ops;
    iad_param *tensors;
    int n_tensor;
    iad_bucket *buckets;
    int n_bucket;
    int64_t n;            /* elements with padding */
    uint16_t *high, *low; /* device [n]; padding is 0 */
    float *grad;          /* device [n]; padding stays 0 */
} iad_params;

/* Freezing and decay rules: lists of patterns with '*' over tensor names; the last match decides. */
typedef struct iad_param_rules {
    const char *const *freeze; int n_freeze;     /* "visual.*" ... */
    const char *const *unfreeze; int n_unfreeze; /* exceptions: "visual.merger.*" */
    float decay;                                 /* of matrices and tables; norms, biases, scales have none */
} iad_param_rules;

/* Reads every tensor of the checkpoint (any float type; I8 is IAD_ERR_UNSUPPORTED) into a fresh flat space. Missing extras get their initial
 * state (checkpoint.h). A tied head is one tensor. Errors name tensor and file. */
iad_status iad_params_load(const iad_checkpoint *checkpoint, iad_device *device, const iad_param_rules *rules, iad_params **params, iad_err *err);
void iad_params_free(iad_params *params); /* NULL is fine */
/* NULL when absent. */
const iad_param *iad_params_find(const iad_params *params, const char *name);
/* 1 when the rules leave a tensor of this name trainable. */
int iad_param_is_trainable(const iad_param_rules *rules, const char *name);
/* trainable and decay anew, as for another stage; before the optimizer is made, which keeps states of trainable tensors only. rules NULL:
 * everything trainable, no decay. IAD_ERR_ARG names a pattern that matches nothing, and then nothing changes. */
iad_status iad_params_apply(iad_params *params, const iad_param_rules *rules, iad_err *err);
/* The piece of a bucket that a rank owns; empty for the last ranks of a bucket with fewer than world * IAD_PARAM_ALIGN elements. */
void iad_params_piece(const iad_params *params, int bucket, int rank, int world, int64_t *begin, int64_t *end);
iad_status iad_params_zero_grad(iad_params *params, iad_queue *queue, iad_err *err);
/* Host copies as f32 (master values) of one tensor, for tests and export: dst [n]. Setting rounds nothing: any f32 comes back bit by bit. */
iad_status iad_params_get(const iad_params *params, iad_queue *queue, const iad_param *tensor, float *dst, iad_err *err);
iad_status iad_params_set(iad_params *params, iad_queue *queue, const iad_param *tensor, const float *src, iad_err *err);

#endif
