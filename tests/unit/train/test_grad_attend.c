/* Backward of attention on every instruction set against the double kernel: head sizes, groups, windows, empty sequences, probes. */
#include "tests/unit/train/grad_fixture.h"

#include "tests/unit/train/grad_forward.h"
#include "train/cpu/grad_plain64.h"

enum { MAX_SEQ = 8 };

/* A packed batch: sequences with (rows, keys), keys of all in one matrix; probes on some. */
typedef struct batch {
    int n_head, n_kv_head, d_head, causal, n_seq;
    int64_t rows[MAX_SEQ], keys[MAX_SEQ], kv_row[MAX_SEQ];
    int probed; /* 1: a probe on every other sequence that is long enough */
    iad_mat q, k, v, out, dout;
    iad_attend_seq seqs[MAX_SEQ];
    iad_attend job;
    iad_probe probe[MAX_SEQ];
    const iad_probe *probes[MAX_SEQ];
    iad_mat grad[MAX_SEQ];
    double *dq, *dk, *dv; /* expected */
} batch;

static const int64_t probe_rows[] = {3, 1, 3};
static const int probe_classes[] = {1, 0, 0};
static const float probe_weights[] = {0.5f, 2.0f, -1.0f};

/* The double kernel on the float data of sequence s. */
static void expect(batch *b, int s, const double *q, const double *k, const double *v, const double *dout) {
    int64_t q_cols = b->q.cols, kv_cols = b->k.cols, row = b->seqs[s].row, kv = b->kv_row[s];
    const iad_probe *p = b->probes[s];
    forward_attention a = {.n_head = b->n_head, .n_kv_head = b->n_kv_head, .d_head = b->d_head, .causal = b->causal,
                           .scale = (double)b->job.scale, .n_row = b->rows[s], .n_key = b->keys[s]};
    double *out = test_calloc((size_t)(b->rows[s] * q_cols + 1), sizeof *out), *work = test_calloc((size_t)(2 * b->keys[s] + 2), sizeof *work);
    forward_attend(&a, q + row * q_cols, k + kv * kv_cols, v + kv * kv_cols, out, NULL);
    for (int64_t r = 0; r < b->rows[s]; r++)
        for (int64_t c = 0; c < q_cols; c++) mat_put(b->out, row + r, c, (float)out[r * q_cols + c]);
    iad_plain64_attend_seq seq = {.n_head = a.n_head, .n_kv_head = a.n_kv_head, .d_head = a.d_head, .causal = a.causal, .scale = a.scale,
                                  .n_row = a.n_row, .n_key = a.n_key, .q = q + row * q_cols, .out = out, .dout = dout + row * q_cols,
                                  .k = k + kv * kv_cols, .v = v + kv * kv_cols, .dq = b->dq + row * q_cols, .dk = b->dk + kv * kv_cols,
                                  .dv = b->dv + kv * kv_cols, .stride = {q_cols, q_cols, q_cols, q_cols}, .kv_stride = {kv_cols, kv_cols},
                                  .dkv_stride = {kv_cols, kv_cols}};
    double *grad = p != NULL ? mat_wide(b->grad[s]) : NULL;
    if (p != NULL) {
        seq.n_probe = p->n_row;
        seq.probe_row = p->row;
        seq.probe_class = p->row_class;
        seq.probe_weight = p->weight;
        seq.col = p->col;
        seq.n_col = p->n_col;
        seq.grad = grad;
        seq.grad_stride = b->grad[s].cols;
    }
    iad_plain64_attend_back(&seq, work, work + b->keys[s] + 1);
    test_free(out);
    test_free(work);
    if (grad != NULL) test_free(grad);
}

