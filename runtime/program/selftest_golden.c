#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/rng.h"
#include "runtime/iadgpt.h"
#include "runtime/model/language.h"
#include "runtime/model/newmodel.h"
#include "runtime/model/positions.h"
#include "runtime/model/preprocess.h"
#include "runtime/model/vision.h"
#include "runtime/program/program.h"
#include "runtime/program/selftest.h"

/* ---- a folder that goes away ---- */

static iad_status folder_make(char *path, size_t size, iad_err *err) {
    const char *root = getenv("TMPDIR");
    if (!root || !*root) root = "/tmp";
    if (snprintf(path, size, "%s/iadgpt-selftest-XXXXXX", root) >= (int)size || !mkdtemp(path))
        return IAD_FAIL(err, IAD_ERR_IO, "no folder can be made in %s", root);
    return IAD_OK;
}

static void folder_remove(const char *path) {
    iad_dir_list list = {0};
    char file[IAD_PATH_MAX];
    if (iad_dir_read(path, &list, NULL) == IAD_OK)
        for (size_t i = 0; i < list.n; i++)
            if (iad_path_join(file, sizeof file, path, list.items[i].name, NULL) == IAD_OK) unlink(file);
    iad_dir_list_deinit(&list);
    rmdir(path);
}

/* ---- the small model of known answers (model page, sections 9.1 to 9.3) ---- */

enum { WIDTH = 96, VOCAB = 320, TOKENS_0 = 35, TOKENS_1 = 28, LENGTH = 77, HALF = 8, MAX_ROWS = 96 };

typedef struct scene {
    iad_device *device;
    iad_queue *queue;
    iad_model *model;
    iad_workspace ws;
    iad_mat tokens[2], x; /* of the two pictures; of the prompt */
    iad_kv kv;
    iad_positions next;
    float logits[2 * VOCAB];
} scene;

static double worst(const float *have, const double *want, int n) {
    double most = 0;
    for (int i = 0; i < n; i++) {
        double d = fabs((double)have[i] - want[i]);
        if (!(d <= most)) most = d;
    }
    return most;
}

static iad_status encode(scene *s, int k, int height, int width, iad_err *err) {
    iad_image image = {0};
    iad_patches patches = {0};
    iad_vision_plan plan;
    iad_preprocess_options options = iad_preprocess_defaults();
    IAD_TRY(iad_image_init(&image, width, height, 3, err));
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            for (int c = 0; c < 3; c++) iad_image_at(&image, x, y)[c] = (uint8_t)(7 * y + 13 * x + 31 * c + 17 * k + 5 * (x * y % 11));
    iad_status status = iad_preprocess_rows(&image, &options, &patches, err);
    iad_image_deinit(&image);
    IAD_TRY(status);
    status = iad_vision_plan_init(&plan, &s->model->config.vision, patches.gh, patches.gw, err);
    if (status == IAD_OK) {
        s->tokens[k] = (iad_mat){.rows = plan.n_token, .cols = WIDTH, .stride = WIDTH, .dtype = IAD_F32};
        status = s->device->ops->alloc(s->device, (size_t)plan.n_token * WIDTH * sizeof(float), &s->tokens[k].data, err);
        if (status == IAD_OK) status = iad_vision_forward(s->queue, s->model, &plan, &s->ws, patches.rows, s->tokens[k], NULL, err);
        iad_vision_plan_deinit(&plan);
    }
    iad_patches_deinit(&patches);
    return status;
}

