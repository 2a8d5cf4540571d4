/* Texts to pieces: each rule of normalisation, the files' settings, refusals. */
#include "tests/unit/iad_test.h"

#include "base/alloc.h"
#include "bench/words/wordpiece.h"
#include "bench/words/words.h"

static iad_err err;

#define VOCAB                                                                                                                                  \
    "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nun\n##aff\n##able\nunab\nhello\n!\ncafe\n\xE6\x97\xA5\n\xE6\x9C\xAC\na\n##a\nb\n.\n[\n]\nsep\nCafe\n"      \
    "caf\xC3\xA9\n?\n"
enum { PAD, UNK, CLS, SEP, MASK, UN, AFF, ABLE, UNAB, HELLO, BANG, CAFE, SUN, BOOK, A, MORE_A, B, DOT, OPEN, CLOSE, SEP_WORD, BIG_CAFE, ACCENT,
      QUESTION };

static iad_wordpiece *make(const char *vocab, const char *tokenizer, const char *config) {
    iad_wordpiece *wp;
    iad_wordpiece_files files = {.tokenizer = tokenizer, .vocab = vocab, .config = config, .n_tokenizer = tokenizer ? strlen(tokenizer) : 0,
                                 .n_vocab = vocab ? strlen(vocab) : 0, .n_config = config ? strlen(config) : 0};
    assert_ok(iad_wordpiece_parse(&files, "bert", "here", &wp, &err));
    return wp;
}

/* want: the pieces between the frame, ended by -1. */
static void check(const iad_wordpiece *wp, const char *text, const int *want) {
    iad_pieces pieces = {0};
    int truncated;
    size_t n = 0;
    assert_ok(iad_wordpiece_encode(wp, text, strlen(text), 1000, &pieces, &truncated, &err));
    while (want[n] >= 0) n++;
    if (pieces.n != n + 2) fail_msg("\"%s\": %zu pieces, %zu are expected", text, pieces.n - 2, n);
    assert_int_equal(pieces.ids[0], CLS);
    for (size_t i = 0; i < n; i++) assert_int_equal(pieces.ids[i + 1], want[i]);
    assert_int_equal(pieces.ids[n + 1], SEP);
    assert_int_equal(truncated, 0);
    iad_pieces_deinit(&pieces);
}
#define CHECK(wp, text, ...) check((wp), (text), (const int[]){__VA_ARGS__, -1})

static void test_uncased(void **state) {
    (void)state;
    iad_wordpiece *wp = make(VOCAB, NULL, NULL);
    check(wp, "", (const int[]){-1});
    check(wp, " \t\n\xE2\x80\xA8\xC2\xA0", (const int[]){-1});
    CHECK(wp, "unaffable", UN, AFF, ABLE);
    CHECK(wp, "UnAffable Hello!!", UN, AFF, ABLE, HELLO, BANG, BANG);
    CHECK(wp, "unaffablex", UNK);                                   /* not to be had as a whole */
    CHECK(wp, "unab", UNAB);                                        /* the longest first */
    CHECK(wp, "unabable", UNAB, ABLE);
    CHECK(wp, "Caf\xC3\xA9 cafe\xCC\x81 CAF\xC3\x89", CAFE, CAFE, CAFE);
    CHECK(wp, "he\x01llo h\xE2\x80\x8B" "ello he\xC2\xADllo", HELLO, HELLO, HELLO); /* control and format characters go */
    CHECK(wp, "a\xE6\x97\xA5\xE6\x9C\xAC" "b", A, SUN, BOOK, B);
    CHECK(wp, "a.a", A, DOT, A);
    CHECK(wp, "a\xFF\xC3" "b", UNK);                                /* broken bytes go: "ab" */
    CHECK(wp, "a\xEF\xBF\xBD" "a", A, MORE_A);
    CHECK(wp, "\xC2\xBF", UNK);                                     /* punctuation that the vocabulary lacks */
    CHECK(wp, "a\xCD\xBE" "b", A, UNK, B);                          /* the Greek question mark is a semicolon, canonically */
    iad_wordpiece_free(wp);
}

static void test_added_tokens(void **state) {
    (void)state;
    iad_wordpiece *wp = make(VOCAB, NULL, NULL);
    CHECK(wp, "a[SEP]b [MASK] [UNK]", A, SEP, B, MASK, UNK);
    CHECK(wp, "a [sep] b", A, OPEN, SEP_WORD, CLOSE, B);            /* the name, not the piece */
    CHECK(wp, "[SE", OPEN, UNK);
    iad_wordpiece_free(wp);
}

