/* linear_dw on every instruction set, and the gradient of the input by a transposed weight. */
#include "tests/unit/train/grad_fixture.h"

#include "runtime/cpu/cpu_device.h"
#include "train/cpu/grad_plain64.h"

/* rows, n_out, n_in: tails of tiles, panels and blocks; the last two need several blocks of rows or threads. */
static const int64_t shapes[][3] = {{0, 3, 5},    {1, 1, 1},      {2, 7, 64},       {3, 6, 65},   {17, 13, 130},
                                    {64, 70, 63}, {259, 37, 200}, {1500, 97, 640}, {5000, 9, 20}};
enum { N_SHAPE = sizeof shapes / sizeof *shapes };

static iad_mat as_bf16(iad_mat m) {
    iad_mat half = mat_new(m.rows, m.cols, m.stride, IAD_BF16);
    for (int64_t r = 0; r < m.rows; r++)
        for (int64_t c = 0; c < m.cols; c++) mat_put(half, r, c, mat_get(m, r, c));
    return half;
}

/* dw and db of one call, and of two that are cut where grad.h allows it: bf16 at even rows, of tiles at multiples of 32. */
static void check_device(const grad_device *d, iad_mat dy, iad_mat x, iad_mat dw0, iad_mat db0, const double *want, const double *want_db,
                         iad_mat *dw) {
    iad_err err = IAD_ERR_NONE;
    double size = sqrt((double)dy.rows);
    iad_mat db = mat_like(db0), dw2 = mat_like(dw0), db2 = mat_like(db0);
    *dw = mat_like(dw0);
    assert_ok(d->ops->linear_dw(d->queue, dy, x, *dw, db.data, &err));
    /* A sum of K terms in float is off by a few ulp x sqrt(K). */
    check_wide(*dw, want, size, 3e-7 * (1 + 0.5 * sqrt((double)dy.rows)), d->name, iad_dtype_name(dy.dtype));
    check_wide(db, want_db, size, 3e-7 * (1 + 0.5 * sqrt((double)dy.rows)), d->name, "db");
    int64_t step = dy.dtype == IAD_BF16 && strcmp(d->ops->name, "cpu") == 0 && iad_cpu_has_amx(d->device) ? 32 : 2, cut = dy.rows / 2 / step * step;
    assert_ok(d->ops->linear_dw(d->queue, iad_mat_rows(dy, 0, cut), iad_mat_rows(x, 0, cut), dw2, db2.data, &err));
    assert_ok(d->ops->linear_dw(d->queue, iad_mat_rows(dy, cut, dy.rows - cut), iad_mat_rows(x, cut, dy.rows - cut), dw2, db2.data, &err));
    check_cut(d, dw2, *dw, "dw in two calls");
    mat_check_equal(db2, db, "db in two calls");
    mat_free(db);
    mat_free(db2);
    mat_free(dw2);
}

static void test_shapes(void **state) {
    (void)state;
    grad_fixture f;
    grad_open(&f);
    for (int s = 0; s < N_SHAPE; s++)
        for (int half = 0; half < 2; half++) {
            iad_rng rng;
            iad_rng_init(&rng, (uint64_t)s, 1);
            int64_t rows = shapes[s][0], n_out = shapes[s][1], n_in = shapes[s][2];
            iad_mat dy = mat_some(&rng, rows, n_out, 3, 1), x = mat_some(&rng, rows, n_in, 1, 1), kept[GRAD_DEVICES];
            iad_mat dw0 = mat_some(&rng, n_out, n_in, 5, 1), db0 = mat_array(&rng, n_out, 1);
            if (half) {
                iad_mat a = as_bf16(dy), b = as_bf16(x);
                mat_free(dy);
                mat_free(x);
                dy = a;
                x = b;
            }
            double *dy64 = mat_wide(dy), *x64 = mat_wide(x), *dw64 = mat_wide(dw0), *db64 = mat_wide(db0);
            iad_plain64_linear_dw(rows, n_out, n_in, dy64, n_out, x64, n_in, dw64, n_in, db64);
            for (int i = 0; i < f.n; i++) {
                check_device(&f.d[i], dy, x, dw0, db0, dw64, db64, &kept[i]);
                if (f.d[i].first != i) mat_check_equal(kept[i], kept[f.d[i].first], "threads");
            }
            for (int i = 0; i < f.n; i++) mat_free(kept[i]);
            double *all[] = {dy64, x64, dw64, db64};
            for (int k = 0; k < 4; k++) test_free(all[k]);
            iad_mat mats[] = {dy, x, dw0, db0};
            for (int k = 0; k < 4; k++) mat_free(mats[k]);
        }
    grad_close(&f);
}