static iad_status check_tokens(iad_selftest *test, scene *s, iad_err *err) {
    static const double picture_0[12] = {0.915012, 0.011124, -0.303131, -1.000428, 0.848369, -0.108314, 0.914596, 0.380162, -0.572785, -0.014532,
                                         1.247171, 0.656040};
    static const double picture_1[12] = {0.227935, 0.045135, 0.412790, -0.073707, 0.406494, -0.563419, 0.460292, 0.335283, -0.167279, -0.198574,
                                         0.257915, 0.376324};
    static const int rows[2][3] = {{0, 17, 34}, {0, 17, 27}};
    static const double sizes[2] = {37.781532, 31.211083};
    for (int k = 0; k < 2; k++) {
        float host[TOKENS_0 * WIDTH], some[12];
        double square = 0;
        size_t n = (size_t)s->tokens[k].rows * WIDTH;
        if (n > sizeof host / sizeof *host)
            return IAD_FAIL(err, IAD_ERR_INTERNAL, "selftest: a picture with %lld tokens", (long long)s->tokens[k].rows);
        IAD_TRY(s->device->ops->download(s->queue, host, s->tokens[k].data, n * sizeof *host, err));
        for (int i = 0; i < 12; i++) some[i] = host[rows[k][i / 4] * WIDTH + i % 4];
        for (size_t i = 0; i < n; i++) square += (double)host[i] * (double)host[i];
        iad_selftest_note(test, k ? "known tokens, portrait" : "known tokens, landscape", worst(some, k ? picture_1 : picture_0, 12), 1e-4);
        iad_selftest_note(test, k ? "their length, portrait" : "their length, landscape", fabs(sqrt(square) - sizes[k]), 1e-3);
    }
    return IAD_OK;
}

/* Rows ids[n] through the model; pictures where ids says 300. */
static iad_status feed(scene *s, const int32_t *ids, int n, const int32_t *want, int n_want, iad_err *err) {
    int32_t pos[3][MAX_ROWS];
    float cosine[MAX_ROWS * HALF], sine[MAX_ROWS * HALF];
    iad_mat x = iad_mat_rows(s->x, 0, n);
    IAD_TRY(s->device->ops->gather(s->queue, s->model->embed, ids, x, err));
    for (int i = 0, k = 0; i < n;) {
        int image = ids[i] == 300, rows = image ? (int)s->tokens[k].rows : 1;
        if (image) {
            IAD_TRY(iad_positions_add_image(&s->next, k ? 7 : 5, k ? 4 : 7, pos[0] + i, pos[1] + i, pos[2] + i, err));
            IAD_TRY(s->device->ops->copy(s->queue, s->tokens[k++], iad_mat_rows(x, i, rows), err));
        } else {
            IAD_TRY(iad_positions_add_text(&s->next, 1, pos[0] + i, pos[1] + i, pos[2] + i, err));
        }
        i += rows;
    }
    const iad_text_config *t = &s->model->config.text;
    IAD_TRY(iad_mrope_angles(pos[0], pos[1], pos[2], n, t->head_dim, t->mrope_section, t->rope_theta, cosine, sine, err));
    IAD_TRY(iad_kv_reserve(&s->kv, s->queue, s->kv.len + n, err));
    const iad_text_seq seq = {.row = 0, .n_row = n, .tail = &s->kv};
    return iad_text_forward(s->queue, s->model, &s->ws, x, cosine, sine, &seq, 1, want, n_want, s->logits, NULL, err);
}

static int best(const float *logits) {
    int at = 0;
    for (int i = 1; i < VOCAB; i++)
        if (logits[i] > logits[at]) at = i;
    return at;
}

