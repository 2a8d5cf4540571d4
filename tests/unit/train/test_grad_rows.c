/* Backward operations on rows: float against the double kernels (which test_grad_difference holds against differences), on every
 * instruction set, for any number of threads, cut anywhere. */
#include "tests/unit/train/grad_fixture.h"

#include "train/cpu/grad_plain64.h"

static const int64_t shapes[][2] = {{0, 5}, {1, 1}, {3, 17}, {5, 64}, {2, 203}, {70, 257}, {300, 260}};
enum { N_SHAPE = sizeof shapes / sizeof *shapes };

/* What a call left behind, per device, so that devices of one kind can be compared byte by byte. */
static iad_mat kept[GRAD_DEVICES];

static void keep(const grad_fixture *f, int i, iad_mat m, const char *what) {
    kept[i] = m;
    if (f->d[i].first != i) mat_check_equal(m, kept[f->d[i].first], what);
}

static void drop(const grad_fixture *f) {
    for (int i = 0; i < f->n; i++) mat_free(kept[i]);
}

static void test_rmsnorm(void **state) {
    (void)state;
    grad_fixture f;
    grad_open(&f);
    for (int s = 0; s < N_SHAPE; s++)
        for (int variant = 0; variant < 3; variant++) { /* add, set, set into dy */
            iad_err err = IAD_ERR_NONE;
            iad_rng rng;
            iad_rng_init(&rng, (uint64_t)s, 1);
            int64_t rows = shapes[s][0], n = shapes[s][1];
            iad_mat x = mat_some(&rng, rows, n, 3, 1), dy = mat_some(&rng, rows, n, 1, 1), before = mat_some(&rng, rows, n, 2, 1);
            iad_mat w = mat_array(&rng, n, 1), dw0 = mat_array(&rng, n, 1);
            double *x64 = mat_wide(x), *dy64 = mat_wide(dy), *w64 = mat_wide(w), *dw64 = mat_wide(dw0), *dx64 = mat_wide(before);
            for (int64_t r = 0; r < rows; r++)
                iad_plain64_rmsnorm_back(n, x64 + r * n, w64, (double)1e-5f, dy64 + r * n, dx64 + r * n, variant > 0, dw64);
            for (int i = 0; i < f.n; i++) {
                iad_mat dw = mat_like(dw0), g = mat_like(dy), dx = variant == 2 ? g : mat_like(before);
                assert_ok(f.d[i].ops->rmsnorm_back(f.d[i].queue, x, w.data, 1e-5f, g, dx, variant > 0, dw.data, &err));
                check_wide(dx, dx64, 1, 3e-6, f.d[i].name, "rmsnorm dx");
                check_wide(dw, dw64, 0, 3e-6, f.d[i].name, "rmsnorm dw");
                /* Two calls: the same bytes. */
                iad_mat dw2 = mat_like(dw0), g2 = mat_like(dy), dx2 = variant == 2 ? g2 : mat_like(before);
                int64_t cut = rows / 3;
                for (int part = 0; part < 2; part++) {
                    int64_t from = part ? cut : 0, count = part ? rows - cut : cut;
                    assert_ok(f.d[i].ops->rmsnorm_back(f.d[i].queue, iad_mat_rows(x, from, count), w.data, 1e-5f, iad_mat_rows(g2, from, count),
                                                       iad_mat_rows(dx2, from, count), variant > 0, dw2.data, &err));
                }
                mat_check_equal(dw2, dw, "rmsnorm dw in two calls");
                mat_check_equal(dx2, dx, "rmsnorm dx in two calls");
                /* No dw wanted. */
                iad_mat dx3 = mat_like(before);
                assert_ok(f.d[i].ops->rmsnorm_back(f.d[i].queue, x, w.data, 1e-5f, dy, dx3, variant > 0, NULL, &err));
                mat_check_equal(dx3, dx, "rmsnorm without dw");
                if (f.d[i].first != i) mat_check_equal(dx, kept[f.d[i].first], "threads");
                kept[i] = mat_like(dx);
                mat_free(dw);
                mat_free(dw2);
                mat_free(g);
                mat_free(g2);
                mat_free(dx3);
                if (variant < 2) {
                    mat_free(dx);
                    mat_free(dx2);
                }
            }
            drop(&f);
            double *all[] = {x64, dy64, w64, dw64, dx64};
            for (int k = 0; k < 5; k++) test_free(all[k]);
            iad_mat mats[] = {x, dy, before, w, dw0};
            for (int k = 0; k < 5; k++) mat_free(mats[k]);
        }
    grad_close(&f);
}

