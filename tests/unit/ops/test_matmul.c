/* Linear layers of the CPU against the plain reference, for every storage, instruction set and many shapes. */
#include "tests/unit/iad_test.h"

#include <math.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "runtime/cpu/cpu_device.h"
#include "runtime/cpu/matmul.h"

static const iad_cpu_isa isas[] = {IAD_CPU_PLAIN, IAD_CPU_AVX2, IAD_CPU_AVX512, IAD_CPU_AMX};
static const iad_dtype storages[] = {IAD_F32, IAD_BF16, IAD_I8};
enum { N_ISA = 4, N_STORAGE = 3, MAX_ROWS = 257 };

/* A layer with its weights on one device under test and on the reference. */
typedef struct layer {
    iad_device *device, *oracle;
    iad_queue *queue, *oracle_queue;
    iad_weight *w, *ref;
    int64_t n_in, n_out;
    iad_dtype storage;
} layer;


static float *random_values(size_t n, uint64_t seed, double size) {
    float *v = iad_alloc(n, sizeof *v);
    assert_non_null(v);
    iad_rng rng;
    iad_rng_init(&rng, seed, 7);
    for (size_t i = 0; i < n; i++) v[i] = (float)(iad_rng_range(&rng, -size, size));
    return v;
}

/* 0 when this processor lacks the instruction set. */
static int device_open(layer *l, int threads, iad_cpu_isa isa) {
    iad_err err = IAD_ERR_NONE;
    iad_status status = iad_device_cpu_new(threads, isa, &l->device, &err);
    if (status == IAD_ERR_UNSUPPORTED) return 0;
    assert_int_equal(status, IAD_OK);
    assert_ok(iad_device_reference_new(&l->oracle, &err));
    assert_ok(iad_cpu_op_queue_new(l->device, &l->queue, &err));
    assert_ok(iad_cpu_op_queue_new(l->oracle, &l->oracle_queue, &err));
    return 1;
}

static void layer_make(layer *l, const iad_weight_spec *spec) {
    iad_err err = IAD_ERR_NONE;
    l->n_in = spec->n_in;
    l->n_out = 0;
    l->storage = spec->storage;
    for (int p = 0; p < spec->n_parts; p++) l->n_out += spec->parts[p].n_out;
    assert_ok(iad_cpu_weight_new(l->device, spec, &l->w, &err));
    assert_ok(iad_ref_weight_new(l->oracle, spec, &l->ref, &err));
    assert_true(iad_cpu_weight_bytes(l->w) >= (size_t)(l->n_in * l->n_out) * iad_dtype_size(l->storage));
}

static void layer_drop(layer *l) {
    iad_cpu_weight_free(l->device, l->w);
    iad_ref_weight_free(l->oracle, l->ref);
    l->w = l->ref = NULL;
}

static void device_close(layer *l) {
    iad_cpu_op_queue_free(l->queue);
    iad_cpu_op_queue_free(l->oracle_queue);
    iad_device_memory memory;
    iad_cpu_device_memory(l->device, &memory);
    assert_int_equal(memory.now, 0);
    iad_cpu_device_free(l->device);
    iad_cpu_device_free(l->oracle);
}

static iad_weight_spec simple(const float *w, const float *bias, int64_t n_in, int64_t n_out, iad_dtype storage) {
    iad_weight_spec spec = {.name = "test", .n_parts = 1, .n_in = n_in, .storage = storage};
    spec.parts[0] = (iad_weight_part){.data = w, .dtype = IAD_F32, .n_out = n_out, .bias = bias};
    return spec;
}

/* rows x cols of type dtype with a stride, every element outside a row a NaN. */
static iad_mat mat_new(int64_t rows, int64_t cols, int64_t stride, iad_dtype dtype, const float *values) {
    iad_mat m = {.rows = rows, .cols = cols, .stride = stride, .dtype = dtype};
    size_t n = (size_t)(rows * stride) + 1;
    m.data = iad_alloc(n, iad_dtype_size(dtype));
    assert_non_null(m.data);
    memset(m.data, 0xff, n * iad_dtype_size(dtype));
    for (int64_t r = 0; r < rows && values != NULL; r++) {
        iad_err err = IAD_ERR_NONE;
        assert_ok(iad_dtype_from_f32(dtype, values + r * cols, (size_t)cols,
                                     (char *)m.data + (size_t)(r * stride) * iad_dtype_size(dtype), &err));
    }
    return m;
}

static double at(iad_mat m, int64_t r, int64_t c) {
    size_t i = (size_t)(r * m.stride + c);
    return m.dtype == IAD_F32 ? (double)((float *)m.data)[i] : (double)iad_bf16_to_f32(((uint16_t *)m.data)[i]);
}

