/* Phrasings: what the built-in files hold, what the reader refuses, what filling gives (synth-data 3.4, 3.5, test 11). */
#include "tests/unit/iad_test.h"

#include <jansson.h>

#include "base/buf.h"
#include "manifests/canonical.h"
#include "synth/task/templates.h"

static iad_templates *builtin(void) {
    iad_err err = IAD_ERR_NONE;
    iad_templates *templates = NULL;
    assert_ok(iad_templates_load(NULL, &templates, &err));
    return templates;
}

static const iad_slot all_slots[] = {{"category", "gear"},
                                     {"n", "4"},
                                     {"index", "3"},
                                     {"defect", "scratch"},
                                     {"a_defect", "a scratch"},
                                     {"A_defect", "A scratch"},
                                     {"place", "at the top left"},
                                     {"reference", "1"},
                                     {"query", "2"},
                                     {"box", "<box:0>"},
                                     {"a", "<box:0>"},
                                     {"b", "<box:1>"},
                                     {"c", "<box:2>"},
                                     {"size", "small"},
                                     {"knowledge", "Text."},
                                     {"k", "4"},
                                     {"q", "5"}};
#define N_SLOTS (sizeof all_slots / sizeof *all_slots)

static void fill_ok(const iad_template_form *f, const char *text) {
    iad_err err = IAD_ERR_NONE;
    iad_buf out;
    iad_buf_init(&out, 65536);
    if (iad_phrasing_fill(text, "", all_slots, N_SLOTS, &out, NULL, NULL, &err) != IAD_OK)
        fail_msg("[%s %s %s] %s: %s", f->task, f->form, f->lang, text, err.msg);
    assert_true(out.len > 0);
    iad_buf_deinit(&out);
}

/* Every form that asks has 20 questions, every one that answers 8 answers, in both languages; all slots are known ones. */
static void test_counts(void **state) {
    (void)state;
    iad_templates *templates = builtin();
    size_t n;
    const iad_template_form *forms = iad_templates_all(templates, &n);
    assert_in_range(n, 40, 1000);
    for (size_t i = 0; i < n; i++) {
        const iad_template_form *f = &forms[i];
        int prefix = strcmp(f->form, "refs") == 0;
        if (f->n_questions && !f->canonical && !prefix && f->n_questions < 20)
            fail_msg("[%s %s %s]: %zu questions", f->task, f->form, f->lang, f->n_questions);
        if (f->n_answers && f->n_answers < 8 && strcmp(f->form, "index") != 0)
            fail_msg("[%s %s %s]: %zu answers", f->task, f->form, f->lang, f->n_answers);
        if (!f->canonical && !iad_templates_find(templates, f->task, f->form, f->lang[0] == 'e' ? "zh" : "en"))
            fail_msg("[%s %s] in one language only", f->task, f->form);
        for (size_t k = 0; k < f->n_questions; k++) fill_ok(f, f->questions[k].text);
        for (size_t k = 0; k < f->n_answers; k++) fill_ok(f, f->answers[k].text);
    }
    iad_templates_free(templates);
}

/* Rows of the manifest are known by task and text: two forms of a task must not ask in the same words. */
static void test_no_doubles(void **state) {
    (void)state;
    iad_templates *templates = builtin();
    size_t n;
    const iad_template_form *forms = iad_templates_all(templates, &n);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++) {
            if (strcmp(forms[i].task, forms[j].task) != 0 || (forms[i].canonical && forms[j].canonical)) continue;
            for (size_t a = 0; a < forms[i].n_questions; a++)
                for (size_t b = 0; b < (i == j ? a : forms[j].n_questions); b++)
                    if (strcmp(forms[i].questions[a].text, forms[j].questions[b].text) == 0)
                        fail_msg("[%s %s %s] and [%s %s]: %s", forms[i].task, forms[i].form, forms[i].lang, forms[j].form, forms[j].lang,
                                 forms[i].questions[a].text);
        }
    iad_templates_free(templates);
}

/* Every span's bytes are its word; returns their number. */
static size_t check_spans(const char *text, const char *spans, const char *const *words, size_t n_words) {
    if (!*spans) return 0;
    json_t *root = json_loads(spans, 0, NULL);
    assert_non_null(root);
    size_t n = json_array_size(root);
    for (size_t i = 0; i < n; i++) {
        json_t *span = json_array_get(root, i);
        size_t from = (size_t)json_integer_value(json_array_get(span, 0)), to = (size_t)json_integer_value(json_array_get(span, 1));
        const char *word = json_string_value(json_array_get(span, 2));
        assert_true(from < to && to <= strlen(text));
        assert_int_equal(to - from, strlen(word));
        assert_memory_equal(text + from, word, to - from);
        if (words) assert_true(i < n_words && strcmp(words[i], word) == 0);
    }
    json_decref(root);
    return n;
}

static void test_canonical(void **state) {
    (void)state;
    static const char *const anomaly_words[] = {"defect", "abnormal"}, *const normal_words[] = {"normal"}, *const langs[] = {"en"}; /* one wording */
    static const char head[] = "<image>\n<image>\n";
    iad_err err = IAD_ERR_NONE;
    iad_templates *templates = builtin();
    for (size_t l = 0; l < sizeof langs / sizeof *langs; l++) {
        const iad_template_form *f = iad_templates_find(templates, "s3_detect", "canonical", langs[l]);
        assert_non_null(f);
        assert_int_equal(f->n_questions, 1);
        assert_true(f->canonical);
        assert_string_equal(f->yes_means, "normal");
        iad_buf out, anomaly, normal;
        iad_buf_init(&out, 4096);
        iad_buf_init(&anomaly, 4096);
        iad_buf_init(&normal, 4096);
        assert_ok(iad_phrasing_fill(f->questions[0].text, head, NULL, 0, &out, &anomaly, &normal, &err));
        assert_memory_equal(iad_buf_str(&out), head, sizeof head - 1);
        assert_string_equal(iad_buf_str(&out) + sizeof head - 1, IAD_CANONICAL_QUESTION);
        /* the words that the runtime looks for by default */
        assert_int_equal(check_spans(iad_buf_str(&out), iad_buf_str(&anomaly), anomaly_words, 2), 2);
        assert_int_equal(check_spans(iad_buf_str(&out), iad_buf_str(&normal), normal_words, 1), 1);
        iad_buf_deinit(&out);
        iad_buf_deinit(&anomaly);
        iad_buf_deinit(&normal);
    }
    iad_templates_free(templates);
}