static void test_cased(void **state) {
    (void)state;
    iad_wordpiece *wp = make(VOCAB, NULL, "{\"do_lower_case\": false}");
    CHECK(wp, "Cafe cafe caf\xC3\xA9 Hello", BIG_CAFE, CAFE, ACCENT, UNK);
    iad_wordpiece_lower(wp);
    CHECK(wp, "Cafe CAF\xC3\x89 HELLO", CAFE, ACCENT, HELLO);       /* small letters with their accents */
    iad_wordpiece_free(wp);
    wp = make(VOCAB, NULL, "{\"do_lower_case\": false, \"strip_accents\": true}");
    CHECK(wp, "Caf\xC3\xA9", BIG_CAFE);
    iad_wordpiece_free(wp);
    wp = make(VOCAB, NULL, "{\"tokenize_chinese_chars\": false}");
    CHECK(wp, "\xE6\x97\xA5\xE6\x9C\xAC \xE6\x97\xA5", UNK, SUN);
    iad_wordpiece_free(wp);
}

static void test_long_words(void **state) {
    (void)state;
    iad_wordpiece *wp = make(VOCAB, NULL, NULL);
    char text[300];
    int want[102];
    for (int n = 99; n <= 101; n++) {
        memset(text, 'a', (size_t)n);
        text[n] = 0;
        if (n > 100) CHECK(wp, text, UNK);
        else {
            for (int i = 0; i < n; i++) want[i] = i ? MORE_A : A;
            want[n] = -1;
            check(wp, text, want);
        }
    }
    for (int i = 0; i < 100; i++) memcpy(text + 2 * i, "\xC3\xA1", 2); /* 100 letters in 200 bytes */
    text[200] = 0;
    for (int i = 0; i < 100; i++) want[i] = i ? MORE_A : A;
    want[100] = -1;
    check(wp, text, want);
    iad_wordpiece_free(wp);
}

static void test_truncation(void **state) {
    (void)state;
    iad_wordpiece *wp = make(VOCAB, NULL, NULL);
    iad_pieces pieces = {0};
    int truncated;
    static const struct { const char *text; size_t most, n; int truncated; uint64_t unknown; } cases[] = {
        {"a b a", 5, 5, 0, 0}, {"a b a ", 5, 5, 0, 0}, {"a b a b", 5, 5, 1, 0}, {"a unaffable", 5, 5, 1, 0}, {"a", 2, 2, 1, 0}, {"", 2, 2, 0, 0},
        {"zzz zzz zzz", 4, 4, 1, 2}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t before = pieces.n;
        uint64_t unknown = pieces.unknown;
        assert_ok(iad_wordpiece_encode(wp, cases[i].text, strlen(cases[i].text), cases[i].most, &pieces, &truncated, &err));
        assert_int_equal(pieces.n - before, cases[i].n);
        assert_int_equal(truncated, cases[i].truncated);
        assert_int_equal(pieces.unknown - unknown, cases[i].unknown);
        assert_int_equal(pieces.ids[pieces.n - 1], SEP);
    }
    assert_fails(IAD_ERR_ARG, iad_wordpiece_encode(wp, "a", 1, 1, &pieces, &truncated, &err));
    char *huge = iad_calloc(IAD_WORDS_MAX_TEXT + 2, 1);
    assert_non_null(huge);
    assert_fails(IAD_ERR_LIMIT, iad_wordpiece_encode(wp, huge, IAD_WORDS_MAX_TEXT + 1, 8, &pieces, &truncated, &err));
    free(huge);
    iad_pieces_deinit(&pieces);
    iad_wordpiece_free(wp);
}

#define TOKENIZER(normalizer, pre, added, model)                                                                                  \
    "{\"normalizer\": " normalizer ", \"pre_tokenizer\": " pre ", \"added_tokens\": " added ", \"model\": " model "}"
#define BERT_NORMALIZER "{\"type\": \"BertNormalizer\", \"clean_text\": true, \"handle_chinese_chars\": true, \"strip_accents\": null, " \
                        "\"lowercase\": false}"
#define BERT_PRE "{\"type\": \"BertPreTokenizer\"}"
#define PLAIN_MODEL "{\"type\": \"WordPiece\", \"unk_token\": \"[UNK]\", \"continuing_subword_prefix\": \"@\", \"max_input_chars_per_word\": 3, " \
                    "\"vocab\": " \
                    "{\"[UNK]\": 1, \"[CLS]\": 2, \"[SEP]\": 3, \"a\": 4, \"@b\": 5, \"B\": 6}}"

