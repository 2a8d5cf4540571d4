#include "manifests/ingest/dialogue_record.h"

#include <string.h>

#include "base/json.h"
#include "manifests/ingest/adapter_scans.h"
#include "manifests/ingest/scan_dialogue.h"

void iad_visa_dr_class(const char *listed, char *name, size_t size) {
    iad_scan_parts parts;
    iad_text_copy(name, size, "visa");
    if (!iad_scan_split(&parts, listed) || parts.n < 2) return;
    size_t at = iad_text_equal_nocase(parts.part[0], "visa") && parts.n >= 3 ? 1 : 0;
    if (at + 2 < parts.n && iad_scan_in_list_nocase("1cls visa_pytorch", parts.part[at])) at++;
    iad_text_copy(name, size, parts.part[at]);
}

int iad_visa_dr_left_out(const char *class_name) { return iad_scan_in_list("pcb2 pcb4", class_name); }

static const char *text_of(const json_t *object, const char *const *keys) {
    for (; *keys; keys++)
        if (json_is_string(json_object_get(object, *keys))) return json_string_value(json_object_get(object, *keys));
    return NULL;
}

static iad_status read_conversations(const json_t *turns, const char *where, iad_dialogue_record *d, iad_err *err) {
    size_t n = json_array_size(turns);
    if (n < 2 || n % 2 || n / 2 > IAD_DIALOGUE_MAX_TURNS)
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: %zu turns: not 1 to %d questions each with its answer", where, n, IAD_DIALOGUE_MAX_TURNS);
    for (size_t i = 0; i < n; i++) {
        const char *value;
        IAD_TRY(iad_json_string(json_array_get(turns, i), "value", where, &value, err));
        while (iad_text_starts(value, "<image>")) value += strlen("<image>") + (value[strlen("<image>")] == '\n');
        if (i % 2) d->answers[i / 2] = value;
        else d->questions[i / 2] = value;
    }
    d->n = n / 2;
    return IAD_OK;
}

static iad_status read_questions(const json_t *record, const char *where, iad_dialogue_record *d, iad_err *err) {
    static const char *const question_keys[] = {"question", "Question", "q", "text", NULL};
    static const char *const answer_keys[] = {"answer", "Answer", "a", "reference", NULL};
    static const char *const lists[] = {"answers", "answer", "references", "reference", "ground_truth", "gt"};
    json_t *questions;
    IAD_TRY(iad_json_array(record, "questions", where, &questions, err));
    d->n = json_array_size(questions);
    if (d->n == 0 || d->n > IAD_DIALOGUE_MAX_TURNS)
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: %zu questions: 1 to %d are possible", where, d->n, IAD_DIALOGUE_MAX_TURNS);
    const json_t *answers = NULL;
    for (size_t i = 0; i < sizeof lists / sizeof *lists && !answers; i++)
        if (json_is_array(json_object_get(record, lists[i]))) answers = json_object_get(record, lists[i]);
    if (answers && json_array_size(answers) != d->n)
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: %zu answers to %zu questions", where, json_array_size(answers), d->n);
    for (size_t i = 0; i < d->n; i++) {
        const json_t *q = json_array_get(questions, i), *a = answers ? json_array_get(answers, i) : NULL;
        d->questions[i] = json_is_string(q) ? json_string_value(q) : text_of(q, question_keys);
        d->answers[i] = json_is_string(a) ? json_string_value(a) : a ? text_of(a, answer_keys) : json_is_object(q) ? text_of(q, answer_keys) : NULL;
        if (!d->questions[i]) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: question %zu is neither a text nor an object with one", where, i);
    }
    return IAD_OK;
}

iad_status iad_dialogue_record_read(const json_t *record, const char *where, iad_dialogue_record *d, iad_err *err) {
    IAD_TRY(iad_json_string(record, "image", where, &d->image, err));
    const json_t *conversations = json_object_get(record, "conversations");
    if (json_is_array(conversations)) IAD_TRY(read_conversations(conversations, where, d, err));
    else IAD_TRY(read_questions(record, where, d, err));
    for (size_t i = 0; i < d->n; i++)
        if (strlen(d->questions[i]) > IAD_SCAN_MAX_TEXT || (d->answers[i] && strlen(d->answers[i]) > IAD_SCAN_MAX_TEXT))
            return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: a text is longer than %u bytes", where, IAD_SCAN_MAX_TEXT);
        else if (iad_scan_image_tokens(d->questions[i]) || (d->answers[i] && iad_scan_image_tokens(d->answers[i])))
            return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: <image> inside a text", where);
    return IAD_OK;
}
