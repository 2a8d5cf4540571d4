/* Reusable device memory of one session: a stack that is emptied before each forward pass. */
#ifndef IAD_MODEL_WORKSPACE_H
#define IAD_MODEL_WORKSPACE_H

#include "runtime/ops.h"

/* Laying out runs the same code twice: first with base NULL, which only counts, then for real. */
typedef struct iad_workspace {
    iad_device *device;
    char *base;     /* device memory, NULL while counting */
    size_t size;    /* bytes behind base */
    size_t used, high;
} iad_workspace;

void iad_workspace_init(iad_workspace *ws, iad_device *device);
void iad_workspace_deinit(iad_workspace *ws);
/* Forgets what was taken and makes room for `bytes`; memory grows only. */
iad_status iad_workspace_reserve(iad_workspace *ws, size_t bytes, iad_err *err);
/* 64-byte aligned pieces; contents undefined. While counting the result's data is NULL. IAD_ERR_LIMIT beyond the reservation. */
iad_status iad_workspace_bytes(iad_workspace *ws, size_t bytes, void **data, iad_err *err);
iad_status iad_workspace_mat(iad_workspace *ws, int64_t rows, int64_t cols, iad_dtype dtype, iad_mat *mat, iad_err *err);

#endif
