#include "runtime/cuda/linear.cuh"

extern "C" {
#include "runtime/cpu/pack.h"
#include "runtime/cuda/weightrows.h"
}
#include "runtime/cuda/rows.cuh"

enum { LINE = 16 }; /* bytes that rows begin at a multiple of */

static const char *name_of(const iad_weight_spec *spec) { return spec->name != NULL ? spec->name : "weight"; }

static int on_card(const void *data) {
    cudaPointerAttributes is;
    if (cudaPointerGetAttributes(&is, data) != cudaSuccess) {
        (void)cudaGetLastError();
        return 0;
    }
    return is.type == cudaMemoryTypeDevice;
}

/* Whether the parts lie on the card; all or none of them. */
static iad_status side(const iad_weight_spec *spec, int *card, iad_err *err) {
    *card = on_card(spec->parts[0].data);
    for (int p = 0; p < spec->n_parts; p++) {
        const iad_weight_part *part = &spec->parts[p];
        if (on_card(part->data) != *card) return IAD_FAIL(err, IAD_ERR_ARG, "%s: some parts lie on the card, others do not", name_of(spec));
        if (*card && ((part->dtype != IAD_F32 && part->dtype != IAD_BF16) || spec->storage == IAD_I8))
            return IAD_FAIL(err, IAD_ERR_ARG, "%s: part %d of type %s lies on the card, to be held as %s", name_of(spec), p,
                            iad_dtype_name(part->dtype),
                            iad_dtype_name(spec->storage));
    }
    return IAD_OK;
}

/* Biases of all parts, as f32 and as bf16. */
static iad_status fill_bias(iad_queue *queue, const iad_weight_spec *spec, iad_cuda_weight *w, iad_err *err) {
    size_t n = (size_t)w->n_out;
    float *bias = (float *)iad_calloc(n, sizeof *bias);
    uint16_t *half = (uint16_t *)iad_calloc(n, sizeof *half);
    iad_status status = bias == NULL || half == NULL ? IAD_NOMEM(err, "biases") : IAD_OK;
    float *at = bias;
    for (int p = 0; status == IAD_OK && p < spec->n_parts; at += spec->parts[p++].n_out) {
        size_t bytes = (size_t)spec->parts[p].n_out * sizeof *bias;
        if (spec->parts[p].bias == NULL) continue; /* stays 0 */
        if (on_card(spec->parts[p].bias)) status = iad_cuda_download(queue, at, spec->parts[p].bias, bytes, err);
        else memcpy(at, spec->parts[p].bias, bytes);
    }
    if (status == IAD_OK) {
        w->bias_exact = 1;
        for (size_t i = 0; i < n; i++) {
            half[i] = iad_f32_to_bf16(bias[i]);
            w->bias_exact &= iad_bf16_to_f32(half[i]) == bias[i];
        }
        status = iad_cuda_upload(queue, w->bias, bias, n * sizeof *bias, err);
    }
    if (status == IAD_OK) status = iad_cuda_upload(queue, w->bias_half, half, n * sizeof *half, err);
    free(bias);
    free(half);
    return status;
}

static iad_status fill_from_card(iad_queue *queue, const iad_weight_spec *spec, iad_cuda_weight *w, iad_err *err) {
    int64_t row = 0;
    for (int p = 0; p < spec->n_parts; p++) {
        const iad_weight_part *part = &spec->parts[p];
        iad_mat from = {(void *)(uintptr_t)part->data, part->n_out, w->cols, w->cols, part->dtype}, to = {w->data, w->rows, w->cols, w->ld,
                                                                                                          w->storage};
        IAD_TRY(iad_cuda_copy(queue, from, iad_mat_rows(to, row, part->n_out), err));
        row += part->n_out;
    }
    return IAD_OK;
}

/* In pieces that the pinned memory passes on at once; the next piece is made ready while the card reads. */
static iad_status fill_from_host(iad_queue *queue, const iad_weight_spec *spec, iad_cuda_weight *w, iad_err *err) {
    size_t line = (size_t)w->ld * iad_dtype_size(w->storage);
    int64_t step = (int64_t)(((size_t)2 << 20) / line);
    if (step < 1) step = 1;
    if (step > w->rows) step = w->rows;
    char *rows = (char *)iad_alloc((size_t)step, line);
    float *scale = (float *)iad_alloc((size_t)step, sizeof *scale);
    iad_status status = rows == NULL || scale == NULL ? IAD_NOMEM(err, name_of(spec)) : IAD_OK;
    for (int64_t r = 0; status == IAD_OK && r < w->rows; r += step) {
        int64_t n = w->rows - r < step ? w->rows - r : step;
        status = iad_weight_rows(spec, r, n, w->ld, rows, w->scale != NULL ? scale : NULL, err);
        if (status == IAD_OK) status = iad_cuda_upload(queue, (char *)w->data + (size_t)r * line, rows, (size_t)n * line, err);
        if (status == IAD_OK && w->scale != NULL) status = iad_cuda_upload(queue, w->scale + r, scale, (size_t)n * sizeof *scale, err);
    }
    free(rows);
    free(scale);
    return status;
}

