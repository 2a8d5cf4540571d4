/* What only a card has, on the simulated one: errors of driver and memory in words, products of every kind against the reference, borrowed
 * copies, transfers in pieces, scratch of odd shapes. Skipped where no C++ compiler built the simulator. */
#include "tests/unit/ops/ops_fixture.h"

#include "base/alloc.h"

#if IAD_CUDASIM
#include "tests/cudasim/cudasim.h"

/* Opening a card fails with these words. */
static void check_refused(const char *function, const char *error, iad_status code, const char *words) {
    iad_err err = IAD_ERR_NONE;
    iad_device *device;
    iad_cudasim_fail(function, 0, error);
    assert_int_equal(iad_device_new("cuda", 0, &device, &err), code);
    assert_null(device);
    if (strstr(err.msg, words) == NULL || strstr(err.msg, "cuda:0") == NULL) fail_msg("\"%s\" does not say \"%s\"", err.msg, words);
    iad_cudasim_fail(NULL, 0, NULL);
}

static void test_opening(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_device *device;
    check_refused("cudaGetDeviceCount", "cudaErrorNoDevice", IAD_ERR_UNSUPPORTED, "nvidia-smi");
    check_refused("cudaGetDeviceCount", "cudaErrorInsufficientDriver", IAD_ERR_UNSUPPORTED, "newer driver");
    check_refused("cudaSetDevice", "cudaErrorDevicesUnavailable", IAD_ERR_UNSUPPORTED, "busy");
    check_refused("cudaGetDeviceProperties", "cudaErrorECCUncorrectable", IAD_ERR_UNSUPPORTED, "ECC");
    check_refused("cudaGetDeviceProperties", "cudaErrorIllegalAddress", IAD_ERR_INTERNAL, "cannot use the card any more");
    assert_fails(IAD_ERR_UNSUPPORTED, iad_device_new("cuda:2", 0, &device, &err));
    assert_non_null(strstr(err.msg, "2 cards"));
    iad_cudasim_capability_set(7, 5);
    assert_fails(IAD_ERR_UNSUPPORTED, iad_device_new("cuda:1", 0, &device, &err));
    assert_non_null(strstr(err.msg, "7.5"));
    iad_cudasim_capability_set(9, 0);
    assert_ok(iad_device_new("cuda:1", 0, &device, &err));
    assert_string_equal(device->ops->name, "cuda");
    iad_device_free(device);
}

/* A card of 100 MB: what does not fit says what was wanted and what is free, and leaves nothing behind. */
static void test_full(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_device *device;
    iad_queue *queue;
    iad_weight *w;
    iad_device_memory memory;
    void *data;
    iad_cudasim_memory_set((size_t)100 << 20);
    assert_ok(iad_device_cuda_new(0, &device, &err));
    const iad_ops *ops = device->ops;
    assert_ok(ops->alloc(device, (size_t)60 << 20, &data, &err));
    void *more;
    assert_fails(IAD_ERR_NOMEM, ops->alloc(device, (size_t)50 << 20, &more, &err));
    assert_null(more);
    assert_non_null(strstr(err.msg, "52428800 bytes"));
    assert_non_null(strstr(err.msg, "0.04 of 0.10 GiB are free"));
    float *v = iad_calloc((size_t)4096 * 4096, sizeof *v);
    iad_weight_spec spec = {.name = "layers.7.down", .n_parts = 1, .n_in = 4096, .storage = IAD_F32};
    spec.parts[0] = (iad_weight_part){.data = v, .dtype = IAD_F32, .n_out = 4096};
    assert_fails(IAD_ERR_NOMEM, ops->weight_new(device, &spec, &w, &err));
    assert_null(w);
    assert_non_null(strstr(err.msg, "layers.7.down"));
    /* A product whose workspace does not fit. */
    spec.parts[0].n_out = 16;
    assert_ok(ops->queue_new(device, &queue, &err));
    assert_ok(ops->weight_new(device, &spec, &w, &err));
    assert_ok(ops->alloc(device, (size_t)20 << 20, &more, &err));
    float x[4096] = {0}, y[16];
    iad_mat mx = {x, 1, 4096, 4096, IAD_F32}, my = {y, 1, 16, 16, IAD_F32};
    assert_fails(IAD_ERR_NOMEM, ops->linear(queue, mx, w, IAD_STORE_SET, my, &err));
    ops->release(device, more);
    ops->release(device, data);
    assert_ok(ops->linear(queue, mx, w, IAD_STORE_SET, my, &err)); /* it fits now */
    ops->weight_free(device, w);
    ops->queue_free(queue);
    iad_device_memory_get(device, &memory);
    assert_int_equal(memory.now, 0);
    iad_device_free(device);
    iad_cudasim_memory_set((size_t)4 << 30);
    free(v);
}

