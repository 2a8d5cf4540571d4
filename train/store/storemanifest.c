#include "train/store/storemanifest.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/crc32c.h"
#include "base/file.h"
#include "base/json.h"
#include "train/store/shardformat.h"

static const char format_name[] = "iadgpt training checkpoint";
static const char *const states_names[] = {"none", "f32", "8-bit"};

void iad_store_file_name(int rank, char name[32]) { snprintf(name, 32, "rank-%05d.bin", rank); }

/* ---- from parameters ---- */

static iad_status describe(iad_store_manifest *m, const iad_params *p, int tensor, iad_err *err) {
    const iad_param *t = &p->tensors[tensor];
    iad_store_tensor *d = &m->tensors[m->n_tensor++];
    d->rank = t->rank;
    d->n = t->n;
    d->has_states = m->states != IAD_STORE_NO_STATES && t->trainable;
    memcpy(d->shape, t->shape, sizeof d->shape);
    d->name = iad_strdup(t->name);
    d->ranges = iad_calloc((size_t)m->world, sizeof *d->ranges);
    if (!d->name || !d->ranges) return IAD_NOMEM(err, "the manifest of a checkpoint");
    for (int r = 0; r < m->world; r++) {
        int64_t begin, end;
        iad_params_piece(p, t->bucket, r, m->world, &begin, &end);
        if (begin < t->offset) begin = t->offset;
        if (end > t->offset + t->n) end = t->offset + t->n;
        if (begin < end) d->ranges[d->n_range++] = (iad_store_range){begin - t->offset, end - t->offset, r};
    }
    return IAD_OK;
}

iad_status iad_store_manifest_init(iad_store_manifest *m, const iad_params *p, iad_store_states states, int world, const iad_train_state *state,
                                   iad_err *err) {
    *m = (iad_store_manifest){.step = state->step, .world = world, .states = states, .state = *state};
    m->files = iad_calloc((size_t)world, sizeof *m->files);
    m->tensors = iad_calloc((size_t)p->n_tensor, sizeof *m->tensors);
    if (!m->files || !m->tensors) return IAD_NOMEM(err, "the manifest of a checkpoint");
    for (int i = 0; i < p->n_tensor; i++) IAD_TRY(describe(m, p, i, err));
    return IAD_OK;
}

void iad_store_manifest_deinit(iad_store_manifest *m) {
    for (size_t i = 0; i < m->n_tensor; i++) {
        free(m->tensors[i].name);
        free(m->tensors[i].ranges);
    }
    free(m->tensors);
    free(m->files);
    *m = (iad_store_manifest){0};
}

/* ---- writing ---- */

static json_t *state_json(const iad_train_state *s) {
    char seed[32];
    snprintf(seed, sizeof seed, "%" PRIu64, s->seed); /* JSON's whole numbers end at 63 bits */
    json_t *range = s->has_map_range ? json_pack("[f,f,f,f]", s->map_lo[0], s->map_hi[0], s->map_lo[1], s->map_hi[1]) : json_null();
    return json_pack("{s:i,s:I,s:I,s:s,s:o,s:I,s:I,s:I,s:i,s:I,s:s,s:s,s:s}", "stage", s->stage, "step", (json_int_t)s->step, "steps",
                     (json_int_t)s->steps, "seed",
                     seed, "map_range", range, "samples", (json_int_t)s->samples, "broken", (json_int_t)s->broken, "updates", (json_int_t)s->clock.t,
                     "skipped_in_row", (int)s->clock.skipped_in_row, "skipped", (json_int_t)s->clock.skipped_total, "config_sha256", s->config_sha256,
                     "data_sha256", s->data_sha256, "build", s->build);
}

static json_t *files_json(const iad_store_manifest *m) {
    json_t *files = json_array();
    char name[32], crc[16];
    for (int r = 0; r < m->world; r++) {
        iad_store_file_name(r, name);
        snprintf(crc, sizeof crc, "%08" PRIx32, m->files[r].crc);
        json_array_append_new(files, json_pack("{s:s,s:I,s:s}", "name", name, "bytes", (json_int_t)m->files[r].bytes, "crc32c", crc));
    }
    return files;
}

