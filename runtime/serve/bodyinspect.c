#include "runtime/serve/bodyinspect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "runtime/program/program.h"
#include "runtime/serve/bodychat.h"

enum { MAX_AREA = 268435456 };

/* ---- shared ---- */

iad_status iad_body_set_id(iad_body *body, const json_t *object, const char *prefix, const char **id, iad_err *err) {
    IAD_TRY(iad_body_text(body, object, prefix, "exemplar_set", IAD_SET_ID, id, err));
    if (*id && strspn(*id, "0123456789abcdef") != IAD_SET_ID)
        return iad_body_fail(body, IAD_ERR_ARG, err, "\"%s\" is not the id of a set: 16 hexadecimal digits", *id);
    return IAD_OK;
}

iad_status iad_body_sizes(iad_body *body, const json_t *object, const char *prefix, iadgpt_settings *settings, iad_err *err) {
    const char *size = NULL;
    IAD_TRY(iad_body_text(body, object, prefix, "image_size", 20, &size, err));
    if (size) {
        int width = 0, height = 0;
        IAD_TRY(iad_parse_size(size, body->param, &width, &height, err));
        settings->image_width = width;
        settings->image_height = height;
    }
    IAD_TRY(iad_body_i64(body, object, prefix, "min_pixels", 0, MAX_AREA, &settings->min_pixels, err));
    return iad_body_i64(body, object, prefix, "max_pixels", 0, MAX_AREA, &settings->max_pixels, err);
}

static iad_status settings(iad_body *body, const json_t *root, iadgpt_settings *s, int *given, iad_err *err) {
    static const char *const names[] = {"image_size", "min_pixels", "max_pixels", "retention", "similarity", "compress_query", "calibrate_map",
                                        "question", "yes_means", NULL};
    const json_t *value = iad_body_member(body, root, "", "settings");
    int compress = -1, calibrate = 0;
    *given = value != NULL;
    if (!value) return IAD_OK;
    IAD_TRY(iad_body_known(body, value, "settings", names, err));
    IAD_TRY(iad_body_sizes(body, value, "settings", s, err));
    IAD_TRY(iad_body_f64(body, value, "settings", "retention", 0, 1, &s->retention, err));
    IAD_TRY(iad_body_choice(body, value, "settings", "similarity", "best|aligned", &s->similarity, err));
    IAD_TRY(iad_body_flag(body, value, "settings", "compress_query", &compress, err));
    IAD_TRY(iad_body_flag(body, value, "settings", "calibrate_map", &calibrate, err));
    IAD_TRY(iad_body_text(body, value, "settings", "question", 1 << 16, &s->question, err));
    IAD_TRY(iad_body_choice(body, value, "settings", "yes_means", "normal|defective", &s->yes_means, err));
    s->compress_query = compress;
    s->calibrate_map = calibrate;
    return IAD_OK;
}

/* The JSON of the body: all of it, or the part "options". */
static iad_status root_of(iad_body *body, const char *json, size_t n, const iad_parts *parts, const char *const *fields, json_t **root,
                          iad_err *err) {
    const char *name = "body";
    if (parts) {
        IAD_TRY(iad_parts_options(body, parts, fields, &json, &n, err));
        name = "options";
    }
    snprintf(body->param, sizeof body->param, "%s", name);
    return iad_json_parse(json, n, IAD_BODY_MAX_DEPTH, name, root, err);
}

/* ---- inspection ---- */

static iad_status maps(iad_body *b, iad_inspect_body *in, iad_err *err) {
    const json_t *list = iad_body_member(b, in->root, "", "map");
    in->maps = IAD_INSPECT_GRID;
    if (!list) return IAD_OK;
    in->maps = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *text = json_string_value(json_array_get(list, i));
        const int bit = !text ? 0 : strcmp(text, "grid") == 0 ? IAD_INSPECT_GRID : strcmp(text, "png") == 0 ? IAD_INSPECT_PNG : 0;
        if (!bit) return iad_body_fail(b, IAD_ERR_ARG, err, "\"grid\" and \"png\" are what there is");
        in->maps |= bit;
    }
    return json_is_array(list) ? IAD_OK : iad_body_fail(b, IAD_ERR_FORMAT, err, "not a list");
}

