/* What is read out of answers, against tables that were labelled by hand (data/), and the text measure against Python's difflib. */
#include "tests/unit/iad_test.h"

#include "base/json.h"
#include "bench/reasoning/answerbox.h"
#include "bench/reasoning/difflib.h"
#include "bench/reasoning/judgereply.h"
#include "bench/reasoning/letter.h"
#include "bench/reasoning/yesno.h"

/* Every line of a table is a JSON array. */
static size_t each_row(const char *name, void (*check)(const json_t *row, const char *where)) {
    char path[600], line[1 << 16], where[700];
    size_t n = 0;
    snprintf(path, sizeof path, "%s/%s", IAD_TEST_DATA, name);
    FILE *in = fopen(path, "r");
    assert_non_null(in);
    while (fgets(line, sizeof line, in)) {
        iad_err err = IAD_ERR_NONE;
        json_t *row;
        snprintf(where, sizeof where, "%s:%zu", name, ++n);
        assert_ok(iad_json_parse(line, strlen(line), 0, where, &row, &err));
        check(row, where);
        json_decref(row);
    }
    fclose(in);
    return n;
}

static const char *word(const json_t *row, size_t i) { return json_string_value(json_array_get(row, i)); }
static int integer(const json_t *row, size_t i) { return (int)json_integer_value(json_array_get(row, i)); }

static void check_yesno(const json_t *row, const char *where) {
    static const char *const names[] = {"neither", "no", "yes"};
    const char *answer = word(row, 0);
    if (strcmp(names[iad_yesno_strict(answer) + 1], word(row, 1))) fail_msg("%s: strict says %s", where, names[iad_yesno_strict(answer) + 1]);
    if (strcmp(names[iad_yesno_anomaly_ov(answer) + 1], word(row, 2))) fail_msg("%s: anomaly-ov", where);
    for (int anomalous = 0; anomalous < 2; anomalous++)
        if (iad_yesno_anomalygpt_right(answer, anomalous) != integer(row, anomalous ? 3 : 4))
            fail_msg("%s: anomalygpt, anomalous %d", where, anomalous);
}

static void check_letter(const json_t *row, const char *where) {
    iad_err err = IAD_ERR_NONE;
    const char *options[IAD_LETTER_MAX];
    const json_t *list = json_array_get(row, 1);
    size_t n = json_array_size(list);
    for (size_t i = 0; i < n; i++) options[i] = json_string_value(json_array_get(list, i));
    char letter;
    int guessed;
    assert_ok(iad_letter_mmad(word(row, 0), options, n, &letter, &guessed, &err));
    if (letter != word(row, 2)[0] || guessed != integer(row, 3)) fail_msg("%s: %c, guessed %d", where, letter ? letter : '-', guessed);
    char strict = iad_letter_strict(word(row, 0), options, n);
    if (strict != word(row, 4)[0]) fail_msg("%s: strict says %c", where, strict ? strict : '-');
}

static void check_judge(const json_t *row, const char *where) {
    double scores[2] = {-1, -1};
    const json_t *want = json_array_get(row, 2);
    int found = iad_judge_reply(word(row, 0), integer(row, 1), scores);
    if (found != (json_array_size(want) > 0)) fail_msg("%s: found %d", where, found);
    for (size_t i = 0; i < json_array_size(want); i++)
        if (scores[i] != json_number_value(json_array_get(want, i))) fail_msg("%s: score %zu is %g", where, i, scores[i]);
}

static void check_boxes(const json_t *row, const char *where) {
    iad_answer_boxes found;
    const json_t *want = json_array_get(row, 1);
    iad_answer_boxes_find(word(row, 0), &found);
    if (found.n != json_array_size(want) || (int)found.broken != integer(row, 3)) fail_msg("%s: %zu boxes, %zu broken", where, found.n, found.broken);
    for (size_t i = 0; i < found.n; i++) {
        const double box[4] = {found.items[i].x0, found.items[i].y0, found.items[i].x1, found.items[i].y1};
        for (size_t k = 0; k < 4; k++)
            if (box[k] != json_number_value(json_array_get(json_array_get(want, i), k)))
                fail_msg("%s: number %zu of box %zu is %g", where, k, i, box[k]);
        if (strcmp(found.items[i].label, word(json_array_get(row, 2), i))) fail_msg("%s: label %s", where, found.items[i].label);
    }
}

static void check_ratio(const json_t *row, const char *where) {
    iad_err err = IAD_ERR_NONE;
    double ratio;
    assert_ok(iad_difflib_ratio(word(row, 0), word(row, 1), &ratio, &err));
    if (ratio != json_number_value(json_array_get(row, 2))) fail_msg("%s: %.17g", where, ratio);
}

