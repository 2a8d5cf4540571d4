#include "runtime/model/language.h"

void iad_kv_init(iad_kv *kv, const iad_model *model) {
    *kv = (iad_kv){.device = model->device, .n_layer = model->config.text.layers, .dtype = model->kv,
                   .width = (int64_t)model->config.text.kv_heads * model->config.text.head_dim};
}

void iad_kv_deinit(iad_kv *kv) {
    if (kv->device != NULL) kv->device->ops->release(kv->device, kv->data);
    *kv = (iad_kv){0};
}

size_t iad_kv_row_bytes(const iad_kv *kv) { return (size_t)kv->n_layer * 2 * (size_t)kv->width * iad_dtype_size(kv->dtype); }

static iad_mat part(const iad_kv *kv, int layer, int which, int64_t row, int64_t n) {
    size_t index = ((size_t)(layer % kv->n_layer) * 2 + (size_t)which) * (size_t)kv->cap + (size_t)row;
    return (iad_mat){.data = kv->data + index * (size_t)kv->width * iad_dtype_size(kv->dtype), .rows = n, .cols = kv->width, .stride = kv->width,
                     .dtype = kv->dtype};
}

iad_mat iad_kv_keys(const iad_kv *kv, int layer, int64_t row, int64_t n) { return part(kv, layer, 0, row, n); }
iad_mat iad_kv_values(const iad_kv *kv, int layer, int64_t row, int64_t n) { return part(kv, layer, 1, row, n); }

iad_status iad_kv_reserve(iad_kv *kv, iad_queue *queue, int64_t rows, iad_err *err) {
    if (rows <= kv->cap) return IAD_OK;
    if (rows < 0 || rows > INT64_C(1) << 31) return IAD_FAIL(err, IAD_ERR_LIMIT, "a sequence of %lld tokens", (long long)rows);
    iad_kv grown = *kv;
    void *data = NULL;
    grown.cap = (rows + 255) / 256 * 256;
    IAD_TRY(kv->device->ops->alloc(kv->device, iad_kv_row_bytes(kv) * (size_t)grown.cap, &data, err));
    grown.data = data;
    for (int layer = 0; layer < kv->n_layer && kv->len > 0; layer++)
        for (int which = 0; which < 2; which++) {
            iad_status status = queue->ops->copy(queue, part(kv, layer, which, 0, kv->len), part(&grown, layer, which, 0, kv->len), err);
            if (status != IAD_OK) {
                kv->device->ops->release(kv->device, data);
                return status;
            }
        }
    kv->device->ops->release(kv->device, kv->data);
    *kv = grown;
    return IAD_OK;
}