static void assert_gaps_kept(iad_mat m) {
    size_t size = iad_dtype_size(m.dtype);
    for (int64_t r = 0; r < m.rows; r++)
        for (size_t b = (size_t)(r * m.stride + m.cols) * size; b < (size_t)((r + 1) * m.stride) * size; b++)
            assert_int_equal(((unsigned char *)m.data)[b], 0xff);
}

/* Rows of got against the reference's, a few of them when there are many. */
static void compare(const layer *l, iad_mat x, iad_store store, iad_mat got, const float *before) {
    iad_err err = IAD_ERR_NONE;
    int64_t step = x.rows > 9 ? x.rows / 4 : 1;
    iad_mat want = mat_new(1, l->n_out, l->n_out, got.dtype, NULL);
    for (int64_t r = 0; r < x.rows; r += step) {
        if (r + step >= x.rows) r = x.rows - 1;
        if (before != NULL) memcpy(want.data, before + r * l->n_out, (size_t)l->n_out * sizeof(float));
        assert_ok(iad_ref_linear(l->oracle_queue, iad_mat_rows(x, r, 1), l->ref, store, want, &err));
        double norm = 0.0;
        for (int64_t c = 0; c < l->n_out; c++) norm += at(want, 0, c) * at(want, 0, c);
        norm = sqrt(norm / (double)l->n_out);
        for (int64_t c = 0; c < l->n_out; c++) {
            double a = at(want, 0, c), b = at(got, r, c);
            double tolerance = l->storage == IAD_I8 ? 0.0 : 1e-5 * fmax(norm, fabs(a));
            if (got.dtype == IAD_BF16 && l->storage != IAD_I8) tolerance += fabs(a) / 128.0; /* one step of bf16 */
            if (!(fabs(a - b) <= tolerance))
                fail_msg("%s %lldx%lld, %lld rows: [%lld][%lld] is %.9g, expected %.9g", iad_dtype_name(l->storage),
                         (long long)l->n_in, (long long)l->n_out, (long long)x.rows, (long long)r, (long long)c, b, a);
        }
    }
    free(want.data);
}

/* One product in all its variants: types, strides, stores; repeated; every row alone. */
static void check_product(const layer *l, int64_t rows, int thorough) {
    iad_err err = IAD_ERR_NONE;
    float *values = random_values((size_t)(rows * l->n_in) + 1, (uint64_t)rows, 1.0);
    float *before = random_values((size_t)(rows * l->n_out) + 1, 99, 1.0);
    const int all = thorough && !IAD_SANITIZED; /* else every second variant, which ones as the rows are odd or even */
    for (int variant = thorough && !all ? (int)(rows % 2) : 0; variant < (thorough ? 4 : 1); variant += all ? 1 : 2) {
        int padded = variant & 1, wide = variant & 2;
        iad_dtype x_type = l->storage == IAD_I8 ? (wide ? IAD_F32 : IAD_BF16) : l->storage;
        iad_mat x = mat_new(rows, l->n_in, l->n_in + (padded ? 5 : 0), x_type, values);
        iad_mat y = mat_new(rows, l->n_out, l->n_out + (padded ? 3 : 0), IAD_F32, NULL);
        iad_mat again = mat_new(rows, l->n_out, l->n_out + (padded ? 3 : 0), IAD_F32, NULL);
        assert_ok(iad_cpu_linear(l->queue, x, l->w, IAD_STORE_SET, y, &err));
        compare(l, x, IAD_STORE_SET, y, NULL);
        assert_gaps_kept(y);
        assert_ok(iad_cpu_linear(l->queue, x, l->w, IAD_STORE_SET, again, &err));
        assert_memory_equal(y.data, again.data, (size_t)(rows * y.stride) * sizeof(float));
        /* Row by row and in uneven pieces: the same bytes. */
        for (int64_t r = 0; r < rows; r++)
            if (r < 8 || r + 2 >= rows)
                assert_ok(iad_cpu_linear(l->queue, iad_mat_rows(x, r, 1), l->w, IAD_STORE_SET, iad_mat_rows(again, r, 1), &err));
        if (rows > 12)
            assert_ok(iad_cpu_linear(l->queue, iad_mat_rows(x, 8, rows - 10), l->w, IAD_STORE_SET, iad_mat_rows(again, 8, rows - 10),
                                     &err));
        assert_memory_equal(y.data, again.data, (size_t)(rows * y.stride) * sizeof(float));
        if (thorough) {
            iad_mat half = mat_new(rows, l->n_out, y.stride, IAD_BF16, NULL);
            assert_ok(iad_cpu_linear(l->queue, x, l->w, IAD_STORE_SET, half, &err));
            for (int64_t r = 0; r < rows; r++)
                for (int64_t c = 0; c < l->n_out; c++)
                    assert_int_equal(((uint16_t *)half.data)[r * half.stride + c],
                                     iad_f32_to_bf16(((float *)y.data)[r * y.stride + c]));
            assert_gaps_kept(half);
            free(half.data);
            iad_mat sum = mat_new(rows, l->n_out, y.stride, IAD_F32, before);
            assert_ok(iad_cpu_linear(l->queue, x, l->w, IAD_STORE_ADD, sum, &err));
            compare(l, x, IAD_STORE_ADD, sum, before);
            assert_gaps_kept(sum);
            free(sum.data);
        }
        free(x.data);
        free(y.data);
        free(again.data);
    }
    free(values);
    free(before);
}

