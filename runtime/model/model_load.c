#include "runtime/model/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "runtime/tensor/dtype.h"

typedef struct loader {
    iad_model *model;
    const iad_model_options *options;
    iad_queue *queue;
    uint64_t done, total;
    iad_err *err;
} loader;

static iad_status tick(loader *l, const iad_tensor_view *view) {
    l->done += view->bytes;
    if (l->options->progress != NULL) l->options->progress(l->options->user, l->done, l->total);
    if (l->options->stop != NULL && atomic_load(l->options->stop)) return IAD_FAIL(l->err, IAD_ERR_INTERRUPTED, "loading was interrupted");
    return IAD_OK;
}

/* A host array on the device. */
static iad_status place(loader *l, const float *host, size_t n, const float **data) {
    iad_model *m = l->model;
    void *made = NULL;
    IAD_TRY(m->device->ops->alloc(m->device, n * sizeof(float), &made, l->err));
    IAD_TRY(iad_model_own(m, made, 0, l->err));
    m->weight_bytes += n * sizeof(float);
    *data = made;
    return m->device->ops->upload(l->queue, made, host, n * sizeof(float), l->err);
}

static size_t elements(const iad_tensor_view *view) {
    size_t n = 1;
    for (int i = 0; i < view->rank; i++) n *= (size_t)view->shape[i];
    return n;
}

/* A small tensor (norms, fusion) as f32 on the device. */
static iad_status vector(void *user, const char *name, const float **data, iad_err *err) {
    loader *l = user;
    const iad_tensor_view *view = iad_checkpoint_get(l->model->checkpoint, name);
    if (view == NULL) return IAD_FAIL(err, IAD_ERR_INTERNAL, "%s: tensor vanished after opening", name);
    size_t n = elements(view);
    float *host = iad_alloc(n, sizeof *host);
    if (host == NULL) return IAD_NOMEM(err, name);
    iad_status status = iad_dtype_to_f32(view->dtype, view->data, n, host, err);
    if (status == IAD_OK) status = place(l, host, n, data);
    free(host);
    if (status != IAD_OK) return status;
    return tick(l, view);
}

/* The table of embeddings: borrowed where the device reads its type. */
static iad_status table(void *user, const char *name, iad_mat *mat, iad_err *err) {
    loader *l = user;
    iad_model *m = l->model;
    const iad_tensor_view *view = iad_checkpoint_get(m->checkpoint, name);
    const float *values = NULL;
    *mat = (iad_mat){.rows = view->shape[0], .cols = view->shape[1], .stride = view->shape[1], .dtype = view->dtype};
    if (view->dtype == IAD_F32 || view->dtype == IAD_BF16 || view->dtype == IAD_F16) {
        IAD_TRY(m->device->ops->borrow(m->device, view->data, view->bytes, &mat->data, err));
        IAD_TRY(iad_model_own(m, mat->data, 1, err));
        return tick(l, view);
    }
    mat->dtype = IAD_F32;
    IAD_TRY(vector(l, name, &values, err));
    memcpy(&mat->data, &values, sizeof values);
    return IAD_OK;
}

/* 1176 wide and seen by raw pixels: 8 bits in the first layer would cost accuracy and gain nothing. */
static iad_dtype storage_of(const iad_model *m, iad_weight *const *slot, const char *prefix) {
    if (slot == &m->patch) return m->vision_storage == IAD_I8 ? IAD_BF16 : m->vision_storage;
    return strncmp(prefix, "visual.", 7) == 0 ? m->vision_storage : m->text_storage;
}

