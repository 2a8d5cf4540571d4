/* Equalities between ways to compute the same thing, at the level of whole forward passes. Bit for bit wherever an
 * implementation sums every output in an order of its own that does not depend on the neighbours; 1e-5 elsewhere. */
#include "tests/unit/model/model_fixture.h"

#define TOLERANCE 1e-5

static fx_dir golden_dir(int extras, iad_fusion_mode fusion) {
    iad_model_config config;
    fx_tiny(&config);
    config.paper.fusion = fusion;
    iad_newmodel_options options = fx_golden();
    options.extras = extras;
    fx_dir dir = fx_dir_new();
    fx_write(&dir, &config, &options);
    return dir;
}

static fx_prompt *golden_prompt(fx *f) {
    int64_t n = 0;
    float *e0 = fx_tokens(f, 140, 196, 0, 1.0f, NULL, &n), *e1 = fx_tokens(f, 196, 112, 1, 1.0f, NULL, &n);
    fx_prompt *p = iad_calloc(1, sizeof *p);
    assert_non_null(p);
    fx_golden_prompt(f, p, e0, e1);
    free(e0);
    free(e1);
    return p;
}

/* Bit for bit: every product and every attention row is summed in an order of its own. */
static void expect_same(const char *what, const char *device, const float *a, const float *b, int64_t n) {
    double worst = fx_diff(a, b, n);
    if (memcmp(a, b, (size_t)n * sizeof *a) != 0) fail_msg("%s: %s differs by %.3g", device, what, worst);
}

/* Logits of all rows in one pass = row by row over the cache = in pieces = over a prefix in a span of its own. */
static void test_cache(void **state) {
    (void)state;
    const iad_dtype storages[] = {IAD_F32, IAD_BF16, IAD_I8};
    fx_dir dir = golden_dir(0, IAD_FUSION_OFF);
    for (int d = 0; d < FX_DEVICES; d++)
        for (int s = 0; s < 3; s++) {
            fx f;
            if (fx_skips(d, s) || !fx_open(&f, &dir, d, storages[s])) continue;
            fx_prompt *p = golden_prompt(&f);
            const size_t n = (size_t)p->n * FX_VOCAB;
            float *whole = fx_floats(n), *other = fx_floats(n);
            int32_t rows[FX_MAX_TOKENS];
            for (int i = 0; i < p->n; i++) rows[i] = i;
            iad_kv kv;
            iad_kv_init(&kv, f.model);
            fx_pass(&f, p, 0, p->n, NULL, &kv, NULL, rows, p->n, whole, NULL);

            kv.len = 0;
            for (int64_t i = 0; i < p->n; i++)
                fx_pass(&f, p, i, 1, NULL, &kv, NULL, rows, 1, other + i * FX_VOCAB, NULL);
            expect_same("token by token", fx_device_names[d], whole, other, (int64_t)n);

            static const int pieces[] = {1, 30, 7, 16, 23};
            kv.len = 0;
            for (int64_t i = 0, at = 0; i < 5; at += pieces[i++])
                fx_pass(&f, p, at, pieces[i], NULL, &kv, NULL, rows, pieces[i], other + at * FX_VOCAB, NULL);
            expect_same("in pieces", fx_device_names[d], whole, other, (int64_t)n);

            static const int cuts[] = {1, 42, 76};
            for (int c = 0; c < 3; c++) {
                iad_kv prefix;
                iad_kv_init(&prefix, f.model);
                fx_pass(&f, p, 0, cuts[c], NULL, &prefix, NULL, rows, cuts[c], other, NULL);
                kv.len = 0;
                fx_pass(&f, p, cuts[c], p->n - cuts[c], &prefix, &kv, NULL, rows, p->n - cuts[c],
                        other + cuts[c] * FX_VOCAB, NULL);
                expect_same("over a prefix", fx_device_names[d], whole, other, (int64_t)n);
                iad_kv_deinit(&prefix);
            }
            iad_kv_deinit(&kv);
            free(whole);
            free(other);
            free(p);
            fx_close(&f);
        }
    fx_dir_free(&dir);
}

