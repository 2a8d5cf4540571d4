/* The embedded page: every file it asks for is there, nothing comes from outside, nothing in it needs a weaker policy, and its heat map
 * has the colours of our own pictures. */
#include "tests/unit/iad_test.h"

#include <ctype.h>

#include "base/image/draw.h"
#include "runtime/serve/page/pagefiles.h"

static const char *header(const char *path, const char *name) {
    static iad_page_header headers[IAD_PAGE_HEADERS];
    const iad_page_file *file = iad_page_find(path);
    assert_non_null(file);
    iad_page_headers(file, headers);
    for (size_t i = 0; headers[i].name; i++)
        if (strcmp(headers[i].name, name) == 0) return headers[i].value;
    return NULL;
}

static void test_paths(void **state) {
    (void)state;
    assert_string_equal(iad_page_find("/")->name, "index.html");
    assert_string_equal(iad_page_find("/page.js")->name, "page.js");
    for (size_t i = 0; i < iad_builtin_page_n; i++) assert_int_equal(strlen(iad_builtin_page[i].text), iad_builtin_page[i].n);
    static const char *const strangers[] = {"", "page.js", "//page.js", "/page.js/", "/page", "/../page.js", "/page.js?x", "/PAGE.JS",
                                            "/pagefiles.c"};
    for (size_t i = 0; i < sizeof strangers / sizeof strangers[0]; i++) assert_null(iad_page_find(strangers[i]));
}

static void test_headers(void **state) {
    (void)state;
    assert_string_equal(header("/", "Content-Type"), "text/html; charset=utf-8");
    assert_string_equal(header("/page.js", "Content-Type"), "text/javascript; charset=utf-8");
    assert_string_equal(header("/page.css", "Content-Type"), "text/css; charset=utf-8");
    assert_string_equal(header("/icon.svg", "Content-Type"), "image/svg+xml");
    assert_string_equal(header("/", "X-Content-Type-Options"), "nosniff");
    const char *policy = header("/", "Content-Security-Policy");
    assert_non_null(strstr(policy, "default-src 'self'"));
    assert_null(strstr(policy, "unsafe"));
    assert_null(strstr(policy, "*"));
}

/* Calls what stands between `before` and the next quote, everywhere in the text. */
static size_t each_quoted(const char *text, const char *before, void (*call)(const char *target)) {
    size_t n = 0;
    for (const char *at = strstr(text, before); at; at = strstr(at, before), n++) {
        at += strlen(before);
        const size_t size = strcspn(at, "\"");
        char target[256];
        assert_true(size < sizeof target);
        memcpy(target, at, size);
        target[size] = '\0';
        call(target);
    }
    return n;
}

static void is_embedded(const char *target) {
    if (target[0] == '#') return; /* a place in the page */
    if (!iad_page_find(target)) fail_msg("the page asks for %s, which is not embedded", target);
}

static void is_module(const char *target) {
    if (strncmp(target, "./", 2) != 0 || !iad_page_find(target + 1)) fail_msg("a script imports %s, which is not embedded", target);
}

static void test_whole(void **state) {
    (void)state;
    const char *html = iad_page_find("/")->text;
    assert_true(each_quoted(html, "src=\"", is_embedded) >= 2);
    assert_true(each_quoted(html, "href=\"", is_embedded) >= 3);
    size_t imports = 0;
    for (size_t i = 0; i < iad_builtin_page_n; i++)
        if (strstr(iad_builtin_page[i].name, ".js")) imports += each_quoted(iad_builtin_page[i].text, " from \"", is_module);
    assert_true(imports >= 10);
}

static void test_nothing_from_outside(void **state) {
    (void)state;
    for (size_t i = 0; i < iad_builtin_page_n; i++) {
        const iad_page_file *file = &iad_builtin_page[i];
        for (const char *at = strstr(file->text, "://"); at; at = strstr(at + 1, "://"))
            if (strncmp(at, "://www.w3.org/2000/svg", 22) != 0) /* the name of a namespace */
                fail_msg("%s names an address: %.60s", file->name, at - 5);
        assert_null(strstr(file->text, "@import"));
        assert_null(strstr(file->text, "innerHTML"));
        assert_null(strstr(file->text, "eval("));
    }
}

/* What the policy would refuse: scripts and styles in the text, handlers in attributes. */
static void test_nothing_inline(void **state) {
    (void)state;
    const char *html = iad_page_find("/")->text;
    assert_null(strstr(html, "<style"));
    assert_null(strstr(html, " style="));
    assert_null(strstr(html, "javascript:"));
    for (const char *at = strstr(html, "<script"); at; at = strstr(at + 1, "<script")) {
        const char *end = strchr(at, '>');
        assert_non_null(end);
        assert_int_equal(strncmp(end, "></script>", 10), 0);
    }
    for (const char *at = strstr(html, " on"); at; at = strstr(at + 1, " on")) {
        at += 3;
        while (islower((unsigned char)*at)) at++;
        if (*at == '=') fail_msg("a handler in the text: %.40s", at - 10);
    }
}

static void test_colors(void **state) {
    (void)state;
    const char *at = strstr(iad_page_find("/picture.js")->text, "COLORS = [");
    assert_non_null(at);
    at = strchr(at, '[');
    for (int i = 0; i <= 16; i++) {
        const iad_rgb color = iad_colormap(i / 16.0);
        char want[32];
        snprintf(want, sizeof want, "[%d, %d, %d]", color.r, color.g, color.b);
        at = strchr(at + 1, '[');
        assert_non_null(at);
        if (strncmp(at, want, strlen(want)) != 0) fail_msg("color %d of the page is %.16s, of our pictures %s", i, at, want);
    }
    assert_int_equal(strncmp(strchr(at, ']'), "]];", 3), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths),  cmocka_unit_test(test_headers), cmocka_unit_test(test_whole), cmocka_unit_test(test_nothing_from_outside),
        cmocka_unit_test(test_nothing_inline), cmocka_unit_test(test_colors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
