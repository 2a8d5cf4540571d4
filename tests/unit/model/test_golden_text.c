/* Golden numbers of the model page, section 9.3: positions, language model, greedy answers, attention rows,
 * compression. */
#include "tests/unit/model/model_fixture.h"

#include "tests/unit/model/golden_extra.h"

#define TOLERANCE 1e-4

/* Both pictures' tokens and the prompt, made once per device. */
typedef struct scene {
    fx f;
    float *e0, *e1;
    fx_prompt *p;
    iad_kv kv;
} scene;

static int scene_open(scene *s, const fx_dir *dir, int device) {
    int64_t n = 0;
    if (!fx_open(&s->f, dir, device, IAD_F32)) return 0;
    s->e0 = fx_tokens(&s->f, 140, 196, 0, 1.0f, NULL, &n);
    s->e1 = fx_tokens(&s->f, 196, 112, 1, 1.0f, NULL, &n);
    s->p = iad_calloc(1, sizeof *s->p);
    assert_non_null(s->p);
    fx_golden_prompt(&s->f, s->p, s->e0, s->e1);
    iad_kv_init(&s->kv, s->f.model);
    return 1;
}

static void scene_close(scene *s) {
    iad_kv_deinit(&s->kv);
    free(s->p);
    free(s->e0);
    free(s->e1);
    fx_close(&s->f);
}

static fx_dir golden_dir(int tie, float eps, int extras) {
    iad_model_config config;
    fx_tiny(&config);
    config.text.tie = tie;
    config.text.rms_eps = eps;
    config.paper.n_map_layers = 1;
    config.paper.map_layers[0] = 1;
    iad_newmodel_options options = fx_golden();
    options.extras = extras;
    fx_dir dir = fx_dir_new();
    fx_write(&dir, &config, &options);
    return dir;
}

static void test_positions(void **state) {
    (void)state;
    static const int32_t want[9][4] = {{3, 3, 3, 3},     {4, 4, 4, 4},     {38, 4, 8, 10},
                                       {39, 11, 11, 11}, {42, 14, 14, 14}, {43, 15, 15, 15},
                                       {70, 15, 21, 18}, {71, 22, 22, 22}, {76, 27, 27, 27}};
    fx_dir dir = golden_dir(0, 1e-6f, 0);
    scene s;
    assert_true(scene_open(&s, &dir, 0));
    assert_int_equal(28, (int)s.p->next);
    assert_int_equal(-49, (int)(s.p->next - s.p->n));
    for (int i = 0; i < 9; i++) {
        assert_int_equal(want[i][1], s.p->t[want[i][0]]);
        assert_int_equal(want[i][2], s.p->h[want[i][0]]);
        assert_int_equal(want[i][3], s.p->w[want[i][0]]);
    }
    scene_close(&s);
    fx_dir_free(&dir);
}

/* States after every layer. */
typedef struct states {
    float x[4][77 * FX_HIDDEN];
    int seen;
} states;

static iad_status see(void *user, iad_queue *queue, const char *stage, int index, iad_mat m, iad_err *err) {
    states *t = user;
    if (strcmp(stage, "text.layer") != 0) return IAD_OK;
    assert_int_equal(77, (int)m.rows);
    t->seen++;
    return queue->ops->download(queue, t->x[index], m.data, sizeof t->x[index], err);
}

