/* Attention on every instruction set against the reference device, and its equalities bit by bit. */
#include "tests/unit/ops/ops_fixture.h"

#include "runtime/cpu/cpu_device.h"

typedef struct attend_case {
    int n_head, n_kv, d;
    int64_t rows, prefix, tail;
    int causal;
    iad_dtype q, kv, out;
    float size; /* of q: large ones make one-hot probabilities */
} attend_case;

/* k | v of all keys side by side in one matrix, spans are views of it. */
typedef struct attend_data {
    iad_mat q, kv, out;
    iad_attend_seq seq;
    iad_attend job;
} attend_data;

static iad_mat key_view(const attend_data *a, int64_t from, int64_t n, int value) {
    int64_t cols = a->kv.cols / 2;
    return iad_mat_cols(iad_mat_rows(a->kv, from, n), value * cols, cols);
}

static void set_spans(const attend_data *a, iad_attend_seq *seq, int64_t first, int64_t second) {
    seq->spans[0] = (iad_kv_span){key_view(a, 0, first, 0), key_view(a, 0, first, 1)};
    seq->spans[1] = (iad_kv_span){key_view(a, first, second, 0), key_view(a, first, second, 1)};
}

static void data_open(attend_data *a, const attend_case *c, uint64_t seed) {
    iad_rng rng;
    iad_rng_init(&rng, seed, 1);
    int64_t keys = c->prefix + c->tail, kv_cols = 2 * (int64_t)c->n_kv * c->d;
    a->q = mat_new(c->rows, (int64_t)c->n_head * c->d, (int64_t)c->n_head * c->d + 6, c->q);
    a->kv = mat_new(keys, kv_cols, kv_cols + 10, c->kv);
    a->out = mat_new(c->rows, (int64_t)c->n_head * c->d, (int64_t)c->n_head * c->d + 2, c->out);
    mat_random(a->q, &rng, c->size);
    mat_random(a->kv, &rng, 1);
    a->seq = (iad_attend_seq){.row = 0, .n_row = c->rows, .causal = c->causal};
    set_spans(a, &a->seq, c->prefix, c->tail);
    a->job = (iad_attend){.n_head = c->n_head, .n_kv_head = c->n_kv, .d_head = c->d, .scale = 1 / sqrtf((float)c->d), .q = a->q,
                          .out = a->out, .seqs = &a->seq, .n_seq = 1};
}

static void data_close(attend_data *a) {
    mat_free(a->q);
    mat_free(a->kv);
    mat_free(a->out);
}

/* Whether q and the probabilities meet these keys in bf16 products. */
static int rounds_to_bf16(const fixture_device *d, const attend_case *c) {
    if (c->kv != IAD_BF16) return 0;
    return d->is_cpu ? iad_cpu_has_bf16(d->device) : c->d % 8 == 0 && c->d <= 128;
}

static const attend_case CASES[] = {
    {2, 2, 16, 1, 1, 0, 0, IAD_F32, IAD_F32, IAD_F32, 1},
    {16, 16, 80, 64, 64, 0, 0, IAD_F32, IAD_F32, IAD_F32, 1},      /* a window */
    {3, 3, 80, 12, 12, 0, 0, IAD_F32, IAD_F32, IAD_BF16, 1},
    {2, 2, 80, 300, 300, 0, 0, IAD_F32, IAD_F32, IAD_F32, 2},      /* a whole image */
    {6, 2, 16, 77, 0, 77, 1, IAD_F32, IAD_F32, IAD_F32, 1},        /* the tiny model */
    {6, 2, 16, 1, 130, 3, 1, IAD_F32, IAD_BF16, IAD_F32, 1},
    {7, 1, 128, 40, 201, 40, 1, IAD_F32, IAD_BF16, IAD_BF16, 1},   /* a group of the 7B model */
    {28, 4, 128, 1, 0, 500, 1, IAD_F32, IAD_BF16, IAD_F32, 1},     /* decode */
    {14, 2, 128, 3, 384, 13, 1, IAD_BF16, IAD_BF16, IAD_F32, 1},
    {7, 1, 128, 40, 201, 40, 1, IAD_F32, IAD_F32, IAD_F32, 1},
    {4, 2, 2, 9, 5, 9, 1, IAD_F32, IAD_F32, IAD_F32, 1},
    {2, 1, 6, 33, 100, 44, 1, IAD_F32, IAD_BF16, IAD_BF16, 1},
    {2, 1, 254, 5, 129, 5, 1, IAD_F32, IAD_F32, IAD_F32, 1},
    {2, 1, 256, 5, 255, 6, 0, IAD_BF16, IAD_BF16, IAD_F32, 1},
    {300, 1, 4, 2, 128, 2, 1, IAD_F32, IAD_F32, IAD_F32, 1},       /* more heads than lanes */
    {2, 2, 80, 65, 200, 0, 0, IAD_F32, IAD_F32, IAD_F32, 60},      /* scores in the hundreds */
    {2, 2, 80, 65, 200, 0, 0, IAD_F32, IAD_F32, IAD_F32, 1e-42f},  /* subnormal queries: a plain mean */
};

