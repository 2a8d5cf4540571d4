#include "tests/unit/train/model_train_fixture.h"

#include "train/comm/comm.h"
#include "train/param/optimizer.h"

/* Against the same pass in PyTorch: numbers of tests/parity/train_reference.py in data/train_parity.txt.
 * With two arguments the program writes its gradients in f32 and bf16 to these files instead, for that script's comparison; a third names the
 * device. */

static const char *device_name = "cpu";

typedef struct parity {
    iad_model_config config;
    iad_sample samples[TM_SAMPLES];
    const iad_sample *list[TM_SAMPLES];
    char *text, *at; /* the golden file */
} parity;

static parity *setup(void) {
    parity *p = iad_calloc(1, sizeof *p);
    assert_non_null(p);
    fx_tiny(&p->config);
    tm_samples(p->samples, &p->config);
    for (int i = 0; i < TM_SAMPLES; i++) p->list[i] = &p->samples[i];
    return p;
}

static void teardown(parity *p) {
    tm_samples_free(p->samples, TM_SAMPLES);
    free(p->text);
    free(p);
}

static void read_golden(parity *p) {
    iad_err err = IAD_ERR_NONE;
    uint8_t *bytes = NULL;
    size_t n = 0;
    assert_ok(iad_file_read(IAD_TEST_DATA "/train_parity.txt", 1 << 20, &bytes, &n, &err));
    p->text = iad_calloc(n + 1, 1);
    assert_non_null(p->text);
    memcpy(p->text, bytes, n);
    free(bytes);
    p->at = p->text;
}

/* The next line that begins with the word, behind the word; NULL: no more. */
static const char *line(parity *p, const char *word) {
    size_t n = strlen(word);
    while (*p->at != 0) {
        char *begin = p->at, *end = strchr(begin, '\n');
        if (end != NULL) *end = 0;
        p->at = end != NULL ? end + 1 : begin + strlen(begin);
        if (strncmp(begin, word, n) == 0 && begin[n] == ' ') return begin + n + 1;
    }
    p->at = p->text;
    return NULL;
}

static void rewind_golden(parity *p) {
    free(p->text);
    read_golden(p);
}

static void open_model(tm_fx *t, const parity *p, iad_dtype compute) {
    iad_err err = IAD_ERR_NONE;
    iad_device *device = NULL;
    iad_train_model_options options = tm_options();
    options.compute = compute;
    assert_ok(iad_device_new(device_name, 1, &device, &err));
    tm_open(t, device, &p->config, &options, NULL);
}

static void assert_near(double got, double want, double relative, const char *what) {
    if (!(fabs(got - want) <= relative * fmax(fabs(want), 1e-6))) fail_msg("%s: %.9g, PyTorch has %.9g", what, got, want);
}

static void test_losses(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    parity *p = setup();
    tm_fx t;
    int seen = 0;
    read_golden(p);
    open_model(&t, p, IAD_F32);
    for (const char *s; (s = line(p, "sample")) != NULL; seen++) {
        double ce, focal, dice;
        int id, hits;
        iad_train_sums sums = tm_no_sums();
        assert_int_equal(5, sscanf(s, "%d %lf %d %lf %lf", &id, &ce, &hits, &focal, &dice));
        assert_ok(iad_train_model_eval(t.model, t.queue, p->list + id - 1, 1, &tm_range, &sums, &err));
        assert_near(sums.ce, ce, 1e-5, "cross-entropy");
        assert_near(sums.focal, focal, 1e-5, "focal");
        assert_near(sums.dice, dice, 1e-5, "dice");
        assert_int_equal(hits, (int)sums.n_hit);
    }
    assert_int_equal(TM_SAMPLES, seen);
    rewind_golden(p);
    for (const char *s; (s = line(p, "map")) != NULL; seen++) {
        double lo[2], hi[2];
        int id;
        iad_train_sums sums = tm_no_sums();
        assert_int_equal(5, sscanf(s, "%d %lf %lf %lf %lf", &id, &lo[0], &hi[0], &lo[1], &hi[1]));
        assert_ok(iad_train_model_eval(t.model, t.queue, p->list + id - 1, 1, &tm_range, &sums, &err));
        for (int c = 0; c < 2; c++) {
            assert_near(sums.map_min[c], lo[c], 1e-5, "least attention");
            assert_near(sums.map_max[c], hi[c], 1e-5, "most attention");
        }
    }
    assert_int_equal(TM_SAMPLES + 2, seen);
    tm_close(&t);
    teardown(p);
}

/* The direction that the script projects on: golden numbers of a name without "norm" in it. */
static double projection(const char *name, const float *grad, int64_t n) {
    char direction[160] = "direction.";
    size_t at = strlen(direction);
    for (; *name != 0 && at + 1 < sizeof direction; at++) {
        direction[at] = *name;
        name += strncmp(name, "norm", 4) == 0 ? 4 : 1;
    }
    direction[at] = 0;
    float *values = fx_floats((size_t)n);
    iad_newmodel_golden(direction, 1, &n, 0, (size_t)n, values);
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += (double)grad[i] * (double)values[i];
    free(values);
    return sum;
}

