/* Scores of answers whose worth is known. */
#include "tests/unit/iad_test.h"

#include <math.h>

#include "bench/reasoning/judgework.h"
#include "bench/reasoning/reasonresult.h"
#include "bench/reasoning/scorebook.h"

typedef struct known {
    const char *category, *image, *kind, *reference, *answer;
    int anomalous, faulty;
} known;

static const char *const options[] = {"Scratch", "Dent", "Hole", "Stain", "Crack", "Bend"};

typedef struct fixture {
    iad_asks asks;
    iad_sayings said;
    iad_scorebook book;
    json_t *results;
} fixture;

/* answer NULL: none. */
static void make(fixture *f, const char *dataset, const known *rows, size_t n, int n_options) {
    iad_err err = IAD_ERR_NONE;
    *f = (fixture){.results = json_object()};
    for (size_t i = 0; i < n; i++) {
        iad_ask ask = {.dataset = dataset,
                       .category = rows[i].category,
                       .image = rows[i].image,
                       .path = rows[i].image,
                       .kind = rows[i].kind,
                       .text = "Q",
                       .reference = rows[i].reference,
                       .anomalous = rows[i].anomalous,
                       .faulty = rows[i].faulty,
                       .previous = -1,
                       .options = n_options ? options : NULL,
                       .n_options = (size_t)n_options};
        assert_ok(iad_asks_textf(&f->asks, &err, &ask.id, "%zu", i));
        assert_ok(iad_asks_add(&f->asks, &ask, &err));
    }
    assert_ok(iad_sayings_init(&f->said, &f->asks, &err));
    for (size_t i = 0; i < n; i++) {
        if (!rows[i].answer) continue;
        f->said.items[i].text = strdup(rows[i].answer);
        f->said.items[i].there = 1;
        f->said.there++;
    }
    assert_ok(iad_scorebook_init(&f->book, &f->asks, &f->said, f->results, &err));
    assert_ok(iad_scorebook_read(&f->book, &err));
}

static void drop(fixture *f) {
    iad_scorebook_deinit(&f->book);
    iad_sayings_deinit(&f->said);
    iad_asks_deinit(&f->asks);
    json_decref(f->results);
}

/* A cell of the t-th table; NAN: a dash. */
static double cell(const fixture *f, size_t t, const char *row_name, const char *key) {
    const json_t *table = json_array_get(f->book.tables, t);
    size_t i, c;
    json_t *row, *column;
    json_array_foreach(json_object_get(table, "rows"), i, row) {
        if (strcmp(json_string_value(json_object_get(row, "name")), row_name)) continue;
        json_array_foreach(json_object_get(table, "columns"), c, column) {
            const json_t *value = json_array_get(json_object_get(row, "values"), c);
            if (strcmp(json_string_value(json_object_get(column, "key")), key) == 0) return json_is_number(value) ? json_number_value(value) : NAN;
        }
    }
    fail_msg("no cell %s of row %s", key, row_name);
    return NAN;
}

