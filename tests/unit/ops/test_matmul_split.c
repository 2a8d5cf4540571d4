/* f32 products from three bf16 parts (iad_weight_spec.fast32) against sums in double, and beside f32 products. */
#include "tests/unit/ops/ops_fixture.h"

enum { N_SHAPE = 6 };

/* Inputs beyond one chunk of steps (384), no multiples of 32; outputs that fill one tile, two, a panel and parts of them. */
static const int64_t shapes[N_SHAPE][2] = {{1, 1}, {31, 16}, {33, 17}, {384, 64}, {500, 140}, {1540, 65}};

typedef struct layer {
    int64_t n_in, n_out;
    float *w, *bias;
    iad_weight_spec spec;
} layer;

/* Full mantissas, magnitudes over six decades. */
static void values(float *v, size_t n, uint64_t seed) {
    iad_rng rng;
    iad_rng_init(&rng, seed, 11);
    for (size_t i = 0; i < n; i++) v[i] = (float)(iad_rng_range(&rng, -1, 1) * pow(10, iad_rng_range(&rng, -4, 2)));
}

static void layer_open(layer *l, int64_t n_in, int64_t n_out, int fast32) {
    *l = (layer){.n_in = n_in, .n_out = n_out};
    l->w = test_malloc((size_t)(n_in * n_out) * sizeof(float));
    l->bias = test_malloc((size_t)n_out * sizeof(float));
    values(l->w, (size_t)(n_in * n_out), 1);
    values(l->bias, (size_t)n_out, 2);
    l->spec = (iad_weight_spec){.name = "test", .n_parts = 1, .n_in = n_in, .storage = IAD_F32, .fast32 = fast32};
    l->spec.parts[0] = (iad_weight_part){.data = l->w, .dtype = IAD_F32, .n_out = n_out, .bias = l->bias};
}

static void layer_close(layer *l) {
    test_free(l->w);
    test_free(l->bias);
}

static iad_weight *weight_of(const fixture_device *d, const iad_weight_spec *spec) {
    iad_err err = IAD_ERR_NONE;
    iad_weight *w = NULL;
    assert_ok(d->device->ops->weight_new(d->device, spec, &w, &err));
    return w;
}

static void run(const fixture_device *d, const iad_weight *w, iad_mat x, iad_store store, iad_mat y) {
    iad_err err = IAD_ERR_NONE;
    assert_ok(d->device->ops->linear(d->queue, x, w, store, y, &err));
}

static iad_mat inputs(int64_t rows, int64_t cols, int64_t gap) {
    iad_mat x = mat_new(rows, cols, cols + gap, IAD_F32);
    float *line = test_malloc((size_t)cols * sizeof *line);
    for (int64_t r = 0; r < rows; r++) {
        values(line, (size_t)cols, 100 + (uint64_t)r);
        for (int64_t c = 0; c < cols; c++) mat_put(x, r, c, line[c]);
    }
    test_free(line);
    return x;
}

/* Every output within 6e-7 of sum |x||w| + |b|, about ten roundings of f32 (2^-24 each): with two parts, 2^-17, this fails. */
static void check_exact(const layer *l, iad_mat x, iad_mat y) {
    for (int64_t r = 0; r < x.rows; r += x.rows > 40 ? 37 : 1)
        for (int64_t o = 0; o < l->n_out; o++) {
            double sum = (double)l->bias[o], size = fabs(sum);
            for (int64_t i = 0; i < l->n_in; i++) {
                double term = (double)mat_get(x, r, i) * (double)l->w[o * l->n_in + i];
                sum += term;
                size += fabs(term);
            }
            if (!(fabs((double)mat_get(y, r, o) - sum) <= 6e-7 * size))
                fail_msg("%lld -> %lld: (%lld, %lld) is %.9g, expected %.9g (terms of %g)", (long long)l->n_in, (long long)l->n_out,
                         (long long)r, (long long)o, (double)mat_get(y, r, o), sum, size);
        }
}

