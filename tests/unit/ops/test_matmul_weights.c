/* Packing: stacked parts, types of sources, mapped files, errors; products from several threads; poisoned numbers. */
#include "tests/unit/iad_test.h"

#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "runtime/cpu/cpu_device.h"
#include "runtime/cpu/matmul.h"
#include "runtime/cpu/pack.h"

static float *random_values(size_t n, uint64_t seed) {
    float *v = iad_alloc(n, sizeof *v);
    assert_non_null(v);
    iad_rng rng;
    iad_rng_init(&rng, seed, 3);
    for (size_t i = 0; i < n; i++) v[i] = (float)iad_rng_range(&rng, -1.0, 1.0);
    return v;
}

/* y of one product on a fresh queue. */
static void product(iad_device *device, const iad_weight *w, iad_dtype x_type, const void *x, int64_t rows, int64_t n_in, float *y,
                    int64_t n_out) {
    iad_err err = IAD_ERR_NONE;
    iad_queue *queue;
    assert_ok(iad_cpu_op_queue_new(device, &queue, &err));
    union {
        const void *in;
        void *out;
    } u = {x};
    assert_ok(iad_cpu_linear(queue, (iad_mat){u.out, rows, n_in, n_in, x_type}, w, IAD_STORE_SET,
                             (iad_mat){y, rows, n_out, n_out, IAD_F32}, &err));
    iad_cpu_op_queue_free(queue);
}

/* q|k|v of odd sizes, only some with a bias, in different types, against each part alone. */
static void test_parts(void **state) {
    (void)state;
    enum { IN = 76, ROWS = 7, PARTS = 4, ALL = 130 + 7 + 64 + 1 };
    static const int64_t outs[PARTS] = {130, 7, 64, 1};
    static const iad_dtype types[PARTS] = {IAD_F32, IAD_BF16, IAD_F16, IAD_I8};
    static const iad_dtype storages[] = {IAD_F32, IAD_BF16, IAD_I8};
    iad_err err = IAD_ERR_NONE;
    iad_device *device;
    assert_ok(iad_device_cpu_new(2, IAD_CPU_AUTO, &device, &err));
    float *x = random_values(ROWS * IN, 1);
    uint16_t *half = iad_alloc(ROWS * IN, 2);
    iad_f32_to_bf16_array(x, ROWS * IN, half);
    void *data[PARTS];
    float *bias[PARTS], scale[130];
    for (int i = 0; i < 130; i++) scale[i] = 0.01f;
    for (int p = 0; p < PARTS; p++) {
        size_t n = (size_t)outs[p] * IN;
        float *v = random_values(n, 10 + (uint64_t)p);
        /* One byte more: the source may start anywhere. */
        data[p] = iad_alloc(n + 1, 4);
        char *odd = (char *)data[p] + 1;
        if (types[p] == IAD_I8)
            for (size_t i = 0; i < n; i++) odd[i] = (char)(v[i] * 127.0f);
        else assert_ok(iad_dtype_from_f32(types[p], v, n, odd, &err));
        free(v);
        bias[p] = p % 2 == 0 ? random_values((size_t)outs[p], 20 + (uint64_t)p) : NULL;
    }
    for (int s = 0; s < 3; s++) {
        iad_dtype x_type = storages[s] == IAD_F32 ? IAD_F32 : IAD_BF16;
        const void *in = x_type == IAD_F32 ? (void *)x : (void *)half;
        iad_weight_spec spec = {.name = "qkv", .n_parts = PARTS, .n_in = IN, .storage = storages[s]};
        for (int p = 0; p < PARTS; p++)
            spec.parts[p] = (iad_weight_part){(char *)data[p] + 1, types[p], outs[p], types[p] == IAD_I8 ? scale : NULL, bias[p]};
        iad_weight *w;
        static float all[ROWS * ALL], one[ROWS * 130];
        assert_ok(iad_cpu_weight_new(device, &spec, &w, &err));
        product(device, w, x_type, in, ROWS, IN, all, ALL);
        iad_cpu_weight_free(device, w);
        int64_t col = 0;
        for (int p = 0; p < PARTS; p++) {
            iad_weight_spec single = {.name = "part", .n_parts = 1, .n_in = IN, .storage = storages[s]};
            single.parts[0] = spec.parts[p];
            assert_ok(iad_cpu_weight_new(device, &single, &w, &err));
            product(device, w, x_type, in, ROWS, IN, one, outs[p]);
            for (int r = 0; r < ROWS; r++)
                assert_memory_equal(all + r * ALL + col, one + r * outs[p], (size_t)outs[p] * sizeof(float));
            iad_cpu_weight_free(device, w);
            col += outs[p];
        }
    }
    for (int p = 0; p < PARTS; p++) {
        free(data[p]);
        free(bias[p]);
    }
    free(x);
    free(half);
    iad_cpu_device_free(device);
}

