#include "runtime/program/compare_pass.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "runtime/model/language.h"
#include "runtime/model/positions.h"
#include "runtime/model/preprocess.h"
#include "runtime/model/vision.h"
#include "runtime/token/tokenizer.h"

/* Tensors of a reference file come from outside. */
enum { MAX_PICTURES = 64, MAX_TOKENS = 1 << 17, NAME_MAX_BYTES = 160, PIECE = 4096 };

typedef struct state {
    iad_compare *c;
    const iad_model *model;
    const iad_ops *ops;
    iad_queue *queue;
    iad_workspace ws;
    int picture, threads;
    int64_t n_ids, n_pictures;
    int32_t *ids;
    float *x; /* host copy of a stage */
    int64_t x_cap;
    iad_mat tokens[MAX_PICTURES];
} state;

/* ---- one stage ---- */

static iad_status get(const state *s, const char *name, const iad_tensor_view **view, iad_err *err) {
    *view = iad_st_find(s->c->file, name);
    if (*view == NULL) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: there is no tensor %s", iad_st_path(s->c->file), name);
    return IAD_OK;
}

static iad_status measure(const iad_tensor_view *want, size_t first, const float *got, size_t n,
                          iad_compare_stats *stats, iad_err *err) {
    double worst = 0, diff = 0, a2 = 0, b2 = 0, ab = 0;
    float piece[PIECE];
    for (size_t i = 0; i < n; i += PIECE) {
        size_t m = n - i < PIECE ? n - i : PIECE;
        IAD_TRY(iad_tensor_to_f32(want, first + i, m, piece, err));
        for (size_t j = 0; j < m; j++) {
            double a = (double)got[i + j], b = (double)piece[j], d = fabs(a - b);
            if (!(d <= worst)) worst = d; /* a NaN stays */
            diff += d * d;
            a2 += a * a;
            b2 += b * b;
            ab += a * b;
        }
    }
    *stats = (iad_compare_stats){worst, b2 > 0 ? sqrt(diff / b2) : sqrt(diff),
                                 a2 > 0 && b2 > 0 ? ab / sqrt(a2 * b2) : a2 == b2};
    return IAD_OK;
}

static void report(state *s, const char *stage, int64_t rows, int64_t cols, const iad_compare_stats *stats,
                   double tolerance) {
    int bad = !(stats->relative <= tolerance);
    char shape[48];
    snprintf(shape, sizeof shape, "%lldx%lld", (long long)rows, (long long)cols);
    fprintf(s->c->out, "%-24s %14s %11.3e %11.3e %12.9f  %s\n", stage, shape, stats->max_abs, stats->relative,
            stats->cosine, bad ? "FAILED" : "ok");
    s->c->stages++;
    s->c->failed += bad;
    if (!(stats->relative <= s->c->worst)) s->c->worst = stats->relative;
}

/* Host rows against rows [first, first + rows) of a tensor whose last axis is cols. */
static iad_status against(state *s, const char *name, const char *stage, const float *got, int64_t first, int64_t rows,
                          int64_t cols, double tolerance, iad_err *err) {
    const iad_tensor_view *want = NULL;
    IAD_TRY(get(s, name, &want, err));
    if (!iad_dtype_is_float(want->dtype) || want->rank != 2 || want->shape[1] != cols || want->shape[0] < first + rows)
        return IAD_FAIL(err, IAD_ERR_FORMAT,
                        "%s: %s has another shape or type than [%lld, %lld]: another model or other pictures",
                        iad_st_path(s->c->file), name, (long long)(first + rows), (long long)cols);
    iad_compare_stats stats;
    IAD_TRY(measure(want, (size_t)(first * cols), got, (size_t)(rows * cols), &stats, err));
    report(s, stage, rows, cols, &stats, tolerance);
    return IAD_OK;
}

