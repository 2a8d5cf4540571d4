#include "tests/unit/model/model_fixture.h"

/* Several pictures in one pass of the tower give the tokens that each gives alone, bit by bit. */

enum { PICTURES = 3 };
static const int sizes[PICTURES][3] = {{140, 196, 0}, {56, 56, 1}, {84, 224, 2}}; /* height, width, synthetic picture */

static void together(fx *f, const iad_patches *patches, float *tokens) {
    iad_err err = IAD_ERR_NONE;
    iad_vision_plan plans[PICTURES], joined;
    const iad_vision_config *config = &f->model->config.vision;
    for (int i = 0; i < PICTURES; i++) assert_ok(iad_vision_plan_init(&plans[i], config, patches[i].gh, patches[i].gw, &err));
    assert_ok(iad_vision_plan_join(plans, PICTURES, config, &joined, &err));
    assert_true(joined.n_picture == PICTURES && joined.picture[PICTURES] == joined.n_patch && joined.window[joined.n_window] == joined.n_patch);
    float *rows = fx_floats((size_t)(joined.n_patch * patches[0].n_col));
    for (int i = 0; i < PICTURES; i++)
        memcpy(rows + joined.picture[i] * patches[i].n_col, patches[i].rows, (size_t)(patches[i].n_row * patches[i].n_col) * sizeof *rows);
    iad_mat out = {.rows = joined.n_token, .cols = config->out_hidden, .stride = config->out_hidden, .dtype = IAD_F32};
    size_t bytes = (size_t)(out.rows * out.cols) * sizeof(float);
    assert_ok(f->device->ops->alloc(f->device, bytes, &out.data, &err));
    assert_ok(iad_vision_forward(f->queue, f->model, &joined, &f->ws, rows, out, NULL, &err));
    assert_ok(f->device->ops->download(f->queue, tokens, out.data, bytes, &err));
    f->device->ops->release(f->device, out.data);
    for (int i = 0; i < PICTURES; i++) iad_vision_plan_deinit(&plans[i]);
    iad_vision_plan_deinit(&joined);
    free(rows);
}

static void test_together(void **state) {
    (void)state;
    static const iad_dtype types[3] = {IAD_F32, IAD_BF16, IAD_I8};
    fx_dir dir = fx_dir_new();
    iad_model_config config;
    iad_newmodel_options options = fx_golden();
    options.extras = 1;
    fx_tiny(&config);
    fx_write(&dir, &config, &options);
    iad_patches patches[PICTURES];
    int64_t n_token = 0;
    for (int i = 0; i < PICTURES; i++) {
        fx_patches(&patches[i], sizes[i][0], sizes[i][1], sizes[i][2]);
        n_token += patches[i].n_row / 4;
    }
    for (int d = 0; d < FX_DEVICES; d++)
        for (int type = 0; type < 3; type++) {
            fx f;
            if (!fx_open(&f, &dir, d, types[type])) continue;
            float *all = fx_floats((size_t)(n_token * 96)), *at = all;
            together(&f, patches, all);
            for (int i = 0; i < PICTURES; i++) {
                int64_t n = 0;
                float *one = fx_tokens(&f, sizes[i][0], sizes[i][1], sizes[i][2], 1.0f, NULL, &n);
                assert_int_equal(patches[i].n_row / 4, n);
                assert_memory_equal(one, at, (size_t)(n * 96) * sizeof *one);
                at += n * 96;
                free(one);
            }
            free(all);
            fx_close(&f);
        }
    for (int i = 0; i < PICTURES; i++) iad_patches_deinit(&patches[i]);
    fx_dir_free(&dir);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_together)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