static json_t *tensors_json(const iad_store_manifest *m) {
    json_t *tensors = json_array();
    for (size_t i = 0; i < m->n_tensor; i++) {
        const iad_store_tensor *t = &m->tensors[i];
        json_t *shape = json_array(), *ranges = json_array();
        for (int k = 0; k < t->rank; k++) json_array_append_new(shape, json_integer(t->shape[k]));
        for (size_t k = 0; k < t->n_range; k++)
            json_array_append_new(ranges, json_pack("[I,I,i]", (json_int_t)t->ranges[k].begin, (json_int_t)t->ranges[k].end, t->ranges[k].file));
        json_array_append_new(tensors, json_pack("{s:s,s:o,s:b,s:o}", "name", t->name, "shape", shape, "states", t->has_states, "ranges", ranges));
    }
    return tensors;
}

/* CRC-32C of the object's canonical text, as the last member has it. */
static iad_status own_crc(const json_t *root, char crc[16], iad_err *err) {
    iad_buf text;
    iad_buf_init(&text, IAD_STORE_MAX_MANIFEST);
    iad_status status = iad_json_canonical(root, &text, err);
    if (status == IAD_OK) snprintf(crc, 16, "%08" PRIx32, iad_crc32c(0, text.data, text.len));
    iad_buf_deinit(&text);
    return status;
}

iad_status iad_store_manifest_format(const iad_store_manifest *m, iad_buf *text, iad_err *err) {
    const iad_train_state *s = &m->state;
    char crc[16];
    for (int i = 0; i < 2 && s->has_map_range; i++)
        if (!isfinite(s->map_lo[i]) || !isfinite(s->map_hi[i])) return IAD_FAIL(err, IAD_ERR_ARG, "the map range of the run's state is not finite");
    json_t *state = state_json(s);
    if (!state) return IAD_FAIL(err, IAD_ERR_ARG, "a text of the run's state is not UTF-8");
    json_t *root = json_pack("{s:s,s:i,s:I,s:i,s:s,s:o,s:o,s:o}", "format", format_name, "version", 1, "step", (json_int_t)m->step, "world",
                             m->world, "states",
                             states_names[m->states], "state", state, "files", files_json(m), "tensors", tensors_json(m));
    if (!root) return IAD_NOMEM(err, "the manifest of a checkpoint");
    iad_status status = own_crc(root, crc, err);
    if (status == IAD_OK && json_object_set_new(root, "crc32c", json_string(crc)) != 0) status = IAD_NOMEM(err, "the manifest of a checkpoint");
    if (status == IAD_OK) status = iad_json_pretty(root, text, err);
    json_decref(root);
    return status;
}

/* ---- reading ---- */

static iad_status read_text(const json_t *object, const char *key, const char *where, char text[65], iad_err *err) {
    const char *value;
    IAD_TRY(iad_json_string(object, key, where, &value, err));
    return iad_text_copy(text, 65, value) ? IAD_OK : IAD_FAIL(err, IAD_ERR_FORMAT, "%s: \"%s\" is longer than 64 bytes", where, key);
}

static iad_status read_map_range(const json_t *object, const char *where, iad_train_state *s, iad_err *err) {
    const json_t *range = json_object_get(object, "map_range");
    if (!range) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: \"map_range\" is missing", where);
    if (json_is_null(range)) return IAD_OK;
    for (size_t i = 0; i < 4; i++) {
        const json_t *v = json_array_get(range, i);
        if (json_array_size(range) != 4 || !json_is_number(v)) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: \"map_range\" is not four numbers", where);
        *(i % 2 ? &s->map_hi[i / 2] : &s->map_lo[i / 2]) = json_number_value(v);
    }
    s->has_map_range = 1;
    return IAD_OK;
}

static iad_status read_state(const json_t *root, const char *where, iad_train_state *s, iad_err *err) {
    json_t *o;
    int64_t stage, in_row;
    const char *seed;
    IAD_TRY(iad_json_object(root, "state", where, &o, err));
    IAD_TRY(iad_json_int(o, "stage", 0, 1000, where, &stage, err));
    IAD_TRY(iad_json_int(o, "step", 0, INT64_MAX, where, &s->step, err));
    IAD_TRY(iad_json_int(o, "steps", 0, INT64_MAX, where, &s->steps, err));
    IAD_TRY(iad_json_string(o, "seed", where, &seed, err));
    IAD_TRY(iad_parse_u64(seed, &s->seed, where, err));
    IAD_TRY(read_map_range(o, where, s, err));
    IAD_TRY(iad_json_int(o, "samples", 0, INT64_MAX, where, &s->samples, err));
    IAD_TRY(iad_json_int(o, "broken", 0, INT64_MAX, where, &s->broken, err));
    IAD_TRY(iad_json_int(o, "updates", 0, INT64_MAX, where, &s->clock.t, err));
    IAD_TRY(iad_json_int(o, "skipped_in_row", 0, INT32_MAX, where, &in_row, err));
    IAD_TRY(iad_json_int(o, "skipped", 0, INT64_MAX, where, &s->clock.skipped_total, err));
    s->stage = (int)stage;
    s->clock.skipped_in_row = (int32_t)in_row;
    IAD_TRY(read_text(o, "config_sha256", where, s->config_sha256, err));
    IAD_TRY(read_text(o, "data_sha256", where, s->data_sha256, err));
    return read_text(o, "build", where, s->build, err);
}