static void batch_make(batch *b, uint64_t seed) {
    iad_rng rng;
    iad_rng_init(&rng, seed, 3);
    int64_t rows = 1, keys = 2; /* one row and two keys that belong to nobody */
    for (int s = 0; s < b->n_seq; s++) {
        b->kv_row[s] = keys;
        b->seqs[s] = (iad_attend_seq){.row = rows, .n_row = b->rows[s], .causal = b->causal};
        rows += b->rows[s];
        keys += b->keys[s];
    }
    int64_t q_cols = (int64_t)b->n_head * b->d_head, kv_cols = (int64_t)b->n_kv_head * b->d_head;
    b->q = mat_some(&rng, rows, q_cols, 3, 1);
    b->out = mat_some(&rng, rows, q_cols, 0, 0);
    b->dout = mat_some(&rng, rows, q_cols, 1, 1);
    b->k = mat_some(&rng, keys, kv_cols, 2, 1);
    b->v = mat_some(&rng, keys, kv_cols, 5, 1);
    b->job = (iad_attend){.n_head = b->n_head, .n_kv_head = b->n_kv_head, .d_head = b->d_head, .scale = 1 / sqrtf((float)b->d_head),
                          .q = b->q, .out = b->out, .seqs = b->seqs, .n_seq = b->n_seq};
    double *q = mat_wide(b->q), *k = mat_wide(b->k), *v = mat_wide(b->v), *dout = mat_wide(b->dout);
    b->dq = test_calloc((size_t)(rows * q_cols), sizeof(double));
    b->dk = test_calloc((size_t)(keys * kv_cols), sizeof(double));
    b->dv = test_calloc((size_t)(keys * kv_cols), sizeof(double));
    for (int s = 0; s < b->n_seq; s++) {
        /* The keys lie in one span or the other. */
        b->seqs[s].spans[s % 2] = (iad_kv_span){iad_mat_rows(b->k, b->kv_row[s], b->keys[s]), iad_mat_rows(b->v, b->kv_row[s], b->keys[s])};
        b->probes[s] = NULL;
        if (b->probed && s % 2 == 0 && b->rows[s] > 3) {
            int64_t n_col = b->keys[s] / 2;
            b->grad[s] = mat_some(&rng, 2, n_col, 1, 2);
            b->probe[s] = (iad_probe){.n_row = 3, .row = probe_rows, .row_class = probe_classes, .weight = probe_weights, .n_class = 2,
                                      .col = 1, .n_col = n_col, .out = b->grad[s]};
            b->probes[s] = &b->probe[s];
        }
        expect(b, s, q, k, v, dout);
    }
    double *all[] = {q, k, v, dout};
    for (int i = 0; i < 4; i++) test_free(all[i]);
}

static void batch_free(batch *b) {
    iad_mat mats[] = {b->q, b->k, b->v, b->out, b->dout};
    for (int i = 0; i < 5; i++) mat_free(mats[i]);
    for (int s = 0; s < b->n_seq; s++)
        if (b->probes[s] != NULL) mat_free(b->grad[s]);
    test_free(b->dq);
    test_free(b->dk);
    test_free(b->dv);
}

static iad_attend_back back_of(batch *b) {
    iad_attend_back back = {.job = &b->job, .dout = b->dout, .kv_row = b->kv_row, .probes = b->probed ? b->probes : NULL,
                            .probe_grad = b->probed ? b->grad : NULL};
    back.dq = mat_new(b->q.rows, b->q.cols, b->q.cols + 1, IAD_F32);
    back.dk = mat_new(b->k.rows, b->k.cols, b->k.cols + 2, IAD_F32);
    back.dv = mat_new(b->k.rows, b->k.cols, b->k.cols + 3, IAD_F32);
    /* Rows of nobody must stay as they are. */
    for (int64_t c = 0; c < b->q.cols; c++) mat_put(back.dq, 0, c, 0);
    for (int64_t r = 0; r < 2; r++)
        for (int64_t c = 0; c < b->k.cols; c++) {
            mat_put(back.dk, r, c, 0);
            mat_put(back.dv, r, c, 0);
        }
    return back;
}

static void check_batch(const grad_fixture *f, batch b, uint64_t seed) {
    batch_make(&b, seed);
    iad_mat kept[GRAD_DEVICES][3];
    for (int i = 0; i < f->n; i++) {
        iad_err err = IAD_ERR_NONE;
        char name[80];
        snprintf(name, sizeof name, "%s, d %d", f->d[i].name, b.d_head);
        iad_attend_back back = back_of(&b);
        assert_ok(f->d[i].ops->attend_back(f->d[i].queue, &back, &err));
        check_wide(back.dq, b.dq, 0.1, 4e-6, name, "dq");
        check_wide(back.dk, b.dk, 0.1, 4e-6, name, "dk");
        check_wide(back.dv, b.dv, 0.1, 4e-6, name, "dv");
        iad_mat got[] = {back.dq, back.dk, back.dv};
        for (int k = 0; k < 3; k++) {
            kept[i][k] = got[k];
            mat_check_equal(got[k], kept[f->d[i].first][k], "threads");
        }
    }
    for (int i = 0; i < f->n; i++)
        for (int k = 0; k < 3; k++) mat_free(kept[i][k]);
    batch_free(&b);
}

