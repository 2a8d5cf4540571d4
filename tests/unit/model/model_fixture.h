/* The tiny model on every device, for the tests of whole forward passes. */
#ifndef IAD_TEST_MODEL_FIXTURE_H
#define IAD_TEST_MODEL_FIXTURE_H

#include "tests/unit/iad_test.h"

#include <math.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "runtime/device.h"
#include "runtime/model/language.h"
#include "runtime/model/newmodel.h"
#include "runtime/model/positions.h"
#include "runtime/model/preprocess.h"
#include "runtime/model/vision.h"

/* ---- folders ---- */

typedef struct fx_dir {
    char path[64];
} fx_dir;

static inline fx_dir fx_dir_new(void) {
    fx_dir d = {"/tmp/iad_model_XXXXXX"};
    assert_non_null(mkdtemp(d.path));
    return d;
}

static inline void fx_dir_free(const fx_dir *d) {
    iad_err err = IAD_ERR_NONE;
    iad_dir_list list = {0};
    assert_ok(iad_dir_read(d->path, &list, &err));
    for (size_t i = 0; i < list.n; i++) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s", d->path, list.items[i].name);
        unlink(path);
    }
    iad_dir_list_deinit(&list);
    assert_int_equal(0, rmdir(d->path));
}

static inline void fx_tiny(iad_model_config *config) {
    iad_err err = IAD_ERR_NONE;
    assert_ok(iad_newmodel_config("tiny", config, &err));
}

static inline iad_newmodel_options fx_golden(void) {
    return (iad_newmodel_options){.dtype = IAD_BF16, .golden = 1, .threads = 1};
}

static inline void fx_write(const fx_dir *d, const iad_model_config *config, const iad_newmodel_options *options) {
    iad_err err = IAD_ERR_NONE;
    assert_ok(iad_model_new(config, options, d->path, NULL, NULL, &err));
}

/* ---- devices ---- */

enum { FX_DEVICES = 5 };
/* Under a sanitizer: every device and every storage, but only every second pair. */
static inline int fx_skips(int device, int storage) { return IAD_SANITIZED && (device + storage) % 2 != 0; }
static const char *const fx_device_names[FX_DEVICES] = {"reference", "cpu plain", "cpu avx2", "cpu avx512", "cpu amx"};

/* NULL where this processor cannot. */
static inline iad_device *fx_device_new(int i, int threads) {
    iad_err err = IAD_ERR_NONE;
    iad_device *device = NULL;
    iad_status status =
        i == 0 ? iad_device_reference_new(&device, &err) : iad_device_cpu_new(threads, (iad_cpu_isa)i, &device, &err);
    if (status == IAD_ERR_UNSUPPORTED) {
        print_message("%s: skipped, this processor lacks it\n", fx_device_names[i]);
        return NULL;
    }
    if (status != IAD_OK) fail_msg("%s: %s", fx_device_names[i], err.msg);
    return device;
}

/* ---- a loaded model ---- */

typedef struct fx {
    iad_checkpoint *checkpoint;
    iad_device *device;
    iad_model *model;
    iad_queue *queue;
    iad_workspace ws;
} fx;

static inline void fx_open_on(fx *f, const fx_dir *d, iad_device *device, iad_dtype storage) {
    iad_err err = IAD_ERR_NONE;
    *f = (fx){.device = device};
    assert_ok(iad_checkpoint_open(d->path, &f->checkpoint, NULL, &err));
    const iad_model_options options = {.text_storage = storage, .vision_storage = storage};
    assert_ok(iad_model_load(f->checkpoint, device, &options, &f->model, &err));
    assert_ok(device->ops->queue_new(device, &f->queue, &err));
    iad_workspace_init(&f->ws, device);
}

/* 0 when the device is not to be had here. */
static inline int fx_open(fx *f, const fx_dir *d, int device, iad_dtype storage) {
    iad_device *made = fx_device_new(device, 2);
    if (made == NULL) return 0;
    fx_open_on(f, d, made, storage);
    return 1;
}

static inline void fx_close(fx *f) {
    iad_workspace_deinit(&f->ws);
    f->device->ops->queue_free(f->queue);
    iad_model_free(f->model);
    iad_checkpoint_close(f->checkpoint);
    iad_device_memory memory;
    iad_device_memory_get(f->device, &memory);
    assert_int_equal(0, (int)memory.now); /* everything was given back */
    iad_device_free(f->device);
}

static inline float *fx_floats(size_t n) {
    float *p = iad_alloc(n, sizeof *p);
    assert_non_null(p);
    return p;
}

