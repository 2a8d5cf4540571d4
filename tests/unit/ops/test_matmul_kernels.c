/* The inner loops one by one, also those that no device of this processor would choose, and oneDNN's product over our panels. */
#include "tests/unit/iad_test.h"

#include <math.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "runtime/cpu/cpu_device.h"
#include "runtime/cpu/matmul.h"
#include "runtime/cpu/matmul_kernels.h"
#include "bench/probe/onednn.h"

enum { GROUPS = 137, X_GROUP_MAX = 8, STRIDE = GROUPS * X_GROUP_MAX + 16, MAX_ROWS = 70 };

typedef struct kernel {
    const char *name;
    iad_tile_fn run;
    iad_dtype storage;
    iad_x_form form;
    int max_rows, step; /* step: groups that it takes at a time */
    int present;
} kernel;

static int has(iad_cpu_isa isa, int (*extra)(const iad_device *)) {
    iad_device *device;
    if (iad_device_cpu_new(1, isa, &device, NULL) != IAD_OK) return 0;
    int present = extra == NULL || extra(device);
    iad_cpu_device_free(device);
    return present;
}

/* Inputs of group g of row r, and weights, small enough that every kernel's sums are exact in f32. */
static int x_value(int r, int i) { return (r * 31 + i * 17) % 15 - 7; }
static int w_value(int o, int i) { return (o * 13 + i * 29) % 31 - 15; }

static void fill_x(iad_x_form form, int per_group, unsigned char *x) {
    for (int r = 0; r < MAX_ROWS; r++)
        for (int i = 0; i < GROUPS * per_group; i++) {
            unsigned char *row = x + r * STRIDE;
            float f = (float)x_value(r, i);
            uint16_t h = iad_f32_to_bf16(f);
            int16_t s = (int16_t)x_value(r, i);
            if (form == IAD_X_F32) memcpy(row + 4 * i, &f, 4);
            else if (form == IAD_X_BF16) memcpy(row + 2 * i, &h, 2);
            else if (form == IAD_X_U8) row[i] = (unsigned char)(x_value(r, i) + 128);
            else memcpy(row + 2 * i, &s, 2);
        }
}

static void fill_panel(iad_dtype storage, int per_group, unsigned char *panel) {
    for (int g = 0; g < GROUPS; g++)
        for (int o = 0; o < IAD_PANEL; o++)
            for (int j = 0; j < per_group; j++) {
                unsigned char *word = panel + (g * IAD_PANEL + o) * 4;
                float f = (float)w_value(o, g * per_group + j);
                uint16_t h = iad_f32_to_bf16(f);
                if (storage == IAD_F32) memcpy(word, &f, 4);
                else if (storage == IAD_BF16) memcpy(word + 2 * j, &h, 2);
                else word[j] = (unsigned char)(signed char)w_value(o, g * per_group + j);
            }
}