static void test_untied(void **state) {
    (void)state;
    static const double last[6] = {0.099130, -2.782169, 2.154558, 0.755823, 0.880447, -0.040460};
    static const double row10[6] = {-1.177963, -3.882134, 2.043334, 0.533049, -0.332392, 0.305616};
    static const int top[5] = {253, 224, 226, 258, 79}, greedy[6] = {253, 2, 226, 77, 102, 2};
    static const double top_value[5] = {3.554014, 2.818470, 2.644078, 2.622103, 2.523701},
                        after[4] = {-0.849431, -1.664343, 1.192601, 1.253772};
    fx_dir dir = golden_dir(0, 1e-6f, 0);
    states *t = iad_calloc(1, sizeof *t);
    assert_non_null(t);
    for (int d = 0; d < FX_DEVICES; d++) {
        scene s;
        if (!scene_open(&s, &dir, d)) continue;
        const int32_t rows[2] = {76, 10};
        float logits[2 * FX_VOCAB];
        t->seen = 0;
        const iad_trace trace = {see, t};
        fx_pass(&s.f, s.p, 0, 77, NULL, &s.kv, NULL, rows, 2, logits, &trace);
        assert_int_equal(77, (int)s.kv.len);
        assert_int_equal(4, t->seen);
        for (int l = 0; l < 4; l++) {
            fx_near("layer, row 76", t->x[l] + 76 * FX_HIDDEN, extra_layers + 5 * l, 4, TOLERANCE);
            assert_close(fx_sum(t->x[l], 77 * FX_HIDDEN), extra_layers[5 * l + 4], 10 * TOLERANCE);
        }
        fx_near("logits of row 76", logits, last, 6, TOLERANCE);
        fx_near("logits of row 10", logits + FX_VOCAB, row10, 6, TOLERANCE);
        assert_close(fx_sum(logits, FX_VOCAB), 11.414313, TOLERANCE);
        assert_close(fx_norm(logits, FX_VOCAB), 20.189925, TOLERANCE);
        float sorted[FX_VOCAB];
        memcpy(sorted, logits, sizeof sorted);
        for (int i = 0; i < 5; i++) {
            int best = fx_argmax(sorted, FX_VOCAB);
            assert_int_equal(top[i], best);
            assert_close(sorted[best], top_value[i], TOLERANCE);
            sorted[best] = -INFINITY;
        }
        for (int i = 0; i < 6; i++) {
            int id = fx_argmax(logits, FX_VOCAB);
            assert_int_equal(greedy[i], id);
            fx_step(&s.f, s.p, id, NULL, &s.kv, logits);
        }
        fx_near("after the sixth token", logits, after, 4, TOLERANCE);
        scene_close(&s);
    }
    free(t);
    fx_dir_free(&dir);
}

static void test_tied(void **state) {
    (void)state;
    static const double last[6] = {4.339905, -3.755273, 8.129742, 2.673332, 0.226579, 1.882863};
    fx_dir dir = golden_dir(1, 1e-6f, 0);
    for (int d = 0; d < FX_DEVICES; d++) {
        scene s;
        if (!scene_open(&s, &dir, d)) continue;
        assert_null(iad_checkpoint_get(s.f.checkpoint, "lm_head.weight"));
        const int32_t rows[2] = {76, 10};
        float logits[2 * FX_VOCAB];
        fx_pass(&s.f, s.p, 0, 77, NULL, &s.kv, NULL, rows, 2, logits, NULL);
        fx_near("tied, row 76", logits, last, 6, TOLERANCE);
        fx_near("tied, row 10", logits + FX_VOCAB, extra_tied_10, 6, TOLERANCE);
        int best = fx_argmax(logits, FX_VOCAB);
        assert_int_equal(224, best);
        assert_close(logits[best], 16.297072, TOLERANCE);
        logits[best] = -INFINITY;
        best = fx_argmax(logits, FX_VOCAB);
        assert_int_equal(311, best);
        assert_close(logits[best], 16.231077, TOLERANCE);
        scene_close(&s);
    }
    fx_dir_free(&dir);
}

/* Sum and single columns of attention rows, captured beside the pass. */
static void probe_layer(scene *s, int layer, int n_row, const int64_t *row, const int *row_class, int n_class,
                        float *map) {
    iad_err err = IAD_ERR_NONE;
    const iad_ops *ops = s->f.device->ops;
    s->f.model->config.paper.n_map_layers = 1;
    s->f.model->config.paper.map_layers[0] = layer;
    float weight[4] = {1, 1, 1, 1};
    iad_probe probe = {.n_row = n_row,
                       .row = row,
                       .row_class = row_class,
                       .weight = weight,
                       .n_class = n_class,
                       .col = 43,
                       .n_col = 28,
                       .out = {.rows = n_class, .cols = 28, .stride = 28, .dtype = IAD_F32}};
    size_t bytes = (size_t)n_class * 28 * sizeof(float);
    assert_ok(ops->alloc(s->f.device, bytes, &probe.out.data, &err));
    assert_ok(ops->zero(s->f.queue, probe.out.data, bytes, &err));
    s->kv.len = 0;
    fx_pass(&s->f, s->p, 0, 77, NULL, &s->kv, &probe, NULL, 0, NULL, NULL);
    assert_ok(ops->download(s->f.queue, map, probe.out.data, bytes, &err));
    ops->release(s->f.device, probe.out.data);
}

