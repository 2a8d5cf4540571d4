#include "runtime/program/calibratefile.h"

#include <math.h>
#include <string.h>

#include "base/json.h"
#include "runtime/engine/engine.h"
#include "runtime/program/program.h"

iad_status iad_calibration_json(const iad_calibration_file *f, char *const *names, const double *scores, iad_buf *out, iad_err *err) {
    const iad_calibration *c = &f->calibration;
    IAD_TRY(iad_buf_add_str(out, "{\"threshold\":", err));
    IAD_TRY(iad_json_f64(c->threshold, out, err));
    IAD_TRY(iad_buf_addf(out, err, ",\"rule\":\"anomalous when score > threshold\",\"target_fpr\":%.9g,\"confidence\":%.9g,\"reached\":%.9g,"
                         "\"empirical_fpr\":%.9g,\"pictures\":%zu,\"rank\":%zu,\"map_min\":",
                         c->target_fpr, c->wanted, c->reached, c->empirical_fpr, c->m, c->k));
    IAD_TRY(iad_json_f32(f->lo <= f->hi ? f->lo : NAN, out, err));
    IAD_TRY(iad_buf_add_str(out, ",\"map_max\":", err));
    IAD_TRY(iad_json_f32(f->lo <= f->hi ? f->hi : NAN, out, err));
    IAD_TRY(iad_buf_addf(out, err, ",\"exemplars\":\"%s\"", f->key));
    for (size_t i = 0; names && i < c->m; i++) {
        IAD_TRY(iad_buf_add_str(out, i ? "},\n  {\"file\":" : ",\"scores\":[\n  {\"file\":", err));
        IAD_TRY(iad_json_name(names[i], out, err));
        IAD_TRY(iad_buf_add_str(out, ",\"score\":", err));
        IAD_TRY(iad_json_f64(scores[i], out, err));
    }
    return iad_buf_add_str(out, names && c->m ? "}\n]}" : "}", err);
}

static iad_status read_file(const json_t *root, const char *path, const char *key, iad_calibration_file *f, iad_err *err) {
    const char *text = NULL;
    double lo = 0, hi = 0;
    int64_t m = 0, k = 0;
    iad_calibration *c = &f->calibration;
    IAD_TRY(iad_json_number(root, "threshold", path, &c->threshold, err));
    IAD_TRY(iad_json_number(root, "target_fpr", path, &c->target_fpr, err));
    IAD_TRY(iad_json_number(root, "confidence", path, &c->wanted, err));
    IAD_TRY(iad_json_number(root, "reached", path, &c->reached, err));
    IAD_TRY(iad_json_int(root, "pictures", 1, INT64_MAX, path, &m, err));
    IAD_TRY(iad_json_int(root, "rank", 1, m, path, &k, err));
    c->m = (size_t)m;
    c->k = (size_t)k;
    f->lo = 1;
    f->hi = 0;
    if (json_is_number(json_object_get(root, "map_min"))) {
        IAD_TRY(iad_json_number(root, "map_min", path, &lo, err));
        IAD_TRY(iad_json_number(root, "map_max", path, &hi, err));
        f->lo = (float)lo;
        f->hi = (float)hi;
    }
    IAD_TRY(iad_json_string(root, "exemplars", path, &text, err));
    if (strcmp(text, key) != 0)
        return IAD_FAIL(err, IAD_ERR_ARG, "%s was made with another model, other good pictures or settings: its threshold says nothing here", path);
    return iad_text_copy(f->key, sizeof f->key, text) ? IAD_OK : IAD_FAIL(err, IAD_ERR_FORMAT, "%s: \"exemplars\" is too long", path);
}

iad_status iad_calibration_load(const char *path, const char *key, iad_calibration_file *file, iad_err *err) {
    json_t *root = NULL;
    *file = (iad_calibration_file){.lo = 1};
    IAD_TRY(iad_json_load(path, 1u << 30, &root, err));
    iad_status status = json_is_object(root) ? read_file(root, path, key, file, err) : IAD_FAIL(err, IAD_ERR_FORMAT, "%s: not a JSON object", path);
    json_decref(root);
    return status;
}

iad_status iad_is_exemplar(const iadgpt_exemplars *set, const iadgpt_picture *picture, int *is, iad_err *err) {
    iad_hash plain, compressed;
    iad_resize_record size;
    *is = 0;
    if (set->k == 0) return IAD_OK;
    /* The keys that this picture would have as the first exemplar and as a further one. */
    IAD_TRY(iad_picture_key(picture, &set->request, NULL, &plain, &size, err));
    IAD_TRY(iad_picture_key(picture, &set->request, &set->first_key, &compressed, &size, err));
    for (size_t i = 0; i < set->line.n; i++) {
        const iad_unit *unit = &set->line.units[i];
        if (!unit->is_image) continue;
        if (memcmp(unit->key.bytes, plain.bytes, sizeof plain.bytes) == 0 || memcmp(unit->key.bytes, compressed.bytes, sizeof plain.bytes) == 0)
            *is = 1;
    }
    return IAD_OK;
}
