/* A small model with a tokenizer of its own, made in the test's folder, and pictures drawn by formula. */
#ifndef IAD_TEST_ENGINE_FIXTURE_H
#define IAD_TEST_ENGINE_FIXTURE_H

#include "tests/unit/iad_test.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "manifests/canonical.h"
#include "runtime/iadgpt.h"
#include "runtime/model/newmodel.h"
#include "runtime/token/bpe_train.h"

#define assert_api(call)                                                        \
    do {                                                                        \
        if ((call) != IADGPT_OK) fail_msg("%s: %s", #call, error.message);      \
    } while (0)

/* The parity model's geometry with golden weights; vocabulary and special ids follow the tokenizer. */
static inline void fixture_model(const char *dir) {
    iad_err err = IAD_ERR_NONE;
    static const char *const words[] = {"Yes", "No", " defect", " abnormal", " normal"};
    iad_bpe_train *train = NULL;
    assert_ok(iad_bpe_train_new(&train, &err));
    iad_buf text;
    iad_buf_init(&text, 1 << 20);
    for (int i = 0; i < 4; i++) {
        assert_ok(iad_buf_add_str(&text, IAD_CANONICAL_QUESTION "\nYou are a helpful assistant.\nuser\nassistant\nsystem\n", &err));
        assert_ok(iad_buf_add_str(&text, "There is a scratch on the left side of the part, and a dent below it. The surface looks clean.\n", &err));
    }
    assert_ok(iad_bpe_train_add(train, text.data, text.len, &err));
    assert_ok(iad_bpe_train_run(train, &(iad_bpe_options){.vocab_size = 512, .words = words, .n_words = sizeof words / sizeof *words}, &err));
    assert_ok(iad_bpe_train_write(train, dir, &err));
    int32_t size = iad_bpe_train_size(train), base = size - IAD_BPE_ADDED;
    iad_bpe_train_free(train);
    iad_buf_deinit(&text);

    iad_model_config config;
    assert_ok(iad_newmodel_config("tiny", &config, &err));
    config.text.vocab = (size + 63) / 64 * 64;
    config.ids = (iad_token_ids){.pad = base, .bos = base, .n_eos = 2, .eos = {base + 2, base}, .vision_start = base + 9, .vision_end = base + 10,
                                 .vision_pad = base + 11, .image = base + 12, .video = base + 13};
    config.paper.image_height = 84;
    config.paper.image_width = 112;
    config.preproc.min_pixels = 784;
    assert_ok(iad_model_new(&config, &(iad_newmodel_options){.golden = 1, .extras = 1, .dtype = IAD_BF16, .force = 1}, dir, NULL, NULL, &err));
}

static inline iadgpt_picture fixture_picture(int width, int height, int seed) {
    size_t n = (size_t)width * (size_t)height * 3;
    uint8_t *pixels = iad_alloc(n, 1);
    assert_non_null(pixels);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            for (int c = 0; c < 3; c++)
                pixels[((size_t)y * (size_t)width + (size_t)x) * 3 + (size_t)c] =
                    (uint8_t)((7 * y + 13 * x + 31 * c + 57 * seed + 5 * ((x * y + seed) % 11)) & 255);
    return (iadgpt_picture){width, height, 3, pixels};
}

static inline iadgpt_engine *fixture_open(const char *dir, const char *device, const char *weights) {
    iadgpt_error error;
    iadgpt_engine *engine = NULL;
    iadgpt_engine_options options;
    iadgpt_engine_defaults(&options);
    options.device = device;
    options.weights = weights;
    options.threads = 2;
    assert_api(iadgpt_engine_open(dir, &options, &engine, &error));
    return engine;
}

#endif