static void test_detection(void **state) {
    (void)state;
    static const known rows[] = {{"a", "1", "detection", NULL, "Yes, a crack.", 1, 0},
                                 {"a", "2", "detection", NULL, "No.", 1, 0},
                                 {"a", "3", "detection", NULL, "Yes", 0, 0},
                                 {"a", "4", "detection", NULL, "Normal.", 0, 0},
                                 {"a", "5", "detection", NULL, "Unclear", 1, 0},
                                 {"a", "6", "detection", NULL, NULL, 1, 0},
                                 {"b", "7", "detection", NULL, "no", 0, 0},
                                 {"b", "8", "detection", NULL, "No", 0, 0}};
    fixture f;
    iad_err err = IAD_ERR_NONE;
    make(&f, "set", rows, 8, 0);
    assert_ok(iad_score_detection(&f.book, &err));
    assert_close(cell(&f, 0, "a", "normal"), 2, 0);
    assert_close(cell(&f, 0, "a", "anomalous"), 3, 0); /* the unanswered one is left out */
    assert_close(cell(&f, 0, "a", "neither"), 2, 0);
    assert_close(cell(&f, 0, "a", "accuracy"), 1.0 / 5, 1e-15); /* neither is wrong, also on a good picture */
    assert_close(cell(&f, 0, "a", "precision"), 1.0 / 2, 1e-15);
    assert_close(cell(&f, 0, "a", "recall"), 1.0 / 3, 1e-15);
    assert_close(cell(&f, 0, "a", "f1"), 2.0 / 5, 1e-15);
    assert_close(cell(&f, 0, "a", "ov_accuracy"), 2.0 / 5, 1e-15);   /* no "yes" is a no */
    assert_close(cell(&f, 0, "a", "agpt_accuracy"), 2.0 / 5, 1e-15); /* "No" is found in "Normal" */
    assert_close(cell(&f, 0, "b", "accuracy"), 1, 0);
    assert_true(isnan(cell(&f, 0, "b", "recall")));
    assert_close(cell(&f, 0, "b", "ov_recall"), 0, 0); /* scikit-learn's value for 0 / 0 */
    assert_close(cell(&f, 0, "b", "agpt_accuracy"), 0.5, 0);
    assert_close(cell(&f, 0, "mean", "accuracy"), 0.6, 1e-15);
    assert_close(cell(&f, 0, "mean", "recall"), 1.0 / 3, 1e-15);
    assert_close(json_number_value(json_object_get(f.book.figures, "text_accuracy")), 0.7, 1e-15);
    drop(&f);
    /* The other polarity: Yes means good, and the published readings do not apply. */
    make(&f, "set", rows, 8, 0);
    f.book.yes_is_defective = 0;
    assert_ok(iad_score_detection(&f.book, &err));
    assert_close(cell(&f, 0, "a", "accuracy"), 2.0 / 5, 1e-15);
    assert_close(cell(&f, 0, "b", "accuracy"), 0, 0);
    assert_true(isnan(cell(&f, 0, "a", "ov_accuracy")));
    assert_null(json_object_get(f.book.figures, "text_accuracy"));
    drop(&f);
}

static void test_mmad(void **state) {
    (void)state;
    static const known rows[] = {
        {"p", "S/p/test/good/0.png", "Anomaly Detection", "A", "A", 0, 0},   {"p", "S/p/test/bad/1.png", "Anomaly Detection", "B", "A", 1, 0},
        {"p", "S/p/test/bad/2.png", "Anomaly Detection", "B", "Bend", 1, 0}, {"p", "S/p/test/bad/2.png", "Defect Analysis", "C", "C", -1, 0},
        {"p", "S/p/test/bad/2.png", "Object Details", "D", "stain!", -1, 0}, {"p", "S/p/test/bad/2.png", "Object Structure", "D", "well", -1, 0},
        {"p", "S/p/test/good/9.png", "Anomaly Detection", "A", "B", 0, 1}};
    fixture f;
    iad_err err = IAD_ERR_NONE;
    make(&f, "S", rows, 7, 6);
    assert_ok(iad_score_mmad(&f.book, &err));
    /* Paper: "Bend" is option F: removed, and the right answer to the analysis behind it with it. */
    assert_close(cell(&f, 0, "S", "invalid"), 1, 0);
    assert_close(cell(&f, 0, "S", "questions"), 7, 0);
    assert_close(cell(&f, 0, "S", "mmad_detection"), (0.5 + 0.0) / 2, 1e-15);
    assert_close(cell(&f, 0, "S", "mmad_analysis"), 0, 0); /* nothing left counts as 0 */
    assert_true(isnan(cell(&f, 0, "S", "mmad_localization")));
    assert_close(cell(&f, 0, "S", "overkill"), 0.5, 0);
    assert_close(cell(&f, 0, "S", "miss"), 1, 0);
    /* Strict: the wrong picture is left out, "Bend" is a wrong answer, "well" is none. */
    assert_close(cell(&f, 1, "S", "questions"), 6, 0);
    assert_close(cell(&f, 1, "S", "invalid"), 1, 0);
    assert_close(cell(&f, 1, "S", "mmad_detection"), (1.0 + 0.0) / 2, 1e-15);
    assert_close(cell(&f, 1, "S", "mmad_analysis"), 1, 0);
    assert_close(cell(&f, 1, "S", "mmad_object_analysis"), 0.5, 0);
    assert_close(cell(&f, 1, "S", "mmad_average"), (0.5 + 1 + 0.5) / 3, 1e-15);
    assert_close(json_number_value(json_object_get(f.book.figures, "mmad_detection")), 25, 1e-12); /* as printed: percent */
    drop(&f);
}

