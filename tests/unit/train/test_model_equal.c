#include "tests/unit/train/model_train_fixture.h"

/* Runs of the same work in different ways must give the same bytes. */

typedef struct runs {
    iad_model_config config;
    iad_sample samples[TM_SAMPLES];
    const iad_sample *list[TM_SAMPLES];
} runs;

static runs *setup(void) {
    runs *r = iad_calloc(1, sizeof *r);
    assert_non_null(r);
    fx_tiny(&r->config);
    tm_samples(r->samples, &r->config);
    for (int i = 0; i < TM_SAMPLES; i++) r->list[i] = &r->samples[i];
    return r;
}

static void teardown(runs *r) {
    tm_samples_free(r->samples, TM_SAMPLES);
    free(r);
}

static iad_device *device_of(int threads) {
    iad_err err = IAD_ERR_NONE;
    iad_device *device = NULL;
    if (threads == 0) assert_ok(iad_device_reference_new(&device, &err));
    else assert_ok(iad_device_cpu_new(threads, IAD_CPU_AUTO, &device, &err));
    return device;
}

/* Gradients of all samples at once on a fresh model; *n elements, owned by the caller. */
static float *all_at_once(const runs *r, int threads, const iad_train_model_options *options, const iad_param_rules *rules, iad_train_sums *sums,
                          int64_t *n) {
    tm_fx t;
    tm_open(&t, device_of(threads), &r->config, options, rules);
    *n = t.params->n;
    float *grad = fx_floats((size_t)*n);
    tm_gradients(&t, r->list, TM_SAMPLES, grad, sums);
    tm_close(&t);
    return grad;
}

static void assert_same(const float *a, const float *b, int64_t n, const char *what) {
    for (int64_t i = 0; i < n; i++)
        if (memcmp(&a[i], &b[i], sizeof *a) != 0) fail_msg("%s: element %lld is %.9g, not %.9g", what, (long long)i, (double)b[i], (double)a[i]);
}

static void assert_same_sums(const iad_train_sums *a, const iad_train_sums *b) {
    assert_true(a->ce == b->ce && a->n_token == b->n_token && a->n_hit == b->n_hit && a->focal == b->focal && a->dice == b->dice &&
                a->n_map == b->n_map);
    assert_memory_equal(a->map_min, b->map_min, sizeof a->map_min);
    assert_memory_equal(a->map_max, b->map_max, sizeof a->map_max);
    assert_true(a->n_row == b->n_row && a->n_patch == b->n_patch);
}

static void test_recompute(void **state) {
    (void)state;
    static const iad_dtype types[2] = {IAD_F32, IAD_BF16};
    runs *r = setup();
    for (int type = 0; type < 2; type++) {
        iad_train_model_options options = tm_options();
        options.compute = types[type];
        iad_train_sums want, got;
        int64_t n;
        float *expected = all_at_once(r, 1, &options, NULL, &want, &n);
        for (int level = IAD_RECOMPUTE_NORMS; level <= IAD_RECOMPUTE_BLOCK; level++) {
            options.recompute_text = (iad_recompute)level;
            options.recompute_vision = (iad_recompute)(IAD_RECOMPUTE_NORMS + (level + 1) % 3);
            float *grad = all_at_once(r, 1, &options, NULL, &got, &n);
            assert_same(expected, grad, n, "recompute");
            assert_same_sums(&want, &got);
            assert_true(want.map_grad == got.map_grad && want.ce_grad == got.ce_grad && want.flops == got.flops);
            free(grad);
        }
        free(expected);
    }
    teardown(r);
}

static void test_threads(void **state) {
    (void)state;
    static const iad_dtype types[2] = {IAD_F32, IAD_BF16};
    runs *r = setup();
    for (int type = 0; type < 2; type++) {
        iad_train_model_options options = tm_options();
        options.compute = types[type];
        iad_train_sums want, got;
        int64_t n;
        float *expected = all_at_once(r, 1, &options, NULL, &want, &n);
        for (int threads = 2; threads <= 3; threads++) {
            float *grad = all_at_once(r, threads, &options, NULL, &got, &n);
            assert_same(expected, grad, n, "threads");
            assert_same_sums(&want, &got);
            free(grad);
        }
        free(expected);
    }
    teardown(r);
}