static iad_status fill(iad_device *device, const iad_weight_spec *spec, iad_cuda_weight *w, iad_err *err) {
    int card;
    iad_queue *queue;
    IAD_TRY(iad_cuda_load_begin(device, &queue, err));
    iad_status status = side(spec, &card, err);
    if (status == IAD_OK) status = card ? fill_from_card(queue, spec, w, err) : fill_from_host(queue, spec, w, err);
    if (status == IAD_OK && w->bias != NULL) status = fill_bias(queue, spec, w, err);
    status = iad_cuda_load_end(device, status, err);
    if (status != IAD_OK) (void)iad_err_prefix(err, "%s", name_of(spec));
    return status;
}

/* Memory, and zeros where no values come: behind the columns and, of 8-bit weights, behind the rows. */
static iad_status make_room(iad_device *device, iad_cuda_weight *w, int has_bias, iad_err *err) {
    size_t outs = (size_t)w->n_out, data = (size_t)(w->rows_pad * w->ld) * iad_dtype_size(w->storage);
    void *bias = NULL, *half = NULL, *scale = NULL;
    iad_queue *queue;
    iad_status status = iad_cuda_alloc(device, data, &w->data, err);
    if (status == IAD_OK && has_bias) status = iad_cuda_alloc(device, outs * sizeof(float), &bias, err);
    if (status == IAD_OK && has_bias) status = iad_cuda_alloc(device, outs * sizeof(uint16_t), &half, err);
    if (status == IAD_OK && w->storage == IAD_I8) status = iad_cuda_alloc(device, outs * sizeof(float), &scale, err);
    w->bias = (float *)bias;
    w->bias_half = (uint16_t *)half;
    w->scale = (float *)scale;
    w->bytes = data + outs * ((bias != NULL ? sizeof(float) + sizeof(uint16_t) : 0) + (scale != NULL ? sizeof(float) : 0));
    if (status != IAD_OK || (w->ld == w->cols && w->rows_pad == w->rows)) return status;
    IAD_TRY(iad_cuda_load_begin(device, &queue, err));
    return iad_cuda_load_end(device, iad_cuda_zero(queue, w->data, data, err), err);
}

iad_status iad_cuda_weight_new(iad_device *device, const iad_weight_spec *spec, iad_weight **weight, iad_err *err) {
    *weight = NULL;
    int64_t n_in, n_out;
    IAD_TRY(iad_spec_check(spec, &n_in, &n_out, err));
    iad_cuda_weight *w = (iad_cuda_weight *)iad_calloc(1, sizeof *w);
    if (w == NULL) return IAD_NOMEM(err, "a weight");
    int64_t per_line = LINE / (int64_t)iad_dtype_size(spec->storage);
    w->n_in = n_in;
    w->n_out = n_out;
    w->rows = spec->transposed ? n_in : n_out;
    w->cols = spec->n_in;
    w->ld = (w->cols + per_line - 1) / per_line * per_line;
    w->rows_pad = spec->storage == IAD_I8 ? (w->rows + LINE - 1) / LINE * LINE : w->rows;
    w->storage = spec->storage;
    w->transposed = spec->transposed;
    iad_status status = make_room(device, w, iad_spec_has_bias(spec), err);
    if (status != IAD_OK) (void)iad_err_prefix(err, "%s", name_of(spec));
    else status = fill(device, spec, w, err);
    if (status != IAD_OK) {
        iad_cuda_weight_free(device, (iad_weight *)w);
        return status;
    }
    *weight = (iad_weight *)w;
    return IAD_OK;
}

iad_status iad_cuda_weight_set(iad_device *device, const iad_weight_spec *spec, iad_weight *weight, iad_err *err) {
    iad_cuda_weight *w = (iad_cuda_weight *)weight;
    IAD_TRY(iad_spec_fits(spec, w->n_in, w->n_out, w->storage, w->bias != NULL, err));
    if (spec->transposed != w->transposed)
        return IAD_FAIL(err, IAD_ERR_ARG, "%s: values of a transposed layer for one that is not, or the other way", name_of(spec));
    return fill(device, spec, w, err);
}

void iad_cuda_weight_free(iad_device *device, iad_weight *weight) {
    if (weight == NULL) return;
    iad_cuda_weight *w = (iad_cuda_weight *)weight;
    iad_cuda_release(device, w->data);
    iad_cuda_release(device, w->bias);
    iad_cuda_release(device, w->bias_half);
    iad_cuda_release(device, w->scale);
    free(w);
}

size_t iad_cuda_weight_bytes(const iad_weight *weight) { return iad_cuda_weight_of(weight)->bytes; }