static iad_status check_language(iad_selftest *test, scene *s, iad_err *err) {
    static const double last[6] = {0.099130, -2.782169, 2.154558, 0.755823, 0.880447, -0.040460};
    static const double tenth[6] = {-1.177963, -3.882134, 2.043334, 0.533049, -0.332392, 0.305616};
    static const double after[4] = {-0.849431, -1.664343, 1.192601, 1.253772};
    static const int greedy[6] = {253, 2, 226, 77, 102, 2};
    static const int32_t wanted[2] = {LENGTH - 1, 10}, first = 0;
    int32_t ids[LENGTH] = {5, 6, 7, 302};
    int n = 4;
    for (int i = 0; i < TOKENS_0; i++) ids[n++] = 300;
    const int32_t middle[] = {303, 8, 9, 302}, end[] = {303, 10, 11, 12, 13, 14};
    for (int i = 0; i < 4; i++) ids[n++] = middle[i];
    for (int i = 0; i < TOKENS_1; i++) ids[n++] = 300;
    for (int i = 0; i < 6; i++) ids[n++] = end[i];
    IAD_TRY(feed(s, ids, n, wanted, 2, err));
    iad_selftest_note(test, "known logits, last token", worst(s->logits, last, 6), 1e-4);
    iad_selftest_note(test, "known logits, token 10", worst(s->logits + VOCAB, tenth, 6), 1e-4);
    int wrong = 0;
    for (int i = 0; i < 6; i++) {
        int32_t id = best(s->logits);
        wrong += id != greedy[i];
        IAD_TRY(feed(s, &id, 1, &first, 1, err));
    }
    iad_selftest_note(test, "six known words", wrong, 0);
    iad_selftest_note(test, "known logits after them", worst(s->logits, after, 4), 1e-4);
    return IAD_OK;
}

static iad_status scene_run(iad_selftest *test, scene *s, iad_err *err) {
    IAD_TRY(s->device->ops->queue_new(s->device, &s->queue, err));
    iad_workspace_init(&s->ws, s->device);
    iad_kv_init(&s->kv, s->model);
    s->x = (iad_mat){.rows = MAX_ROWS, .cols = WIDTH, .stride = WIDTH, .dtype = IAD_F32};
    IAD_TRY(s->device->ops->alloc(s->device, sizeof(float) * MAX_ROWS * WIDTH, &s->x.data, err));
    IAD_TRY(encode(s, 0, 140, 196, err));
    IAD_TRY(encode(s, 1, 196, 112, err));
    IAD_TRY(check_tokens(test, s, err));
    return check_language(test, s, err);
}

static void scene_free(scene *s) {
    const iad_ops *ops = s->device->ops;
    if (s->queue) {
        iad_kv_deinit(&s->kv);
        iad_workspace_deinit(&s->ws);
        ops->queue_free(s->queue);
    }
    ops->release(s->device, s->x.data);
    for (int k = 0; k < 2; k++) ops->release(s->device, s->tokens[k].data);
    iad_model_free(s->model);
}

static iad_status golden(iad_selftest *test, const char *dir, iad_device *device, int threads, iad_err *err) {
    iad_model_config config;
    const iad_newmodel_options options = {.golden = 1, .dtype = IAD_F32, .threads = threads, .force = 1};
    const iad_model_options load = {.text_storage = IAD_F32, .vision_storage = IAD_F32};
    iad_checkpoint *checkpoint = NULL;
    IAD_TRY(iad_newmodel_config("tiny", &config, err));
    IAD_TRY(iad_model_new(&config, &options, dir, NULL, NULL, err));
    IAD_TRY(iad_checkpoint_open(dir, &checkpoint, NULL, err));
    scene *s = iad_calloc(1, sizeof *s);
    iad_status status = s ? IAD_OK : IAD_NOMEM(err, "the small model");
    if (s) {
        s->device = device;
        status = iad_model_load(checkpoint, device, &load, &s->model, err);
        if (status == IAD_OK) status = scene_run(test, s, err);
        scene_free(s);
    }
    free(s);
    iad_checkpoint_close(checkpoint);
    return status;
}

iad_status iad_selftest_golden(iad_selftest *test, iad_device *device, int threads, iad_err *err) {
    char dir[IAD_PATH_MAX];
    IAD_TRY(folder_make(dir, sizeof dir, err));
    iad_status status = golden(test, dir, device, threads, err);
    folder_remove(dir);
    return status;
}

/* ---- a checkpoint through the public interface ---- */

enum { SIDE = 112, N_PICTURES = 3 };

static iad_status inspect(iadgpt_session *session, const iadgpt_exemplars *set, const iadgpt_picture *pictures, int n, double *scores, iad_err *err) {
    iadgpt_result results[N_PICTURES];
    iadgpt_error error;
    IAD_TRY(iad_from_public(iadgpt_inspect(session, set, pictures, n, results, &error), &error, err));
    for (int i = 0; i < n; i++) scores[i] = results[i].score;
    return IAD_OK;
}

