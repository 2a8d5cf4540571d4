/* safetensors files: a reader for one mapped file and for a checkpoint directory with shards.
 *
 * Format (https://github.com/huggingface/safetensors): u64 little-endian N, N bytes of JSON, data area. Everything in a file is
 * untrusted: on success every view lies inside the mapping, names are unique, the data area is covered without hole or overlap.
 * Opened objects are immutable: any number of threads may read them. Messages name the file and the tensor. */
#ifndef IAD_TENSOR_SAFETENSORS_H
#define IAD_TENSOR_SAFETENSORS_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "runtime/tensor/tensor.h"

#define IAD_ST_MAX_HEADER 100000000u   /* bytes of JSON, as in the reference reader */
#define IAD_ST_MAX_TENSORS 1000000u    /* per file */
#define IAD_ST_MAX_NAME 1024u          /* bytes of a tensor name */
#define IAD_ST_MAX_METADATA 100000u    /* pairs in __metadata__ */
#define IAD_ST_MAX_SHARDS 10000u
#define IAD_ST_MAX_INDEX (16u << 20)   /* bytes of model.safetensors.index.json */

typedef struct iad_st_file iad_st_file;
typedef struct iad_st_set iad_st_set;

/* Maps and validates one file. Errors: NOT_FOUND, IO, FORMAT (what is wrong, with the tensor's name), LIMIT, UNSUPPORTED
 * (element kinds below one byte), NOMEM. */
iad_status iad_st_open(const char *path, iad_st_file **file, iad_err *err);
/* The same over n bytes in memory, which must outlive the file. `name` stands for the path in messages. */
iad_status iad_st_parse(const void *bytes, size_t n, const char *name, iad_st_file **file, iad_err *err);
void iad_st_close(iad_st_file *file);

size_t iad_st_count(const iad_st_file *file);
/* Tensor i in order of the data area. */
const iad_tensor_view *iad_st_at(const iad_st_file *file, size_t i);
/* NULL when there is no such tensor. */
const iad_tensor_view *iad_st_find(const iad_st_file *file, const char *name);
/* Value of a __metadata__ key, NULL without one. */
const char *iad_st_metadata(const iad_st_file *file, const char *key);
const char *iad_st_path(const iad_st_file *file);

/* Opens the weights of a directory: `model.safetensors` when it is there, else `model.safetensors.index.json` and the shards it
 * names (plain safe file names inside the directory). With an index, exactly the tensors of its weight_map are visible, each from
 * the file the map names; one that is missing there is IAD_ERR_FORMAT. */
iad_status iad_st_set_open(const char *dir, iad_st_set **set, iad_err *err);
void iad_st_set_close(iad_st_set *set);
size_t iad_st_set_count(const iad_st_set *set);
/* File by file in order of name, inside a file in order of the data. */
const iad_tensor_view *iad_st_set_at(const iad_st_set *set, size_t i);
const iad_tensor_view *iad_st_set_find(const iad_st_set *set, const char *name);
size_t iad_st_set_files(const iad_st_set *set);
const iad_st_file *iad_st_set_file(const iad_st_set *set, size_t i);

#endif