static void test_cases(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    fixture f;
    fixture_open(&f);
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        const attend_case *c = &CASES[i];
        attend_data a;
        data_open(&a, c, i);
        assert_ok(f.d[0].device->ops->attend(f.d[0].queue, &a.job, &err));
        mat_check_canary(a.out);
        iad_mat expected = mat_like(a.out);
        for (int d = 1; d < f.n; d++) {
            char what[100];
            (void)snprintf(what, sizeof what, "case %zu on %s", i, f.d[d].name);
            memset(a.out.data, CANARY, (size_t)(a.out.rows * a.out.stride) * iad_dtype_size(a.out.dtype));
            assert_ok(f.d[d].device->ops->attend(f.d[d].queue, &a.job, &err));
            mat_check_canary(a.out);
            int pairs = rounds_to_bf16(&f.d[d], c);
            /* Rounding q and the probabilities to bf16 moves a score by about 2^-9 of its size; in f32 the sums of q k move it. */
            double absolute = pairs ? 0.02 : c->size > 10 ? 2e-4 : 2e-6;
            mat_check_close(a.out, expected, absolute, c->out == IAD_BF16 ? 1.0 / 128 : 0, what);
            iad_mat first = mat_like(a.out);
            assert_ok(f.d[d].device->ops->attend(f.d[d].queue, &a.job, &err));
            mat_check_equal(a.out, first, what);
            mat_free(first);
        }
        mat_free(expected);
        data_close(&a);
    }
    fixture_close(&f);
}

/* The error of the bf16 dot products is that of rounding q and the probabilities: small in the mean, too. */
static void test_bf16_mean_error(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    fixture f;
    fixture_open(&f);
    const int rows = IAD_SANITIZED ? 8 : 60;
    attend_case c = {28, 4, 128, rows, 700, rows, 1, IAD_F32, IAD_BF16, IAD_F32, 1};
    attend_data a;
    data_open(&a, &c, 99);
    assert_ok(f.d[0].device->ops->attend(f.d[0].queue, &a.job, &err));
    iad_mat expected = mat_like(a.out);
    for (int d = 1; d < f.n; d++) {
        double sum = 0, size = 0;
        assert_ok(f.d[d].device->ops->attend(f.d[d].queue, &a.job, &err));
        for (int64_t r = 0; r < a.out.rows; r++)
            for (int64_t col = 0; col < a.out.cols; col++) {
                double e = (double)mat_get(expected, r, col), x = (double)mat_get(a.out, r, col) - e;
                sum += x * x;
                size += e * e;
            }
        assert_true(sqrt(sum / size) < (rounds_to_bf16(&f.d[d], &c) ? 4e-3 : 1e-6));
    }
    mat_free(expected);
    data_close(&a);
    fixture_close(&f);
}

/* Row i over keys 0..n has the same bits in one call, row by row, in chunks, with any cut into two spans, on any team. */
static void check_cuts(const attend_case *c) {
    iad_err err = IAD_ERR_NONE;
    fixture f;
    fixture_open(&f);
    attend_data a;
    data_open(&a, c, 5);
    iad_mat whole[MAX_DEVICES] = {{0}};
    for (int d = 1; d < f.n; d++) {
        static const int64_t sizes[] = {1, 2, 7, 31, 64, 100};
        const iad_ops *ops = f.d[d].device->ops;
        iad_rng rng;
        iad_rng_init(&rng, 6, 7);
        assert_ok(ops->attend(f.d[d].queue, &a.job, &err));
        whole[d] = mat_like(a.out);
        /* The same instruction set stands at odd and even places, with one and with three threads. */
        if (d % 2 == 0) mat_check_equal(whole[d], whole[d - 1], "threads");
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s += IAD_SANITIZED ? 2 : 1) {
            memset(a.out.data, CANARY, (size_t)(a.out.rows * a.out.stride) * iad_dtype_size(a.out.dtype));
            int64_t past = c->prefix + c->tail - c->rows;
            for (int64_t row = 0; row < c->rows; row += sizes[s]) {
                int64_t n = row + sizes[s] > c->rows ? c->rows - row : sizes[s], keys = c->causal ? past + row + n : c->prefix + c->tail;
                iad_attend_seq seq = {.row = row, .n_row = n, .causal = c->causal};
                int64_t first = (int64_t)iad_rng_below(&rng, (uint32_t)keys + 1);
                set_spans(&a, &seq, first, keys - first);
                iad_attend job = a.job;
                job.seqs = &seq;
                assert_ok(ops->attend(f.d[d].queue, &job, &err));
            }
            mat_check_equal(a.out, whole[d], f.d[d].name);
        }
    }
    for (int d = 1; d < f.n; d++) mat_free(whole[d]);
    data_close(&a);
    fixture_close(&f);
}

