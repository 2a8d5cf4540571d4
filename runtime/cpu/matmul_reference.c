#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "runtime/cpu/cpu_device.h"
#include "runtime/cpu/matmul.h"
#include "runtime/cpu/matmul_kernels.h"
#include "runtime/ops_check.h"

/* The oracle's weights: a plain matrix in the storage type. The rules of rounding and quantising are the packed ones' (pack.h),
 * nothing else is shared. */
typedef struct ref_weight {
    int64_t n_in, n_out;
    iad_dtype storage;
    void *data;             /* [n_out][n_in] */
    float *bias;            /* NULL: none */
    float *scale;           /* I8: [n_out] */
    size_t bytes;
} ref_weight;

static iad_status fill_row(const iad_weight_spec *spec, ref_weight *w, int64_t row, float *values, iad_err *err) {
    size_t n = (size_t)w->n_in;
    char *dst = (char *)w->data + (size_t)row * n * iad_dtype_size(w->storage);
    int64_t inside;
    const iad_weight_part *part = iad_spec_part(spec, row, &inside);
    if (w->bias != NULL) w->bias[row] = part->bias != NULL ? part->bias[inside] : 0.0f;
    if (w->storage == IAD_I8 && part->dtype == IAD_I8) {
        w->scale[row] = part->scale[inside];
        memcpy(dst, (const char *)part->data + (size_t)inside * n, n);
        return IAD_OK;
    }
    IAD_TRY(iad_spec_row(spec, row, 0, n, values, err));
    if (w->storage == IAD_I8) {
        float factor;
        w->scale[row] = iad_quant_scale(iad_quant_max_abs(values, n), &factor);
        iad_quant_row_s8(values, n, factor, (int8_t *)dst);
        return IAD_OK;
    }
    return iad_dtype_from_f32(w->storage, values, n, dst, err);
}

/* Row `row` of the stacked layer becomes column `row` of its transpose. */
static iad_status fill_column(const iad_weight_spec *spec, ref_weight *w, int64_t row, float *values, iad_err *err) {
    IAD_TRY(iad_spec_row(spec, row, 0, (size_t)w->n_out, values, err));
    size_t size = iad_dtype_size(w->storage);
    for (int64_t o = 0; o < w->n_out; o++)
        IAD_TRY(iad_dtype_from_f32(w->storage, values + o, 1, (char *)w->data + (size_t)(o * w->n_in + row) * size, err));
    return IAD_OK;
}

static iad_status fill(const iad_weight_spec *spec, ref_weight *w, iad_err *err) {
    float *values = iad_alloc((size_t)spec->n_in, sizeof *values);
    if (values == NULL) return IAD_NOMEM(err, "a row of a weight");
    iad_status status = IAD_OK;
    int64_t rows = spec->transposed ? w->n_in : w->n_out;
    for (int64_t r = 0; status == IAD_OK && r < rows; r++)
        status = spec->transposed ? fill_column(spec, w, r, values, err) : fill_row(spec, w, r, values, err);
    free(values);
    return status;
}

iad_status iad_ref_weight_new(iad_device *device, const iad_weight_spec *spec, iad_weight **weight, iad_err *err) {
    *weight = NULL;
    int64_t n_in, n_out;
    IAD_TRY(iad_spec_check(spec, &n_in, &n_out, err));
    ref_weight *w = iad_calloc(1, sizeof *w);
    if (w == NULL) return IAD_NOMEM(err, "a weight");
    w->n_in = n_in;
    w->n_out = n_out;
    w->storage = spec->storage;
    int has_bias = iad_spec_has_bias(spec);
    size_t outs = (size_t)n_out, data = outs * (size_t)w->n_in * iad_dtype_size(w->storage);
    w->data = iad_cpu_alloc(device, data);
    w->bytes = data;
    if (has_bias) w->bias = iad_cpu_alloc(device, outs * sizeof(float));
    if (w->storage == IAD_I8) w->scale = iad_cpu_alloc(device, outs * sizeof(float));
    w->bytes += outs * sizeof(float) * (size_t)((w->bias != NULL) + (w->scale != NULL));
    iad_status status = IAD_OK;
    if (w->data == NULL || (has_bias && w->bias == NULL) || (w->storage == IAD_I8 && w->scale == NULL))
        status = IAD_NOMEM(err, "a weight");
    else status = fill(spec, w, err);
    if (status == IAD_OK) *weight = (iad_weight *)(void *)w;
    else iad_ref_weight_free(device, (iad_weight *)(void *)w);
    return status;
}

