#include "tests/unit/train/model_train_fixture.h"

#include "base/rng.h"

/* Slope of the loss along a direction that is the tensor's own gradient with every entry times a random factor, against the product of both.
 * A random direction would drown in the rounding of f32; this one is as steep as any and still sees every entry. */
static double slope_error(tm_fx *t, const iad_sample *const *samples, int n, const iad_param *p, const float *grad, double step, double *product) {
    iad_err err = IAD_ERR_NONE;
    size_t size = (size_t)p->n;
    float *base = fx_floats(size), *up = fx_floats(size), *down = fx_floats(size);
    double length = 0, loss[2];
    iad_rng rng;
    iad_rng_init(&rng, 3, (uint64_t)p->offset);
    assert_ok(iad_params_get(t->params, t->queue, p, base, &err));
    for (size_t i = 0; i < size; i++) {
        up[i] = (float)(iad_rng_range(&rng, 0.2, 1.8) * (double)grad[i]);
        length += (double)up[i] * (double)up[i];
    }
    length = sqrt(length);
    *product = 0;
    if (length == 0) return 0;
    for (size_t i = 0; i < size; i++) {
        float d = (float)(step / length * (double)up[i]);
        up[i] = base[i] + d;
        down[i] = base[i] - d;
        *product += (double)grad[i] * ((double)up[i] - (double)down[i]);
    }
    for (int side = 0; side < 2; side++) {
        assert_ok(iad_params_set(t->params, t->queue, p, side ? down : up, &err));
        assert_ok(iad_train_model_refresh(t->model, t->queue, 1, &err));
        loss[side] = tm_eval(t, samples, n);
    }
    assert_ok(iad_params_set(t->params, t->queue, p, base, &err));
    free(base);
    free(up);
    free(down);
    return fabs(loss[0] - loss[1] - *product);
}

static void test_differences(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_model_config config;
    iad_sample samples[TM_SAMPLES];
    const iad_sample *list[TM_SAMPLES];
    const iad_train_model_options options = tm_options();
    iad_train_sums sums;
    iad_device *device = NULL;
    fx_tiny(&config);
    tm_samples(samples, &config);
    for (int i = 0; i < TM_SAMPLES; i++) list[i] = &samples[i];
    assert_ok(iad_device_cpu_new(1, IAD_CPU_AUTO, &device, &err));
    tm_fx t;
    tm_open(&t, device, &config, &options, NULL);
    float *grad = fx_floats((size_t)t.params->n);
    tm_gradients(&t, list, TM_SAMPLES, grad, &sums);
    assert_true(sums.n_token == 18 && sums.n_map == 2 && sums.map_grad > 0 && sums.ce_grad > 0 && sums.flops > 0);
    for (int i = 0; i < t.params->n_tensor; i++) {
        const iad_param *p = &t.params->tensors[i];
        double product, error = slope_error(&t, list, TM_SAMPLES, p, grad + p->offset, 2e-3, &product);
        assert_true(product > 1e-5); /* nothing is left out */
        if (!(error <= 2e-3 * product + 1e-6)) fail_msg("%s: the loss changes by %g, the gradient says %g", p->name, product + error, product);
    }
    free(grad);
    tm_close(&t);
    tm_samples_free(samples, TM_SAMPLES);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_differences)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
