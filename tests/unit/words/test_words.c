/* A folder to a model, texts to vectors: nothing depends on neighbours or threads; pooling; what is counted; refusals. */
#include "tests/unit/words/words_fixture.h"

#include <math.h>

#include "bench/words/textencoder.h"
#include "bench/words/words.h"

static iad_err err;

enum { N = 300 };
static const char *const parts[] = {"scratch", "scratches", "the hole", "long metal", "a", "abc", ", on.", "", "zzz",
                                    "a b c a b c a b c a b c a b c"};

typedef struct bank {
    char dir[64];
    char text[N][100];
    const char *texts[N];
} bank;

static int setup(void **state) {
    bank *b = iad_calloc(1, sizeof *b);
    assert_non_null(b);
    fix_dir(b->dir);
    for (int i = 0; i < N; i++) {
        snprintf(b->text[i], sizeof b->text[i], "%s %s", parts[i % 10], parts[i / 10 % 10]);
        b->texts[i] = b->text[i];
    }
    *state = b;
    return 0;
}

static int teardown(void **state) {
    fix_remove(((bank *)*state)->dir);
    free(*state);
    return 0;
}

static void test_neighbours_and_threads(void **state) {
    bank *b = *state;
    static float all[N * FIX_DIM], other[N * FIX_DIM], one[FIX_DIM];
    for (int mpnet = 0; mpnet < 2; mpnet++) {
        iad_words *words;
        iad_words_tally tally = {0};
        fix_folder(b->dir, mpnet);
        assert_ok(iad_words_open(b->dir, 1, &words, &err));
        const iad_words_info *info = iad_words_info_get(words);
        assert_string_equal(info->kind, mpnet ? "mpnet" : "bert");
        assert_string_equal(info->name, strrchr(b->dir, '/') + 1);
        assert_string_equal(info->pooling, "mean");
        assert_int_equal(info->dim, FIX_DIM);
        assert_int_equal(info->max_pieces, 12);
        assert_int_equal(info->normalized, 1);
        assert_ok(iad_words_embed(words, b->texts, N, NULL, all, &tally, &err));
        for (int i = 0; i < N; i += 7) {
            assert_ok(iad_words_embed(words, &b->texts[i], 1, NULL, one, NULL, &err));
            assert_memory_equal(one, all + i * FIX_DIM, sizeof one);
            assert_close(iad_words_cosine(one, one, FIX_DIM), 1, 1e-12);
        }
        iad_words_close(words);
        /* Every text with the 15 letters as either part is cut: 30 + 30 of 300, less the 3 with both, counted once. */
        assert_int_equal(tally.truncated, 57);
        assert_true(tally.unknown > 0);
        assert_ok(iad_words_open(b->dir, 3, &words, &err));
        assert_ok(iad_words_embed(words, b->texts, N, NULL, other, NULL, &err));
        assert_memory_equal(all, other, sizeof all);
        assert_ok(iad_words_embed(words, b->texts, 0, NULL, other, NULL, &err));
        atomic_int stop = 1;
        assert_fails(IAD_ERR_INTERRUPTED, iad_words_embed(words, b->texts, N, &stop, other, NULL, &err));
        iad_words_close(words);
    }
}

