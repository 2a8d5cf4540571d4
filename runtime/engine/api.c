/* The public functions: arguments checked, errors translated, work done elsewhere. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/image/decode.h"
#include "base/text.h"
#include "runtime/device.h"
#include "runtime/engine/calibrate.h"
#include "runtime/engine/engine.h"
#include "runtime/engine/mapping.h"

static iadgpt_status public_code(iad_status status) {
    switch (status) {
        case IAD_OK: return IADGPT_OK;
        case IAD_ERR_ARG: case IAD_ERR_EXISTS: return IADGPT_ERR_ARG;
        case IAD_ERR_IO: case IAD_ERR_DB: return IADGPT_ERR_IO;
        case IAD_ERR_NOMEM: return IADGPT_ERR_NOMEM;
        case IAD_ERR_FORMAT: return IADGPT_ERR_FORMAT;
        case IAD_ERR_LIMIT: return IADGPT_ERR_LIMIT;
        case IAD_ERR_NOT_FOUND: return IADGPT_ERR_NOT_FOUND;
        case IAD_ERR_UNSUPPORTED: return IADGPT_ERR_UNSUPPORTED;
        case IAD_ERR_INTERRUPTED: return IADGPT_ERR_INTERRUPTED;
        case IAD_ERR_INTERNAL: break;
    }
    return IADGPT_ERR_INTERNAL;
}

static iadgpt_status finish(iad_status status, const iad_err *err, iadgpt_error *error) {
    iadgpt_status code = public_code(status);
    if (error != NULL) {
        error->code = (int32_t)code;
        iad_text_copy(error->message, sizeof error->message, status == IAD_OK ? "" : err->msg);
    }
    return code;
}

/* A NULL where an object is needed. */
static iadgpt_status missing(iadgpt_error *error, const char *what) {
    iad_err err = IAD_ERR_NONE;
    return finish(IAD_FAIL(&err, IAD_ERR_ARG, "%s is NULL", what), &err, error);
}

