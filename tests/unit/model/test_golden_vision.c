/* Golden numbers of the model page, section 9.3: weights, patches, vision tower; and the negative cases of 9.1. */
#include "tests/unit/model/model_fixture.h"

#include "tests/unit/model/golden_extra.h"

#define TOLERANCE 1e-4
enum { C = 32, P = 140, T = 35 };

static void check_tokens(const char *what, fx *f, int h, int w, int k, float scale, const double want[10]) {
    int64_t n = 0;
    float *e = fx_tokens(f, h, w, k, scale, NULL, &n);
    fx_near(what, e, want, 4, TOLERANCE);
    fx_near(what, e + (n - 1) * FX_HIDDEN, want + 4, 4, TOLERANCE);
    assert_close(fx_sum(e, n * FX_HIDDEN), want[8], 10 * TOLERANCE);
    assert_close(fx_norm(e, n * FX_HIDDEN), want[9], TOLERANCE);
    free(e);
}

static void test_weights(void **state) {
    (void)state;
    static const struct {
        const char *name;
        size_t first;
        double want[4];
    } cases[] = {{"model.embed_tokens.weight", 5 * 96, {0.232422, -0.333984, 0.131836, -0.408203}},
                 {"visual.patch_embed.proj.weight", 0, {0.003677, 0.008484, -0.039062, 0.007477}},
                 {"visual.blocks.0.norm1.weight", 0, {1.015625, 0.917969, 0.984375, 1.210938}},
                 {"visual.blocks.0.attn.qkv.bias", 0, {-0.050537, -0.080566, -0.010925, -0.098633}}};
    const iad_dtype dtypes[] = {IAD_BF16, IAD_F32, IAD_F16};
    for (size_t d = 0; d < 3; d++) {
        iad_err err = IAD_ERR_NONE;
        iad_model_config config;
        fx_tiny(&config);
        iad_newmodel_options options = fx_golden();
        options.dtype = dtypes[d];
        fx_dir dir = fx_dir_new();
        fx_write(&dir, &config, &options);
        iad_checkpoint *checkpoint = NULL;
        assert_ok(iad_checkpoint_open(dir.path, &checkpoint, NULL, &err));
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            float got[4];
            const iad_tensor_view *view = iad_checkpoint_get(checkpoint, cases[i].name);
            assert_non_null(view);
            assert_int_equal(dtypes[d], view->dtype);
            assert_ok(iad_tensor_to_f32(view, cases[i].first, 4, got, &err));
            fx_near(cases[i].name, got, cases[i].want, 4, 1e-6);
        }
        iad_checkpoint_close(checkpoint);
        fx_dir_free(&dir);
    }
}

static void test_patches(void **state) {
    (void)state;
    static const double row0[4] = {-1.792263, -1.602483, -1.412703, -1.222924},
                        row5[4] = {-0.776592, -0.581491, -0.386390, -0.191289};
    iad_patches patches;
    fx_patches(&patches, 140, 196, 0);
    assert_int_equal(10, patches.gh);
    assert_int_equal(14, patches.gw);
    assert_int_equal(1176, patches.n_col);
    fx_near("row 0", patches.rows, row0, 4, 1e-6);
    fx_near("row 5", patches.rows + 5 * 1176 + 588, row5, 4, 1e-6);
    iad_patches_deinit(&patches);
}

/* Collects the blocks' outputs in window order. */
typedef struct taps {
    float x[4][P * C];
    int n_patch, seen, stages;
} taps;

static iad_status see(void *user, iad_queue *queue, const char *stage, int index, iad_mat m, iad_err *err) {
    taps *t = user;
    t->stages++;
    if (strcmp(stage, "vision.block") != 0) return IAD_OK;
    assert_int_equal(C, (int)m.cols);
    assert_int_equal(C, (int)m.stride);
    assert_int_equal(t->seen, index);
    t->seen++;
    return queue->ops->download(queue, t->x[index], m.data, sizeof t->x[index], err);
}

static void check_picture(const char *what, const float *e, int last, const double want[3][4], double sum,
                          double norm) {
    fx_near(what, e, want[0], 4, TOLERANCE);
    fx_near(what, e + 17 * FX_HIDDEN, want[1], 4, TOLERANCE);
    fx_near(what, e + last * FX_HIDDEN, want[2], 4, TOLERANCE);
    assert_close(fx_sum(e, (last + 1) * FX_HIDDEN), sum, 10 * TOLERANCE);
    assert_close(fx_norm(e, (last + 1) * FX_HIDDEN), norm, TOLERANCE);
}

