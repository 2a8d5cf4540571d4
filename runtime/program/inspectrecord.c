#include "runtime/program/inspectrecord.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/html.h"
#include "base/json.h"
#include "runtime/engine/mapping.h"
#include "runtime/program/engineoptions.h"
#include "runtime/program/program.h"

void iad_record_deinit(iad_record *r) {
    free(r->file);
    free(r->name);
    free(r->words);
    free(r->finish);
    free(r->grid);
    *r = (iad_record){0};
}

static iad_status set_grid(iad_record *r, const float *values, iad_err *err) {
    size_t n = (size_t)r->grid_w * (size_t)r->grid_h;
    r->grid = iad_alloc(n, sizeof *r->grid);
    if (!r->grid) return IAD_NOMEM(err, "a map");
    memcpy(r->grid, values, n * sizeof *r->grid);
    r->lo = INFINITY;
    r->hi = -INFINITY;
    for (size_t i = 0; i < n; i++) {
        if (values[i] < r->lo) r->lo = values[i];
        if (values[i] > r->hi) r->hi = values[i];
    }
    return IAD_OK;
}

iad_status iad_record_fill(iad_record *r, const char *file, const char *name, const iadgpt_result *result, int batch, iad_err *err) {
    *r = (iad_record){.score = result->score, .logit_yes = result->logit_yes, .logit_no = result->logit_no, .source_w = result->source_width,
                      .source_h = result->source_height, .resized_w = result->resized_width, .resized_h = result->resized_height, .batch = batch,
                      .timings = result->timings};
    r->file = iad_strdup(file);
    r->name = iad_strdup(name);
    if (!r->file || !r->name) return IAD_NOMEM(err, "a result");
    if (!result->anomaly) return IAD_OK;
    r->grid_w = result->grid_width;
    r->grid_h = result->grid_height;
    return set_grid(r, result->anomaly, err);
}

static iad_status add_map(const iad_record *r, int raw, iad_buf *out, iad_err *err) {
    if (!r->grid) return iad_buf_add_str(out, ",\"map\":null,\"boxes\":null", err);
    IAD_TRY(iad_buf_addf(out, err, ",\"map\":{\"grid\":[%d,%d],\"min\":", r->grid_w, r->grid_h));
    IAD_TRY(iad_json_f32(r->lo, out, err));
    IAD_TRY(iad_buf_add_str(out, ",\"max\":", err));
    IAD_TRY(iad_json_f32(r->hi, out, err));
    if (raw) {
        IAD_TRY(iad_buf_add_str(out, ",\"f32\":\"", err));
        IAD_TRY(iad_base64(out, r->grid, (size_t)r->grid_w * (size_t)r->grid_h * sizeof *r->grid, err));
        IAD_TRY(iad_buf_add_str(out, "\"", err));
    }
    IAD_TRY(iad_buf_add_str(out, "},\"boxes\":", err));
    if (!r->finished) return iad_buf_add_str(out, "null", err);
    IAD_TRY(iad_buf_add_str(out, "[", err));
    for (int i = 0; i < r->n_boxes; i++) {
        const iadgpt_box *b = &r->boxes[i];
        IAD_TRY(iad_buf_addf(out, err, "%s{\"x0\":%d,\"y0\":%d,\"x1\":%d,\"y1\":%d,\"peak\":", i ? "," : "", b->x0, b->y0, b->x1, b->y1));
        IAD_TRY(iad_json_f32(b->peak, out, err));
        IAD_TRY(iad_buf_add_str(out, "}", err));
    }
    return iad_buf_add_str(out, "]", err);
}

static iad_status add_string(const char *key, const char *text, iad_buf *out, iad_err *err) {
    if (!text) return IAD_OK;
    IAD_TRY(iad_buf_addf(out, err, ",\"%s\":", key));
    return iad_json_name(text, out, err);
}