/* Sizes up to 12: also where the slopes are flat and the exponentials small. */
static void test_silu_mul(void **state) {
    (void)state;
    grad_fixture f;
    grad_open(&f);
    for (int s = 0; s < N_SHAPE; s++) {
        iad_err err = IAD_ERR_NONE;
        iad_rng rng;
        iad_rng_init(&rng, (uint64_t)s, 2);
        int64_t rows = shapes[s][0], n = shapes[s][1];
        iad_mat x = mat_some(&rng, rows, 2 * n, 3, 4), dy = mat_some(&rng, rows, n, 1, 1);
        double *x64 = mat_wide(x), *dy64 = mat_wide(dy), *dx64 = mat_wide(x);
        for (int64_t r = 0; r < rows; r++) iad_plain64_silu_mul_back(n, x64 + 2 * r * n, dy64 + r * n, dx64 + 2 * r * n);
        for (int i = 0; i < f.n; i++) {
            iad_mat dx = mat_new(rows, 2 * n, 2 * n + 5, IAD_F32), place = mat_like(x);
            assert_ok(f.d[i].ops->silu_mul_back(f.d[i].queue, x, dy, dx, &err));
            check_wide(dx, dx64, 0, 1e-6, f.d[i].name, "silu_mul");
            assert_ok(f.d[i].ops->silu_mul_back(f.d[i].queue, place, dy, place, &err));
            mat_check_equal(place, dx, "silu_mul in place");
            mat_free(place);
            keep(&f, i, dx, "silu_mul threads");
        }
        drop(&f);
        test_free(x64);
        test_free(dy64);
        test_free(dx64);
        mat_free(x);
        mat_free(dy);
    }
    grad_close(&f);
}

static void test_gelu(void **state) {
    (void)state;
    grad_fixture f;
    grad_open(&f);
    for (int s = 0; s < N_SHAPE; s++) {
        iad_err err = IAD_ERR_NONE;
        iad_rng rng;
        iad_rng_init(&rng, (uint64_t)s, 3);
        int64_t rows = shapes[s][0], n = shapes[s][1];
        iad_mat x = mat_some(&rng, rows, n, 3, s % 2 ? 3 : 0.1f), dy = mat_some(&rng, rows, n, 1, 1);
        if (rows > 0 && n > 2) mat_put(x, 0, 1, 0.0f);
        double *x64 = mat_wide(x), *dy64 = mat_wide(dy), *dx64 = mat_wide(x);
        for (int64_t r = 0; r < rows; r++) iad_plain64_gelu_back(n, x64 + r * n, dy64 + r * n, dx64 + r * n);
        for (int i = 0; i < f.n; i++) {
            iad_mat dx = mat_new(rows, n, n + 5, IAD_F32), in_x = mat_like(x), in_dy = mat_like(dy);
            assert_ok(f.d[i].ops->gelu_back(f.d[i].queue, x, dy, dx, &err));
            check_wide(dx, dx64, 0, 1e-6, f.d[i].name, "gelu");
            assert_ok(f.d[i].ops->gelu_back(f.d[i].queue, in_x, dy, in_x, &err));
            assert_ok(f.d[i].ops->gelu_back(f.d[i].queue, x, in_dy, in_dy, &err));
            mat_check_equal(in_x, dx, "gelu into x");
            mat_check_equal(in_dy, dx, "gelu into dy");
            mat_free(in_x);
            mat_free(in_dy);
            keep(&f, i, dx, "gelu threads");
        }
        drop(&f);
        test_free(x64);
        test_free(dy64);
        test_free(dx64);
        mat_free(x);
        mat_free(dy);
    }
    grad_close(&f);
}

static void test_cross_entropy(void **state) {
    (void)state;
    grad_fixture f;
    grad_open(&f);
    for (int s = 0; s < N_SHAPE; s++) {
        iad_err err = IAD_ERR_NONE;
        iad_rng rng;
        iad_rng_init(&rng, (uint64_t)s, 4);
        int64_t rows = shapes[s][0], n = shapes[s][1] * 9;
        iad_mat logits = mat_some(&rng, rows, n, 3, 6);
        int32_t target[300];
        float weight[300];
        double *want = mat_wide(logits), loss64[300];
        int hit64[300];
        for (int64_t r = 0; r < rows; r++) {
            target[r] = (int32_t)iad_rng_below(&rng, (uint32_t)n);
            weight[r] = r % 4 == 3 ? 0 : 0.25f * (float)r;
            if (r % 3 == 0) mat_put(logits, r, target[r], 40); /* a hit */
            if (r % 6 == 0 && target[r] > 0) mat_put(logits, r, target[r] - 1, 40); /* a tie that the target loses */
        }
        test_free(want);
        want = mat_wide(logits);
        for (int64_t r = 0; r < rows; r++) loss64[r] = iad_plain64_cross_entropy(n, want + r * n, target[r], (double)weight[r], &hit64[r]);
        for (int i = 0; i < f.n; i++) {
            iad_mat got = mat_like(logits);
            double loss[300];
            uint8_t hit[300];
            assert_ok(f.d[i].ops->cross_entropy(f.d[i].queue, got, target, weight, loss, i % 2 ? hit : NULL, &err));
            check_wide(got, want, 0, 1e-6, f.d[i].name, "cross_entropy");
            for (int64_t r = 0; r < rows; r++) {
                assert_close(loss[r], loss64[r], 2e-6 * (1 + fabs(loss64[r])));
                if (i % 2) assert_int_equal(hit[r], hit64[r]);
                for (int64_t c = 0; c < n && weight[r] == 0; c++) assert_true(mat_get(got, r, c) == 0);
            }
            keep(&f, i, got, "cross_entropy threads");
        }
        drop(&f);
        test_free(want);
        mat_free(logits);
    }
    grad_close(&f);
}