static void test_attention_rows(void **state) {
    (void)state;
    fx_dir dir = golden_dir(0, 1e-6f, 0);
    for (int d = 0; d < FX_DEVICES; d++) {
        scene s;
        if (!scene_open(&s, &dir, d)) continue;
        float map[2 * 28];
        const int64_t row76 = 76, both[2] = {70, 76};
        const int class0[2] = {0, 1};
        probe_layer(&s, 1, 1, &row76, class0, 1, map);
        assert_close(map[0], 0.008881, 1e-6);
        assert_close(map[13], 0.015312, 1e-6);
        assert_close(map[27], 0.008822, 1e-6);
        assert_close(fx_sum(map, 28), 0.271057, 1e-6);
        probe_layer(&s, 3, 2, both, class0, 2, map);
        assert_close(fx_sum(map, 28), extra_probe[0], 1e-5);
        assert_close(fx_sum(map + 28, 28), extra_probe[1], 1e-5);
        /* The prefix in one span and the rest in another: the same columns. */
        iad_err err = IAD_ERR_NONE;
        iad_kv prefix;
        iad_kv_init(&prefix, s.f.model);
        fx_pass(&s.f, s.p, 0, 50, NULL, &prefix, NULL, NULL, 0, NULL, NULL);
        const iad_ops *ops = s.f.device->ops;
        const int64_t rows[2] = {70 - 50, 76 - 50};
        const float weight[2] = {1, 1};
        iad_probe probe = {.n_row = 2,
                           .row = rows,
                           .row_class = class0,
                           .weight = weight,
                           .n_class = 2,
                           .col = 43,
                           .n_col = 28,
                           .out = {.rows = 2, .cols = 28, .stride = 28, .dtype = IAD_F32}};
        assert_ok(ops->alloc(s.f.device, sizeof map, &probe.out.data, &err));
        assert_ok(ops->zero(s.f.queue, probe.out.data, sizeof map, &err));
        s.kv.len = 0;
        fx_pass(&s.f, s.p, 50, 27, &prefix, &s.kv, &probe, NULL, 0, NULL, NULL);
        float again[2 * 28];
        assert_ok(ops->download(s.f.queue, again, probe.out.data, sizeof again, &err));
        assert_true(fx_diff(map, again, 56) < 1e-6);
        ops->release(s.f.device, probe.out.data);
        iad_kv_deinit(&prefix);
        scene_close(&s);
    }
    fx_dir_free(&dir);
}

