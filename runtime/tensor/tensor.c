#include "runtime/tensor/tensor.h"

#include <stdio.h>

size_t iad_tensor_count(const iad_tensor_view *view) {
    size_t n = 1;
    for (int i = 0; i < view->rank; i++) n *= (size_t)view->shape[i];
    return n;
}

iad_status iad_tensor_bytes(const char *name, iad_dtype dtype, int rank, const int64_t *shape, uint64_t *bytes, iad_err *err) {
    if (rank < 0 || rank > IAD_TENSOR_MAX_RANK)
        return IAD_FAIL(err, IAD_ERR_ARG, "tensor %.200s: rank %d is outside 0..%d", name, rank, IAD_TENSOR_MAX_RANK);
    uint64_t n = iad_dtype_size(dtype);
    if (!n) return IAD_FAIL(err, IAD_ERR_ARG, "tensor %.200s: unknown element type", name);
    int empty = 0;
    for (int i = 0; i < rank; i++) {
        if (shape[i] < 0) return IAD_FAIL(err, IAD_ERR_ARG, "tensor %.200s: axis %d is negative", name, i);
        /* Axes of 0 are kept out of the product, so that the overflow of the others is seen in every order. */
        if (shape[i] == 0) empty = 1;
        else if (__builtin_mul_overflow(n, (uint64_t)shape[i], &n) || n > (uint64_t)INT64_MAX)
            return IAD_FAIL(err, IAD_ERR_LIMIT, "tensor %.200s: the shape is too large", name);
    }
    *bytes = empty ? 0 : n;
    return IAD_OK;
}

char *iad_tensor_shape_text(int rank, const int64_t *shape, char *text, size_t size) {
    size_t used = 0;
    if (!size) return text;
    text[0] = 0;
    for (int i = 0; i <= rank && used < size; i++) {
        int k = i < rank ? snprintf(text + used, size - used, "%s%lld", i ? ", " : "[", (long long)shape[i])
                         : snprintf(text + used, size - used, "%s", rank ? "]" : "[]");
        used += k > 0 ? (size_t)k : 0;
    }
    return text;
}

iad_status iad_tensor_to_f32(const iad_tensor_view *view, size_t first, size_t n, float *dst, iad_err *err) {
    size_t count = iad_tensor_count(view);
    if (first > count || n > count - first)
        return IAD_FAIL(err, IAD_ERR_ARG, "tensor %.200s: elements %zu to %zu of %zu", view->name, first, first + n, count);
    const uint8_t *data = view->data;
    if (iad_dtype_to_f32(view->dtype, n ? data + first * iad_dtype_size(view->dtype) : data, n, dst, err) == IAD_OK) return IAD_OK;
    return iad_err_prefix(err, "tensor %.200s", view->name);
}
