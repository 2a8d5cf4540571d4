#include "tests/unit/train/model_train_fixture.h"

/* A few samples are learnt by heart, words and maps: everything between the pixels and the update works together. AdamW in plain doubles. */

enum { SAMPLES = 8, STEPS = 300 };

static void update(tm_fx *t, float *value, const float *grad, double *m, double *v, int step, double rate) {
    iad_err err = IAD_ERR_NONE;
    double fix1 = 1 - pow(0.9, step), fix2 = 1 - pow(0.99, step);
    for (int i = 0; i < t->params->n_tensor; i++) {
        const iad_param *p = &t->params->tensors[i];
        for (int64_t j = p->offset; j < p->offset + p->n; j++) {
            m[j] = 0.9 * m[j] + 0.1 * (double)grad[j];
            v[j] = 0.99 * v[j] + 0.01 * (double)grad[j] * (double)grad[j];
            value[j] = (float)((double)value[j] - rate * (m[j] / fix1) / (sqrt(v[j] / fix2) + 1e-8));
        }
        assert_ok(iad_params_set(t->params, t->queue, p, value + p->offset, &err));
    }
    assert_ok(iad_train_model_refresh(t->model, t->queue, 0, &err));
}

static void test_overfit(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_model_config config;
    iad_sample samples[SAMPLES];
    const iad_sample *list[SAMPLES];
    iad_device *device = NULL;
    const iad_train_model_options options = tm_options();
    fx_tiny(&config);
    for (int i = 0; i < SAMPLES; i++) { /* every other query is good: its mask is empty */
        const tm_picture pictures[3] = {{2, 2, i, -1}, {2, 2, i + 8, 0}, {4, 4, i + 16, -1}};
        tm_sample(&samples[i], &config, i, pictures, 3, 2, 3, 3);
        samples[i].mask_h = samples[i].mask_w = 4; /* the map's own grid: interpolated edges could never be met */
        for (int j = 0; j < 16; j++) samples[i].mask[j] = i % 2 == 0 && (j % 4) / 2 == (i / 2) % 2 && j / 8 == i / 4;
        list[i] = &samples[i];
    }
    assert_ok(iad_device_cpu_new(1, IAD_CPU_AUTO, &device, &err));
    tm_fx t;
    tm_open(&t, device, &config, &options, NULL);
    size_t n = (size_t)t.params->n;
    float *value = fx_floats(n), *grad = fx_floats(n);
    double *m = iad_calloc(n, sizeof *m), *v = iad_calloc(n, sizeof *v);
    assert_true(m != NULL && v != NULL);
    for (int i = 0; i < t.params->n_tensor; i++)
        assert_ok(iad_params_get(t.params, t.queue, &t.params->tensors[i], value + t.params->tensors[i].offset, &err));
    iad_map_range range = {.lo = {0, 0}, .hi = {1, 1}};
    iad_train_sums sums = tm_no_sums();
    assert_ok(iad_train_model_eval(t.model, t.queue, list, SAMPLES, NULL, &sums, &err));
    double ce = 0, dice = 0;
    for (int step = 1; step <= STEPS; step++) {
        for (int c = 0; c < 2; c++) range.lo[c] = sums.map_min[c], range.hi[c] = sums.map_max[c];
        sums = tm_no_sums();
        assert_ok(iad_params_zero_grad(t.params, t.queue, &err));
        assert_ok(iad_train_model_run(t.model, t.queue, list, SAMPLES, 1.0 / (3 * SAMPLES), 1.0 / SAMPLES, &range, &sums, &err));
        assert_ok(device->ops->download(t.queue, grad, t.params->grad, n * sizeof *grad, &err));
        ce = sums.ce / sums.n_token;
        dice = sums.dice / sums.n_map / 2;
        if (step % 50 == 0 || step == 1) print_message("step %d: ce %.4f, focal %.4f, dice %.4f\n", step, ce, sums.focal / sums.n_map, dice);
        update(&t, value, grad, m, v, step, 2e-3 * (step < 200 ? 1 : 0.2));
    }
    assert_true(ce < 0.01);
    assert_true(dice < 0.1);
    free(value);
    free(grad);
    free(m);
    free(v);
    tm_samples_free(samples, SAMPLES);
    tm_close(&t);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_overfit)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
