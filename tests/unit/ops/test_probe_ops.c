/* The probe of attention probabilities, the fusion of taps and the best match, against the reference device. */
#include "tests/unit/ops/ops_fixture.h"

static void random_vector(float *v, int64_t n, iad_rng *rng, double size) {
    for (int64_t i = 0; i < n; i++) v[i] = (float)(iad_rng_range(rng, -1, 1) * size);
}

typedef struct probe_case {
    int n_head, n_kv, d;
    int64_t rows, prefix, tail;
    int n_row;
    int64_t col, n_col;
    iad_dtype kv;
    float size;
} probe_case;

static void test_probe(void **state) {
    (void)state;
    static const probe_case cases[] = {
        {6, 2, 16, 5, 0, 40, 3, 3, 20, IAD_F32, 1},       {28, 4, 128, 30, 300, 60, 20, 250, 100, IAD_BF16, 1},
        {28, 4, 128, 30, 300, 60, 20, 0, 360, IAD_F32, 1}, {2, 2, 80, 9, 5, 9, 1, 0, 1, IAD_BF16, 1},
        {4, 1, 32, 3, 128, 3, 2, 127, 4, IAD_F32, 100},   {4, 1, 32, 3, 128, 3, 2, 127, 0, IAD_F32, 1},
    };
    iad_err err = IAD_ERR_NONE;
    fixture f;
    fixture_open(&f);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const probe_case *c = &cases[i];
        iad_rng rng;
        iad_rng_init(&rng, i, 4);
        int64_t kv_cols = (int64_t)c->n_kv * c->d, q_cols = (int64_t)c->n_head * c->d;
        iad_mat q = mat_new(c->rows + 2, q_cols, q_cols, IAD_F32), out = mat_new(c->rows + 2, q_cols, q_cols, IAD_F32);
        iad_mat k = mat_new(c->prefix + c->tail, kv_cols, kv_cols + 2, c->kv), v = mat_new(c->prefix + c->tail, kv_cols, kv_cols, c->kv);
        iad_mat map = mat_new(2, c->n_col, c->n_col + 3, IAD_F32);
        mat_random(q, &rng, c->size);
        mat_random(k, &rng, 1);
        mat_random(v, &rng, 1);
        iad_attend_seq seqs[2] = {{.row = 0, .n_row = 0}, {.row = 2, .n_row = c->rows, .causal = 1}};
        seqs[1].spans[0] = (iad_kv_span){iad_mat_rows(k, 0, c->prefix), iad_mat_rows(v, 0, c->prefix)};
        seqs[1].spans[1] = (iad_kv_span){iad_mat_rows(k, c->prefix, c->tail), iad_mat_rows(v, c->prefix, c->tail)};
        iad_attend job = {.n_head = c->n_head, .n_kv_head = c->n_kv, .d_head = c->d, .scale = 1 / sqrtf((float)c->d), .q = q,
                          .out = out, .seqs = seqs, .n_seq = 2};
        int64_t row[20];
        int class[20];
        float weight[20];
        for (int r = 0; r < c->n_row; r++) {
            row[r] = (int64_t)iad_rng_below(&rng, (uint32_t)c->rows); /* a row may occur twice */
            class[r] = (int)iad_rng_below(&rng, 2);
            weight[r] = (float)iad_rng_range(&rng, -1, 1);
        }
        iad_probe probe = {.n_row = c->n_row, .row = row, .row_class = class, .weight = weight, .n_class = 2, .col = c->col,
                           .n_col = c->n_col, .out = map};
        mat_random(map, &rng, 0.01f);
        iad_mat before = mat_like(map), expected = {0};
        for (int d = 0; d < f.n; d++) {
            const iad_ops *ops = f.d[d].device->ops;
            memcpy(map.data, before.data, (size_t)(map.rows * map.stride) * 4);
            assert_ok(ops->probe(f.d[d].queue, &job, 1, &probe, &err));
            mat_check_canary(map);
            if (d == 0) expected = mat_like(map);
            else mat_check_close(map, expected, c->size > 10 ? 1e-4 : 1e-6, 0, f.d[d].name);
            if (d > 0 && d % 2 == 0) { /* one and three threads: the same bits */
                iad_mat three = mat_like(map);
                memcpy(map.data, before.data, (size_t)(map.rows * map.stride) * 4);
                assert_ok(f.d[d - 1].device->ops->probe(f.d[d - 1].queue, &job, 1, &probe, &err));
                mat_check_equal(map, three, "threads");
                mat_free(three);
            }
            for (int bad = 0; bad < 6; bad++) {
                iad_probe wrong = probe;
                int64_t far = c->rows;
                int third = 2;
                switch (bad) {
                case 0: wrong.n_col++, wrong.col = c->prefix + c->tail; break;
                case 1: wrong.row = &far, wrong.n_row = 1; break;
                case 2: wrong.row_class = &third, wrong.n_row = 1; break;
                case 3: wrong.out.cols++; break;
                case 4: wrong.col = -1; break;
                default: wrong.out.dtype = IAD_BF16; break;
                }
                assert_fails(IAD_ERR_ARG, ops->probe(f.d[d].queue, &job, 1, &wrong, &err));
                assert_non_null(strstr(err.msg, "probe"));
            }
            assert_fails(IAD_ERR_ARG, ops->probe(f.d[d].queue, &job, 2, &probe, &err));
        }
        for (int64_t r = 0; r < out.rows; r++) assert_true(memcmp((float *)out.data + r * q_cols, (char *)out.data, 1) == 0);
        mat_free(expected);
        mat_free(before);
        mat_free(map);
        mat_free(q);
        mat_free(k);
        mat_free(v);
        mat_free(out);
    }
    fixture_close(&f);
}

