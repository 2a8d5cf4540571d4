/* The flat space of parameters: layout, loading from every dtype, rules, pieces, exact values. */
#include "tests/unit/train/params_fixture.h"

#include "runtime/tensor/stwriter.h"
#include "train/param/paramrules.h"

static void layout(void **state) {
    (void)state;
    pf_model m = pf_open(IAD_BF16, 1, 1);
    pf f = pf_load(&m, NULL);
    const iad_params *p = f.params;
    uint64_t tensors, parameters;
    int64_t sum = 0, at = 0;
    iad_model_count(&p->config, 1, &tensors, &parameters, NULL);
    assert_int_equal(tensors, p->n_tensor);
    for (int i = 0; i < p->n_tensor; i++) {
        const iad_param *t = &p->tensors[i];
        assert_int_equal(at, t->offset);
        assert_int_equal(0, t->offset % IAD_PARAM_ALIGN);
        assert_true(p->buckets[t->bucket].begin <= t->offset && t->offset + t->n <= p->buckets[t->bucket].end);
        for (int64_t k = t->n; (t->offset + k) % IAD_PARAM_ALIGN; k++) {
            assert_int_equal(0, p->high[t->offset + k]);
            assert_int_equal(0, p->low[t->offset + k]);
        }
        at = (t->offset + t->n + IAD_PARAM_ALIGN - 1) / IAD_PARAM_ALIGN * IAD_PARAM_ALIGN;
        sum += t->n;
        assert_ptr_equal(t, iad_params_find(p, t->name));
    }
    assert_int_equal(at, p->n);
    assert_int_equal(parameters, sum);
    assert_null(iad_params_find(p, "model.layers.4.mlp.up_proj.weight"));
    for (int b = 0; b < p->n_bucket; b++) assert_int_equal(b ? p->buckets[b - 1].end : 0, p->buckets[b].begin);
    static const char *const names[] = {"visual.patch_embed", "visual.blocks.0", "visual.blocks.1", "visual.blocks.2", "visual.blocks.3",
                                        "visual.merger", "model.embed_tokens", "model.layers.0", "model.layers.1", "model.layers.2",
                                        "model.layers.3", "head", "fusion"};
    assert_int_equal(sizeof names / sizeof *names, p->n_bucket);
    for (int b = 0; b < p->n_bucket; b++) assert_string_equal(names[b], p->buckets[b].name);
    pf_free(&f);
    pf_close(&m);
}

/* Values are those of the file, for each type of file; the additions of the paper in their first state when the file has none. */
static void loading(void **state) {
    (void)state;
    static const iad_dtype types[] = {IAD_F32, IAD_BF16, IAD_F16};
    for (int k = 0; k < 3; k++) {
        iad_err err = IAD_ERR_NONE;
        pf_model m = pf_open(types[k], 0, k == 0);
        pf f = pf_load(&m, NULL);
        for (int i = 0; i < f.params->n_tensor; i++) {
            const iad_param *t = &f.params->tensors[i];
            float *want = iad_calloc((size_t)t->n, sizeof *want), *got = iad_alloc((size_t)t->n, sizeof *got);
            const iad_tensor_view *view = iad_checkpoint_get(m.checkpoint, t->name);
            if (view) assert_ok(iad_tensor_to_f32(view, 0, (size_t)t->n, want, &err));
            else
                for (int64_t e = 0; e < t->n; e++) want[e] = strcmp(t->name, "iadgpt.fusion.norm.weight") == 0;
            assert_ok(iad_params_get(f.params, f.queue, t, got, &err));
            assert_memory_equal(want, got, (size_t)t->n * sizeof *got);
            free(want), free(got);
        }
        pf_free(&f);
        pf_close(&m);
    }
}

