/* The tokenizer on a vocabulary trained here: pattern against PCRE2, offsets, long pieces, decoding, refusals. */
#include "tests/unit/iad_test.h"

#include "base/regex.h"
#include "runtime/token/bpe_train.h"
#include "runtime/token/pretok.h"
#include "runtime/token/token_text.h"
#include "runtime/token/tokenizer.h"
#include "tests/unit/token/token_strings.h"

static char dir[] = "/tmp/iad-tok-XXXXXX";
static iad_tokenizer *tok;
static iad_token_scratch *scratch;
static char *json; /* tokenizer.json as text */

static int setup(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_bpe_train *train;
    assert_non_null(mkdtemp(dir));
    assert_ok(iad_bpe_train_new(&train, &err));
    const char *text = "Is the last image normal? Look for any defect or abnormal region. Yes. No. the the the in in";
    for (int i = 0; i < 3; i++) assert_ok(iad_bpe_train_add(train, text, strlen(text), &err));
    const char *const words[] = {"Yes", "No", " defect", " abnormal", " normal"};
    iad_bpe_options small = {.vocab_size = 280, .words = words, .n_words = 5};
    assert_fails(IAD_ERR_ARG, iad_bpe_train_run(train, &small, &err)); /* no room for the words */
    const char *const two[] = {"two words"};
    iad_bpe_options cut = {.vocab_size = 400, .words = two, .n_words = 1};
    assert_fails(IAD_ERR_ARG, iad_bpe_train_run(train, &cut, &err));
    iad_bpe_options options = {.vocab_size = 400, .words = words, .n_words = 5};
    assert_ok(iad_bpe_train_run(train, &options, &err));
    assert_ok(iad_bpe_train_write(train, dir, &err));
    iad_bpe_train_free(train);
    assert_ok(iad_tokenizer_load(dir, &tok, &err));
    assert_ok(iad_token_scratch_new(&scratch, &err));
    char path[IAD_PATH_MAX];
    size_t n;
    assert_ok(iad_path_join(path, sizeof path, dir, "tokenizer.json", &err));
    assert_ok(iad_file_read(path, 1 << 24, (uint8_t **)&json, &n, &err));
    return 0;
}

static int teardown(void **state) {
    (void)state;
    static const char *const files[] = {"tokenizer.json", "vocab.json", "merges.txt", "tokenizer_config.json"};
    char path[IAD_PATH_MAX];
    for (int i = 0; i < 4; i++)
        if (iad_path_join(path, sizeof path, dir, files[i], NULL) == IAD_OK) remove(path);
    remove(dir);
    free(json);
    iad_token_scratch_free(scratch);
    iad_tokenizer_free(tok);
    return 0;
}

static char *replaced(const char *from, const char *to) {
    char *at = strstr(json, from);
    assert_non_null(at);
    size_t head = (size_t)(at - json), n = strlen(json) - strlen(from) + strlen(to);
    char *text = iad_calloc(1, n + 1);
    memcpy(text, json, head);
    memcpy(text + head, to, strlen(to));
    memcpy(text + head + strlen(to), at + strlen(from), n - head - strlen(to));
    return text;
}

static void encode(const iad_tokenizer *with, const char *text, size_t n, int flags, iad_token_list *out) {
    iad_err err = IAD_ERR_NONE;
    out->n = 0;
    assert_ok(iad_tokenizer_encode(with, scratch, text, n, flags, out, &err));
}

/* Letters, numbers and spaces on which PCRE2 and our frozen tables agree. */
static uint8_t *agreed(void) {
    iad_err err = IAD_ERR_NONE;
    iad_token_classes classes;
    assert_ok(iad_token_classes_init(&classes, &err));
    iad_regex *regex[3];
    assert_ok(iad_regex_new("^\\p{L}$", 0, &regex[0], &err));
    assert_ok(iad_regex_new("^\\p{N}$", 0, &regex[1], &err));
    assert_ok(iad_regex_new("^\\s$", 0, &regex[2], &err));
    uint8_t *same = iad_calloc(0x110000, 1);
    size_t n_same = 0;
    for (uint32_t c = 1; c < 0x110000; c++) {
        if (c >= 0xD800 && c < 0xE000) continue;
        char text[8] = {0};
        iad_buf buf;
        iad_buf_init(&buf, 16);
        strings_put_cp(&buf, c);
        memcpy(text, buf.data, buf.len);
        iad_buf_deinit(&buf);
        int found[3], kind = iad_token_class(&classes, c) & IAD_CP_KIND;
        for (int k = 0; k < 3; k++) assert_ok(iad_regex_test(regex[k], text, &found[k], &err));
        if (c == '\n') found[2] = 1; /* $ matches before it */
        same[c] = kind == (found[0] | found[1] << 1 | found[2] << 2);
        n_same += same[c];
    }
    assert_true(n_same > 1090000); /* they differ by the additions of a few Unicode versions only */
    for (int k = 0; k < 3; k++) iad_regex_free(regex[k]);
    iad_token_classes_deinit(&classes);
    return same;
}

