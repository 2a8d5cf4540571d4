/* Loss curves from metrics.jsonl: what is read, what is refused by name, and what the page and the figure hold. */
#include "tests/unit/train/params_fixture.h"

#include "train/run/curvepage.h"

static iad_status parse(const char *text, iad_curve_run *run, iad_err *err) { return iad_curve_run_parse(text, strlen(text), "run/metrics.jsonl",
                                                                                                         "run", run, err); }

static void reading(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_curve_run run;
    assert_ok(parse("{\"stage\":2,\"step\":0,\"loss\":3.5,\"ce\":3,\"samples\":4,\"other\":[1]}\n"
                    "{\"stage\":2,\"step\":1,\"loss\":null,\"ce\":2,\"samples\":4,\"skipped\":1,\"eval_ce\":9}\n"
                    "{\"step\":5,\"loss\":1e0,\"samples\":4}", &run, &err)); /* no newline, but whole */
    assert_int_equal(3, run.n);
    assert_int_equal(2, run.stage);
    assert_int_equal(5, run.step[2]);
    assert_true(run.value[IAD_CURVE_LOSS][0] == 3.5 && isnan(run.value[IAD_CURVE_LOSS][1]) && run.value[IAD_CURVE_LOSS][2] == 1);
    assert_true(isnan(run.value[IAD_CURVE_EVAL_CE][0]) && run.value[IAD_CURVE_EVAL_CE][1] == 9 && isnan(run.value[IAD_CURVE_EVAL_CE][2]));
    assert_null(run.value[IAD_CURVE_DICE]);
    assert_true(run.samples == 12 && run.skipped == 1);
    iad_curve_run_deinit(&run);
    /* A run that is writing, or was killed: the torn line does not count. */
    assert_ok(parse("{\"step\":0,\"loss\":1}\n{\"step\":1,\"lo", &run, &err));
    assert_int_equal(1, run.n);
    iad_curve_run_deinit(&run);
}

static void refusals(void **state) {
    (void)state;
    static const struct {
        const char *text, *message;
    } bad[] = {
        {"", "no step"},
        {"{\"step\":0,\"lo", "no step"},
        {"{\"step\":0}\n{\"step\":1,\"lo\n{\"step\":2}\n", "line 2"},
        {"{\"step\":0}\n\n{\"step\":2}\n", "line 2"},
        {"{\"step\":0}\n[1]\n", "line 2: not a JSON object"},
        {"{\"step\":0}\n{\"loss\":1}\n", "line 2: \"step\" is missing"},
        {"{\"step\":\"0\"}\n", "line 1: \"step\" is not a whole number"},
        {"{\"step\":-1}\n", "line 1"},
        {"{\"step\":9007199254740993}\n", "line 1"},
        {"{\"step\":3}\n{\"step\":3}\n", "line 2: step 3 behind step 3"},
        {"{\"step\":3,\"grad_norm\":\"big\"}\n", "line 1: \"grad_norm\" is not a number"},
        {"{\"step\":3,\"step\":4}\n", "line 1"},
        {"{\"step\":[[[[[[[[[[1]]]]]]]]]]}\n", "line 1"},
        {"{\"stage\":\"x\",\"step\":1}\n", "line 1"},
    };
    iad_curve_run run;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        iad_err err = IAD_ERR_NONE;
        assert_int_not_equal(IAD_OK, parse(bad[i].text, &run, &err));
        if (!strstr(err.msg, bad[i].message) || !strstr(err.msg, "run/metrics.jsonl")) fail_msg("%zu: %s", i, err.msg);
    }
    iad_err err = IAD_ERR_NONE;
    char *wide = iad_alloc(IAD_CURVE_MAX_LINE + 100, 1);
    memset(wide, ' ', IAD_CURVE_MAX_LINE + 99);
    wide[IAD_CURVE_MAX_LINE + 99] = 0;
    assert_fails(IAD_ERR_FORMAT, parse(wide, &run, &err));
    free(wide);
    iad_buf out;
    iad_buf_init(&out, 1 << 20);
    const char *nowhere = "/nowhere/metrics.jsonl";
    assert_fails(IAD_ERR_NOT_FOUND, iad_curve_page(&nowhere, 1, NULL, &out, &err));
    assert_fails(IAD_ERR_ARG, iad_curve_page(&nowhere, 0, NULL, &out, &err));
    iad_buf_deinit(&out);
}

static size_t count(const char *text, const char *what) {
    size_t n = 0;
    for (const char *p = text; (p = strstr(p, what)); p += strlen(what)) n++;
    return n;
}