/* Pooling of the hidden states that the encoder gives. */
static void test_pooling(void **state) {
    bank *b = *state;
    static const char *const keys[] = {"pooling_mode_mean_tokens", "pooling_mode_cls_token", "pooling_mode_max_tokens",
                                       "pooling_mode_mean_sqrt_len_tokens"};
    iad_encoder_config config;
    iad_text_encoder *encoder;
    iad_text_worker *worker;
    const int32_t ids[] = {2, 5, 6, 8, 9, 3}; /* "scratches on metal" */
    const int length = 6;
    const float *hidden;
    fix_folder(b->dir, 0);
    fix_write(b->dir, "modules.json", "[{\"type\": \"a.Transformer\", \"path\": \"\"}, {\"type\": \"a.Pooling\", \"path\": \"1_Pooling\"}]");
    assert_ok(iad_encoder_config_parse(fix_config_text(0), strlen(fix_config_text(0)), "here", &config, &err));
    assert_ok(iad_text_encoder_open(b->dir, &config, 12, IAD_CPU_AUTO, &encoder, &err));
    assert_ok(iad_text_worker_new(encoder, 12, &worker, &err));
    assert_ok(iad_text_encoder_run(encoder, worker, ids, &length, 1, &hidden, &err));
    for (int kind = 0; kind < 4; kind++) {
        char text[200];
        float vector[FIX_DIM];
        iad_words *words;
        const char *sentence = "Scratches on metal";
        snprintf(text, sizeof text, "{\"word_embedding_dimension\": 24, \"%s\": true}", keys[kind]);
        fix_write(b->dir, "1_Pooling/config.json", text);
        assert_ok(iad_words_open(b->dir, 1, &words, &err));
        assert_int_equal(iad_words_info_get(words)->normalized, 0);
        assert_ok(iad_words_embed(words, &sentence, 1, NULL, vector, NULL, &err));
        for (int k = 0; k < FIX_DIM; k++) {
            double sum = 0, most = -INFINITY;
            for (int t = 0; t < length; t++) {
                sum += (double)hidden[t * FIX_DIM + k];
                if ((double)hidden[t * FIX_DIM + k] > most) most = (double)hidden[t * FIX_DIM + k];
            }
            assert_close((double)vector[k], kind == 0 ? sum / length : kind == 1 ? (double)hidden[k] : kind == 2 ? most : sum / sqrt(length), 1e-6);
        }
        iad_words_close(words);
    }
    iad_text_worker_free(worker);
    iad_text_encoder_free(encoder);
}

static void refuse(const char *dir, iad_status status, const char *message) {
    iad_words *words;
    assert_fails(status, iad_words_open(dir, 1, &words, &err));
    assert_null(words);
    if (!strstr(err.msg, message)) fail_msg("\"%s\" lacks \"%s\"", err.msg, message);
}

static void test_folders(void **state) {
    bank *b = *state;
    char path[IAD_PATH_MAX];
    iad_words *words;
    refuse("/nowhere/at/all", IAD_ERR_NOT_FOUND, "/nowhere/at/all");
    refuse(b->dir, IAD_ERR_NOT_FOUND, "config.json is missing");
    fix_folder(b->dir, 0);
    fix_write(b->dir, "vocab.txt",
              "[PAD]\n[UNK]\n[CLS]\n[SEP]\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\n14\n15\n16\n17\n18\n19\n20\n21\n22\n23\n24\n25\n26\n27\n"
                                   "28\n29\n30\n31\n32\n33\n34\n35\n36\n37\n");
    refuse(b->dir, IAD_ERR_FORMAT, "pieces up to 40, the model's vocabulary 40");
    fix_folder(b->dir, 0);
    fix_write(b->dir, "1_Pooling/config.json", "{\"word_embedding_dimension\": 25, \"pooling_mode_mean_tokens\": true}");
    refuse(b->dir, IAD_ERR_FORMAT, "1_Pooling/config.json: pools 25 values, the encoder has 24");
    snprintf(path, sizeof path, "%s/1_Pooling/config.json", b->dir);
    remove(path);
    refuse(b->dir, IAD_ERR_NOT_FOUND, "1_Pooling/config.json is missing");
    snprintf(path, sizeof path, "%s/modules.json", b->dir);
    remove(path);
    fix_write(b->dir, "sentence_bert_config.json", "{\"max_seq_length\": null}");
    assert_ok(iad_words_open(b->dir, 1, &words, &err)); /* a bare encoder: mean, not normalised, as many pieces as there are places */
    assert_int_equal(iad_words_info_get(words)->max_pieces, FIX_BERT_POS);
    assert_int_equal(iad_words_info_get(words)->normalized, 0);
    iad_words_close(words);
    fix_write(b->dir, "tokenizer_config.json", "{\"model_max_length\": 9}");
    assert_ok(iad_words_open(b->dir, 1, &words, &err));
    assert_int_equal(iad_words_info_get(words)->max_pieces, 9);
    iad_words_close(words);
}

static void test_cosine(void **state) {
    (void)state;
    const float a[] = {3, 4}, b[] = {-4, 3}, c[] = {-6, -8}, zero[] = {0, 0};
    assert_close(iad_words_cosine(a, a, 2), 1, 0);
    assert_close(iad_words_cosine(a, b, 2), 0, 0);
    assert_close(iad_words_cosine(a, c, 2), -1, 0);
    assert_close(iad_words_cosine(a, zero, 2), 0, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(test_neighbours_and_threads, setup, teardown),
                                       cmocka_unit_test_setup_teardown(test_pooling, setup, teardown),
                                       cmocka_unit_test_setup_teardown(test_folders, setup, teardown), cmocka_unit_test(test_cosine)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
