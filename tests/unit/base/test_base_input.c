/* What reads text from outside: options, JSON, tables, patterns. */
#include "tests/unit/iad_test.h"

#include "base/args.h"
#include "base/json.h"
#include "base/regex.h"
#include "base/table.h"

typedef struct options {
    int flag;
    int64_t shots;
    double sigma;
    const char *db, *preset;
    iad_strings refs;
} options;

static iad_status parse(options *o, int argc, const char *const *argv, iad_strings *operands, int *help, iad_err *err) {
    const iad_arg table[] = {
        {.kind = IAD_ARG_FLAG, .name = "json", .value = &o->flag, .help = "as JSON"},
        {.kind = IAD_ARG_INT, .name = "shots", .value = &o->shots, .meta = "N", .help = "exemplars", .lo = 1, .hi = 16},
        {.kind = IAD_ARG_FLOAT, .name = "sigma", .value = &o->sigma, .meta = "X", .help = "blur"},
        {.kind = IAD_ARG_STRING, .name = "db", .value = &o->db, .meta = "FILE", .help = "manifest", .required = 1},
        {.kind = IAD_ARG_CHOICE, .name = "preset", .value = &o->preset, .help = "preset", .choices = "native|iadgpt-224"},
        {.kind = IAD_ARG_LIST, .name = "refs", .value = &o->refs, .meta = "A,B", .help = "files"},
        {.kind = IAD_ARG_END}};
    const iad_arg *const tables[] = {table, NULL};
    char *copy[16];
    for (int i = 0; i < argc; i++) copy[i] = (char *)(uintptr_t)argv[i];
    return iad_args_parse(argc, copy, tables, operands, help, err);
}

#define PARSE(...)                                                                                   \
    (iad_strings_deinit(&operands), iad_strings_deinit(&o.refs), o = (options){.shots = 4},          \
     parse(&o, (int)(sizeof(const char *[]){"prog", __VA_ARGS__} / sizeof(char *)),                  \
           (const char *[]){"prog", __VA_ARGS__}, &operands, &help, &err))

static void test_args(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_strings operands = {0};
    options o = {0};
    int help;
    assert_ok(PARSE("--db", "x.db", "--json", "--shots=2", "in", "--sigma", "-1.5", "--refs", "a,b", "--refs=c", "--", "--odd"));
    assert_int_equal(o.flag, 1);
    assert_int_equal(o.shots, 2);
    assert_true(o.sigma == -1.5);
    assert_string_equal(o.db, "x.db");
    assert_int_equal(o.refs.n, 3);
    assert_int_equal(operands.n, 2);
    assert_string_equal(operands.items[1], "--odd");
    assert_ok(PARSE("--help", "--nonsense"));
    assert_int_equal(help, 1);
    assert_fails(IAD_ERR_ARG, PARSE("--db", "x", "--shot", "2"));
    assert_non_null(strstr(err.msg, "did you mean --shots?"));
    assert_fails(IAD_ERR_ARG, PARSE("--json"));
    assert_non_null(strstr(err.msg, "--db"));
    assert_fails(IAD_ERR_ARG, PARSE("--db"));
    assert_fails(IAD_ERR_ARG, PARSE("--db=x", "--json=1"));
    assert_fails(IAD_ERR_ARG, PARSE("--db=x", "--shots", "17"));
    assert_fails(IAD_ERR_ARG, PARSE("--db=x", "--preset", "nativ"));
    assert_fails(IAD_ERR_ARG, PARSE("--db=x", "--preset", "native|iadgpt-224"));
    assert_fails(IAD_ERR_ARG, PARSE("--db=x", "-k"));
    assert_ok(PARSE("--db=x", "--preset", "iadgpt-224"));
    iad_strings_deinit(&operands);
    iad_strings_deinit(&o.refs);
}