static void test_as_exact_as_f32(void **state) {
    (void)state;
    static const int64_t rows[] = {1, 16, 17, 33, 600};
    fixture f;
    fixture_open(&f);
    for (int s = 0; s < N_SHAPE; s++) {
        layer l;
        layer_open(&l, shapes[s][0], shapes[s][1], 1);
        for (int d = 0; d < f.n; d++) {
            if (strncmp(f.d[d].name, "amx", 3) != 0) continue; /* the sums of others are test_matmul.c's */
            iad_weight *w = weight_of(&f.d[d], &l.spec);
            for (size_t m = 0; m < sizeof rows / sizeof *rows; m++) {
                iad_mat x = inputs(rows[m], l.n_in, 3), y = mat_new(rows[m], l.n_out, l.n_out + 5, IAD_F32);
                run(&f.d[d], w, x, IAD_STORE_SET, y);
                check_exact(&l, x, y);
                mat_check_canary(y);
                mat_free(x);
                mat_free(y);
            }
            f.d[d].device->ops->weight_free(f.d[d].device, w);
        }
        layer_close(&l);
    }
    fixture_close(&f);
}

/* Every row alone, uneven pieces and any number of threads: the same bytes. bf16 outputs are the f32 ones rounded, added ones added. */
static void test_same_bytes(void **state) {
    (void)state;
    enum { ROWS = 550 };
    fixture f;
    fixture_open(&f);
    for (int s = 0; s < N_SHAPE; s++) {
        layer l;
        iad_mat first = {0}, x = inputs(ROWS, shapes[s][0], 1);
        layer_open(&l, shapes[s][0], shapes[s][1], 1);
        for (int d = 0; d < f.n; d++) {
            if (strncmp(f.d[d].name, "amx", 3) != 0) continue;
            iad_weight *w = weight_of(&f.d[d], &l.spec);
            iad_mat y = mat_new(ROWS, l.n_out, l.n_out, IAD_F32), pieces = mat_like(y), half = mat_new(ROWS, l.n_out, l.n_out + 1, IAD_BF16);
            run(&f.d[d], w, x, IAD_STORE_SET, y);
            for (int64_t r = 0, n = 1; r < ROWS; r += n, n = 2 * n + 1)
                run(&f.d[d], w, iad_mat_rows(x, r, n < ROWS - r ? n : ROWS - r), IAD_STORE_SET, iad_mat_rows(pieces, r, n < ROWS - r ? n : ROWS - r));
            mat_check_equal(y, pieces, "pieces");
            for (int64_t r = 0; r < ROWS; r += 61) run(&f.d[d], w, iad_mat_rows(x, r, 1), IAD_STORE_SET, iad_mat_rows(pieces, r, 1));
            mat_check_equal(y, pieces, "single rows");
            if (first.data != NULL) mat_check_equal(y, first, "threads");
            run(&f.d[d], w, x, IAD_STORE_SET, half);
            run(&f.d[d], w, x, IAD_STORE_ADD, pieces);
            for (int64_t r = 0; r < ROWS; r++)
                for (int64_t o = 0; o < l.n_out; o++) {
                    float v = mat_get(y, r, o);
                    assert_int_equal(iad_f32_to_bf16(v), iad_f32_to_bf16(mat_get(half, r, o)));
                    assert_float_equal(mat_get(pieces, r, o), v + v, 0);
                }
            mat_check_canary(half);
            mat_free(half);
            mat_free(pieces);
            if (first.data == NULL) first = y;
            else mat_free(y);
            f.d[d].device->ops->weight_free(f.d[d].device, w);
        }
        if (first.data != NULL) mat_free(first);
        mat_free(x);
        layer_close(&l);
    }
    fixture_close(&f);
}

/* The transposed layer gives the bytes of the layer whose matrix is turned by hand; weight_set those of weight_new; without AMX the hint changes
 * nothing, with it a value takes 6 bytes. */