iad_status iad_ref_weight_set(iad_device *device, const iad_weight_spec *spec, iad_weight *weight, iad_err *err) {
    (void)device;
    ref_weight *w = (ref_weight *)(void *)weight;
    IAD_TRY(iad_spec_fits(spec, w->n_in, w->n_out, w->storage, w->bias != NULL, err));
    return fill(spec, w, err);
}

void iad_ref_weight_free(iad_device *device, iad_weight *weight) {
    if (weight == NULL) return;
    ref_weight *w = (ref_weight *)(void *)weight;
    iad_cpu_release(device, w->data);
    iad_cpu_release(device, w->bias);
    iad_cpu_release(device, w->scale);
    free(w);
}

size_t iad_ref_weight_bytes(const iad_weight *weight) { return ((const ref_weight *)(const void *)weight)->bytes; }

static double dot_float(const ref_weight *w, const float *x, int64_t row) {
    size_t n = (size_t)w->n_in;
    double sum = 0.0;
    if (w->storage == IAD_F32) {
        const float *v = (const float *)w->data + (size_t)row * n;
        for (size_t i = 0; i < n; i++) sum += (double)x[i] * (double)v[i];
    } else {
        const uint16_t *v = (const uint16_t *)w->data + (size_t)row * n;
        for (size_t i = 0; i < n; i++) sum += (double)x[i] * (double)iad_bf16_to_f32(v[i]);
    }
    return sum;
}

static float dot_i8(const ref_weight *w, const int8_t *x, float x_scale, int64_t row) {
    const int8_t *v = (const int8_t *)w->data + (size_t)row * (size_t)w->n_in;
    int32_t sum = 0;
    for (int64_t i = 0; i < w->n_in; i++) sum += x[i] * v[i];
    return (float)sum * (x_scale * w->scale[row]);
}

iad_status iad_ref_linear(iad_queue *queue, iad_mat x, const iad_weight *weight, iad_store store, iad_mat y, iad_err *err) {
    const ref_weight *w = (const ref_weight *)(const void *)weight;
    IAD_TRY(iad_check_linear(w->n_in, w->n_out, w->storage, &x, store, &y, err));
    if (x.rows == 0) return IAD_OK;
    size_t n = (size_t)w->n_in;
    void *scratch;
    IAD_TRY(iad_cpu_scratch(queue, IAD_CPU_SCRATCH_MATMUL, n * (sizeof(float) + 1), &scratch, err));
    float *values = scratch, x_scale = 0.0f;
    int8_t *q = (int8_t *)(values + n);
    for (int64_t r = 0; r < x.rows; r++) {
        const char *row = (const char *)x.data + (size_t)(r * x.stride) * iad_dtype_size(x.dtype);
        IAD_TRY(iad_dtype_to_f32(x.dtype, row, n, values, err));
        if (w->storage == IAD_I8) {
            float factor;
            x_scale = iad_quant_scale(iad_quant_max_abs(values, n), &factor);
            iad_quant_row_s8(values, n, factor, q);
        }
        for (int64_t o = 0; o < w->n_out; o++) {
            float v;
            if (w->storage == IAD_I8) {
                v = dot_i8(w, q, x_scale, o);
                if (w->bias != NULL) v += w->bias[o];
            } else {
                v = (float)(dot_float(w, values, o) + (w->bias != NULL ? (double)w->bias[o] : 0.0));
            }
            size_t at = (size_t)(r * y.stride + o);
            if (y.dtype == IAD_BF16) ((uint16_t *)y.data)[at] = iad_f32_to_bf16(v);
            else if (store == IAD_STORE_ADD) ((float *)y.data)[at] += v;
            else ((float *)y.data)[at] = v;
        }
    }
    return IAD_OK;
}