/* Packed causal segments: empty ones, one row, tails of tiles and blocks, a prefix of keys before the rows. */
static void test_causal(void **state) {
    (void)state;
    static const int heads[][3] = {{4, 2, 16}, {7, 1, 32}, {2, 2, 80}, {2, 1, 128}, {3, 3, 2}, {4, 4, 20}};
    grad_fixture f;
    grad_open(&f);
    for (size_t h = 0; h < sizeof heads / sizeof *heads; h++)
        check_batch(&f, (batch){.n_head = heads[h][0], .n_kv_head = heads[h][1], .d_head = heads[h][2], .causal = 1, .n_seq = 6,
                                .rows = {1, 0, 37, 5, 150, 0}, .keys = {1, 0, 37, 20, 150, 3}, .probed = h % 2}, h);
    grad_close(&f);
}

/* Windows and whole pictures: every row sees every key. */
static void test_whole(void **state) {
    (void)state;
    grad_fixture f;
    grad_open(&f);
    check_batch(&f, (batch){.n_head = 2, .n_kv_head = 2, .d_head = 80, .n_seq = 5, .rows = {64, 64, 16, 64, 4}, .keys = {64, 64, 16, 64, 4}}, 1);
    check_batch(&f, (batch){.n_head = 4, .n_kv_head = 4, .d_head = 16, .n_seq = 2, .rows = {200, 7}, .keys = {200, 300}, .probed = 1}, 2);
    check_batch(&f, (batch){.n_head = 1, .n_kv_head = 1, .d_head = 256, .n_seq = 1, .rows = {9}, .keys = {13}}, 3);
    grad_close(&f);
}

/* Of the forward pass of the device itself: attend and probe of ops.h, then attend_back, against differences of a float loss. */
static void test_with_forward(void **state) {
    (void)state;
    enum { ROWS = 24, HEADS = 4, KV = 2, D = 16 };
    grad_fixture f;
    grad_open(&f);
    for (int i = 0; i < f.n; i++) {
        iad_err err = IAD_ERR_NONE;
        batch b = {.n_head = HEADS, .n_kv_head = KV, .d_head = D, .causal = 1, .n_seq = 1, .rows = {ROWS}, .keys = {ROWS}, .probed = 1};
        batch_make(&b, 9);
        iad_rng rng;
        iad_rng_init(&rng, 4, 4);
        iad_attend_back back = back_of(&b);
        const iad_ops *ops = f.d[i].device->ops;
        assert_ok(ops->attend(f.d[i].queue, &b.job, &err));
        assert_ok(f.d[i].ops->attend_back(f.d[i].queue, &back, &err));
        /* Along a random direction through q. */
        iad_mat u = mat_some(&rng, b.q.rows, b.q.cols, 0, 1), q0 = mat_like(b.q);
        double loss[2] = {0, 0}, along = 0, h = 2e-3;
        for (int side = 0; side < 2; side++) {
            iad_mat map = mat_some(&rng, 2, b.grad[0].cols, 0, 0);
            iad_probe probe = b.probe[0];
            probe.out = map;
            for (int64_t r = 1; r < b.q.rows; r++)
                for (int64_t c = 0; c < b.q.cols; c++)
                    mat_put(b.q, r, c, (float)((double)mat_get(q0, r, c) + (side ? -h : h) * (double)mat_get(u, r, c)));
            assert_ok(ops->attend(f.d[i].queue, &b.job, &err));
            assert_ok(ops->probe(f.d[i].queue, &b.job, 0, &probe, &err));
            for (int64_t r = 1; r < b.q.rows; r++)
                for (int64_t c = 0; c < b.q.cols; c++) loss[side] += (double)mat_get(b.out, r, c) * (double)mat_get(b.dout, r, c);
            for (int64_t r = 0; r < 2; r++)
                for (int64_t c = 0; c < map.cols; c++) loss[side] += (double)mat_get(map, r, c) * (double)mat_get(b.grad[0], r, c);
            mat_free(map);
        }
        for (int64_t r = 1; r < b.q.rows; r++)
            for (int64_t c = 0; c < b.q.cols; c++) along += (double)mat_get(back.dq, r, c) * (double)mat_get(u, r, c);
        assert_close((loss[0] - loss[1]) / (2 * h), along, 2e-3 * (1 + fabs(along)));
        iad_mat mats[] = {u, q0, back.dq, back.dk, back.dv};
        for (int k = 0; k < 5; k++) mat_free(mats[k]);
        batch_free(&b);
    }
    grad_close(&f);
}

