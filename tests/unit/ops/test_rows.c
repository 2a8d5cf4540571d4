/* Row ops on every instruction set against the reference device. */
#include "tests/unit/ops/ops_fixture.h"

#include "runtime/cpu/cpu_device.h"
#include "runtime/cpu/rowops.h"

static const int64_t SHAPES[][2] = {{0, 5}, {1, 1}, {3, 7}, {2, 16}, {5, 80}, {9, 96}, {1, 3584}, {33, 1283}, {300, 257}};
enum { N_SHAPES = sizeof SHAPES / sizeof *SHAPES };

typedef iad_status (*two_fn)(iad_queue *queue, iad_mat x, iad_mat y, iad_err *err);

static void call_rmsnorm(const fixture_device *d, iad_mat x, const float *weight, iad_mat y) {
    iad_err err = IAD_ERR_NONE;
    assert_ok(d->device->ops->rmsnorm(d->queue, x, weight, 1e-6f, y, &err));
}

static void test_rmsnorm(void **state) {
    (void)state;
    fixture f;
    fixture_open(&f);
    for (int s = 0; s < N_SHAPES; s++)
        for (int kind = 0; kind < 2; kind++) {
            iad_dtype to = kind ? IAD_BF16 : IAD_F32;
            iad_rng rng;
            iad_rng_init(&rng, (uint64_t)s, 1);
            int64_t rows = SHAPES[s][0], cols = SHAPES[s][1];
            iad_mat x = mat_new(rows, cols, cols + 3, IAD_F32), y = mat_new(rows, cols, cols + 2, to), w = mat_new(1, cols, cols, IAD_F32);
            mat_random(x, &rng, 3);
            mat_random(w, &rng, 1);
            if (rows > 2)
                for (int64_t c = 0; c < cols; c++) mat_put(x, 1, c, c % 2 ? 0.0f : -0.0f); /* a row of zeros stays zero */
            if (rows > 2)
                for (int64_t c = 0; c < cols; c++) mat_put(x, 2, c, mat_get(x, 2, c) * 1e-40f);
            call_rmsnorm(&f.d[0], x, w.data, y);
            iad_mat expected = mat_like(y);
            for (int d = 1; d < f.n; d++) {
                memset(y.data, CANARY, (size_t)(rows * y.stride) * iad_dtype_size(to));
                call_rmsnorm(&f.d[d], x, w.data, y);
                mat_check_canary(y);
                mat_check_close(y, expected, 1e-44, kind ? 0.0079 : 5e-7, f.d[d].name);
                iad_mat again = mat_like(y);
                for (int64_t r = 0; r < rows; r++) call_rmsnorm(&f.d[d], iad_mat_rows(x, r, 1), w.data, iad_mat_rows(y, r, 1));
                mat_check_equal(y, again, "row by row");
                mat_free(again);
                if (kind == 0) { /* in place */
                    iad_mat z = mat_like(x);
                    call_rmsnorm(&f.d[d], z, w.data, z);
                    mat_check_equal(z, y, "in place");
                    mat_free(z);
                }
            }
            mat_free(expected);
            mat_free(x);
            mat_free(y);
            mat_free(w);
        }
    fixture_close(&f);
}

static void test_rope(void **state) {
    (void)state;
    static const int heads[][2] = {{1, 2}, {2, 16}, {16, 80}, {3, 128}, {5, 6}, {2, 34}};
    iad_err err = IAD_ERR_NONE;
    fixture f;
    fixture_open(&f);
    for (size_t s = 0; s < sizeof heads / sizeof *heads; s++)
        for (int64_t rows = 0; rows <= 70; rows += 35) {
            int n_head = heads[s][0], d_head = heads[s][1];
            iad_rng rng;
            iad_rng_init(&rng, s, 2);
            iad_mat x = mat_new(rows, n_head * d_head, n_head * d_head + 5, IAD_F32);
            iad_mat cosine = mat_new(rows, d_head / 2, d_head / 2, IAD_F32), sine = mat_new(rows, d_head / 2, d_head / 2, IAD_F32);
            mat_random(x, &rng, 1);
            for (int64_t r = 0; r < rows; r++)
                for (int64_t i = 0; i < d_head / 2; i++) {
                    mat_put(cosine, r, i, (float)cos((double)(r * (i + 1))));
                    mat_put(sine, r, i, (float)sin((double)(r * (i + 1))));
                }
            iad_mat expected = mat_like(x);
            assert_ok(f.d[0].device->ops->rope(f.d[0].queue, expected, n_head, d_head, cosine.data, sine.data, &err));
            for (int d = 1; d < f.n; d++) {
                iad_mat y = mat_like(x);
                assert_ok(f.d[d].device->ops->rope(f.d[d].queue, y, n_head, d_head, cosine.data, sine.data, &err));
                mat_check_canary(y);
                mat_check_close(y, expected, 5e-7, 0, f.d[d].name);
                assert_fails(IAD_ERR_ARG, f.d[d].device->ops->rope(f.d[d].queue, y, n_head, d_head + 2, cosine.data, sine.data, &err));
                assert_non_null(strstr(err.msg, "rope"));
                mat_free(y);
            }
            mat_free(expected);
            mat_free(x);
            mat_free(cosine);
            mat_free(sine);
        }
    fixture_close(&f);
}

