/* manifest.json of a training checkpoint: the run's state, the files, and for every tensor which elements lie in which file. Its last member is
 * the CRC-32C of the rest in canonical form. */
#ifndef IAD_TRAIN_STOREMANIFEST_H
#define IAD_TRAIN_STOREMANIFEST_H

#include "base/buf.h"
#include "runtime/tensor/tensor.h"
#include "train/store/trainstore.h"

#define IAD_STORE_MANIFEST "manifest.json"
enum {
    IAD_STORE_MAX_MANIFEST = 256 << 20, /* bytes */
    IAD_STORE_MAX_TENSORS = 1000000
};

typedef enum iad_store_states { IAD_STORE_NO_STATES, IAD_STORE_F32_STATES, IAD_STORE_8BIT_STATES } iad_store_states;

typedef struct iad_store_file {
    uint64_t bytes;
    uint32_t crc;         /* of its header, records and checksums: iad_shard.meta_crc */
} iad_store_file;

typedef struct iad_store_range {
    int64_t begin, end;   /* elements of the tensor */
    int file;             /* = rank */
} iad_store_range;

typedef struct iad_store_tensor {
    char *name;           /* owned */
    int rank;
    int64_t shape[IAD_TENSOR_MAX_RANK];
    int64_t n;
    int has_states;
    iad_store_range *ranges; /* owned; rising, without gaps, from 0 to n */
    size_t n_range;
} iad_store_tensor;

typedef struct iad_store_manifest {
    int64_t step;
    int world;
    iad_store_states states;
    iad_train_state state;
    iad_store_file *files;     /* [world] */
    iad_store_tensor *tensors;
    size_t n_tensor;
} iad_store_manifest;

/* "rank-00000.bin" */
void iad_store_file_name(int rank, char name[32]);

/* What a checkpoint of these parameters looks like when `world` ranks write it; files are zero. Deinit is fine on a failed one. */
iad_status iad_store_manifest_init(iad_store_manifest *manifest, const iad_params *params, iad_store_states states, int world,
                                   const iad_train_state *state, iad_err *err);
void iad_store_manifest_deinit(iad_store_manifest *manifest);
/* Readable JSON, appended. IAD_ERR_ARG when a member of the state is not finite or not UTF-8. */
iad_status iad_store_manifest_format(const iad_store_manifest *manifest, iad_buf *text, iad_err *err);
/* From outside: every member is checked. Errors name `where` and the member. */
iad_status iad_store_manifest_parse(const char *text, size_t n, const char *where, iad_store_manifest *manifest, iad_err *err);
/* The same from dir/manifest.json. */
iad_status iad_store_manifest_load(const char *dir, iad_store_manifest *manifest, iad_err *err);

#endif