/* The same bytes with any number of threads. */
static void test_thread_counts(void **state) {
    (void)state;
    enum { IN = 300, OUT = 333, ROWS = 500 };
    static const iad_dtype storages[] = {IAD_F32, IAD_BF16, IAD_I8};
    iad_err err = IAD_ERR_NONE;
    float *v = random_values(IN * OUT, 1), *x = random_values(ROWS * IN, 2);
    uint16_t *half = iad_alloc(ROWS * IN, 2);
    iad_f32_to_bf16_array(x, ROWS * IN, half);
    float *first = iad_alloc(ROWS * OUT, sizeof *first), *y = iad_alloc(ROWS * OUT, sizeof *y);
    for (int s = 0; s < 3; s++)
        for (int threads = 1; threads <= 7; threads += 2) {
            iad_device *device;
            iad_weight *w;
            iad_weight_spec spec = {.name = "w", .n_parts = 1, .n_in = IN, .storage = storages[s]};
            spec.parts[0] = (iad_weight_part){.data = v, .dtype = IAD_F32, .n_out = OUT};
            assert_ok(iad_device_cpu_new(threads, IAD_CPU_AUTO, &device, &err));
            assert_ok(iad_cpu_weight_new(device, &spec, &w, &err));
            if (storages[s] == IAD_F32) product(device, w, IAD_F32, x, ROWS, IN, threads == 1 ? first : y, OUT);
            else product(device, w, IAD_BF16, half, ROWS, IN, threads == 1 ? first : y, OUT);
            if (threads > 1) assert_memory_equal(first, y, ROWS * OUT * sizeof *y);
            iad_cpu_weight_free(device, w);
            iad_cpu_device_free(device);
        }
    free(v);
    free(x);
    free(half);
    free(first);
    free(y);
}

typedef struct worker {
    iad_device *device;
    const iad_weight *w;
    const uint16_t *x;
    const float *want;
    int wrong;
} worker;

enum { SHARED_IN = 512, SHARED_OUT = 300, SHARED_ROWS = 37 };

static void *work(void *arg) {
    worker *job = arg;
    iad_queue *queue;
    float *y = iad_alloc(SHARED_ROWS * SHARED_OUT, sizeof *y);
    uint16_t *x = iad_alloc(SHARED_ROWS * SHARED_IN, 2);
    if (y == NULL || x == NULL || iad_cpu_op_queue_new(job->device, &queue, NULL) != IAD_OK) {
        job->wrong = 1;
        return NULL;
    }
    memcpy(x, job->x, SHARED_ROWS * SHARED_IN * 2);
    for (int i = 0; i < 40; i++) {
        int64_t rows = 1 + i % SHARED_ROWS;
        job->wrong |= iad_cpu_linear(queue, (iad_mat){x, rows, SHARED_IN, SHARED_IN, IAD_BF16}, job->w, IAD_STORE_SET,
                                     (iad_mat){y, rows, SHARED_OUT, SHARED_OUT, IAD_F32}, NULL) != IAD_OK;
        job->wrong |= memcmp(y, job->want, (size_t)rows * SHARED_OUT * sizeof *y) != 0;
    }
    iad_cpu_op_queue_free(queue);
    free(y);
    free(x);
    return NULL;
}