/* All columns of one row over all heads sum to its weight. */
static void test_probe_sums_to_one(void **state) {
    (void)state;
    enum { N = 700, H = 8, D = 32 };
    iad_err err = IAD_ERR_NONE;
    fixture f;
    fixture_open(&f);
    iad_rng rng;
    iad_rng_init(&rng, 1, 4);
    iad_mat q = mat_new(N, H * D, H * D, IAD_F32), k = mat_new(N, 2 * D, 2 * D, IAD_BF16), map = mat_new(1, N, N, IAD_F32);
    mat_random(q, &rng, 1);
    mat_random(k, &rng, 1);
    iad_attend_seq seq = {.n_row = N, .causal = 1, .spans = {{k, k}}};
    iad_attend job = {.n_head = H, .n_kv_head = 2, .d_head = D, .scale = 0.2f, .q = q, .out = q, .seqs = &seq, .n_seq = 1};
    for (int d = 1; d < f.n; d++)
        for (int64_t row = 0; row < N; row += 233) {
            int class = 0;
            float weight = 2.5f;
            iad_probe probe = {.n_row = 1, .row = &row, .row_class = &class, .weight = &weight, .n_class = 1, .n_col = N, .out = map};
            memset(map.data, 0, N * 4);
            assert_ok(f.d[d].device->ops->probe(f.d[d].queue, &job, 0, &probe, &err));
            double sum = 0;
            for (int64_t c = 0; c < N; c++) {
                sum += (double)mat_get(map, 0, c);
                if (c > row) assert_true(mat_get(map, 0, c) == 0);
            }
            assert_close(sum, 2.5, 1e-5);
        }
    mat_free(q);
    mat_free(k);
    mat_free(map);
    fixture_close(&f);
}

