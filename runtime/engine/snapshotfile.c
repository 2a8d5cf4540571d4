#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "runtime/engine/snapshot.h"

static size_t padded(size_t n) { return (n + 63) & ~(size_t)63; }

static json_t *hex_of(const iad_hash *hash) {
    char text[IAD_SHA256_HEX];
    iad_hex(hash->bytes, sizeof hash->bytes, text);
    return json_string(text);
}

static json_t *unit_of(const iad_unit *unit) {
    if (!unit->is_image) return json_integer(unit->id);
    json_t *object = json_pack("{s:o, s:i, s:i, s:i}", "image", hex_of(&unit->key), "lh", unit->lh, "lw", unit->lw, "pad", unit->id);
    if (unit->kept == NULL || object == NULL) return object;
    json_t *kept = json_array();
    for (int64_t i = 0; i < unit->n_row; i++) json_array_append_new(kept, json_integer(unit->kept[i]));
    json_object_set_new(object, "kept", kept);
    return object;
}

static json_t *header_of(const iadgpt_exemplars *set) {
    const iad_request *r = &set->request;
    json_t *units = json_array();
    for (size_t i = 0; i < set->line.n; i++) json_array_append_new(units, unit_of(&set->line.units[i]));
    json_t *root = json_pack("{s:o, s:o, s:o, s:i, s:i, s:I, s:I, s:s, s:o}", "key", hex_of(&set->key), "identity", hex_of(&set->engine->identity),
                             "first_key", hex_of(&set->first_key), "k", set->k, "layers", set->kv.n_layer, "width", (json_int_t)set->kv.width,
                             "hidden", (json_int_t)set->engine->model->config.text.hidden, "kv", iad_dtype_name(set->kv.dtype), "units", units);
    if (root == NULL) return NULL;
    int ok = json_object_set_new(root, "first_lh", json_integer(set->first.lh));
    ok |= json_object_set_new(root, "first_lw", json_integer(set->first.lw));
    ok |= json_object_set_new(root, "map_h", json_integer(set->map_h));
    ok |= json_object_set_new(root, "map_w", json_integer(set->map_w));
    ok |= json_object_set_new(root, "calibrate_map", json_integer(r->calibrate_map));
    ok |= json_object_set_new(root, "image_h", json_integer(r->image.height));
    ok |= json_object_set_new(root, "image_w", json_integer(r->image.width));
    ok |= json_object_set_new(root, "min_pixels", json_integer(r->image.min_pixels));
    ok |= json_object_set_new(root, "max_pixels", json_integer(r->image.max_pixels));
    ok |= json_object_set_new(root, "retention", json_real(r->retention));
    ok |= json_object_set_new(root, "aligned", json_integer(r->aligned));
    ok |= json_object_set_new(root, "compress_query", json_integer(r->compress_query));
    ok |= json_object_set_new(root, "yes_is_defective", json_integer(r->yes_is_defective));
    if (r->question != NULL) ok |= json_object_set_new(root, "question", json_string(r->question));
    if (ok == 0) return root;
    json_decref(root);
    return NULL;
}

static void put_u32(uint8_t *bytes, uint32_t v) {
    for (int i = 0; i < 4; i++) bytes[i] = (uint8_t)(v >> 8 * i);
}

static size_t map_bytes(int h, int w) { return 2 * (size_t)h * (size_t)w * sizeof(float); }

/* Downloads everything behind the header into place. */
static iad_status fill_parts(const iadgpt_exemplars *set, iad_queue *queue, uint8_t *at, iad_err *err) {
    size_t part = (size_t)set->kv.len * (size_t)set->kv.width * iad_dtype_size(set->kv.dtype);
    for (int layer = 0; layer < set->kv.n_layer; layer++)
        for (int which = 0; which < 2; which++) {
            iad_mat m = which == 0 ? iad_kv_keys(&set->kv, layer, 0, set->kv.len) : iad_kv_values(&set->kv, layer, 0, set->kv.len);
            IAD_TRY(queue->ops->download(queue, at, m.data, part, err));
            at += padded(part);
        }
    size_t first = (size_t)(set->first.tokens.rows * set->first.tokens.cols) * sizeof(float);
    if (first > 0) IAD_TRY(queue->ops->download(queue, at, set->first.tokens.data, first, err));
    if (set->map_mean != NULL) memcpy(at + padded(first), set->map_mean, map_bytes(set->map_h, set->map_w));
    return IAD_OK;
}