static iad_status range(iad_body *b, iad_inspect_body *in, iad_err *err) {
    const json_t *value = iad_body_member(b, in->root, "", "map_range");
    if (!value) return IAD_OK;
    if (json_is_string(value)) {
        const char *text = json_string_value(value);
        in->range = strcmp(text, "picture") == 0 ? IAD_RANGE_PICTURE : IAD_RANGE_AUTO;
        if (in->range == IAD_RANGE_AUTO && strcmp(text, "auto") != 0) return iad_body_fail(b, IAD_ERR_ARG, err, "\"auto\", \"picture\" or [lo, hi]");
        return IAD_OK;
    }
    const json_t *lo = json_array_get(value, 0), *hi = json_array_get(value, 1);
    if (json_array_size(value) != 2 || !json_is_number(lo) || !json_is_number(hi))
        return iad_body_fail(b, IAD_ERR_FORMAT, err, "\"auto\", \"picture\" or [lo, hi]");
    in->lo = json_number_value(lo);
    in->hi = json_number_value(hi);
    in->range = IAD_RANGE_FIXED;
    if (!(in->lo > -1e30 && in->lo < in->hi && in->hi < 1e30)) return iad_body_fail(b, IAD_ERR_ARG, err, "%g is not below %g", in->lo, in->hi);
    return IAD_OK;
}

static iad_status reference(iad_body *b, const iad_inspect_body *in, int has_settings, iad_err *err) {
    snprintf(b->param, sizeof b->param, "exemplar_set");
    if ((in->exemplar_set != NULL) + (in->n_good > 0) + in->zero_shot != 1)
        return iad_body_fail(b, IAD_ERR_ARG, err, "give the good parts by one of \"exemplar_set\", \"good\" and \"zero_shot\"");
    snprintf(b->param, sizeof b->param, "settings");
    return in->exemplar_set && has_settings ? iad_body_fail(b, IAD_ERR_ARG, err, "the exemplar set has its own") : IAD_OK;
}

static iad_status read_inspect(iad_body *b, const iad_parts *parts, const iad_serve_limits *limits, iad_inspect_body *in, iad_err *err) {
    static const char *const names[] = {"images", "exemplar_set", "good", "zero_shot", "settings", "threshold", "map", "map_range", "box_threshold",
                                        "words", "max_tokens", "stream", NULL};
    int has_settings = 0;
    IAD_TRY(iad_body_known(b, in->root, "", names, err));
    IAD_TRY(iad_body_set_id(b, in->root, "", &in->exemplar_set, err));
    IAD_TRY(iad_body_flag(b, in->root, "", "zero_shot", &in->zero_shot, err));
    IAD_TRY(settings(b, in->root, &in->settings, &has_settings, err));
    IAD_TRY(iad_body_f64(b, in->root, "", "threshold", -1e30, 1e30, &in->threshold, err));
    in->has_threshold = iad_body_member(b, in->root, "", "threshold") != NULL;
    IAD_TRY(maps(b, in, err));
    IAD_TRY(range(b, in, err));
    IAD_TRY(iad_body_f64(b, in->root, "", "box_threshold", 0, 1, &in->box_threshold, err));
    IAD_TRY(iad_body_flag(b, in->root, "", "words", &in->words, err));
    IAD_TRY(iad_body_i64(b, in->root, "", "max_tokens", 1, limits->answer_tokens, &in->max_tokens, err));
    IAD_TRY(iad_body_flag(b, in->root, "", "stream", &in->stream, err));
    IAD_TRY(iad_body_pictures(b, in->root, parts, "good", IAD_MAX_GOOD, &in->good, &in->n_good, err));
    IAD_TRY(reference(b, in, has_settings, err));
    IAD_TRY(iad_body_pictures(b, in->root, parts, "images", limits->images, &in->images, &in->n_images, err));
    if (in->n_images == 0) return iad_body_fail(b, IAD_ERR_ARG, err, "no picture to inspect");
    if (!in->stream) return IAD_OK;
    snprintf(b->param, sizeof b->param, "stream");
    return in->words && in->n_images == 1 ? IAD_OK : iad_body_fail(b, IAD_ERR_ARG, err, "wants \"words\": true and one picture");
}

