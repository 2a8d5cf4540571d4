/* Number formats, devices and threads beside each other. */
#include "tests/unit/model/model_fixture.h"

typedef struct outcome {
    float *e0, *e1;
    float logits[FX_VOCAB];
    int greedy[6];
} outcome;

static void outcome_of(fx *f, outcome *o) {
    int64_t n = 0;
    o->e0 = fx_tokens(f, 140, 196, 0, 1.0f, NULL, &n);
    o->e1 = fx_tokens(f, 196, 112, 1, 1.0f, NULL, &n);
    fx_prompt *p = iad_calloc(1, sizeof *p);
    assert_non_null(p);
    fx_golden_prompt(f, p, o->e0, o->e1);
    iad_kv kv;
    iad_kv_init(&kv, f->model);
    fx_last(f, p, 0, p->n, NULL, &kv, o->logits);
    float logits[FX_VOCAB];
    memcpy(logits, o->logits, sizeof logits);
    for (int i = 0; i < 6; i++) {
        o->greedy[i] = fx_argmax(logits, FX_VOCAB);
        fx_step(f, p, o->greedy[i], NULL, &kv, logits);
    }
    iad_kv_deinit(&kv);
    free(p);
}

static void outcome_free(outcome *o) {
    free(o->e0);
    free(o->e1);
}

static double relative(const float *got, const float *want, int64_t n) {
    double d = 0, s = 0;
    for (int64_t i = 0; i < n; i++) {
        d += ((double)got[i] - (double)want[i]) * ((double)got[i] - (double)want[i]);
        s += (double)want[i] * (double)want[i];
    }
    return sqrt(d / s);
}

static fx_dir golden_dir(void) {
    iad_model_config config;
    fx_tiny(&config);
    iad_newmodel_options options = fx_golden();
    fx_dir dir = fx_dir_new();
    fx_write(&dir, &config, &options);
    return dir;
}

/* bf16 and int8 are the f32 model up to their roundings: relative L2 error, and the same most likely token. */
static void test_formats(void **state) {
    (void)state;
    fx_dir dir = golden_dir();
    for (int d = 0; d < FX_DEVICES; d++) {
        fx f;
        if (!fx_open(&f, &dir, d, IAD_F32)) continue;
        outcome exact, rough;
        outcome_of(&f, &exact);
        fx_close(&f);
        static const struct {
            iad_dtype storage;
            double tokens, logits;
        } cases[] = {{IAD_BF16, 0.01, 0.01}, {IAD_I8, 0.05, 0.06}};
        for (int i = 0; i < 2; i++) {
            assert_true(fx_open(&f, &dir, d, cases[i].storage));
            outcome_of(&f, &rough);
            double a = relative(rough.e0, exact.e0, 35 * FX_HIDDEN), b = relative(rough.e1, exact.e1, 28 * FX_HIDDEN),
                   c = relative(rough.logits, exact.logits, FX_VOCAB);
            print_message("%s, %s: vision tokens off by %.4f and %.4f, logits by %.4f\n", fx_device_names[d],
                          iad_dtype_name(cases[i].storage), a, b, c);
            assert_true(a < cases[i].tokens && b < cases[i].tokens && c < cases[i].logits);
            assert_true(a > 1e-5); /* the format is in use */
            assert_int_equal(exact.greedy[0], rough.greedy[0]);
            outcome_free(&rough);
            fx_close(&f);
        }
        outcome_free(&exact);
    }
    fx_dir_free(&dir);
}

/* The same numbers from every device. */
static void test_devices(void **state) {
    (void)state;
    const iad_dtype storages[] = {IAD_F32, IAD_BF16, IAD_I8};
    const double tolerance[] = {
        2e-5, 0.02, 0.05}; /* relative L2; a bf16 or int8 rounding that falls the other way is seen further on */
    fx_dir dir = golden_dir();
    for (int s = 0; s < 3; s++) {
        fx f;
        outcome reference, other;
        assert_true(fx_open(&f, &dir, 0, storages[s]));
        outcome_of(&f, &reference);
        fx_close(&f);
        for (int d = 1; d < FX_DEVICES; d++) {
            if (!fx_open(&f, &dir, d, storages[s])) continue;
            outcome_of(&f, &other);
            assert_true(relative(other.e0, reference.e0, 35 * FX_HIDDEN) < tolerance[s]);
            assert_true(relative(other.e1, reference.e1, 28 * FX_HIDDEN) < tolerance[s]);
            assert_true(relative(other.logits, reference.logits, FX_VOCAB) < tolerance[s]);
            assert_int_equal(reference.greedy[0], other.greedy[0]);
            outcome_free(&other);
            fx_close(&f);
        }
        outcome_free(&reference);
    }
    fx_dir_free(&dir);
}

/* Any number of threads: the same bytes. */
static void test_threads(void **state) {
    (void)state;
    const iad_dtype storages[] = {IAD_F32, IAD_BF16, IAD_I8};
    fx_dir dir = golden_dir();
    for (int d = 1; d < FX_DEVICES; d++)
        for (int s = 0; s < 3; s++) {
            outcome one = {0}, other = {0};
            static const int threads[] = {1, 2, 5};
            for (int i = 0; i < 3; i++) {
                iad_device *device = fx_device_new(d, threads[i]);
                if (device == NULL) break;
                fx f;
                fx_open_on(&f, &dir, device, storages[s]);
                outcome_of(&f, i == 0 ? &one : &other);
                if (i > 0) {
                    assert_memory_equal(one.e0, other.e0, 35 * FX_HIDDEN * sizeof(float));
                    assert_memory_equal(one.logits, other.logits, sizeof one.logits);
                    assert_memory_equal(one.greedy, other.greedy, sizeof one.greedy);
                    outcome_free(&other);
                }
                fx_close(&f);
            }
            outcome_free(&one);
        }
    fx_dir_free(&dir);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_formats), cmocka_unit_test(test_devices),
                                       cmocka_unit_test(test_threads)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