/* silu_mul, gelu and copy over all pairs of types. */
static void check_pointwise(int op, double absolute, double relative, float size) {
    static const iad_dtype kinds[] = {IAD_F32, IAD_BF16};
    iad_err err = IAD_ERR_NONE;
    fixture f;
    fixture_open(&f);
    for (int s = 0; s < N_SHAPES; s++)
        for (int k = 0; k < 4; k++) {
            iad_rng rng;
            iad_rng_init(&rng, (uint64_t)s, 3);
            int64_t rows = SHAPES[s][0], cols = SHAPES[s][1], wide = op == 0 ? 2 * cols : cols;
            iad_mat x = mat_new(rows, wide, wide + 1, kinds[k % 2]), y = mat_new(rows, cols, cols + 4, kinds[k / 2]), expected = {0};
            mat_random(x, &rng, size);
            if (rows > 0 && cols > 6) {
                static const float odd[] = {-0.0f, 1e-41f, -100, 100, 3e30f, -3e30f, 1};
                for (int i = 0; i < 7; i++) mat_put(x, 0, i, odd[i]);
            }
            for (int d = 0; d < f.n; d++) {
                const iad_ops *ops = f.d[d].device->ops;
                two_fn fn = op == 0 ? ops->silu_mul : op == 1 ? ops->gelu : ops->copy;
                memset(y.data, CANARY, (size_t)(rows * y.stride) * iad_dtype_size(y.dtype));
                assert_ok(fn(f.d[d].queue, x, y, &err));
                mat_check_canary(y);
                if (d == 0) {
                    expected = mat_like(y);
                    continue;
                }
                if (op == 2) mat_check_equal(y, expected, f.d[d].name);
                else mat_check_close(y, expected, absolute, y.dtype == IAD_BF16 ? 0.0079 : relative, f.d[d].name);
                iad_mat bad = x;
                bad.cols--;
                assert_fails(IAD_ERR_ARG, fn(f.d[d].queue, bad, y, &err));
                assert_non_null(strstr(err.msg, op == 0 ? "silu_mul" : op == 1 ? "gelu" : "copy"));
                bad = x;
                bad.dtype = IAD_F16;
                assert_fails(IAD_ERR_ARG, fn(f.d[d].queue, bad, y, &err));
                if (op == 1 && x.dtype == y.dtype) {
                    iad_mat z = mat_like(x);
                    assert_ok(fn(f.d[d].queue, z, z, &err));
                    mat_check_equal(z, y, "in place");
                    mat_free(z);
                }
            }
            mat_free(expected);
            mat_free(x);
            mat_free(y);
        }
    fixture_close(&f);
}

static void test_silu_mul(void **state) {
    (void)state;
    check_pointwise(0, 1e-34, 3e-6, 3); /* far left the exponent's own rounding shows: 100 * 2^-24 */
}
static void test_gelu(void **state) {
    (void)state;
    check_pointwise(1, 1e-37, 2e-6, 2);
}
static void test_copy(void **state) {
    (void)state;
    check_pointwise(2, 0, 0, 1);
}

/* The vector 2^x against libm in double, over its whole range, and at its edges. */
static void test_exp2(void **state) {
    (void)state;
    enum { N = 200001 };
    fixture f;
    fixture_open(&f);
    float *x = test_malloc(N * sizeof *x), *y = test_malloc(N * sizeof *y);
    for (int i = 0; i < N; i++) x[i] = -126.0f + 252.0f * (float)i / (float)(N - 1);
    for (int d = 1; d < f.n && f.d[d].is_cpu; d++) {
        const iad_row_kernels *kernels = iad_row_kernels_of(f.d[d].device);
        kernels->exp2(x, N, y);
        double worst = 0;
        for (int i = 0; i < N; i++) worst = fmax(worst, fabs((double)y[i] / exp2((double)x[i]) - 1));
        assert_true(worst < 1.2e-7); /* 2 ulp */
        float edge[] = {0, -INFINITY, -1e30f, -200, -150, NAN, 1, -1}, out[8];
        kernels->exp2(edge, 8, out);
        assert_true(out[0] == 1 && out[6] == 2 && out[7] == 0.5f);
        for (int i = 1; i <= 4; i++) assert_true(out[i] == 0);
        assert_true(isnan(out[5]));
    }
    test_free(x);
    test_free(y);
    fixture_close(&f);
}

