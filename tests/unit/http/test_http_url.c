/* One normal form for URLs. */
#include "tests/unit/iad_test.h"

#include "base/http/url.h"

static void same(const char *text, const char *base, const char *wanted) {
    iad_err err;
    iad_url url;
    if (iad_url_parse(text, base, &url, &err) != IAD_OK) fail_msg("%s: %s", text, err.msg);
    assert_string_equal(url.text, wanted);
    iad_url_deinit(&url);
}

static void test_normal_form(void **state) {
    (void)state;
    same("  HTTP://Example.COM:80/a b/\xc3\xa9.jpg?x=1 2#frag\n", NULL, "http://example.com/a%20b/%C3%A9.jpg?x=1%202");
    same("https://example.com:443", NULL, "https://example.com/");
    same("https://example.com:8443/x", NULL, "https://example.com:8443/x");
    same("http://user:pw@example.com/a/../b/./c", NULL, "http://example.com/b/c");
    same("http://example.com/%zz%41", NULL, "http://example.com/%25zz%41");
    same("../i.png", "http://example.com/a/b/c.html", "http://example.com/a/i.png");
    same("//cdn.example.com/i.png", "https://example.com/a", "https://cdn.example.com/i.png");
    same("?q=2", "http://example.com/a?q=1", "http://example.com/a?q=2");
    same("http://[2606:4700::1]:8080/a", NULL, "http://[2606:4700::1]:8080/a");
    same("http://example.com/a\tb\"<>", NULL, "http://example.com/ab%22%3C%3E");
}

static void test_parts(void **state) {
    (void)state;
    iad_err err;
    iad_url url;
    assert_ok(iad_url_parse("https://img7.shop.example.co.uk/p/1.jpg?w=2", NULL, &url, &err));
    assert_string_equal(url.host, "img7.shop.example.co.uk");
    assert_string_equal(url.origin, "https://img7.shop.example.co.uk:443");
    assert_string_equal(url.target, "/p/1.jpg?w=2");
    assert_string_equal(url.domain, "example.co.uk");
    assert_int_equal(url.port, 443);
    iad_url_deinit(&url);
    assert_ok(iad_url_parse("http://127.0.0.1:8080/", NULL, &url, &err));
    assert_string_equal(url.domain, "127.0.0.1:8080");
    iad_url_deinit(&url);
    iad_url_deinit(&url);
}

static void test_refused(void **state) {
    (void)state;
    iad_err err;
    iad_url url;
    static const char *const wrong[] = {"file:///etc/passwd", "ftp://example.com/a", "javascript:alert(1)", "data:image/png;base64,xx"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) assert_int_not_equal(iad_url_parse(wrong[i], NULL, &url, &err), IAD_OK);
    assert_fails(IAD_ERR_UNSUPPORTED, iad_url_parse("file:///etc/passwd", NULL, &url, &err));
    assert_fails(IAD_ERR_UNSUPPORTED, iad_url_parse("ftp://example.com/a", "http://example.com/", &url, &err));
    assert_fails(IAD_ERR_FORMAT, iad_url_parse("", NULL, &url, &err));
    assert_fails(IAD_ERR_FORMAT, iad_url_parse("http://", NULL, &url, &err));
    assert_fails(IAD_ERR_FORMAT, iad_url_parse("http://a b/", NULL, &url, &err));
    static char text[IAD_URL_MAX + 20] = "http://example.com/";
    memset(text + 19, 'a', IAD_URL_MAX);
    assert_fails(IAD_ERR_LIMIT, iad_url_parse(text, NULL, &url, &err));
}

static void test_escapes(void **state) {
    (void)state;
    iad_err err;
    iad_buf out;
    iad_buf_init(&out, 1000);
    assert_ok(iad_url_encode(&out, "a b/\xe5\x85\xad&~", 9, &err));
    assert_string_equal(iad_buf_str(&out), "a%20b%2F%E5%85%AD%26~");
    iad_buf_reset(&out);
    assert_ok(iad_url_decode(&out, "a%20b%2fc%zz%00%4", 17, &err));
    assert_string_equal(iad_buf_str(&out), "a b/c%zz%00%4");
    iad_buf_deinit(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_normal_form), cmocka_unit_test(test_parts), cmocka_unit_test(test_refused),
                                       cmocka_unit_test(test_escapes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