static void test_queues_in_parallel(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_device *device;
    assert_ok(iad_device_cpu_new(2, IAD_CPU_AUTO, &device, &err));
    float *v = random_values(SHARED_IN * SHARED_OUT, 1), *x = random_values(SHARED_ROWS * SHARED_IN, 2);
    uint16_t *half = iad_alloc(SHARED_ROWS * SHARED_IN, 2);
    iad_f32_to_bf16_array(x, SHARED_ROWS * SHARED_IN, half);
    float *want = iad_alloc(SHARED_ROWS * SHARED_OUT, sizeof *want);
    for (int s = 0; s < 2; s++) {
        iad_weight_spec spec = {.name = "w", .n_parts = 1, .n_in = SHARED_IN, .storage = s == 0 ? IAD_BF16 : IAD_I8};
        spec.parts[0] = (iad_weight_part){.data = v, .dtype = IAD_F32, .n_out = SHARED_OUT};
        iad_weight *w;
        assert_ok(iad_cpu_weight_new(device, &spec, &w, &err));
        product(device, w, IAD_BF16, half, SHARED_ROWS, SHARED_IN, want, SHARED_OUT);
        worker jobs[3];
        pthread_t threads[3];
        for (int t = 0; t < 3; t++) {
            jobs[t] = (worker){device, w, half, want, 0};
            assert_int_equal(pthread_create(&threads[t], NULL, work, &jobs[t]), 0);
        }
        for (int t = 0; t < 3; t++) {
            assert_int_equal(pthread_join(threads[t], NULL), 0);
            assert_int_equal(jobs[t].wrong, 0);
        }
        iad_cpu_weight_free(device, w);
    }
    free(v);
    free(x);
    free(half);
    free(want);
    iad_cpu_device_free(device);
}

/* Pages of a mapped file may go, ordinary memory never. */
static void test_mapped_source(void **state) {
    (void)state;
    enum { IN = 1024, OUT = 700 };
    size_t bytes = (size_t)IN * OUT * sizeof(float);
    float *v = random_values(IN * OUT, 1), *x = random_values(IN, 2), a[OUT], b[OUT];
    char path[] = "/tmp/iad_matmul_XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, v, bytes), (ssize_t)bytes);
    void *read_only = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, fd, 0);
    void *writable = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    assert_true(read_only != MAP_FAILED && writable != MAP_FAILED);
    assert_int_equal(iad_pages_droppable(read_only, bytes), 1);
    assert_int_equal(iad_pages_droppable((char *)read_only + 4, bytes - 4), 1);
    assert_int_equal(iad_pages_droppable(writable, bytes), 0);
    assert_int_equal(iad_pages_droppable(v, bytes), 0);
    assert_int_equal(iad_pages_droppable(read_only, 0), 0);
    assert_int_equal(iad_pages_droppable(read_only, bytes + (1 << 20)), 0);
    memset(writable, 0, 4096);
    iad_err err = IAD_ERR_NONE;
    iad_device *device;
    assert_ok(iad_device_cpu_new(2, IAD_CPU_AUTO, &device, &err));
    const void *sources[] = {v, read_only};
    for (int i = 0; i < 2; i++) {
        iad_weight_spec spec = {.name = "w", .n_parts = 1, .n_in = IN, .storage = IAD_F32};
        spec.parts[0] = (iad_weight_part){.data = sources[i], .dtype = IAD_F32, .n_out = OUT};
        iad_weight *w;
        assert_ok(iad_cpu_weight_new(device, &spec, &w, &err));
        product(device, w, IAD_F32, x, 1, IN, i == 0 ? a : b, OUT);
        iad_cpu_weight_free(device, w);
    }
    assert_memory_equal(a, b, sizeof a);
    assert_memory_equal(read_only, v, bytes); /* still readable, still the same */
    assert_int_equal(munmap(read_only, bytes), 0);
    assert_int_equal(munmap(writable, bytes), 0);
    assert_int_equal(close(fd), 0);
    assert_int_equal(unlink(path), 0);
    free(v);
    free(x);
    iad_cpu_device_free(device);
}

/* A NaN or an infinity shows in the outputs of its row and nowhere else; a row of zeros gives the bias. */
static void test_poison(void **state) {
    (void)state;
    enum { IN = 40, OUT = 5, ROWS = 4 };
    static const iad_dtype storages[] = {IAD_F32, IAD_I8};
    iad_err err = IAD_ERR_NONE;
    iad_device *device;
    assert_ok(iad_device_cpu_new(1, IAD_CPU_AUTO, &device, &err));
    float *v = random_values(IN * OUT, 1), *x = random_values(ROWS * IN, 2), y[ROWS * OUT];
    float bias[OUT] = {1, 2, 3, 4, 5};
    x[0 * IN + 7] = NAN;
    x[1 * IN + 39] = INFINITY;
    for (int i = 0; i < IN; i++) x[2 * IN + i] = i % 2 ? 0.0f : -0.0f;
    for (int s = 0; s < 2; s++) {
        iad_weight_spec spec = {.name = "w", .n_parts = 1, .n_in = IN, .storage = storages[s]};
        spec.parts[0] = (iad_weight_part){.data = v, .dtype = IAD_F32, .n_out = OUT, .bias = bias};
        iad_weight *w;
        assert_ok(iad_cpu_weight_new(device, &spec, &w, &err));
        product(device, w, IAD_F32, x, ROWS, IN, y, OUT);
        for (int o = 0; o < OUT; o++) {
            assert_true(isnan(y[o]));
            assert_false(isfinite(y[OUT + o]));
            assert_true(y[2 * OUT + o] == bias[o]);
            assert_true(isfinite(y[3 * OUT + o]));
        }
        iad_cpu_weight_free(device, w);
    }
    free(v);
    free(x);
    iad_cpu_device_free(device);
}

