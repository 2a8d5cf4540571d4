#include "train/param/params.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "runtime/device.h"
#include "train/param/paramrules.h"

enum { CHUNK = 1 << 20 }; /* elements that pass between host and device at a time */

/* ---- layout ---- */

static iad_status add_tensor(void *user, const iad_tensor_spec *spec, iad_err *err) {
    iad_params *p = user;
    iad_param *t = &p->tensors[p->n_tensor];
    char bucket[sizeof p->buckets->name];
    if (!(t->name = iad_strdup(spec->name))) return IAD_NOMEM(err, spec->name);
    t->role = spec->role;
    t->rank = spec->rank;
    t->offset = p->n;
    t->n = 1;
    for (int i = 0; i < spec->rank; i++) t->n *= t->shape[i] = spec->shape[i];
    t->rate_factor = 1;
    p->n += (t->n + IAD_PARAM_ALIGN - 1) / IAD_PARAM_ALIGN * IAD_PARAM_ALIGN;
    iad_param_bucket_name(spec->name, bucket, sizeof bucket);
    if (!p->n_bucket || strcmp(p->buckets[p->n_bucket - 1].name, bucket) != 0) {
        iad_bucket *b = &p->buckets[p->n_bucket++];
        memcpy(b->name, bucket, sizeof bucket);
        b->begin = t->offset;
    }
    t->bucket = p->n_bucket - 1;
    p->buckets[t->bucket].end = p->n;
    p->n_tensor++;
    return IAD_OK;
}

static iad_status lay_out(iad_params *p, iad_err *err) {
    uint64_t n_tensor;
    iad_model_count(&p->config, 1, &n_tensor, NULL, NULL);
    p->tensors = iad_calloc((size_t)n_tensor, sizeof *p->tensors);
    p->buckets = iad_calloc((size_t)n_tensor, sizeof *p->buckets); /* more than there are */
    if (!p->tensors || !p->buckets) return IAD_NOMEM(err, "the table of parameters");
    return iad_model_tensors(&p->config, 1, add_tensor, p, err);
}

static iad_status allocate(iad_params *p, iad_queue *queue, iad_err *err) {
    const iad_ops *ops = p->device->ops;
    size_t n = (size_t)p->n;
    void *high = NULL, *low = NULL, *grad = NULL;
    iad_status status = ops->alloc(p->device, n * sizeof *p->high, &high, err);
    p->high = high;
    if (status == IAD_OK) status = ops->alloc(p->device, n * sizeof *p->low, &low, err);
    p->low = low;
    if (status == IAD_OK) status = ops->alloc(p->device, n * sizeof *p->grad, &grad, err);
    p->grad = grad;
    if (status != IAD_OK) return status;
    IAD_TRY(ops->zero(queue, p->high, n * sizeof *p->high, err));
    IAD_TRY(ops->zero(queue, p->low, n * sizeof *p->low, err));
    return iad_params_zero_grad(p, queue, err);
}

/* ---- values between host and device ---- */

/* Room for CHUNK elements on both sides. */
typedef struct passage {
    iad_device *device;
    float *host;
    void *data; /* device */
} passage;

static iad_status passage_init(passage *way, iad_device *device, iad_err *err) {
    *way = (passage){.device = device};
    if (!(way->host = iad_alloc(CHUNK, sizeof *way->host))) return IAD_NOMEM(err, "copying parameters");
    return device->ops->alloc(device, CHUNK * sizeof(float), &way->data, err);
}

static void passage_deinit(passage *way) {
    if (way->data) way->device->ops->release(way->device, way->data);
    free(way->host);
}

static int64_t chunk_of(const iad_param *t, int64_t at) { return t->n - at < CHUNK ? t->n - at : CHUNK; }

/* Elements at.. of the tensor become the n values in way->host. */
static iad_status put_chunk(iad_params *p, iad_queue *queue, passage *way, const iad_param *t, int64_t at, int64_t n, iad_err *err) {
    IAD_TRY(p->device->ops->upload(queue, way->data, way->host, (size_t)n * sizeof(float), err));
    return p->grad_ops->split(queue, way->data, n, p->high + t->offset + at, p->low + t->offset + at, err);
}

static iad_status load_tensor(iad_params *p, iad_queue *queue, passage *way, const iad_checkpoint *checkpoint, const iad_param *t, iad_err *err) {
    const iad_tensor_view *view = iad_checkpoint_get(checkpoint, t->name);
    if (view && !iad_dtype_is_float(view->dtype))
        return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "tensor %s is %s: a quantised model cannot be trained, take the one it was made of", t->name,
                        iad_dtype_name(view->dtype));
    for (int64_t at = 0; at < t->n; at += CHUNK) {
        int64_t n = chunk_of(t, at);
        if (view) IAD_TRY(iad_tensor_to_f32(view, (size_t)at, (size_t)n, way->host, err));
        else for (int64_t i = 0; i < n; i++) way->host[i] = t->role == IAD_ROLE_NORM ? 1.0f : 0.0f; /* an addition in its initial state */
        IAD_TRY(put_chunk(p, queue, way, t, at, n, err));
    }
    return IAD_OK;
}

static iad_status load_all(iad_params *p, iad_queue *queue, const iad_checkpoint *checkpoint, iad_err *err) {
    passage way;
    iad_status status = passage_init(&way, p->device, err);
    for (int i = 0; i < p->n_tensor && status == IAD_OK; i++) status = load_tensor(p, queue, &way, checkpoint, &p->tensors[i], err);
    passage_deinit(&way);
    return status;
}