iad_status iad_record_write(const iad_record *r, const iad_record_context *c, iad_buf *out, iad_err *err) {
    IAD_TRY(iad_buf_add_str(out, "{\"file\":", err));
    IAD_TRY(iad_json_name(r->file, out, err));
    IAD_TRY(iad_buf_add_str(out, ",\"score\":", err));
    IAD_TRY(iad_json_f64(r->score, out, err));
    int verdict = c->has_threshold ? iad_verdict(r->score, c->threshold) : -1;
    IAD_TRY(iad_buf_addf(out, err, ",\"verdict\":%s", verdict < 0 ? "null" : verdict ? "\"anomalous\"" : "\"normal\""));
    IAD_TRY(iad_buf_add_str(out, ",\"threshold\":", err));
    IAD_TRY(iad_json_f64(c->has_threshold ? c->threshold : NAN, out, err));
    IAD_TRY(iad_buf_add_str(out, ",\"logit_yes\":", err));
    IAD_TRY(iad_json_f32(r->logit_yes, out, err));
    IAD_TRY(iad_buf_add_str(out, ",\"logit_no\":", err));
    IAD_TRY(iad_json_f32(r->logit_no, out, err));
    IAD_TRY(iad_buf_addf(out, err, ",\"size\":[%d,%d],\"resized\":[%d,%d]", r->source_w, r->source_h, r->resized_w, r->resized_h));
    IAD_TRY(add_map(r, c->raw_map, out, err));
    IAD_TRY(add_string("words", r->words, out, err));
    IAD_TRY(add_string("finish", r->finish, out, err));
    IAD_TRY(add_string("name", r->name, out, err));
    IAD_TRY(iad_buf_addf(out, err, ",\"batch\":%d,\"timings\":", r->batch));
    IAD_TRY(iad_timings_json(&r->timings, out, err));
    return iad_buf_addf(out, err, ",\"exemplars\":\"%s\"}\n", c->key);
}

iad_status iad_record_write_error(const char *file, const char *message, iad_buf *out, iad_err *err) {
    IAD_TRY(iad_buf_add_str(out, "{\"file\":", err));
    IAD_TRY(iad_json_name(file, out, err));
    IAD_TRY(iad_buf_add_str(out, ",\"error\":", err));
    IAD_TRY(iad_json_name(message, out, err));
    return iad_buf_add_str(out, "}\n", err);
}

/* ---- reading ---- */

static iad_status pair(const json_t *object, const char *key, int64_t most, const char *where, int *a, int *b, iad_err *err) {
    json_t *array = NULL;
    IAD_TRY(iad_json_array(object, key, where, &array, err));
    json_t *x = json_array_get(array, 0), *y = json_array_get(array, 1);
    if (json_array_size(array) != 2 || !json_is_integer(x) || !json_is_integer(y) || json_integer_value(x) < 1 || json_integer_value(x) > most ||
        json_integer_value(y) < 1 || json_integer_value(y) > most)
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: \"%s\" is not two numbers from 1 to %lld", where, key, (long long)most);
    *a = (int)json_integer_value(x);
    *b = (int)json_integer_value(y);
    return IAD_OK;
}

static iad_status take_string(const json_t *object, const char *key, const char *where, char **to, iad_err *err) {
    const char *text = NULL;
    IAD_TRY(iad_json_string_opt(object, key, NULL, where, &text, err));
    if (text && !(*to = iad_strdup(text))) return IAD_NOMEM(err, "a result");
    return IAD_OK;
}

static iad_status take_map(const json_t *object, const char *where, iad_record *r, iad_err *err) {
    json_t *map = json_object_get(object, "map");
    if (!map || json_is_null(map)) return IAD_OK;
    const char *text = NULL;
    IAD_TRY(pair(map, "grid", IAD_RECORD_MAX_GRID, where, &r->grid_w, &r->grid_h, err));
    if ((int64_t)r->grid_w * r->grid_h > IAD_RECORD_MAX_GRID)
        return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: a map of %d x %d cells", where, r->grid_w, r->grid_h);
    IAD_TRY(iad_json_string(map, "f32", where, &text, err));
    size_t n = (size_t)r->grid_w * (size_t)r->grid_h;
    float *values = iad_alloc(n, sizeof *values);
    if (!values) return IAD_NOMEM(err, "a map");
    iad_status status = iad_unbase64(text, values, n * sizeof *values, err);
    if (status == IAD_OK) status = set_grid(r, values, err);
    free(values);
    return status == IAD_OK ? IAD_OK : iad_err_prefix(err, "%s", where);
}

