#include "bench/probe/probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "runtime/cpu/cpu_device.h"
#include "runtime/cpu/matmul.h"
#include "bench/probe/onednn.h"
#include "runtime/cpu/pack.h"

static double now(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Eight sums at a time, so that no addition waits for another, and lines asked for well ahead, as the products do. */
static uint64_t read_lines(const uint64_t *data, size_t n) {
    enum { AHEAD = 2048 / sizeof(uint64_t) };
    uint64_t sum[8] = {0};
    for (size_t i = 0; i + 8 <= n; i += 8) {
        __builtin_prefetch((const char *)data + (i + AHEAD) * sizeof *data, 0, 3);
        for (int j = 0; j < 8; j++) sum[j] ^= data[i + (size_t)j];
    }
    return sum[0] ^ sum[1] ^ sum[2] ^ sum[3] ^ sum[4] ^ sum[5] ^ sum[6] ^ sum[7];
}

iad_status iad_probe_read(iad_device *device, size_t bytes, int repeats, double *rate, iad_err *err) {
    *rate = 0.0;
    if (bytes < (size_t)1 << 20 || repeats < 1) return IAD_FAIL(err, IAD_ERR_ARG, "read probe: %zu bytes", bytes);
    int threads = iad_cpu_threads(device);
    size_t words = bytes / sizeof(uint64_t);
    uint64_t *data = iad_cpu_alloc(device, bytes);
    if (data == NULL) return IAD_NOMEM(err, "the read probe");
    uint64_t seen = 0;
    for (int pass = -1; pass < repeats; pass++) {
        double start = now();
#pragma omp parallel for num_threads(threads) schedule(static) reduction(^ : seen)
        for (int t = 0; t < threads; t++) {
            size_t from = words * (size_t)t / (size_t)threads, to = words * ((size_t)t + 1) / (size_t)threads;
            if (pass < 0) memset(data + from, t + 1, (to - from) * sizeof *data);
            else seen ^= read_lines(data + from, to - from);
        }
        double seconds = now() - start, gbs = 1e-9 * (double)bytes / seconds;
        if (pass >= 0 && gbs > *rate) *rate = gbs;
        /* The compiler must believe that the sum is wanted. */
        __asm__ volatile("" : : "r"(seen) : "memory");
    }
    iad_cpu_release(device, data);
    return IAD_OK;
}

/* Small numbers that are different everywhere; the same every time. */
static void fill(float *values, size_t n, uint32_t seed) {
    uint32_t state = seed * 2654435761u + 1u;
    for (size_t i = 0; i < n; i++) {
        state = state * 1664525u + 1013904223u;
        values[i] = (float)(int32_t)state * 0x1p-34f;
    }
}

/* Weights, and inputs of type `x_type` (U8: any bytes). */
static iad_status setup(iad_device *device, iad_dtype storage, iad_dtype x_type, int64_t rows, int64_t n_in, int64_t n_out,
                        iad_weight **weight, void **x, iad_err *err) {
    size_t n = (size_t)n_in * (size_t)n_out, m = (size_t)rows * (size_t)n_in, most = n > m ? n : m;
    *x = iad_cpu_alloc(device, m * iad_dtype_size(x_type));
    float *values = iad_alloc(most, sizeof *values);
    iad_status status = *x != NULL && values != NULL ? IAD_OK : IAD_NOMEM(err, "the product probe");
    if (status == IAD_OK) {
        fill(values, n, 1);
        iad_weight_spec spec = {.name = "probe", .n_parts = 1, .n_in = n_in, .storage = storage};
        spec.parts[0] = (iad_weight_part){.data = values, .dtype = IAD_F32, .n_out = n_out};
        status = iad_cpu_weight_new(device, &spec, weight, err);
    }
    if (status == IAD_OK) {
        fill(values, m, 2);
        if (x_type == IAD_U8)
            for (size_t i = 0; i < m; i++) ((uint8_t *)*x)[i] = (uint8_t)(values[i] * 900.0f + 128.0f);
        else status = iad_dtype_from_f32(x_type, values, m, *x, err);
    }
    free(values);
    return status;
}

static int fits(iad_dtype storage, int64_t rows, int64_t n_in, int64_t n_out, int repeats) {
    return (storage == IAD_F32 || storage == IAD_BF16 || storage == IAD_I8) && rows > 0 && n_in > 0 && n_out > 0 && repeats > 0 &&
           rows < 1 << 20 && n_in < 1 << 20 && n_out < 1 << 20;
}

iad_status iad_probe_product(iad_device *device, iad_dtype storage, int64_t rows, int64_t n_in, int64_t n_out, int repeats,
                             iad_probe_product_result *result, iad_err *err) {
    memset(result, 0, sizeof *result);
    if (!fits(storage, rows, n_in, n_out, repeats)) return IAD_FAIL(err, IAD_ERR_ARG, "product probe: sizes");
    iad_weight *weight = NULL;
    iad_dnnl_product *product = NULL;
    void *x = NULL, *y = NULL, *scratch = NULL;
    iad_dnnl_kind kind = storage == IAD_F32 ? IAD_DNNL_F32 : storage == IAD_BF16 ? IAD_DNNL_BF16 : IAD_DNNL_I8;
    iad_status status = setup(device, storage, storage == IAD_I8 ? IAD_U8 : storage, rows, n_in, n_out, &weight, &x, err);
    if (status == IAD_OK)
        status = iad_dnnl_product_new(kind, rows, n_in, n_out, n_in, iad_cpu_threads(device), &product, err);
    if (status == IAD_OK) {
        y = iad_cpu_alloc(device, (size_t)rows * (size_t)n_out * 4);
        scratch = iad_cpu_alloc(device, iad_dnnl_product_scratch(product));
        if (y == NULL || scratch == NULL) status = IAD_NOMEM(err, "the product probe");
        (void)snprintf(result->implementation, sizeof result->implementation, "%s", iad_dnnl_product_name(product));
    }
    for (int pass = -1; pass < repeats && status == IAD_OK; pass++) {
        double start = now();
        status = iad_dnnl_product_run(product, x, weight->panels, y, scratch, err);
        double rate = 2e-9 * (double)rows * (double)n_in * (double)n_out / (now() - start);
        if (pass >= 0 && rate > result->rate) result->rate = rate;
    }
    iad_dnnl_product_free(product);
    iad_cpu_weight_free(device, weight);
    iad_cpu_release(device, x);
    iad_cpu_release(device, y);
    iad_cpu_release(device, scratch);
    return status;
}

iad_status iad_probe_linear(iad_device *device, iad_dtype storage, int64_t rows, int64_t n_in, int64_t n_out, int repeats,
                            double *rate, iad_err *err) {
    *rate = 0.0;
    if (!fits(storage, rows, n_in, n_out, repeats)) return IAD_FAIL(err, IAD_ERR_ARG, "product probe: sizes");
    iad_weight *weight = NULL;
    iad_queue *queue = NULL;
    void *x = NULL, *y = NULL;
    iad_dtype x_type = storage == IAD_F32 ? IAD_F32 : IAD_BF16;
    iad_status status = setup(device, storage, x_type, rows, n_in, n_out, &weight, &x, err);
    if (status == IAD_OK) status = iad_cpu_op_queue_new(device, &queue, err);
    if (status == IAD_OK && (y = iad_cpu_alloc(device, (size_t)rows * (size_t)n_out * 4)) == NULL)
        status = IAD_NOMEM(err, "the product probe");
    for (int pass = -1; pass < repeats && status == IAD_OK; pass++) {
        double start = now();
        status = iad_cpu_linear(queue, (iad_mat){x, rows, n_in, n_in, x_type}, weight, IAD_STORE_SET,
                                (iad_mat){y, rows, n_out, n_out, IAD_F32}, err);
        double speed = 2e-9 * (double)rows * (double)n_in * (double)n_out / (now() - start);
        if (pass >= 0 && speed > *rate) *rate = speed;
    }
    if (queue != NULL) iad_cpu_op_queue_free(queue);
    iad_cpu_weight_free(device, weight);
    iad_cpu_release(device, x);
    iad_cpu_release(device, y);
    return status;
}
