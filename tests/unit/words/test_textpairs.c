/* Pairs of texts from bytes: what is taken, what is refused and where. */
#include "tests/unit/iad_test.h"

#include "bench/words/textpairs.h"

static iad_err err;

static void test_lines_of_json(void **state) {
    (void)state;
    iad_text_pairs pairs = {0};
    const char *text = "{\"a\": \"one\", \"b\": \"two\"}\r\n \t\n{\"b\": \"\", \"id\": \"x\", \"a\": \"\\u00e9\", \"c\": [1]}";
    assert_ok(iad_text_pairs_parse(&pairs, text, strlen(text), "f", &err));
    assert_int_equal(pairs.n, 2);
    assert_string_equal(iad_text_pair_a(&pairs, 0), "one");
    assert_string_equal(iad_text_pair_b(&pairs, 0), "two");
    assert_string_equal(iad_text_pair_name(&pairs, 0), "");
    assert_string_equal(iad_text_pair_a(&pairs, 1), "\xC3\xA9");
    assert_string_equal(iad_text_pair_b(&pairs, 1), "");
    assert_string_equal(iad_text_pair_name(&pairs, 1), "x");
    iad_text_pairs_deinit(&pairs);
    static const struct { const char *text, *message; } bad[] = {{"{\"a\": \"x\", \"b\": 1}", "line 1"}, {"\n[]", "line 2: no object"},
                                                                 {"{", "f: line 1"},
                                                                 {"{\"a\": \"x\", \"b\": \"y\", \"id\": 7}", "\"id\""},
                                                                 {"{\"a\": \"\xff\", \"b\": \"\"}", "line 1"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_fails(IAD_ERR_FORMAT, iad_text_pairs_parse(&pairs, bad[i].text, strlen(bad[i].text), "f", &err));
        if (!strstr(err.msg, bad[i].message)) fail_msg("\"%s\" lacks \"%s\"", err.msg, bad[i].message);
        iad_text_pairs_deinit(&pairs);
    }
}

static void test_two_texts(void **state) {
    (void)state;
    iad_text_pairs pairs = {0};
    assert_ok(iad_text_pairs_join(&pairs, "x\n\ny", 4, "a", "1\r\n2\n3\n", 7, "b", &err));
    assert_int_equal(pairs.n, 3);
    assert_string_equal(iad_text_pair_a(&pairs, 1), "");
    assert_string_equal(iad_text_pair_b(&pairs, 0), "1");
    assert_string_equal(iad_text_pair_b(&pairs, 2), "3");
    iad_text_pairs_deinit(&pairs);
    assert_fails(IAD_ERR_FORMAT, iad_text_pairs_join(&pairs, "x\n", 2, "a", "1\n2\n", 4, "b", &err));
    assert_non_null(strstr(err.msg, "a has 1 lines, b has more"));
    iad_text_pairs_deinit(&pairs);
    assert_fails(IAD_ERR_FORMAT, iad_text_pairs_join(&pairs, "x\n", 2, "a", "\0\n", 2, "b", &err));
    assert_non_null(strstr(err.msg, "b: line 1"));
    iad_text_pairs_deinit(&pairs);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_lines_of_json), cmocka_unit_test(test_two_texts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