#define NEED(pointer) \
    if ((pointer) == NULL) return missing(error, #pointer)

const char *iadgpt_version(void) { return IAD_VERSION; }

/* ---- pictures ---- */

iadgpt_status iadgpt_picture_load(const char *path, iadgpt_picture *picture, iadgpt_error *error) {
    NEED(path);
    NEED(picture);
    iad_err err = IAD_ERR_NONE;
    iad_image image;
    *picture = (iadgpt_picture){0};
    iad_status status = iad_image_load(path, NULL, &image, NULL, &err);
    if (status == IAD_OK) *picture = (iadgpt_picture){image.width, image.height, image.channels, image.px};
    return finish(status, &err, error);
}

void iadgpt_picture_free(iadgpt_picture *picture) {
    if (picture == NULL) return;
    void *pixels;
    memcpy(&pixels, &picture->pixels, sizeof pixels);
    free(pixels);
    *picture = (iadgpt_picture){0};
}

/* ---- engine and session ---- */

void iadgpt_engine_defaults(iadgpt_engine_options *options) {
    *options = (iadgpt_engine_options){.size = sizeof *options, .device = "cpu", .weights = "auto", .vision_weights = "auto", .fusion = "auto",
                                       .exemplar_cache = (uint64_t)1 << 30};
}

iadgpt_status iadgpt_engine_open(const char *dir, const iadgpt_engine_options *options, iadgpt_engine **engine, iadgpt_error *error) {
    NEED(dir);
    NEED(engine);
    iad_err err = IAD_ERR_NONE;
    iadgpt_engine_options all;
    iadgpt_engine_defaults(&all);
    if (options != NULL && options->size > 0) memcpy(&all, options, options->size < sizeof all ? options->size : sizeof all);
    return finish(iad_engine_open(dir, &all, engine, &err), &err, error);
}

void iadgpt_engine_close(iadgpt_engine *engine) { iad_engine_close(engine); }

void iadgpt_engine_memory(const iadgpt_engine *engine, iadgpt_memory *memory) {
    iad_device_memory device;
    iad_device_memory_get(engine->device, &device);
    *memory = (iadgpt_memory){device.now, device.peak, engine->model->weight_bytes};
}

iadgpt_status iadgpt_session_new(iadgpt_engine *engine, iadgpt_session **session, iadgpt_error *error) {
    NEED(engine);
    NEED(session);
    iad_err err = IAD_ERR_NONE;
    return finish(iad_session_new(engine, session, &err), &err, error);
}

void iadgpt_session_free(iadgpt_session *session) { iad_session_free(session); }

/* ---- exemplar sets ---- */

void iadgpt_settings_defaults(iadgpt_settings *settings) {
    *settings = (iadgpt_settings){.size = sizeof *settings, .image_height = -1, .image_width = -1, .compress_query = -1};
}

iadgpt_status iadgpt_exemplars_prepare(iadgpt_session *session, const iadgpt_picture *pictures, int32_t k, const iadgpt_settings *settings,
                                       iadgpt_exemplars **exemplars, iadgpt_error *error) {
    NEED(session);
    NEED(exemplars);
    iad_err err = IAD_ERR_NONE;
    return finish(iad_exemplars_prepare(session, pictures, k, settings, exemplars, &err), &err, error);
}

void iadgpt_exemplars_free(iadgpt_exemplars *exemplars) { iad_exemplars_release(exemplars); }

iadgpt_status iadgpt_exemplars_save(const iadgpt_exemplars *exemplars, const char *path, iadgpt_error *error) {
    NEED(exemplars);
    NEED(path);
    iad_err err = IAD_ERR_NONE;
    return finish(iad_exemplars_save(exemplars, path, &err), &err, error);
}

iadgpt_status iadgpt_exemplars_load(iadgpt_engine *engine, const char *path, iadgpt_exemplars **exemplars, iadgpt_error *error) {
    NEED(engine);
    NEED(path);
    NEED(exemplars);
    iad_err err = IAD_ERR_NONE;
    return finish(iad_exemplars_load(engine, path, exemplars, &err), &err, error);
}

const char *iadgpt_exemplars_key(const iadgpt_exemplars *exemplars) { return exemplars->key_hex; }

void iadgpt_exemplars_describe(const iadgpt_exemplars *exemplars, iadgpt_exemplars_info *info) {
    const iad_request *request = &exemplars->request;
    *info = (iadgpt_exemplars_info){.k = exemplars->k, .tokens = exemplars->line.n_row, .bytes = iad_exemplars_bytes(exemplars),
                                    .image_height = request->image.height, .image_width = request->image.width, .retention = request->retention};
    for (size_t i = 0; i < exemplars->line.n; i++) {
        const iad_unit *unit = &exemplars->line.units[i];
        if (!unit->is_image) continue;
        info->image_tokens += (int64_t)unit->lh * unit->lw;
        info->image_tokens_kept += unit->n_row;
    }
}

/* ---- inspection ---- */

iadgpt_status iadgpt_inspect(iadgpt_session *session, const iadgpt_exemplars *exemplars, const iadgpt_picture *pictures, int32_t n,
                             iadgpt_result *results, iadgpt_error *error) {
    NEED(session);
    iad_err err = IAD_ERR_NONE;
    return finish(iad_session_inspect(session, exemplars, pictures, n, results, &err), &err, error);
}

iadgpt_status iadgpt_result_map(const iadgpt_result *result, iadgpt_map which, float *out, iadgpt_error *error) {
    NEED(result);
    NEED(out);
    iad_err err = IAD_ERR_NONE;
    const float *map = which == IADGPT_MAP_NORMAL ? result->normal : result->anomaly;
    if (map == NULL)
        return finish(IAD_FAIL(&err, IAD_ERR_ARG, "this result has no map: the query was compressed, or the question names no map word"), &err,
                      error);
    const iad_resize_record size = {.source_h = result->source_height, .source_w = result->source_width, .resized_h = result->resized_height,
                                    .resized_w = result->resized_width};
    iad_plane plane;
    iad_status status = iad_map_to_picture(map, result->grid_height, result->grid_width, &size, &plane, &err);
    if (status == IAD_OK) {
        memcpy(out, plane.px, (size_t)plane.width * (size_t)plane.height * sizeof *out);
        iad_plane_deinit(&plane);
    }
    return finish(status, &err, error);
}

iadgpt_status iadgpt_map_boxes(const float *map, int32_t width, int32_t height, float threshold, iadgpt_box *boxes, int32_t max, int32_t *n,
                               iadgpt_error *error) {
    NEED(map);
    NEED(n);
    iad_err err = IAD_ERR_NONE;
    iad_plane plane = {.width = width, .height = height};
    memcpy(&plane.px, &map, sizeof plane.px); /* read only */
    const iad_map_box_options options = iad_map_box_defaults(threshold);
    iad_map_box *found = NULL;
    size_t count = 0;
    *n = 0;
    iad_status status = iad_map_boxes(&plane, &options, &found, &count, &err);
    if (status == IAD_OK) {
        *n = (int32_t)count;
        for (size_t i = 0; boxes != NULL && i < count && i < (size_t)(max > 0 ? max : 0); i++)
            boxes[i] = (iadgpt_box){found[i].box.x0, found[i].box.y0, found[i].box.x1, found[i].box.y1, found[i].peak};
        free(found);
    }
    return finish(status, &err, error);
}

iadgpt_box iadgpt_box_to_source(const iadgpt_result *result, iadgpt_box box) {
    const iad_resize_record size = {.source_h = result->source_height, .source_w = result->source_width, .resized_h = result->resized_height,
                                    .resized_w = result->resized_width};
    iad_box mapped = iad_box_to_source((iad_box){box.x0, box.y0, box.x1, box.y1}, &size);
    return (iadgpt_box){mapped.x0, mapped.y0, mapped.x1, mapped.y1, box.peak};
}

/* ---- words ---- */

iadgpt_status iadgpt_session_sync(iadgpt_session *session, const iadgpt_message *messages, int32_t n, const iadgpt_settings *settings,
                                  iadgpt_error *error) {
    NEED(session);
    iad_err err = IAD_ERR_NONE;
    return finish(iad_session_sync(session, messages, n, settings, &err), &err, error);
}

void iadgpt_generate_defaults(iadgpt_generate_options *options) {
    *options = (iadgpt_generate_options){.size = sizeof *options, .max_tokens = 256, .top_p = 1, .repetition_penalty = 1};
}

iadgpt_status iadgpt_generate(iadgpt_session *session, const iadgpt_generate_options *options, iadgpt_answer *answer, iadgpt_error *error) {
    NEED(session);
    NEED(answer);
    iad_err err = IAD_ERR_NONE;
    return finish(iad_session_generate(session, options, answer, &err), &err, error);
}

/* ---- thresholds ---- */

iadgpt_status iadgpt_calibrate(const double *scores, size_t m, double target_fpr, double confidence, double *threshold, double *reached,
                               iadgpt_error *error) {
    NEED(scores);
    NEED(threshold);
    iad_err err = IAD_ERR_NONE;
    iad_calibration calibration;
    iad_status status = iad_calibrate(scores, m, target_fpr, confidence, &calibration, &err);
    if (status == IAD_OK) {
        *threshold = calibration.threshold;
        if (reached != NULL) *reached = calibration.reached;
    }
    return finish(status, &err, error);
}
