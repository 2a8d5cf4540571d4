/* Checkpoints of a training run (train page 7.6): OUT/step-00001200/ with one file per rank (shardformat.h: records with CRC-32C per 16 MiB) and
 * a manifest that maps every element range to a file (storemanifest.h). Written as step-N.tmp, synced, renamed; a folder without manifest does
 * not exist for the reader. Readable at any world size, bit by bit. OUT/latest names the one to go on from. The folder is one that all ranks
 * share. */
#ifndef IAD_TRAIN_STORE_H
#define IAD_TRAIN_STORE_H

#include <stdatomic.h>

#include "train/param/optimizer.h"

/* Everything of the run that is not in arrays. Plain data, stored as JSON. */
typedef struct iad_train_state {
    int stage;
    int64_t step, steps;          /* next step of this stage, number of steps */
    uint64_t seed;
    double map_lo[2], map_hi[2];  /* normalisation of the next step */
    int has_map_range;
    int64_t samples, broken;      /* of this stage so far; broken records skipped */
    iad_optimizer_clock clock;
    char config_sha256[65], data_sha256[65], build[65];
} iad_train_state;

typedef struct iad_train_store_options {
    const char *dir;              /* OUT */
    int keep;                     /* newest n kept; 2 */
    int keep_every;               /* and every k-th step; 0: none */
    int async;                    /* 1: a thread writes a copy while training goes on; a second save waits for the first. Same bytes as 0 */
} iad_train_store_options;

typedef struct iad_train_store iad_train_store;
/* Makes the folder, and removes what a run that died in it left half written. Every rank calls it; the comm outlives the store. */
iad_status iad_train_store_open(const iad_train_store_options *options, iad_comm *comm, iad_train_store **store, iad_err *err);
/* Waits for this rank's write under way; its failure is returned. NULL is fine. Not collective: a rank may close alone when it gives up. */
iad_status iad_train_store_close(iad_train_store *store, iad_err *err);
/* Copies (async) or writes params and optimizer (NULL: weights only); state->clock is taken from the optimizer. Every rank calls it. Fails on all
 * ranks when one of them fails, also with what a failed earlier asynchronous write came to; the checkpoints before stay as they are. */
iad_status iad_train_store_save(iad_train_store *store, iad_queue *queue, const iad_params *params, const iad_optimizer *optimizer,
                                const iad_train_state *state, iad_err *err);
/* Every rank calls it: returns when the last save is committed, or failed. */
iad_status iad_train_store_wait(iad_train_store *store, iad_err *err);

/* Newest checkpoint below dir whose manifest is sound and whose files have their sizes: *step, or -1 when there is no checkpoint at all (or no
 * dir). When there are some and all are damaged, the newest one's error. */
iad_status iad_train_store_latest(const char *dir, int64_t *step, iad_err *err);
/* Reads step (or the newest, -1) into params and optimizer (NULL: weights only), at this comm's rank and world. Every rank calls it. state may be
 * NULL. With -1 a damaged checkpoint falls back to the one before, with a message in note (size note_n; "" when none); with a step there is no
 * other. IAD_ERR_NOT_FOUND: there is none; IAD_ERR_ARG: it is of another model, or of other trained tensors or states; else the error names file
 * and tensor. Nothing is changed unless everything that this rank needs was verified. */
iad_status iad_train_store_load(const char *dir, int64_t step, iad_comm *comm, iad_queue *queue, iad_params *params, iad_optimizer *optimizer,
                                iad_train_state *state, char *note, size_t note_n, iad_err *err);

/* Hugging Face layout that the runtime and transformers load: config.json as params->config (flat or nested, names old or new, as in model_dir),
 * safetensors with the paper's additions (which transformers ignores), tokenizer files of model_dir. dtype IAD_BF16: the weights that the model
 * computes with; IAD_F32: the exact masters. One rank calls it. config.json comes last: until then the folder is no model; a call that fails
 * before leaves a model that was there (force 1) as it was.
 * Errors: EXISTS (a model is there and force is 0), ARG (out_dir is model_dir, another dtype), INTERRUPTED, those of the writers. */
iad_status iad_train_store_export(const iad_params *params, iad_queue *queue, const char *model_dir, const char *out_dir, iad_dtype dtype,
                                  uint64_t max_shard_bytes, int force, const atomic_int *stop, iad_err *err);

#endif