static void test_fuse(void **state) {
    (void)state;
    static const int64_t shapes[][3] = {{0, 8, 4}, {1, 32, 1}, {7, 33, 4}, {40, 1280, 4}, {3, 5, 8}};
    iad_err err = IAD_ERR_NONE;
    fixture f;
    fixture_open(&f);
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (int variant = 0; variant < 3; variant++) {
            int64_t rows = shapes[s][0], n = shapes[s][1];
            int taps = (int)shapes[s][2];
            iad_rng rng;
            iad_rng_init(&rng, s, 5);
            float *norm = test_malloc(sizeof(float) * (size_t)(taps * n)), *gate_w = test_malloc(sizeof(float) * (size_t)(taps * taps * n));
            float gate_b[8], scale = variant == 0 ? 0.7f : variant == 1 ? 0 : -1.5f;
            random_vector(norm, taps * n, &rng, 2);
            random_vector(gate_w, taps * taps * n, &rng, 0.05);
            random_vector(gate_b, taps, &rng, 1);
            iad_fuse job = {.n_tap = taps, .norm = norm, .gate_w = variant == 2 ? NULL : gate_w, .gate_b = gate_b, .scale = &scale,
                            .eps = 1e-6f, .out = mat_new(rows, n, n + 3, IAD_F32)};
            for (int l = 0; l < taps; l++) {
                job.taps[l] = mat_new(rows, n, n + l, IAD_F32);
                mat_random(job.taps[l], &rng, (float)(l + 1));
            }
            iad_mat last = job.taps[taps - 1], expected = {0};
            if (rows > 0) {
                mat_put(last, 0, 0, -0.0f);
                mat_put(last, 0, 1, 1e-42f);
            }
            for (int d = 0; d < f.n; d++) {
                const iad_ops *ops = f.d[d].device->ops;
                assert_ok(ops->fuse(f.d[d].queue, &job, &err));
                mat_check_canary(job.out);
                if (d == 0) expected = mat_like(job.out);
                else mat_check_close(job.out, expected, 2e-5, 0, f.d[d].name);
                if (variant == 1) mat_check_equal(job.out, last, "scale 0");
                iad_fuse same = job;
                same.taps[taps - 1] = same.out = mat_like(last);
                assert_ok(ops->fuse(f.d[d].queue, &same, &err));
                mat_check_equal(same.out, job.out, "onto the last tap");
                mat_free(same.out);
                same = job;
                same.taps[0].cols--;
                assert_fails(IAD_ERR_ARG, ops->fuse(f.d[d].queue, &same, &err));
                assert_non_null(strstr(err.msg, "fuse"));
                same = job;
                same.n_tap = 9;
                assert_fails(IAD_ERR_ARG, ops->fuse(f.d[d].queue, &same, &err));
            }
            for (int l = 0; l < taps; l++) mat_free(job.taps[l]);
            mat_free(expected);
            mat_free(job.out);
            test_free(norm);
            test_free(gate_w);
        }
    fixture_close(&f);
}

static void test_best_match(void **state) {
    (void)state;
    static const int64_t shapes[][3] = {{0, 0, 4}, {1, 1, 1}, {5, 5, 33}, {70, 70, 96}, {33, 7, 3584}, {3, 150, 20}, {100, 65, 64}};
    iad_err err = IAD_ERR_NONE;
    fixture f;
    fixture_open(&f);
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        int64_t n = shapes[s][0], m = shapes[s][1], cols = shapes[s][2];
        iad_rng rng;
        iad_rng_init(&rng, s, 6);
        iad_mat x = mat_new(n, cols, cols + 3, IAD_F32), ref = mat_new(m, cols, cols + 1, IAD_F32);
        iad_mat best = mat_new(1, n, n, IAD_F32), expected = mat_new(1, n, n, IAD_F32), first = mat_new(1, n, n, IAD_F32);
        mat_random(x, &rng, 4);
        mat_random(ref, &rng, 0.1f);
        if (n > 2)
            for (int64_t c = 0; c < cols; c++) {
                mat_put(x, 2, c, 0);
                mat_put(ref, 0, c, 0);
                mat_put(ref, 1, c, mat_get(x, 0, c) * 3); /* cosine 1 */
            }
        for (int aligned = 0; aligned <= (n == m); aligned++) {
            for (int d = 0; d < f.n; d++) {
                const iad_ops *ops = f.d[d].device->ops;
                assert_ok(ops->best_match(f.d[d].queue, x, ref, aligned, d == 0 ? expected.data : best.data, &err));
                if (d == 0) continue;
                mat_check_canary(best);
                mat_check_close(best, expected, 2e-6, 0, f.d[d].name);
                if (n > 2) assert_true(mat_get(best, 0, 2) == 0);
                if (n > 2 && !aligned) assert_close((double)mat_get(best, 0, 0), 1, 2e-6);
                if (d % 2 == 0) mat_check_equal(best, first, "threads");
                else memcpy(first.data, best.data, (size_t)n * 4);
                if (n > 0) {
                    iad_mat bad = ref;
                    bad.rows = 0;
                    assert_fails(IAD_ERR_ARG, ops->best_match(f.d[d].queue, x, bad, aligned, best.data, &err));
                    assert_non_null(strstr(err.msg, "best_match"));
                    bad = ref;
                    bad.cols--;
                    assert_fails(IAD_ERR_ARG, ops->best_match(f.d[d].queue, x, bad, aligned, best.data, &err));
                }
            }
        }
        mat_free(x);
        mat_free(ref);
        mat_free(best);
        mat_free(expected);
        mat_free(first);
    }
    fixture_close(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_probe),
        cmocka_unit_test(test_probe_sums_to_one),
        cmocka_unit_test(test_fuse),
        cmocka_unit_test(test_best_match),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
