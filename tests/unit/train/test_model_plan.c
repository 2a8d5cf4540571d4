#include "tests/unit/train/model_train_fixture.h"

/* What a batch is said to need against what the device counts. */
static void check(const iad_model_config *config, const iad_train_model_options *options, int vision_trained) {
    iad_err err = IAD_ERR_NONE;
    static const tm_picture pictures[3] = {{6, 6, 1, -1}, {6, 7, 2, 0}, {8, 8, 3, -1}};
    static const char *const tower[2] = {"visual.blocks.*", "visual.patch_embed.*"};
    const iad_param_rules rules = {.freeze = tower, .n_freeze = vision_trained ? 0 : 2};
    iad_sample samples[8];
    const iad_sample *list[8];
    iad_device *device = NULL;
    iad_device_memory memory;
    assert_ok(iad_device_cpu_new(1, IAD_CPU_AUTO, &device, &err));
    tm_fx t;
    tm_open(&t, device, config, options, &rules);
    for (int i = 0; i < 8; i++) {
        tm_sample(&samples[i], config, i, pictures, 3, 2, 40, 20);
        list[i] = &samples[i];
    }
    iad_train_sums sums = tm_no_sums();
    assert_ok(iad_train_model_run(t.model, t.queue, list, 8, 1, 1, &tm_range, &sums, &err));
    iad_device_memory_get(device, &memory);
    iad_train_memory plan;
    assert_ok(iad_train_model_plan(config, options, vision_trained, sums.n_patch, sums.n_row, 160, &plan, &err));
    double planned = (double)(plan.weights + plan.activations + plan.workspace) + 8.0 * (double)t.params->n;
    print_message("planned %.1f MB (weights %.1f, kept %.1f, scratch %.1f), peak %.1f MB: %+.1f %%\n", 1e-6 * planned, 1e-6 * (double)plan.weights,
                  1e-6 * (double)plan.activations, 1e-6 * (double)plan.workspace, 1e-6 * (double)memory.peak,
                  100 * (planned / (double)memory.peak - 1));
    assert_true(fabs(planned / (double)memory.peak - 1) < 0.03);
    tm_samples_free(samples, 8);
    tm_close(&t);
}

static void test_peak(void **state) {
    (void)state;
    static const struct {
        iad_dtype compute;
        iad_recompute level;
        int vision_trained;
    } cases[] = {
        {IAD_F32, IAD_RECOMPUTE_NONE, 1}, {IAD_F32, IAD_RECOMPUTE_BLOCK, 1}, {IAD_BF16, IAD_RECOMPUTE_NORMS, 0}, {IAD_BF16, IAD_RECOMPUTE_FFN, 1}};
    iad_err err = IAD_ERR_NONE;
    iad_model_config config;
    assert_ok(iad_newmodel_config("small", &config, &err));
    config.text.layers = config.vision.depth = 4;
    config.vision.n_fullatt = 1;
    config.vision.fullatt[0] = 3;
    iad_model_config_paper_defaults(&config);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        iad_train_model_options options = tm_options();
        options.compute = cases[i].compute;
        options.recompute_text = options.recompute_vision = cases[i].level;
        check(&config, &options, cases[i].vision_trained);
    }
}

/* Every level needs less than the one before. */
static void test_levels(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_model_config config;
    iad_train_model_options options = tm_options();
    iad_train_memory last = {0}, plan;
    options.compute = IAD_BF16;
    assert_ok(iad_newmodel_config("7b", &config, &err));
    for (int level = IAD_RECOMPUTE_NONE; level <= IAD_RECOMPUTE_BLOCK; level++) {
        options.recompute_text = options.recompute_vision = (iad_recompute)level;
        assert_ok(iad_train_model_plan(&config, &options, 1, 4096, 2048, 100, &plan, &err));
        if (level > 0) assert_true(plan.activations < last.activations && plan.weights == last.weights);
        last = plan;
    }
    assert_fails(IAD_ERR_ARG, iad_train_model_plan(&config, &options, 1, -1, 10, 1, &plan, &err));
    assert_fails(IAD_ERR_ARG, iad_train_model_plan(&config, &options, 1, 4, 10, 11, &plan, &err));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_peak), cmocka_unit_test(test_levels)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