/* Adjoint of gather: <gather(T), dy> = <T, scatter_add(dy)>, indices that repeat and -1 among them; and exact sums in order. */
static void test_scatter_add(void **state) {
    (void)state;
    enum { TABLE = 40 };
    grad_fixture f;
    grad_open(&f);
    for (int s = 0; s < N_SHAPE; s++) {
        iad_err err = IAD_ERR_NONE;
        iad_rng rng;
        iad_rng_init(&rng, (uint64_t)s, 5);
        int64_t rows = shapes[s][0], n = shapes[s][1];
        iad_mat dy = mat_some(&rng, rows, n, 2, 1), table = mat_some(&rng, TABLE, n, 1, 1), before = mat_some(&rng, TABLE, n, 4, 1);
        int32_t index[300];
        for (int64_t r = 0; r < rows; r++) index[r] = (int32_t)iad_rng_below(&rng, TABLE + 1) - 1;
        for (int i = 0; i < f.n; i++) {
            iad_mat got = mat_like(before), sum = mat_like(before);
            assert_ok(f.d[i].ops->scatter_add(f.d[i].queue, dy, index, got, &err));
            mat_check_canary(got);
            double forward = 0, backward = 0;
            for (int64_t r = 0; r < rows; r++)
                for (int64_t c = 0; c < n && index[r] >= 0; c++) {
                    mat_put(sum, index[r], c, mat_get(sum, index[r], c) + mat_get(dy, r, c));
                    forward += (double)mat_get(table, index[r], c) * (double)mat_get(dy, r, c);
                }
            mat_check_equal(got, sum, "scatter_add");
            for (int64_t r = 0; r < TABLE; r++)
                for (int64_t c = 0; c < n; c++)
                    backward += (double)mat_get(table, r, c) * ((double)mat_get(got, r, c) - (double)mat_get(before, r, c));
            assert_close(forward, backward, 1e-4 + 1e-6 * fabs(forward));
            mat_free(got);
            mat_free(sum);
        }
        mat_free(dy);
        mat_free(table);
        mat_free(before);
    }
    grad_close(&f);
}

