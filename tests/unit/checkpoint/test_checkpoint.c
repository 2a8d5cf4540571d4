/* New models read back: golden weights, counts, layouts, name styles, shards, dtypes, tying, wrong files, identity. */
#include "tests/unit/iad_test.h"

#include <ftw.h>
#include <unistd.h>

#include "base/file.h"
#include "runtime/model/checkpoint.h"
#include "runtime/model/newmodel.h"
#include "runtime/tensor/stwriter.h"

static char root[64];

static int setup(void **state) {
    (void)state;
    snprintf(root, sizeof root, "/tmp/iad_ck_XXXXXX");
    return mkdtemp(root) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at) {
    (void)st, (void)kind, (void)at;
    return remove(path);
}

static int teardown(void **state) {
    (void)state;
    return nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static const char *dir_of(const char *name) {
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", root, name);
    return path;
}

static void counts(void **state) {
    (void)state;
    static const struct {
        const char *preset;
        uint64_t tensors, parameters, vision;
    } want[] = {{"7b", 729, 8292166656u, 676550144u}, {"3b", 824, 3754622976u, 668684288u}};
    static iad_model_config config;
    iad_err err;
    uint64_t n, p, v;
    for (int i = 0; i < 2; i++) {
        assert_ok(iad_newmodel_config(want[i].preset, &config, &err));
        iad_model_count(&config, 0, &n, &p, &v);
        assert_true(n == want[i].tensors && p == want[i].parameters && v == want[i].vision);
        iad_model_count(&config, 1, &n, NULL, NULL);
        assert_true(n == want[i].tensors + 4);
    }
    assert_int_equal(config.paper.taps[0], 7);
    assert_int_equal(config.paper.map_layers[3], 35);
    assert_fails(IAD_ERR_ARG, iad_newmodel_config("huge", &config, &err));
}

static void make(const char *dir, iad_newmodel_options options, int tie) {
    static iad_model_config config;
    iad_err err;
    assert_ok(iad_newmodel_config("tiny", &config, &err));
    config.text.tie = tie;
    assert_ok(iad_model_new(&config, &options, dir, NULL, NULL, &err));
}

static void check_row(const iad_checkpoint *c, const char *name, size_t first, const double want[4]) {
    float got[4];
    iad_err err;
    assert_non_null(iad_checkpoint_get(c, name));
    assert_ok(iad_tensor_to_f32(iad_checkpoint_get(c, name), first, 4, got, &err));
    for (int i = 0; i < 4; i++) assert_close((double)got[i], want[i], 5.1e-7);
}

static void golden(void **state) {
    (void)state;
    iad_err err;
    uint8_t first[32], digest[32];
    for (int kind = 0; kind < 8; kind++) {
        iad_newmodel_options o = {.golden = 1, .dtype = kind & 1 ? IAD_F32 : IAD_BF16, .new_names = kind & 2,
                                  .layout = kind & 4 ? IAD_CONFIG_NESTED : IAD_CONFIG_FLAT, .max_shard_bytes = kind & 2 ? 200000 : 0, .force = 1,
                                  .threads = 1 + kind % 3, .extras = kind == 7};
        iad_checkpoint *c;
        iad_checkpoint_info info;
        make(dir_of("golden"), o, 0);
        assert_ok(iad_checkpoint_open(dir_of("golden"), &c, &info, &err));
        check_row(c, "model.embed_tokens.weight", 5 * 96, (double[]){0.232422, -0.333984, 0.131836, -0.408203});
        check_row(c, "visual.patch_embed.proj.weight", 0, (double[]){0.003677, 0.008484, -0.039062, 0.007477});
        check_row(c, "visual.blocks.0.norm1.weight", 0, (double[]){1.015625, 0.917969, 0.984375, 1.210938});
        check_row(c, "visual.blocks.0.attn.qkv.bias", 0, (double[]){-0.050537, -0.080566, -0.010925, -0.098633});
        assert_int_equal(info.unexpected, 0);
        assert_int_equal(info.has_fusion, kind == 7);
        assert_int_equal(info.dtype, o.dtype);
        assert_true(kind & 2 ? info.files > 1 : info.files == 1);
        assert_string_equal(iad_checkpoint_head(c)->name, "lm_head.weight");
        assert_ok(iad_checkpoint_sha256(c, 0, 1 + kind % 2, digest, &err));
        if (kind == 0) memcpy(first, digest, 32);
        else if (kind == 2 || kind == 4 || kind == 6) assert_memory_equal(first, digest, 32); /* same content in other files */
        else assert_memory_not_equal(first, digest, 32);
        iad_checkpoint_close(c);
    }
}

static void seeded(void **state) {
    (void)state;
    iad_err err;
    iad_checkpoint *c;
    uint8_t digests[4][32];
    for (int i = 0; i < 4; i++) {
        make(dir_of("seeded"), (iad_newmodel_options){.seed = i == 3 ? 2 : 1, .dtype = IAD_F16, .threads = 1 + i % 2, .force = 1}, i == 2);
        assert_ok(iad_checkpoint_open(dir_of("seeded"), &c, NULL, &err));
        assert_ok(iad_checkpoint_sha256(c, 1, 2, digests[i], &err));
        const iad_tensor_view *view = iad_checkpoint_get(c, "visual.merger.mlp.0.weight");
        static float values[128 * 128];
        double sum = 0, squares = 0;
        assert_ok(iad_tensor_to_f32(view, 0, 128 * 128, values, &err));
        for (int k = 0; k < 128 * 128; k++) sum += (double)values[k], squares += (double)values[k] * (double)values[k];
        assert_close(sum / (128 * 128), 0, 1e-3);
        assert_close(squares / (128 * 128), 0.0004, 0.00002);
        if (i == 2) {
            assert_string_equal(iad_checkpoint_head(c)->name, "model.embed_tokens.weight");
            assert_null(iad_checkpoint_get(c, "lm_head.weight"));
        }
        iad_checkpoint_close(c);
    }
    assert_memory_equal(digests[0], digests[1], 32); /* threads do not matter */
    assert_memory_not_equal(digests[0], digests[2], 32);
    assert_memory_not_equal(digests[0], digests[3], 32);
}

static void refusals(void **state) {
    (void)state;
    static iad_model_config config;
    iad_err err;
    iad_checkpoint *c;
    iad_checkpoint_info info;
    atomic_int stop = 1;
    iad_newmodel_options o = {.dtype = IAD_F32, .golden = 1};
    make(dir_of("refuse"), o, 0);
    assert_ok(iad_newmodel_config("tiny", &config, &err));
    assert_fails(IAD_ERR_EXISTS, iad_model_new(&config, &o, dir_of("refuse"), NULL, NULL, &err));
    o.stop = &stop;
    assert_fails(IAD_ERR_INTERRUPTED, iad_model_new(&config, &o, dir_of("stopped"), NULL, NULL, &err));
    assert_false(iad_file_exists(dir_of("stopped")));
    /* weights of one config under another: the message names tensor, shape and expected shape */
    config.text.intermediate = 80;
    assert_ok(iad_model_config_write(&config, IAD_CONFIG_FLAT, "float32", dir_of("refuse"), &err));
    assert_fails(IAD_ERR_FORMAT, iad_checkpoint_open(dir_of("refuse"), &c, NULL, &err));
    assert_non_null(strstr(err.msg, "model.layers.0.mlp.gate_proj.weight"));
    assert_non_null(strstr(err.msg, "[76, 96]"));
    assert_non_null(strstr(err.msg, "[80, 96]"));
    config.text.intermediate = 76;
    config.text.layers = 5;
    assert_ok(iad_model_config_write(&config, IAD_CONFIG_FLAT, "float32", dir_of("refuse"), &err));
    assert_fails(IAD_ERR_FORMAT, iad_checkpoint_open(dir_of("refuse"), &c, NULL, &err));
    assert_non_null(strstr(err.msg, "model.layers.4.input_layernorm.weight"));
    config.text.layers = 3; /* now the last layer is too much: told, not refused */
    config.paper.map_layers[3] = config.paper.n_map_layers = 1;
    assert_ok(iad_model_config_write(&config, IAD_CONFIG_FLAT, "float32", dir_of("refuse"), &err));
    assert_ok(iad_checkpoint_open(dir_of("refuse"), &c, &info, &err));
    assert_int_equal(info.unexpected, 12);
    assert_non_null(strstr(info.first_unexpected, "model.layers.3."));
    iad_checkpoint_close(c);
}

#define TEXT_KEYS "\"hidden_size\":96,\"num_hidden_layers\":4,\"num_attention_heads\":6,\"num_key_value_heads\":2,\"intermediate_size\":76," \
                  "\"vocab_size\":152064," \
    "\"rms_norm_eps\":1e-6,\"tie_word_embeddings\":true"
#define ROPE "\"rope_theta\":1000000.0,\"rope_scaling\":{\"type\":\"mrope\",\"mrope_section\":[2,3,3]}"

static iad_status parse(const char *json, iad_model_config *c, iad_err *err) {
    return iad_model_config_parse(json, strlen(json), NULL, 0, NULL, 0, "dir", c, err);
}

static void layouts(void **state) {
    (void)state;
    static iad_model_config c;
    iad_err err;
    static const char *const good[] = {
        "{" TEXT_KEYS "," ROPE ",\"vision_config\":{\"hidden_size\":1280,\"in_chans\":3,\"out_hidden_size\":96}}",
        "{\"hidden_size\":1,\"text_config\":{" TEXT_KEYS "," ROPE ",\"image_token_id\":null},\"vision_config\":{\"hidden_size\":1280,"
                                                                  "\"out_hidden_size\":96}}",
        "{\"tie_word_embeddings\":false,\"text_config\":{" TEXT_KEYS ",\"rope_parameters\":{\"rope_theta\":1000000.0,\"rope_type\":\"default\","
                                                                     "\"mrope_section\":[2,3,3]}},"
        "\"vision_config\":{\"hidden_size\":1280,\"out_hidden_size\":96}}",
    };
    for (int i = 0; i < 3; i++) {
        assert_ok(parse(good[i], &c, &err));
        assert_true(c.text.hidden == 96 && c.text.head_dim == 16 && c.text.tie == 1 && c.text.rope_theta == 1e6 && c.text.mrope_section[2] == 3);
        assert_true(c.vision.depth == 32 && c.vision.heads == 16 && c.vision.intermediate == 3420 && c.vision.window == 112 &&
                    c.vision.n_fullatt == 4);
        assert_true(c.vision.fullatt[3] == 31 && c.ids.image == 151655 && c.preproc.max_pixels == 1003520 && c.paper.image_height == 448);
        assert_true(c.generation.repetition_penalty == 1.0 && !c.generation.do_sample);
    }
    const char *gen = "{\"eos_token_id\":[151645,151643],\"repetition_penalty\":1.05}",
        *pre = "{\"size\":{\"shortest_edge\":4000,\"longest_edge\":50000}}";
    assert_ok(iad_model_config_parse(good[0], strlen(good[0]), gen, strlen(gen), pre, strlen(pre), "dir", &c, &err));
    assert_true(c.ids.n_eos == 2 && c.ids.eos[1] == 151643 && c.generation.repetition_penalty == 1.05 && c.preproc.min_pixels == 4000 &&
                c.preproc.max_pixels == 50000);
    static const struct {
        const char *json, *word;
    } bad[] = {
        {"{" TEXT_KEYS ",\"vision_config\":{\"hidden_size\":1280,\"out_hidden_size\":96}}", "rope_scaling"},
        {"{" TEXT_KEYS "," ROPE "}", "hidden_size"},
        {"{" TEXT_KEYS "," ROPE ",\"vision_config\":{\"hidden_size\":1280}}", "out_hidden_size"},
        {"{" TEXT_KEYS "," ROPE ",\"vision_config\":{\"hidden_size\":1280,\"out_hidden_size\":96,\"depth\":1000000}}", "depth"},
        {"{" TEXT_KEYS "," ROPE ",\"vision_config\":{\"hidden_size\":1280,\"out_hidden_size\":96,\"window_size\":100}}", "window_size"},
        {"{" TEXT_KEYS "," ROPE ",\"iadgpt\":{\"fusion\":{\"taps\":[99]}},\"vision_config\":{\"hidden_size\":1280,\"out_hidden_size\":96}}", "taps"},
        {"{" TEXT_KEYS "," ROPE ",\"iadgpt\":{\"compression\":{\"retention\":0}},\"vision_config\":{\"hidden_size\":1280,\"out_hidden_size\":96}}",
         "retention"},
        {"{" TEXT_KEYS "," ROPE ",\"hidden_act\":\"gelu\",\"vision_config\":{\"hidden_size\":1280,\"out_hidden_size\":96}}", "hidden_act"},
        {"{" TEXT_KEYS "," ROPE ",\"image_token_id\":999999,\"vision_config\":{\"hidden_size\":1280,\"out_hidden_size\":96}}", "image_token_id"},
        {"[]", "config.json"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (parse(bad[i].json, &c, &err) == IAD_OK) fail_msg("case %zu is accepted", i);
        if (!strstr(err.msg, bad[i].word)) fail_msg("case %zu: %s", i, err.msg);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(counts), cmocka_unit_test(golden), cmocka_unit_test(seeded), cmocka_unit_test(refusals),
                                       cmocka_unit_test(layouts)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