static iad_status fetch(state *s, iad_mat m, iad_err *err) {
    if (m.dtype != IAD_F32 || m.stride != m.cols)
        return IAD_FAIL(err, IAD_ERR_INTERNAL, "a stage that is not packed f32");
    if (m.rows * m.cols > s->x_cap) {
        free(s->x);
        s->x_cap = m.rows * m.cols;
        s->x = iad_alloc((size_t)s->x_cap, sizeof(float));
        if (s->x == NULL) {
            s->x_cap = 0;
            return IAD_NOMEM(err, "a stage");
        }
    }
    return s->ops->download(s->queue, s->x, m.data, (size_t)(m.rows * m.cols) * sizeof(float), err);
}

static iad_status see(void *user, iad_queue *queue, const char *stage, int index, iad_mat m, iad_err *err) {
    state *s = user;
    (void)queue;
    char name[NAME_MAX_BYTES], label[NAME_MAX_BYTES];
    if (strcmp(stage, "text.layer") == 0) {
        snprintf(label, sizeof label, "text.layer.%d", index);
        snprintf(name, sizeof name, "%s.text.layer.%d", s->c->kind, index);
    } else if (strcmp(stage, "vision.block") == 0) {
        snprintf(label, sizeof label, "vision.block.%d.%d", index, s->picture);
        snprintf(name, sizeof name, "%s.vision.block.%d.%d", s->c->kind, index, s->picture);
    } else if (strcmp(stage, "vision.patch") == 0 || strcmp(stage, "vision.tokens") == 0) {
        snprintf(label, sizeof label, "%s.%d", stage, s->picture);
        snprintf(name, sizeof name, "%s.%s.%d", s->c->kind, stage, s->picture);
    } else return IAD_OK;
    IAD_TRY(fetch(s, m, err));
    return against(s, name, label, s->x, 0, m.rows, m.cols, s->c->tolerance, err);
}

/* ---- pictures ---- */

static iad_status one_picture(state *s, int j, iad_err *err) {
    const iad_model_config *config = &s->model->config;
    char name[NAME_MAX_BYTES];
    const iad_tensor_view *view = NULL;
    snprintf(name, sizeof name, "picture.%d", j);
    IAD_TRY(get(s, name, &view, err));
    if (view->dtype != IAD_U8 || view->rank != 3 || view->shape[2] != 3 || view->shape[0] < 1 || view->shape[1] < 1 ||
        view->shape[0] > 65500 || view->shape[1] > 65500)
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: %s is no picture", iad_st_path(s->c->file), name);
    iad_image image;
    IAD_TRY(iad_image_init_raw(&image, (int)view->shape[1], (int)view->shape[0], 3, err));
    memcpy(image.px, view->data, view->bytes);
    iad_preprocess_options options = iad_preprocess_defaults();
    options.min_pixels = config->preproc.min_pixels;
    options.max_pixels = config->preproc.max_pixels;
    for (int c = 0; c < 3; c++) {
        options.mean[c] = (float)config->preproc.mean[c];
        options.std[c] = (float)config->preproc.std[c];
    }
    options.patch = config->vision.patch;
    options.temporal = config->vision.temporal;
    options.merge = config->vision.merge;
    options.threads = s->threads;
    const char *pillow = iad_st_metadata(s->c->file, "pillow");
    options.pillow13 = pillow != NULL && strtol(pillow, NULL, 10) >= 13;
    iad_patches patches;
    iad_status status = iad_preprocess(&image, &options, &patches, err);
    iad_image_deinit(&image);
    if (status != IAD_OK) return status;

    snprintf(name, sizeof name, "pixels.%d", j);
    iad_vision_plan plan = {0};
    /* Both sides compute the same f32 formula; only the last bit may differ. */
    status = against(s, name, name, patches.rows, 0, patches.n_row, patches.n_col, 1e-6, err);
    if (status == IAD_OK) status = iad_vision_plan_init(&plan, &config->vision, patches.gh, patches.gw, err);
    iad_mat *tokens = &s->tokens[j];
    if (status == IAD_OK) {
        *tokens = (iad_mat){.rows = plan.n_token,
                            .cols = config->vision.out_hidden,
                            .stride = config->vision.out_hidden,
                            .dtype = IAD_F32};
        status =
            s->ops->alloc(s->model->device, (size_t)(tokens->rows * tokens->cols) * sizeof(float), &tokens->data, err);
    }
    s->picture = j;
    const iad_trace trace = {see, s};
    if (status == IAD_OK)
        status = iad_vision_forward(s->queue, s->model, &plan, &s->ws, patches.rows, *tokens, &trace, err);
    iad_vision_plan_deinit(&plan);
    iad_patches_deinit(&patches);
    return status;
}

