/* Summaries, tables, gates, score files: everything between the metrics and the user. */
#include "tests/unit/iad_test.h"

#include <math.h>

#include "bench/jsonwrite.h"
#include "bench/results.h"
#include "bench/runner.h"
#include "bench/scoreset.h"

/* A unit with given image and pixel AUROC; NaN is null. */
static json_t *unit(const char *category, int shots, int seed, double image, double pixel) {
    json_t *u = json_pack("{ss ss si si ss s{si si}}", "dataset", "set", "category", category, "shots", shots, "seed", seed, "preset", "iadgpt-224",
                          "counts", "normal", 3, "anomalous", 4);
    json_object_set_new(u, "image", json_pack("{so so so}", "auroc", isnan(image) ? json_null() : json_real(image), "auroc_low", json_real(0.1),
                                              "auroc_high", json_real(0.9)));
    json_object_set_new(u, "pixel", isnan(pixel) ? json_null() : json_pack("{sf}", "auroc", pixel));
    return u;
}

static json_t *sample(void) {
    json_t *root = json_pack("{ss s[] s[]}", "format", IAD_RESULTS_FORMAT, "units", "failed");
    json_t *units = json_object_get(root, "units");
    /* Out of order on purpose. */
    json_array_append_new(units, unit("b", 4, 1, 0.8, NAN));
    json_array_append_new(units, unit("a", 4, 0, 0.9, 0.7));
    json_array_append_new(units, unit("b", 4, 0, 0.6, NAN));
    json_array_append_new(units, unit("a", 4, 1, 0.7, 0.9));
    json_array_append_new(units, unit("a", 1, 0, 0.5, 0.5));
    return root;
}

static double cell(const json_t *row, const char *key, const char *field) {
    return iad_json_num_or_nan(json_object_get(json_object_get(row, "mean"), key), field);
}

static void test_summary(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    json_t *root = sample();
    assert_ok(iad_results_summarise(root, -1, &err));
    const json_t *summary = json_object_get(root, "summary");
    assert_int_equal(json_array_size(summary), 2);
    const json_t *one = json_array_get(summary, 0), *four = json_array_get(summary, 1);
    assert_close(cell(one, "image_auroc", "mean"), 0.5, 1e-15);
    /* seeds: (0.9 + 0.6)/2 = 0.75 and (0.7 + 0.8)/2 = 0.75 */
    assert_close(cell(four, "image_auroc", "mean"), 0.75, 1e-15);
    assert_close(cell(four, "image_auroc", "sd"), 0, 1e-15);
    assert_close(cell(four, "image_auroc", "n"), 2, 0);
    /* pixel: category b has none and is left out with a count */
    assert_close(cell(four, "pixel_auroc", "mean"), 0.8, 1e-15);
    assert_close(cell(four, "pixel_auroc", "undefined"), 1, 0);
    assert_close(cell(four, "pixel_auroc", "categories"), 1, 0);
    assert_true(isnan(cell(four, "aupro", "mean")));
    const json_t *a = json_array_get(json_object_get(four, "categories"), 0);
    const json_t *auroc = json_object_get(json_object_get(a, "metrics"), "image_auroc");
    assert_string_equal(json_string_value(json_object_get(a, "category")), "a");
    assert_close(iad_json_num_or_nan(auroc, "mean"), 0.8, 1e-15);
    assert_close(iad_json_num_or_nan(auroc, "sd"), sqrt(0.02), 1e-15);
    assert_true(json_is_null(json_object_get(auroc, "low"))); /* several seeds: no interval of one unit */
    /* Summarising twice changes nothing. */
    json_t *before = json_deep_copy(root);
    assert_ok(iad_results_summarise(root, -1, &err));
    assert_true(json_equal(before, root));
    json_decref(before);
    json_decref(root);
}

static void test_rounding_per_category(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    json_t *root = json_pack("{s[o o]}", "units", unit("a", 1, 0, 0.94446, NAN), unit("b", 1, 0, 0.94446, NAN));
    assert_ok(iad_results_summarise(root, 2, &err));
    assert_close(cell(json_array_get(json_object_get(root, "summary"), 0), "image_auroc", "mean"), 0.9445, 1e-12);
    json_decref(root);
}