static void test_borrowed_once(void **state) {
    (void)state;
    static const char text[] = "a table of a checkpoint";
    iad_err err = IAD_ERR_NONE;
    iad_device *device;
    iad_device_memory one, two;
    void *a, *b, *c;
    assert_ok(iad_device_cuda_new(0, &device, &err));
    assert_ok(device->ops->borrow(device, text, sizeof text, &a, &err));
    iad_device_memory_get(device, &one);
    assert_ok(device->ops->borrow(device, text, sizeof text, &b, &err));
    assert_ok(device->ops->borrow(device, text, sizeof text - 1, &c, &err));
    iad_device_memory_get(device, &two);
    assert_ptr_equal(a, b);
    assert_ptr_not_equal(a, c);
    assert_ptr_not_equal(a, text);
    assert_int_equal(two.now, 2 * one.now);
    device->ops->unborrow(device, a);
    assert_memory_equal(b, text, sizeof text); /* still the other's */
    device->ops->unborrow(device, b);
    device->ops->unborrow(device, c);
    iad_device_memory_get(device, &one);
    assert_int_equal(one.now, 0);
    iad_device_free(device);
}

/* Sizes around the pieces of the pinned memory, there and back, many times. */
static void test_large_transfers(void **state) {
    (void)state;
    static const size_t sizes[] = {1, 255, (4 << 20) - 1, 4 << 20, (4 << 20) + 1, (8 << 20) + 3, (13 << 20) + 77};
    iad_err err = IAD_ERR_NONE;
    iad_device *device;
    iad_queue *queue;
    assert_ok(iad_device_cuda_new(0, &device, &err));
    assert_ok(device->ops->queue_new(device, &queue, &err));
    iad_rng rng;
    iad_rng_init(&rng, 1, 2);
    for (size_t i = 0; i < 2 * sizeof sizes / sizeof *sizes; i++) {
        size_t n = sizes[i % (sizeof sizes / sizeof *sizes)];
        unsigned char *there = iad_alloc(n, 1), *back = iad_calloc(n, 1);
        void *data;
        for (size_t k = 0; k < n; k++) there[k] = (unsigned char)(k * 2654435761u >> 13);
        assert_ok(device->ops->alloc(device, n, &data, &err));
        assert_ok(device->ops->upload(queue, data, there, n, &err));
        assert_ok(device->ops->download(queue, back, data, n, &err));
        assert_memory_equal(there, back, n);
        device->ops->release(device, data);
        free(there);
        free(back);
    }
    iad_cudasim_fail("cudaMemcpyAsync", 0, "cudaErrorIllegalAddress");
    void *data;
    assert_ok(device->ops->alloc(device, 8, &data, &err));
    assert_fails(IAD_ERR_INTERNAL, device->ops->upload(queue, data, "1234567", 8, &err));
    device->ops->release(device, data);
    device->ops->queue_free(queue);
    iad_device_free(device);
}