/* Detection and localisation are supervised through both kinds of words. */
static void test_marks_everywhere(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_templates *templates = builtin();
    size_t n;
    const iad_template_form *forms = iad_templates_all(templates, &n);
    iad_buf out, anomaly, normal;
    iad_buf_init(&out, 4096);
    iad_buf_init(&anomaly, 4096);
    iad_buf_init(&normal, 4096);
    for (size_t i = 0; i < n; i++) {
        const iad_template_form *f = &forms[i];
        if (strcmp(f->task, "s3_detect") != 0 && strcmp(f->task, "s3_localise") != 0) continue;
        if (f->n_questions && !strcmp(f->task, "s3_detect")) assert_string_equal(f->yes_means, "normal");
        for (size_t k = 0; k < f->n_questions; k++) {
            iad_buf_reset(&out);
            iad_buf_reset(&anomaly);
            iad_buf_reset(&normal);
            assert_ok(iad_phrasing_fill(f->questions[k].text, "<image>\n", all_slots, N_SLOTS, &out, &anomaly, &normal, &err));
            assert_true(check_spans(iad_buf_str(&out), iad_buf_str(&anomaly), NULL, 0) >= 1);
            assert_true(check_spans(iad_buf_str(&out), iad_buf_str(&normal), NULL, 0) >= 1);
        }
    }
    iad_buf_deinit(&out);
    iad_buf_deinit(&anomaly);
    iad_buf_deinit(&normal);
    iad_templates_free(templates);
}

static void test_fill(void **state) {
    (void)state;
    static const iad_slot slots[] = {{"a", "ü{x}*y*"}, {"b", ""}};
    iad_err err = IAD_ERR_NONE;
    iad_buf out, anomaly;
    iad_buf_init(&out, 4096);
    iad_buf_init(&anomaly, 4096);
    assert_ok(iad_buf_add_str(&out, "before|", &err)); /* what stood in the buffer does not count in spans */
    assert_ok(iad_phrasing_fill("{a}{b} *缺陷* {{+good+}}", "H:", slots, 2, &out, &anomaly, NULL, &err));
    assert_string_equal(iad_buf_str(&out), "before|H:ü{x}*y* 缺陷 {good}");
    assert_string_equal(iad_buf_str(&anomaly), "[[11,17,\"缺陷\"]]");
    assert_fails(IAD_ERR_ARG, iad_phrasing_fill("{zz}", "", slots, 2, &out, NULL, NULL, &err));
    assert_non_null(strstr(err.msg, "{zz}"));
    iad_buf_deinit(&out);
    iad_buf_deinit(&anomaly);
}

static void refuse(const char *text, int line) {
    iad_err err = IAD_ERR_NONE;
    iad_templates *templates = NULL;
    char where[32];
    if (iad_templates_parse(text, strlen(text), "some.txt", &templates, &err) != IAD_ERR_FORMAT) fail_msg("taken: %s", text);
    snprintf(where, sizeof where, "some.txt:%d", line);
    if (!strstr(err.msg, where)) fail_msg("'%s' does not say %s", err.msg, where);
    iad_templates_free(templates);
}

static void test_refused(void **state) {
    (void)state;
    refuse("? a question before\n", 1);
    refuse("version 1\n\n[t f fr]\n? q\n", 3);
    refuse("[t f]\n? q\n", 1);
    refuse("[t f en\n? q\n", 1);
    refuse("[t f en yes_means=maybe]\n? q\n", 1);
    refuse("[t f en]\n? open {slot\n", 2);
    refuse("[t f en]\n? open *mark\n", 2);
    refuse("[t f en]\n? lone } brace\n", 2);
    refuse("[t f en]\n? empty {} slot\n", 2);
    refuse("[t f en]\n? slot in *a {mark}*\n", 2);
    refuse("[t f en]\n? with <image>\n", 2);
    refuse("[t f en]\n? twice\n? twice\n", 3);
    refuse("[t f en]\n? q\n[t f en]\n? r\n", 3);
    refuse("[t f en]\n[t g en]\n? q\n", 2);
    refuse("[t f en]\nplain words\n", 2);
    refuse("[t f en]\n? \xff\n", 2);
    refuse("[t f en yes_means=normal canonical]\n? q\n[t g en yes_means=anomalous canonical]\n? r\n", 3);
}

static void test_folder_errors(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    iad_templates *templates = NULL;
    assert_true(iad_templates_load("no_such_folder", &templates, &err) != IAD_OK);
    assert_null(templates);
    assert_non_null(strstr(err.msg, "no_such_folder"));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_counts), cmocka_unit_test(test_no_doubles), cmocka_unit_test(test_canonical),
                                       cmocka_unit_test(test_marks_everywhere), cmocka_unit_test(test_fill), cmocka_unit_test(test_refused),
                                       cmocka_unit_test(test_folder_errors)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
