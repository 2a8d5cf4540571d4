/* One rank's file of a training checkpoint. Little-endian:
 *
 *   header   64 bytes: "iadshard", u32 version 1, u32 rank, u32 world, u32 records, u64 step, u64 bytes of data, u32 checksums, 20 bytes 0
 *   records  32 bytes each: u32 tensor, u32 kind, u64 first element inside the tensor, u64 elements, u64 place in the file; sorted by
 *            tensor, then kind, then first element
 *   data     the records' values, one behind the other without gaps
 *   CRC-32C  u32 for every 16 MiB, begun or whole, of every record; then u32 over header, records and these checksums
 *
 * Files come from outside: a parsed shard has no record that reaches out of it. */
#ifndef IAD_TRAIN_SHARDFORMAT_H
#define IAD_TRAIN_SHARDFORMAT_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum {
    IAD_SHARD_HEADER = 64,
    IAD_SHARD_RECORD = 32,
    IAD_SHARD_CHUNK = 16 << 20,      /* bytes under one checksum */
    IAD_SHARD_MAX_RECORDS = 1 << 24,
    IAD_SHARD_MAX_WORLD = 1 << 16
};
#define IAD_SHARD_MAX_ELEMENTS ((int64_t)1 << 48) /* of a tensor */

typedef enum iad_shard_kind {
    IAD_SHARD_HIGH = 0, /* u16 bf16 weight */
    IAD_SHARD_LOW,      /* u16 remainder */
    IAD_SHARD_M,        /* f32 */
    IAD_SHARD_V,        /* f32 */
    IAD_SHARD_M8,       /* u8 codes */
    IAD_SHARD_V8,
    IAD_SHARD_M_SCALE,  /* f32, one per IAD_ADAMW_BLOCK elements, begun or whole */
    IAD_SHARD_V_SCALE,
    IAD_SHARD_KINDS
} iad_shard_kind;

const char *iad_shard_kind_name(iad_shard_kind kind);
/* Bytes of `count` elements of this kind. */
uint64_t iad_shard_bytes(iad_shard_kind kind, int64_t count);

typedef struct iad_shard_record {
    uint32_t tensor;
    iad_shard_kind kind;
    int64_t begin, count; /* elements of the tensor, also for scales */
    uint64_t at, bytes;   /* in the file */
    uint64_t first_crc;   /* its checksums: this one and the following */
} iad_shard_record;

typedef struct iad_shard_info {
    uint32_t rank, world;
    int64_t step;
} iad_shard_info;

typedef struct iad_shard {
    iad_shard_info info;
    iad_shard_record *records; /* owned */
    size_t n_record;
    const uint8_t *bytes;      /* the file, borrowed */
    const uint8_t *crcs;       /* inside it */
    uint32_t meta_crc;
    const char *name;          /* for messages, borrowed */
} iad_shard;

/* Fills kind's bytes, place and first checksum of records whose other members are set. *data, *crcs: sums. */
void iad_shard_place(iad_shard_record *records, size_t n, uint64_t *data, uint64_t *crcs);
/* Header and records as they stand in the file, into out[IAD_SHARD_HEADER + n * IAD_SHARD_RECORD]. */
void iad_shard_encode(const iad_shard_info *info, const iad_shard_record *records, size_t n, uint64_t data, uint64_t crcs, uint8_t *out);

/* Checks everything but the data (iad_shard_verify). IAD_ERR_FORMAT says what is wrong. */
iad_status iad_shard_parse(const uint8_t *bytes, size_t n, const char *name, iad_shard *shard, iad_err *err);
void iad_shard_deinit(iad_shard *shard);
/* NULL when the shard has no such record. */
const iad_shard_record *iad_shard_find(const iad_shard *shard, uint32_t tensor, iad_shard_kind kind, int64_t begin);
/* The checksums of one record. `tensor_name` is used in messages. */
iad_status iad_shard_verify(const iad_shard *shard, const iad_shard_record *record, const char *tensor_name, iad_err *err);

#endif