/* A NaN or an infinity in a row reaches that row's gradient and the running sums, and no other row. */
static void test_poison(void **state) {
    (void)state;
    static const float poisons[] = {NAN, INFINITY, -INFINITY};
    enum { ROWS = 5, N = 37, BAD = 2, AT = 33 };
    grad_fixture f;
    grad_open(&f);
    for (int i = 0; i < f.n; i++)
        for (int k = 0; k < 3; k++) {
            iad_err err = IAD_ERR_NONE;
            iad_rng rng;
            iad_rng_init(&rng, 1, 6);
            iad_mat x = mat_some(&rng, ROWS, 2 * N, 0, 1), dy = mat_some(&rng, ROWS, N, 0, 1), w = mat_array(&rng, N, 1);
            iad_mat dx = mat_some(&rng, ROWS, 2 * N, 0, 0), dw = mat_array(&rng, N, 0), half = iad_mat_cols(dx, 0, N), xs = iad_mat_cols(x, 0, N);
            mat_put(dy, BAD, AT, poisons[k]);
            assert_ok(f.d[i].ops->rmsnorm_back(f.d[i].queue, xs, w.data, 1e-5f, dy, half, 1, dw.data, &err));
            for (int64_t r = 0; r < ROWS; r++) assert_int_equal(!isfinite(mat_get(half, r, AT)), r == BAD);
            assert_false(isfinite(mat_get(dw, 0, AT)));
            assert_true(isfinite(mat_get(dw, 0, AT - 1)));
            assert_ok(f.d[i].ops->gelu_back(f.d[i].queue, xs, dy, half, &err));
            for (int64_t r = 0; r < ROWS; r++) assert_int_equal(!isfinite(mat_get(half, r, AT)), r == BAD);
            assert_ok(f.d[i].ops->silu_mul_back(f.d[i].queue, x, dy, dx, &err));
            for (int64_t r = 0; r < ROWS; r++) assert_int_equal(!isfinite(mat_get(dx, r, N + AT)), r == BAD);
            int32_t target[ROWS] = {0};
            float weight[ROWS] = {1, 1, 1, 1, 1};
            double loss[ROWS];
            if (k == 0) { /* in an infinite logit softmax is 1 or undefined; a NaN stays one */
                mat_put(dy, BAD, AT, NAN);
                assert_ok(f.d[i].ops->cross_entropy(f.d[i].queue, dy, target, weight, loss, NULL, &err));
                for (int64_t r = 0; r < ROWS; r++) assert_int_equal(!isfinite(loss[r]), r == BAD);
                for (int64_t r = 0; r < ROWS; r++) assert_int_equal(!isfinite(mat_get(dy, r, 1)), r == BAD);
            }
            mat_put(x, BAD, AT, NAN);
            mat_random(dy, &rng, 1);
            assert_ok(f.d[i].ops->gelu_back(f.d[i].queue, xs, dy, half, &err));
            assert_true(isnan(mat_get(half, BAD, AT)));
            assert_ok(f.d[i].ops->silu_mul_back(f.d[i].queue, x, dy, dx, &err));
            assert_true(isnan(mat_get(dx, BAD, AT)));
            iad_mat mats[] = {x, dy, w, dx, dw};
            for (int m = 0; m < 5; m++) mat_free(mats[m]);
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
        iad_rng_init(&rng, 1, 7);
        const iad_grad_ops *o = f.d[i].ops;
        iad_queue *q = f.d[i].queue;
        iad_mat a = mat_some(&rng, 3, 8, 0, 1), b = mat_some(&rng, 3, 7, 0, 1), two = mat_some(&rng, 3, 16, 0, 1), half = mat_new(3, 8, 8, IAD_BF16);
        iad_mat none = {.rows = 3, .cols = 8, .stride = 8, .dtype = IAD_F32}, narrow = a;
        narrow.stride = 7;
        int32_t index[3] = {0, 1, 3};
        float w[8] = {0};
        double loss[3];
        assert_fails(IAD_ERR_ARG, o->rmsnorm_back(q, a, w, 1e-5f, b, a, 1, NULL, &err));
        assert_fails(IAD_ERR_ARG, o->rmsnorm_back(q, a, w, 1e-5f, a, b, 1, NULL, &err));
        assert_fails(IAD_ERR_ARG, o->rmsnorm_back(q, half, w, 1e-5f, a, a, 1, NULL, &err));
        assert_fails(IAD_ERR_ARG, o->rmsnorm_back(q, a, NULL, 1e-5f, a, a, 1, NULL, &err));
        assert_fails(IAD_ERR_ARG, o->rmsnorm_back(q, a, w, -1, a, a, 1, NULL, &err));
        assert_fails(IAD_ERR_ARG, o->rmsnorm_back(q, a, w, 1e-5f, a, a, 0, NULL, &err)); /* dx is dy and added */
        assert_fails(IAD_ERR_ARG, o->silu_mul_back(q, a, a, a, &err));
        assert_fails(IAD_ERR_ARG, o->silu_mul_back(q, two, a, a, &err));
        assert_fails(IAD_ERR_ARG, o->gelu_back(q, a, a, none, &err));
        assert_fails(IAD_ERR_ARG, o->gelu_back(q, narrow, a, a, &err));
        assert_fails(IAD_ERR_ARG, o->add(q, a, b, &err));
        assert_fails(IAD_ERR_ARG, o->scatter_add(q, a, index, a, &err));
        index[2] = -2;
        assert_fails(IAD_ERR_ARG, o->scatter_add(q, a, index, a, &err));
        index[2] = 8;
        assert_fails(IAD_ERR_ARG, o->cross_entropy(q, a, index, w, loss, NULL, &err));
        assert_non_null(strstr(err.msg, "row 2"));
        index[2] = -1;
        assert_fails(IAD_ERR_ARG, o->cross_entropy(q, a, index, w, loss, NULL, &err));
        assert_fails(IAD_ERR_ARG, o->cross_entropy(q, a, index, NULL, loss, NULL, &err));
        iad_mat mats[] = {a, b, two, half};
        for (int m = 0; m < 4; m++) mat_free(mats[m]);
    }
    grad_close(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rmsnorm),       cmocka_unit_test(test_silu_mul),    cmocka_unit_test(test_gelu),
        cmocka_unit_test(test_cross_entropy), cmocka_unit_test(test_scatter_add), cmocka_unit_test(test_poison),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
