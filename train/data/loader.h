/* Samples of a stage, from the manifest's tasks, two batches ahead on worker threads. */
#ifndef IAD_TRAIN_LOADER_H
#define IAD_TRAIN_LOADER_H

#include <stddef.h>

#include "runtime/model/config.h"
#include "runtime/token/tokenizer.h"
#include "train/data/sample.h"

typedef struct iad_loader_options {
    const char *db;               /* the manifest */
    const char *model_dir;        /* tokenizer */
    int stage;                    /* 1..3 */
    uint64_t seed;
    double replay_share;          /* of the stage before: 0.5 in stage 2, 0.8 in stage 3, or -1: that default */
    const char *const *tasks;     /* NULL, or only these task names ("s3_detect", ...), of own and replayed records */
    int n_task;
    const char *part;             /* "train" (NULL), or "eval": held-out records by id, once (the last batch is shorter), no replay */
    int batch, rank, world;       /* of the whole world, up to 4096 */
    int threads, ahead;           /* workers, at least 1; batches in flight beside the present one, 2 */
    size_t picture_budget;        /* bytes of decoded pictures */
    int mask_scale;               /* mask grid: so many cells per merged token and axis; 2 */
    int max_rows;                 /* rows of the language model at most; longer records are broken ones */
    double retention;             /* for costs; -1: the config's */
    int compress;                 /* 1: exemplars 2..k of stage-3 records are compressed against the first */
} iad_loader_options;

typedef struct iad_loader iad_loader;
/* config: of the model (sizes, words, preprocessing); copied, as is all of options. Counts the records. IAD_ERR_NOT_FOUND when the stage has none. */
iad_status iad_loader_new(const iad_loader_options *options, const iad_model_config *config, iad_loader **loader, iad_err *err);
void iad_loader_free(iad_loader *loader);
int64_t iad_loader_count(const iad_loader *loader);  /* records of the stage, replayed ones included */
int64_t iad_loader_count_own(const iad_loader *loader); /* without the replayed ones */
int64_t iad_loader_steps(const iad_loader *loader, double epochs); /* of this batch size, rounded up, at least 1 */
const iad_tokenizer *iad_loader_tokenizer(const iad_loader *loader); /* borrowed */

#define IAD_BATCH_BROKEN 8 /* broken records of a batch that are named */

/* This rank's samples of a step; costs already balanced over the ranks. Broken records (missing or changed picture, too long ...) are left out, but
 * counted. */
typedef struct iad_batch {
    iad_sample *samples;          /* owned by the batch; NULL entries never */
    int n;
    double *cost;                 /* [n] estimated FLOP */
    double n_target, n_map;       /* of this rank's samples: weighted supervised tokens, supervised query pictures */
    int n_broken;                 /* of this rank's share */
    int64_t broken_id[IAD_BATCH_BROKEN];/* the first ones */
    char broken_why[IAD_BATCH_BROKEN][256];
} iad_batch;
void iad_batch_deinit(iad_batch *batch);
/* Steps may be asked for in any order; the next ones are prepared ahead while the caller computes. A pure function of (options, step) and the
 * pictures. Errors: those of the machine (memory, database), which would hit the next record too. Broken records are none. */
iad_status iad_loader_get(iad_loader *loader, int64_t step, iad_batch *batch, iad_err *err);

/* One record, for tests and iad-train inspect. */
iad_status iad_loader_sample(iad_loader *loader, int64_t task_id, iad_sample *sample, iad_err *err);

#endif