/* A batch packed into one pass, in two, one sample at a time; and evaluation. */
static void test_packed(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    runs *r = setup();
    const iad_train_model_options options = tm_options();
    for (int threads = 0; threads < 3; threads += 2) {
        tm_fx t;
        tm_open(&t, device_of(threads), &r->config, &options, NULL);
        size_t n = (size_t)t.params->n;
        float *expected = fx_floats(n), *grad = fx_floats(n);
        iad_train_sums want, got;
        tm_gradients(&t, r->list, TM_SAMPLES, expected, &want);
        for (int each = 1; each < TM_SAMPLES; each++) {
            got = tm_no_sums();
            assert_ok(iad_params_zero_grad(t.params, t.queue, &err));
            for (int i = 0; i < TM_SAMPLES; i += each) {
                int m = TM_SAMPLES - i < each ? TM_SAMPLES - i : each;
                assert_ok(iad_train_model_run(t.model, t.queue, r->list + i, m, tm_ce_scale, tm_map_scale, &tm_range, &got, &err));
            }
            assert_ok(t.device->ops->download(t.queue, grad, t.params->grad, n * sizeof(float), &err));
            assert_same(expected, grad, (int64_t)n, "packed");
            assert_same_sums(&want, &got);
        }
        got = tm_no_sums();
        assert_ok(iad_train_model_eval(t.model, t.queue, r->list, TM_SAMPLES, &tm_range, &got, &err));
        assert_same_sums(&want, &got);
        got = tm_no_sums(); /* without a range: the extremes alone */
        assert_ok(iad_train_model_eval(t.model, t.queue, r->list, TM_SAMPLES, NULL, &got, &err));
        assert_true(got.ce == want.ce && got.focal == 0 && got.n_map == 2 && got.map_min[0] == want.map_min[0] && got.map_max[1] == want.map_max[1]);
        assert_ok(t.device->ops->download(t.queue, grad, t.params->grad, n * sizeof(float), &err));
        assert_same(expected, grad, (int64_t)n, "evaluation leaves gradients alone");
        free(expected);
        free(grad);
        tm_close(&t);
    }
    teardown(r);
}

/* Equal samples on both sides of a difference, tied head: the table's gradient has two sources, whose order differs by packing. */
static void test_tied(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    runs *r = setup();
    r->config.text.tie = 1;
    const iad_train_model_options options = tm_options();
    tm_fx t;
    tm_open(&t, device_of(1), &r->config, &options, NULL);
    size_t n = (size_t)t.params->n;
    float *once = fx_floats(n), *apart = fx_floats(n);
    iad_train_sums sums;
    tm_gradients(&t, r->list, TM_SAMPLES, once, &sums);
    assert_ok(iad_params_zero_grad(t.params, t.queue, &err));
    for (int i = 0; i < TM_SAMPLES; i++)
        assert_ok(iad_train_model_run(t.model, t.queue, r->list + i, 1, tm_ce_scale, tm_map_scale, &tm_range, &sums, &err));
    assert_ok(t.device->ops->download(t.queue, apart, t.params->grad, n * sizeof(float), &err));
    double length = 0, off = 0;
    for (size_t i = 0; i < n; i++) {
        length += (double)once[i] * once[i];
        off += ((double)once[i] - apart[i]) * ((double)once[i] - apart[i]);
    }
    assert_true(off <= 1e-12 * length);
    free(once);
    free(apart);
    tm_close(&t);
    teardown(r);
}

/* Whatever is frozen, the gradients of the rest are the same, and frozen tensors have none. */
static void test_frozen(void **state) {
    (void)state;
    static const struct {
        const char *freeze, *unfreeze;
    } cases[] = {{"visual.blocks.*", "-"},
                 {"visual.p*", "-"},
                 {"visual.*", "visual.merger.*"},
                 {"visual.blocks.1*", "-"},
                 {"visual.*", "visual.blocks.2.*"},
                 {"visual.*", "-"},
                 {"*", "lm_head.weight"},
                 {"*", "model.layers.2.*"},
                 {"*", "*.bias"},
                 {"*", "iadgpt.*"},
                 {"*", "model.embed_tokens*"},
                 {"*", "model.norm.weight"},
                 {"*", "visual.merger.mlp.2.bias"}};
    runs *r = setup();
    iad_train_model_options options = tm_options();
    iad_train_sums want, got;
    int64_t n;
    float *expected = all_at_once(r, 1, &options, NULL, &want, &n);
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        const iad_param_rules rules = {
            .freeze = &cases[k].freeze, .n_freeze = 1, .unfreeze = &cases[k].unfreeze, .n_unfreeze = cases[k].unfreeze[0] != '-'};
        options.recompute_text = options.recompute_vision = (iad_recompute)(k % 4);
        tm_fx t;
        tm_open(&t, device_of(1), &r->config, &options, &rules);
        float *grad = fx_floats((size_t)n);
        tm_gradients(&t, r->list, TM_SAMPLES, grad, &got);
        int learn = 0;
        for (int i = 0; i < t.params->n_tensor; i++) {
            const iad_param *p = &t.params->tensors[i];
            learn += p->trainable;
            for (int64_t j = p->offset; j < p->offset + p->n; j++)
                if (grad[j] != (p->trainable ? expected[j] : 0))
                    fail_msg("%s but %s: %s has %.9g at %lld, not %.9g", cases[k].freeze, cases[k].unfreeze, p->name, (double)grad[j],
                             (long long)(j - p->offset), (double)expected[j]);
        }
        assert_true(learn > 0);
        assert_same_sums(&want, &got);
        free(grad);
        tm_close(&t);
    }
    free(expected);
    teardown(r);
}