/* Every storage, input type, output type and store, with biases that bf16 can and cannot hold, odd strides and addresses. */
static void test_products(void **state) {
    (void)state;
    static const int64_t ins[] = {1, 7, 64, 130}, outs[] = {1, 16, 65}, rows[] = {0, 1, 5, 33};
    static const iad_dtype storages[] = {IAD_F32, IAD_BF16, IAD_I8};
    iad_err err = IAD_ERR_NONE;
    fixture f;
    fixture_open(&f);
    const fixture_device *card = &f.d[f.n - 1], *oracle = &f.d[0];
    const iad_ops *ops = card->device->ops;
    for (int shape = 0; shape < 4 * 3 * 4; shape++)
        for (int kind = 0; kind < 3 * 2 * 3 * 3; kind++) {
            int64_t n_in = ins[shape % 4], n_out = outs[shape / 4 % 3], n = rows[shape / 12];
            iad_dtype storage = storages[kind % 3], to = kind / 3 % 2 ? IAD_BF16 : IAD_F32;
            int bias_kind = kind / 6 % 3, odd = kind / 18;
            iad_store store = odd == 2 && to == IAD_F32 ? IAD_STORE_ADD : IAD_STORE_SET;
            iad_dtype from = storage == IAD_F32 || (storage == IAD_I8 && odd == 1) ? IAD_F32 : IAD_BF16;
            iad_rng rng;
            iad_rng_init(&rng, (uint64_t)shape, 3);
            iad_mat w = mat_new(n_out, n_in, n_in, IAD_F32), bias = mat_new(1, n_out, n_out, IAD_F32);
            iad_mat x = mat_new(n, n_in, n_in + odd, from), y = mat_new(n, n_out, n_out + odd, to), expected;
            mat_random(w, &rng, 1);
            mat_random(bias, &rng, 1);
            mat_random(x, &rng, 1);
            mat_random(y, &rng, 1);
            for (int64_t o = 0; bias_kind == 2 && o < n_out; o++) mat_put(bias, 0, o, (float)(o - 8) * 0.25f); /* exact in bf16 */
            expected = mat_like(y);
            iad_weight_spec spec = {.name = "w", .n_parts = 1, .n_in = n_in, .storage = storage};
            spec.parts[0] = (iad_weight_part){.data = w.data, .dtype = IAD_F32, .n_out = n_out, .bias = bias_kind > 0 ? bias.data : NULL};
            iad_weight *ours, *theirs;
            assert_ok(ops->weight_new(card->device, &spec, &ours, &err));
            assert_ok(oracle->device->ops->weight_new(oracle->device, &spec, &theirs, &err));
            assert_ok(oracle->device->ops->linear(oracle->queue, x, theirs, store, expected, &err));
            assert_ok(ops->linear(card->queue, x, ours, store, y, &err));
            mat_check_canary(y);
            if (storage == IAD_I8) mat_check_equal(y, expected, "integers");
            else mat_check_close(y, expected, to == IAD_BF16 ? 1e-4 : 2e-5, to == IAD_BF16 ? 1.0 / 128 : 1e-5, "product");
            ops->weight_free(card->device, ours);
            oracle->device->ops->weight_free(oracle->device, theirs);
            mat_free(w);
            mat_free(bias);
            mat_free(x);
            mat_free(y);
            mat_free(expected);
        }
    fixture_close(&f);
}