/* In f32 a batch may be cut at any row: single rows give the bytes of all at once. */
static void test_row_by_row(void **state) {
    (void)state;
    grad_fixture f;
    grad_open(&f);
    for (int i = 0; i < f.n; i++) {
        iad_err err = IAD_ERR_NONE;
        iad_rng rng;
        iad_rng_init(&rng, 5, 2);
        iad_mat dy = mat_some(&rng, 37, 11, 0, 1), x = mat_some(&rng, 37, 70, 0, 1), dw = mat_some(&rng, 11, 70, 0, 1), one = mat_like(dw);
        assert_ok(f.d[i].ops->linear_dw(f.d[i].queue, dy, x, dw, NULL, &err));
        for (int64_t r = 0; r < 37; r++)
            assert_ok(f.d[i].ops->linear_dw(f.d[i].queue, iad_mat_rows(dy, r, 1), iad_mat_rows(x, r, 1), one, NULL, &err));
        check_cut(&f.d[i], one, dw, f.d[i].name);
        iad_mat mats[] = {dy, x, dw, one};
        for (int k = 0; k < 4; k++) mat_free(mats[k]);
    }
    grad_close(&f);
}

/* <dy, x w^T> = <dx, x> = <dw, w>: forward, input gradient and weight gradient are adjoints of each other. */
static void test_adjoint(void **state) {
    (void)state;
    enum { ROWS = 45, N_IN = 130, N_OUT = 77 };
    grad_fixture f;
    grad_open(&f);
    for (int i = 0; i < f.n; i++) {
        iad_err err = IAD_ERR_NONE;
        iad_rng rng;
        iad_rng_init(&rng, 6, 2);
        iad_mat dy = mat_some(&rng, ROWS, N_OUT, 0, 1), x = mat_some(&rng, ROWS, N_IN, 0, 1), w = mat_some(&rng, N_OUT, N_IN, 0, 1);
        iad_mat dw = mat_some(&rng, N_OUT, N_IN, 0, 0), dx = mat_some(&rng, ROWS, N_IN, 0, 0), y = mat_some(&rng, ROWS, N_OUT, 0, 0);
        iad_weight_spec spec = {.name = "w", .n_parts = 1, .n_in = N_IN, .storage = IAD_F32};
        spec.parts[0] = (iad_weight_part){.data = w.data, .dtype = IAD_F32, .n_out = N_OUT};
        iad_weight *forward, *turned;
        const iad_ops *ops = f.d[i].device->ops;
        assert_ok(ops->weight_new(f.d[i].device, &spec, &forward, &err));
        spec.transposed = 1;
        assert_ok(ops->weight_new(f.d[i].device, &spec, &turned, &err));
        assert_ok(ops->linear(f.d[i].queue, x, forward, IAD_STORE_SET, y, &err));
        assert_ok(ops->linear(f.d[i].queue, dy, turned, IAD_STORE_SET, dx, &err));
        assert_ok(f.d[i].ops->linear_dw(f.d[i].queue, dy, x, dw, NULL, &err));
        double a = 0, b = 0, c = 0;
        for (int r = 0; r < ROWS; r++) {
            for (int o = 0; o < N_OUT; o++) a += (double)mat_get(y, r, o) * (double)mat_get(dy, r, o);
            for (int k = 0; k < N_IN; k++) b += (double)mat_get(dx, r, k) * (double)mat_get(x, r, k);
        }
        for (int o = 0; o < N_OUT; o++)
            for (int k = 0; k < N_IN; k++) c += (double)mat_get(dw, o, k) * (double)mat_get(w, o, k);
        assert_close(a, b, 1e-3);
        assert_close(a, c, 1e-3);
        ops->weight_free(f.d[i].device, forward);
        ops->weight_free(f.d[i].device, turned);
        iad_mat mats[] = {dy, x, w, dw, dx, y};
        for (int k = 0; k < 6; k++) mat_free(mats[k]);
    }
    grad_close(&f);
}