static void test_cuts(void **state) {
    (void)state;
    check_cuts(&(attend_case){14, 2, 128, 150, 0, 420, 1, IAD_F32, IAD_BF16, IAD_F32, 1});
    check_cuts(&(attend_case){14, 2, 128, 150, 0, 420, 1, IAD_F32, IAD_F32, IAD_F32, 1});
    check_cuts(&(attend_case){6, 2, 16, 300, 0, 301, 1, IAD_F32, IAD_BF16, IAD_BF16, 1});
    check_cuts(&(attend_case){3, 3, 80, 200, 290, 0, 0, IAD_F32, IAD_F32, IAD_F32, 1});
}

/* A batch over a common prefix is bit-equal to its sequences one by one. */
static void test_shared_prefix(void **state) {
    (void)state;
    static const int64_t prefixes[] = {128, 383, 640, 90};
    static const iad_dtype kinds[] = {IAD_BF16, IAD_F32};
    enum { BATCH = 45, TAIL = 150 };
    iad_err err = IAD_ERR_NONE;
    fixture f;
    fixture_open(&f);
    for (size_t p = 0; p < 8; p++) {
        if (IAD_SANITIZED && p / 4 != p % 2) continue; /* every prefix, every kind, not every pair */
        int64_t prefix = prefixes[p % 4];
        attend_case c = {14, 2, 32, 2 * BATCH, prefix, BATCH * TAIL, 1, IAD_F32, kinds[p / 4], IAD_F32, 1};
        attend_data a;
        data_open(&a, &c, p);
        iad_attend_seq seqs[BATCH];
        int64_t row = 0;
        for (int s = 0; s < BATCH; s++) {
            int64_t tail = 2 + s * 3, at = prefix + s * TAIL, n_row = 1 + s % 2;
            seqs[s] = (iad_attend_seq){.row = row, .n_row = n_row, .causal = 1};
            seqs[s].spans[0] = (iad_kv_span){key_view(&a, 0, prefix, 0), key_view(&a, 0, prefix, 1)};
            seqs[s].spans[1] = (iad_kv_span){key_view(&a, at, tail, 0), key_view(&a, at, tail, 1)};
            row += n_row;
        }
        a.job.q.rows = a.job.out.rows = a.out.rows = row;
        for (int d = 1; d < f.n; d++) {
            const iad_ops *ops = f.d[d].device->ops;
            a.job.seqs = seqs;
            a.job.n_seq = BATCH;
            assert_ok(ops->attend(f.d[d].queue, &a.job, &err));
            iad_mat batch = mat_like(a.out);
            a.job.n_seq = 1;
            for (int s = 0; s < BATCH; s++) {
                a.job.seqs = &seqs[s];
                assert_ok(ops->attend(f.d[d].queue, &a.job, &err));
            }
            mat_check_equal(a.out, batch, f.d[d].name);
            mat_free(batch);
        }
        data_close(&a);
    }
    fixture_close(&f);
}

/* Many windows in one call, some empty, as views of one matrix q | k | v. */
static void test_windows(void **state) {
    (void)state;
    static const int64_t sizes[] = {64, 48, 0, 16, 12, 64, 4, 0, 64, 1};
    enum { N = 10, HEADS = 3, D = 80 };
    iad_err err = IAD_ERR_NONE;
    fixture f;
    fixture_open(&f);
    int64_t total = 0;
    for (int i = 0; i < N; i++) total += sizes[i];
    iad_rng rng;
    iad_rng_init(&rng, 3, 3);
    iad_mat qkv = mat_new(total, 3 * HEADS * D, 3 * HEADS * D, IAD_F32), out = mat_new(total, HEADS * D, HEADS * D, IAD_F32);
    mat_random(qkv, &rng, 1);
    iad_attend_seq seqs[N];
    int64_t row = 0;
    for (int i = 0; i < N; i++) {
        iad_mat rows = iad_mat_rows(qkv, row, sizes[i]);
        seqs[i] = (iad_attend_seq){.row = row, .n_row = sizes[i], .spans = {{iad_mat_cols(rows, HEADS * D, HEADS * D),
                                                                             iad_mat_cols(rows, 2 * HEADS * D, HEADS * D)}}};
        row += sizes[i];
    }
    iad_attend job = {.n_head = HEADS, .n_kv_head = HEADS, .d_head = D, .scale = 1 / sqrtf(D), .q = iad_mat_cols(qkv, 0, HEADS * D),
                      .out = out, .seqs = seqs, .n_seq = N};
    assert_ok(f.d[0].device->ops->attend(f.d[0].queue, &job, &err));
    iad_mat expected = mat_like(out);
    for (int d = 1; d < f.n; d++) {
        memset(out.data, CANARY, (size_t)(out.rows * out.stride) * 4);
        assert_ok(f.d[d].device->ops->attend(f.d[d].queue, &job, &err));
        mat_check_close(out, expected, 2e-6, 0, f.d[d].name);
    }
    mat_free(expected);
    mat_free(qkv);
    mat_free(out);
    fixture_close(&f);
}