/* ---- prompt ---- */

typedef struct prompt {
    int32_t *t, *h, *w; /* [n_ids] */
    int64_t next;
    iad_mat x;
    iad_kv kv;
} prompt;

static iad_status lay_out(state *s, prompt *p, const int32_t *grids, iad_err *err) {
    iad_positions at = {0};
    int merge = s->model->config.vision.merge, picture = 0;
    for (int64_t i = 0; i < s->n_ids;) {
        if (s->ids[i] != s->model->config.ids.image) {
            IAD_TRY(iad_positions_add_text(&at, 1, p->t + i, p->h + i, p->w + i, err));
            i++;
            continue;
        }
        if (picture >= s->n_pictures)
            return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: the prompt has places for more pictures than are stored",
                            iad_st_path(s->c->file));
        int lh = grids[2 * picture] / merge, lw = grids[2 * picture + 1] / merge;
        if (s->n_ids - i < (int64_t)lh * lw)
            return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: the prompt ends inside picture %d", iad_st_path(s->c->file),
                            picture);
        IAD_TRY(iad_positions_add_image(&at, lh, lw, p->t + i, p->h + i, p->w + i, err));
        IAD_TRY(s->ops->copy(s->queue, s->tokens[picture], iad_mat_rows(p->x, i, (int64_t)lh * lw), err));
        i += (int64_t)lh * lw;
        picture++;
    }
    p->next = at.next;
    return IAD_OK;
}

/* Positions must be equal, not close. */
static iad_status check_positions(state *s, const prompt *p, iad_err *err) {
    const iad_tensor_view *view = NULL, *next = NULL;
    IAD_TRY(get(s, "positions", &view, err));
    IAD_TRY(get(s, "next", &next, err));
    if (view->dtype != IAD_I32 || view->bytes != (size_t)s->n_ids * 3 * sizeof(int32_t) || next->dtype != IAD_I32 ||
        next->bytes != sizeof(int32_t))
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: positions have another shape", iad_st_path(s->c->file));
    const int32_t *ours[3] = {p->t, p->h, p->w};
    int same = 1;
    for (int a = 0; a < 3; a++)
        same &= memcmp((const char *)view->data + (size_t)a * (size_t)s->n_ids * sizeof(int32_t), ours[a],
                       (size_t)s->n_ids * sizeof(int32_t)) == 0;
    int32_t their_next;
    memcpy(&their_next, next->data, sizeof their_next);
    same &= their_next == p->next;
    fprintf(s->c->out, "%-24s %14lld %49s\n", "positions", (long long)s->n_ids, same ? "ok" : "FAILED");
    s->c->stages++;
    s->c->failed += !same;
    return IAD_OK;
}

