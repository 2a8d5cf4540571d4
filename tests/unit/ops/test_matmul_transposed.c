/* Transposed layers (the gradient of a layer's input) and new values in an existing weight, on every device. */
#include "tests/unit/ops/ops_fixture.h"

#include "base/alloc.h"

enum { PARTS = 3 };
static const int64_t part_outs[PARTS] = {70, 1, 33};
static const iad_dtype part_types[PARTS] = {IAD_F32, IAD_BF16, IAD_F16};
enum { OUTS = 70 + 1 + 33 };

/* A spec of three parts of different types; data[p] is the caller's to free. */
static iad_weight_spec stacked(iad_rng *rng, int64_t n_in, iad_dtype storage, int transposed, iad_mat *data) {
    iad_weight_spec spec = {.name = "stacked", .n_parts = PARTS, .n_in = n_in, .storage = storage, .transposed = transposed};
    for (int p = 0; p < PARTS; p++) {
        data[p] = mat_new(part_outs[p], n_in, n_in, part_types[p]);
        mat_random(data[p], rng, 1);
        spec.parts[p] = (iad_weight_part){.data = data[p].data, .dtype = part_types[p], .n_out = part_outs[p]};
    }
    return spec;
}

static void parts_free(iad_mat *data) {
    for (int p = 0; p < PARTS; p++) mat_free(data[p]);
}

/* Element (o, i) of the stacked layer, rounded as the storage rounds. */
static double element(const iad_mat *data, int64_t o, int64_t i, iad_dtype storage) {
    int p = 0;
    while (o >= part_outs[p]) o -= part_outs[p++];
    float v = mat_get(data[p], o, i);
    return (double)(storage == IAD_BF16 ? iad_bf16_to_f32(iad_f32_to_bf16(v)) : v);
}

static void check_product(const fixture_device *d, const iad_weight *w, const iad_mat *data, iad_mat x, iad_dtype storage, int64_t n_in) {
    iad_err err = IAD_ERR_NONE;
    iad_mat y = mat_new(x.rows, n_in, n_in + 3, IAD_F32);
    assert_ok(d->device->ops->linear(d->queue, x, w, IAD_STORE_SET, y, &err));
    mat_check_canary(y);
    for (int64_t r = 0; r < x.rows; r++)
        for (int64_t i = 0; i < n_in; i++) {
            double sum = 0;
            for (int64_t o = 0; o < OUTS; o++) sum += (double)mat_get(x, r, o) * element(data, o, i, storage);
            assert_close((double)mat_get(y, r, i), sum, 1e-4);
        }
    mat_free(y);
}

/* y = x W for every width of the layer, with the first values and then with others in the same weight. */
static void test_products(void **state) {
    (void)state;
    static const int64_t ins[] = {1, 2, 63, 64, 65, 200};
    fixture f;
    fixture_open(&f);
    for (int i = 0; i < f.n; i++)
        for (size_t a = 0; a < sizeof ins / sizeof *ins; a++)
            for (int s = 0; s < 2; s++) {
                iad_dtype storage = s == 0 ? IAD_F32 : IAD_BF16;
                const iad_ops *ops = f.d[i].device->ops;
                iad_err err = IAD_ERR_NONE;
                iad_rng rng;
                iad_rng_init(&rng, a + 1, 5);
                iad_mat data[PARTS], other[PARTS], x = mat_new(13, OUTS, OUTS + 5, storage);
                mat_random(x, &rng, 1);
                iad_weight_spec spec = stacked(&rng, ins[a], storage, 1, data), second = stacked(&rng, ins[a], storage, 1, other);
                float bias[70];
                spec.parts[0].bias = bias; /* never read */
                iad_weight *w;
                assert_ok(ops->weight_new(f.d[i].device, &spec, &w, &err));
                check_product(&f.d[i], w, data, x, storage, ins[a]);
                size_t bytes = ops->weight_bytes(w);
                assert_ok(ops->weight_set(f.d[i].device, &second, w, &err));
                assert_true(ops->weight_bytes(w) == bytes);
                check_product(&f.d[i], w, other, x, storage, ins[a]);
                ops->weight_free(f.d[i].device, w);
                parts_free(data);
                parts_free(other);
                mat_free(x);
            }
    fixture_close(&f);
}

