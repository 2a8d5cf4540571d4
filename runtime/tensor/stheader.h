/* The JSON header of a safetensors file, read in one pass without a tree: memory is bounded by the tensors it holds, whatever the
 * text nests or repeats. Internal to runtime/tensor. */
#ifndef IAD_TENSOR_STHEADER_H
#define IAD_TENSOR_STHEADER_H

#include "runtime/tensor/tensor.h"

typedef struct iad_st_entry {
    char *name; /* owned */
    iad_dtype dtype;
    int rank;
    int64_t shape[IAD_TENSOR_MAX_RANK];
    uint64_t begin, end; /* bytes in the data area */
} iad_st_entry;

typedef struct iad_st_header {
    iad_st_entry *items; /* in order of begin, then end */
    size_t n, cap;
    char **metadata;     /* key, value, key, value ... */
    size_t n_metadata, cap_metadata;
} iad_st_header;

/* Parses text[n]; checks every rule that needs no data: kinds, shapes, byte counts, order without hole or overlap up to data_bytes.
 * Duplicate names are left to the caller's table. `path` is used in messages. On failure nothing is kept. */
iad_status iad_st_header_parse(iad_st_header *header, const char *text, size_t n, uint64_t data_bytes, const char *path, iad_err *err);
void iad_st_header_deinit(iad_st_header *header);

#endif