/* One key: the output is its value row, within the rounding of p v / p. Zeros of both signs and equal keys: the mean. */
static void test_few_keys(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    fixture f;
    fixture_open(&f);
    attend_case c = {4, 2, 16, 1, 1, 0, 1, IAD_F32, IAD_F32, IAD_F32, 1000};
    attend_data a;
    data_open(&a, &c, 1);
    mat_put(a.kv, 0, 32, -0.0f); /* values follow the keys: 2 heads of 16 */
    mat_put(a.kv, 0, 33, 1e38f);
    for (int d = 0; d < f.n; d++) {
        assert_ok(f.d[d].device->ops->attend(f.d[d].queue, &a.job, &err));
        for (int h = 0; h < 4; h++)
            for (int i = 0; i < 16; i++) {
                double v = (double)mat_get(a.kv, 0, 32 + h / 2 * 16 + i);
                assert_close((double)mat_get(a.out, 0, h * 16 + i), v, 3e-7 * fabs(v));
            }
    }
    data_close(&a);
    c = (attend_case){2, 2, 16, 3, 10, 3, 1, IAD_F32, IAD_F32, IAD_F32, 1};
    data_open(&a, &c, 1);
    for (int64_t r = 0; r < a.q.rows; r++)
        for (int64_t i = 0; i < a.q.cols; i++) mat_put(a.q, r, i, i % 2 ? 0.0f : -0.0f);
    for (int d = 0; d < f.n; d++) {
        assert_ok(f.d[d].device->ops->attend(f.d[d].queue, &a.job, &err));
        for (int r = 0; r < 3; r++) {
            double mean = 0;
            for (int j = 0; j < 11 + r; j++) mean += (double)mat_get(a.kv, j, 32 + 5) / (11 + r);
            assert_close((double)mat_get(a.out, r, 5), mean, 1e-6);
        }
    }
    data_close(&a);
    fixture_close(&f);
}

static void test_refused(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    fixture f;
    fixture_open(&f);
    attend_case c = {4, 2, 16, 3, 4, 3, 1, IAD_F32, IAD_BF16, IAD_F32, 1};
    attend_data a;
    data_open(&a, &c, 1);
    for (int d = 0; d < f.n; d++) {
        const iad_ops *ops = f.d[d].device->ops;
        for (int bad = 0; bad < 14; bad++) {
            iad_attend job = a.job;
            iad_attend_seq seq = a.seq;
            job.seqs = &seq;
            switch (bad) {
            case 0: job.n_kv_head = 3; break;
            case 1: job.d_head = 15; break;
            case 2: job.scale = 0; break;
            case 3: job.q.cols--; break;
            case 4: job.out.rows--; break;
            case 5: job.q.dtype = IAD_F16; break;
            case 6: job.out.dtype = IAD_I8; break;
            case 7: seq.n_row = 4; break;
            case 8: seq.row = -1; break;
            case 9: seq.spans[0].k.rows--; break;
            case 10: seq.spans[1].v.dtype = IAD_F32; break;
            case 11: seq.spans[0].k.rows = seq.spans[0].v.rows = seq.spans[1].k.rows = seq.spans[1].v.rows = 1; break;
            case 12: job.d_head = 258; break;
            default: job.out.stride = 3; break;
            }
            assert_fails(IAD_ERR_ARG, ops->attend(f.d[d].queue, &job, &err));
            assert_non_null(strstr(err.msg, "attend"));
        }
        iad_attend none = a.job;
        none.n_seq = 0;
        assert_ok(ops->attend(f.d[d].queue, &none, &err));
    }
    data_close(&a);
    fixture_close(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),         cmocka_unit_test(test_bf16_mean_error), cmocka_unit_test(test_cuts),
        cmocka_unit_test(test_shared_prefix), cmocka_unit_test(test_windows),         cmocka_unit_test(test_few_keys),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
