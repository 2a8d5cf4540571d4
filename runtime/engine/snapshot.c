#include "runtime/engine/snapshot.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"

static uint32_t u32_at(const uint8_t *bytes) {
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static iad_status hash_of(const json_t *object, const char *key, const char *name, iad_hash *hash, iad_err *err) {
    const char *text = NULL;
    IAD_TRY(iad_json_string(object, key, name, &text, err));
    if (iad_unhex(text, hash->bytes, sizeof hash->bytes, err) != IAD_OK) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: %s is not a SHA-256", name, key);
    return IAD_OK;
}

static iad_status number(const json_t *object, const char *key, int64_t lo, int64_t hi, const char *name, int64_t *value, iad_err *err) {
    return iad_json_int(object, key, lo, hi, name, value, err);
}

static iad_status parse_image(const json_t *object, const char *name, iad_timeline *line, iad_err *err) {
    iad_hash key;
    int64_t lh, lw, pad;
    IAD_TRY(hash_of(object, "image", name, &key, err));
    IAD_TRY(number(object, "lh", 1, 8192, name, &lh, err));
    IAD_TRY(number(object, "lw", 1, 8192, name, &lw, err));
    IAD_TRY(number(object, "pad", 0, IAD_CFG_MAX_VOCAB, name, &pad, err));
    const json_t *kept = json_object_get(object, "kept");
    if (kept == NULL) return iad_timeline_add_image(line, (int32_t)pad, &key, (int)lh, (int)lw, NULL, 0, err);
    size_t n = json_array_size(kept);
    if (n < 1 || n > (size_t)(lh * lw)) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: a picture keeps %zu of %lld tokens", name, n, (long long)(lh * lw));
    int32_t *index = iad_alloc(n, sizeof *index);
    if (index == NULL) return IAD_NOMEM(err, name);
    iad_status status = IAD_OK;
    for (size_t i = 0; i < n && status == IAD_OK; i++) {
        const json_t *item = json_array_get(kept, i);
        json_int_t value = json_is_integer(item) ? json_integer_value(item) : -1;
        if (value < 0 || value >= lh * lw || (i > 0 && value <= index[i - 1]))
            status = IAD_FAIL(err, IAD_ERR_FORMAT, "%s: kept token %zu is out of order or range", name, i);
        else index[i] = (int32_t)value;
    }
    if (status == IAD_OK) status = iad_timeline_add_image(line, (int32_t)pad, &key, (int)lh, (int)lw, index, (int64_t)n, err);
    free(index);
    return status;
}

static iad_status parse_units(const json_t *units, const char *name, iad_timeline *line, iad_err *err) {
    size_t i;
    const json_t *unit;
    json_array_foreach(units, i, unit) {
        if (line->n_row > IAD_MAX_PROMPT_TOKENS) return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: more than %d tokens", name, IAD_MAX_PROMPT_TOKENS);
        if (json_is_integer(unit)) {
            json_int_t id = json_integer_value(unit);
            if (id < 0 || id > IAD_CFG_MAX_VOCAB) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: unit %zu is no token", name, i);
            IAD_TRY(iad_timeline_add_text(line, (int32_t)id, err));
        } else if (json_is_object(unit)) IAD_TRY(parse_image(unit, name, line, err));
        else return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: unit %zu is neither a token nor a picture", name, i);
    }
    return IAD_OK;
}

static iad_status parse_header(const json_t *root, const char *name, iad_snapshot *s, iad_err *err) {
    int64_t v;
    json_t *units;
    const char *kv = NULL, *question = NULL;
    if (!json_is_object(root)) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: the header is no object", name);
    IAD_TRY(hash_of(root, "key", name, &s->key, err));
    IAD_TRY(hash_of(root, "identity", name, &s->identity, err));
    IAD_TRY(hash_of(root, "first_key", name, &s->first_key, err));
    IAD_TRY(number(root, "k", 0, IAD_MAX_EXEMPLARS, name, &v, err));
    s->k = (int)v;
    IAD_TRY(number(root, "layers", 1, IAD_CFG_MAX_LAYERS, name, &v, err));
    s->layers = (int)v;
    IAD_TRY(number(root, "width", 1, (int64_t)IAD_CFG_MAX_HEADS * IAD_CFG_MAX_HEAD_DIM, name, &s->width, err));
    IAD_TRY(number(root, "hidden", 1, IAD_CFG_MAX_HIDDEN, name, &s->hidden, err));
    IAD_TRY(number(root, "first_lh", 0, 8192, name, &v, err));
    s->first_lh = (int)v;
    IAD_TRY(number(root, "first_lw", 0, 8192, name, &v, err));
    s->first_lw = (int)v;
    IAD_TRY(number(root, "map_h", 0, 8192, name, &v, err));
    s->map_h = (int)v;
    IAD_TRY(number(root, "map_w", 0, 8192, name, &v, err));
    s->map_w = (int)v;
    IAD_TRY(number(root, "calibrate_map", 0, 1, name, &v, err));
    s->calibrate_map = (int)v;
    IAD_TRY(number(root, "image_h", 0, IAD_CFG_MAX_SIDE, name, &v, err));
    s->image_h = (int)v;
    IAD_TRY(number(root, "image_w", 0, IAD_CFG_MAX_SIDE, name, &v, err));
    s->image_w = (int)v;
    IAD_TRY(number(root, "min_pixels", 1, IAD_CFG_MAX_PIXELS, name, &s->min_pixels, err));
    IAD_TRY(number(root, "max_pixels", 1, IAD_CFG_MAX_PIXELS, name, &s->max_pixels, err));
    IAD_TRY(iad_json_number(root, "retention", name, &s->retention, err));
    if (!(s->retention > 0 && s->retention <= 1)) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: retention is out of range", name);
    IAD_TRY(number(root, "aligned", 0, 1, name, &v, err));
    s->aligned = (int)v;
    IAD_TRY(number(root, "compress_query", 0, 1, name, &v, err));
    s->compress_query = (int)v;
    IAD_TRY(number(root, "yes_is_defective", 0, 1, name, &v, err));
    s->yes_is_defective = (int)v;
    IAD_TRY(iad_json_string(root, "kv", name, &kv, err));
    if (!iad_dtype_find(kv, &s->kv) || (s->kv != IAD_F32 && s->kv != IAD_BF16))
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: keys of type \"%.20s\"", name, kv);
    IAD_TRY(iad_json_string_opt(root, "question", NULL, name, &question, err));
    if (question != NULL && (s->question = iad_strdup(question)) == NULL) return IAD_NOMEM(err, name);
    IAD_TRY(iad_json_array(root, "units", name, &units, err));
    return parse_units(units, name, &s->line, err);
}

