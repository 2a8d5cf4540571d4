/* First weights that compare: features are what the tower measures, a changed token stands out after the first layer, pieces and refusals. */
#include "tests/unit/model/model_fixture.h"

#include "runtime/model/comparestart.h"

typedef struct start {
    iad_model_config config;
    iad_cosine_filter filters[IAD_COSINE_MAX_FILTERS];
    iad_compare_start compare;
} start;

static void start_open(start *s) {
    iad_err err = IAD_ERR_NONE;
    assert_ok(iad_newmodel_config("mini", &s->config, &err));
    assert_ok(iad_cosine_filters(&s->config.vision, s->filters, &err));
    assert_ok(iad_compare_start_init(&s->compare, &s->config, s->filters, &err));
}

static void every_coefficient_has_a_feature(void **state) {
    (void)state;
    start s;
    start_open(&s);
    int sum = 0;
    for (int f = 0; f < s.compare.n_feature; f++) sum += s.compare.size[f];
    assert_int_equal(s.compare.n_feature, 21);
    assert_int_equal(sum, s.config.vision.hidden - 1);
    for (int k = 0; k < s.compare.n_feature + 2; k++)
        for (int other = k; other < s.compare.n_feature + 2; other++) {
            double dot = 0;
            for (int i = 0; i < s.config.text.hidden; i++)
                dot += iad_compare_direction(&s.compare, k, i) * iad_compare_direction(&s.compare, other, i);
            assert_true(fabs(dot - (k == other)) < 1e-12);
        }
    iad_compare_start_deinit(&s.compare);
}

/* A tensor written in pieces is the tensor written at once. */
static void pieces_are_the_whole(void **state) {
    (void)state;
    static const struct { const char *name; size_t n; } tensors[] = {{"visual.merger.mlp.2.weight", 192 * 512},
        {"visual.blocks.0.mlp.down_proj.weight", 128 * 344}, {"model.layers.0.self_attn.q_proj.weight", 192 * 192},
        {"model.layers.0.self_attn.o_proj.weight", 192 * 192}, {"model.layers.0.mlp.down_proj.weight", 192 * 512}};
    start s;
    start_open(&s);
    for (size_t t = 0; t < sizeof tensors / sizeof *tensors; t++) {
        float *whole = fx_floats(tensors[t].n), *pieces = fx_floats(tensors[t].n);
        for (size_t i = 0; i < tensors[t].n; i++) whole[i] = pieces[i] = (float)i;
        iad_compare_start_apply(&s.compare, tensors[t].name, 0, tensors[t].n, whole);
        for (size_t i = 0; i < tensors[t].n; i += 5003)
            iad_compare_start_apply(&s.compare, tensors[t].name, i, tensors[t].n - i < 5003 ? tensors[t].n - i : 5003, pieces + i);
        assert_memory_equal(whole, pieces, tensors[t].n * sizeof *whole);
        size_t changed = 0;
        for (size_t i = 0; i < tensors[t].n; i++) changed += whole[i] != (float)i;
        assert_true(changed > 0);
        free(whole);
        free(pieces);
    }
    float other[3] = {1, 2, 3}, same[3] = {1, 2, 3};
    iad_compare_start_apply(&s.compare, "model.layers.1.mlp.up_proj.weight", 0, 3, other);
    assert_memory_equal(other, same, sizeof other);
    iad_compare_start_deinit(&s.compare);
}

enum { SIDE = 112, CELLS = 16, TEXT = 4, ROWS = 2 * (TEXT + CELLS) + 6, WIDTH = 192, QUERY = 2 * TEXT + CELLS, CHANGED = 9 };

/* Tokens of a picture of upright stripes; `changed` adds level ones in one of its cells. */
static void tokens_of(fx *f, int changed, float *tokens) {
    iad_err err = IAD_ERR_NONE;
    iad_image image;
    iad_patches patches;
    iad_vision_plan plan;
    assert_ok(iad_image_init(&image, SIDE, SIDE, 3, &err));
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) {
            int here = changed && y / 28 == CHANGED / 4 && x / 28 == CHANGED % 4;
            for (int c = 0; c < 3; c++)
                image.px[(y * SIDE + x) * 3 + c] = (uint8_t)(110 + 12 * c + 6 * (x / 7 % 2) + (here ? 9 * (y / 4 % 2) : 0));
        }
    const iad_preprocess_options options = iad_preprocess_defaults();
    assert_ok(iad_preprocess(&image, &options, &patches, &err));
    assert_ok(iad_vision_plan_init(&plan, &f->model->config.vision, patches.gh, patches.gw, &err));
    assert_int_equal(plan.n_token, CELLS);
    iad_mat m = {.rows = CELLS, .cols = WIDTH, .stride = WIDTH, .dtype = IAD_F32, .data = tokens}; /* CPU: ordinary memory */
    assert_ok(iad_vision_forward(f->queue, f->model, &plan, &f->ws, patches.rows, m, NULL, &err));
    iad_vision_plan_deinit(&plan);
    iad_patches_deinit(&patches);
    iad_image_deinit(&image);
}