static void test_tower(void **state) {
    (void)state;
    static const double first[4][4] = {{-0.564576, -2.405779, -0.723808, -1.222432},
                                       {-0.337579, -2.556351, -0.302739, -0.244043},
                                       {-0.405991, -2.553148, -1.208878, 1.004331},
                                       {-0.715619, -2.767796, -1.510809, 0.736247}};
    static const double last[4][4] = {{-1.104730, 0.907334, -1.232404, 0.999111},
                                      {-1.132932, 1.101035, -1.604547, 0.707803},
                                      {-0.491973, 0.428031, -1.585400, 0.630006},
                                      {-0.018658, 0.243813, -1.566248, 0.588831}};
    static const double sums[4] = {-5.274490, -108.029632, -103.611023, -428.033728};
    static const double tokens0[3][4] = {{0.915012, 0.011124, -0.303131, -1.000428},
                                         {0.848369, -0.108314, 0.914596, 0.380162},
                                         {-0.572785, -0.014532, 1.247171, 0.656040}};
    static const double tokens1[3][4] = {{0.227935, 0.045135, 0.412790, -0.073707},
                                         {0.406494, -0.563419, 0.460292, 0.335283},
                                         {-0.167279, -0.198574, 0.257915, 0.376324}};
    iad_err err = IAD_ERR_NONE;
    iad_model_config config;
    fx_tiny(&config);
    iad_newmodel_options options = fx_golden();
    fx_dir dir = fx_dir_new();
    fx_write(&dir, &config, &options);
    iad_vision_plan plan;
    assert_ok(iad_vision_plan_init(&plan, &config.vision, 10, 14, &err));
    static const int64_t cu[] = {0, 64, 112, 128, 140};
    assert_int_equal(4, (int)plan.n_window);
    for (int i = 0; i <= 4; i++) assert_int_equal(cu[i], plan.window[i]);
    for (int d = 0; d < FX_DEVICES; d++) {
        fx f;
        if (!fx_open(&f, &dir, d, IAD_F32)) continue;
        taps t = {.seen = 0};
        const iad_trace trace = {see, &t};
        int64_t n = 0;
        float *e = fx_tokens(&f, 140, 196, 0, 1.0f, &trace, &n);
        assert_int_equal(T, (int)n);
        assert_int_equal(4, t.seen);
        for (int l = 0; l < 4; l++) {
            int row0 = -1, row139 = -1;
            for (int i = 0; i < P; i++) {
                if (plan.order[i] == 0) row0 = i;
                if (plan.order[i] == 139) row139 = i;
            }
            fx_near("block, row 0", t.x[l] + row0 * C, first[l], 4, TOLERANCE);
            fx_near("block, row 139", t.x[l] + row139 * C, last[l], 4, TOLERANCE);
            assert_close(fx_sum(t.x[l], P * C), sums[l], 10 * TOLERANCE);
        }
        check_picture("picture 0", e, 34, tokens0, 45.144663, 37.781532);
        free(e);
        e = fx_tokens(&f, 196, 112, 1, 1.0f, NULL, &n);
        assert_int_equal(28, (int)n);
        check_picture("picture 1", e, 27, tokens1, 28.985214, 31.211083);
        free(e);
        check_tokens("56 x 56", &f, 56, 56, 0, 1.0f, extra_small);
        check_tokens("28 x 224", &f, 28, 224, 2, 1.0f, extra_strip);
        check_tokens("faint rows", &f, 140, 196, 0, 2e-4f, extra_faint);
        fx_close(&f);
    }
    iad_vision_plan_deinit(&plan);
    fx_dir_free(&dir);
}

static void test_full_attention_lists(void **state) {
    (void)state;
    static const struct {
        int n, list[4];
        const double *want;
    } cases[] = {{0, {0}, extra_full_none}, {2, {0, 2}, extra_full_0_2}, {4, {0, 1, 2, 3}, extra_full_all}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        iad_model_config config;
        fx_tiny(&config);
        config.vision.n_fullatt = cases[i].n;
        for (int j = 0; j < cases[i].n; j++) config.vision.fullatt[j] = cases[i].list[j];
        iad_newmodel_options options = fx_golden();
        fx_dir dir = fx_dir_new();
        fx_write(&dir, &config, &options);
        for (int d = 0; d < FX_DEVICES; d++) {
            fx f;
            if (!fx_open(&f, &dir, d, IAD_F32)) continue;
            assert_int_equal(cases[i].n, f.model->config.vision.n_fullatt);
            check_tokens("full attention", &f, 140, 196, 0, 1.0f, cases[i].want);
            fx_close(&f);
        }
        fx_dir_free(&dir);
    }
}