static void test_every_kernel(void **state) {
    (void)state;
    int plain = 1;
    kernel kernels[] = {
        {"f32 plain", iad_tile_f32_plain, IAD_F32, IAD_X_F32, IAD_TILE_ROWS, 1, plain},
        {"bf16 plain", iad_tile_bf16_plain, IAD_BF16, IAD_X_F32, IAD_TILE_ROWS, 1, plain},
        {"i8 plain", iad_tile_i8_plain, IAD_I8, IAD_X_S16, IAD_TILE_ROWS, 1, plain},
#if defined(__x86_64__)
        {"f32 avx2", iad_tile_f32_avx2, IAD_F32, IAD_X_F32, IAD_TILE_ROWS, 1, has(IAD_CPU_AVX2, NULL)},
        {"bf16 avx2", iad_tile_bf16_avx2, IAD_BF16, IAD_X_F32, IAD_TILE_ROWS, 1, has(IAD_CPU_AVX2, NULL)},
        {"i8 avx2", iad_tile_i8_avx2, IAD_I8, IAD_X_S16, IAD_TILE_ROWS, 1, has(IAD_CPU_AVX2, NULL)},
        {"f32 avx512", iad_tile_f32_avx512, IAD_F32, IAD_X_F32, IAD_TILE_ROWS, 1, has(IAD_CPU_AVX512, NULL)},
        {"bf16 avx512", iad_tile_bf16_avx512, IAD_BF16, IAD_X_F32, IAD_TILE_ROWS, 1, has(IAD_CPU_AVX512, NULL)},
        {"bf16 dot", iad_tile_bf16_dot, IAD_BF16, IAD_X_BF16, IAD_TILE_ROWS, 1, has(IAD_CPU_AVX512, iad_cpu_has_bf16)},
        {"i8 vnni", iad_tile_i8_vnni, IAD_I8, IAD_X_U8, IAD_TILE_ROWS, 1, has(IAD_CPU_AVX512, iad_cpu_has_vnni)},
#endif
#if IAD_AMX
        {"bf16 amx", iad_tile_bf16_amx, IAD_BF16, IAD_X_BF16, MAX_ROWS, IAD_AMX_GROUPS, has(IAD_CPU_AMX, iad_cpu_has_amx)},
#endif
    };
    unsigned char *panel = iad_alloc_aligned(GROUPS, IAD_GROUP_BYTES), *x = iad_alloc_aligned(MAX_ROWS, STRIDE);
    int32_t *acc = iad_alloc_aligned((MAX_ROWS + 1) * IAD_PANEL, 4);
    assert_true(panel != NULL && x != NULL && acc != NULL);
    for (size_t k = 0; k < sizeof kernels / sizeof *kernels; k++) {
        if (!kernels[k].present) continue;
        int per_group = kernels[k].storage == IAD_F32 ? 1 : kernels[k].storage == IAD_BF16 ? 2 : 4;
        int x_group = per_group * (kernels[k].form == IAD_X_F32 ? 4 : kernels[k].form == IAD_X_U8 ? 1 : 2);
        fill_x(kernels[k].form, per_group, x);
        fill_panel(kernels[k].storage, per_group, panel);
        int max_rows = kernels[k].max_rows, step = kernels[k].step, groups = GROUPS / step * step;
        for (int rows = 1; rows <= max_rows; rows++)
            for (int cut = 0, cols = 64; cut < groups; cut += step > 1 ? step : 29, cols = cols > 13 ? cols - 13 : 64) {
                memset(acc, 0x5a, (size_t)(max_rows + 1) * IAD_PANEL * 4);
                /* In one go, and in two pieces. */
                iad_tile tile = {rows, x, STRIDE, panel, cut > 0 ? cut : groups, acc, IAD_PANEL * 4, 0, cols, NULL};
                kernels[k].run(&tile);
                if (cut > 0) {
                    tile = (iad_tile){rows, x + cut * x_group, STRIDE, panel + cut * IAD_GROUP_BYTES, groups - cut, acc, IAD_PANEL * 4, 1, cols,
                                      NULL};
                    kernels[k].run(&tile);
                }
                for (int r = 0; r < rows; r++)
                    for (int o = 0; o < cols; o++) {
                        int want = 0, got;
                        for (int i = 0; i < groups * per_group; i++)
                            want += (x_value(r, i) + (kernels[k].form == IAD_X_U8 ? 128 : 0)) * w_value(o, i);
                        if (kernels[k].storage == IAD_I8) {
                            got = acc[r * IAD_PANEL + o];
                        } else {
                            float f;
                            memcpy(&f, &acc[r * IAD_PANEL + o], 4);
                            got = (int)f;
                        }
                        if (got != want)
                            fail_msg("%s, %d rows, %d columns, cut %d: [%d][%d] is %d, expected %d", kernels[k].name, rows, cols, cut, r, o, got,
                                     want);
                    }
                for (int i = rows * IAD_PANEL; i < (max_rows + 1) * IAD_PANEL; i++) assert_int_equal(acc[i], 0x5a5a5a5a);
            }
    }
    free(panel);
    free(x);
    free(acc);
}

/* Extreme integers: the largest sums that the rule allows, at the largest n_in. */
static void test_i8_extremes(void **state) {
    (void)state;
    enum { IN = 1 << 16, OUT = 3 };
    iad_err err = IAD_ERR_NONE;
    static const iad_cpu_isa isas[] = {IAD_CPU_PLAIN, IAD_CPU_AVX2, IAD_CPU_AVX512, IAD_CPU_AMX};
    int8_t *w = iad_alloc(IN, OUT);
    float *x = iad_alloc(IN, sizeof *x), scale[OUT] = {1.0f, 1.0f, 1.0f};
    assert_true(w != NULL && x != NULL);
    memset(w, 127, IN);
    memset(w + IN, -128, IN);
    memset(w + 2 * IN, -127, IN);
    for (int i = 0; i < IN; i++) x[i] = 127.0f;
    iad_weight_spec spec = {.name = "extreme", .n_parts = 1, .n_in = IN, .storage = IAD_I8};
    spec.parts[0] = (iad_weight_part){.data = w, .dtype = IAD_I8, .n_out = OUT, .scale = scale};
    for (int i = 0; i < 4; i++) {
        iad_device *device;
        if (iad_device_cpu_new(1, isas[i], &device, &err) != IAD_OK) continue;
        iad_queue *queue;
        iad_weight *weight;
        float y[OUT];
        assert_ok(iad_cpu_op_queue_new(device, &queue, &err));
        assert_ok(iad_cpu_weight_new(device, &spec, &weight, &err));
        assert_ok(iad_cpu_linear(queue, (iad_mat){x, 1, IN, IN, IAD_F32}, weight, IAD_STORE_SET,
                                 (iad_mat){y, 1, OUT, OUT, IAD_F32}, &err));
        assert_true(y[0] == (float)(127 * 127 * IN));
        assert_true(y[1] == (float)(-127 * 128 * IN));
        assert_true(y[2] == (float)(-127 * 127 * IN));
        iad_cpu_weight_free(device, weight);
        iad_cpu_op_queue_free(queue);
        iad_cpu_device_free(device);
    }
    free(w);
    free(x);
}