/* Parts "<prefix><part[i]>.weight" stacked into one layer. */
static iad_status linear(void *user, const char *prefix, const char *const *part, int n_part, int with_bias, iad_weight **weight, iad_err *err) {
    loader *l = user;
    iad_model *m = l->model;
    iad_weight_spec spec = {.name = prefix[0] != 0 ? prefix : part[0], .n_parts = n_part, .storage = storage_of(m, weight, prefix)};
    float *bias[IAD_WEIGHT_MAX_PARTS] = {0}, *scale[IAD_WEIGHT_MAX_PARTS] = {0};
    void *converted[IAD_WEIGHT_MAX_PARTS] = {0};
    char name[256];
    iad_status status = IAD_OK;
    for (int i = 0; i < n_part && status == IAD_OK; i++) {
        snprintf(name, sizeof name, "%s%s.weight", prefix, part[i]);
        const iad_tensor_view *view = iad_checkpoint_get(m->checkpoint, name);
        if (view == NULL) {
            status = IAD_FAIL(err, IAD_ERR_INTERNAL, "%s: tensor vanished after opening", name);
            break;
        }
        size_t n_out = (size_t)view->shape[0], n_in = elements(view) / n_out;
        spec.n_in = (int64_t)n_in;
        spec.parts[i] = (iad_weight_part){.data = view->data, .dtype = view->dtype, .n_out = (int64_t)n_out};
        if (view->dtype == IAD_I8) {
            snprintf(name, sizeof name, "%s_scale", view->name);
            const iad_tensor_view *factor = iad_checkpoint_get(m->checkpoint, name);
            scale[i] = iad_alloc(n_out, sizeof(float));
            if (scale[i] == NULL) status = IAD_NOMEM(err, name);
            else if (factor == NULL) status = IAD_FAIL(err, IAD_ERR_INTERNAL, "%s: tensor vanished after opening", name);
            else status = iad_dtype_to_f32(factor->dtype, factor->data, n_out, scale[i], err);
            spec.parts[i].scale = scale[i];
        } else if (view->dtype != IAD_F32 && view->dtype != IAD_BF16 && view->dtype != IAD_F16) {
            converted[i] = iad_alloc(n_out * n_in, sizeof(float)); /* fp8 and f64 files are rare: one copy of this layer */
            if (converted[i] == NULL) status = IAD_NOMEM(err, name);
            else status = iad_dtype_to_f32(view->dtype, view->data, n_out * n_in, converted[i], err);
            spec.parts[i].data = converted[i];
            spec.parts[i].dtype = IAD_F32;
        }
        if (status == IAD_OK && with_bias) {
            snprintf(name, sizeof name, "%s%s.bias", prefix, part[i]);
            const iad_tensor_view *b = iad_checkpoint_get(m->checkpoint, name);
            bias[i] = iad_alloc(n_out, sizeof(float));
            if (bias[i] == NULL) status = IAD_NOMEM(err, name);
            else if (b == NULL) status = IAD_FAIL(err, IAD_ERR_INTERNAL, "%s: tensor vanished after opening", name);
            else status = iad_dtype_to_f32(b->dtype, b->data, n_out, bias[i], err);
            spec.parts[i].bias = bias[i];
        }
        if (status == IAD_OK) status = tick(l, view);
    }
    if (status == IAD_OK) status = m->device->ops->weight_new(m->device, &spec, weight, err);
    if (status == IAD_OK) m->weight_bytes += m->device->ops->weight_bytes(*weight);
    for (int i = 0; i < n_part; i++) {
        free(bias[i]);
        free(scale[i]);
        free(converted[i]);
    }
    return status;
}

static int storage_ok(iad_dtype d) { return d == IAD_F32 || d == IAD_BF16 || d == IAD_I8; }

iad_status iad_model_load(const iad_checkpoint *checkpoint, iad_device *device, const iad_model_options *options, iad_model **model,
                          iad_err *err) {
    *model = NULL;
    if (!storage_ok(options->text_storage) || !storage_ok(options->vision_storage))
        return IAD_FAIL(err, IAD_ERR_ARG, "weights are kept as f32, bf16 or int8");
    iad_model *m = NULL;
    IAD_TRY(iad_model_alloc(iad_checkpoint_config(checkpoint), device, options->text_storage, options->vision_storage, &m, err));
    m->checkpoint = checkpoint;
    loader l = {.model = m, .options = options, .err = err};
    for (size_t i = 0; i < iad_checkpoint_count(checkpoint); i++) l.total += iad_checkpoint_at(checkpoint, i)->bytes;
    const iad_model_visitor visitor = {.vector = vector, .linear = linear, .table = table, .user = &l};
    iad_status status = device->ops->queue_new(device, &l.queue, err);
    if (status == IAD_OK) {
        /* Without its tensors the fusion stays in its initial state, which changes nothing. */
        status = iad_model_visit(m, iad_checkpoint_get(checkpoint, "iadgpt.fusion.scale") != NULL, !options->vision_only, &visitor, err);
        device->ops->queue_free(l.queue);
    }
    if (status != IAD_OK) {
        iad_model_free(m);
        return status;
    }
    *model = m;
    return IAD_OK;
}