static iad_status text_pass(state *s, prompt *p, iad_mat x, const int32_t *t, const int32_t *h, const int32_t *w,
                            float *logits, const iad_trace *trace, iad_err *err) {
    const iad_text_config *config = &s->model->config.text;
    int64_t half = config->head_dim / 2;
    float *angles = iad_alloc((size_t)(2 * x.rows * half), sizeof *angles);
    if (angles == NULL) return IAD_NOMEM(err, "rotary angles");
    iad_status status = iad_mrope_angles(t, h, w, x.rows, config->head_dim, config->mrope_section, config->rope_theta,
                                         angles, angles + x.rows * half, err);
    if (status == IAD_OK) status = iad_kv_reserve(&p->kv, s->queue, p->kv.len + x.rows, err);
    const iad_text_seq seq = {.n_row = x.rows, .tail = &p->kv};
    const int32_t last = (int32_t)(x.rows - 1);
    if (status == IAD_OK)
        status = iad_text_forward(s->queue, s->model, &s->ws, x, angles, angles + x.rows * half, &seq, 1, &last, 1,
                                  logits, trace, err);
    free(angles);
    return status;
}

static iad_status step(state *s, prompt *p, int32_t id, int64_t n, float *logits, iad_err *err) {
    const int32_t position = (int32_t)(p->next + n);
    IAD_TRY(s->ops->gather(s->queue, s->model->embed, &id, iad_mat_rows(p->x, 0, 1), err));
    return text_pass(s, p, iad_mat_rows(p->x, 0, 1), &position, &position, &position, logits, NULL, err);
}

static int32_t best_of(const float *v, int n) {
    int best = 0;
    for (int i = 1; i < n; i++)
        if (v[i] > v[best]) best = i;
    return best;
}

/* The answer twice: fed with the reference's tokens (logits of every step), then with our own (first token that
 * differs). */
static iad_status answer(state *s, prompt *p, float *first, iad_err *err) {
    char name[NAME_MAX_BYTES], greedy_name[NAME_MAX_BYTES];
    const iad_tensor_view *rows = NULL, *greedy = NULL;
    const int vocab = s->model->config.text.vocab;
    snprintf(name, sizeof name, "%s.logits", s->c->kind);
    snprintf(greedy_name, sizeof greedy_name, "%s.greedy", s->c->kind);
    IAD_TRY(get(s, name, &rows, err));
    IAD_TRY(get(s, greedy_name, &greedy, err));
    if (greedy->dtype != IAD_I32 || greedy->rank != 1 || greedy->shape[0] < 1 || greedy->shape[0] > MAX_TOKENS ||
        rows->rank != 2 || rows->shape[0] != greedy->shape[0])
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: %s and %s do not fit together", iad_st_path(s->c->file), name,
                        greedy_name);
    const int64_t n = greedy->shape[0], prompt_rows = p->kv.len;
    IAD_TRY(against(s, name, "logits of the prompt", first, 0, 1, vocab, s->c->tolerance, err));
    float *logits = iad_alloc((size_t)n * (size_t)vocab, sizeof *logits);
    int32_t *want = iad_alloc((size_t)n, sizeof *want);
    iad_status status = logits == NULL || want == NULL ? IAD_NOMEM(err, "logits") : IAD_OK;
    if (status == IAD_OK) {
        memcpy(want, greedy->data, greedy->bytes);
        memcpy(logits, first, (size_t)vocab * sizeof *logits);
    }
    for (int64_t i = 1; i < n && status == IAD_OK; i++) {
        if (want[i - 1] < 0 || want[i - 1] >= vocab)
            status = IAD_FAIL(err, IAD_ERR_FORMAT, "%s: %s holds a token outside the vocabulary",
                              iad_st_path(s->c->file), greedy_name);
        else status = step(s, p, want[i - 1], i - 1, logits + i * vocab, err);
    }
    if (status == IAD_OK && n > 1)
        status = against(s, name, "logits of the answer", logits + vocab, 1, n - 1, vocab, s->c->tolerance, err);
    int disagree = 0;
    for (int64_t i = 0; i < n && status == IAD_OK; i++) disagree += best_of(logits + i * vocab, vocab) != want[i];

    p->kv.len = prompt_rows;
    if (status == IAD_OK) memcpy(logits, first, (size_t)vocab * sizeof *logits);
    int64_t same = 0;
    for (; same < n && status == IAD_OK; same++) {
        int32_t id = best_of(logits, vocab);
        if (id != want[same]) break;
        if (same + 1 < n) status = step(s, p, id, same, logits, err);
    }
    if (status == IAD_OK) {
        int bad = same < n && s->c->strict_tokens;
        fprintf(s->c->out, "%-24s %14lld   first difference: ", "greedy tokens", (long long)n);
        if (same == n) fprintf(s->c->out, "none");
        else {
            float row[PIECE], top = -INFINITY, second = -INFINITY; /* how sure the reference was there */
            for (int64_t i = 0; i < vocab && status == IAD_OK; i += PIECE) {
                size_t m = (size_t)(vocab - i < PIECE ? vocab - i : PIECE);
                status = iad_tensor_to_f32(rows, (size_t)(same * vocab + i), m, row, err);
                for (size_t k = 0; k < m && status == IAD_OK; k++) {
                    if (row[k] > top) second = top, top = row[k];
                    else if (row[k] > second) second = row[k];
                }
            }
            fprintf(s->c->out, "%lld (reference's lead there: %.3g)", (long long)same, (double)(top - second));
        }
        fprintf(s->c->out, ", %d of %lld fed one by one differ  %s\n", disagree, (long long)n, bad ? "FAILED" : "ok");
        s->c->failed += bad;
        s->c->tokens = (int)n;
        s->c->same_tokens = (int)same;
    }
    free(logits);
    free(want);
    return status;
}

