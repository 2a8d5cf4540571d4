#include "tests/unit/iad_test.h"

#include "base/idlist.h"

static void words_of_lines(void **state) {
    (void)state;
    static const struct {
        const char *text, *words; /* joined by commas; NULL: refused */
    } rows[] = {{"", ""},
                {"abc", "abc"},
                {"abc\ndef\n", "abc,def"},
                {"  abc \t\r\n\r\n\tdef\r\n", "abc,def"}, /* blanks around words, empty lines, both kinds of ends */
                {"abc\rdef", "abc,def"},
                {"# a remark\nabc # another\n  #\ndef#last", "abc,def"},
                {"abc def\n", NULL}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        iad_strings ids = {0};
        iad_err err = IAD_ERR_NONE;
        char joined[64] = "";
        const iad_status status = iad_id_list_parse(rows[i].text, strlen(rows[i].text), "list", &ids, &err);
        for (size_t k = 0; k < ids.n; k++) snprintf(joined + strlen(joined), sizeof joined - strlen(joined), "%s%s", k ? "," : "", ids.items[k]);
        if (rows[i].words) assert_ok(status);
        else assert_int_equal(status, IAD_ERR_FORMAT);
        if (rows[i].words) assert_string_equal(joined, rows[i].words);
        iad_strings_deinit(&ids);
    }
}

static void trouble_names_its_line(void **state) {
    (void)state;
    iad_strings ids = {0};
    iad_err err = IAD_ERR_NONE;
    assert_fails(IAD_ERR_FORMAT, iad_id_list_parse("a\r\nb\r\nc d", 10, "list", &ids, &err));
    assert_non_null(strstr(err.msg, "list: line 3"));
    assert_fails(IAD_ERR_FORMAT, iad_id_list_parse("a\n\0", 3, "list", &ids, &err));
    assert_non_null(strstr(err.msg, "line 2: a NUL"));
    assert_fails(IAD_ERR_NOT_FOUND, iad_id_list_load("no such file", &ids, &err));
    iad_strings_deinit(&ids);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(words_of_lines), cmocka_unit_test(trouble_names_its_line)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
