/* Texts of tasks: image marks, the canonical question, word spans, boxes, JSON. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "manifests/canonical.h"
#include "manifests/check_rules.h"

static const char mark[] = "<image>";

/* Number of image marks; *end is the place behind the last one. */
static int64_t count_marks(const char *text, size_t *end) {
    int64_t n = 0;
    *end = 0;
    for (const char *p = text; (p = strstr(p, mark)) != NULL; p += sizeof mark - 1) {
        n++;
        *end = (size_t)(p - text) + sizeof mark - 1;
    }
    return n;
}

/* [[start, end, "word"], ...] in bytes: each word must stand there, behind the last image mark. Writes what is wrong,
 * "" when nothing. */
static void judge_spans(const char *question, size_t marks_end, const char *spans, char *wrong, size_t size) {
    iad_err err = IAD_ERR_NONE;
    json_t *list = NULL, *span;
    size_t i, length = strlen(question);
    wrong[0] = 0;
    if (iad_json_parse(spans, strlen(spans), 8, "spans", &list, &err) != IAD_OK) {
        snprintf(wrong, size, "spans are no JSON: %.200s", err.msg);
        return;
    }
    if (!json_is_array(list)) snprintf(wrong, size, "spans are no array");
    json_array_foreach(list, i, span) {
        const json_t *start = json_array_get(span, 0), *end = json_array_get(span, 1), *word = json_array_get(span, 2);
        if (json_array_size(span) != 3 || !json_is_integer(start) || !json_is_integer(end) || !json_is_string(word)) {
            snprintf(wrong, size, "span %zu is not [start, end, word]", i);
            break;
        }
        json_int_t a = json_integer_value(start), b = json_integer_value(end);
        if (a < 0 || b < a || (uint64_t)b > length || (size_t)(b - a) != strlen(json_string_value(word)) ||
            memcmp(question + a, json_string_value(word), (size_t)(b - a)) != 0) {
            snprintf(wrong, size, "span %zu says '%.60s', the question does not have it at %lld", i,
                     json_string_value(word), (long long)a);
            break;
        }
        if ((size_t)a < marks_end) {
            snprintf(wrong, size, "span %zu ('%.60s') stands before the last image", i, json_string_value(word));
            break;
        }
    }
    json_decref(list);
}

/* Exactly `pictures` marks, nothing between them, and the one question that the runtime asks; "" in wrong when so. */
static void judge_canonical(const char *question, int64_t pictures, char *wrong, size_t size) {
    const char *p = question;
    int64_t n = 0;
    wrong[0] = 0;
    for (; strncmp(p, mark, sizeof mark - 1) == 0; p += sizeof mark - 1) n++;
    if (n != pictures) snprintf(wrong, size, "%lld pictures do not stand in front of the canonical question", (long long)pictures);
    else if (strcmp(p, pictures > 1 ? IAD_CANONICAL_QUESTION : IAD_CANONICAL_QUESTION_ALONE) != 0)
        snprintf(wrong, size, "not the canonical question: %.200s", p);
}

/* A box of the column: {"bbox_2d": [x0, y0, x1, y1], "image": position, "label"?: text} in whole pixels. */
static int box_is_sound(const json_t *entry, int64_t pictures) {
    const json_t *box = json_object_get(entry, "bbox_2d"), *image = json_object_get(entry, "image");
    const json_t *label = json_object_get(entry, "label");
    if (json_array_size(box) != 4 || !json_is_integer(image) || (label && !json_is_string(label))) return 0;
    for (size_t i = 0; i < 4; i++)
        if (!json_is_integer(json_array_get(box, i)) || json_integer_value(json_array_get(box, i)) < 0) return 0;
    return json_integer_value(image) >= 0 && json_integer_value(image) < pictures &&
           json_integer_value(json_array_get(box, 0)) < json_integer_value(json_array_get(box, 2)) &&
           json_integer_value(json_array_get(box, 1)) < json_integer_value(json_array_get(box, 3));
}

/* How many boxes the column holds; what is wrong with it, "" when nothing. Text that is no JSON is for the rule json. */
static size_t judge_boxes(const char *boxes, int64_t pictures, char *wrong, size_t size) {
    iad_err err = IAD_ERR_NONE;
    json_t *list = NULL, *entry;
    size_t i, n;
    wrong[0] = 0;
    if (!boxes || !*boxes || iad_json_parse(boxes, strlen(boxes), 0, "boxes", &list, &err) != IAD_OK) return 0;
    if (!json_is_array(list)) snprintf(wrong, size, "boxes are no array");
    json_array_foreach(list, i, entry) {
        if (box_is_sound(entry, pictures)) continue;
        snprintf(wrong, size, "box %zu is no box of one of its pictures", i);
        break;
    }
    n = json_array_size(list);
    json_decref(list);
    return n;
}

/* Every "<box:" of a text is "<box:number>", the number one of the column's n entries. */
static void judge_slots(const char *text, size_t n, const char *where, char *wrong, size_t size) {
    wrong[0] = 0;
    for (const char *p = text; p && (p = strstr(p, "<box:")) != NULL;) {
        const char *digit = p + 5;
        size_t value = 0, digits = 0;
        for (; digits < 6 && digit[digits] >= '0' && digit[digits] <= '9'; digits++)
            value = 10 * value + (size_t)(digit[digits] - '0');
        if (digits == 0 || digit[digits] != '>' || value >= n) {
            size_t shown = strcspn(p, ">") + 1;
            snprintf(wrong, size, "'%.*s' in its %s is none of its %zu boxes", shown < 16 ? (int)shown : 16, p, where, n);
            return;
        }
        p = digit + digits;
    }
}

