#include "annotate/client/chatanswer.h"

#include <string.h>

#include "base/text.h"

static const char *text_of(const iad_json_flat *json, const iad_flat_value *object, const char *key) {
    const char *text = iad_flat_text(iad_flat_get(json, object, key));
    return text ? text : "";
}

static int64_t count_of(const iad_json_flat *json, const iad_flat_value *object, const char *key) {
    const iad_flat_value *v = iad_flat_get(json, object, key);
    int64_t n = 0;
    if (v && v->type == IAD_FLAT_INT) n = v->is.number;
    if (v && v->type == IAD_FLAT_REAL && v->is.real < 1e12 && v->is.real > 0) n = (int64_t)v->is.real;
    return n < 0 || n > 1000000000000 ? 0 : n;
}

iad_status iad_chat_answer_parse(iad_chat_answer *a, const char *body, size_t n, iad_err *err) {
    memset(a, 0, sizeof *a);
    if (n > IAD_CHAT_MAX_ANSWER) return IAD_FAIL(err, IAD_ERR_LIMIT, "the answer has %zu bytes", n);
    const iad_json_flat *json = &a->json;
    IAD_TRY(iad_json_flat_parse(body, n, 64, "answer", &a->json, err));
    const iad_flat_value *root = json->values, *choice = iad_flat_at(json, iad_flat_get(json, root, "choices"), 0),
                         *content = iad_flat_get(json, iad_flat_get(json, choice, "message"), "content");
    if (content && content->type == IAD_FLAT_ARRAY) content = iad_flat_get(json, iad_flat_at(json, content, 0), "text");
    const iad_flat_value *usage = iad_flat_get(json, root, "usage");
    a->content = iad_flat_text(content);
    if (!a->content) {
        iad_chat_answer_deinit(a);
        return IAD_FAIL(err, IAD_ERR_FORMAT, "the answer has no choices[0].message.content");
    }
    a->finish = text_of(json, choice, "finish_reason");
    a->model = text_of(json, root, "model");
    a->id = text_of(json, root, "id");
    a->prompt_tokens = count_of(json, usage, "prompt_tokens");
    a->completion_tokens = count_of(json, usage, "completion_tokens");
    a->cached_tokens = count_of(json, iad_flat_get(json, usage, "prompt_tokens_details"), "cached_tokens");
    return IAD_OK;
}

void iad_chat_answer_deinit(iad_chat_answer *a) {
    iad_json_flat_deinit(&a->json);
    memset(a, 0, sizeof *a);
}

static iad_status need_word(const iad_json_flat *json, const char *key, const char *words, const char **value, iad_err *err) {
    const char *text = text_of(json, json->values, key), *at = *text ? strstr(words, text) : NULL;
    size_t n = strlen(text);
    if (!at || (at != words && at[-1] != '|') || (at[n] && at[n] != '|'))
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s is \"%.40s\", wanted %s", key, text, words);
    *value = text;
    return IAD_OK;
}

static iad_status need_number(const iad_json_flat *json, const char *key, double lo, double hi, double *value, iad_err *err) {
    const iad_flat_value *v = iad_flat_get(json, json->values, key);
    if (v && v->type == IAD_FLAT_INT) *value = (double)v->is.number;
    else if (v && v->type == IAD_FLAT_REAL) *value = v->is.real;
    else if (!iad_flat_text(v) || iad_parse_f64(iad_flat_text(v), lo, hi, key, value, NULL) != IAD_OK)
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s is no number", key);
    return *value >= lo && *value <= hi ? IAD_OK : IAD_FAIL(err, IAD_ERR_FORMAT, "%s is %.3g, wanted %g to %g", key, *value, lo, hi);
}

static iad_status take_flags(iad_answer_fields *f, iad_err *err) {
    const iad_flat_value *photo = iad_flat_get(&f->json, f->json.values, "is_product_photo");
    if (!photo || (photo->type != IAD_FLAT_TRUE && photo->type != IAD_FLAT_FALSE))
        return IAD_FAIL(err, IAD_ERR_FORMAT, "is_product_photo is neither true nor false");
    f->product_photo = photo->type == IAD_FLAT_TRUE;
    IAD_TRY(need_number(&f->json, "category_match", 0, 1, &f->category_match, err));
    IAD_TRY(need_word(&f->json, "object_count", "one|few|many", &f->object_count, err));
    IAD_TRY(need_word(&f->json, "view", "photo|render|drawing|packaging|scene|collage", &f->view, err));
    IAD_TRY(need_word(&f->json, "watermark", "none|small|large", &f->watermark, err));
    IAD_TRY(need_word(&f->json, "defect_visible", "no|yes|unsure", &f->defect_visible, err));
    f->defect_note = text_of(&f->json, f->json.values, "defect_note");
    f->language = text_of(&f->json, f->json.values, "language");
    return IAD_OK;
}

static iad_status take_audit(iad_answer_fields *f, iad_err *err) {
    double claims = 0;
    const iad_flat_value *list = iad_flat_get(&f->json, f->json.values, "not_visible");
    IAD_TRY(need_number(&f->json, "claims", 0, 1000, &claims, err));
    if (!list || list->type != IAD_FLAT_ARRAY) return IAD_FAIL(err, IAD_ERR_FORMAT, "not_visible is no list");
    f->claims = (int64_t)claims;
    f->n_not_visible = list->is.n;
    return IAD_OK;
}

static iad_status take(iad_answer_fields *f, const iad_prompt *p, iad_err *err) {
    if (f->json.values->type != IAD_FLAT_OBJECT) return IAD_FAIL(err, IAD_ERR_FORMAT, "the answer is no JSON object");
    for (size_t i = 0; i < p->n_fields; i++) {
        f->texts[i] = text_of(&f->json, f->json.values, p->fields[i].key);
        if (!*f->texts[i]) return IAD_FAIL(err, IAD_ERR_FORMAT, "no text %s", p->fields[i].key);
        if (strlen(f->texts[i]) > IAD_CHAT_MAX_TEXT)
            return IAD_FAIL(err, IAD_ERR_FORMAT, "the text %s has %zu bytes", p->fields[i].key, strlen(f->texts[i]));
    }
    if (p->flags) IAD_TRY(take_flags(f, err));
    return p->audit ? take_audit(f, err) : IAD_OK;
}

iad_status iad_answer_fields_parse(iad_answer_fields *f, const iad_prompt *p, const char *content, iad_err *err) {
    memset(f, 0, sizeof *f);
    const char *from = strchr(content, '{'), *to = strrchr(content, '}');
    if (!from || !to || to < from) return IAD_FAIL(err, IAD_ERR_FORMAT, "the answer holds no JSON object");
    iad_status status = iad_json_flat_parse(from, (size_t)(to - from) + 1, 16, "answer", &f->json, err);
    if (status == IAD_OK) status = take(f, p, err);
    if (status == IAD_OK) return IAD_OK;
    iad_answer_fields_deinit(f);
    return status;
}

void iad_answer_fields_deinit(iad_answer_fields *f) {
    iad_json_flat_deinit(&f->json);
    memset(f, 0, sizeof *f);
}
