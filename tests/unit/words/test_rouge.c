/* ROUGE-L against values worked out by hand, and its bit-parallel count against the textbook's table. */
#include "tests/unit/iad_test.h"

#include "base/alloc.h"
#include "base/rng.h"
#include "bench/words/words.h"

static iad_err err;

static iad_rouge rouge(const char *reference, const char *candidate) {
    iad_rouge score;
    assert_ok(iad_rouge_l(reference, candidate, &score, &err));
    return score;
}

static void test_known_values(void **state) {
    (void)state;
    /* common: the cat on the mat; 5 of 7 and 5 of 6 tokens */
    iad_rouge score = rouge("The cat sat on the mat.", "the cat, it lay on the mat");
    assert_close(score.precision, 5.0 / 7, 0);
    assert_close(score.recall, 5.0 / 6, 0);
    assert_close(score.f, 2 * (5.0 / 7) * (5.0 / 6) / (5.0 / 7 + 5.0 / 6), 0);
    assert_close(rouge("a b c", "A-B_C").f, 1, 0);
    assert_close(rouge("police killed the gunman", "police kill the gunman").f, 0.75, 0);
    assert_close(rouge("police killed the gunman", "the gunman kill police").f, 0.5, 0);
    assert_close(rouge("scratch", "scratches").f, 0, 0); /* no stemmer */
    assert_close(rouge("m3x20 bolt", "M3X20").recall, 0.5, 0);
}

static void test_nothing(void **state) {
    (void)state;
    const char *pairs[][2] = {{"", ""}, {"", "a"}, {"a", ""}, {"...", "a"}, {"\xE6\x97\xA5", "\xE6\x97\xA5"}, {"\xff\xfe", "\xff\xfe"}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        iad_rouge score = rouge(pairs[i][0], pairs[i][1]);
        assert_true(score.f == 0 && score.precision == 0 && score.recall == 0);
    }
}

static void test_case_outside_ascii(void **state) {
    (void)state;
    assert_close(rouge("ok", "o\xE2\x84\xAA").f, 1, 0);               /* Kelvin sign: a k */
    assert_close(rouge("i stanbul", "\xC4\xB0stanbul").f, 1, 0);      /* dotted I: an i and a mark, which divides */
    assert_close(rouge("caf s", "caf\xC3\xA9s").f, 1, 0);
    assert_close(rouge("caf s", "CAF\xC3\x89S").f, 1, 0);
}

static size_t table_lcs(const char *a, size_t n, const char *b, size_t m) {
    size_t *row = iad_calloc(m + 1, sizeof *row);
    assert_non_null(row);
    for (size_t i = 0; i < n; i++) {
        size_t corner = 0;
        for (size_t j = 1; j <= m; j++) {
            size_t above = row[j];
            if (a[i] == b[j - 1]) row[j] = corner + 1;
            else if (row[j - 1] > above) row[j] = row[j - 1];
            corner = above;
        }
    }
    size_t length = row[m];
    free(row);
    return length;
}

/* Texts of one-letter tokens; kinds: how many letters there are. */
static void compare_with_table(uint64_t seed, int longest) {
    enum { MOST = 700 };
    char a[MOST], b[MOST], text_a[2 * MOST + 1], text_b[2 * MOST + 1];
    iad_rng rng;
    iad_rng_init(&rng, 17, seed);
    int kinds = iad_rng_int(&rng, 1, 26), n = iad_rng_int(&rng, 1, longest), m = iad_rng_int(&rng, 1, longest);
    for (int i = 0; i < n; i++) a[i] = text_a[2 * i] = (char)('a' + iad_rng_int(&rng, 0, kinds - 1)), text_a[2 * i + 1] = ' ';
    for (int i = 0; i < m; i++) b[i] = text_b[2 * i] = (char)('a' + iad_rng_int(&rng, 0, kinds - 1)), text_b[2 * i + 1] = ' ';
    text_a[2 * n] = text_b[2 * m] = 0;
    iad_rouge score = rouge(text_a, text_b);
    assert_close(score.recall, (double)table_lcs(a, (size_t)n, b, (size_t)m) / n, 0);
    assert_close(score.f, rouge(text_b, text_a).f, 1e-15);
}

static void test_against_the_table(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 400; seed++) compare_with_table(seed, seed < 200 ? 70 : 700);
}

static void test_limit(void **state) {
    (void)state;
    size_t n = 2 * ((size_t)IAD_ROUGE_MAX_TOKENS + 1);
    char *text = iad_alloc(n + 1, 1);
    assert_non_null(text);
    for (size_t i = 0; i < n; i++) text[i] = i % 2 ? ' ' : 'x';
    text[n] = 0;
    iad_rouge score;
    assert_fails(IAD_ERR_LIMIT, iad_rouge_l(text, "x", &score, &err));
    assert_non_null(strstr(err.msg, "reference"));
    assert_fails(IAD_ERR_LIMIT, iad_rouge_l("x", text, &score, &err));
    assert_non_null(strstr(err.msg, "candidate"));
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_known_values), cmocka_unit_test(test_nothing),
                                       cmocka_unit_test(test_case_outside_ascii), cmocka_unit_test(test_against_the_table),
                                       cmocka_unit_test(test_limit)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