static void test_yesno(void **state) {
    (void)state;
    assert_true(each_row("yesno.jsonl", check_yesno) >= 40);
}
static void test_letters(void **state) {
    (void)state;
    assert_true(each_row("letter.jsonl", check_letter) >= 30);
}
static void test_judge_replies(void **state) {
    (void)state;
    assert_true(each_row("judge.jsonl", check_judge) >= 40);
}
static void test_boxes(void **state) {
    (void)state;
    assert_true(each_row("boxes.jsonl", check_boxes) >= 25);
}
static void test_difflib(void **state) {
    (void)state;
    assert_int_equal(each_row("difflib.jsonl", check_ratio), 120);
}

/* 64 x 32 as the model saw it, 128 x 96 as it was given. */
static void test_boxes_to_source(void **state) {
    (void)state;
    iad_answer_boxes boxes;
    iad_answer_boxes_find("[[8, 8, 16, 16], [-4, 0, 80, 40], [70, 1, 80, 2]]", &boxes);
    iad_answer_boxes_to_source(&boxes, IAD_BOXES_RESIZED, 64, 32, 128, 96);
    assert_int_equal(boxes.n, 2);
    assert_int_equal(boxes.broken, 1);
    assert_close(boxes.items[0].x0, 16, 0);
    assert_close(boxes.items[0].y0, 24, 0);
    assert_close(boxes.items[0].x1, 32, 0);
    assert_close(boxes.items[0].y1, 48, 0);
    assert_close(boxes.items[1].x0, 0, 0);
    assert_close(boxes.items[1].x1, 128, 0);
    assert_close(boxes.items[1].y1, 96, 0);
    iad_answer_boxes_find("[500, 250, 1000, 500]", &boxes);
    iad_answer_boxes_to_source(&boxes, IAD_BOXES_NORM1000, 64, 32, 128, 96);
    assert_close(boxes.items[0].x0, 64, 0);
    assert_close(boxes.items[0].y0, 24, 0);
    iad_answer_boxes_find("[5, 2, 10, 5]", &boxes);
    iad_answer_boxes_to_source(&boxes, IAD_BOXES_SOURCE, 64, 32, 128, 96);
    assert_close(boxes.items[0].x1, 10, 0);
}

static void test_overlap(void **state) {
    (void)state;
    const iad_answer_box a = {.x0 = 0, .y0 = 0, .x1 = 10, .y1 = 10}, b = {.x0 = 5, .y0 = 0, .x1 = 15, .y1 = 10},
        c = {.x0 = 10, .y0 = 0, .x1 = 20, .y1 = 10};
    assert_close(iad_box_overlap(&a, &a), 1, 0);
    assert_close(iad_box_overlap(&a, &b), 50.0 / 150, 1e-15);
    assert_close(iad_box_overlap(&a, &c), 0, 0);
}

/* The best sum over all assignments, by trying them all. */
static double try_all(const iad_answer_box *truth, size_t n, const iad_answer_box *answer, size_t m, size_t i, unsigned used) {
    if (i == n) return 0;
    double best = try_all(truth, n, answer, m, i + 1, used);
    for (size_t k = 0; k < m; k++) {
        if (used >> k & 1) continue;
        double sum = iad_box_overlap(&truth[i], &answer[k]) + try_all(truth, n, answer, m, i + 1, used | 1u << k);
        if (sum > best) best = sum;
    }
    return best;
}

static void test_matching_is_best(void **state) {
    (void)state;
    uint32_t seed = 1;
    for (int round = 0; round < 300; round++) {
        iad_answer_box box[2][6];
        size_t n[2];
        for (int s = 0; s < 2; s++) {
            n[s] = (size_t)(round / (s ? 7 : 1) % 7) % 6 + (size_t)(s && round % 2);
            if (n[s] > 5) n[s] = 5;
            for (size_t i = 0; i < n[s]; i++) {
                double v[4];
                for (int k = 0; k < 4; k++) v[k] = (double)((seed = seed * 1664525u + 1013904223u) >> 24) / 8;
                box[s][i] = (iad_answer_box){.x0 = v[0], .y0 = v[1], .x1 = v[0] + v[2] + 1, .y1 = v[1] + v[3] + 1};
            }
        }
        double overlap[6], sum = 0;
        int partner[6];
        unsigned taken = 0;
        iad_boxes_match(box[0], n[0], box[1], n[1], overlap, partner);
        for (size_t i = 0; i < n[0]; i++) {
            sum += overlap[i];
            if (partner[i] < 0) continue;
            assert_false(taken >> partner[i] & 1);
            taken |= 1u << partner[i];
            assert_close(overlap[i], iad_box_overlap(&box[0][i], &box[1][partner[i]]), 0);
        }
        assert_close(sum, try_all(box[0], n[0], box[1], n[1], 0, 0), 1e-12);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_yesno),   cmocka_unit_test(test_letters),         cmocka_unit_test(test_judge_replies),
                                       cmocka_unit_test(test_boxes), cmocka_unit_test(test_difflib), cmocka_unit_test(test_boxes_to_source),
                                       cmocka_unit_test(test_overlap),       cmocka_unit_test(test_matching_is_best)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