static void test_packing(void **state) {
    (void)state;
    enum { IN = 77, OUT = 100, ROWS = 37 };
    fixture f;
    fixture_open(&f);
    layer l, plain;
    layer_open(&l, IN, OUT, 1);
    layer_open(&plain, IN, OUT, 0);
    float *turned = test_malloc(sizeof(float) * IN * OUT);
    for (int o = 0; o < OUT; o++)
        for (int i = 0; i < IN; i++) turned[i * OUT + o] = l.w[o * IN + i];
    iad_weight_spec across = {.name = "turned", .n_parts = 1, .n_in = OUT, .storage = IAD_F32, .fast32 = 1, .transposed = 1};
    across.parts[0] = (iad_weight_part){.data = turned, .dtype = IAD_F32, .n_out = IN};
    iad_mat x = inputs(ROWS, IN, 0);
    for (int d = 0; d < f.n; d++) {
        const iad_ops *ops = f.d[d].device->ops;
        iad_err err = IAD_ERR_NONE;
        iad_mat a = mat_new(ROWS, OUT, OUT, IAD_F32), b = mat_new(ROWS, OUT, OUT, IAD_F32);
        iad_weight *fast = weight_of(&f.d[d], &l.spec), *slow = weight_of(&f.d[d], &plain.spec);
        run(&f.d[d], fast, x, IAD_STORE_SET, a);
        run(&f.d[d], slow, x, IAD_STORE_SET, b);
        if (strncmp(f.d[d].name, "amx", 3) == 0) {
            assert_true(ops->weight_bytes(fast) >= (size_t)6 * IN * OUT);
        } else {
            mat_check_equal(a, b, f.d[d].name);
            assert_int_equal(ops->weight_bytes(fast), ops->weight_bytes(slow));
        }
        ops->weight_free(f.d[d].device, slow);
        memset(b.data, 0, sizeof(float) * ROWS * OUT);
        float *kept = test_malloc(sizeof(float) * IN * OUT);
        memcpy(kept, l.w, sizeof(float) * IN * OUT);
        memset(l.w, 0, sizeof(float) * IN * OUT);
        iad_weight *set = weight_of(&f.d[d], &l.spec);
        memcpy(l.w, kept, sizeof(float) * IN * OUT);
        test_free(kept);
        assert_ok(ops->weight_set(f.d[d].device, &l.spec, set, &err));
        run(&f.d[d], set, x, IAD_STORE_SET, b);
        mat_check_equal(a, b, "weight_set");
        ops->weight_free(f.d[d].device, set);
        ops->weight_free(f.d[d].device, fast);
        l.spec.parts[0].bias = NULL;
        fast = weight_of(&f.d[d], &l.spec);
        l.spec.parts[0].bias = l.bias;
        set = weight_of(&f.d[d], &across);
        run(&f.d[d], fast, x, IAD_STORE_SET, a);
        run(&f.d[d], set, x, IAD_STORE_SET, b);
        mat_check_equal(a, b, "transposed");
        ops->weight_free(f.d[d].device, set);
        ops->weight_free(f.d[d].device, fast);
        mat_free(a);
        mat_free(b);
    }
    mat_free(x);
    test_free(turned);
    layer_close(&l);
    layer_close(&plain);
    fixture_close(&f);
}

/* A NaN or an infinity reaches the outputs of its row as something not finite, and no other row. */
static void test_not_finite(void **state) {
    (void)state;
    enum { IN = 64, OUT = 20, ROWS = 40 };
    fixture f;
    fixture_open(&f);
    layer l;
    layer_open(&l, IN, OUT, 1);
    iad_mat x = inputs(ROWS, IN, 0);
    mat_put(x, 3, 40, INFINITY);
    mat_put(x, 20, 0, NAN);
    for (int d = 0; d < f.n; d++) {
        iad_weight *w = weight_of(&f.d[d], &l.spec);
        iad_mat y = mat_new(ROWS, OUT, OUT, IAD_F32);
        run(&f.d[d], w, x, IAD_STORE_SET, y);
        for (int r = 0; r < ROWS; r++)
            for (int o = 0; o < OUT; o++) assert_int_equal(isfinite(mat_get(y, r, o)) != 0, r != 3 && r != 20);
        mat_free(y);
        f.d[d].device->ops->weight_free(f.d[d].device, w);
    }
    mat_free(x);
    layer_close(&l);
    fixture_close(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_exact_as_f32),
        cmocka_unit_test(test_same_bytes),
        cmocka_unit_test(test_packing),
        cmocka_unit_test(test_not_finite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