static double furthest(const double *a, const double *b, int n) {
    double most = 0;
    for (int i = 0; i < n; i++)
        if (!(fabs(a[i] - b[i]) <= most)) most = fabs(a[i] - b[i]);
    return most;
}

static iad_status equalities(iad_selftest *test, iadgpt_engine *engine, iadgpt_session *session, const char *dir, const iadgpt_picture *pictures,
                             iad_err *err) {
    char path[IAD_PATH_MAX];
    double one[N_PICTURES] = {0}, all[N_PICTURES] = {0}, stored[N_PICTURES] = {0}, again[N_PICTURES] = {0};
    iadgpt_exemplars *set = NULL, *loaded = NULL;
    iadgpt_error error;
    iad_status status = iad_path_join(path, sizeof path, dir, "exemplars", err);
    if (status == IAD_OK) status = iad_from_public(iadgpt_exemplars_prepare(session, pictures, 2, NULL, &set, &error), &error, err);
    for (int i = 0; i < N_PICTURES && status == IAD_OK; i++) status = inspect(session, set, &pictures[i], 1, &one[i], err);
    if (status == IAD_OK) status = inspect(session, set, pictures, N_PICTURES, all, err);
    if (status == IAD_OK) status = iad_from_public(iadgpt_exemplars_save(set, path, &error), &error, err);
    if (status == IAD_OK) status = iad_from_public(iadgpt_exemplars_load(engine, path, &loaded, &error), &error, err);
    for (int i = 0; i < N_PICTURES && status == IAD_OK; i++) status = inspect(session, loaded, &pictures[i], 1, &stored[i], err);
    for (int i = 0; i < N_PICTURES && status == IAD_OK; i++) status = inspect(session, set, &pictures[i], 1, &again[i], err);
    iadgpt_exemplars_free(loaded);
    iadgpt_exemplars_free(set);
    if (status != IAD_OK) return status;
    iad_selftest_note(test, "model: a batch, and one by one", furthest(one, all, N_PICTURES), 1e-5);
    iad_selftest_note(test, "model: exemplar file, and memory", furthest(one, stored, N_PICTURES), 0);
    iad_selftest_note(test, "model: the same again", furthest(one, again, N_PICTURES), 0);
    return IAD_OK;
}

iad_status iad_selftest_model(iad_selftest *test, const char *model, const char *device, int threads, iad_err *err) {
    static const size_t bytes = (size_t)SIDE * SIDE * 3;
    char dir[IAD_PATH_MAX];
    iadgpt_engine_options options;
    iadgpt_engine *engine = NULL;
    iadgpt_session *session = NULL;
    iadgpt_picture pictures[N_PICTURES];
    iadgpt_error error;
    iadgpt_engine_defaults(&options);
    options.device = device;
    options.threads = threads;
    uint8_t *pixels = iad_alloc(N_PICTURES, bytes);
    if (!pixels) return IAD_NOMEM(err, "pictures");
    iad_rng rng;
    iad_rng_init(&rng, 1, 0);
    for (size_t i = 0; i < N_PICTURES * bytes; i++) pixels[i] = (uint8_t)iad_rng_u32(&rng);
    for (int i = 0; i < N_PICTURES; i++) pictures[i] = (iadgpt_picture){SIDE, SIDE, 3, pixels + (size_t)i * bytes};
    iad_status status = folder_make(dir, sizeof dir, err);
    if (status == IAD_OK) {
        status = iad_from_public(iadgpt_engine_open(model, &options, &engine, &error), &error, err);
        if (status == IAD_OK) status = iad_from_public(iadgpt_session_new(engine, &session, &error), &error, err);
        if (status == IAD_OK) status = equalities(test, engine, session, dir, pictures, err);
        iadgpt_session_free(session);
        iadgpt_engine_close(engine);
        folder_remove(dir);
    }
    free(pixels);
    return status;
}