static void scanner_equals_pcre2(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    uint8_t *same = agreed();
    /* An equal pattern in other words goes to PCRE2. */
    char *text = replaced("\\\\p{N}|", "\\\\p{N}{1}|");
    iad_tokenizer *other;
    assert_ok(iad_tokenizer_load_bytes(text, strlen(text), "other", &other, &err));
    free(text);
    uint8_t a[32], b[32];
    iad_tokenizer_sha256(tok, a);
    iad_tokenizer_sha256(other, b);
    assert_memory_not_equal(a, b, 32);
    token_strings s;
    strings_load(&s);
    iad_buf raw;
    iad_buf_init(&raw, 1 << 24);
    iad_token_list x = {0}, y = {0};
    size_t compared = 0;
    for (uint64_t i = 0; i < TOKEN_STRINGS; i += 3) {
        strings_make(&s, i, &raw);
        int usable = 1;
        for (size_t at = 0; at < raw.len && usable;) {
            uint32_t cp;
            iad_utf8_state utf8;
            at += iad_utf8_next((const uint8_t *)raw.data + at, raw.len - at, &cp, &utf8);
            usable = same[cp] || !cp;
        }
        if (!usable) continue;
        encode(tok, raw.data, raw.len, IAD_TOKEN_OFFSETS | IAD_TOKEN_ADDED, &x);
        encode(other, raw.data, raw.len, IAD_TOKEN_OFFSETS | IAD_TOKEN_ADDED, &y);
        assert_int_equal(x.n, y.n);
        assert_memory_equal(x.ids, y.ids, x.n * sizeof *x.ids);
        assert_memory_equal(x.begin, y.begin, x.n * sizeof *x.begin);
        assert_memory_equal(x.end, y.end, x.n * sizeof *x.end);
        compared++;
    }
    assert_true(compared > 5000);
    iad_token_list_deinit(&x);
    iad_token_list_deinit(&y);
    iad_buf_deinit(&raw);
    strings_free(&s);
    iad_tokenizer_free(other);
    free(same);
}

/* Where a text is valid and normal, its bytes are those of the tokens at their offsets. */
static void offsets(void **state) {
    (void)state;
    iad_token_list x = {0};
    const char *text = "Any defect?\n ü你好 don't";
    encode(tok, text, strlen(text), IAD_TOKEN_OFFSETS, &x);
    size_t at = 0;
    for (size_t i = 0; i < x.n; i++) {
        size_t n;
        const char *bytes = iad_tokenizer_bytes(tok, x.ids[i], &n);
        assert_int_equal(x.begin[i], at);
        assert_int_equal(x.end[i], at + n);
        assert_memory_equal(bytes, text + at, n);
        at += n;
    }
    assert_int_equal(at, strlen(text));
    /* U+0065 U+0301 becomes one character: its tokens cover all three bytes, those behind it are shifted back. */
    const char *marks = "ab e\xCC\x81\xFF Yes";
    encode(tok, marks, strlen(marks), IAD_TOKEN_OFFSETS, &x);
    int seen = 0;
    for (size_t i = 0; i < x.n; i++) {
        size_t n;
        const char *bytes = iad_tokenizer_bytes(tok, x.ids[i], &n);
        if (n == 1 && (uint8_t)bytes[0] == 0xC3) seen |= x.begin[i] == 3 && x.end[i] == 6;
        if (n == 1 && (uint8_t)bytes[0] == 0xEF) seen |= (x.begin[i] == 6 && x.end[i] == 7) << 1;
    }
    assert_int_equal(seen, 3);
    assert_int_equal(x.end[x.n - 1], strlen(marks));
    for (size_t i = 0; i < x.n; i++) assert_true(x.begin[i] < x.end[i] && x.end[i] <= strlen(marks));
    iad_token_list_deinit(&x);
}

