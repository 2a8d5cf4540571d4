/* Checkpoints of a training run (train page 7.6): OUT/step-00001200/ with one file per rank (header, records with CRC32C per 16 MiB) and a manifest
 * that maps every element range to a file. Written as step-N.tmp, synced, renamed; a folder without manifest does not exist for the reader. Readable at
 * any world size, bit by bit. OUT/latest names the newest. */
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
    int async;                    /* 1: a thread writes while training goes on; a second save waits for the first */
} iad_train_store_options;

typedef struct iad_train_store iad_train_store;
iad_status iad_train_store_open(const iad_train_store_options *options, iad_comm *comm, iad_train_store **store, iad_err *err);
/* Waits for a write under way; its failure is returned. */
iad_status iad_train_store_close(iad_train_store *store, iad_err *err);
/* Copies (async) or writes params and optimizer; every rank calls it. A failed earlier asynchronous write is returned here. */
iad_status iad_train_store_save(iad_train_store *store, iad_queue *queue, const iad_params *params, const iad_optimizer *optimizer, const iad_train_state *state, iad_err *err);
iad_status iad_train_store_wait(iad_train_store *store, iad_err *err);

/* Newest whole checkpoint below dir: *step, or -1 when there is none. */
iad_status iad_train_store_latest(const char *dir, int64_t *step, iad_err *err);
/* Reads step (or the newest, -1) into params and optimizer (NULL: weights only), at this comm's rank and world. A bad checksum falls back to the checkpoint before
 * with a message in note (size note_n; "" when none); IAD_ERR_NOT_FOUND when there is none, IAD_ERR_FORMAT names file and record otherwise. */
iad_status iad_train_store_load(const char *dir, int64_t step, iad_comm *comm, iad_queue *queue, iad_params *params, iad_optimizer *optimizer, iad_train_state *state,
                          char *note, size_t note_n, iad_err *err);

/* Hugging Face layout (config.json, safetensors in bf16 or f32, tokenizer files copied from model_dir) that the runtime and transformers load. Whole or not at all. */
iad_status iad_train_store_export(const iad_params *params, iad_queue *queue, const char *model_dir, const char *out_dir, iad_dtype dtype, uint64_t max_shard_bytes,
                            int force, const atomic_int *stop, iad_err *err);

#endif
