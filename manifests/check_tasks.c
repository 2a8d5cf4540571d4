/* Texts of tasks: image marks, word spans, JSON. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
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
    return IAD_OK;
}

static iad_status judge_tasks(iad_check_state *state, iad_err *err) {
    iad_query q;
    IAD_TRY(iad_query_open(
        &q, state->manifest, "task",
        "SELECT t.id,t.task,t.stage,t.question,t.anomaly_spans,t.normal_spans,(SELECT count(*) FROM task_image x"
        " WHERE x.task_id=t.id)"
        " FROM task t ORDER BY t.id",
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
    state->counts->rules += 3;
    return IAD_OK;
}