iad_status iad_inspect_body_read(iad_body *body, const char *json, size_t n, const iad_parts *parts, const iad_serve_limits *limits,
                                 iad_inspect_body *in, iad_err *err) {
    static const char *const fields[] = {"images", "good", NULL};
    *in = (iad_inspect_body){.box_threshold = 0.5, .max_tokens = 64 < limits->answer_tokens ? 64 : limits->answer_tokens};
    iadgpt_settings_defaults(&in->settings);
    IAD_TRY(root_of(body, json, n, parts, fields, &in->root, err));
    return read_inspect(body, parts, limits, in, err);
}

void iad_inspect_body_deinit(iad_inspect_body *in) {
    free(in->images);
    free(in->good);
    json_decref(in->root);
    *in = (iad_inspect_body){0};
}

/* ---- exemplar sets ---- */

static iad_status read_set(iad_body *b, const iad_parts *parts, int addition, const iad_serve_limits *limits, iad_set_body *set, iad_err *err) {
    static const char *const names[] = {"name", "category", "images", "calibration", "target_fpr", "confidence", "settings", NULL};
    static const char *const addition_names[] = {"images", "target_fpr", "confidence", NULL};
    int given = 0;
    IAD_TRY(iad_body_known(b, set->root, "", addition ? addition_names : names, err));
    IAD_TRY(iad_body_f64(b, set->root, "", "target_fpr", 1e-6, 0.999999, &set->target_fpr, err));
    IAD_TRY(iad_body_f64(b, set->root, "", "confidence", 1e-6, 0.999999, &set->confidence, err));
    set->has_target = json_object_get(set->root, "target_fpr") || json_object_get(set->root, "confidence");
    if (addition) return iad_body_pictures(b, set->root, parts, "images", limits->calibration_images, &set->calibration, &set->n_calibration, err);
    IAD_TRY(iad_body_text(b, set->root, "", "category", IAD_SET_MAX_NAME, &set->category, err));
    IAD_TRY(iad_body_text(b, set->root, "", "name", IAD_SET_MAX_NAME, &set->name, err));
    if (!set->name) return iad_body_fail(b, IAD_ERR_FORMAT, err, "is missing");
    IAD_TRY(settings(b, set->root, &set->settings, &given, err));
    IAD_TRY(iad_body_pictures(b, set->root, parts, "calibration", limits->calibration_images, &set->calibration, &set->n_calibration, err));
    IAD_TRY(iad_body_pictures(b, set->root, parts, "images", IAD_MAX_GOOD, &set->images, &set->n_images, err));
    return set->n_images ? IAD_OK : iad_body_fail(b, IAD_ERR_ARG, err, "no picture of a good part");
}

iad_status iad_set_body_read(iad_body *body, const char *json, size_t n, const iad_parts *parts, int addition, const iad_serve_limits *limits,
                             iad_set_body *set, iad_err *err) {
    static const char *const fields[] = {"images", "calibration", NULL}, *const addition_fields[] = {"images", NULL};
    *set = (iad_set_body){.category = "", .target_fpr = 0.05, .confidence = 0.95};
    iadgpt_settings_defaults(&set->settings);
    IAD_TRY(root_of(body, json, n, parts, addition ? addition_fields : fields, &set->root, err));
    return read_set(body, parts, addition, limits, set, err);
}

void iad_set_body_deinit(iad_set_body *set) {
    free(set->images);
    free(set->calibration);
    json_decref(set->root);
    *set = (iad_set_body){0};
}
