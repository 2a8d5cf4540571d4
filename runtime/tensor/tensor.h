/* A tensor as it lies in a file: name, element type, shape and a pointer into the mapping. */
#ifndef IAD_TENSOR_TENSOR_H
#define IAD_TENSOR_TENSOR_H

#include <stddef.h>
#include <stdint.h>

#include "runtime/tensor/dtype.h"

#define IAD_TENSOR_MAX_RANK 8

typedef struct iad_tensor_view {
    const char *name;                    /* borrowed, lives as long as its owner (file, set, checkpoint) */
    iad_dtype dtype;
    int rank;                            /* 0 .. 8; rank 0 is one element */
    int64_t shape[IAD_TENSOR_MAX_RANK];  /* row-major: the last axis is contiguous; an axis may be 0 */
    const void *data;                    /* little-endian elements; NOT necessarily aligned to the element size */
    size_t bytes;                        /* product(shape) * iad_dtype_size(dtype) */
} iad_tensor_view;

/* Product of the shape (it fits: checked on opening). */
size_t iad_tensor_count(const iad_tensor_view *view);

/* product(shape) * element size into *bytes; IAD_ERR_ARG for a negative axis or a rank outside 0..8, IAD_ERR_LIMIT when it
 * does not fit into 63 bits. `name` is used in messages. */
iad_status iad_tensor_bytes(const char *name, iad_dtype dtype, int rank, const int64_t *shape, uint64_t *bytes, iad_err *err);

/* "[5120, 1280]" into text, cut at size. Returns text. */
char *iad_tensor_shape_text(int rank, const int64_t *shape, char *text, size_t size);

/* Elements first .. first+n-1 as f32 into dst; floating kinds only. Errors name the tensor. */
iad_status iad_tensor_to_f32(const iad_tensor_view *view, size_t first, size_t n, float *dst, iad_err *err);

#endif