static iad_status write_file(const iadgpt_exemplars *set, const iad_buf *header, const char *path, iad_err *err) {
    size_t part = padded((size_t)set->kv.len * (size_t)set->kv.width * iad_dtype_size(set->kv.dtype));
    size_t first = padded((size_t)(set->first.tokens.rows * set->first.tokens.cols) * sizeof(float)), head = padded(16 + header->len);
    size_t n = head + part * 2 * (size_t)set->kv.n_layer + first + padded(map_bytes(set->map_h, set->map_w));
    uint8_t *bytes = iad_calloc(n + IAD_SHA256_BYTES, 1);
    if (bytes == NULL) return IAD_NOMEM(err, path);
    memcpy(bytes, IAD_SNAPSHOT_MAGIC, 8);
    put_u32(bytes + 8, IAD_SNAPSHOT_VERSION);
    put_u32(bytes + 12, (uint32_t)header->len);
    memcpy(bytes + 16, header->data, header->len);
    iad_device *device = set->engine->device;
    iad_queue *queue = NULL;
    iad_status status = device->ops->queue_new(device, &queue, err);
    if (status == IAD_OK) {
        status = fill_parts(set, queue, bytes + head, err);
        device->ops->queue_free(queue);
    }
    if (status == IAD_OK) status = iad_sha256_bytes(bytes, n, bytes + n, err);
    if (status == IAD_OK) status = iad_file_write(path, bytes, n + IAD_SHA256_BYTES, err);
    free(bytes);
    return status;
}

iad_status iad_exemplars_save(const iadgpt_exemplars *set, const char *path, iad_err *err) {
    json_t *root = header_of(set);
    if (root == NULL) return IAD_NOMEM(err, path);
    iad_buf header;
    iad_buf_init(&header, IAD_SNAPSHOT_MAX_HEADER);
    iad_status status = iad_json_canonical(root, &header, err);
    json_decref(root);
    if (status == IAD_OK) status = write_file(set, &header, path, err);
    iad_buf_deinit(&header);
    return status;
}

/* ---- loading ---- */

static iad_status upload_parts(iadgpt_exemplars *set, const uint8_t *at, const iad_snapshot *snap, iad_err *err) {
    iad_device *device = set->engine->device;
    iad_queue *queue = NULL;
    IAD_TRY(device->ops->queue_new(device, &queue, err));
    size_t part = (size_t)snap->line.n_row * (size_t)snap->width * iad_dtype_size(snap->kv);
    iad_kv_init(&set->kv, set->engine->model);
    iad_status status = iad_kv_reserve(&set->kv, queue, snap->line.n_row, err);
    for (int layer = 0; layer < snap->layers && status == IAD_OK; layer++)
        for (int which = 0; which < 2 && status == IAD_OK; which++, at += padded(part)) {
            iad_mat m = which == 0 ? iad_kv_keys(&set->kv, layer, 0, snap->line.n_row) : iad_kv_values(&set->kv, layer, 0, snap->line.n_row);
            status = queue->ops->upload(queue, m.data, at, part, err);
        }
    set->kv.len = snap->line.n_row;
    size_t first = (size_t)snap->first_lh * (size_t)snap->first_lw;
    if (status == IAD_OK && first > 0) {
        int64_t d = snap->hidden;
        set->first = (iad_encoded){.lh = snap->first_lh, .lw = snap->first_lw, .device = device,
                                   .tokens = {.rows = (int64_t)first, .cols = d, .stride = d, .dtype = IAD_F32}};
        status = device->ops->alloc(device, first * (size_t)d * sizeof(float), &set->first.tokens.data, err);
        if (status == IAD_OK) status = queue->ops->upload(queue, set->first.tokens.data, at, first * (size_t)d * sizeof(float), err);
        at += padded(first * (size_t)d * sizeof(float));
    }
    if (status == IAD_OK && snap->map_h > 0 && snap->map_w > 0) {
        set->map_h = snap->map_h;
        set->map_w = snap->map_w;
        set->map_mean = iad_alloc(map_bytes(snap->map_h, snap->map_w), 1);
        if (set->map_mean == NULL) status = IAD_NOMEM(err, "the mean map");
        else memcpy(set->map_mean, at, map_bytes(snap->map_h, snap->map_w));
    }
    /* The upload may still read the mapped file. */
    float wait;
    if (status == IAD_OK && part > 0) status = queue->ops->download(queue, &wait, iad_kv_keys(&set->kv, 0, 0, 1).data, sizeof(uint16_t), err);
    device->ops->queue_free(queue);
    return status;
}

