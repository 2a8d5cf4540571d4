/* Text and pictures inside HTML pages. */
#include "tests/unit/iad_test.h"

#include "base/html.h"

static void test_base64_vectors(void **state) {
    (void)state;
    static const struct { const char *plain, *coded; } vectors[] = { /* RFC 4648, section 10 */
        {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}};
    iad_err err = IAD_ERR_NONE;
    iad_buf out;
    iad_buf_init(&out, 1 << 20);
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        iad_buf_reset(&out);
        assert_ok(iad_base64(&out, vectors[i].plain, strlen(vectors[i].plain), &err));
        assert_string_equal(iad_buf_str(&out), vectors[i].coded);
    }
    uint8_t many[5000];
    for (size_t i = 0; i < sizeof many; i++) many[i] = (uint8_t)(i * 7);
    iad_buf_reset(&out);
    assert_ok(iad_html_data_uri(&out, "image/png", many, sizeof many, &err));
    assert_int_equal(out.len, strlen("data:image/png;base64,") + (sizeof many + 2) / 3 * 4);
    iad_buf_deinit(&out);
}

static void test_text_cannot_leave_its_place(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_buf out;
    iad_buf_init(&out, 1 << 16);
    assert_ok(iad_html_text(&out, "<a href=\"x\" b='y'>&\x01\xff\xC3\xA9\n</a>", &err));
    assert_string_equal(iad_buf_str(&out), "&lt;a href=&quot;x&quot; b=&#39;y&#39;&gt;&amp;??\xC3\xA9\n&lt;/a&gt;");
    iad_buf_deinit(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_base64_vectors), cmocka_unit_test(test_text_cannot_leave_its_place)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
