/* Status, buffers, text, numbers, hashes, random numbers, elementary functions. */
#include "tests/unit/iad_test.h"

#include <math.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/fmath.h"
#include "base/rng.h"
#include "base/sha256.h"
#include "base/text.h"

static void test_err_prefix_keeps_reason(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    assert_fails(IAD_ERR_IO, IAD_FAIL(&err, IAD_ERR_IO, "no %s", "space"));
    assert_fails(IAD_ERR_IO, iad_err_prefix(&err, "file %d", 7));
    assert_string_equal(err.msg, "file 7: no space");
    /* A message that quotes itself, and one that is too long, stay terminated. */
    IAD_FAIL(&err, IAD_ERR_ARG, "again: %s", err.msg);
    assert_string_equal(err.msg, "again: file 7: no space");
    for (int i = 0; i < 200; i++) iad_err_prefix(&err, "0123456789");
    assert_int_equal(strlen(err.msg), sizeof err.msg - 1);
    assert_fails(IAD_ERR_LIMIT, IAD_FAIL(NULL, IAD_ERR_LIMIT, "nobody listens"));
}

static void test_alloc_refuses_overflow(void **state) {
    (void)state;
    assert_null(iad_calloc(SIZE_MAX / 2, 4));
    assert_null(iad_alloc(SIZE_MAX, 1));
    void *p = iad_alloc_aligned(3, 7);
    assert_non_null(p);
    assert_int_equal((uintptr_t)p % 64, 0);
    free(p);
    void *zero = iad_alloc(0, 8);
    assert_non_null(zero);
    free(zero);
    iad_err err = IAD_ERR_NONE;
    void *items = NULL;
    size_t cap = 0;
    assert_ok(iad_grow(&items, &cap, 5, 4, 10, "things", &err));
    assert_fails(IAD_ERR_LIMIT, iad_grow(&items, &cap, 11, 4, 10, "things", &err));
    assert_non_null(strstr(err.msg, "things"));
    free(items);
}

static void test_buf_is_bounded(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_buf buf;
    iad_buf_init(&buf, 10);
    assert_string_equal(iad_buf_str(&buf), "");
    assert_ok(iad_buf_addf(&buf, &err, "%s-%d", "ab", 42));
    assert_ok(iad_buf_add(&buf, "cdefg", 5, &err));
    assert_string_equal(iad_buf_str(&buf), "ab-42cdefg");
    assert_fails(IAD_ERR_LIMIT, iad_buf_add_str(&buf, "x", &err));
    assert_string_equal(iad_buf_str(&buf), "ab-42cdefg");
    size_t len;
    char *text = iad_buf_take(&buf, &len);
    assert_int_equal(len, 10);
    free(text);
    iad_buf_deinit(&buf);
}

static void test_numbers_are_strict(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    int64_t i = 0;
    uint64_t u = 0;
    double d = 0;
    assert_ok(iad_parse_i64("-9223372036854775808", INT64_MIN, INT64_MAX, "n", &i, &err));
    assert_true(i == INT64_MIN);
    static const char *const bad[] = {"", "-", "1 ", " 1", "0x10", "1e3", "9223372036854775808", "--1"};
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++)
        assert_fails(IAD_ERR_ARG, iad_parse_i64(bad[k], INT64_MIN, INT64_MAX, "n", &i, &err));
    assert_fails(IAD_ERR_ARG, iad_parse_i64("11", 0, 10, "--shots", &i, &err));
    assert_non_null(strstr(err.msg, "--shots"));
    assert_ok(iad_parse_u64("18446744073709551615", &u, "n", &err));
    assert_true(u == UINT64_MAX);
    assert_fails(IAD_ERR_ARG, iad_parse_u64("18446744073709551616", &u, "n", &err));
    assert_fails(IAD_ERR_ARG, iad_parse_u64("-1", &u, "n", &err));
    assert_ok(iad_parse_f64("-1.5e-3", -1, 1, "x", &d, &err));
    assert_true(d == -1.5e-3);
    static const char *const bad_floats[] = {"", "nan", "inf", "0x1p3", "1e", ".", "1,5", "1.0 "};
    for (size_t k = 0; k < sizeof bad_floats / sizeof *bad_floats; k++)
        assert_fails(IAD_ERR_ARG, iad_parse_f64(bad_floats[k], -1e300, 1e300, "x", &d, &err));
}

static void test_natural_order(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_strings list = {0};
    assert_ok(iad_strings_split(&list, "a10,a2,a02,b,a", ',', &err));
    iad_strings_sort_natural(&list);
    static const char *const want[] = {"a", "a02", "a2", "a10", "b"};
    for (size_t i = 0; i < 5; i++) assert_string_equal(list.items[i], want[i]);
    iad_strings_deinit(&list);
    assert_ok(iad_strings_split(&list, "x,,y", ',', &err));
    assert_int_equal(list.n, 3);
    assert_string_equal(list.items[1], "");
    iad_strings_deinit(&list);
}