/* A NaN of dy reaches its output's row of dw, an infinity of x its input's column, and nothing else. */
static void test_poison(void **state) {
    (void)state;
    grad_fixture f;
    grad_open(&f);
    for (int i = 0; i < f.n; i++)
        for (int half = 0; half < 2; half++) {
            iad_err err = IAD_ERR_NONE;
            iad_rng rng;
            iad_rng_init(&rng, 7, 2);
            iad_mat a = mat_some(&rng, 9, 14, 0, 1), b = mat_some(&rng, 9, 66, 0, 1), dw = mat_some(&rng, 14, 66, 0, 0);
            mat_put(a, 4, 13, NAN);
            mat_put(b, 8, 65, INFINITY);
            iad_mat dy = half ? as_bf16(a) : mat_like(a), x = half ? as_bf16(b) : mat_like(b);
            assert_ok(f.d[i].ops->linear_dw(f.d[i].queue, dy, x, dw, NULL, &err));
            for (int64_t o = 0; o < 14; o++)
                for (int64_t c = 0; c < 66; c++) assert_int_equal(!isfinite(mat_get(dw, o, c)), o == 13 || c == 65);
            iad_mat mats[] = {a, b, dw, dy, x};
            for (int k = 0; k < 5; k++) mat_free(mats[k]);
        }
    grad_close(&f);
}

static void test_refused(void **state) {
    (void)state;
    grad_fixture f;
    grad_open(&f);
    for (int i = 0; i < f.n; i++) {
        iad_err err = IAD_ERR_NONE;
        iad_rng rng;
        iad_rng_init(&rng, 8, 2);
        const iad_grad_ops *o = f.d[i].ops;
        iad_queue *q = f.d[i].queue;
        iad_mat dy = mat_some(&rng, 3, 4, 0, 1), x = mat_some(&rng, 3, 5, 0, 1), dw = mat_some(&rng, 4, 5, 0, 0), bad;
        assert_ok(o->linear_dw(q, dy, x, dw, NULL, &err));
        assert_fails(IAD_ERR_ARG, o->linear_dw(q, x, dy, dw, NULL, &err));
        assert_fails(IAD_ERR_ARG, o->linear_dw(q, iad_mat_rows(dy, 0, 2), x, dw, NULL, &err));
        bad = x, bad.dtype = IAD_BF16;
        assert_fails(IAD_ERR_ARG, o->linear_dw(q, dy, bad, dw, NULL, &err));
        bad = dy, bad.dtype = IAD_F16;
        assert_fails(IAD_ERR_ARG, o->linear_dw(q, bad, x, dw, NULL, &err));
        bad = dw, bad.dtype = IAD_BF16;
        assert_fails(IAD_ERR_ARG, o->linear_dw(q, dy, x, bad, NULL, &err));
        bad = dw, bad.stride = 4;
        assert_fails(IAD_ERR_ARG, o->linear_dw(q, dy, x, bad, NULL, &err));
        bad = dw, bad.data = NULL;
        assert_fails(IAD_ERR_ARG, o->linear_dw(q, dy, x, bad, NULL, &err));
        mat_free(dy);
        mat_free(x);
        mat_free(dw);
    }
    grad_close(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes), cmocka_unit_test(test_row_by_row), cmocka_unit_test(test_adjoint),
        cmocka_unit_test(test_poison), cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