/* gelu against erfc in double, dense: relative to its own size on both sides. */
static void test_gelu_dense(void **state) {
    (void)state;
    enum { N = 40001 };
    iad_err err = IAD_ERR_NONE;
    fixture f;
    fixture_open(&f);
    iad_mat x = mat_new(1, N, N, IAD_F32), y = mat_new(1, N, N, IAD_F32);
    for (int i = 0; i < N; i++) mat_put(x, 0, i, -12.0f + 24.0f * (float)i / (float)(N - 1));
    for (int d = 1; d < f.n; d++) {
        assert_ok(f.d[d].device->ops->gelu(f.d[d].queue, x, y, &err));
        double worst = 0;
        for (int i = 0; i < N; i++) {
            double v = (double)mat_get(x, 0, i), e = 0.5 * v * erfc(-v * 0.70710678118654752440);
            if (v != 0) worst = fmax(worst, fabs((double)mat_get(y, 0, i) / e - 1));
        }
        assert_true(worst < (f.d[d].is_cpu && iad_cpu_isa_of(f.d[d].device) == IAD_CPU_PLAIN ? 8e-6 : 5e-7));
    }
    mat_free(x);
    mat_free(y);
    fixture_close(&f);
}

static void test_gather(void **state) {
    (void)state;
    static const iad_dtype kinds[] = {IAD_F32, IAD_BF16, IAD_F16};
    static const int32_t index[] = {4, 0, 0, 36, 11};
    iad_err err = IAD_ERR_NONE;
    fixture f;
    fixture_open(&f);
    for (int k = 0; k < 6; k++) {
        iad_rng rng;
        iad_rng_init(&rng, 1, (uint64_t)k);
        iad_mat table = mat_new(37, 99, 101, kinds[k % 3]), y = mat_new(5, 99, 103, kinds[k / 3]), expected = {0};
        mat_random(table, &rng, 1);
        mat_put(table, 4, 3, -0.0f);
        mat_put(table, 4, 4, 1e-40f);
        for (int d = 0; d < f.n; d++) {
            const iad_ops *ops = f.d[d].device->ops;
            memset(y.data, CANARY, (size_t)(y.rows * y.stride) * iad_dtype_size(y.dtype));
            assert_ok(ops->gather(f.d[d].queue, table, index, y, &err));
            mat_check_canary(y);
            if (d == 0) expected = mat_like(y);
            else mat_check_equal(y, expected, f.d[d].name);
            int32_t bad[] = {1, 2, 3, 37, 5};
            assert_fails(IAD_ERR_ARG, ops->gather(f.d[d].queue, table, bad, y, &err));
            assert_non_null(strstr(err.msg, "gather"));
            bad[3] = -1;
            assert_fails(IAD_ERR_ARG, ops->gather(f.d[d].queue, table, bad, y, &err));
        }
        for (int64_t r = 0; r < 5; r++) assert_true(mat_get(y, r, 98) == mat_get(y, r, 98));
        mat_free(expected);
        mat_free(table);
        mat_free(y);
    }
    fixture_close(&f);
}

static void test_rmsnorm_refused(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    fixture f;
    fixture_open(&f);
    iad_mat x = mat_new(2, 8, 8, IAD_F32), y = mat_new(2, 8, 8, IAD_F32);
    float w[8] = {1, 1, 1, 1, 1, 1, 1, 1};
    for (int d = 0; d < f.n; d++) {
        const iad_ops *ops = f.d[d].device->ops;
        iad_mat bad = x;
        bad.dtype = IAD_BF16;
        assert_fails(IAD_ERR_ARG, ops->rmsnorm(f.d[d].queue, bad, w, 0, y, &err));
        assert_non_null(strstr(err.msg, "rmsnorm"));
        bad = x;
        bad.data = NULL;
        assert_fails(IAD_ERR_ARG, ops->rmsnorm(f.d[d].queue, bad, w, 0, y, &err));
        assert_fails(IAD_ERR_ARG, ops->rmsnorm(f.d[d].queue, x, NULL, 0, y, &err));
        assert_fails(IAD_ERR_ARG, ops->rmsnorm(f.d[d].queue, x, w, -1, y, &err));
        bad = y;
        bad.rows = -1;
        assert_fails(IAD_ERR_ARG, ops->rmsnorm(f.d[d].queue, x, w, 0, bad, &err));
    }
    mat_free(x);
    mat_free(y);
    fixture_close(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rmsnorm), cmocka_unit_test(test_rope),       cmocka_unit_test(test_silu_mul),
        cmocka_unit_test(test_gelu),    cmocka_unit_test(test_gelu_dense), cmocka_unit_test(test_copy),
        cmocka_unit_test(test_exp2),    cmocka_unit_test(test_gather),     cmocka_unit_test(test_rmsnorm_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