static size_t padded(size_t n) { return (n + 63) & ~(size_t)63; }

/* All factors are bounded by the limits above, so that nothing overflows. */
static size_t parts_size(const iad_snapshot *s) {
    size_t part = padded((size_t)s->line.n_row * (size_t)s->width * iad_dtype_size(s->kv));
    size_t first = padded((size_t)s->first_lh * (size_t)s->first_lw * (size_t)s->hidden * sizeof(float));
    return part * 2 * (size_t)s->layers + first + padded(2 * (size_t)s->map_h * (size_t)s->map_w * sizeof(float));
}

iad_status iad_snapshot_parse(const uint8_t *bytes, size_t n, const char *name, iad_snapshot *snapshot, iad_err *err) {
    *snapshot = (iad_snapshot){0};
    if (n < 16 || memcmp(bytes, IAD_SNAPSHOT_MAGIC, 8) != 0) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: not an exemplar file", name);
    uint32_t version = u32_at(bytes + 8), header = u32_at(bytes + 12);
    if (version != IAD_SNAPSHOT_VERSION)
        return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "%s: format version %u, this program knows %d", name, version, IAD_SNAPSHOT_VERSION);
    if (header > IAD_SNAPSHOT_MAX_HEADER || header > n - 16)
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: a header of %u bytes in a file of %zu", name, header, n);
    json_t *root = NULL;
    IAD_TRY(iad_json_parse((const char *)bytes + 16, header, 8, name, &root, err));
    iad_status status = parse_header(root, name, snapshot, err);
    json_decref(root);
    snapshot->data = padded(16 + (size_t)header);
    if (status == IAD_OK && (snapshot->data > n || n - snapshot->data != parts_size(snapshot)))
        status = IAD_FAIL(err, IAD_ERR_FORMAT, "%s: %zu bytes where the header calls for %zu", name, n, snapshot->data + parts_size(snapshot));
    if (status != IAD_OK) iad_snapshot_deinit(snapshot);
    return status;
}

void iad_snapshot_deinit(iad_snapshot *snapshot) {
    iad_timeline_deinit(&snapshot->line);
    free(snapshot->question);
    *snapshot = (iad_snapshot){0};
}
