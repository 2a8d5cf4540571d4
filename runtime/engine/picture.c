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

/* ---- through the tower ---- */

enum { PASS_PATCHES = 1024 }; /* a picture of 448 x 448; smaller ones share a pass, larger ones have their own */

/* Pictures on their way: patches [n], plans [n] of those that are cut. */
typedef struct encoding {
    iadgpt_session *s;
    const iadgpt_picture *pictures;
    const iad_request *request;
    int n;
    iad_patches *patches;
    iad_vision_plan *plans;
    iad_status *statuses;
    iad_err *errs;
} encoding;

static void cut_one(void *user, size_t i, int thread) {
    encoding *g = user;
    const iadgpt_picture *picture = &g->pictures[i];
    iad_preprocess_options options = g->request->image;
    options.threads = g->n > 1 ? 1 : g->s->engine->threads; /* of several, the pictures are what is shared out */
    (void)thread;
    /* iad_image is a view here: preprocessing reads only. */
    iad_image view = {.width = picture->width, .height = picture->height, .channels = picture->channels};
    memcpy(&view.px, &picture->pixels, sizeof view.px);
    g->statuses[i] = iad_preprocess(&view, &options, &g->patches[i], &g->errs[i]);
}

static iad_status cut(encoding *g, iad_err *err) {
    const iad_vision_config *v = &g->s->engine->model->config.vision;
    for (int i = 0; i < g->n; i++) {
        iad_status status = check_picture(&g->pictures[i], err);
        if (status != IAD_OK) return g->n > 1 ? iad_err_prefix(err, "picture %d", i + 1) : status;
    }
    double start = iad_clock();
    iad_parallel_for((size_t)g->n, g->n > 1 ? g->s->engine->threads : 1, cut_one, g);
    for (int i = 0; i < g->n; i++) {
        iad_status status = g->statuses[i];
        if (status != IAD_OK) *err = g->errs[i];
        else status = iad_vision_plan_init(&g->plans[i], v, g->patches[i].gh, g->patches[i].gw, err);
        if (status != IAD_OK) return g->n > 1 ? iad_err_prefix(err, "picture %d", i + 1) : status;
    }
    g->s->timings.preprocess += 1e3 * (iad_clock() - start);
    return IAD_OK;
}

static iad_status room_for_tokens(const encoding *g, int i, iad_encoded *e, iad_err *err) {
    const iad_model *model = g->s->engine->model;
    const iad_patches *patches = &g->patches[i];
    int merge = model->config.vision.merge, d = model->config.text.hidden;
    *e = (iad_encoded){.lh = patches->gh / merge, .lw = patches->gw / merge, .size = patches->size, .device = model->device};
    e->tokens = (iad_mat){.rows = g->plans[i].n_token, .cols = d, .stride = d, .dtype = IAD_F32};
    return model->device->ops->alloc(model->device, (size_t)e->tokens.rows * (size_t)d * sizeof(float), &e->tokens.data, err);
}

/* Pictures begin .. end - 1 as one pass: the products see all their rows at once, every row's sums stay those of the picture alone. */
static iad_status pass_together(const encoding *g, int begin, int end, iad_encoded *encoded, iad_err *err) {
    iadgpt_session *s = g->s;
    const iad_model *model = s->engine->model;
    const iad_ops *ops = model->device->ops;
    iad_vision_plan joined;
    IAD_TRY(iad_vision_plan_join(g->plans + begin, end - begin, &model->config.vision, &joined, err));
    int d = model->config.text.hidden;
    size_t cols = (size_t)g->patches[begin].n_col;
    iad_mat tokens = {.rows = joined.n_token, .cols = d, .stride = d, .dtype = IAD_F32};
    float *rows = iad_alloc((size_t)joined.n_patch * cols, sizeof *rows);
    iad_status status = rows == NULL ? IAD_NOMEM(err, "the patches of several pictures") : IAD_OK;
    if (status == IAD_OK) status = ops->alloc(model->device, (size_t)joined.n_token * (size_t)d * sizeof(float), &tokens.data, err);
    for (int64_t i = begin, at = 0; i < end && status == IAD_OK; at += g->patches[i++].n_row)
        memcpy(rows + (size_t)at * cols, g->patches[i].rows, (size_t)g->patches[i].n_row * cols * sizeof *rows);
    if (status == IAD_OK) status = iad_vision_forward(s->queue, model, &joined, &s->ws, rows, tokens, s->trace, err);
    for (int64_t i = begin, at = 0; i < end && status == IAD_OK; at += encoded[i++].tokens.rows)
        status = ops->copy(s->queue, iad_mat_rows(tokens, at, encoded[i].tokens.rows), encoded[i].tokens, err);
    ops->release(model->device, tokens.data);
    free(rows);
    iad_vision_plan_deinit(&joined);
    return status;
}

static iad_status pass_all(const encoding *g, iad_encoded *encoded, iad_err *err) {
    double start = iad_clock();
    for (int i = 0; i < g->n; i++) IAD_TRY(room_for_tokens(g, i, &encoded[i], err));
    for (int begin = 0, end; begin < g->n; begin = end) {
        int64_t patches = g->plans[begin].n_patch;
        for (end = begin + 1; end < g->n && patches + g->plans[end].n_patch <= PASS_PATCHES; end++) patches += g->plans[end].n_patch;
        if (end - begin > 1) IAD_TRY(pass_together(g, begin, end, encoded, err));
        else IAD_TRY(iad_vision_forward(g->s->queue, g->s->engine->model, &g->plans[begin], &g->s->ws, g->patches[begin].rows, encoded[begin].tokens, g->s->trace, err));
    }
    g->s->timings.vision += 1e3 * (iad_clock() - start);
    return IAD_OK;
}

iad_status iad_session_encode(iadgpt_session *session, const iadgpt_picture *pictures, int n, const iad_request *request, iad_encoded *encoded, iad_err *err) {
    encoding g = {.s = session, .pictures = pictures, .request = request, .n = n};
    for (int i = 0; i < n; i++) encoded[i] = (iad_encoded){0};
    g.patches = iad_calloc((size_t)n, sizeof *g.patches);
    g.plans = iad_calloc((size_t)n, sizeof *g.plans);
    g.statuses = iad_calloc((size_t)n, sizeof *g.statuses);
    g.errs = iad_calloc((size_t)n, sizeof *g.errs);
    iad_status status = g.patches == NULL || g.plans == NULL || g.statuses == NULL || g.errs == NULL ? IAD_NOMEM(err, "pictures") : IAD_OK;
    if (status == IAD_OK) status = cut(&g, err);
    if (status == IAD_OK) status = pass_all(&g, encoded, err);
    for (int i = 0; i < n; i++) {
        if (g.patches != NULL) iad_patches_deinit(&g.patches[i]);
        if (g.plans != NULL) iad_vision_plan_deinit(&g.plans[i]);
        if (status != IAD_OK) iad_encoded_deinit(&encoded[i]);
    }
    free(g.patches);
    free(g.plans);
    free(g.statuses);
    free(g.errs);
    return status;
}