/* Any f32 survives set and get: signs, denormals, values whose bf16 rounding carries, infinities. */
static void exact_values(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    pf_model m = pf_open(IAD_BF16, 1, 1);
    pf f = pf_load(&m, NULL);
    const iad_param *t = iad_params_find(f.params, "model.embed_tokens.weight");
    float *values = iad_alloc((size_t)t->n, sizeof *values), *back = iad_alloc((size_t)t->n, sizeof *back);
    static const uint32_t special[] = {0, 0x80000000u, 1, 0x80000001u, 0x00007fffu, 0x00008000u, 0x3f7fffffu, 0x3f808000u, 0x3f807fffu,
                                       0x7f7fffffu, 0xff7fffffu, 0x7f800000u, 0xff800000u, 0xbf808000u};
    for (int64_t i = 0; i < t->n; i++) {
        uint32_t bits = i < (int64_t)(sizeof special / sizeof *special) ? special[i] : (uint32_t)i * 2654435761u;
        if ((bits & 0x7f800000u) == 0x7f800000u && i >= 14) bits &= 0xbfffffffu; /* no NaN */
        memcpy(&values[i], &bits, sizeof bits);
    }
    assert_ok(iad_params_set(f.params, f.queue, t, values, &err));
    assert_ok(iad_params_get(f.params, f.queue, t, back, &err));
    assert_memory_equal(values, back, (size_t)t->n * sizeof *back);
    free(values), free(back);
    pf_free(&f);
    pf_close(&m);
}

/* A quantised tensor is refused by name, with the folder. */
static void quantised(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    static const char *const name = "model.layers.2.mlp.up_proj.weight";
    pf_model m = pf_open(IAD_BF16, 1, 1), q = {.dir = "/tmp/iad_params_XXXXXX"};
    char path[100];
    iad_st_writer *w;
    assert_non_null(mkdtemp(q.dir));
    assert_ok(iad_st_writer_new_dir(q.dir, 0, &w, &err));
    for (int pass = 0; pass < 2; pass++) {
        if (pass == 1) assert_ok(iad_st_writer_begin(w, &err));
        for (size_t i = 0; i < iad_checkpoint_count(m.checkpoint); i++) {
            const iad_tensor_view *v = iad_checkpoint_at(m.checkpoint, i);
            int eight = strcmp(v->name, name) == 0;
            float *scale = iad_calloc((size_t)v->shape[0], sizeof *scale);
            snprintf(path, sizeof path, "%s_scale", v->name);
            if (pass == 0) {
                assert_ok(iad_st_writer_declare(w, v->name, eight ? IAD_I8 : v->dtype, v->rank, v->shape, &err));
                if (eight) assert_ok(iad_st_writer_declare(w, path, IAD_F32, 1, v->shape, &err));
            } else {
                assert_ok(iad_st_writer_write(w, v->data, eight ? v->bytes / 2 : v->bytes, &err));
                if (eight) assert_ok(iad_st_writer_write(w, scale, (size_t)v->shape[0] * sizeof *scale, &err));
            }
            free(scale);
        }
    }
    assert_ok(iad_st_writer_finish(w, &err));
    iad_st_writer_free(w);
    assert_ok(iad_model_config_write(iad_checkpoint_config(m.checkpoint), IAD_CONFIG_FLAT, "bfloat16", q.dir, &err));
    assert_ok(iad_checkpoint_open(q.dir, &q.checkpoint, NULL, &err));
    iad_device *device;
    iad_params *params;
    assert_ok(iad_device_cpu_new(1, IAD_CPU_AUTO, &device, &err));
    assert_fails(IAD_ERR_UNSUPPORTED, iad_params_load(q.checkpoint, device, NULL, &params, &err));
    assert_null(params);
    assert_non_null(strstr(err.msg, name));
    assert_non_null(strstr(err.msg, q.dir));
    iad_device_free(device);
    pf_close(&q);
    pf_close(&m);
}