/* Integer products of rows that are poisoned or empty, and of parts with scales of their own. */
static void test_poisoned_rows(void **state) {
    (void)state;
    enum { IN = 40, OUT = 5, ROWS = 4 };
    iad_err err = IAD_ERR_NONE;
    fixture f;
    fixture_open(&f);
    const fixture_device *card = &f.d[f.n - 1];
    int8_t q[OUT * IN];
    float scale[OUT] = {1, 0.5f, 0.25f, 2, 1}, bias[OUT] = {1, 2, 3, 4, 5};
    for (int i = 0; i < OUT * IN; i++) q[i] = (int8_t)(i % 255 - 127);
    iad_weight_spec spec = {.name = "w", .n_parts = 1, .n_in = IN, .storage = IAD_I8};
    spec.parts[0] = (iad_weight_part){.data = q, .dtype = IAD_I8, .n_out = OUT, .scale = scale, .bias = bias};
    iad_rng rng;
    iad_rng_init(&rng, 5, 5);
    iad_mat x = mat_new(ROWS, IN, IN, IAD_F32), y = mat_new(ROWS, OUT, OUT, IAD_F32), expected = mat_new(ROWS, OUT, OUT, IAD_F32);
    mat_random(x, &rng, 1);
    mat_put(x, 0, 7, NAN);
    mat_put(x, 1, 39, INFINITY);
    for (int i = 0; i < IN; i++) mat_put(x, 2, i, i % 2 ? 0.0f : -0.0f);
    iad_weight *w, *theirs;
    assert_ok(card->device->ops->weight_new(card->device, &spec, &w, &err));
    assert_ok(f.d[0].device->ops->weight_new(f.d[0].device, &spec, &theirs, &err));
    assert_ok(card->device->ops->linear(card->queue, x, w, IAD_STORE_SET, y, &err));
    assert_ok(f.d[0].device->ops->linear(f.d[0].queue, x, theirs, IAD_STORE_SET, expected, &err));
    for (int o = 0; o < OUT; o++) {
        assert_true(isnan(mat_get(y, 0, o)) && !isfinite(mat_get(y, 1, o)));
        assert_true(mat_get(y, 2, o) == bias[o]);
        assert_true(mat_get(y, 3, o) == mat_get(expected, 3, o));
    }
    card->device->ops->weight_free(card->device, w);
    f.d[0].device->ops->weight_free(f.d[0].device, theirs);
    mat_free(x);
    mat_free(y);
    mat_free(expected);
    fixture_close(&f);
}

/* Values that lie on the card go into a weight without passing through the host. */
static void test_weight_from_card(void **state) {
    (void)state;
    enum { IN = 70, OUT = 33, ROWS = 3 };
    iad_err err = IAD_ERR_NONE;
    fixture f;
    fixture_open(&f);
    const fixture_device *card = &f.d[f.n - 1];
    const iad_ops *ops = card->device->ops;
    iad_rng rng;
    iad_rng_init(&rng, 6, 5);
    iad_mat v = mat_new(OUT, IN, IN, IAD_F32), x = mat_new(ROWS, IN, IN, IAD_BF16);
    iad_mat a = mat_new(ROWS, OUT, OUT, IAD_F32), b = mat_new(ROWS, OUT, OUT, IAD_F32);
    mat_random(v, &rng, 1);
    mat_random(x, &rng, 1);
    void *there;
    assert_ok(ops->alloc(card->device, OUT * IN * sizeof(float), &there, &err));
    assert_ok(ops->upload(card->queue, there, v.data, OUT * IN * sizeof(float), &err));
    iad_weight_spec spec = {.name = "w", .n_parts = 1, .n_in = IN, .storage = IAD_BF16};
    spec.parts[0] = (iad_weight_part){.data = v.data, .dtype = IAD_F32, .n_out = OUT};
    iad_weight *from_host, *from_card;
    assert_ok(ops->weight_new(card->device, &spec, &from_host, &err));
    spec.parts[0].data = there;
    size_t before = iad_cudasim_copied();
    assert_ok(ops->weight_new(card->device, &spec, &from_card, &err));
    assert_int_equal(iad_cudasim_copied(), before);
    assert_ok(ops->linear(card->queue, x, from_host, IAD_STORE_SET, a, &err));
    assert_ok(ops->linear(card->queue, x, from_card, IAD_STORE_SET, b, &err));
    mat_check_equal(a, b, "from the card");
    spec.storage = IAD_I8;
    iad_weight *none;
    assert_fails(IAD_ERR_ARG, ops->weight_new(card->device, &spec, &none, &err));
    ops->weight_free(card->device, from_host);
    ops->weight_free(card->device, from_card);
    ops->release(card->device, there);
    mat_free(v);
    mat_free(x);
    mat_free(a);
    mat_free(b);
    fixture_close(&f);
}

/* What a graph test works on: rows of a table, normed and multiplied. */
typedef struct recorded {
    const iad_ops *ops;
    iad_mat table, row, y, all[3];
    const float *ones;
    const iad_weight *w;
    int32_t index[2];
} recorded;