/* oneDNN takes the panels as they are: its product equals ours, and it chooses its fast implementation for them. */
static void test_onednn_agrees(void **state) {
    (void)state;
    static const int64_t shapes[][3] = {{64, 128, 192}, {7, 1176, 65}, {33, 76, 130}, {5, 3420, 64}, {19, 67, 100}};
    static const iad_dtype storages[] = {IAD_F32, IAD_BF16, IAD_I8};
    iad_err err = IAD_ERR_NONE;
    iad_device *device;
    assert_ok(iad_device_cpu_new(2, IAD_CPU_AUTO, &device, &err));
    int fast = iad_cpu_has_bf16(device) && iad_cpu_has_vnni(device);
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (int k = 0; k < 3; k++) {
            int64_t rows = shapes[s][0], n_in = shapes[s][1], n_out = shapes[s][2];
            size_t n = (size_t)(n_in * n_out), m = (size_t)(rows * n_in);
            float *w = iad_alloc(n, sizeof *w), *x = iad_alloc(m, sizeof *x);
            void *xt = iad_alloc_aligned(m, 4), *y = iad_alloc_aligned((size_t)(rows * n_out), 4);
            assert_true(w != NULL && x != NULL && xt != NULL && y != NULL);
            iad_rng rng;
            iad_rng_init(&rng, s, (uint64_t)k);
            for (size_t i = 0; i < n; i++) w[i] = (float)iad_rng_int(&rng, -127, 127) / 16.0f;
            for (int64_t o = 0; o < n_out; o++) w[o * n_in] = 127.0f / 16.0f; /* the scale of every output is 1 / 16 */
            for (size_t i = 0; i < m; i++) {
                x[i] = (float)iad_rng_int(&rng, -8, 8);
                if (storages[k] == IAD_I8) ((uint8_t *)xt)[i] = (uint8_t)((int)x[i] + 128);
            }
            if (storages[k] != IAD_I8) assert_ok(iad_dtype_from_f32(storages[k], x, m, xt, &err));
            iad_weight_spec spec = {.name = "test", .n_parts = 1, .n_in = n_in, .storage = storages[k]};
            spec.parts[0] = (iad_weight_part){.data = w, .dtype = IAD_F32, .n_out = n_out};
            iad_weight *weight;
            assert_ok(iad_cpu_weight_new(device, &spec, &weight, &err));
            iad_dnnl_product *product;
            assert_ok(iad_dnnl_product_new(k == 0 ? IAD_DNNL_F32 : k == 1 ? IAD_DNNL_BF16 : IAD_DNNL_I8, rows, n_in, n_out, n_in, 2,
                                           &product, &err));
            if (fast && strncmp(iad_dnnl_product_name(product), "brg", 3) != 0)
                fail_msg("oneDNN computes with %s", iad_dnnl_product_name(product));
            void *scratch = iad_alloc_aligned(1, iad_dnnl_product_scratch(product) + 64);
            assert_ok(iad_dnnl_product_run(product, xt, weight->panels, y, scratch, &err));
            for (int64_t r = 0; r < rows; r++)
                for (int64_t o = 0; o < n_out; o++) {
                    double want = 0.0, sum = 0.0;
                    for (int64_t i = 0; i < n_in; i++) {
                        double wi = storages[k] == IAD_BF16 ? (double)iad_bf16_to_f32(iad_f32_to_bf16(w[o * n_in + i]))
                                                            : (double)w[o * n_in + i];
                        want += wi * (double)x[r * n_in + i];
                        sum += wi;
                    }
                    size_t at = (size_t)(r * n_out + o);
                    double got = storages[k] == IAD_I8 ? (double)((int32_t *)y)[at] / 16.0 - 128.0 * sum : (double)((float *)y)[at];
                    assert_close(got, want, 1e-3);
                }
            iad_dnnl_product_free(product);
            iad_cpu_weight_free(device, weight);
            free(w);
            free(x);
            free(xt);
            free(y);
            free(scratch);
        }
    iad_cpu_device_free(device);
}

static void test_onednn_refuses(void **state) {
    (void)state;
    iad_dnnl_product *product;
    assert_fails(IAD_ERR_ARG, iad_dnnl_product_new(IAD_DNNL_F32, 0, 4, 4, 4, 1, &product, NULL));
    assert_fails(IAD_ERR_ARG, iad_dnnl_product_new(IAD_DNNL_F32, 1, 4, 4, 3, 1, &product, NULL));
    assert_null(product);
    char version[16];
    iad_dnnl_version(version);
    assert_true(version[0] >= '2' && version[0] <= '9');
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kernel),
        cmocka_unit_test(test_i8_extremes),
        cmocka_unit_test(test_onednn_agrees),
        cmocka_unit_test(test_onednn_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