/* Several sequences over one prefix in one pass = one after the other, bit for bit. */
static void test_batch(void **state) {
    (void)state;
    enum { N = 3, CUT = 43, REST = 34 };
    fx_dir dir = golden_dir(0, IAD_FUSION_OFF);
    const iad_dtype storages[] = {IAD_F32, IAD_BF16, IAD_I8};
    for (int d = 0; d < FX_DEVICES; d++)
        for (int s = 0; s < 3; s++) {
            fx f;
            if (fx_skips(d, s) || !fx_open(&f, &dir, d, storages[s])) continue;
            iad_err err = IAD_ERR_NONE;
            const iad_ops *ops = f.device->ops;
            fx_prompt *p = golden_prompt(&f);
            iad_kv prefix, tails[N];
            iad_kv_init(&prefix, f.model);
            fx_pass(&f, p, 0, CUT, NULL, &prefix, NULL, NULL, 0, NULL, NULL);
            fx_prompt *q[N];
            float single[N][FX_VOCAB], together[N * FX_VOCAB];
            const int64_t half = f.model->config.text.head_dim / 2;
            float *angles = fx_floats((size_t)(2 * N * REST * half));
            iad_mat x = {.rows = N * REST, .cols = FX_HIDDEN, .stride = FX_HIDDEN, .dtype = IAD_F32};
            assert_ok(ops->alloc(f.device, (size_t)N * REST * sizeof p->x[0], &x.data, &err));
            iad_text_seq seqs[N];
            int32_t rows[N];
            for (int i = 0; i < N; i++) {
                q[i] = iad_alloc(1, sizeof *q[i]);
                assert_non_null(q[i]);
                *q[i] = *p;
                for (int r = CUT; r < CUT + 28; r++)
                    for (int c = 0; c < FX_HIDDEN; c++) q[i]->x[r][c] *= 1.0f + 0.25f * (float)i; /* another query */
                iad_kv_init(&tails[i], f.model);
                fx_last(&f, q[i], CUT, REST, &prefix, &tails[i], single[i]);
                tails[i].len = 0;
                assert_ok(iad_mrope_angles(q[i]->t + CUT, q[i]->h + CUT, q[i]->w + CUT, REST,
                                           f.model->config.text.head_dim, f.model->config.text.mrope_section,
                                           f.model->config.text.rope_theta, angles + i * REST * half,
                                           angles + (N + i) * REST * half, &err));
                iad_mat part = iad_mat_rows(x, i * REST, REST);
                assert_ok(ops->upload(f.queue, part.data, q[i]->x[CUT], REST * sizeof p->x[0], &err));
                seqs[i] = (iad_text_seq){.row = i * REST, .n_row = REST, .prefix = &prefix, .tail = &tails[i]};
                rows[i] = i * REST + REST - 1;
            }
            assert_ok(iad_text_forward(f.queue, f.model, &f.ws, x, angles, angles + N * REST * half, seqs, N, rows, N,
                                       together, NULL, &err));
            for (int i = 0; i < N; i++)
                expect_same("a batch", fx_device_names[d], single[i], together + i * FX_VOCAB, FX_VOCAB);
            assert_true(fx_diff(single[0], single[1], FX_VOCAB) > 1e-3);
            ops->release(f.device, x.data);
            free(angles);
            for (int i = 0; i < N; i++) {
                iad_kv_deinit(&tails[i]);
                free(q[i]);
            }
            iad_kv_deinit(&prefix);
            free(p);
            fx_close(&f);
        }
    fx_dir_free(&dir);
}

/* A checkpoint with the paper's tensors in their first state is the base model, bit for bit, in every number format and
 * mode. */