static iad_status keep_first_layer(void *user, iad_queue *queue, const char *stage, int index, iad_mat m, iad_err *err) {
    if (strcmp(stage, "text.layer") != 0 || index != 0) return IAD_OK;
    return queue->ops->download(queue, user, m.data, (size_t)(m.rows * m.cols) * sizeof(float), err);
}

static void a_changed_token_stands_out(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    start s;
    fx f;
    start_open(&s);
    fx_dir dir = fx_dir_new();
    const iad_newmodel_options options = {.dtype = IAD_F32, .compare = 1, .threads = 1};
    fx_write(&dir, &s.config, &options);
    assert_true(fx_open(&f, &dir, 1, IAD_F32));

    float *x = fx_floats((size_t)ROWS * WIDTH), *first = fx_floats((size_t)ROWS * WIDTH);
    const iad_tensor_view *embed = iad_checkpoint_get(f.checkpoint, "model.embed_tokens.weight");
    int32_t t[ROWS], h[ROWS], w[ROWS];
    iad_positions at = {0};
    int row = 0;
    for (int picture = 0; picture <= 2; picture++) {
        int n = picture < 2 ? TEXT : 6;
        assert_ok(iad_positions_add_text(&at, n, t + row, h + row, w + row, &err));
        for (int i = 0; i < n; i++, row++) assert_ok(iad_tensor_to_f32(embed, (size_t)(65 + row) * WIDTH, WIDTH, x + (size_t)row * WIDTH, &err));
        if (picture == 2) break;
        assert_ok(iad_positions_add_image(&at, 4, 4, t + row, h + row, w + row, &err));
        tokens_of(&f, picture, x + (size_t)row * WIDTH);
        row += CELLS;
    }
    assert_int_equal(row, ROWS);

    const iad_text_config *text = &f.model->config.text;
    int64_t half = text->head_dim / 2;
    float *angles = fx_floats((size_t)(2 * ROWS * half));
    assert_ok(iad_mrope_angles(t, h, w, ROWS, text->head_dim, text->mrope_section, text->rope_theta, angles, angles + ROWS * half, &err));
    iad_kv tail;
    iad_kv_init(&tail, f.model);
    assert_ok(iad_kv_reserve(&tail, f.queue, ROWS, &err));
    const iad_text_seq seq = {.n_row = ROWS, .tail = &tail};
    const iad_trace trace = {keep_first_layer, first};
    iad_mat m = {.rows = ROWS, .cols = WIDTH, .stride = WIDTH, .dtype = IAD_F32, .data = x};
    assert_ok(iad_text_forward(f.queue, f.model, &f.ws, m, angles, angles + ROWS * half, &seq, 1, NULL, 0, NULL, &trace, &err));

    double size[CELLS], largest = 0;
    for (int i = 0; i < CELLS; i++) {
        size[i] = 0;
        for (int c = 0; c < WIDTH; c++)
            size[i] += (double)first[(QUERY + i) * WIDTH + c] * iad_compare_direction(&s.compare, s.compare.n_feature + 1, c);
        if (i != CHANGED && size[i] > largest) largest = size[i];
    }
    if (!(size[CHANGED] > 5 * largest && size[CHANGED] > 0.05)) fail_msg("the changed token has %.3f, the others up to %.3f", size[CHANGED], largest);
    iad_kv_deinit(&tail);
    free(angles);
    free(x);
    free(first);
    fx_close(&f);
    fx_dir_free(&dir);
    iad_compare_start_deinit(&s.compare);
}

static void models_that_are_too_small_are_refused(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_model_config config;
    iad_cosine_filter filters[IAD_COSINE_MAX_FILTERS];
    iad_compare_start compare;
    fx_tiny(&config);
    assert_ok(iad_cosine_filters(&config.vision, filters, &err));
    assert_int_equal(iad_compare_start_init(&compare, &config, filters, &err), IAD_ERR_ARG);
    iad_compare_start_deinit(&compare);
    start s;
    start_open(&s);
    iad_compare_start_deinit(&s.compare);
    s.config.vision.intermediate = 64;
    assert_int_equal(iad_compare_start_init(&s.compare, &s.config, s.filters, &err), IAD_ERR_ARG);
    assert_non_null(strstr(err.msg, "64"));
    iad_compare_start_deinit(&s.compare);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_coefficient_has_a_feature), cmocka_unit_test(pieces_are_the_whole),
                                       cmocka_unit_test(a_changed_token_stands_out), cmocka_unit_test(models_that_are_too_small_are_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