static void test_json(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    json_t *root;
    static const char good[] = "{\"b\": [1, 2.5], \"a\": \"x\", \"n\": null, \"o\": {}}";
    assert_ok(iad_json_parse(good, sizeof good - 1, 0, "good.json", &root, &err));
    const char *text;
    int64_t number;
    json_t *array;
    assert_ok(iad_json_string(root, "a", "root", &text, &err));
    assert_string_equal(text, "x");
    assert_fails(IAD_ERR_FORMAT, iad_json_string(root, "z", "root", &text, &err));
    assert_string_equal(err.msg, "root: \"z\" is missing");
    assert_fails(IAD_ERR_FORMAT, iad_json_int(root, "a", 0, 9, "root", &number, &err));
    assert_ok(iad_json_string_opt(root, "n", "fallback", "root", &text, &err));
    assert_string_equal(text, "fallback");
    assert_ok(iad_json_array(root, "b", "root", &array, &err));
    iad_buf out;
    iad_buf_init(&out, 1000);
    assert_ok(iad_json_canonical(root, &out, &err));
    assert_string_equal(iad_buf_str(&out), "{\"a\":\"x\",\"b\":[1,2.5],\"n\":null,\"o\":{}}");
    iad_buf_reset(&out);
    assert_ok(iad_json_quote("a\"</script>\n\\", &out, &err));
    assert_string_equal(iad_buf_str(&out), "\"a\\u0022\\u003c/script>\\u000a\\u005c\"");
    iad_buf_deinit(&out);
    json_decref(root);

    static const char *const bad[] = {"", "{", "{\"a\":1,\"a\":2}", "[1,]", "{\"a\":\"\xff\"}", "nan", "[1] x"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_fails(IAD_ERR_FORMAT, iad_json_parse(bad[i], strlen(bad[i]), 0, "bad.json", &root, &err));
        assert_non_null(strstr(err.msg, "bad.json"));
    }
    char deep[5000];
    memset(deep, '[', sizeof deep);
    assert_fails(IAD_ERR_LIMIT, iad_json_parse(deep, sizeof deep, 0, "deep.json", &root, &err));
}

static void test_table(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_table t;
    static const char csv[] = "\xEF\xBB\xBF# remark\r\na,b,c\r\n1,\"x,\"\"y\"\"\nz\",3\r\n\r\n4,,6";
    assert_ok(iad_table_parse(&t, csv, sizeof csv - 1, ',', "t.csv", &err));
    assert_int_equal(t.n_rows, 2);
    assert_string_equal(iad_table_cell(&t, 0, 1), "x,\"y\"\nz");
    assert_string_equal(iad_table_cell(&t, 0, 2), "3");
    assert_string_equal(iad_table_cell(&t, 1, 1), "");
    assert_string_equal(iad_table_cell(&t, 1, 2), "6");
    size_t index;
    assert_ok(iad_table_need(&t, "c", &index, &err));
    assert_int_equal(index, 2);
    assert_fails(IAD_ERR_FORMAT, iad_table_need(&t, "label", &index, &err));
    assert_string_equal(err.msg, "t.csv: no column \"label\" (there are: a b c)");
    iad_table_deinit(&t);
    static const char tsv[] = "a\tb\n\"q\t2\r\n";
    assert_ok(iad_table_parse(&t, tsv, sizeof tsv - 1, '\t', "t.tsv", &err));
    assert_string_equal(iad_table_cell(&t, 0, 0), "\"q");
    assert_string_equal(iad_table_cell(&t, 0, 1), "2");
    iad_table_deinit(&t);
    static const struct { const char *text; const char *message; } bad[] = {
        {"", "empty"}, {"a,b\n1\n", "line 2: 1 cells"}, {"a,b\n1,2,3\n", "line 2: 3 cells"},
        {"a,a\n", "two columns"}, {"a\n\"x", "line 2: a quote"}, {"a\n\"x\"y\n", "line 2: a quote"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_fails(IAD_ERR_FORMAT, iad_table_parse(&t, bad[i].text, strlen(bad[i].text), ',', "bad", &err));
        if (!strstr(err.msg, bad[i].message)) fail_msg("%s: %s", bad[i].message, err.msg);
    }
}

static void test_regex(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_regex *regex;
    assert_ok(iad_regex_new("\\b(yes|no)\\b", IAD_REGEX_NOCASE, &regex, &err));
    iad_match groups[4];
    size_t n = 4;
    assert_ok(iad_regex_find(regex, "Well, NO.", 9, 0, groups, &n, &err));
    assert_int_equal(n, 2);
    assert_int_equal(groups[1].start, 6);
    assert_int_equal(groups[1].end, 8);
    int found;
    assert_ok(iad_regex_test(regex, "nothing", &found, &err));
    assert_int_equal(found, 0);
    assert_fails(IAD_ERR_FORMAT, iad_regex_test(regex, "\xff", &found, &err));
    iad_regex_free(regex);
    assert_fails(IAD_ERR_ARG, iad_regex_new("(a", 0, &regex, &err));
    assert_non_null(strstr(err.msg, "(a"));
    /* A pattern that would take for ever ends with an error. */
    assert_ok(iad_regex_new("(*NO_AUTO_POSSESS)(*NO_START_OPT)(a+)+$", IAD_REGEX_BYTES, &regex, &err));
    assert_fails(IAD_ERR_FORMAT, iad_regex_test(regex, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", &found, &err));
    iad_regex_free(regex);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_args), cmocka_unit_test(test_json), cmocka_unit_test(test_table),
                                       cmocka_unit_test(test_regex)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
