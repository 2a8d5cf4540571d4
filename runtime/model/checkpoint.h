/* A model directory opened for reading: its config, and every tensor the config calls for, checked by name and shape.
 *
 * Names are those of the published files ("old style"): `visual.…`, `model.…`, `lm_head.weight`; files in the new style
 * (`model.visual.…`, `model.language_model.…`) are translated. Immutable after opening: any number of threads may read. */
#ifndef IAD_MODEL_CHECKPOINT_H
#define IAD_MODEL_CHECKPOINT_H

#include <stddef.h>
#include <stdint.h>

#include "base/sha256.h"
#include "base/status.h"
#include "runtime/model/config.h"
#include "runtime/tensor/safetensors.h"

/* ---- the tensors of a model ---- */

typedef enum iad_tensor_role {
    IAD_ROLE_NORM = 0,  /* RMSNorm weight, rank 1 */
    IAD_ROLE_BIAS,      /* rank 1 */
    IAD_ROLE_LINEAR,    /* [out][in], y = W x + b */
    IAD_ROLE_CONV,      /* visual.patch_embed.proj.weight [C][in_channels][temporal][patch][patch] */
    IAD_ROLE_EMBED,     /* model.embed_tokens.weight [vocab][hidden] */
    IAD_ROLE_HEAD,      /* lm_head.weight [vocab][hidden], absent when tied */
    IAD_ROLE_SCALE      /* iadgpt.fusion.scale [1] */
} iad_tensor_role;

typedef struct iad_tensor_spec {
    const char *name;   /* old style; valid during the callback */
    iad_tensor_role role;
    int extra;          /* 1: an addition of the paper, may be absent from a checkpoint */
    int rank;
    int64_t shape[IAD_TENSOR_MAX_RANK];
} iad_tensor_spec;

typedef iad_status (*iad_tensor_fn)(void *user, const iad_tensor_spec *spec, iad_err *err);

/* Calls fn for every tensor of the model in a fixed order: the vision tower, the language model, then (extras = 1) the paper's
 * additions for config->paper.fusion, with C = vision hidden and L = n_taps:
 *   iadgpt.fusion.norm.weight [L][C]       (modes token, global)
 *   iadgpt.fusion.gate.weight [L][L*C]     (mode token)
 *   iadgpt.fusion.gate.bias   [L]          (modes token, global)
 *   iadgpt.fusion.scale       [1]          (modes token, global)
 * n_l = RMS(x_l; norm_l, 1e-6); a = softmax(W concat(n_1..n_L) + b); u = x_last + scale * (rms(x_last) * sum_l a_l n_l - x_last)
 * goes into the merger. The state norm = 1, W = 0, b = 0, scale = 0 is the base model, and what a checkpoint without them means.
 * A failure of fn stops and is returned. */
iad_status iad_model_tensors(const iad_model_config *config, int extras, iad_tensor_fn fn, void *user, iad_err *err);

/* Sums over iad_model_tensors. Any of the results may be NULL. vision: parameters under visual.* with the merger. */
void iad_model_count(const iad_model_config *config, int extras, uint64_t *tensors, uint64_t *parameters, uint64_t *vision);

/* The old-style name of `name` (1.6 of the model page): model.visual.X -> visual.X, model.language_model.X -> model.X, others
 * unchanged. Returns a pointer into `name` or into buffer[size]; NULL when it does not fit. */
const char *iad_model_canonical_name(const char *name, char *buffer, size_t size);
/* The new-style name of an old-style one, the same way back. */
const char *iad_model_new_name(const char *name, char *buffer, size_t size);

/* ---- a directory ---- */

typedef struct iad_checkpoint iad_checkpoint;

typedef struct iad_checkpoint_info {
    size_t files, tensors;       /* weight files; tensors found that the model uses */
    size_t unexpected;           /* tensors that it does not use */
    char first_unexpected[256];  /* "" without one */
    int has_fusion;              /* the iadgpt.fusion.* tensors are there */
    int has_quantised;           /* at least one I8 weight */
    uint64_t bytes;              /* of the tensors used */
    iad_dtype dtype;             /* of model.embed_tokens.weight */
} iad_checkpoint_info;

/* Opens DIR. Every expected tensor must be there with exactly the expected shape (the message names tensor, shape and expected
 * shape) in a floating dtype; a LINEAR or HEAD weight may be I8 instead when "<name>_scale" (F32, [out]) stands beside it:
 * w = scale[out] * q. The extras come all or none. lm_head.weight of a tied model is ignored. info may be NULL. */
iad_status iad_checkpoint_open(const char *dir, iad_checkpoint **checkpoint, iad_checkpoint_info *info, iad_err *err);
void iad_checkpoint_close(iad_checkpoint *checkpoint);
const iad_model_config *iad_checkpoint_config(const iad_checkpoint *checkpoint);
const char *iad_checkpoint_dir(const iad_checkpoint *checkpoint);

/* By old-style name; view->name is the old-style name. NULL when absent (only extras, scales, and lm_head.weight of a tied model can
 * be). For the head's weights use iad_checkpoint_head. */
const iad_tensor_view *iad_checkpoint_get(const iad_checkpoint *checkpoint, const char *name);
/* lm_head.weight, or model.embed_tokens.weight when tied. Never NULL. */
const iad_tensor_view *iad_checkpoint_head(const iad_checkpoint *checkpoint);
/* All used tensors, in the order of iad_model_tensors, then the scales. */
size_t iad_checkpoint_count(const iad_checkpoint *checkpoint);
const iad_tensor_view *iad_checkpoint_at(const iad_checkpoint *checkpoint, size_t i);

/* Identity of the model for cache keys: SHA-256 over a tag, the config in canonical form, and of every used tensor in canonical
 * order name, dtype, shape and content. Independent of folder, shards, file layout and name style.
 * full = 0: content means the whole tensor up to 256 KiB, else 16 pieces of 16 KiB spread evenly from its first to its last byte
 *   (about 110 MB read for 7B). Any training step, conversion or merge changes nearly every element of the tensors it touches and
 *   is seen; an edit of a few single elements in between is not, so do not use it against a forger.
 * full = 1: every byte, on `threads` threads (0: all processors). The two kinds never collide: the tag differs. */
iad_status iad_checkpoint_sha256(const iad_checkpoint *checkpoint, int full, int threads, uint8_t digest[IAD_SHA256_BYTES], iad_err *err);

#endif