/* Columns: id, task, stage, question, anomaly spans, normal spans, pictures, answer, turns, boxes, canonical template. */
static iad_status judge_own(iad_check_state *state, iad_query *q, const char *item, iad_err *err) {
    char wrong[300];
    int64_t pictures = iad_query_col_i64(q, 6);
    static const struct { int column; const char *name; } texts[] = {{3, "question"}, {7, "answer"}, {8, "turns"}};
    size_t n = judge_boxes(iad_query_col_text(q, 9), pictures, wrong, sizeof wrong);
    if (*wrong) IAD_TRY(iad_check_report(state, "task-boxes", item, wrong, err));
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        judge_slots(iad_query_col_text(q, texts[i].column), n, texts[i].name, wrong, sizeof wrong);
        if (*wrong) IAD_TRY(iad_check_report(state, "task-boxes", item, wrong, err));
    }
    if (!iad_query_col_i64(q, 10)) return IAD_OK;
    judge_canonical(iad_query_col_text(q, 3), pictures, wrong, sizeof wrong);
    return *wrong ? iad_check_report(state, "task-canonical", item, wrong, err) : IAD_OK;
}

static iad_status judge_task(iad_check_state *state, iad_query *q, iad_err *err) {
    char item[120], wrong[300];
    size_t marks_end;
    const char *question = iad_query_col_text(q, 3);
    if (!question) return IAD_OK;
    snprintf(item, sizeof item, "task %lld (%.80s)", (long long)iad_query_col_i64(q, 0),
             iad_query_col_text(q, 1) ? iad_query_col_text(q, 1) : "");
    int64_t marks = count_marks(question, &marks_end), pictures = iad_query_col_i64(q, 6);
    int foreign = iad_query_col_i64(q, 2) == 0; /* others' questions may leave the marks out altogether */
    if (marks != pictures && !(foreign && marks == 0)) {
        snprintf(wrong, sizeof wrong, "%lld image marks, %lld pictures", (long long)marks, (long long)pictures);
        IAD_TRY(iad_check_report(state, "task-marks", item, wrong, err));
    }
    for (int column = 4; column <= 5; column++) {
        const char *spans = iad_query_col_text(q, column);
        if (!spans) continue;
        judge_spans(question, marks_end, spans, wrong, sizeof wrong);
        if (*wrong) IAD_TRY(iad_check_report(state, "task-spans", item, wrong, err));
    }
    return foreign ? IAD_OK : judge_own(state, q, item, err);
}

static iad_status judge_tasks(iad_check_state *state, iad_err *err) {
    iad_query q;
    IAD_TRY(iad_query_open(
        &q, state->manifest, "task",
        "SELECT t.id,t.task,t.stage,t.question,t.anomaly_spans,t.normal_spans,(SELECT count(*) FROM task_image x"
        " WHERE x.task_id=t.id),t.answer,t.turns,t.boxes,t.stage=3 AND t.task='s3_detect' AND coalesce(p.canonical,0)"
        " FROM task t LEFT JOIN template p ON p.id=t.template_id ORDER BY t.id",
        err));
    iad_status status = IAD_OK;
    while (status == IAD_OK && iad_query_next(&q)) status = judge_task(state, &q, err);
    iad_status closed = iad_query_close(&q, status == IAD_OK ? err : NULL);
    return status != IAD_OK ? status : closed;
}

static iad_status judge_json(iad_check_state *state, iad_err *err) {
    static const char *const columns[] = {
        "SELECT 'task '||id||' turns',turns FROM task WHERE turns IS NOT NULL",
        "SELECT 'task '||id||' boxes',boxes FROM task WHERE boxes IS NOT NULL",
        "SELECT 'mask '||id||' boxes',boxes FROM mask",
        "SELECT 'mask '||id||' value_map',value_map FROM mask WHERE value_map IS NOT NULL",
        "SELECT 'synth '||id||' params',params FROM synth",
        "SELECT 'run '||id||' config',config FROM run WHERE config IS NOT NULL",
        "SELECT 'run '||id||' counts',counts FROM run WHERE counts IS NOT NULL"};
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        iad_query q;
        IAD_TRY(iad_query_open(&q, state->manifest, "json", columns[i], err));
        iad_status status = IAD_OK;
        while (status == IAD_OK && iad_query_next(&q)) {
            const char *text = iad_query_col_text(&q, 1);
            json_t *value = NULL;
            iad_err why = IAD_ERR_NONE;
            if (text && iad_json_parse(text, strlen(text), 0, "text", &value, &why) != IAD_OK)
                status = iad_check_report(state, "json", iad_query_col_text(&q, 0), why.msg, err);
            json_decref(value);
        }
        iad_status closed = iad_query_close(&q, status == IAD_OK ? err : NULL);
        if (status != IAD_OK || closed != IAD_OK) return status != IAD_OK ? status : closed;
    }
    return IAD_OK;
}

iad_status iad_check_tasks(iad_check_state *state, iad_err *err) {
    IAD_TRY(judge_tasks(state, err));
    IAD_TRY(judge_json(state, err));
    state->counts->rules += 5;
    return IAD_OK;
}