static iad_status record_work(iad_queue *queue, void *arg, iad_err *err) {
    recorded *r = arg;
    IAD_TRY(r->ops->gather(queue, r->table, r->index, r->row, err));
    IAD_TRY(r->ops->rmsnorm(queue, r->row, r->ones, 0, r->row, err));
    return r->ops->linear(queue, r->row, r->w, IAD_STORE_SET, r->y, err);
}

/* Keeps the last result and changes the table, and the host's indices, which the graph must not see. */
static void record_between(void *arg, int run) {
    recorded *r = arg;
    r->all[run] = mat_like(r->y);
    for (int64_t c = 0; c < r->table.cols; c++) mat_put(r->table, 2, c, (float)(run + 1) * (float)(c % 3) - 1);
    r->index[0] = r->index[1] = 0;
}

static iad_status refused_work(iad_queue *queue, void *arg, iad_err *err) {
    recorded *r = arg;
    return r->ops->download(queue, r->index, r->table.data, 4, err);
}

static void test_recorded(void **state) {
    (void)state;
    enum { N = 24 };
    iad_err err = IAD_ERR_NONE;
    fixture f;
    fixture_open(&f);
    const fixture_device *card = &f.d[f.n - 1];
    float ones[N], w[N * N];
    iad_rng rng;
    iad_rng_init(&rng, 8, 8);
    for (int i = 0; i < N; i++) ones[i] = 1;
    for (int i = 0; i < N * N; i++) w[i] = (float)iad_rng_range(&rng, -1, 1);
    recorded r = {.ops = card->device->ops, .table = mat_new(4, N, N, IAD_F32), .row = mat_new(2, N, N, IAD_F32), .y = mat_new(2, N, N, IAD_F32),
                  .ones = ones, .index = {2, 1}};
    mat_random(r.table, &rng, 1);
    iad_weight_spec spec = {.name = "w", .n_parts = 1, .n_in = N, .storage = IAD_F32};
    spec.parts[0] = (iad_weight_part){.data = w, .dtype = IAD_F32, .n_out = N};
    iad_weight *weight;
    assert_ok(r.ops->weight_new(card->device, &spec, &weight, &err));
    r.w = weight;
    /* A queue's first product needs memory: not inside a recording. */
    assert_fails(IAD_ERR_INTERNAL, iad_cudasim_record(card->queue, record_work, &r, record_between, 1, &err));
    assert_fails(IAD_ERR_INTERNAL, iad_cudasim_record(card->queue, refused_work, &r, record_between, 1, &err));
    assert_ok(record_work(card->queue, &r, &err));
    memset(r.y.data, CANARY, 2 * N * sizeof(float));
    assert_ok(iad_cudasim_record(card->queue, record_work, &r, record_between, 2, &err));
    const unsigned char *untouched = r.all[0].data;
    for (size_t i = 0; i < 2 * N * sizeof(float); i++) assert_int_equal(untouched[i], CANARY); /* recorded is not run */
    r.index[0] = 2; /* the same without a graph; the table is one change further now */
    r.index[1] = 1;
    for (int run = 1; run <= 2; run++) {
        for (int64_t c = 0; c < N; c++) mat_put(r.table, 2, c, (float)run * (float)(c % 3) - 1);
        assert_ok(record_work(card->queue, &r, &err));
        mat_check_equal(r.all[run], r.y, "a run of the graph");
    }
    for (int i = 0; i < 3; i++) mat_free(r.all[i]);
    r.ops->weight_free(card->device, weight);
    mat_free(r.table);
    mat_free(r.row);
    mat_free(r.y);
    fixture_close(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_opening),  cmocka_unit_test(test_full),          cmocka_unit_test(test_borrowed_once),
            cmocka_unit_test(test_large_transfers),
        cmocka_unit_test(test_products), cmocka_unit_test(test_poisoned_rows), cmocka_unit_test(test_weight_from_card),
        cmocka_unit_test(test_recorded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
#else
int main(void) {
    (void)printf("skipped: no C++ compiler built the simulated card\n");
    return 0;
}
#endif
