#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/progress.h"
#include "runtime/engine/engine.h"

/* A field of a key: tag and content, each with its length in front, so that no two lists of fields share their bytes. */
static iad_status fields(iad_sha256 *hash, const iadgpt_picture *picture, const iad_request *request, const iad_hash *reference,
                         const iad_resize_record *size, iad_err *err) {
    const iad_preprocess_options *o = &request->image;
    const int32_t shape[9] = {picture->height, picture->width, picture->channels, size->resized_h, size->resized_w, o->patch, o->temporal, o->merge, o->pillow13};
    IAD_TRY(iad_key_field(hash, "picture", "1", 1, err));
    IAD_TRY(iad_key_field(hash, "shape", shape, sizeof shape, err));
    IAD_TRY(iad_key_field(hash, "mean", o->mean, sizeof o->mean, err));
    IAD_TRY(iad_key_field(hash, "std", o->std, sizeof o->std, err));
    if (reference != NULL) {
        const int32_t aligned = request->aligned;
        IAD_TRY(iad_key_field(hash, "reference", reference->bytes, sizeof reference->bytes, err));
        IAD_TRY(iad_key_field(hash, "retention", &request->retention, sizeof request->retention, err));
        IAD_TRY(iad_key_field(hash, "aligned", &aligned, sizeof aligned, err));
    }
    return iad_key_field(hash, "pixels", picture->pixels, (size_t)picture->height * (size_t)picture->width * (size_t)picture->channels, err);
}

static iad_status check_picture(const iadgpt_picture *picture, iad_err *err) {
    if (picture == NULL || picture->pixels == NULL) return IAD_FAIL(err, IAD_ERR_ARG, "a picture without pixels");
    if (picture->width < 1 || picture->height < 1 || picture->width > IAD_IMAGE_MAX_SIDE || picture->height > IAD_IMAGE_MAX_SIDE ||
        (int64_t)picture->width * picture->height > IAD_IMAGE_MAX_PIXELS || (picture->channels != 1 && picture->channels != 3))
        return IAD_FAIL(err, IAD_ERR_ARG, "a picture of %d x %d pixels with %d channels: 1 or 3 channels, sides up to %d, %u pixels", picture->width,
                        picture->height, picture->channels, IAD_IMAGE_MAX_SIDE, IAD_IMAGE_MAX_PIXELS);
    return IAD_OK;
}

iad_status iad_picture_key(const iadgpt_picture *picture, const iad_request *request, const iad_hash *reference, iad_hash *key, iad_resize_record *size,
                           iad_err *err) {
    IAD_TRY(check_picture(picture, err));
    IAD_TRY(iad_preprocess_size(picture->height, picture->width, &request->image, size, err));
    iad_sha256 hash;
    IAD_TRY(iad_sha256_init(&hash, err));
    iad_status status = fields(&hash, picture, request, reference, size, err);
    if (status == IAD_OK) return iad_sha256_final(&hash, key->bytes, err);
    iad_sha256_deinit(&hash);
    return status;
}

void iad_encoded_deinit(iad_encoded *e) {
    if (e->device != NULL) e->device->ops->release(e->device, e->tokens.data);
    *e = (iad_encoded){0};
}

static iad_status encode(iadgpt_session *session, const iad_patches *patches, const iad_vision_plan *plan, iad_encoded *e, iad_err *err) {
    const iad_model *model = session->engine->model;
    int merge = model->config.vision.merge, d = model->config.text.hidden;
    *e = (iad_encoded){.lh = patches->gh / merge, .lw = patches->gw / merge, .size = patches->size, .device = model->device};
    e->tokens = (iad_mat){.rows = plan->n_token, .cols = d, .stride = d, .dtype = IAD_F32};
    iad_status status = model->device->ops->alloc(model->device, (size_t)plan->n_token * (size_t)d * sizeof(float), &e->tokens.data, err);
    if (status == IAD_OK) status = iad_vision_forward(session->queue, model, plan, &session->ws, patches->rows, e->tokens, session->trace, err);
    if (status != IAD_OK) iad_encoded_deinit(e);
    return status;
}

iad_status iad_session_encode(iadgpt_session *session, const iadgpt_picture *picture, const iad_request *request, iad_encoded *e, iad_err *err) {
    *e = (iad_encoded){0};
    IAD_TRY(check_picture(picture, err));
    double start = iad_clock();
    /* iad_image is a view here: preprocessing reads only. */
    iad_image view = {.width = picture->width, .height = picture->height, .channels = picture->channels};
    memcpy(&view.px, &picture->pixels, sizeof view.px);
    iad_patches patches;
    IAD_TRY(iad_preprocess(&view, &request->image, &patches, err));
    iad_vision_plan plan;
    iad_status status = iad_vision_plan_init(&plan, &session->engine->model->config.vision, patches.gh, patches.gw, err);
    double ready = iad_clock();
    session->timings.preprocess += 1e3 * (ready - start);
    if (status == IAD_OK) {
        status = encode(session, &patches, &plan, e, err);
        iad_vision_plan_deinit(&plan);
    }
    iad_patches_deinit(&patches);
    session->timings.vision += 1e3 * (iad_clock() - ready);
    return status;
}