static void test_errors(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_device *device;
    assert_ok(iad_device_cpu_new(1, IAD_CPU_AUTO, &device, &err));
    float v[12] = {0};
    iad_weight *w;
    iad_weight_spec good = {.name = "w", .n_parts = 1, .n_in = 4, .storage = IAD_F32}, bad;
    good.parts[0] = (iad_weight_part){.data = v, .dtype = IAD_F32, .n_out = 3};
#define REFUSED(code, change)                                               \
    bad = good;                                                             \
    change;                                                                 \
    assert_fails(code, iad_cpu_weight_new(device, &bad, &w, &err));         \
    assert_null(w);                                                         \
    assert_fails(code, iad_ref_weight_new(device, &bad, &w, &err));         \
    assert_null(w)
    REFUSED(IAD_ERR_ARG, bad.storage = IAD_F16);
    REFUSED(IAD_ERR_ARG, bad.n_parts = 0);
    REFUSED(IAD_ERR_ARG, bad.n_parts = IAD_WEIGHT_MAX_PARTS + 1);
    REFUSED(IAD_ERR_ARG, bad.n_in = 0);
    REFUSED(IAD_ERR_ARG, bad.parts[0].data = NULL);
    REFUSED(IAD_ERR_ARG, bad.parts[0].n_out = 0);
    REFUSED(IAD_ERR_ARG, bad.parts[0].dtype = IAD_I32);
    REFUSED(IAD_ERR_ARG, bad.parts[0].dtype = IAD_I8);
    REFUSED(IAD_ERR_LIMIT, bad.n_in = (1 << 24) + 1);
    REFUSED(IAD_ERR_LIMIT, bad.parts[0].n_out = (1 << 24) + 1);
    REFUSED(IAD_ERR_LIMIT, (bad.storage = IAD_I8, bad.n_in = (1 << 16) + 1));
    iad_queue *queue;
    assert_ok(iad_cpu_weight_new(device, &good, &w, &err));
    assert_ok(iad_cpu_op_queue_new(device, &queue, &err));
    float x[8] = {0}, y[6];
    iad_mat mx = {x, 2, 4, 4, IAD_F32}, my = {y, 2, 3, 3, IAD_F32}, m;
    assert_ok(iad_cpu_linear(queue, mx, w, IAD_STORE_SET, my, &err));
#define WRONG(which, change)                                                                                          \
    m = which;                                                                                                        \
    change;                                                                                                           \
    assert_fails(IAD_ERR_ARG, iad_cpu_linear(queue, &(which) == &mx ? m : mx, w, IAD_STORE_ADD, &(which) == &my ? m : my, &err))
    WRONG(mx, m.rows = 1);
    WRONG(mx, m.cols = 3);
    WRONG(mx, m.stride = 3);
    WRONG(mx, m.dtype = IAD_BF16);
    WRONG(my, m.cols = 2);
    WRONG(my, m.dtype = IAD_BF16);
    WRONG(my, m.dtype = IAD_F16);
    mx.rows = my.rows = 0;
    assert_ok(iad_cpu_linear(queue, mx, w, IAD_STORE_SET, my, &err));
    iad_cpu_op_queue_free(queue);
    iad_cpu_weight_free(device, w);
    iad_cpu_weight_free(device, NULL);
    iad_ref_weight_free(device, NULL);
    iad_cpu_device_free(device);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts),         cmocka_unit_test(test_thread_counts), cmocka_unit_test(test_queues_in_parallel),
        cmocka_unit_test(test_mapped_source), cmocka_unit_test(test_poison),        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