/* Every layout of the same weights gives the same bytes. */
static void test_layouts(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    float *base = NULL;
    for (int v = 0; v < 10; v++) {
        iad_model_config config;
        fx_tiny(&config);
        iad_newmodel_options options = fx_golden();
        options.new_names = v == 1 || v == 4;
        options.layout = v == 2 || v == 4 ? IAD_CONFIG_NESTED : IAD_CONFIG_FLAT;
        options.max_shard_bytes = v == 3 || v == 4 ? 150000 : 0;
        options.dtype = v == 5 ? IAD_F32 : v == 6 ? IAD_F16 : IAD_BF16;
        options.extras = v == 7;
        fx_dir dir = fx_dir_new();
        fx_write(&dir, &config, &options);
        if (v == 8 ||
            v == 9) { /* written by hand: every vision key that equals its class default is left out; 5.x spelling */
            static const char *const vision = "\"vision_config\":{\"depth\":4,\"hidden_size\":32,\"num_heads\":2,"
                                              "\"intermediate_size\":44,\"in_chans\":3,"
                                              "\"out_hidden_size\":96,\"fullatt_block_indexes\":[1,3],\"model_type\":"
                                              "\"qwen2_5_vl\",\"spatial_patch_size\":14,\"tokens_per_second\":2}";
            static const char *const ids = "\"image_token_id\":300,\"video_token_id\":301,\"vision_start_token_id\":"
                                           "302,\"vision_end_token_id\":303,\"eos_token_id\":304";
            static const char *const sizes = "\"hidden_size\":96,\"num_hidden_layers\":4,\"num_attention_heads\":6,"
                                             "\"num_key_value_heads\":2,\"intermediate_size\":76,"
                                             "\"vocab_size\":320,\"rms_norm_eps\":1e-06,\"hidden_act\":\"silu\"";
            char text[2048], path[128];
            if (v == 8)
                snprintf(text, sizeof text,
                         "{\"model_type\":\"qwen2_5_vl\",%s,%s,%s,\"rope_theta\":1000000.0,\"rope_scaling\":{\"rope_"
                         "type\":\"default\",\"type\":\"default\","
                         "\"mrope_section\":[2,3,3]},\"tie_word_embeddings\":false}",
                         sizes, ids, vision);
            else
                snprintf(text, sizeof text,
                         "{\"model_type\":\"qwen2_5_vl\",\"text_config\":{\"model_type\":\"qwen2_5_vl_text\",%s,\"rope_"
                         "parameters\":{\"rope_theta\":1000000.0,"
                         "\"rope_type\":\"default\",\"mrope_section\":[2,3,3]},\"tie_word_embeddings\":false,\"dtype\":"
                         "\"bfloat16\"},%s,%s}",
                         sizes, ids, vision);
            snprintf(path, sizeof path, "%s/config.json", dir.path);
            assert_ok(iad_file_write(path, text, strlen(text), &err));
        }
        fx f;
        iad_device *device = NULL;
        assert_ok(iad_device_cpu_new(1, IAD_CPU_AUTO, &device, &err));
        fx_open_on(&f, &dir, device, IAD_F32);
        int64_t n0 = 0, n1 = 0;
        float *e0 = fx_tokens(&f, 140, 196, 0, 1.0f, NULL, &n0), *e1 = fx_tokens(&f, 196, 112, 1, 1.0f, NULL, &n1);
        float *all = fx_floats((size_t)(n0 + n1) * FX_HIDDEN + FX_VOCAB);
        memcpy(all, e0, (size_t)n0 * FX_HIDDEN * sizeof(float));
        memcpy(all + n0 * FX_HIDDEN, e1, (size_t)n1 * FX_HIDDEN * sizeof(float));
        fx_prompt *p = iad_calloc(1, sizeof *p);
        assert_non_null(p);
        fx_golden_prompt(&f, p, e0, e1);
        iad_kv kv;
        iad_kv_init(&kv, f.model);
        fx_last(&f, p, 0, p->n, NULL, &kv, all + (n0 + n1) * FX_HIDDEN);
        if (base == NULL) base = all;
        else {
            /* F16 cannot hold the smallest bf16 values exactly. */
            double worst = fx_diff(base, all, (n0 + n1) * FX_HIDDEN + FX_VOCAB);
            if (!(worst <= (options.dtype == IAD_F16 ? TOLERANCE : 0)))
                fail_msg("layout %d gives other numbers, off by %.3g", v, worst);
            free(all);
        }
        iad_kv_deinit(&kv);
        free(p);
        free(e0);
        free(e1);
        fx_close(&f);
        fx_dir_free(&dir);
    }
    free(base);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_weights), cmocka_unit_test(test_patches),
                                       cmocka_unit_test(test_tower), cmocka_unit_test(test_full_attention_lists),
                                       cmocka_unit_test(test_layouts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