static void write_run(const char *dir, const char *name, int steps, double loss) {
    char path[200];
    iad_err err = IAD_ERR_NONE;
    iad_buf text;
    iad_buf_init(&text, 1 << 24);
    for (int i = 0; i < steps; i++)
        assert_ok(iad_buf_addf(&text, &err, "{\"step\":%d,\"loss\":%.17g,\"rate\":%g,\"flops_per_s\":2e11%s}\n", i, loss / (1 + i), 1e-3 * i,
                               i % 50 ? "" : ",\"eval_ce\":1.5,\"ce\":2"));
    snprintf(path, sizeof path, "%.100s/%.60s/metrics.jsonl", dir, name);
    assert_ok(iad_file_write(path, text.data, text.len, &err));
    iad_buf_deinit(&text);
}

static void pages(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    char dir[] = "/tmp/iad_curve_XXXXXX", a[200], b[200], c[200];
    assert_non_null(mkdtemp(dir));
    snprintf(a, sizeof a, "%s/one", dir);
    snprintf(b, sizeof b, "%s/a<b&c/metrics.jsonl", dir);
    snprintf(c, sizeof c, "%s/odd/", dir);
    write_run(dir, "one", 300, 5);
    write_run(dir, "a<b&c", 20000, 4);
    const char *files[] = {a, b};
    iad_buf html, again, svg;
    iad_buf_init(&html, 1 << 26);
    iad_buf_init(&again, 1 << 26);
    iad_buf_init(&svg, 1 << 26);
    assert_ok(iad_curve_page(files, 2, NULL, &html, &err));
    assert_ok(iad_curve_page(files, 2, NULL, &again, &err));
    assert_int_equal(html.len, again.len);
    assert_memory_equal(html.data, again.data, html.len);
    assert_null(strstr(html.data, "a<b"));
    assert_non_null(strstr(html.data, "a&lt;b&amp;c"));
    assert_null(strstr(html.data, "nan"));
    assert_null(strstr(html.data, "inf"));
    assert_null(strstr(html.data, "<script"));
    assert_null(strstr(html.data, "http://www.w3.org/1999"));
    assert_int_equal(count(html.data, "<svg xmlns"), count(html.data, "role=\"img\""));
    assert_int_equal(6, count(html.data, "<svg xmlns")); /* loss and words twice, rate, GFLOP/s; no maps */
    assert_null(strstr(html.data, "Maps: "));
    assert_int_equal(count(html.data, "<svg"), count(html.data, "</svg>"));
    assert_true(html.len < 400000); /* 20000 steps, but only so many pixels */

    assert_ok(iad_curve_svg(files, 2, &(iad_curve_options){.log_scale = 1, .width = 500, .height = 300}, &svg, &err));
    assert_int_equal(3, count(svg.data, "<svg"));
    assert_int_equal(3, count(svg.data, "</svg>"));
    assert_fails(IAD_ERR_NOT_FOUND, iad_curve_svg(files, 2, &(iad_curve_options){.metric = IAD_CURVE_DICE}, &svg, &err));
    assert_fails(IAD_ERR_ARG, iad_curve_svg(files, 2, &(iad_curve_options){.metric = IAD_CURVE_EVAL_CE}, &svg, &err));
    assert_fails(IAD_ERR_ARG, iad_curve_svg(files, 2, &(iad_curve_options){.width = 10}, &svg, &err));

    /* Odd figures: one step, none, equal, beyond everything. */
    static const char *const odd[] = {
        "{\"step\":0,\"loss\":0}\n",
        "{\"step\":7}\n",
        "{\"step\":0,\"loss\":2}\n{\"step\":1,\"loss\":2}\n",
        "{\"step\":0,\"loss\":-1e308}\n{\"step\":9007199254740991,\"loss\":1e308}\n{\"step\":9007199254740992,\"loss\":1}\n",
        "{\"step\":0,\"loss\":-1}\n{\"step\":1,\"loss\":-1e-300}\n",
        "{\"step\":0,\"loss\":1e-9}\n{\"step\":1,\"loss\":1e99}\n"};
    const char *one = c;
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        snprintf(b, sizeof b, "%s/odd/metrics.jsonl", dir);
        assert_ok(iad_file_write(b, odd[i], strlen(odd[i]), &err));
        iad_buf_reset(&html);
        assert_ok(iad_curve_page(&one, 1, &(iad_curve_options){.smooth = i % 2 ? -1 : 0, .title = "<b>"}, &html, &err));
        assert_null(strstr(html.data, "nan"));
        assert_null(strstr(html.data, "inf"));
        assert_non_null(strstr(html.data, "<h1>&lt;b&gt;</h1>"));
        assert_non_null(strstr(html.data, "></span>odd</td>"));
    }
    iad_buf_deinit(&html);
    iad_buf_deinit(&again);
    iad_buf_deinit(&svg);
    pf_remove(dir);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(reading), cmocka_unit_test(refusals), cmocka_unit_test(pages)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
