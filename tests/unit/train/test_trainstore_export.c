/* Export: a folder that opens as a model and holds the weights bit by bit, in the style of the one that the training began with. */
#include "tests/unit/train/params_fixture.h"

#include "base/json.h"
#include "train/store/trainstore.h"

/* Weights that are no bf16 values, so that bf16 and f32 differ. */
static void disturb(pf *f) {
    iad_err err = IAD_ERR_NONE;
    for (int i = 0; i < f->params->n_tensor; i++) {
        const iad_param *t = &f->params->tensors[i];
        float *w = iad_alloc((size_t)t->n, sizeof *w);
        assert_ok(iad_params_get(f->params, f->queue, t, w, &err));
        for (int64_t k = 0; k < t->n; k++) w[k] += 1e-3f * pf_hash((uint32_t)k, (uint32_t)i, 3);
        assert_ok(iad_params_set(f->params, f->queue, t, w, &err));
        free(w);
    }
}

static void check_weights(const pf *f, const char *dir, iad_dtype dtype) {
    iad_err err = IAD_ERR_NONE;
    iad_checkpoint *c;
    iad_checkpoint_info info;
    assert_ok(iad_checkpoint_open(dir, &c, &info, &err));
    assert_int_equal(1, info.has_fusion);
    assert_int_equal(0, info.unexpected);
    assert_int_equal(f->params->n_tensor, info.tensors);
    assert_int_equal(dtype, info.dtype);
    for (int i = 0; i < f->params->n_tensor; i++) {
        const iad_param *t = &f->params->tensors[i];
        const iad_tensor_view *v = iad_checkpoint_get(c, t->name);
        assert_int_equal(dtype, v->dtype);
        assert_int_equal((size_t)t->n * iad_dtype_size(dtype), v->bytes);
        if (dtype == IAD_BF16) {
            assert_memory_equal(f->params->high + t->offset, v->data, v->bytes);
        } else {
            float *w = iad_alloc((size_t)t->n, sizeof *w);
            assert_ok(iad_params_get(f->params, f->queue, t, w, &err));
            assert_memory_equal(w, v->data, v->bytes);
            free(w);
        }
    }
    iad_checkpoint_close(c);
}

static int has_key(const char *dir, const char *key) {
    char path[256];
    json_t *root;
    iad_err err = IAD_ERR_NONE;
    snprintf(path, sizeof path, "%.200s/config.json", dir);
    assert_ok(iad_json_load(path, 0, &root, &err));
    int has = json_object_get(root, key) != NULL;
    json_decref(root);
    return has;
}

/* From a model in each style to one in the same. */
static void styles(void **state) {
    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        iad_err err = IAD_ERR_NONE;
        pf_model m = {.dir = "/tmp/iad_params_XXXXXX"};
        char out[128], path[256];
        iad_model_config config;
        iad_newmodel_options options = {.dtype = IAD_BF16, .golden = 1, .threads = 1, .new_names = kind & 1,
                                        .layout = kind >> 1 ? IAD_CONFIG_NESTED : IAD_CONFIG_FLAT};
        assert_non_null(mkdtemp(m.dir));
        assert_ok(iad_newmodel_config("tiny", &config, &err));
        assert_ok(iad_model_new(&config, &options, m.dir, NULL, NULL, &err));
        snprintf(path, sizeof path, "%s/tokenizer.json", m.dir);
        assert_ok(iad_file_write(path, "{}", 2, &err));
        assert_ok(iad_checkpoint_open(m.dir, &m.checkpoint, NULL, &err));
        pf f = pf_load(&m, NULL);
        disturb(&f);
        snprintf(out, sizeof out, "%s/out", m.dir);
        iad_dtype dtype = kind == 1 ? IAD_F32 : IAD_BF16;
        assert_ok(iad_train_store_export(f.params, f.queue, m.dir, out, dtype, kind == 2 ? 200000 : 0, 0, NULL, &err));
        check_weights(&f, out, dtype);
        assert_int_equal(kind >> 1, has_key(out, "text_config"));
        snprintf(path, sizeof path, "%s/tokenizer.json", out);
        assert_true(iad_file_exists(path));
        iad_st_set *set;
        assert_ok(iad_st_set_open(out, &set, &err));
        assert_int_equal(kind & 1, iad_st_set_find(set, "model.language_model.norm.weight") != NULL);
        assert_int_equal(kind == 2, iad_st_set_files(set) > 1);
        iad_st_set_close(set);
        pf_free(&f);
        pf_close(&m);
    }
}

static void refusals(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    pf_model m = pf_open(IAD_BF16, 1, 1);
    pf f = pf_load(&m, NULL);
    char out[128], path[256];
    snprintf(out, sizeof out, "%s/out", m.dir);
    snprintf(path, sizeof path, "%s/config.json", out);
    assert_fails(IAD_ERR_ARG, iad_train_store_export(f.params, f.queue, m.dir, m.dir, IAD_BF16, 0, 1, NULL, &err));
    assert_fails(IAD_ERR_ARG, iad_train_store_export(f.params, f.queue, m.dir, out, IAD_F16, 0, 1, NULL, &err));
    assert_ok(iad_train_store_export(f.params, f.queue, m.dir, out, IAD_BF16, 0, 0, NULL, &err));
    check_weights(&f, out, IAD_BF16);
    pf old = pf_load(&m, NULL);
    disturb(&f);
    assert_fails(IAD_ERR_EXISTS, iad_train_store_export(f.params, f.queue, m.dir, out, IAD_BF16, 0, 0, NULL, &err));
    atomic_int stop = 1;
    assert_fails(IAD_ERR_INTERRUPTED, iad_train_store_export(f.params, f.queue, m.dir, out, IAD_BF16, 0, 1, &stop, &err));
    check_weights(&old, out, IAD_BF16); /* the old model as it was */
    assert_ok(iad_train_store_export(f.params, f.queue, m.dir, out, IAD_BF16, 0, 1, NULL, &err));
    check_weights(&f, out, IAD_BF16);
    pf_free(&old);
    pf_free(&f);
    pf_close(&m);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(styles), cmocka_unit_test(refusals)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