/* Something not finite in one sequence stays there. */
static void test_poison(void **state) {
    (void)state;
    grad_fixture f;
    grad_open(&f);
    for (int i = 0; i < f.n; i++) {
        iad_err err = IAD_ERR_NONE;
        batch b = {.n_head = 2, .n_kv_head = 1, .d_head = 16, .causal = 1, .n_seq = 2, .rows = {10, 12}, .keys = {10, 12}};
        batch_make(&b, 3);
        iad_attend_back back = back_of(&b);
        mat_put(b.dout, 1 + 9, 5, NAN); /* the last row of the first sequence */
        assert_ok(f.d[i].ops->attend_back(f.d[i].queue, &back, &err));
        assert_true(isnan(mat_get(back.dq, 10, 0)));
        assert_true(isnan(mat_get(back.dv, 2, 5)));
        for (int64_t r = 11; r < 23; r++)
            for (int64_t c = 0; c < b.q.cols; c++) assert_true(isfinite(mat_get(back.dq, r, c)));
        for (int64_t r = 12; r < 24; r++)
            for (int64_t c = 0; c < b.k.cols; c++) assert_true(isfinite(mat_get(back.dk, r, c)) && isfinite(mat_get(back.dv, r, c)));
        iad_mat mats[] = {back.dq, back.dk, back.dv};
        for (int k = 0; k < 3; k++) mat_free(mats[k]);
        batch_free(&b);
    }
    grad_close(&f);
}

static void test_refused(void **state) {
    (void)state;
    grad_fixture f;
    grad_open(&f);
    batch b = {.n_head = 2, .n_kv_head = 1, .d_head = 16, .causal = 1, .n_seq = 2, .rows = {10, 12}, .keys = {10, 12}, .probed = 1};
    batch_make(&b, 3);
    iad_attend_back good = back_of(&b);
    for (int i = 0; i < f.n; i++) {
        iad_err err = IAD_ERR_NONE;
        iad_attend_back bad;
        iad_attend job;
        iad_attend_seq seqs[2];
        iad_mat grad[2] = {b.grad[0], b.grad[1]};
        int64_t kv_row[2] = {2, 13};
#define REFUSED(change)                                                                  \
    bad = good;                                                                          \
    job = b.job;                                                                         \
    memcpy(seqs, b.seqs, sizeof seqs);                                                   \
    job.seqs = seqs;                                                                     \
    bad.job = &job;                                                                      \
    change;                                                                              \
    assert_fails(IAD_ERR_ARG, f.d[i].ops->attend_back(f.d[i].queue, &bad, &err))
        REFUSED(bad.job = NULL);
        REFUSED(job.n_kv_head = 3);
        REFUSED(job.scale = 0);
        REFUSED(job.q.dtype = IAD_BF16);
        REFUSED(bad.dout.cols--);
        REFUSED(bad.dq.rows--);
        REFUSED(bad.dk.cols--);
        REFUSED(bad.dv.rows--);
        REFUSED(bad.kv_row = NULL);
        REFUSED(bad.kv_row = kv_row); /* the last key would be outside */
        REFUSED(seqs[0].n_row = 13);
        REFUSED(seqs[0].spans[1] = seqs[0].spans[0]);
        REFUSED(bad.probe_grad = NULL);
        REFUSED((grad[0].cols--, bad.probe_grad = grad));
    }
    iad_mat mats[] = {good.dq, good.dk, good.dv};
    for (int k = 0; k < 3; k++) mat_free(mats[k]);
    batch_free(&b);
    grad_close(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_causal), cmocka_unit_test(test_whole),   cmocka_unit_test(test_with_forward),
        cmocka_unit_test(test_poison), cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
