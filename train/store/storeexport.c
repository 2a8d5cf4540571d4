/* The trained weights as a model folder. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "runtime/tensor/safetensors.h"
#include "runtime/tensor/stwriter.h"
#include "runtime/token/tokenizer_copy.h"
#include "train/store/trainstore.h"

enum { CHUNK = 1 << 20 }; /* elements that pass at a time */

typedef struct exporting {
    const iad_params *params;
    iad_queue *queue;
    iad_dtype dtype;
    iad_config_layout layout;
    int new_names;
    const atomic_int *stop;
    iad_st_writer *writer;
    void *host;  /* [CHUNK] values of dtype */
    void *wide;  /* device [CHUNK] f32, when dtype is f32 */
} exporting;

/* Layout of config.json and style of names, as in the folder that the training began with. */
static iad_status see_style(exporting *x, const char *model_dir, iad_err *err) {
    char path[IAD_PATH_MAX];
    json_t *root;
    iad_st_set *set = NULL;
    IAD_TRY(iad_path_join(path, sizeof path, model_dir, "config.json", err));
    IAD_TRY(iad_json_load(path, IAD_CFG_MAX_BYTES, &root, err));
    x->layout = json_is_object(json_object_get(root, "text_config")) ? IAD_CONFIG_NESTED : IAD_CONFIG_FLAT;
    json_decref(root);
    IAD_TRY(iad_st_set_open(model_dir, &set, err));
    x->new_names = iad_st_set_find(set, "model.visual.patch_embed.proj.weight") != NULL;
    iad_st_set_close(set);
    return IAD_OK;
}

static iad_status declare(const exporting *x, iad_err *err) {
    char buffer[192];
    for (int i = 0; i < x->params->n_tensor; i++) {
        const iad_param *t = &x->params->tensors[i];
        const char *name = x->new_names ? iad_model_new_name(t->name, buffer, sizeof buffer) : t->name;
        if (!name) return IAD_FAIL(err, IAD_ERR_LIMIT, "tensor %s: name too long", t->name);
        IAD_TRY(iad_st_writer_declare(x->writer, name, x->dtype, t->rank, t->shape, err));
    }
    return IAD_OK;
}

/* bf16: the upper half as the model computes with it; f32: the exact master. */
static iad_status fetch(const exporting *x, int64_t at, int64_t n, iad_err *err) {
    const iad_params *p = x->params;
    if (x->dtype == IAD_BF16) return p->device->ops->download(x->queue, x->host, p->high + at, (size_t)n * sizeof *p->high, err);
    IAD_TRY(p->grad_ops->join(x->queue, p->high + at, p->low + at, n, x->wide, err));
    return p->device->ops->download(x->queue, x->host, x->wide, (size_t)n * sizeof(float), err);
}

static iad_status write_weights(const exporting *x, iad_err *err) {
    for (int i = 0; i < x->params->n_tensor; i++) {
        const iad_param *t = &x->params->tensors[i];
        for (int64_t at = 0; at < t->n; at += CHUNK) {
            int64_t n = t->n - at < CHUNK ? t->n - at : CHUNK;
            if (x->stop && atomic_load(x->stop)) return IAD_FAIL(err, IAD_ERR_INTERRUPTED, "stopped at tensor %s", t->name);
            IAD_TRY(fetch(x, t->offset + at, n, err));
            IAD_TRY(iad_st_writer_write(x->writer, x->host, (size_t)n * iad_dtype_size(x->dtype), err));
        }
    }
    return IAD_OK;
}

static iad_status copy_tokenizer(const char *model_dir, const char *out_dir, iad_err *err) {
    iad_err own = IAD_ERR_NONE;
    iad_status status = iad_tokenizer_copy(model_dir, out_dir, &own);
    if (status == IAD_OK || status == IAD_ERR_NOT_FOUND) return IAD_OK; /* a model may come without one */
    if (err) *err = own;
    return status;
}

static iad_status write_model(exporting *x, const char *model_dir, const char *out_dir, uint64_t max_shard_bytes, iad_err *err) {
    char path[IAD_PATH_MAX];
    iad_device *device = x->params->device;
    if (!(x->host = iad_alloc(CHUNK, sizeof(float)))) return IAD_NOMEM(err, out_dir);
    if (x->dtype == IAD_F32) IAD_TRY(device->ops->alloc(device, CHUNK * sizeof(float), &x->wide, err));
    IAD_TRY(see_style(x, model_dir, err));
    IAD_TRY(iad_st_writer_new_dir(out_dir, max_shard_bytes, &x->writer, err));
    IAD_TRY(declare(x, err));
    IAD_TRY(iad_st_writer_begin(x->writer, err));
    IAD_TRY(write_weights(x, err));
    /* From here to the new config.json, the last file, the folder is no model: an old config must not meet new weights. */
    IAD_TRY(iad_path_join(path, sizeof path, out_dir, "config.json", err));
    unlink(path);
    IAD_TRY(iad_st_writer_finish(x->writer, err));
    IAD_TRY(copy_tokenizer(model_dir, out_dir, err));
    return iad_model_config_write(&x->params->config, x->layout, x->dtype == IAD_BF16 ? "bfloat16" : "float32", out_dir, err);
}

static int same_folder(const char *a, const char *b) {
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

iad_status iad_train_store_export(const iad_params *params, iad_queue *queue, const char *model_dir, const char *out_dir, iad_dtype dtype,
                                  uint64_t max_shard_bytes, int force, const atomic_int *stop, iad_err *err) {
    static const char *const signs[] = {"config.json", "model.safetensors", "model.safetensors.index.json"};
    char path[IAD_PATH_MAX];
    if (dtype != IAD_BF16 && dtype != IAD_F32)
        return IAD_FAIL(err, IAD_ERR_ARG, "%s: weights can be BF16 or F32, not %s", out_dir, iad_dtype_name(dtype));
    if (same_folder(model_dir, out_dir))
        return IAD_FAIL(err, IAD_ERR_ARG, "%s: is the model that the training began with; take another folder", out_dir);
    for (int i = 0; i < 3 && !force; i++) {
        IAD_TRY(iad_path_join(path, sizeof path, out_dir, signs[i], err));
        if (iad_file_exists(path)) return IAD_FAIL(err, IAD_ERR_EXISTS, "%s: there is a model already (%s)", out_dir, signs[i]);
    }
    exporting x = {.params = params, .queue = queue, .dtype = dtype, .stop = stop};
    iad_status status = write_model(&x, model_dir, out_dir, max_shard_bytes, err);
    iad_st_writer_free(x.writer);
    params->device->ops->release(params->device, x.wide);
    free(x.host);
    return status;
}