static void test_reasoning_and_judge(void **state) {
    (void)state;
    static const known rows[] = {{"a", "1", "low", "a deep scratch", "a scratch", 1, 0},
                                 {"a", "1", "complex", "sort it out", "sort it out", 1, 0},
                                 {"b", "2", "complex", "use it", "never", 1, 0},
                                 {"b", "2", "complex", NULL, "no reference", 1, 0}};
    fixture f;
    iad_err err = IAD_ERR_NONE;
    iad_judge_prompt prompt;
    iad_judge_work work;
    iad_buf text;
    size_t whole;
    make(&f, "set", rows, 4, 0);
    assert_ok(iad_judge_prompt_load(&prompt, "judge-two", &err));
    assert_ok(iad_judge_work_init(&work, &f.book, &prompt, "judge", &err));
    assert_int_equal(work.n, 3);
    iad_buf_init(&text, 1 << 20);
    static const char *const replies[] = {"8 6", "nothing", "10 2"};
    for (size_t i = 0; i < 3; i++)
        assert_ok(iad_buf_addf(&text, &err, "{\"unit\": \"%s\", \"reply\": \"%s\"}\n", work.items[i].unit, replies[work.items[i].at]));
    assert_ok(iad_buf_add_str(
        &text, "{\"custom_id\": \"ffff\", \"reply\": \"1 1\"}\n{\"custom_id\": \"x\", \"response\": {\"body\": {\"error\": {}}}}\n", &err));
    assert_ok(iad_judge_work_read(&work, text.data, text.len, "replies", 0, &whole, &err));
    assert_int_equal(work.replied, 3);
    assert_int_equal(work.stale, 1);
    assert_ok(iad_judge_work_score(&work, &f.book, f.results, &err));
    assert_ok(iad_score_reasoning(&f.book, &err));
    assert_close(cell(&f, 0, "a", "lowlevel_rouge_l"), 0.8, 1e-15); /* 2 of 2 and 2 of 3 words */
    assert_close(cell(&f, 0, "a", "lowlevel_gpt"), 6, 0);
    assert_close(cell(&f, 0, "a", "complex_rouge_l"), 1, 0);
    assert_true(isnan(cell(&f, 0, "a", "complex_gpt"))); /* its reply holds no scores */
    assert_close(cell(&f, 0, "b", "complex_gpt"), 2, 0);
    assert_close(cell(&f, 0, "b", "complex_n"), 1, 0);
    assert_close(cell(&f, 0, "mean", "complex_rouge_l"), 0.5, 1e-15);
    assert_close(cell(&f, 0, "all questions", "reference_gpt"), 9, 0);
    const json_t *judge = json_object_get(f.results, "judge");
    assert_int_equal(json_integer_value(json_object_get(judge, "scored")), 2);
    assert_int_equal(json_integer_value(json_object_get(judge, "unreadable")), 1);
    assert_string_equal(json_string_value(json_object_get(judge, "prompt")), "judge-two@1");
    assert_string_equal(json_string_value(json_object_get(judge, "prompt_sha256")), prompt.sha256);
    iad_judge_work_deinit(&work);
    /* Another judge, another prompt, another answer: other units. */
    iad_judge_prompt one;
    iad_judge_work other;
    assert_ok(iad_judge_work_init(&work, &f.book, &prompt, "judge", &err));
    assert_ok(iad_judge_work_init(&other, &f.book, &prompt, "judge 2", &err));
    assert_string_not_equal(work.items[0].unit, other.items[0].unit);
    iad_judge_work_deinit(&other);
    assert_ok(iad_judge_prompt_load(&one, "judge-one@1", &err));
    assert_ok(iad_judge_work_init(&other, &f.book, &one, "judge", &err));
    assert_string_not_equal(work.items[0].unit, other.items[0].unit);
    iad_judge_work_deinit(&other);
    iad_judge_work_deinit(&work);
    iad_judge_prompt_deinit(&one);
    iad_judge_prompt_deinit(&prompt);
    iad_buf_deinit(&text);
    drop(&f);
}