static void test_compression(void **state) {
    (void)state;
    static const double sim[4] = {0.637767, 0.713470, 0.600896, 0.699287};
    static const int kept[6] = {2, 7, 9, 12, 22, 23};
    static const double last[6] = {-0.019259, -2.714774, 2.019646, 0.623418, 0.679165, 0.038602},
                        after[4] = {-0.525807, -0.960596, 3.562020, 2.046651};
    iad_err err = IAD_ERR_NONE;
    fx_dir dir = golden_dir(0, 1e-6f, 0);
    for (int d = 0; d < FX_DEVICES; d++) {
        scene s;
        if (!scene_open(&s, &dir, d)) continue;
        const iad_ops *ops = s.f.device->ops;
        iad_mat x = {.rows = 28, .cols = FX_HIDDEN, .stride = FX_HIDDEN},
                ref = {.rows = 35, .cols = FX_HIDDEN, .stride = FX_HIDDEN};
        void *best = NULL;
        assert_ok(ops->alloc(s.f.device, 28 * FX_HIDDEN * sizeof(float), &x.data, &err));
        assert_ok(ops->alloc(s.f.device, 35 * FX_HIDDEN * sizeof(float), &ref.data, &err));
        assert_ok(ops->alloc(s.f.device, 28 * sizeof(float), &best, &err));
        assert_ok(ops->upload(s.f.queue, x.data, s.e1, 28 * FX_HIDDEN * sizeof(float), &err));
        assert_ok(ops->upload(s.f.queue, ref.data, s.e0, 35 * FX_HIDDEN * sizeof(float), &err));
        assert_ok(ops->best_match(s.f.queue, x, ref, 0, best, &err));
        float cosine[28];
        assert_ok(ops->download(s.f.queue, cosine, best, sizeof cosine, &err));
        fx_near("best match", cosine, sim, 4, 1e-5);
        ops->release(s.f.device, x.data);
        ops->release(s.f.device, ref.data);
        ops->release(s.f.device, best);

        int keep[28] = {0}; /* the six least similar, lower index first among equals */
        for (int i = 0; i < 6; i++) {
            int least = -1;
            for (int j = 0; j < 28; j++)
                if (!keep[j] && (least < 0 || cosine[j] < cosine[least])) least = j;
            keep[least] = 1;
        }
        for (int i = 0, n = 0; i < 28; i++)
            if (keep[i]) assert_int_equal(kept[n++], i);

        fx_prompt *p = s.p;
        int64_t n = 0;
        for (int64_t i = 0; i < 77; i++) {
            if (i >= 43 && i < 71 && !keep[i - 43]) continue;
            p->ids[n] = p->ids[i];
            p->t[n] = p->t[i];
            p->h[n] = p->h[i];
            p->w[n] = p->w[i];
            memmove(p->x[n], p->x[i], sizeof p->x[0]);
            n++;
        }
        p->n = n;
        assert_int_equal(55, (int)n);
        float logits[FX_VOCAB];
        fx_last(&s.f, p, 0, n, NULL, &s.kv, logits);
        fx_near("compressed, last row", logits, last, 6, TOLERANCE);
        assert_int_equal(253, fx_argmax(logits, FX_VOCAB));
        fx_step(&s.f, p, 253, NULL, &s.kv, logits);
        assert_int_equal(28, p->t[55]);
        fx_near("compressed, next token", logits, after, 4, TOLERANCE);
        scene_close(&s);
    }
    fx_dir_free(&dir);
}

static void test_eps(void **state) {
    (void)state;
    for (int coarse = 0; coarse < 2; coarse++) {
        fx_dir dir = golden_dir(0, coarse ? 1e-5f : 1e-6f, 0);
        for (int d = 0; d < FX_DEVICES; d++) {
            scene s;
            if (!scene_open(&s, &dir, d)) continue;
            float logits[2 * FX_VOCAB];
            fx_prompt *p = iad_alloc(1, sizeof *p);
            assert_non_null(p);
            *p = *s.p;
            for (int i = 0; i < 77; i++)
                for (int j = 0; j < FX_HIDDEN; j++) p->x[i][j] *= 3e-4f;
            fx_last(&s.f, p, 0, 77, NULL, &s.kv, logits);
            fx_near("faint input", logits, coarse ? extra_text_faint_eps5 : extra_text_faint, 6, TOLERANCE);
            if (!coarse) {
                const int32_t rows[2] = {20, 76};
                *p = *s.p;
                memset(p->x[20], 0, sizeof p->x[20]);
                for (int j = 0; j < FX_HIDDEN; j++) p->x[76][j] *= 1e-5f;
                s.kv.len = 0;
                fx_pass(&s.f, p, 0, 77, NULL, &s.kv, NULL, rows, 2, logits, NULL);
                fx_near("zero row", logits, extra_text_zero, 3, TOLERANCE);
                fx_near("near-zero row", logits + FX_VOCAB, extra_text_zero + 3, 3, TOLERANCE);
            }
            free(p);
            scene_close(&s);
        }
        fx_dir_free(&dir);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_positions),   cmocka_unit_test(test_untied),
                                       cmocka_unit_test(test_tied),        cmocka_unit_test(test_attention_rows),
                                       cmocka_unit_test(test_compression), cmocka_unit_test(test_eps)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