static void test_fusion_start(void **state) {
    (void)state;
    const iad_dtype storages[] = {IAD_F32, IAD_BF16, IAD_I8};
    fx_dir plain = golden_dir(0, IAD_FUSION_OFF);
    for (int mode = 0; mode < 2; mode++) {
        fx_dir fused = golden_dir(1, mode ? IAD_FUSION_GLOBAL : IAD_FUSION_TOKEN);
        for (int d = 0; d < FX_DEVICES; d++)
            for (int s = 0; s < 3; s++) {
                fx a, b;
                if (fx_skips(d, s) || !fx_open(&a, &plain, d, storages[s]) || !fx_open(&b, &fused, d, storages[s])) continue;
                assert_null(a.model->fusion.scale);
                assert_non_null(b.model->fusion.scale);
                int64_t n = 0, m = 0;
                float *x = fx_tokens(&a, 140, 196, 0, 1.0f, NULL, &n), *y = fx_tokens(&b, 140, 196, 0, 1.0f, NULL, &m);
                assert_int_equal((int)n, (int)m);
                assert_memory_equal(x, y, (size_t)(n * FX_HIDDEN) * sizeof(float));
                free(x);
                free(y);
                fx_close(&a);
                fx_close(&b);
            }
        fx_dir_free(&fused);
    }
    fx_dir_free(&plain);
}

/* ---- windows against attention over the whole picture with a mask, in plain doubles ---- */

typedef struct windows {
    const iad_vision_plan *plan;
    float in[4][140 * 32]; /* what goes into each block */
    float x[4][140 * 32];
    int seen;
} windows;

static iad_status keep(void *user, iad_queue *queue, const char *stage, int index, iad_mat m, iad_err *err) {
    windows *w = user;
    if (strcmp(stage, "vision.patch") == 0) return queue->ops->download(queue, w->in[0], m.data, sizeof w->in[0], err);
    if (strcmp(stage, "vision.block") != 0) return IAD_OK;
    w->seen++;
    IAD_TRY(queue->ops->download(queue, w->x[index], m.data, sizeof w->x[index], err));
    if (index < 3) memcpy(w->in[index + 1], w->x[index], sizeof w->x[index]);
    return IAD_OK;
}

static void tensor(const fx *f, int block, const char *name, float *dst, size_t n) {
    iad_err err = IAD_ERR_NONE;
    char full[96];
    snprintf(full, sizeof full, "visual.blocks.%d.%s", block, name);
    const iad_tensor_view *view = iad_checkpoint_get(f->checkpoint, full);
    assert_non_null(view);
    assert_int_equal((int)n, (int)iad_tensor_count(view));
    assert_ok(iad_tensor_to_f32(view, 0, n, dst, &err));
}

static void normed(const float *x, const float *weight, double *y) {
    double square = 0;
    for (int i = 0; i < 32; i++) square += (double)x[i] * (double)x[i];
    for (int i = 0; i < 32; i++) y[i] = (double)weight[i] * (double)x[i] / sqrt(square / 32 + 1e-6);
}