static void test_tokenizer_json(void **state) {
    (void)state;
    const char *added = "[{\"id\": 9, \"content\": \"<x>\", \"normalized\": false}, {\"id\": 8, \"content\": \"<Y>\", \"normalized\": true}]";
    char text[2000];
    snprintf(text, sizeof text, "{\"normalizer\": %s, \"pre_tokenizer\": %s, \"added_tokens\": %s, \"model\": %s}", BERT_NORMALIZER, BERT_PRE, added,
             PLAIN_MODEL);
    iad_wordpiece *wp = make("never\nread\n", text, NULL);
    CHECK(wp, "ab abb abbb B b", 4, 5, 4, 5, 5, 1, 6, 1);           /* own prefix, words of 3 characters at most, cased */
    CHECK(wp, "a<x>a<X>", 4, 9, 4, 1, 1, 1);
    CHECK(wp, "<y><Y>", 8, 8);
    assert_int_equal(iad_wordpiece_largest_id(wp), 9);
    iad_wordpiece_free(wp);
    wp = make(NULL, text, "{\"do_lower_case\": true, \"model_max_length\": 77}"); /* tokenizer_config.json wins */
    CHECK(wp, "B", 1);
    CHECK(wp, "AB", 4, 5);
    assert_int_equal(iad_wordpiece_max_length(wp), 77);
    iad_wordpiece_free(wp);
}

static void refuse(iad_status status, const char *vocab, const char *tokenizer, const char *config, const char *message) {
    iad_wordpiece *wp;
    iad_wordpiece_files files = {.tokenizer = tokenizer, .vocab = vocab, .config = config, .n_tokenizer = tokenizer ? strlen(tokenizer) : 0,
                                 .n_vocab = vocab ? strlen(vocab) : 0, .n_config = config ? strlen(config) : 0};
    assert_fails(status, iad_wordpiece_parse(&files, "bert", "here", &wp, &err));
    assert_null(wp);
    if (!strstr(err.msg, message)) fail_msg("\"%s\" lacks \"%s\"", err.msg, message);
}

static void test_refusals(void **state) {
    (void)state;
    refuse(IAD_ERR_NOT_FOUND, NULL, NULL, NULL, "neither tokenizer.json nor vocab.txt");
    refuse(IAD_ERR_FORMAT, "[UNK]\n[CLS]\n", NULL, NULL, "no piece \"[SEP]\"");
    refuse(IAD_ERR_FORMAT, "[UNK]\n\xff\n", NULL, NULL, "line 2 is no UTF-8");
    refuse(IAD_ERR_FORMAT, VOCAB, NULL, "{\"do_lower_case\": 1}", "\"do_lower_case\" is neither");
    refuse(IAD_ERR_FORMAT, VOCAB, NULL, "[]", "no object");
    refuse(IAD_ERR_FORMAT, VOCAB, NULL, "{", "here");
    refuse(IAD_ERR_FORMAT, VOCAB, NULL, "{\"cls_token\": \"none\"}", "no piece \"none\" (cls_token)");
    refuse(IAD_ERR_FORMAT, NULL, "{}", NULL, "\"model\" is missing");
    refuse(IAD_ERR_UNSUPPORTED, NULL, TOKENIZER(BERT_NORMALIZER, BERT_PRE, "[]", "{\"type\": \"BPE\", \"vocab\": {}}"), NULL, "\"BPE\"");
    refuse(IAD_ERR_UNSUPPORTED, NULL, TOKENIZER("{\"type\": \"NFC\"}", BERT_PRE, "[]", PLAIN_MODEL), NULL, "normalizer \"NFC\"");
    refuse(IAD_ERR_UNSUPPORTED, NULL, TOKENIZER(BERT_NORMALIZER, "null", "[]", PLAIN_MODEL), NULL, "pre-tokenizer");
    refuse(IAD_ERR_UNSUPPORTED, NULL, TOKENIZER(BERT_NORMALIZER, BERT_PRE, "[{\"id\": 1, \"content\": \"w\", \"single_word\": true}]", PLAIN_MODEL),
           NULL, "added_tokens[0] (\"w\"): single_word");
    refuse(IAD_ERR_LIMIT, NULL, TOKENIZER(BERT_NORMALIZER, BERT_PRE, "[]", "{\"vocab\": {\"a\": 3000000}}"), NULL, "3000000");
    refuse(IAD_ERR_LIMIT, NULL, TOKENIZER(BERT_NORMALIZER, BERT_PRE, "[]", "{\"vocab\": {\"a\": -1}}"), NULL, "-1");
    refuse(IAD_ERR_FORMAT, NULL, TOKENIZER(BERT_NORMALIZER, BERT_PRE, "[]", "{\"vocab\": {\"a\": \"b\"}}"), NULL, "piece \"a\"");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_uncased), cmocka_unit_test(test_added_tokens), cmocka_unit_test(test_cased),
                                       cmocka_unit_test(test_long_words), cmocka_unit_test(test_truncation), cmocka_unit_test(test_tokenizer_json),
                                       cmocka_unit_test(test_refusals)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