/* ---- pictures ---- */

static inline void fx_image(iad_image *image, int h, int w, int k) {
    iad_err err = IAD_ERR_NONE;
    assert_ok(iad_image_init(image, w, h, 3, &err));
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++)
            for (int c = 0; c < 3; c++)
                image->px[((size_t)y * (size_t)w + (size_t)x) * 3 + (size_t)c] =
                    (uint8_t)((7 * y + 13 * x + 31 * c + 17 * k + 5 * ((x * y) % 11)) & 255);
}

static inline void fx_patches(iad_patches *patches, int h, int w, int k) {
    iad_err err = IAD_ERR_NONE;
    iad_image image;
    fx_image(&image, h, w, k);
    const iad_preprocess_options options = iad_preprocess_defaults();
    assert_ok(iad_preprocess(&image, &options, patches, &err));
    iad_image_deinit(&image);
}

/* Vision tokens [*n][hidden] of picture k, its rows multiplied by scale. Owned by the caller. */
static inline float *fx_tokens(fx *f, int h, int w, int k, float scale, const iad_trace *trace, int64_t *n) {
    iad_err err = IAD_ERR_NONE;
    iad_patches patches;
    fx_patches(&patches, h, w, k);
    if (scale != 1.0f)
        for (int64_t i = 0; i < patches.n_row * patches.n_col; i++) patches.rows[i] *= scale;
    iad_vision_plan plan;
    assert_ok(iad_vision_plan_init(&plan, &f->model->config.vision, patches.gh, patches.gw, &err));
    int64_t width = f->model->config.vision.out_hidden;
    iad_mat tokens = {.rows = plan.n_token, .cols = width, .stride = width, .dtype = IAD_F32};
    size_t bytes = (size_t)(plan.n_token * width) * sizeof(float);
    assert_ok(f->device->ops->alloc(f->device, bytes, &tokens.data, &err));
    assert_ok(iad_vision_forward(f->queue, f->model, &plan, &f->ws, patches.rows, tokens, trace, &err));
    float *host = fx_floats((size_t)(plan.n_token * width));
    assert_ok(f->device->ops->download(f->queue, host, tokens.data, bytes, &err));
    f->device->ops->release(f->device, tokens.data);
    *n = plan.n_token;
    iad_vision_plan_deinit(&plan);
    iad_patches_deinit(&patches);
    return host;
}

static inline double fx_sum(const float *v, int64_t n) {
    double s = 0;
    for (int64_t i = 0; i < n; i++) s += (double)v[i];
    return s;
}

static inline double fx_norm(const float *v, int64_t n) {
    double s = 0;
    for (int64_t i = 0; i < n; i++) s += (double)v[i] * (double)v[i];
    return sqrt(s);
}

static inline void fx_near(const char *what, const float *got, const double *want, int n, double tolerance) {
    for (int i = 0; i < n; i++)
        if (!(fabs((double)got[i] - want[i]) <= tolerance))
            fail_msg("%s [%d]: %.7f, expected %.7f (off by %.3g)", what, i, (double)got[i], want[i],
                     (double)got[i] - want[i]);
}

/* Largest difference of two arrays. */
static inline double fx_diff(const float *a, const float *b, int64_t n) {
    double worst = 0;
    for (int64_t i = 0; i < n; i++) {
        double d = fabs((double)a[i] - (double)b[i]);
        if (!(d <= worst)) worst = d;
    }
    return worst;
}

/* ---- prompts ---- */

enum { FX_IMAGE = 300, FX_START = 302, FX_END = 303, FX_MAX_TOKENS = 1024, FX_VOCAB = 320, FX_HIDDEN = 96 };

/* Embedded tokens with positions; drop marks tokens left out (their positions stay). */
typedef struct fx_prompt {
    int64_t n, next;
    int32_t ids[FX_MAX_TOKENS], t[FX_MAX_TOKENS], h[FX_MAX_TOKENS], w[FX_MAX_TOKENS];
    float x[FX_MAX_TOKENS][FX_HIDDEN];
} fx_prompt;

static inline void fx_embed(const fx *f, int32_t id, float *row) {
    iad_err err = IAD_ERR_NONE;
    const iad_tensor_view *view = iad_checkpoint_get(f->checkpoint, "model.embed_tokens.weight");
    assert_ok(iad_tensor_to_f32(view, (size_t)id * FX_HIDDEN, FX_HIDDEN, row, &err));
}