static iad_status read_crc(const json_t *object, const char *where, uint32_t *crc, iad_err *err) {
    const char *text;
    uint8_t bytes[4];
    IAD_TRY(iad_json_string(object, "crc32c", where, &text, err));
    if (strlen(text) != 8 || iad_unhex(text, bytes, 4, NULL) != IAD_OK)
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: \"crc32c\" is not eight hexadecimal digits", where);
    *crc = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
    return IAD_OK;
}

static iad_status read_files(const json_t *root, const char *where, iad_store_manifest *m, iad_err *err) {
    json_t *files;
    char expected[32];
    const char *name;
    int64_t bytes;
    IAD_TRY(iad_json_array(root, "files", where, &files, err));
    if (json_array_size(files) != (size_t)m->world)
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: %zu files, but %d ranks", where, json_array_size(files), m->world);
    if (!(m->files = iad_calloc((size_t)m->world, sizeof *m->files))) return IAD_NOMEM(err, where);
    for (int r = 0; r < m->world; r++) {
        const json_t *file = json_array_get(files, (size_t)r);
        iad_store_file_name(r, expected);
        IAD_TRY(iad_json_string(file, "name", where, &name, err));
        if (strcmp(name, expected) != 0) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: file %d is not named %s", where, r, expected);
        IAD_TRY(iad_json_int(file, "bytes", 0, INT64_MAX, where, &bytes, err));
        IAD_TRY(read_crc(file, where, &m->files[r].crc, err));
        m->files[r].bytes = (uint64_t)bytes;
    }
    return IAD_OK;
}

static iad_status read_shape(const json_t *object, const char *where, iad_store_tensor *t, iad_err *err) {
    json_t *shape;
    IAD_TRY(iad_json_array(object, "shape", where, &shape, err));
    size_t rank = json_array_size(shape);
    if (rank > IAD_TENSOR_MAX_RANK) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: a shape with %zu axes", where, rank);
    t->n = 1;
    for (t->rank = 0; (size_t)t->rank < rank; t->rank++) {
        const json_t *v = json_array_get(shape, (size_t)t->rank);
        int64_t axis = json_is_integer(v) ? json_integer_value(v) : 0;
        if (axis < 1 || axis > IAD_SHARD_MAX_ELEMENTS / t->n)
            return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: axis %d of a shape is no size", where, t->rank);
        t->n *= t->shape[t->rank] = axis;
    }
    return IAD_OK;
}

static iad_status read_ranges(const json_t *object, const char *where, int world, iad_store_tensor *t, iad_err *err) {
    json_t *ranges;
    IAD_TRY(iad_json_array(object, "ranges", where, &ranges, err));
    size_t n = json_array_size(ranges);
    if (n > (size_t)world) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: %zu ranges in %d files", where, n, world);
    if (!(t->ranges = iad_calloc(n, sizeof *t->ranges))) return IAD_NOMEM(err, where);
    int64_t at = 0;
    for (t->n_range = 0; t->n_range < n; t->n_range++) {
        const json_t *range = json_array_get(ranges, t->n_range);
        int64_t v[3];
        for (size_t k = 0; k < 3; k++) {
            if (json_array_size(range) != 3 || !json_is_integer(json_array_get(range, k)))
                return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: a range is not three whole numbers", where);
            v[k] = json_integer_value(json_array_get(range, k));
        }
        if (v[0] != at || v[1] <= at || v[1] > t->n || v[2] < 0 || v[2] >= world)
            return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: its ranges do not fit together", where);
        t->ranges[t->n_range] = (iad_store_range){v[0], v[1], (int)v[2]};
        at = v[1];
    }
    return at == t->n ? IAD_OK : IAD_FAIL(err, IAD_ERR_FORMAT, "%s: its ranges end at element %" PRId64 " of %" PRId64, where, at, t->n);
}