static iad_status language(state *s, const int32_t *grids, iad_err *err) {
    const iad_text_config *config = &s->model->config.text;
    prompt p = {.x = {.rows = s->n_ids, .cols = config->hidden, .stride = config->hidden, .dtype = IAD_F32}};
    iad_kv_init(&p.kv, s->model);
    int32_t *positions = iad_alloc((size_t)s->n_ids * 3, sizeof *positions);
    float *logits = iad_alloc((size_t)config->vocab, sizeof *logits);
    iad_status status = positions == NULL || logits == NULL ? IAD_NOMEM(err, "the prompt") : IAD_OK;
    p.t = positions;
    p.h = positions + s->n_ids;
    p.w = positions + 2 * s->n_ids;
    if (status == IAD_OK)
        status = s->ops->alloc(s->model->device, (size_t)(p.x.rows * p.x.cols) * sizeof(float), &p.x.data, err);
    if (status == IAD_OK) status = s->ops->gather(s->queue, s->model->embed, s->ids, p.x, err);
    if (status == IAD_OK) status = lay_out(s, &p, grids, err);
    if (status == IAD_OK) status = check_positions(s, &p, err);
    const iad_trace trace = {see, s};
    if (status == IAD_OK) status = text_pass(s, &p, p.x, p.t, p.h, p.w, logits, &trace, err);
    if (status == IAD_OK) status = answer(s, &p, logits, err);
    s->ops->release(s->model->device, p.x.data);
    iad_kv_deinit(&p.kv);
    free(positions);
    free(logits);
    return status;
}

/* ---- token ids ---- */