/* Another stage: what is trainable changes under a living model. */
static void test_retrain(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    static const char *const all[1] = {"*"}, *const head[1] = {"lm_head.weight"};
    runs *r = setup();
    const iad_train_model_options options = tm_options();
    const iad_param_rules first = {.freeze = all, .n_freeze = 1, .unfreeze = head, .n_unfreeze = 1}, none = {0};
    iad_train_sums want, got;
    int64_t n;
    float *expected = all_at_once(r, 1, &options, NULL, &want, &n), *grad = fx_floats((size_t)n);
    tm_fx t;
    tm_open(&t, device_of(1), &r->config, &options, &first);
    assert_ok(iad_params_apply(t.params, &none, &err));
    assert_ok(iad_train_model_retrain(t.model, &err));
    tm_gradients(&t, r->list, TM_SAMPLES, grad, &got);
    assert_same(expected, grad, n, "everything after the head alone");
    assert_ok(iad_params_apply(t.params, &first, &err));
    assert_ok(iad_train_model_retrain(t.model, &err));
    tm_gradients(&t, r->list, TM_SAMPLES, grad, &got);
    const iad_param *p = iad_params_find(t.params, "lm_head.weight");
    assert_same(expected + p->offset, grad + p->offset, p->n, "the head alone after everything");
    tm_close(&t);
    free(expected);
    free(grad);
    teardown(r);
}

/* Retention 1 keeps every token, as does no compression at all; no maps and no fusion are what they say. */
static void test_switches(void **state) {
    (void)state;
    runs *r = setup();
    iad_train_model_options options = tm_options();
    iad_train_sums kept, off, sums;
    int64_t n;
    free(all_at_once(r, 1, &options, NULL, &sums, &n));
    r->config.paper.retention = 1;
    float *a = all_at_once(r, 1, &options, NULL, &kept, &n);
    r->config.paper.retention = 0.2;
    options.compression = 0;
    float *b = all_at_once(r, 1, &options, NULL, &off, &n);
    assert_same(a, b, n, "retention 1");
    assert_same_sums(&kept, &off);
    assert_true(kept.n_row > sums.n_row && kept.n_patch == sums.n_patch);
    free(b);
    options.map_weight = 0;
    b = all_at_once(r, 1, &options, NULL, &off, &n);
    assert_true(off.n_map == 0 && off.focal == 0 && off.map_grad == 0 && off.ce == kept.ce);
    options.map_weight = 1;
    options.fusion = 0;
    free(b);
    b = all_at_once(r, 1, &options, NULL, &off, &n);
    assert_true(off.ce != kept.ce);
    free(a);
    free(b);
    teardown(r);
}

/* bf16 products: near the f32 gradients. */
static void test_bf16(void **state) {
    (void)state;
    runs *r = setup();
    iad_train_model_options options = tm_options();
    options.compression = 0; /* which tokens stay may differ */
    iad_train_sums sums;
    int64_t n;
    float *a = all_at_once(r, 1, &options, NULL, &sums, &n);
    options.compute = IAD_BF16;
    float *b = all_at_once(r, 1, &options, NULL, &sums, &n);
    double ab = 0, aa = 0, bb = 0;
    for (int64_t i = 0; i < n; i++) {
        ab += (double)a[i] * b[i];
        aa += (double)a[i] * a[i];
        bb += (double)b[i] * b[i];
    }
    if (!(ab >= 0.999 * sqrt(aa * bb))) fail_msg("cosine %.6f", ab / sqrt(aa * bb));
    free(a);
    free(b);
    teardown(r);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_recompute), cmocka_unit_test(test_threads), cmocka_unit_test(test_packed),
                                       cmocka_unit_test(test_tied),      cmocka_unit_test(test_frozen),  cmocka_unit_test(test_retrain),
                                       cmocka_unit_test(test_switches),  cmocka_unit_test(test_bf16)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