static inline void fx_add_text(const fx *f, fx_prompt *p, const int32_t *ids, int n) {
    iad_err err = IAD_ERR_NONE;
    iad_positions at = {p->next};
    assert_true(p->n + n <= FX_MAX_TOKENS);
    assert_ok(iad_positions_add_text(&at, n, p->t + p->n, p->h + p->n, p->w + p->n, &err));
    for (int i = 0; i < n; i++) {
        p->ids[p->n + i] = ids[i];
        fx_embed(f, ids[i], p->x[p->n + i]);
    }
    p->n += n;
    p->next = at.next;
}

static inline void fx_add_image(fx_prompt *p, int lh, int lw, const float *tokens) {
    iad_err err = IAD_ERR_NONE;
    iad_positions at = {p->next};
    assert_true(p->n + lh * lw <= FX_MAX_TOKENS);
    assert_ok(iad_positions_add_image(&at, lh, lw, p->t + p->n, p->h + p->n, p->w + p->n, &err));
    for (int i = 0; i < lh * lw; i++) {
        p->ids[p->n + i] = FX_IMAGE;
        memcpy(p->x[p->n + i], tokens + (size_t)i * FX_HIDDEN, sizeof p->x[0]);
    }
    p->n += lh * lw;
    p->next = at.next;
}

/* The prompt of the model page 9.2 from the tokens of its two pictures. */
static inline void fx_golden_prompt(const fx *f, fx_prompt *p, const float *image0, const float *image1) {
    static const int32_t head[] = {5, 6, 7, FX_START}, middle[] = {FX_END, 8, 9, FX_START},
                         tail[] = {FX_END, 10, 11, 12, 13, 14};
    p->n = p->next = 0;
    fx_add_text(f, p, head, 4);
    fx_add_image(p, 5, 7, image0);
    fx_add_text(f, p, middle, 4);
    fx_add_image(p, 7, 4, image1);
    fx_add_text(f, p, tail, 6);
    assert_int_equal(77, (int)p->n);
}

/* Runs rows [from, from + n) of the prompt behind prefix (may be NULL) and tail; logits [n_logit][vocab] of rows
 * counted from `from`. */
static inline void fx_pass(fx *f, const fx_prompt *p, int64_t from, int64_t n, const iad_kv *prefix, iad_kv *tail,
                           const iad_probe *probe, const int32_t *logit_row, int64_t n_logit, float *logits,
                           const iad_trace *trace) {
    iad_err err = IAD_ERR_NONE;
    const iad_text_config *config = &f->model->config.text;
    int64_t half = config->head_dim / 2;
    float *angles = fx_floats((size_t)(2 * n * half));
    assert_ok(iad_mrope_angles(p->t + from, p->h + from, p->w + from, n, config->head_dim, config->mrope_section,
                               config->rope_theta, angles, angles + n * half, &err));
    iad_mat x = {.rows = n, .cols = FX_HIDDEN, .stride = FX_HIDDEN, .dtype = IAD_F32};
    assert_ok(f->device->ops->alloc(f->device, (size_t)n * sizeof p->x[0], &x.data, &err));
    assert_ok(f->device->ops->upload(f->queue, x.data, p->x[from], (size_t)n * sizeof p->x[0], &err));
    assert_ok(iad_kv_reserve(tail, f->queue, tail->len + n, &err));
    const iad_text_seq seq = {.row = 0, .n_row = n, .prefix = prefix, .tail = tail, .probe = probe};
    assert_ok(iad_text_forward(f->queue, f->model, &f->ws, x, angles, angles + n * half, &seq, 1, logit_row, n_logit,
                               logits, trace, &err));
    f->device->ops->release(f->device, x.data);
    free(angles);
}

/* Logits of the last row alone. */
static inline void fx_last(fx *f, const fx_prompt *p, int64_t from, int64_t n, const iad_kv *prefix, iad_kv *tail,
                           float logits[FX_VOCAB]) {
    const int32_t last = (int32_t)(n - 1);
    fx_pass(f, p, from, n, prefix, tail, NULL, &last, 1, logits, NULL);
}

static inline int fx_argmax(const float *v, int n) {
    int best = 0;
    for (int i = 1; i < n; i++)
        if (v[i] > v[best]) best = i;
    return best;
}

/* Appends id behind the prompt as an answer's token and runs it. */
static inline void fx_step(fx *f, fx_prompt *p, int32_t id, const iad_kv *prefix, iad_kv *tail,
                           float logits[FX_VOCAB]) {
    fx_add_text(f, p, &id, 1);
    fx_last(f, p, p->n - 1, 1, prefix, tail, logits);
}

#endif