static iad_status take_timings(const json_t *object, const char *where, iadgpt_timings *t, iad_err *err) {
    json_t *timings = NULL;
    IAD_TRY(iad_json_object(object, "timings", where, &timings, err));
    IAD_TRY(iad_json_number(timings, "preprocess_ms", where, &t->preprocess, err));
    IAD_TRY(iad_json_number(timings, "vision_ms", where, &t->vision, err));
    IAD_TRY(iad_json_number(timings, "prefill_ms", where, &t->prefill, err));
    IAD_TRY(iad_json_number(timings, "decode_ms", where, &t->decode, err));
    IAD_TRY(iad_json_int(timings, "prompt_tokens", 0, INT64_MAX, where, &t->prompt_tokens, err));
    IAD_TRY(iad_json_int(timings, "reused_tokens", 0, INT64_MAX, where, &t->reused_tokens, err));
    return iad_json_int(timings, "generated_tokens", 0, INT64_MAX, where, &t->generated_tokens, err);
}

static iad_status take(const json_t *object, const char *where, const char *key, iad_record *r, int *error, iad_err *err) {
    const char *text = NULL;
    double number = 0;
    int64_t batch = 0;
    IAD_TRY(iad_json_string(object, "file", where, &text, err));
    *error = json_object_get(object, "error") != NULL;
    if (*error) return IAD_OK;
    if (!(r->file = iad_strdup(text))) return IAD_NOMEM(err, "a result");
    IAD_TRY(iad_json_string(object, "exemplars", where, &text, err));
    if (strcmp(text, key) != 0)
        return IAD_FAIL(err, IAD_ERR_EXISTS, "%s: made with another model, other good pictures or settings; choose another --out", where);
    IAD_TRY(iad_json_number(object, "score", where, &r->score, err));
    IAD_TRY(iad_json_number(object, "logit_yes", where, &number, err));
    r->logit_yes = (float)number;
    IAD_TRY(iad_json_number(object, "logit_no", where, &number, err));
    r->logit_no = (float)number;
    IAD_TRY(pair(object, "size", IAD_IMAGE_MAX_SIDE, where, &r->source_w, &r->source_h, err));
    IAD_TRY(pair(object, "resized", IAD_IMAGE_MAX_SIDE, where, &r->resized_w, &r->resized_h, err));
    if ((int64_t)r->source_w * r->source_h > IAD_IMAGE_MAX_PIXELS)
        return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: a picture of %d x %d", where, r->source_w, r->source_h);
    IAD_TRY(take_map(object, where, r, err));
    IAD_TRY(take_string(object, "words", where, &r->words, err));
    IAD_TRY(take_string(object, "finish", where, &r->finish, err));
    IAD_TRY(take_string(object, "name", where, &r->name, err));
    if (!r->name) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: no \"name\"", where);
    IAD_TRY(iad_json_int(object, "batch", 1, 1000000, where, &batch, err));
    r->batch = (int)batch;
    return take_timings(object, where, &r->timings, err);
}

iad_status iad_record_read(const char *line, size_t n, const char *where, const char *key, iad_record *record, int *error, iad_err *err) {
    json_t *root = NULL;
    *record = (iad_record){0};
    *error = 0;
    IAD_TRY(iad_json_parse(line, n, 8, where, &root, err));
    iad_status status = json_is_object(root) ? take(root, where, key, record, error, err)
        : IAD_FAIL(err, IAD_ERR_FORMAT, "%s: not a JSON object", where);
    json_decref(root);
    if (status != IAD_OK || *error) iad_record_deinit(record);
    return status;
}