static iad_status check_match(const iadgpt_engine *engine, const iad_snapshot *snap, const char *path, iad_err *err) {
    const iad_model *model = engine->model;
    if (memcmp(&snap->identity, &engine->identity, sizeof snap->identity) != 0)
        return IAD_FAIL(err, IAD_ERR_ARG, "%s: made with another model, tokenizer, device or number format than this engine's", path);
    if (snap->layers != model->config.text.layers || snap->width != (int64_t)model->config.text.kv_heads * model->config.text.head_dim ||
        snap->hidden != model->config.text.hidden || snap->kv != model->kv)
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: its sizes are not this model's", path);
    return IAD_OK;
}

static iad_status adopt(iadgpt_engine *engine, iad_snapshot *snap, const uint8_t *parts, const char *path, iadgpt_exemplars **set, iad_err *err) {
    IAD_TRY(check_match(engine, snap, path, err));
    iadgpt_exemplars *made = iad_calloc(1, sizeof *made);
    if (made == NULL) return IAD_NOMEM(err, path);
    atomic_init(&made->references, 1);
    made->engine = engine;
    made->key = snap->key;
    made->k = snap->k;
    made->first_key = snap->first_key;
    iadgpt_settings settings;
    iadgpt_settings_defaults(&settings);
    settings.image_height = snap->image_h;
    settings.image_width = snap->image_w;
    settings.min_pixels = snap->min_pixels;
    settings.max_pixels = snap->max_pixels;
    settings.retention = snap->retention;
    settings.similarity = snap->aligned ? "aligned" : "best";
    settings.compress_query = snap->compress_query;
    settings.calibrate_map = snap->calibrate_map;
    settings.question = snap->question;
    settings.yes_means = snap->yes_is_defective ? "defective" : "normal";
    iad_status status = iad_request_init(&made->request, engine, &settings, err);
    if (status == IAD_OK && snap->compress_query && snap->k > 0 && snap->first_lh == 0)
        status = IAD_FAIL(err, IAD_ERR_FORMAT, "%s: the first exemplar's tokens are missing", path);
    if (status == IAD_OK) status = upload_parts(made, parts, snap, err);
    if (status != IAD_OK) {
        iad_exemplars_release(made);
        return status;
    }
    made->line = snap->line;
    snap->line = (iad_timeline){0};
    iad_hex(made->key.bytes, sizeof made->key.bytes, made->key_hex);
    iad_shelf_put(&engine->shelf, made);
    *set = made;
    return IAD_OK;
}

iad_status iad_exemplars_load(iadgpt_engine *engine, const char *path, iadgpt_exemplars **set, iad_err *err) {
    *set = NULL;
    iad_map map;
    IAD_TRY(iad_map_open(&map, path, err));
    uint8_t digest[IAD_SHA256_BYTES];
    iad_snapshot snap = {0};
    iad_status status = IAD_OK;
    if (map.n < 16 + IAD_SHA256_BYTES || memcmp(map.data, IAD_SNAPSHOT_MAGIC, 8) != 0)
        status = IAD_FAIL(err, IAD_ERR_FORMAT, "%s: not an exemplar file", path);
    size_t n = status == IAD_OK ? map.n - IAD_SHA256_BYTES : 0;
    if (status == IAD_OK) status = iad_sha256_bytes(map.data, n, digest, err);
    if (status == IAD_OK && memcmp(digest, map.data + n, sizeof digest) != 0)
        status = IAD_FAIL(err, IAD_ERR_FORMAT, "%s: the checksum does not match: the file is damaged", path);
    if (status == IAD_OK) status = iad_snapshot_parse(map.data, n, path, &snap, err);
    if (status == IAD_OK) {
        status = adopt(engine, &snap, map.data + snap.data, path, set, err);
        iad_snapshot_deinit(&snap);
    }
    iad_map_close(&map);
    return status;
}
