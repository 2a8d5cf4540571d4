#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/pool.h"
#include "base/progress.h"
#include "runtime/engine/engine.h"

/* A field of a key: tag and content, each with its length in front, so that no two lists of fields share their bytes. */
static iad_status fields(iad_sha256 *hash, const iadgpt_picture *picture, const iad_request *request, const iad_hash *reference,
                         const iad_resize_record *size, iad_err *err) {
    const iad_preprocess_options *o = &request->image;
    const int32_t shape[9] = {picture->height, picture->width, picture->channels, size->resized_h, size->resized_w, o->patch, o->temporal, o->merge,
                              o->pillow13};
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

iad_status iad_picture_key(const iadgpt_picture *picture, const iad_request *request, const iad_hash *reference, iad_hash *key,
                           iad_resize_record *size, iad_err *err) {
    IAD_TRY(check_picture(picture, err));
    IAD_TRY(iad_preprocess_size(picture->height, picture->width, &request->image, size, err));
    iad_sha256 hash;
    IAD_TRY(iad_sha256_init(&hash, err));
    iad_status status = fields(&hash, picture, request, reference, size, err);
    return iad_sha256_end(&hash, status, key->bytes, err);
}

void iad_encoded_deinit(iad_encoded *e) {
    if (e->device != NULL) e->device->ops->release(e->device, e->tokens.data);
    *e = (iad_encoded){0};
}

/* ---- through the tower ---- */

enum { PASS_PATCHES = 1024 }; /* a picture of 448 x 448; smaller ones share a pass, larger ones have their own */

/* Pictures that share a pass: everything is [n]. */
typedef struct pass {
    iadgpt_session *s;
    const iadgpt_picture *pictures;
    const iad_request *request;
    int n;
    iad_patches patches[IAD_MAX_BATCH];
    iad_vision_plan plans[IAD_MAX_BATCH];
    iad_status statuses[IAD_MAX_BATCH];
    iad_err errs[IAD_MAX_BATCH];
} pass;

/* The pictures at the head of the list that go together. */
static iad_status choose(pass *p, int n, iad_err *err) {
    int64_t patches = 0;
    for (p->n = 0; p->n < n && p->n < IAD_MAX_BATCH; p->n++) {
        const iadgpt_picture *picture = &p->pictures[p->n];
        const iad_preprocess_options *o = &p->request->image;
        iad_resize_record size;
        IAD_TRY(check_picture(picture, err));
        IAD_TRY(iad_preprocess_size(picture->height, picture->width, o, &size, err));
        patches += (int64_t)(size.resized_h / o->patch) * (size.resized_w / o->patch);
        if (p->n > 0 && patches > PASS_PATCHES) break;
    }
    return IAD_OK;
}

static void cut_one(void *user, size_t i, int thread) {
    pass *p = user;
    const iadgpt_picture *picture = &p->pictures[i];
    iad_preprocess_options options = p->request->image;
    options.threads = p->n > 1 ? 1 : p->s->engine->threads; /* of several, the pictures are what is shared out */
    (void)thread;
    /* iad_image is a view here: preprocessing reads only. */
    iad_image view = {.width = picture->width, .height = picture->height, .channels = picture->channels};
    memcpy(&view.px, &picture->pixels, sizeof view.px);
    p->statuses[i] = iad_preprocess(&view, &options, &p->patches[i], &p->errs[i]);
}

static iad_status cut(pass *p, iad_err *err) {
    const iad_vision_config *v = &p->s->engine->model->config.vision;
    iad_parallel_for((size_t)p->n, p->n > 1 ? p->s->engine->threads : 1, cut_one, p);
    for (int i = 0; i < p->n; i++) {
        if (p->statuses[i] != IAD_OK) {
            *err = p->errs[i];
            return p->statuses[i];
        }
        IAD_TRY(iad_vision_plan_init(&p->plans[i], v, p->patches[i].gh, p->patches[i].gw, err));
    }
    return IAD_OK;
}

static iad_status room_for_tokens(const pass *p, int i, iad_encoded *e, iad_err *err) {
    const iad_model *model = p->s->engine->model;
    const iad_patches *patches = &p->patches[i];
    int merge = model->config.vision.merge, d = model->config.text.hidden;
    *e = (iad_encoded){.lh = patches->gh / merge, .lw = patches->gw / merge, .size = patches->size, .device = model->device};
    e->tokens = (iad_mat){.rows = p->plans[i].n_token, .cols = d, .stride = d, .dtype = IAD_F32};
    return model->device->ops->alloc(model->device, (size_t)e->tokens.rows * (size_t)d * sizeof(float), &e->tokens.data, err);
}

/* The products see the rows of all pictures at once; every row's sums stay those of its picture alone. */
static iad_status together(const pass *p, iad_encoded *encoded, iad_err *err) {
    iadgpt_session *s = p->s;
    const iad_model *model = s->engine->model;
    const iad_ops *ops = model->device->ops;
    iad_vision_plan joined;
    IAD_TRY(iad_vision_plan_join(p->plans, p->n, &model->config.vision, &joined, err));
    int d = model->config.text.hidden;
    size_t cols = (size_t)p->patches[0].n_col;
    iad_mat tokens = {.rows = joined.n_token, .cols = d, .stride = d, .dtype = IAD_F32};
    float *rows = iad_alloc((size_t)joined.n_patch * cols, sizeof *rows);
    iad_status status = rows == NULL ? IAD_NOMEM(err, "the patches of several pictures") : IAD_OK;
    if (status == IAD_OK) status = ops->alloc(model->device, (size_t)joined.n_token * (size_t)d * sizeof(float), &tokens.data, err);
    size_t at = 0;
    for (int i = 0; i < p->n && status == IAD_OK; at += (size_t)p->patches[i++].n_row)
        memcpy(rows + at * cols, p->patches[i].rows, (size_t)p->patches[i].n_row * cols * sizeof *rows);
    if (status == IAD_OK) status = iad_vision_forward(s->queue, model, &joined, &s->ws, rows, tokens, s->trace, err);
    int64_t first = 0;
    for (int i = 0; i < p->n && status == IAD_OK; first += encoded[i++].tokens.rows)
        status = ops->copy(s->queue, iad_mat_rows(tokens, first, encoded[i].tokens.rows), encoded[i].tokens, err);
    ops->release(model->device, tokens.data);
    free(rows);
    iad_vision_plan_deinit(&joined);
    return status;
}

static iad_status run_pass(pass *p, iad_encoded *encoded, iad_err *err) {
    iadgpt_session *s = p->s;
    double start = iad_clock();
    IAD_TRY(cut(p, err));
    double ready = iad_clock();
    for (int i = 0; i < p->n; i++) IAD_TRY(room_for_tokens(p, i, &encoded[i], err));
    if (p->n > 1) IAD_TRY(together(p, encoded, err));
    else IAD_TRY(iad_vision_forward(s->queue, s->engine->model, &p->plans[0], &s->ws, p->patches[0].rows, encoded[0].tokens, s->trace, err));
    s->timings.preprocess += 1e3 * (ready - start);
    s->timings.vision += 1e3 * (iad_clock() - ready);
    return IAD_OK;
}

iad_status iad_session_encode(iadgpt_session *session, const iadgpt_picture *pictures, int n, const iad_request *request, iad_encoded *encoded,
                              int *n_encoded, iad_err *err) {
    pass *p = iad_calloc(1, sizeof *p);
    if (p == NULL) return IAD_NOMEM(err, "pictures");
    p->s = session;
    p->pictures = pictures;
    p->request = request;
    iad_status status = choose(p, n, err);
    for (int i = 0; i < p->n; i++) encoded[i] = (iad_encoded){0};
    if (status == IAD_OK) status = run_pass(p, encoded, err);
    for (int i = 0; i < p->n; i++) {
        iad_patches_deinit(&p->patches[i]);
        iad_vision_plan_deinit(&p->plans[i]);
        if (status != IAD_OK) iad_encoded_deinit(&encoded[i]);
    }
    *n_encoded = status == IAD_OK ? p->n : 0;
    free(p);
    return status;
}