static iad_status load(iad_params *p, const iad_checkpoint *checkpoint, const iad_param_rules *rules, iad_err *err) {
    iad_queue *queue = NULL;
    IAD_TRY(iad_grad_ops_of(p->device, &p->grad_ops, err));
    IAD_TRY(lay_out(p, err));
    IAD_TRY(iad_params_apply(p, rules, err));
    IAD_TRY(p->device->ops->queue_new(p->device, &queue, err));
    iad_status status = allocate(p, queue, err);
    if (status == IAD_OK && load_all(p, queue, checkpoint, err) != IAD_OK) status = iad_err_prefix(err, "%s", iad_checkpoint_dir(checkpoint));
    p->device->ops->queue_free(queue);
    return status;
}

iad_status iad_params_load(const iad_checkpoint *checkpoint, iad_device *device, const iad_param_rules *rules, iad_params **params, iad_err *err) {
    iad_err own;
    if (!err) err = &own; /* a prefix needs one */
    iad_params *p = *params = iad_calloc(1, sizeof *p);
    if (!p) return IAD_NOMEM(err, "parameters");
    p->config = *iad_checkpoint_config(checkpoint);
    p->device = device;
    iad_status status = load(p, checkpoint, rules, err);
    if (status != IAD_OK) {
        iad_params_free(p);
        *params = NULL;
    }
    return status;
}

void iad_params_free(iad_params *p) {
    if (!p) return;
    p->device->ops->release(p->device, p->high);
    p->device->ops->release(p->device, p->low);
    p->device->ops->release(p->device, p->grad);
    for (int i = 0; p->tensors && i < p->n_tensor; i++) free(p->tensors[i].name);
    free(p->tensors);
    free(p->buckets);
    free(p);
}

const iad_param *iad_params_find(const iad_params *p, const char *name) {
    for (int i = 0; i < p->n_tensor; i++)
        if (strcmp(p->tensors[i].name, name) == 0) return &p->tensors[i];
    return NULL;
}

/* ---- rules ---- */

static iad_status check_patterns(const iad_params *p, const char *const *patterns, int n, const char *what, iad_err *err) {
    for (int k = 0; k < n; k++) {
        int hits = 0;
        for (int i = 0; i < p->n_tensor && !hits; i++) hits = iad_param_match(patterns[k], p->tensors[i].name);
        if (!hits) return IAD_FAIL(err, IAD_ERR_ARG, "%s \"%.100s\": no tensor of the model has such a name", what, patterns[k]);
    }
    return IAD_OK;
}

static int matches_any(const char *const *patterns, int n, const char *name) {
    for (int k = 0; k < n; k++)
        if (iad_param_match(patterns[k], name)) return 1;
    return 0;
}

int iad_param_is_trainable(const iad_param_rules *rules, const char *name) {
    return !matches_any(rules->freeze, rules->n_freeze, name) || matches_any(rules->unfreeze, rules->n_unfreeze, name);
}

iad_status iad_params_apply(iad_params *p, const iad_param_rules *rules, iad_err *err) {
    static const iad_param_rules none = {0};
    if (!rules) rules = &none;
    if (!(rules->decay >= 0 && rules->decay <= 1)) return IAD_FAIL(err, IAD_ERR_ARG, "weight decay %g: expected 0 to 1", (double)rules->decay);
    IAD_TRY(check_patterns(p, rules->freeze, rules->n_freeze, "freeze", err));
    IAD_TRY(check_patterns(p, rules->unfreeze, rules->n_unfreeze, "unfreeze", err));
    for (int i = 0; i < p->n_tensor; i++) {
        iad_param *t = &p->tensors[i];
        int bare = t->role == IAD_ROLE_NORM || t->role == IAD_ROLE_BIAS || t->role == IAD_ROLE_SCALE;
        t->decay = bare ? 0 : rules->decay;
        t->trainable = iad_param_is_trainable(rules, t->name);
    }
    return IAD_OK;
}

/* ---- pieces, copies ---- */

void iad_params_piece(const iad_params *p, int bucket, int rank, int world, int64_t *begin, int64_t *end) {
    const iad_bucket *b = &p->buckets[bucket];
    int64_t blocks = (b->end - b->begin) / IAD_PARAM_ALIGN, each = blocks / world, rest = blocks % world;
    *begin = b->begin + (each * rank + (rank < rest ? rank : rest)) * IAD_PARAM_ALIGN;
    *end = *begin + (each + (rank < rest)) * IAD_PARAM_ALIGN;
}

iad_status iad_params_zero_grad(iad_params *p, iad_queue *queue, iad_err *err) {
    return p->device->ops->zero(queue, p->grad, (size_t)p->n * sizeof *p->grad, err);
}

iad_status iad_params_get(const iad_params *p, iad_queue *queue, const iad_param *t, float *dst, iad_err *err) {
    passage way;
    iad_status status = passage_init(&way, p->device, err);
    for (int64_t at = 0; at < t->n && status == IAD_OK; at += CHUNK) {
        int64_t n = chunk_of(t, at);
        status = p->grad_ops->join(queue, p->high + t->offset + at, p->low + t->offset + at, n, way.data, err);
        if (status == IAD_OK) status = p->device->ops->download(queue, dst + at, way.data, (size_t)n * sizeof *dst, err);
    }
    passage_deinit(&way);
    return status;
}

iad_status iad_params_set(iad_params *p, iad_queue *queue, const iad_param *t, const float *src, iad_err *err) {
    passage way;
    iad_status status = passage_init(&way, p->device, err);
    for (int64_t at = 0; at < t->n && status == IAD_OK; at += CHUNK) {
        int64_t n = chunk_of(t, at);
        memcpy(way.host, src + at, (size_t)n * sizeof *src);
        status = put_chunk(p, queue, &way, t, at, n, err);
    }
    passage_deinit(&way);
    return status;
}