static iad_status read_tensors(const json_t *root, const char *where, iad_store_manifest *m, iad_err *err) {
    json_t *tensors;
    const char *name;
    char place[256];
    IAD_TRY(iad_json_array(root, "tensors", where, &tensors, err));
    size_t n = json_array_size(tensors);
    if (n > IAD_STORE_MAX_TENSORS) return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: %zu tensors (limit %d)", where, n, (int)IAD_STORE_MAX_TENSORS);
    if (!(m->tensors = iad_calloc(n, sizeof *m->tensors))) return IAD_NOMEM(err, where);
    while (m->n_tensor < n) {
        const json_t *object = json_array_get(tensors, m->n_tensor), *states = json_object_get(object, "states");
        iad_store_tensor *t = &m->tensors[m->n_tensor++];
        IAD_TRY(iad_json_string(object, "name", where, &name, err));
        if (!(t->name = iad_strdup(name))) return IAD_NOMEM(err, where);
        snprintf(place, sizeof place, "%.120s: tensor %.100s", where, name);
        if (!json_is_boolean(states)) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: \"states\" is missing", place);
        t->has_states = json_is_true(states);
        if (t->has_states && m->states == IAD_STORE_NO_STATES) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: has states, the checkpoint none", place);
        IAD_TRY(read_shape(object, place, t, err));
        IAD_TRY(read_ranges(object, place, m->world, t, err));
    }
    return IAD_OK;
}

static iad_status check_crc(json_t *root, const char *where, iad_err *err) {
    uint32_t stored;
    char crc[16], want[16];
    IAD_TRY(read_crc(root, where, &stored, err));
    json_object_del(root, "crc32c");
    IAD_TRY(own_crc(root, crc, err));
    snprintf(want, sizeof want, "%08" PRIx32, stored);
    return strcmp(crc, want) == 0 ? IAD_OK : IAD_FAIL(err, IAD_ERR_FORMAT, "%s: its checksum is wrong", where);
}

static iad_status read_root(json_t *root, const char *where, iad_store_manifest *m, iad_err *err) {
    const char *format, *states;
    int64_t version, world;
    IAD_TRY(iad_json_string(root, "format", where, &format, err));
    if (strcmp(format, format_name) != 0) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: not the manifest of a training checkpoint", where);
    IAD_TRY(iad_json_int(root, "version", 0, INT64_MAX, where, &version, err));
    if (version != 1) return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "%s: version %" PRId64 ", this program reads 1", where, version);
    IAD_TRY(check_crc(root, where, err));
    IAD_TRY(iad_json_int(root, "step", 0, INT64_MAX, where, &m->step, err));
    IAD_TRY(iad_json_int(root, "world", 1, IAD_SHARD_MAX_WORLD, where, &world, err));
    m->world = (int)world;
    IAD_TRY(iad_json_string(root, "states", where, &states, err));
    int k = 0;
    while (k < 3 && strcmp(states, states_names[k]) != 0) k++;
    if (k == 3) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: \"states\" is none of none, f32, 8-bit", where);
    m->states = (iad_store_states)k;
    IAD_TRY(read_state(root, where, &m->state, err));
    if (m->state.step != m->step) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: two steps, %" PRId64 " and %" PRId64, where, m->step, m->state.step);
    IAD_TRY(read_files(root, where, m, err));
    return read_tensors(root, where, m, err);
}

iad_status iad_store_manifest_parse(const char *text, size_t n, const char *where, iad_store_manifest *m, iad_err *err) {
    json_t *root;
    *m = (iad_store_manifest){0};
    IAD_TRY(iad_json_parse(text, n, 16, where, &root, err));
    iad_status status = read_root(root, where, m, err);
    json_decref(root);
    if (status != IAD_OK) iad_store_manifest_deinit(m);
    return status;
}

iad_status iad_store_manifest_load(const char *dir, iad_store_manifest *m, iad_err *err) {
    char path[IAD_PATH_MAX];
    uint8_t *text;
    size_t n;
    *m = (iad_store_manifest){0};
    IAD_TRY(iad_path_join(path, sizeof path, dir, IAD_STORE_MANIFEST, err));
    IAD_TRY(iad_file_read(path, IAD_STORE_MAX_MANIFEST, &text, &n, err));
    iad_status status = iad_store_manifest_parse((const char *)text, n, path, m, err);
    free(text);
    return status;
}
