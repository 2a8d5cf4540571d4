/* Ids equal to those of Hugging Face tokenizers: 24,000 strings by hashes, for a tokenizer trained here and, when
 * IAD_QWEN_TOKENIZER names the folder that tests/parity/tokenizer_golden.py made, for the real vocabulary.
 * IAD_TOKEN_KEEP=DIR keeps the trained tokenizer, for making data/golden_small.txt. */
#include "tests/unit/iad_test.h"

#include <unistd.h>

#include "runtime/token/bpe_train.h"
#include "runtime/token/tokenizer.h"
#include "tests/unit/token/token_strings.h"

static const char *const words[] = {"Yes", "No", " defect", " abnormal", " normal"};

/* Trained on a part of the golden strings: the same on every machine. */
static void train_small(const char *dir) {
    iad_err err = IAD_ERR_NONE;
    iad_bpe_train *train;
    assert_ok(iad_bpe_train_new(&train, &err));
    token_strings s;
    strings_load(&s);
    iad_buf text;
    iad_buf_init(&text, 1 << 22);
    for (uint64_t i = 0; i < 3000; i++) {
        strings_make(&s, i, &text);
        assert_ok(iad_bpe_train_add(train, text.data, text.len, &err));
    }
    iad_bpe_options options = {.vocab_size = 2048, .words = words, .n_words = 5};
    assert_ok(iad_bpe_train_run(train, &options, &err));
    assert_true(iad_bpe_train_size(train) <= 2048);
    assert_ok(iad_bpe_train_write(train, dir, &err));
    iad_buf_deinit(&text);
    strings_free(&s);
    iad_bpe_train_free(train);
}

static uint64_t hash_ids(uint64_t h, const iad_token_list *list) {
    uint32_t n = (uint32_t)list->n; /* little endian, as every machine that this runs on */
    h = strings_hash(h, &n, 4);
    return strings_hash(h, list->ids, list->n * sizeof *list->ids);
}

static void check(const char *dir, const char *golden_name) {
    iad_err err = IAD_ERR_NONE;
    iad_tokenizer *tok;
    iad_token_scratch *scratch;
    assert_ok(iad_tokenizer_load(dir, &tok, &err));
    assert_ok(iad_token_scratch_new(&scratch, &err));
    char path[IAD_PATH_MAX];
    assert_ok(iad_path_join(path, sizeof path, IAD_TEST_DATA, golden_name, &err));
    uint8_t *golden;
    size_t golden_n, bad = 0;
    assert_ok(iad_file_read(path, 1 << 20, &golden, &golden_n, &err));
    char *line = (char *)golden;
    token_strings s;
    strings_load(&s);
    iad_buf text, decoded;
    iad_buf_init(&text, 1 << 24);
    iad_buf_init(&decoded, 1 << 26);
    iad_token_list plain = {0}, added = {0};
    for (uint64_t block = 0; block < TOKEN_STRINGS; block += TOKEN_BLOCK) {
        uint64_t h[3] = {STRINGS_HASH_START, STRINGS_HASH_START, STRINGS_HASH_START};
        for (uint64_t i = block; i < block + TOKEN_BLOCK; i++) {
            strings_make(&s, i, &text);
            plain.n = added.n = 0;
            assert_ok(iad_tokenizer_encode(tok, scratch, text.data, text.len, 0, &plain, &err));
            assert_ok(iad_tokenizer_encode(tok, scratch, text.data, text.len, IAD_TOKEN_ADDED, &added, &err));
            h[0] = hash_ids(h[0], &plain);
            h[1] = hash_ids(h[1], &added);
            for (size_t a = 0, b = added.n; a + 1 < b; a++) {
                int32_t swap = added.ids[a];
                added.ids[a] = added.ids[--b];
                added.ids[b] = swap;
            }
            iad_buf_reset(&decoded);
            assert_ok(iad_tokenizer_decode(tok, added.ids, added.n, 1, &decoded, &err));
            h[2] = strings_hash(h[2], decoded.data, decoded.len);
        }
        for (int k = 0; k < 3; k++) {
            uint64_t want = strtoull(line, &line, 16);
            if (h[k] != want && ++bad <= 10)
                print_error("%s: strings from %u: %s differ\n", golden_name, (unsigned)block,
                            k == 0 ? "ids" : k == 1 ? "ids with added tokens" : "decoded texts");
        }
    }
    assert_int_equal(bad, 0);
    iad_token_list_deinit(&plain);
    iad_token_list_deinit(&added);
    iad_buf_deinit(&text);
    iad_buf_deinit(&decoded);
    strings_free(&s);
    free(golden);
    iad_token_scratch_free(scratch);
    iad_tokenizer_free(tok);
}

static void trained(void **state) {
    (void)state;
    char dir[] = "/tmp/iad-token-XXXXXX";
    const char *keep = getenv("IAD_TOKEN_KEEP");
    if (!keep) assert_non_null(mkdtemp(dir));
    const char *to = keep ? keep : dir;
    train_small(to);
    if (keep) {
        print_message("written to %s; goldens not checked\n", keep);
        return;
    }
    check(to, "golden_small.txt");

    /* The other file form is the same tokenizer. */
    iad_err err = IAD_ERR_NONE;
    iad_tokenizer *tok;
    uint8_t a[32], b[32];
    char path[IAD_PATH_MAX];
    assert_ok(iad_tokenizer_load(to, &tok, &err));
    iad_tokenizer_sha256(tok, a);
    for (size_t i = 0; i < 5; i++) {
        iad_token_scratch *scratch;
        iad_token_list ids = {0};
        assert_ok(iad_token_scratch_new(&scratch, &err));
        assert_ok(iad_tokenizer_encode(tok, scratch, words[i], strlen(words[i]), 0, &ids, &err));
        assert_int_equal(ids.n, 1);
        assert_int_equal(ids.ids[0], iad_tokenizer_id(tok, words[i]));
        iad_token_list_deinit(&ids);
        iad_token_scratch_free(scratch);
    }
    iad_tokenizer_free(tok);
    assert_ok(iad_path_join(path, sizeof path, to, "tokenizer.json", &err));
    assert_int_equal(unlink(path), 0);
    assert_ok(iad_tokenizer_load(to, &tok, &err));
    iad_tokenizer_sha256(tok, b);
    assert_memory_equal(a, b, 32);
    iad_tokenizer_free(tok);
    static const char *const files[] = {"vocab.json", "merges.txt", "tokenizer_config.json"};
    for (int i = 0; i < 3; i++) {
        assert_ok(iad_path_join(path, sizeof path, to, files[i], &err));
        assert_int_equal(unlink(path), 0);
    }
    assert_int_equal(rmdir(to), 0);
}

static void real_vocabulary(void **state) {
    (void)state;
    const char *dir = getenv("IAD_QWEN_TOKENIZER");
    if (!dir) {
        print_message("skipped: IAD_QWEN_TOKENIZER is not set (tests/parity/tokenizer_golden.py vocab DIR makes the folder)\n");
        skip();
    }
    check(dir, "golden_qwen.txt");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(trained), cmocka_unit_test(real_vocabulary)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