static void test_utf8(void **state) {
    (void)state;
    assert_int_equal(iad_utf8_valid("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", 10), 10);
    assert_int_equal(iad_utf8_valid("a\xC0\x80", 3), 1);         /* overlong */
    assert_int_equal(iad_utf8_valid("a\xED\xA0\x80", 4), 1);     /* surrogate */
    assert_int_equal(iad_utf8_valid("a\xF4\x90\x80\x80", 5), 1); /* above U+10FFFF */
    assert_int_equal(iad_utf8_valid("a\xE2\x82", 3), 1);         /* cut */
}

static void test_sha256(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    uint8_t digest[IAD_SHA256_BYTES], again[IAD_SHA256_BYTES];
    char hex[IAD_SHA256_HEX];
    assert_ok(iad_sha256_bytes("abc", 3, digest, &err)); /* FIPS 180-4 example */
    iad_hex(digest, sizeof digest, hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_ok(iad_unhex(hex, again, sizeof again, &err));
    assert_memory_equal(digest, again, sizeof digest);
    assert_fails(IAD_ERR_FORMAT, iad_unhex("zz", again, 1, &err));
    assert_fails(IAD_ERR_NOT_FOUND, iad_sha256_file("/nonexistent/file", digest, &err));
    char text[IAD_SHA256_HEX];
    assert_ok(iad_sha256_hex("abc", 3, text, &err));
    assert_string_equal(text, hex);
    iad_sha256 hash; /* an addition that failed ends the hash, and its failure stays */
    assert_ok(iad_sha256_init(&hash, &err));
    assert_int_equal(IAD_ERR_LIMIT, iad_sha256_end_hex(&hash, IAD_FAIL(&err, IAD_ERR_LIMIT, "too long"), text, &err));
    assert_string_equal(err.msg, "too long");
    assert_null(hash.ctx);
}

static void test_rng_known_answers(void **state) {
    (void)state;
    iad_rng rng;
    iad_rng_init(&rng, 0, 0); /* Random123's known answer of philox4x32-10 for zero key and counter */
    static const uint32_t want[] = {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8};
    for (int i = 0; i < 4; i++) assert_int_equal(iad_rng_u32(&rng), want[i]);
    iad_rng_init(&rng, 7, 1);
    double sum = 0, squares = 0;
    unsigned counts[6] = {0};
    enum { N = 60000 };
    for (int i = 0; i < N; i++) {
        double x = iad_rng_normal(&rng);
        sum += x;
        squares += x * x;
        counts[iad_rng_below(&rng, 6)]++;
    }
    assert_close(sum / N, 0, 0.02);
    assert_close(squares / N, 1, 0.03);
    for (int i = 0; i < 6; i++) assert_in_range(counts[i], N / 6 - 500, N / 6 + 500);
    uint32_t order[50];
    unsigned char seen[50] = {0};
    iad_rng_shuffle(&rng, order, 50);
    for (int i = 0; i < 50; i++) assert_int_equal(seen[order[i]]++, 0);
    assert_true(iad_rng_subseed(1, "a", 0) != iad_rng_subseed(1, "a", 1));
    assert_true(iad_rng_subseed(1, "a", 0) == iad_rng_subseed(1, "a", 0));
}

static void test_fmath_against_libm(void **state) {
    (void)state;
    for (int i = -200000; i <= 200000; i++) {
        double x = i * 0.00731, y = i % 977 + 0.5, p = fabs(x) + 1e-9;
        assert_close(iad_sin(x), sin(x), 1e-13);
        assert_close(iad_cos(x), cos(x), 1e-13);
        assert_close(iad_exp(x / 20) / exp(x / 20), 1, 1e-13);
        assert_close(iad_log(p), log(p), 1e-13 * (1 + fabs(log(p))));
        assert_close(iad_atan2(x, y), atan2(x, y), 1e-13);
    }
    assert_close(iad_pow(2.5, 3.25) / pow(2.5, 3.25), 1, 1e-13);
    assert_true(isinf(iad_exp(800)) && iad_exp(-800) == 0 && isinf(iad_log(0)) && isnan(iad_log(-1)));
    assert_close(iad_exp(-740) / exp(-740), 1, 1e-2); /* subnormal: few bits left */
}

/* The promise "same bits on every machine" as a number: a hash over many results. */
static void test_fmath_bits(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_sha256 hash;
    assert_ok(iad_sha256_init(&hash, &err));
    for (int i = -5000; i < 5000; i++) {
        double x = i * 0.0123, v[5] = {iad_sin(x), iad_cos(x), iad_exp(x), iad_log(x * x + 0.1), iad_atan2(x, 1.5)};
        assert_ok(iad_sha256_add(&hash, v, sizeof v, &err));
    }
    char hex[IAD_SHA256_HEX];
    assert_ok(iad_sha256_end_hex(&hash, IAD_OK, hex, &err));
    assert_string_equal(hex, "19fb6c6f7286a418ccab4b8b2781a0f5cd4373bf3d84f327785e321bda435a1d");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_err_prefix_keeps_reason), cmocka_unit_test(test_alloc_refuses_overflow),
        cmocka_unit_test(test_buf_is_bounded),          cmocka_unit_test(test_numbers_are_strict),
        cmocka_unit_test(test_natural_order),           cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_sha256),                  cmocka_unit_test(test_rng_known_answers),
        cmocka_unit_test(test_fmath_against_libm),      cmocka_unit_test(test_fmath_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
