#include "annotate/check/judge_answer.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

static void find(iad_judged *j, const char *check, const char *field, int fail, const char *why) {
    if (fail) j->ok = 0;
    if (j->n == IAD_MAX_FINDINGS) return;
    iad_finding *f = &j->findings[j->n++];
    f->check = check;
    f->fail = fail;
    iad_text_copy(f->field, sizeof f->field, field);
    iad_text_copy(f->why, sizeof f->why, why);
    f->why[iad_utf8_valid(f->why, strlen(f->why))] = 0;
}

static char *clean(const char *text) {
    const char *from = iad_quality_strip(text);
    size_t n = strlen(from);
    while (n && strchr(" \t\r\n", from[n - 1])) n--;
    char *copy = iad_alloc(n + 1, 1);
    if (!copy) return NULL;
    memcpy(copy, from, n);
    copy[n] = 0;
    if (*copy >= 'a' && *copy <= 'z' && from != text) *copy = (char)(*copy - 32);
    return copy;
}

static void judge_text(iad_judged *j, const iad_judge_facts *facts, const iad_prompt_field *field, const iad_text_view *text) {
    char why[IAD_WHY];
    const char *lang = facts->prompt->lang, *key = field->key;
    if (!iad_quality_refusal(text, why)) find(j, "refusal", key, 1, why);
    if (!iad_quality_length(text, field->min_words, field->max_words, why)) find(j, "length", key, 1, why);
    if (!iad_quality_language(text, lang, why)) find(j, "language", key, 1, why);
    if (!iad_quality_repetition(text, lang, why)) find(j, "repetition", key, 1, why);
    if (!iad_quality_form(text, why)) find(j, "form", key, 1, why);
    if (!iad_quality_aspect(text, field->aspect, lang, why)) find(j, "aspect", key, 1, why);
    if (!iad_quality_hedging(text, why)) find(j, "hedging", key, 1, why);
    if (!strcmp(lang, "en") && !iad_quality_contradiction(text, facts->category, facts->colour, why)) find(j, "contradiction", key, 1, why);
}

static iad_status judge_texts(iad_judged *j, const iad_judge_facts *facts, iad_err *err) {
    const iad_prompt *p = facts->prompt;
    iad_text_view views[IAD_PROMPT_MAX_FIELDS];
    char why[IAD_WHY];
    iad_status status = IAD_OK;
    size_t n = 0;
    for (; status == IAD_OK && n < p->n_fields; n++) {
        j->texts[n] = clean(j->fields.texts[n]);
        status = j->texts[n] ? iad_text_view_init(&views[n], j->texts[n], err) : IAD_NOMEM(err, "a text");
        if (status != IAD_OK) break;
        judge_text(j, facts, &p->fields[n], &views[n]);
        for (size_t k = 0; k < n; k++)
            if (!iad_quality_distinct(&views[k], &views[n], why)) find(j, "distinct", p->fields[n].key, 1, why);
    }
    while (n) iad_text_view_deinit(&views[--n]);
    return status;
}

/* A refusal comes as plain words more often than as JSON. */
static iad_status judge_no_json(iad_judged *j, const char *content, const char *why_not, iad_err *err) {
    iad_text_view view;
    char why[IAD_WHY];
    IAD_TRY(iad_text_view_init(&view, content, err));
    if (!iad_quality_refusal(&view, why)) find(j, "refusal", "", 1, why);
    else find(j, "transport", "", 1, why_not);
    iad_text_view_deinit(&view);
    return IAD_OK;
}

static void judge_flags(iad_judged *j, const iad_judge_facts *facts) {
    char why[IAD_WHY];
    size_t before = j->n;
    if (!iad_quality_relevance(&j->fields, why)) find(j, "relevance", "", 0, why);
    else if (!j->fields.product_photo) find(j, "relevance", "", 0, "no photograph of a product");
    if (!strcmp(j->fields.watermark, "large")) find(j, "watermark", "", 0, "a large watermark");
    if (!facts->anomalous && !strcmp(j->fields.defect_visible, "yes"))
        find(j, "defect", "", 0, *j->fields.defect_note ? j->fields.defect_note : "a defect");
    j->withhold = j->n > before;
}

iad_status iad_judge_answer(iad_judged *j, const iad_judge_facts *facts, const iad_chat_answer *answer, iad_err *err) {
    iad_err why_not = IAD_ERR_NONE;
    char why[IAD_WHY];
    memset(j, 0, offsetof(iad_judged, findings)); /* the findings are written before they count */
    j->n = 0;
    j->ok = 1;
    if (!iad_quality_transport(answer->finish, facts->model, answer->model, facts->names_differ, why)) find(j, "transport", "", 1, why);
    if (iad_answer_fields_parse(&j->fields, facts->prompt, answer->content, &why_not) != IAD_OK)
        return judge_no_json(j, answer->content, why_not.msg, err);
    const iad_status status = judge_texts(j, facts, err);
    if (status != IAD_OK) iad_judged_deinit(j);
    else if (facts->prompt->flags) judge_flags(j, facts);
    return status;
}

void iad_judged_deinit(iad_judged *j) {
    for (int i = 0; i < IAD_PROMPT_MAX_FIELDS; i++) free(j->texts[i]);
    iad_answer_fields_deinit(&j->fields);
    memset(j, 0, offsetof(iad_judged, findings));
    j->n = 0;
}
