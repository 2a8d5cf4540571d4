/* Training on a card: the whole model's gradients and steps beside the processor's. The card is the simulated one where the build has a
 * simulator, a real one with IAD_TEST_CARD; without either the tests say that they were skipped. */
#include "tests/unit/train/model_train_fixture.h"

#include "train/param/optimizer.h"

typedef struct work {
    iad_model_config config;
    iad_sample samples[TM_SAMPLES];
    const iad_sample *list[TM_SAMPLES];
} work;

static int work_setup(void **state) {
    work *w = iad_calloc(1, sizeof *w);
    assert_non_null(w);
    fx_tiny(&w->config);
    tm_samples(w->samples, &w->config);
    for (int i = 0; i < TM_SAMPLES; i++) w->list[i] = &w->samples[i];
    *state = w;
    return 0;
}

static int work_teardown(void **state) {
    work *w = *state;
    tm_samples_free(w->samples, TM_SAMPLES);
    free(w);
    return 0;
}

static int has_card(void) {
    iad_err err = IAD_ERR_NONE;
    iad_device *device = NULL;
    iad_status status = iad_device_cuda_new(0, &device, &err);
    iad_device_free(device);
    assert_true(status == IAD_OK || status == IAD_ERR_UNSUPPORTED);
    return status == IAD_OK;
}

static iad_device *card_or_processor(int card) {
    iad_err err = IAD_ERR_NONE;
    iad_device *device = NULL;
    if (card) assert_ok(iad_device_cuda_new(0, &device, &err));
    else assert_ok(iad_device_cpu_new(1, IAD_CPU_AUTO, &device, &err));
    return device;
}

/* The simulator is slow: what is compared with itself takes the first FEW samples only, among them a map. */
enum { FEW = 2, STEPS = 2 };

static float *gradients(const work *w, int card, int samples, const iad_train_model_options *options, iad_train_sums *sums, int64_t *n) {
    tm_fx t;
    tm_open(&t, card_or_processor(card), &w->config, options, NULL);
    *n = t.params->n;
    float *grad = fx_floats((size_t)*n);
    tm_gradients(&t, w->list, samples, grad, sums);
    tm_close(&t);
    return grad;
}

static double cosine(const float *a, const float *b, int64_t n) {
    double ab = 0, aa = 0, bb = 0;
    for (int64_t i = 0; i < n; i++) {
        ab += (double)a[i] * (double)b[i];
        aa += (double)a[i] * (double)a[i];
        bb += (double)b[i] * (double)b[i];
    }
    return ab / sqrt(aa * bb);
}

/* f32 beside f32; bf16 beside f32, which is what rounding may cost. */
static void test_gradients(void **state) {
    static const double least[2] = {0.9999999, 0.999}, close[2] = {2e-5, 2e-2};
    const work *w = *state;
    if (!has_card()) skip();
    iad_train_model_options options = tm_options();
    iad_train_sums want, got;
    int64_t n;
    float *expected = gradients(w, 0, TM_SAMPLES, &options, &want, &n);
    for (int type = 0; type < 2; type++) {
        options.compute = type == 0 ? IAD_F32 : IAD_BF16;
        float *grad = gradients(w, 1, TM_SAMPLES, &options, &got, &n);
        double c = cosine(grad, expected, n);
        if (!(c >= least[type])) fail_msg("%s: cosine %.9f", iad_dtype_name(options.compute), c);
        assert_close(got.ce, want.ce, close[type] * want.ce);
        assert_close(got.focal, want.focal, close[type] * want.focal);
        assert_close(got.dice, want.dice, close[type] * want.dice);
        assert_true(got.n_row == want.n_row && got.n_token == want.n_token && got.n_map == want.n_map);
        free(grad);
    }
    free(expected);
}

/* What is computed again has the same bits. */
static void test_recompute(void **state) {
    const work *w = *state;
    if (!has_card()) skip();
    iad_train_model_options options = tm_options();
    options.compute = IAD_BF16;
    iad_train_sums want, got;
    int64_t n;
    float *expected = gradients(w, 1, FEW, &options, &want, &n);
    options.recompute_text = IAD_RECOMPUTE_FFN;
    options.recompute_vision = IAD_RECOMPUTE_BLOCK;
    float *grad = gradients(w, 1, FEW, &options, &got, &n);
    assert_memory_equal(grad, expected, (size_t)n * sizeof *grad);
    assert_true(got.ce == want.ce && got.focal == want.focal && got.dice == want.dice);
    free(grad);
    free(expected);
}

/* Losses of a few steps, and the exact weights at the end ([params->n] each, owned by the caller). */
static void train(const work *w, int card, double losses[STEPS], uint16_t **high, uint16_t **low, int64_t *n) {
    iad_err err = IAD_ERR_NONE;
    iad_train_model_options options = tm_options();
    iad_optimizer *optimizer = NULL;
    iad_comm *comm = NULL;
    tm_fx t;
    tm_open(&t, card_or_processor(card), &w->config, &options, NULL);
    assert_ok(iad_comm_self_new(&comm, &err));
    assert_ok(iad_optimizer_new(t.params, comm, NULL, &optimizer, &err));
    for (int s = 0; s < STEPS; s++) {
        iad_step_result result;
        iad_train_sums sums = tm_no_sums();
        assert_ok(iad_params_zero_grad(t.params, t.queue, &err));
        assert_ok(iad_train_model_run(t.model, t.queue, w->list, FEW, tm_ce_scale, tm_map_scale, &tm_range, &sums, &err));
        assert_ok(iad_optimizer_step(optimizer, t.queue, 1e-3, 1, &result, &err));
        assert_ok(iad_train_model_refresh(t.model, t.queue, 0, &err));
        assert_false(result.skipped);
        losses[s] = tm_loss(&sums, &options);
    }
    *n = t.params->n;
    *high = iad_alloc((size_t)*n, sizeof **high);
    *low = iad_alloc((size_t)*n, sizeof **low);
    assert_true(*high != NULL && *low != NULL);
    assert_ok(t.device->ops->download(t.queue, *high, t.params->high, (size_t)*n * 2, &err));
    assert_ok(t.device->ops->download(t.queue, *low, t.params->low, (size_t)*n * 2, &err));
    iad_optimizer_free(optimizer);
    iad_comm_free(comm);
    tm_close(&t);
}

static void test_steps(void **state) {
    const work *w = *state;
    if (!has_card()) skip();
    double want[STEPS], got[STEPS], again[STEPS];
    uint16_t *high[3], *low[3];
    int64_t n;
    train(w, 0, want, &high[0], &low[0], &n);
    train(w, 1, got, &high[1], &low[1], &n);
    train(w, 1, again, &high[2], &low[2], &n);
    assert_memory_equal(high[1], high[2], (size_t)n * 2);
    assert_memory_equal(low[1], low[2], (size_t)n * 2);
    for (int s = 0; s < STEPS; s++) {
        assert_true(got[s] == again[s]);
        assert_close(got[s], want[s], 2e-3 * want[s]);
    }
    assert_true(got[STEPS - 1] < got[0]);
    for (int k = 0; k < 3; k++) {
        free(high[k]);
        free(low[k]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_gradients, work_setup, work_teardown),
        cmocka_unit_test_setup_teardown(test_recompute, work_setup, work_teardown),
        cmocka_unit_test_setup_teardown(test_steps, work_setup, work_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