/* Long pieces by the heap equal the same merged naively; a megabyte must not take quadratic time. */
static void long_pieces(void **state) {
    (void)state;
    size_t n = 1 << 20;
    char *text = iad_alloc(n, 1);
    token_strings s = {.state = 7};
    for (size_t i = 0; i < n; i++) text[i] = "abnormaldefecthein"[strings_below(&s, 18)];
    iad_token_list x = {0}, y = {0};
    encode(tok, text, n, 0, &x);
    size_t at = 0;
    for (size_t i = 0; i < x.n; i++) {
        size_t length;
        const char *bytes = iad_tokenizer_bytes(tok, x.ids[i], &length);
        assert_memory_equal(bytes, text + at, length);
        at += length;
    }
    assert_int_equal(at, n);
    for (size_t i = 0; i < n; i++) text[i] = 'e';
    encode(tok, text, n, 0, &y);
    assert_true(y.n <= n && y.n > 0);
    for (size_t i = 0; i < n; i++) text[i] = i % 2 ? (char)0x81 : (char)0xCC; /* marks without a base, U+0301 each */
    encode(tok, text, n, 0, &y);
    for (size_t i = 0; i < n; i += 4) memcpy(text + i, i % 8 ? "\xCC\x81\xCC\xA3" : "\xCC\x81\xCC\xA7", 4); /* to be sorted */
    encode(tok, text, n, IAD_TOKEN_OFFSETS, &y);
    free(text);
    iad_token_list_deinit(&x);
    iad_token_list_deinit(&y);
}

static void added_tokens(void **state) {
    (void)state;
    iad_token_list x = {0};
    const char *text = "a<|im_end|>b";
    int32_t end = iad_tokenizer_id(tok, "<|im_end|>");
    assert_true(end > 0 && iad_tokenizer_is_special(tok, end) && iad_tokenizer_is_added(tok, end));
    assert_int_equal(iad_tokenizer_is_special(tok, iad_tokenizer_id(tok, "<tool_call>")), 0);
    assert_int_equal(iad_tokenizer_size(tok), iad_tokenizer_id(tok, "<|file_sep|>") + 1);
    encode(tok, text, strlen(text), IAD_TOKEN_ADDED | IAD_TOKEN_OFFSETS, &x);
    assert_int_equal(x.n, 3);
    assert_int_equal(x.ids[1], end);
    assert_int_equal(x.begin[1], 1);
    assert_int_equal(x.end[1], 11);
    encode(tok, text, strlen(text), 0, &x);
    assert_null(x.begin);
    for (size_t i = 0; i < x.n; i++) assert_false(iad_tokenizer_is_added(tok, x.ids[i]));
    iad_token_list_deinit(&x);
}

static void decoding(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_token_list x = {0};
    const char *text = "Yes 你好 <|im_end|>!";
    iad_buf out;
    iad_buf_init(&out, 4096);
    encode(tok, text, strlen(text), IAD_TOKEN_ADDED, &x);
    assert_ok(iad_tokenizer_decode(tok, x.ids, x.n, 0, &out, &err));
    assert_string_equal(iad_buf_str(&out), text);
    iad_buf_reset(&out);
    assert_ok(iad_tokenizer_decode(tok, x.ids, x.n, 1, &out, &err));
    assert_string_equal(iad_buf_str(&out), "Yes 你好 !");
    /* A stream holds back the first bytes of a character, and gives U+FFFD for what never became one. */
    int32_t bytes[3];
    for (int i = 0; i < 3; i++) bytes[i] = iad_tokenizer_id_bytes(tok, &"\xE4\xBD\xA0"[i], 1);
    iad_token_stream stream = {0};
    iad_buf_reset(&out);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(out.len, 0);
        assert_ok(iad_token_stream_add(&stream, tok, bytes[i], &out, &err));
    }
    assert_string_equal(iad_buf_str(&out), "你");
    assert_ok(iad_token_stream_add(&stream, tok, bytes[0], &out, &err));
    assert_ok(iad_token_stream_add(&stream, tok, bytes[1], &out, &err));
    assert_ok(iad_token_stream_end(&stream, &out, &err));
    assert_string_equal(iad_buf_str(&out), "你\xEF\xBF\xBD");
    int32_t strange[] = {-1, 1 << 30, iad_tokenizer_size(tok)};
    iad_buf_reset(&out);
    assert_ok(iad_tokenizer_decode(tok, strange, 3, 0, &out, &err));
    assert_int_equal(out.len, 0);
    iad_buf_deinit(&out);
    iad_token_list_deinit(&x);
}