static void test_tables(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    json_t *root = sample();
    assert_ok(iad_results_summarise(root, -1, &err));
    iad_buf text;
    iad_buf_init(&text, 1 << 20);
    assert_ok(iad_results_format(root, "table", &text, &err));
    assert_non_null(strstr(text.data, "set · 4-shot · iadgpt-224 · 2 exemplar sets"));
    assert_non_null(strstr(text.data, "75.0 ±0.0"));
    assert_non_null(strstr(text.data, "P-AUROC: 1 category is undefined and left out of the mean"));
    iad_buf_reset(&text);
    assert_ok(iad_results_format(root, "tsv", &text, &err));
    assert_non_null(strstr(text.data, "category\tgood\tbad\timage_auroc"));
    assert_non_null(strstr(text.data, "\na\t3\t4\t0.8\t-"));
    iad_buf_reset(&text);
    assert_ok(iad_results_format(root, "markdown", &text, &err));
    assert_non_null(strstr(text.data, "| mean |"));
    iad_buf_deinit(&text);
    json_decref(root);
}

static void test_gates(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    json_t *root = sample();
    assert_ok(iad_results_summarise(root, -1, &err));
    iad_buf text;
    iad_buf_init(&text, 1 << 16);
    int failed = 0;
    assert_ok(iad_results_gate(root, "image_auroc=0.5", &failed, &text, &err));
    assert_int_equal(failed, 0);
    assert_ok(iad_results_gate(root, "image_auroc=75", &failed, &text, &err)); /* percent: 1-shot has 50 */
    assert_int_equal(failed, 1);
    assert_non_null(strstr(text.data, "1 shots"));
    assert_fails(IAD_ERR_ARG, iad_results_gate(root, "nonsense=1", &failed, &text, &err));
    assert_fails(IAD_ERR_ARG, iad_results_gate(root, "image_auroc", &failed, &text, &err));
    iad_buf_deinit(&text);
    json_decref(root);
}

static void test_unit_paths_stay_apart_and_inside(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    char a[4096], b[4096];
    assert_ok(iad_runner_unit_path("out", "d", "x/y", "p", 4, 7, ".maps", a, sizeof a, &err));
    assert_ok(iad_runner_unit_path("out", "d", "x_y", "p", 4, 7, ".maps", b, sizeof b, &err));
    assert_string_not_equal(a, b);
    assert_string_equal(b, "out/units/d/x_y/p/k4-s7.maps");
    assert_ok(iad_runner_unit_path("out", "..", "../../etc", ".", 1, 0, "", a, sizeof a, &err));
    assert_null(strstr(a, "/.."));
    assert_null(strstr(a, "/./"));
}

static iad_status parse(iad_scoreset *set, const char *text, iad_err *err) {
    return iad_scoreset_parse(set, text, strlen(text), '\t', "scores.tsv", err);
}

static void test_scoreset(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_scoreset set;
    assert_ok(parse(&set, "path\tlabel\tscore\tcategory\nb.png\tbad\t0.5\tx\na.png\tGood\t-1e-3\tx\nc.png\t1\t2\tw\n", &err));
    assert_int_equal(set.n, 3);
    assert_string_equal(set.rows[0].category, "w");
    assert_string_equal(set.rows[1].path, "a.png");
    assert_int_equal(set.rows[1].label, 0);
    assert_true(set.rows[1].score == -1e-3);
    assert_string_equal(set.rows[2].defect, "defect");
    iad_scoreset_deinit(&set);
    static const struct { const char *text, *message; } bad[] = {
        {"path\tlabel\n", "no column \"score\""},
        {"path\tlabel\tscore\n", "no row"},
        {"path\tlabel\tscore\na\tmaybe\t1\n", "row 1 (a): label \"maybe\""},
        {"path\tlabel\tscore\na\t0\tnan\n", "row 1 (a): score \"nan\""},
        {"path\tlabel\tscore\na\t0\t\n", "neither a score nor a map"},
        {"path\tlabel\tscore\na\t0\t1\nb\t0\t1\na\t1\t2\n", "a is given twice (rows 1 and 3)"},
        {"path\tlabel\tscore\n\t0\t1\n", "the path is empty"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_fails(IAD_ERR_FORMAT, parse(&set, bad[i].text, &err));
        if (!strstr(err.msg, bad[i].message)) fail_msg("wanted \"%s\", got \"%s\"", bad[i].message, err.msg);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_summary), cmocka_unit_test(test_rounding_per_category), cmocka_unit_test(test_tables),
        cmocka_unit_test(test_gates),   cmocka_unit_test(test_unit_paths_stay_apart_and_inside), cmocka_unit_test(test_scoreset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