static iad_status token_ids(state *s, const char *dir, iad_err *err) {
    if (iad_st_find(s->c->file, "text.0") == NULL) return IAD_OK;
    iad_tokenizer *tokenizer = NULL;
    iad_token_scratch *scratch = NULL;
    iad_token_list list = {0};
    IAD_TRY(iad_tokenizer_load(dir, &tokenizer, err));
    iad_status status = iad_token_scratch_new(&scratch, err);
    int texts = 0, same = 0;
    for (int i = 0; status == IAD_OK; i++) {
        char name[NAME_MAX_BYTES];
        snprintf(name, sizeof name, "text.%d", i);
        const iad_tensor_view *text = iad_st_find(s->c->file, name), *ids = NULL;
        if (text == NULL) break;
        snprintf(name, sizeof name, "text_ids.%d", i);
        status = get(s, name, &ids, err);
        list.n = 0;
        if (status == IAD_OK)
            status = iad_tokenizer_encode(tokenizer, scratch, text->data, text->bytes, IAD_TOKEN_ADDED, &list, err);
        if (status != IAD_OK) break;
        texts++;
        same += ids->dtype == IAD_I32 && ids->bytes == list.n * sizeof(int32_t) &&
                memcmp(ids->data, list.ids, ids->bytes) == 0;
    }
    if (status == IAD_OK) {
        fprintf(s->c->out, "%-24s %14d %49s\n", "token ids, texts", texts, same == texts ? "ok" : "FAILED");
        s->c->stages++;
        s->c->failed += same != texts;
    }
    iad_token_list_deinit(&list);
    iad_token_scratch_free(scratch);
    iad_tokenizer_free(tokenizer);
    return status;
}

/* ---- all ---- */

static iad_status read_inputs(state *s, int32_t grids[2 * MAX_PICTURES], iad_err *err) {
    const iad_tensor_view *view = NULL;
    IAD_TRY(get(s, "ids", &view, err));
    if (view->dtype != IAD_I32 || view->rank != 1 || view->shape[0] < 1 || view->shape[0] > MAX_TOKENS)
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: ids is no list of 1 to %d tokens", iad_st_path(s->c->file),
                        MAX_TOKENS);
    s->n_ids = view->shape[0];
    s->ids = iad_alloc((size_t)s->n_ids, sizeof *s->ids);
    if (s->ids == NULL) return IAD_NOMEM(err, "the prompt");
    memcpy(s->ids, view->data, view->bytes);
    for (;; s->n_pictures++) {
        char name[NAME_MAX_BYTES];
        snprintf(name, sizeof name, "grid.%lld", (long long)s->n_pictures);
        view = iad_st_find(s->c->file, name);
        if (view == NULL) break;
        int32_t grid[3];
        if (s->n_pictures == MAX_PICTURES || view->dtype != IAD_I32 || view->bytes != sizeof grid)
            return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: %s is no grid, or there are more than %d",
                            iad_st_path(s->c->file), name, MAX_PICTURES);
        memcpy(grid, view->data, sizeof grid);
        grids[2 * s->n_pictures] = grid[1];
        grids[2 * s->n_pictures + 1] = grid[2];
    }
    return IAD_OK;
}

iad_status iad_compare_run(iad_compare *compare, const iad_model *model, const char *dir, int threads, iad_err *err) {
    state s = {.c = compare, .model = model, .ops = model->device->ops, .threads = threads};
    int32_t grids[2 * MAX_PICTURES];
    iad_workspace_init(&s.ws, model->device);
    fprintf(compare->out, "%-24s %14s %11s %11s %12s\n", "stage", "shape", "max abs", "relative", "cosine");
    iad_status status = read_inputs(&s, grids, err);
    if (status == IAD_OK) status = s.ops->queue_new(model->device, &s.queue, err);
    if (status == IAD_OK) status = token_ids(&s, dir, err);
    for (int j = 0; j < s.n_pictures && status == IAD_OK; j++) {
        status = one_picture(&s, j, err);
        int64_t merge = model->config.vision.merge;
        if (status == IAD_OK && s.tokens[j].rows != grids[2 * j] / merge * (grids[2 * j + 1] / merge))
            status = IAD_FAIL(err, IAD_ERR_FORMAT, "%s: picture %d was resized to another size there",
                              iad_st_path(compare->file), j);
    }
    if (status == IAD_OK) status = language(&s, grids, err);
    for (int j = 0; j < s.n_pictures; j++) s.ops->release(model->device, s.tokens[j].data);
    iad_workspace_deinit(&s.ws);
    if (s.queue != NULL) s.ops->queue_free(s.queue);
    free(s.x);
    free(s.ids);
    return status;
}
