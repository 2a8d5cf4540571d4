/* Random checkpoints: a model directory from a config, written as a stream (memory stays below 100 MB whatever the model's size). */
#ifndef IAD_MODEL_NEWMODEL_H
#define IAD_MODEL_NEWMODEL_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/status.h"
#include "runtime/model/config.h"
#include "runtime/tensor/dtype.h"

typedef struct iad_newmodel_options {
    uint64_t seed;
    iad_dtype dtype;           /* IAD_F32, IAD_BF16 or IAD_F16 */
    int golden;                /* 1: the deterministic weights of the model page 9.2 (values rounded to bf16 in every dtype); seed unused */
    int cosine_patches;        /* 1: the patch embedding is a cosine transform (cosinepatch.h), and the tower's branches write 0.3 times as much, so
                                * that it comes through; not with golden */
    int compare;               /* 1: cosine patches, and weights that compare pictures from the start (comparestart.h); not with golden */
    int extras;                /* 1: also write the paper's additions in their initial state */
    int new_names;             /* 1: model.visual.*, model.language_model.* */
    iad_config_layout layout;
    uint64_t max_shard_bytes;  /* 0: one file */
    int threads;               /* 0: all processors; the bytes do not depend on it */
    int force;                 /* 1: replace a model that is already there */
    const atomic_int *stop;    /* non-zero: give up, nothing stays; may be NULL */
} iad_newmodel_options;

/* done and total in bytes of weights; called from the calling thread, after each piece. */
typedef void (*iad_newmodel_progress)(void *user, uint64_t done, uint64_t total);

/* Fills `config` with a preset, or from a config.json:
 *   "tiny"   4 + 4 layers, hidden 96, vocabulary 320: the parity model of the model page 9.1 (image 300, video 301, vision start
 *            302 and end 303, eos 304)
 *   "mini"   4 + 4 layers, hidden 192, vocabulary 4096 as in "small": learns from nothing in minutes
 *   "small"  8 + 8 layers, hidden 256, vocabulary 4096: trains on a CPU. Rows 0..4041 are the byte-level BPE vocabulary (256 bytes,
 *            3,786 merges), 4042..4063 the 22 added tokens in Qwen's order (<|endoftext|> 4042, <|im_start|> 4043, <|im_end|> 4044,
 *            <|vision_start|> 4051, <|vision_end|> 4052, <|vision_pad|> 4053, <|image_pad|> 4054, <|video_pad|> 4055,
 *            <|file_sep|> 4063), 4064..4095 padding
 *   "3b", "7b"  the published sizes
 *   PATH     anything with a '/' or ending in ".json"
 * Errors: ARG for an unknown preset (the message lists them), those of iad_model_config_load_file. */
iad_status iad_newmodel_config(const char *preset, iad_model_config *config, iad_err *err);

/* Writes weights and the three JSON files into dir (created). Seeded weights, each tensor's own Philox stream named by (seed, old-style
 * name): matrices, the convolution and embeddings normal with the config's init_range as standard deviation (65,536 equally likely
 * levels, so that no libm enters: same bytes on every machine), norms 1, biases 0; rounded once to dtype.
 * config.json comes last: until then the directory is no model. Each file appears whole or not at all; a run that is stopped or fails
 * leaves no config.json, though it may leave weights that were already complete: the next run writes over them.
 * Errors: ARG (cosine patches that the config cannot have), EXISTS (a model is there and force is 0), INTERRUPTED, those of the writers. progress may
 * be NULL. */
iad_status iad_model_new(const iad_model_config *config, const iad_newmodel_options *options, const char *dir, iad_newmodel_progress progress,
                         void *user, iad_err *err);

/* n elements from `first` of the golden tensor `name` with this shape (model page 9.2) as f32 (values are exact bf16). */
void iad_newmodel_golden(const char *name, int rank, const int64_t *shape, uint64_t first, size_t n, float *dst);

#endif
