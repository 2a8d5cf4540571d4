/* Writing one rank's file of a checkpoint: which records it has, and the file itself. */
#ifndef IAD_TRAIN_SHARDWRITE_H
#define IAD_TRAIN_SHARDWRITE_H

#include "train/param/optimizer.h"
#include "train/store/shardformat.h"

typedef struct iad_shard_plan {
    iad_shard_info info;
    iad_shard_record *records;
    const void **sources;  /* [n_record] device memory */
    size_t n_record;
    uint64_t data, crcs;
    iad_device *device;
    iad_queue *queue;      /* NULL when `copy` is used */
    uint8_t *copy;         /* host copy of all data, or NULL: read from the device while writing */
} iad_shard_plan;

/* Values of every tensor and the optimizer's spans (NULL: none) in the pieces of this comm's rank. Deinit is fine on a failed one. */
iad_status iad_shard_plan_init(iad_shard_plan *plan, const iad_params *params, const iad_optimizer *optimizer, const iad_comm *comm, int64_t step,
                               iad_queue *queue, iad_err *err);
void iad_shard_plan_deinit(iad_shard_plan *plan);
/* Copies all data to the host: from here on the device is not touched. */
iad_status iad_shard_plan_copy(iad_shard_plan *plan, iad_err *err);
/* Writes and syncs the file under `path`, by way of path.part. On failure no file stays. */
iad_status iad_shard_write(iad_shard_plan *plan, const char *path, iad_err *err);

#endif