/* out = x + attention, with a dense [P][P] mask that is -inf across windows; then the feed-forward part. */
static void masked_block(const fx *f, int block, const windows *w, float *out) {
    enum { P = 140, C = 32, HEADS = 2, DH = 16, I = 44 };
    static const char *const names[] = {"norm1.weight",         "norm2.weight",         "attn.qkv.weight",
                                        "attn.qkv.bias",        "attn.proj.weight",     "attn.proj.bias",
                                        "mlp.gate_proj.weight", "mlp.gate_proj.bias",   "mlp.up_proj.weight",
                                        "mlp.up_proj.bias",     "mlp.down_proj.weight", "mlp.down_proj.bias"};
    static const size_t sizes[] = {C, C, 3 * C * C, 3 * C, C * C, C, I * C, I, I * C, I, C * I, C};
    float *t[12];
    for (int i = 0; i < 12; i++) {
        t[i] = fx_floats(sizes[i]);
        tensor(f, block, names[i], t[i], sizes[i]);
    }
    double(*qkv)[3 * C] = iad_calloc(P, sizeof *qkv);
    assert_non_null(qkv);
    int of[P];
    for (int64_t i = 0; i < w->plan->n_window; i++)
        for (int64_t r = w->plan->window[i]; r < w->plan->window[i + 1]; r++) of[r] = (int)i;
    for (int r = 0; r < P; r++) {
        double y[C];
        normed(w->in[block] + r * C, t[0], y);
        for (int o = 0; o < 3 * C; o++) {
            qkv[r][o] = (double)t[3][o];
            for (int i = 0; i < C; i++) qkv[r][o] += y[i] * (double)t[2][o * C + i];
        }
        for (int part = 0; part < 2; part++)
            for (int h = 0; h < HEADS; h++)
                for (int i = 0; i < DH / 2; i++) {
                    double *v = qkv[r] + part * C + h * DH + i, a = v[0], b = v[DH / 2];
                    double c = (double)w->plan->cosine[r * DH / 2 + i], s = (double)w->plan->sine[r * DH / 2 + i];
                    v[0] = a * c - b * s;
                    v[DH / 2] = b * c + a * s;
                }
    }
    int full = iad_model_config_is_fullatt(&f->model->config, block);
    for (int r = 0; r < P; r++) {
        double attn[C], x[C], y[C], u[I];
        for (int h = 0; h < HEADS; h++) {
            double score[P], top = -INFINITY, sum = 0;
            for (int j = 0; j < P; j++) {
                score[j] = !full && of[j] != of[r] ? -INFINITY : 0;
                for (int i = 0; i < DH; i++) score[j] += qkv[r][h * DH + i] * qkv[j][C + h * DH + i] / sqrt(DH);
                if (score[j] > top) top = score[j];
            }
            for (int j = 0; j < P; j++) sum += score[j] = exp(score[j] - top);
            for (int i = 0; i < DH; i++) {
                attn[h * DH + i] = 0;
                for (int j = 0; j < P; j++) attn[h * DH + i] += score[j] / sum * qkv[j][2 * C + h * DH + i];
            }
        }
        float half[C];
        for (int o = 0; o < C; o++) {
            x[o] = (double)w->in[block][r * C + o] + (double)t[5][o];
            for (int i = 0; i < C; i++) x[o] += attn[i] * (double)t[4][o * C + i];
            half[o] = (float)x[o];
        }
        normed(half, t[1], y);
        for (int o = 0; o < I; o++) {
            double gate = (double)t[7][o], up = (double)t[9][o];
            for (int i = 0; i < C; i++) {
                gate += y[i] * (double)t[6][o * C + i];
                up += y[i] * (double)t[8][o * C + i];
            }
            u[o] = gate / (1 + exp(-gate)) * up;
        }
        for (int o = 0; o < C; o++) {
            double v = x[o] + (double)t[11][o];
            for (int i = 0; i < I; i++) v += u[i] * (double)t[10][o * I + i];
            out[r * C + o] = (float)v;
        }
    }
    free(qkv);
    for (int i = 0; i < 12; i++) free(t[i]);
}

static void test_windows(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    fx_dir dir = golden_dir(0, IAD_FUSION_OFF);
    windows *w = iad_calloc(1, sizeof *w);
    assert_non_null(w);
    for (int d = 0; d < FX_DEVICES; d++) {
        fx f;
        if (!fx_open(&f, &dir, d, IAD_F32)) continue;
        iad_vision_plan plan;
        assert_ok(iad_vision_plan_init(&plan, &f.model->config.vision, 10, 14, &err));
        w->plan = &plan;
        w->seen = 0;
        const iad_trace trace = {keep, w};
        int64_t n = 0;
        free(fx_tokens(&f, 140, 196, 0, 1.0f, &trace, &n));
        assert_int_equal(4, w->seen);
        float want[140 * 32];
        for (int block = 0; block < 4; block++) {
            masked_block(&f, block, w, want);
            double worst = fx_diff(want, w->x[block], 140 * 32);
            if (!(worst <= TOLERANCE))
                fail_msg("%s: block %d differs from masked attention by %.3g", fx_device_names[d], block, worst);
        }
        iad_vision_plan_deinit(&plan);
        fx_close(&f);
    }
    free(w);
    fx_dir_free(&dir);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cache), cmocka_unit_test(test_batch),
                                       cmocka_unit_test(test_fusion_start), cmocka_unit_test(test_windows)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