static void test_small_shapes(void **state) {
    (void)state;
    static const int64_t ins[] = {1, 2, 3, 44, 76, 130}, outs[] = {1, 2, 63, 64, 65, 200}, rows[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 13};
    for (int i = 0; i < N_ISA; i++) {
        layer l = {0};
        if (!device_open(&l, 2, isas[i])) continue;
        for (size_t a = 0; a < sizeof ins / sizeof *ins; a++)
            for (size_t b = 0; b < sizeof outs / sizeof *outs; b++)
                for (int s = 0; s < N_STORAGE; s++) {
                    float *w = random_values((size_t)(ins[a] * outs[b]), a * 10 + b, 0.5);
                    float *bias = random_values((size_t)outs[b], 5, 1.0);
                    iad_weight_spec spec = simple(w, b % 2 ? bias : NULL, ins[a], outs[b], storages[s]);
                    layer_make(&l, &spec);
                    free(w); /* the weights are the device's now */
                    free(bias);
                    for (size_t m = 0; m < sizeof rows / sizeof *rows; m++) check_product(&l, rows[m], 1);
                    layer_drop(&l);
                }
        device_close(&l);
    }
}

/* Every number of rows up to more than two blocks of tiles, with and without a rest of 32 inputs. */
static void test_row_counts(void **state) {
    (void)state;
    static const int64_t ins[] = {96, 107};
    enum { OUT = 100 };
    for (int i = 0; i < N_ISA; i++) {
        layer l = {0};
        if (!device_open(&l, 2, isas[i])) continue;
        for (int a = 0; a < 2; a++) {
            float *w = random_values((size_t)(ins[a] * OUT), (uint64_t)a, 0.5);
            iad_weight_spec spec = simple(w, NULL, ins[a], OUT, IAD_BF16);
            layer_make(&l, &spec);
            for (int64_t rows = 1; rows <= 70; rows++)
                if (!IAD_SANITIZED || rows % 2 == a) check_product(&l, rows, rows % 16 < 2);
            layer_drop(&l);
            free(w);
        }
        device_close(&l);
    }
}

static void test_model_shapes(void **state) {
    (void)state;
    static const int64_t shapes[][2] = {{1176, 1280}, {1280, 3420}, {3420, 1280}, {2100, 65}, {5120, 64}};
    static const int64_t rows[] = {1, 4, 64, 77, 257};
    for (int i = 0; i < N_ISA; i++) {
        layer l = {0};
        if (!device_open(&l, 2, isas[i])) continue;
        for (size_t a = 0; a < sizeof shapes / sizeof *shapes; a++)
            for (int s = 0; s < N_STORAGE; s++) {
                /* Panels of outputs are alike: fewer of them do for a sanitizer, with the same sums over all inputs. */
                const int64_t n_in = shapes[a][0], n_out = IAD_SANITIZED && shapes[a][1] > 1000 ? shapes[a][1] / 8 : shapes[a][1];
                float *w = random_values((size_t)(n_in * n_out), a, 0.05);
                float *bias = random_values((size_t)n_out, 5, 1.0);
                iad_weight_spec spec = simple(w, bias, n_in, n_out, storages[s]);
                layer_make(&l, &spec);
                for (size_t m = 0; m < sizeof rows / sizeof *rows; m++)
                    if (isas[i] != IAD_CPU_PLAIN || rows[m] < 65) check_product(&l, rows[m], a == 3 && rows[m] < 70);
                layer_drop(&l);
                free(w);
                free(bias);
            }
        device_close(&l);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small_shapes),
        cmocka_unit_test(test_row_counts),
        cmocka_unit_test(test_model_shapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
