#include "bench/enginecall.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

iad_status iad_engine_call(iadgpt_status status, const iadgpt_error *error, iad_err *err) {
    switch (status) {
        case IADGPT_OK: return IAD_OK;
        case IADGPT_ERR_ARG: return IAD_FAIL(err, IAD_ERR_ARG, "%s", error->message);
        case IADGPT_ERR_IO: return IAD_FAIL(err, IAD_ERR_IO, "%s", error->message);
        case IADGPT_ERR_NOMEM: return IAD_FAIL(err, IAD_ERR_NOMEM, "%s", error->message);
        case IADGPT_ERR_NOT_FOUND: return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "%s", error->message);
        case IADGPT_ERR_INTERRUPTED: return IAD_FAIL(err, IAD_ERR_INTERRUPTED, "%s", error->message);
        case IADGPT_ERR_LIMIT: return IAD_FAIL(err, IAD_ERR_LIMIT, "%s", error->message);
        case IADGPT_ERR_UNSUPPORTED: return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "%s", error->message);
        case IADGPT_ERR_FORMAT: return IAD_FAIL(err, IAD_ERR_FORMAT, "%s", error->message);
        case IADGPT_ERR_INTERNAL: break;
    }
    return IAD_FAIL(err, IAD_ERR_INTERNAL, "%s", error->message);
}

iad_status iad_engine_image_size(const char *text, iadgpt_settings *settings, iad_err *err) {
    if (text == NULL) return IAD_OK;
    if (strcmp(text, "native") == 0) {
        settings->image_width = settings->image_height = 0;
        return IAD_OK;
    }
    char *end = NULL;
    long width = strtol(text, &end, 10), height = *end == 'x' ? strtol(end + 1, &end, 10) : 0;
    if (*end != '\0' || width < 28 || height < 28 || width > 16384 || height > 16384)
        return IAD_FAIL(err, IAD_ERR_ARG, "--image-size %.40s: WIDTHxHEIGHT, multiples of 28, or native", text);
    settings->image_width = (int32_t)width;
    settings->image_height = (int32_t)height;
    return IAD_OK;
}

static int32_t loading(void *user, uint64_t done, uint64_t total) {
    const iad_scorer_options *o = user;
    (void)done, (void)total;
    return o->stopped != NULL && o->stopped(o->user);
}

iad_status iad_engine_use_init(iad_engine_use *use, const iad_scorer_options *options, iad_err *err) {
    iadgpt_error error;
    iadgpt_engine_options engine;
    iadgpt_exemplars *none = NULL;
    iad_scorer_options watched = *options; /* the callback's user is not const */
    *use = (iad_engine_use){0};
    iadgpt_engine_defaults(&engine);
    engine.device = options->device;
    engine.threads = options->threads;
    engine.weights = options->weights;
    engine.vision_weights = options->vision_weights;
    engine.progress = loading;
    engine.user = &watched;
    iadgpt_settings_defaults(&use->settings);
    use->settings.retention = options->retention;
    IAD_TRY(iad_engine_image_size(options->image_size, &use->settings, err));
    IAD_TRY(iad_engine_call(iadgpt_engine_open(options->model, &engine, &use->engine, &error), &error, err));
    IAD_TRY(iad_engine_call(iadgpt_session_new(use->engine, &use->session, &error), &error, err));
    IAD_TRY(iad_engine_call(iadgpt_exemplars_prepare(use->session, NULL, 0, &use->settings, &none, &error), &error, err));
    iad_text_copy(use->key, sizeof use->key, iadgpt_exemplars_key(none));
    iadgpt_exemplars_free(none);
    return IAD_OK;
}

void iad_engine_use_deinit(iad_engine_use *use) {
    iadgpt_session_free(use->session);
    iadgpt_engine_close(use->engine);
    *use = (iad_engine_use){0};
}