static void patterns(void **state) {
    (void)state;
    assert_true(iad_param_match("visual.*", "visual.blocks.0.norm1.weight"));
    assert_true(iad_param_match("*", ""));
    assert_true(iad_param_match("*.bias", "visual.merger.mlp.0.bias"));
    assert_true(iad_param_match("model.layers.*.mlp.*", "model.layers.12.mlp.up_proj.weight"));
    assert_true(iad_param_match("a*b*c", "aXbXbc"));
    assert_true(iad_param_match("a**c", "ac"));
    assert_true(iad_param_match("lm_head.weight", "lm_head.weight"));
    assert_false(iad_param_match("visual", "visual.merger"));
    assert_false(iad_param_match("visual.*", "model.visual.x"));
    assert_false(iad_param_match("a*b*c", "aXbX"));
    assert_false(iad_param_match("", "x"));
    /* No blow-up: exponential matchers never end on this. */
    assert_false(iad_param_match("*a*a*a*a*a*a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
}

static void rules(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    pf_model m = pf_open(IAD_BF16, 1, 1);
    pf f = pf_load(&m, &(iad_param_rules){.decay = 0.1f});
    iad_params *p = f.params;
    for (int i = 0; i < p->n_tensor; i++) {
        const iad_param *t = &p->tensors[i];
        assert_true(t->trainable);
        assert_true((double)t->rate_factor == 1);
        int matrix = t->role == IAD_ROLE_LINEAR || t->role == IAD_ROLE_CONV || t->role == IAD_ROLE_EMBED || t->role == IAD_ROLE_HEAD;
        assert_true(t->decay == (matrix ? 0.1f : 0.0f));
    }
    const char *freeze[] = {"visual.*", "model.embed_tokens.*"}, *unfreeze[] = {"visual.merger.*"}, *bad[] = {"visual.*", "vision.*"};
    assert_ok(iad_params_apply(p, &(iad_param_rules){.freeze = freeze, .n_freeze = 2, .unfreeze = unfreeze, .n_unfreeze = 1}, &err));
    assert_false(iad_params_find(p, "visual.patch_embed.proj.weight")->trainable);
    assert_false(iad_params_find(p, "visual.blocks.3.mlp.up_proj.bias")->trainable);
    assert_true(iad_params_find(p, "visual.merger.mlp.2.weight")->trainable);
    assert_false(iad_params_find(p, "model.embed_tokens.weight")->trainable);
    assert_true(iad_params_find(p, "model.layers.0.mlp.up_proj.weight")->trainable);
    assert_true(iad_params_find(p, "model.layers.0.mlp.up_proj.weight")->decay == 0);
    assert_fails(IAD_ERR_ARG, iad_params_apply(p, &(iad_param_rules){.freeze = bad, .n_freeze = 2}, &err));
    assert_non_null(strstr(err.msg, "vision.*"));
    assert_true(iad_params_find(p, "visual.merger.mlp.2.weight")->trainable); /* nothing changed */
    assert_fails(IAD_ERR_ARG, iad_params_apply(p, &(iad_param_rules){.unfreeze = bad + 1, .n_unfreeze = 1}, &err));
    assert_fails(IAD_ERR_ARG, iad_params_apply(p, &(iad_param_rules){.decay = -1}, &err));
    assert_fails(IAD_ERR_ARG, iad_params_apply(p, &(iad_param_rules){.decay = NAN}, &err));
    pf_free(&f);
    pf_close(&m);
}

static void pieces(void **state) {
    (void)state;
    pf_model m = pf_open(IAD_BF16, 1, 1);
    pf f = pf_load(&m, NULL);
    const iad_params *p = f.params;
    for (int world = 1; world <= 100; world += world < 8 ? 1 : 23)
        for (int b = 0; b < p->n_bucket; b++) {
            int64_t at = p->buckets[b].begin, least = INT64_MAX, most = 0;
            for (int r = 0; r < world; r++) {
                int64_t begin, end;
                iad_params_piece(p, b, r, world, &begin, &end);
                assert_int_equal(at, begin);
                assert_int_equal(0, (end - begin) % IAD_PARAM_ALIGN);
                at = end;
                if (end - begin < least) least = end - begin;
                if (end - begin > most) most = end - begin;
            }
            assert_int_equal(p->buckets[b].end, at);
            assert_true(most - least <= IAD_PARAM_ALIGN);
        }
    pf_free(&f);
    pf_close(&m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layout), cmocka_unit_test(loading), cmocka_unit_test(exact_values),
        cmocka_unit_test(quantised), cmocka_unit_test(patterns), cmocka_unit_test(rules), cmocka_unit_test(pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
