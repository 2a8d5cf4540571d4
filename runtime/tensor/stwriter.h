/* Streaming writer of safetensors files: declare all tensors, begin, write their bytes in pieces in the order of declaration,
 * finish. Memory: the declarations only. The data area starts at a multiple of 64 bytes (the header is padded with spaces).
 *
 * Files are written under hidden temporary names in the target folder, flushed to disk, and renamed in finish, the index last:
 * before that nothing is visible; a failure or iad_st_writer_free without finish removes everything. Where the file system can,
 * the space is reserved in begin, so that a disk that is too small is noticed before anything is written. One thread. */
#ifndef IAD_TENSOR_STWRITER_H
#define IAD_TENSOR_STWRITER_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "runtime/tensor/tensor.h"

typedef struct iad_st_writer iad_st_writer;

/* One file at `path`. The parent folder is created. */
iad_status iad_st_writer_new_file(const char *path, iad_st_writer **writer, iad_err *err);

/* The weights of a checkpoint directory (created): `model.safetensors`, or, when the tensors take more than max_shard_bytes
 * (0: no bound), `model-0000k-of-0000n.safetensors` and `model.safetensors.index.json`. A tensor is never split: one larger than the
 * bound gets a shard of its own. finish also removes weights of the other kind and shards that the new ones do not replace. */
iad_status iad_st_writer_new_dir(const char *dir, uint64_t max_shard_bytes, iad_st_writer **writer, iad_err *err);

/* A pair for __metadata__ of every file ("format": "pt" is there already). Before begin. */
iad_status iad_st_writer_metadata(iad_st_writer *writer, const char *key, const char *value, iad_err *err);
/* Before begin. Errors: ARG (duplicate or bad name, bad shape), LIMIT. */
iad_status iad_st_writer_declare(iad_st_writer *writer, const char *name, iad_dtype dtype, int rank, const int64_t *shape, iad_err *err);

iad_status iad_st_writer_begin(iad_st_writer *writer, iad_err *err);
/* The next n bytes. Pieces may end anywhere, also span tensors. Errors: IO (disk full: says how much was to be written), ARG (more
 * than declared). */
iad_status iad_st_writer_write(iad_st_writer *writer, const void *bytes, size_t n, iad_err *err);
/* All bytes must have come (IAD_ERR_ARG otherwise). Flushes, then makes everything visible. */
iad_status iad_st_writer_finish(iad_st_writer *writer, iad_err *err);
/* Sum of the declared tensors' bytes, and the part written so far. */
uint64_t iad_st_writer_total(const iad_st_writer *writer);
uint64_t iad_st_writer_written(const iad_st_writer *writer);
/* Also gives up an unfinished one. NULL is fine. */
void iad_st_writer_free(iad_st_writer *writer);

#endif
