/* The kernels of each instruction set against loops in double. */
#include "tests/unit/iad_test.h"

#include <math.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "bench/words/encrows.h"

static const iad_cpu_isa isas[] = {IAD_CPU_PLAIN, IAD_CPU_AVX2, IAD_CPU_AVX512};

/* NULL: this processor lacks the instructions. */
static const iad_encrow_kernels *kernels_of(iad_cpu_isa isa) {
    iad_err err = IAD_ERR_NONE;
    iad_device *device;
    if (iad_device_cpu_new(1, isa, &device, &err) != IAD_OK) return NULL;
    const iad_encrow_kernels *kernels = iad_encrow_kernels_of(device);
    iad_device_free(device);
    return kernels;
}

static float *numbers(size_t n, uint64_t stream, double scale) {
    float *x = iad_alloc(n, sizeof *x);
    iad_rng rng;
    assert_non_null(x);
    iad_rng_init(&rng, 5, stream);
    for (size_t i = 0; i < n; i++) x[i] = (float)(iad_rng_normal(&rng) * scale);
    return x;
}

static void check_layernorm(const iad_encrow_kernels *kernels, int n) {
    float *x = numbers((size_t)n, 1, 3), *weight = numbers((size_t)n, 2, 1), *bias = numbers((size_t)n, 3, 1), *y = numbers((size_t)n, 1, 3);
    double mean = 0, variance = 0;
    for (int i = 0; i < n; i++) mean += (double)x[i] / n;
    for (int i = 0; i < n; i++) variance += ((double)x[i] - mean) * ((double)x[i] - mean) / n;
    kernels->layernorm(y, weight, bias, 1e-5f, n);
    for (int i = 0; i < n; i++)
        assert_close((double)y[i], ((double)x[i] - mean) / sqrt(variance + (double)1e-5f) * (double)weight[i] + (double)bias[i], 2e-5);
    free(x);
    free(y);
    free(weight);
    free(bias);
}

/* Rows wider than a head, as in the product of queries, keys and values. */
static void check_attend(const iad_encrow_kernels *kernels, int n, int d_head, int biased) {
    const int64_t stride = 3 * d_head + 5, out_stride = d_head + 3;
    float *qkv = numbers((size_t)(n * stride), 7, 1.5), *out = numbers((size_t)(n * out_stride), 8, 1),
        *before = numbers((size_t)(n * out_stride), 8, 1);
    float *bias = numbers((size_t)(2 * n - 1 + IAD_ENC_SLACK), 9, 1), *work = iad_alloc_aligned(iad_encattend_floats(n, d_head), sizeof *work);
    double *p = iad_alloc((size_t)n, sizeof *p);
    assert_non_null(work);
    assert_non_null(p);
    iad_encattend job = {qkv, qkv + d_head, qkv + 2 * d_head, out, stride, out_stride, n, d_head, 0.4f, biased ? bias + n - 1 : NULL, work};
    kernels->attend(&job);
    for (int i = 0; i < n; i++) {
        double most = -INFINITY, total = 0;
        for (int j = 0; j < n; j++) {
            p[j] = biased ? (double)bias[n - 1 + j - i] : 0;
            for (int d = 0; d < d_head; d++) p[j] += (double)job.scale * (double)qkv[i * stride + d] * (double)qkv[j * stride + d_head + d];
            if (p[j] > most) most = p[j];
        }
        for (int j = 0; j < n; j++) total += p[j] = exp2(p[j] - most);
        for (int d = 0; d < d_head; d++) {
            double sum = 0;
            for (int j = 0; j < n; j++) sum += p[j] / total * (double)qkv[j * stride + 2 * d_head + d];
            assert_close((double)out[i * out_stride + d], sum, 2e-5);
        }
        for (int64_t d = d_head; d < out_stride; d++) assert_true(out[i * out_stride + d] == before[i * out_stride + d]); /* left alone */
    }
    free(qkv);
    free(out);
    free(before);
    free(bias);
    free(work);
    free(p);
}

static void test_layernorm(void **state) {
    (void)state;
    static const int widths[] = {1, 2, 3, 4, 7, 8, 15, 16, 17, 31, 33, 64, 100, 384, 768};
    for (size_t k = 0; k < sizeof isas / sizeof *isas; k++) {
        const iad_encrow_kernels *kernels = kernels_of(isas[k]);
        for (size_t i = 0; kernels && i < sizeof widths / sizeof *widths; i++) check_layernorm(kernels, widths[i]);
    }
}

static void test_attend(void **state) {
    (void)state;
    static const int texts[] = {1, 2, 3, 4, 5, 15, 16, 17, 31, 32, 33, 64, 70, 129}, heads[] = {1, 4, 8, 20, 32, 33, 64, 72};
    for (size_t k = 0; k < sizeof isas / sizeof *isas; k++) {
        const iad_encrow_kernels *kernels = kernels_of(isas[k]);
        for (size_t i = 0; kernels && i < sizeof texts / sizeof *texts; i++)
            for (size_t h = 0; h < sizeof heads / sizeof *heads; h++) check_attend(kernels, texts[i], heads[h], (i + h) % 2);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_layernorm), cmocka_unit_test(test_attend)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