static void refusals(void **state) {
    (void)state;
    static const struct {
        const char *from, *to;
        iad_status code;
        const char *says;
    } cases[] = {
        {"\"type\":\"NFC\"", "\"type\":\"NFKC\"", IAD_ERR_UNSUPPORTED, "NFKC"},
        {"\"behavior\":\"Isolated\"", "\"behavior\":\"Removed\"", IAD_ERR_UNSUPPORTED, "Removed"},
        {"\"add_prefix_space\":false", "\"add_prefix_space\":true", IAD_ERR_UNSUPPORTED, "add_prefix_space"},
        {"\"type\":\"BPE\"", "\"type\":\"Unigram\"", IAD_ERR_UNSUPPORTED, "Unigram"},
        {"\"dropout\":null", "\"dropout\":0.1", IAD_ERR_UNSUPPORTED, "dropout"},
        {"\"ignore_merges\":false", "\"ignore_merges\":true", IAD_ERR_UNSUPPORTED, "ignore_merges"},
        {"\"lstrip\":false", "\"lstrip\":true", IAD_ERR_UNSUPPORTED, "lstrip"},
        {"\\\\p{N}|", "\\\\p{N|", IAD_ERR_FORMAT, "pattern"},
        {"\"!\":0", "\"!\":1", IAD_ERR_FORMAT, "share id"},
        {"\"!\":0", "\"!\":-1", IAD_ERR_FORMAT, "id"},
        {"\"!\":0", "\"!!!!\":0", IAD_ERR_FORMAT, "byte 0x21"},
        {"\"!\":0", "\"!\":2097152", IAD_ERR_FORMAT, "id"},
        {"\"merges\":[[", "\"merges\":[[\"!\",\"~~\"],[", IAD_ERR_FORMAT, "merge 0"},
        {"\"merges\":[", "\"merges\":[\"a b c\",", IAD_ERR_FORMAT, "merge 0"},
        {"\"merges\":[", "\"merges\":[7,", IAD_ERR_FORMAT, "merge 0"},
        {"\"decoder\":{\"type\":\"ByteLevel\"", "\"decoder\":{\"type\":\"WordPiece\"", IAD_ERR_UNSUPPORTED, "decoder"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        iad_err err = IAD_ERR_NONE;
        iad_tokenizer *none;
        char *text = replaced(cases[i].from, cases[i].to);
        iad_status code = iad_tokenizer_load_bytes(text, strlen(text), "t.json", &none, &err);
        if (code != cases[i].code || !strstr(err.msg, cases[i].says)) fail_msg("%s: %d %s", cases[i].to, (int)code, err.msg);
        assert_null(none);
        free(text);
    }
    iad_err err = IAD_ERR_NONE;
    iad_tokenizer *none;
    assert_fails(IAD_ERR_NOT_FOUND, iad_tokenizer_load("/nowhere", &none, &err));
    /* Merges as strings are the same tokenizer; so is one without a normalizer another. */
    char *text = replaced("{\"type\":\"NFC\"}", "null");
    assert_ok(iad_tokenizer_load_bytes(text, strlen(text), "t.json", &none, &err));
    iad_token_list x = {0};
    encode(none, "e\xCC\x81", 3, 0, &x);
    assert_int_equal(x.n, 3);
    encode(tok, "e\xCC\x81", 3, 0, &x);
    assert_int_equal(x.n, 2);
    iad_token_list_deinit(&x);
    iad_tokenizer_free(none);
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(scanner_equals_pcre2), cmocka_unit_test(offsets),
                                       cmocka_unit_test(long_pieces),          cmocka_unit_test(added_tokens),
                                       cmocka_unit_test(decoding),             cmocka_unit_test(refusals)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