static void test_judge_prompts(void **state) {
    (void)state;
    iad_judge_prompt p;
    iad_err err = IAD_ERR_NONE;
    iad_buf text;
    const char *file = "id x\nversion 3\nscores 1\nmax_tokens 9\ntemperature 0\n---\n{category}|{question}|{reference}|{answer}|{other}";
    assert_ok(iad_judge_prompt_parse(&p, file, strlen(file), "x.txt", &err));
    assert_int_equal(p.version, 3);
    iad_buf_init(&text, 1000);
    assert_ok(iad_judge_prompt_fill(&p, "c", "{answer}", "r", "{reference}", &text, &err)); /* values are not filled again */
    assert_string_equal(iad_buf_str(&text), "c|{answer}|r|{reference}|{other}");
    iad_buf_deinit(&text);
    iad_judge_prompt_deinit(&p);
    static const char *const bad[] = {"id x\nversion 1\nscores 1\nmax_tokens 9\n---\nno place for it", "id x y\n---\n{answer}",
                                      "id x\nversion 1\nscores 3\nmax_tokens 9\n---\n{answer}", "id x\nversion 1\nscores 1\nmax_tokens 9\n",
                                      "colour red\n---\n{answer}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_fails(IAD_ERR_FORMAT, iad_judge_prompt_parse(&p, bad[i], strlen(bad[i]), "bad", &err));
    assert_fails(IAD_ERR_NOT_FOUND, iad_judge_prompt_load(&p, "judge-nobody", &err));
    assert_non_null(strstr(err.msg, "judge-two@1"));
}

static void test_boxes_and_losses(void **state) {
    (void)state;
    static const known rows[] = {{"a", "1", "boxes", NULL, "[[0, 0, 20, 20], [90, 90, 99, 99]]", 1, 0},
                                 {"a", "2", "boxes", NULL, "[]", 0, 0},
                                 {"a", "3", "boxes", NULL, "[1, 1, 2, 2]", 0, 0}};
    static const iad_answer_box truth[] = {{.x0 = 0, .y0 = 0, .x1 = 10, .y1 = 10}, {.x0 = 50, .y0 = 50, .x1 = 60, .y1 = 60}};
    fixture f;
    iad_err err = IAD_ERR_NONE;
    make(&f, "set", rows, 3, 0);
    f.asks.items[0].boxes = truth;
    f.asks.items[0].n_boxes = 2;
    for (int i = 0; i < 3; i++) f.said.items[i].source_w = f.said.items[i].source_h = 50, f.said.items[i].resized_w = f.said.items[i].resized_h = 100;
    assert_ok(iad_score_boxes(&f.book, &err));
    assert_close(cell(&f, 0, "a", "mean_iou"), 0.5, 1e-15); /* 10 x 10 after scaling meets the first one exactly, nothing the second */
    assert_close(cell(&f, 0, "a", "recall_50"), 0.5, 1e-15);
    assert_close(cell(&f, 0, "a", "precision_50"), 1.0 / 3, 1e-15);
    assert_close(cell(&f, 0, "a", "false_alarms"), 0.5, 1e-15);
    drop(&f);
    static const known records[] = {{"a", "r", "loss", "x", NULL, -1, 0}, {"a", "r", "loss", "y", NULL, -1, 0}};
    make(&f, "set", records, 2, 0);
    for (int i = 0; i < 2; i++) f.said.items[i] = (iad_said){.there = 1, .nll = i ? 6 : 2, .tokens = i ? 3 : 1};
    assert_ok(iad_score_losses(&f.book, &err));
    assert_close(cell(&f, 0, "all records", "token_nll"), 2, 1e-15); /* over tokens, not over records */
    assert_close(cell(&f, 0, "all records", "perplexity"), 7.38905609893065, 1e-12);
    drop(&f);
}

static void test_gates(void **state) {
    (void)state;
    iad_err err = IAD_ERR_NONE;
    json_t *results = json_pack("{s{sf}}", "figures", "f1", 0.5);
    iad_buf text;
    int failed = 0;
    iad_buf_init(&text, 1000);
    assert_ok(iad_reason_gate(results, "f1=0.5", &failed, &text, &err));
    assert_int_equal(failed, 0);
    assert_ok(iad_reason_gate(results, "f1=0.51", &failed, &text, &err));
    assert_ok(iad_reason_gate(results, "nothing=0", &failed, &text, &err));
    assert_int_equal(failed, 2);
    assert_fails(IAD_ERR_ARG, iad_reason_gate(results, "f1", &failed, &text, &err));
    iad_buf_deinit(&text);
    json_decref(results);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_detection),           cmocka_unit_test(test_mmad),
                                       cmocka_unit_test(test_reasoning_and_judge), cmocka_unit_test(test_judge_prompts),
                                       cmocka_unit_test(test_boxes_and_losses),    cmocka_unit_test(test_gates)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
