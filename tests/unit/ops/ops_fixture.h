/* Devices of every instruction set that this machine has and the simulated card, and matrices with canaries around them. */
#ifndef IAD_OPS_FIXTURE_H
#define IAD_OPS_FIXTURE_H

#include "tests/unit/iad_test.h"

#include <math.h>

#include "base/rng.h"
#include "runtime/device.h"

#ifndef IAD_CUDASIM
#define IAD_CUDASIM 0 /* 1 by the build where the simulator is linked */
#endif

#define UNUSED __attribute__((unused))

typedef struct fixture_device {
    const char *name;
    iad_device *device;
    iad_queue *queue;
    int is_cpu; /* has threads, an instruction set and scratch of runtime/cpu */
} fixture_device;

enum { MAX_DEVICES = 10 };

/* reference first; then every isa with one and with three threads; then the card of tests/cudasim where it was built: its memory is ordinary
 * memory, too. */
typedef struct fixture {
    fixture_device d[MAX_DEVICES];
    int n;
} fixture;

static void fixture_add(fixture *f, const char *name, iad_device *device) {
    iad_err err = IAD_ERR_NONE;
    f->d[f->n].name = name;
    f->d[f->n].device = device;
    f->d[f->n].is_cpu = strcmp(device->ops->name, "cuda") != 0;
    assert_ok(device->ops->queue_new(device, &f->d[f->n].queue, &err));
    f->n++;
}

static UNUSED void fixture_open(fixture *f) {
    static const struct {
        const char *name;
        iad_cpu_isa isa;
        int threads;
    } kinds[] = {{"plain", IAD_CPU_PLAIN, 1},    {"plain x3", IAD_CPU_PLAIN, 3},    {"avx2", IAD_CPU_AVX2, 1},
                 {"avx2 x3", IAD_CPU_AVX2, 3},   {"avx512", IAD_CPU_AVX512, 1},     {"avx512 x3", IAD_CPU_AVX512, 3},
                 {"amx", IAD_CPU_AMX, 1},        {"amx x3", IAD_CPU_AMX, 3}};
    iad_err err = IAD_ERR_NONE;
    iad_device *device;
    f->n = 0;
    assert_ok(iad_device_reference_new(&device, &err));
    fixture_add(f, "reference", device);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        iad_status status = iad_device_cpu_new(kinds[i].threads, kinds[i].isa, &device, &err);
        if (status == IAD_ERR_UNSUPPORTED) continue;
        assert_int_equal(status, IAD_OK);
        fixture_add(f, kinds[i].name, device);
    }
    if (!IAD_CUDASIM) return;
    assert_ok(iad_device_cuda_new(0, &device, &err));
    fixture_add(f, "cuda", device);
}

static UNUSED void fixture_close(fixture *f) {
    for (int i = 0; i < f->n; i++) {
        iad_device_memory memory;
        f->d[i].device->ops->queue_free(f->d[i].queue);
        iad_device_memory_get(f->d[i].device, &memory);
        assert_int_equal(memory.now, 0);
        iad_device_free(f->d[i].device);
    }
}

static const uint8_t CANARY = 0xa5;

/* A matrix in memory of the test's own (that is what CPU devices take), stride >= cols; everything outside the elements is canary. */
static UNUSED iad_mat mat_new(int64_t rows, int64_t cols, int64_t stride, iad_dtype dtype) {
    size_t bytes = (size_t)(rows * stride + 16) * iad_dtype_size(dtype);
    iad_mat m = {.data = test_malloc(bytes), .rows = rows, .cols = cols, .stride = stride, .dtype = dtype};
    memset(m.data, CANARY, bytes);
    return m;
}

static UNUSED float mat_get(iad_mat m, int64_t r, int64_t c) {
    const char *at = (const char *)m.data + (size_t)(r * m.stride + c) * iad_dtype_size(m.dtype);
    float f;
    uint16_t bits;
    if (m.dtype == IAD_F32) {
        memcpy(&f, at, sizeof f);
        return f;
    }
    memcpy(&bits, at, sizeof bits);
    return m.dtype == IAD_BF16 ? iad_bf16_to_f32(bits) : iad_f16_to_f32(bits);
}

static UNUSED void mat_put(iad_mat m, int64_t r, int64_t c, float f) {
    char *at = (char *)m.data + (size_t)(r * m.stride + c) * iad_dtype_size(m.dtype);
    uint16_t bits = m.dtype == IAD_BF16 ? iad_f32_to_bf16(f) : iad_f32_to_f16(f);
    if (m.dtype == IAD_F32) memcpy(at, &f, sizeof f);
    else memcpy(at, &bits, sizeof bits);
}

/* Roughly normal, times `size`. */
static UNUSED void mat_random(iad_mat m, iad_rng *rng, float size) {
    for (int64_t r = 0; r < m.rows; r++)
        for (int64_t c = 0; c < m.cols; c++) {
            double sum = -2;
            for (int k = 0; k < 4; k++) sum += iad_rng_unit(rng);
            mat_put(m, r, c, (float)(sum * 1.73) * size);
        }
}

static UNUSED iad_mat mat_like(iad_mat m) {
    iad_mat copy = mat_new(m.rows, m.cols, m.stride, m.dtype);
    memcpy(copy.data, m.data, (size_t)(m.rows * m.stride) * iad_dtype_size(m.dtype));
    return copy;
}

/* The gaps between rows and the elements behind the last row are as mat_new made them. */
static UNUSED void mat_check_canary(iad_mat m) {
    size_t size = iad_dtype_size(m.dtype);
    const uint8_t *p = m.data;
    for (int64_t r = 0; r <= m.rows; r++) {
        size_t from = (size_t)(r * m.stride + (r < m.rows ? m.cols : 0)) * size;
        size_t to = (size_t)(r < m.rows ? (r + 1) * m.stride : r * m.stride + 16) * size;
        for (size_t i = from; i < to; i++) assert_int_equal(p[i], CANARY);
    }
}

static UNUSED void mat_check_equal(iad_mat a, iad_mat b, const char *what) {
    size_t size = iad_dtype_size(a.dtype);
    for (int64_t r = 0; r < a.rows; r++)
        if (a.cols > 0 && memcmp((char *)a.data + (size_t)(r * a.stride) * size, (char *)b.data + (size_t)(r * b.stride) * size,
                                 (size_t)a.cols * size) != 0)
            fail_msg("%s: row %lld differs", what, (long long)r);
}

/* |a - b| <= absolute + relative * |b| everywhere; b is the oracle. */
static UNUSED void mat_check_close(iad_mat a, iad_mat b, double absolute, double relative, const char *what) {
    for (int64_t r = 0; r < a.rows; r++)
        for (int64_t c = 0; c < a.cols; c++) {
            double x = (double)mat_get(a, r, c), y = (double)mat_get(b, r, c);
            if (x == y) continue;
            if (!(fabs(x - y) <= absolute + relative * fabs(y)))
                fail_msg("%s: (%lld, %lld) is %.9g, expected %.9g", what, (long long)r, (long long)c, x, y);
        }
}

/* Largest |a - b|. */
static UNUSED double mat_worst(iad_mat a, iad_mat b) {
    double worst = 0;
    for (int64_t r = 0; r < a.rows; r++)
        for (int64_t c = 0; c < a.cols; c++) {
            double x = fabs((double)mat_get(a, r, c) - (double)mat_get(b, r, c));
            if (!(x <= worst)) worst = x;
        }
    return worst;
}

static UNUSED void mat_free(iad_mat m) { test_free(m.data); }

#endif
