#include "runtime/model/workspace.h"

void iad_workspace_init(iad_workspace *ws, iad_device *device) { *ws = (iad_workspace){.device = device}; }

void iad_workspace_deinit(iad_workspace *ws) {
    if (ws->device != NULL) ws->device->ops->release(ws->device, ws->base);
    *ws = (iad_workspace){0};
}

iad_status iad_workspace_reserve(iad_workspace *ws, size_t bytes, iad_err *err) {
    ws->used = 0;
    if (bytes <= ws->size) return IAD_OK;
    ws->device->ops->release(ws->device, ws->base);
    ws->base = NULL;
    ws->size = 0;
    void *data = NULL;
    IAD_TRY(ws->device->ops->alloc(ws->device, bytes, &data, err));
    ws->base = data;
    ws->size = bytes;
    return IAD_OK;
}

iad_status iad_workspace_bytes(iad_workspace *ws, size_t bytes, void **data, iad_err *err) {
    size_t rounded = (bytes + 63) & ~(size_t)63;
    *data = NULL;
    if (rounded < bytes || ws->used + rounded < ws->used) return IAD_FAIL(err, IAD_ERR_LIMIT, "scratch memory of %zu bytes", bytes);
    if (ws->base != NULL) {
        if (ws->used + rounded > ws->size)
            return IAD_FAIL(err, IAD_ERR_INTERNAL, "scratch memory was planned with %zu bytes, but %zu are needed", ws->size, ws->used + rounded);
        *data = ws->base + ws->used;
    }
    ws->used += rounded;
    if (ws->used > ws->high) ws->high = ws->used;
    return IAD_OK;
}

iad_status iad_workspace_mat(iad_workspace *ws, int64_t rows, int64_t cols, iad_dtype dtype, iad_mat *mat, iad_err *err) {
    /* Config limits keep rows * cols * 8 far below 2^63. */
    *mat = (iad_mat){.rows = rows, .cols = cols, .stride = cols, .dtype = dtype};
    return iad_workspace_bytes(ws, (size_t)rows * (size_t)cols * iad_dtype_size(dtype), &mat->data, err);
}