/* A weight that was set gives the bytes of a weight that was made, for every storage and with biases. */
static void test_set_equals_new(void **state) {
    (void)state;
    static const iad_dtype storages[] = {IAD_F32, IAD_BF16, IAD_I8};
    enum { IN = 77, ROWS = 9 };
    fixture f;
    fixture_open(&f);
    for (int i = 0; i < f.n; i++)
        for (int s = 0; s < 3; s++) {
            const iad_ops *ops = f.d[i].device->ops;
            iad_err err = IAD_ERR_NONE;
            iad_rng rng;
            iad_rng_init(&rng, 11, 6);
            iad_mat data[PARTS], other[PARTS], x = mat_new(ROWS, IN, IN, storages[s] == IAD_F32 ? IAD_F32 : IAD_BF16);
            iad_mat want = mat_new(ROWS, OUTS, OUTS, IAD_F32), got = mat_new(ROWS, OUTS, OUTS, IAD_F32);
            mat_random(x, &rng, 1);
            iad_weight_spec spec = stacked(&rng, IN, storages[s], 0, data), second = stacked(&rng, IN, storages[s], 0, other);
            float bias[2][70];
            for (int k = 0; k < 70; k++) {
                bias[0][k] = (float)k;
                bias[1][k] = (float)(3 * k - 5);
            }
            spec.parts[0].bias = bias[0];
            second.parts[0].bias = bias[1];
            iad_weight *changed, *made;
            assert_ok(ops->weight_new(f.d[i].device, &spec, &changed, &err));
            assert_ok(ops->weight_set(f.d[i].device, &second, changed, &err));
            assert_ok(ops->weight_new(f.d[i].device, &second, &made, &err));
            assert_ok(ops->linear(f.d[i].queue, x, made, IAD_STORE_SET, want, &err));
            assert_ok(ops->linear(f.d[i].queue, x, changed, IAD_STORE_SET, got, &err));
            mat_check_equal(got, want, f.d[i].name);
            ops->weight_free(f.d[i].device, changed);
            ops->weight_free(f.d[i].device, made);
            parts_free(data);
            parts_free(other);
            mat_free(x);
            mat_free(want);
            mat_free(got);
        }
    fixture_close(&f);
}

/* What set refuses leaves the weight as it was; 8-bit weights have no transpose. */
static void test_refused(void **state) {
    (void)state;
    fixture f;
    fixture_open(&f);
    for (int i = 0; i < f.n; i++) {
        const iad_ops *ops = f.d[i].device->ops;
        iad_device *device = f.d[i].device;
        iad_err err = IAD_ERR_NONE;
        float v[12] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, zeros[12] = {0}, bias[3] = {0}, scale[3] = {1, 1, 1};
        iad_weight_spec good = {.name = "w", .n_parts = 1, .n_in = 4, .storage = IAD_F32}, bad;
        good.parts[0] = (iad_weight_part){.data = v, .dtype = IAD_F32, .n_out = 3};
        iad_weight *w, *none;
        assert_ok(ops->weight_new(device, &good, &w, &err));
        good.parts[0].data = zeros;
#define REFUSED(change)                                            \
    bad = good;                                                    \
    change;                                                        \
    assert_fails(IAD_ERR_ARG, ops->weight_set(device, &bad, w, &err))
        REFUSED(bad.n_in = 3);
        REFUSED(bad.parts[0].n_out = 2);
        REFUSED(bad.storage = IAD_BF16);
        REFUSED(bad.transposed = 1);
        REFUSED(bad.parts[0].bias = bias);
        REFUSED(bad.parts[0].data = NULL);
        float x[4] = {1, 1, 1, 1}, y[3];
        assert_ok(ops->linear(f.d[i].queue, (iad_mat){x, 1, 4, 4, IAD_F32}, w, IAD_STORE_SET, (iad_mat){y, 1, 3, 3, IAD_F32}, &err));
        assert_true(y[0] == 10 && y[1] == 26 && y[2] == 42);
        bad = good;
        bad.transposed = 1;
        bad.storage = IAD_I8;
        assert_fails(IAD_ERR_ARG, ops->weight_new(device, &bad, &none, &err));
        bad.storage = IAD_F32;
        bad.parts[0].dtype = IAD_I8;
        bad.parts[0].scale = scale;
        assert_fails(IAD_ERR_ARG, ops->weight_new(device, &bad, &none, &err));
        ops->weight_free(device, w);
    }
    fixture_close(&f);
}

/* The same bytes for any number of threads and after any cut of the rows is the tile kernels' promise (test_matmul); here: packing. */
static void test_thread_counts(void **state) {
    (void)state;
    enum { IN = 500, ROWS = 7 };
    iad_err err = IAD_ERR_NONE;
    iad_rng rng;
    iad_rng_init(&rng, 3, 7);
    iad_mat data[PARTS], x = mat_new(ROWS, OUTS, OUTS, IAD_BF16), first = mat_new(ROWS, IN, IN, IAD_F32), y = mat_new(ROWS, IN, IN, IAD_F32);
    iad_weight_spec spec = stacked(&rng, IN, IAD_BF16, 1, data);
    mat_random(x, &rng, 1);
    for (int threads = 1; threads <= 5; threads++) {
        iad_device *device;
        iad_queue *queue;
        iad_weight *w;
        assert_ok(iad_device_cpu_new(threads, IAD_CPU_AUTO, &device, &err));
        assert_ok(device->ops->queue_new(device, &queue, &err));
        assert_ok(device->ops->weight_new(device, &spec, &w, &err));
        assert_ok(device->ops->linear(queue, x, w, IAD_STORE_SET, threads == 1 ? first : y, &err));
        if (threads > 1) mat_check_equal(y, first, "threads");
        device->ops->weight_free(device, w);
        device->ops->queue_free(queue);
        iad_device_free(device);
    }
    parts_free(data);
    mat_free(x);
    mat_free(first);
    mat_free(y);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_products),
        cmocka_unit_test(test_set_equals_new),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_thread_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