static double length_of(const float *x, int64_t n) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += (double)x[i] * (double)x[i];
    return sqrt(sum);
}

static void test_gradients(void **state) {
    (void)state;
    parity *p = setup();
    tm_fx t;
    iad_train_sums sums;
    int seen = 0;
    read_golden(p);
    open_model(&t, p, IAD_F32);
    float *grad = fx_floats((size_t)t.params->n);
    tm_gradients(&t, p->list, TM_SAMPLES, grad, &sums);
    for (const char *s; (s = line(p, "grad")) != NULL; seen++) {
        char name[128];
        double length, project;
        assert_int_equal(3, sscanf(s, "%127s %lf %lf", name, &length, &project));
        const iad_param *param = iad_params_find(t.params, name);
        assert_non_null(param);
        const float *g = grad + param->offset;
        assert_near(length_of(g, param->n), length, 1e-4, name);
        assert_close(projection(name, g, param->n), project, 1e-4 * length); /* entries of the direction are below 0.1 */
    }
    assert_int_equal(t.params->n_tensor, seen);
    free(grad);
    tm_close(&t);
    teardown(p);
}

/* AdamW from the start: step i on `each` samples from i % TM_SAMPLES on. Losses against lines of `word`. */
static void follow(const char *word, double rate, int each, double relative, double absolute, int steps) {
    iad_err err = IAD_ERR_NONE;
    parity *p = setup();
    tm_fx t;
    iad_comm *comm = NULL;
    iad_optimizer *optimizer = NULL;
    iad_optimizer_options options = iad_optimizer_defaults();
    int seen = 0;
    options.clip = 0;
    read_golden(p);
    open_model(&t, p, IAD_F32);
    assert_ok(iad_comm_self_new(&comm, &err));
    assert_ok(iad_optimizer_new(t.params, comm, &options, &optimizer, &err));
    for (const char *s; (s = line(p, word)) != NULL; seen++) {
        double want;
        int step;
        const iad_sample *list[TM_SAMPLES];
        iad_train_sums sums = tm_no_sums();
        iad_step_result result;
        assert_int_equal(2, sscanf(s, "%d %lf", &step, &want));
        assert_int_equal(seen, step);
        for (int i = 0; i < each; i++) list[i] = p->list[each == TM_SAMPLES ? i : (step + i) % TM_SAMPLES];
        assert_ok(iad_params_zero_grad(t.params, t.queue, &err));
        assert_ok(iad_train_model_run(t.model, t.queue, list, each, tm_ce_scale, tm_map_scale, &tm_range, &sums, &err));
        double got = tm_loss(&sums, &t.options);
        if (!(fabs(got - want) <= relative * want + absolute)) fail_msg("%s %d: loss %.9g, PyTorch has %.9g", word, step, got, want);
        assert_ok(iad_optimizer_step(optimizer, t.queue, rate, 1, &result, &err));
        assert_ok(iad_train_model_refresh(t.model, t.queue, 0, &err));
    }
    assert_int_equal(steps, seen);
    iad_optimizer_free(optimizer);
    iad_comm_free(comm);
    tm_close(&t);
    teardown(p);
}

static void test_steps(void **state) {
    (void)state;
    follow("step", 1e-3, TM_SAMPLES, 1e-3, 0, 10);
}

static void test_curve(void **state) {
    (void)state;
    follow("curve", 3e-4, 2, 0.01, 1e-4, 200);
}

/* ---- for the script ---- */

static const char *dump_path[2];

static void dump(void **state) {
    (void)state;
    static const iad_dtype types[2] = {IAD_F32, IAD_BF16};
    parity *p = setup();
    for (int i = 0; i < 2; i++) {
        tm_fx t;
        iad_train_sums sums;
        open_model(&t, p, types[i]);
        float *grad = fx_floats((size_t)t.params->n);
        tm_gradients(&t, p->list, TM_SAMPLES, grad, &sums);
        FILE *f = fopen(dump_path[i], "wb");
        assert_non_null(f);
        for (int k = 0; k < t.params->n_tensor; k++) {
            const iad_param *param = &t.params->tensors[k];
            fprintf(f, "%s %lld\n", param->name, (long long)param->n);
            assert_int_equal(param->n, fwrite(grad + param->offset, sizeof *grad, (size_t)param->n, f));
        }
        assert_int_equal(0, fclose(f));
        free(grad);
        tm_close(&t);
    }
    teardown(p);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_losses), cmocka_unit_test(test_gradients), cmocka_unit_test(test_steps),
                                       cmocka_unit_test(test_curve)};
    const struct CMUnitTest dumps[] = {cmocka_unit_test(dump)};
    if (argc != 3 && argc != 4) return cmocka_run_group_tests(tests, NULL, NULL);
    if (argc == 4) device_name = argv[3];
    dump_path[0] = argv[1];
    dump_path[1] = argv[2];
    return cmocka_run_group_tests(dumps, NULL, NULL);
}
