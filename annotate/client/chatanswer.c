#include "annotate/client/chatanswer.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"

static const char *text_of(const json_t *object, const char *key) {
    const json_t *v = json_object_get(object, key);
    return json_is_string(v) && strlen(json_string_value(v)) == json_string_length(v) ? json_string_value(v) : "";
}

static int64_t count_of(const json_t *object, const char *key) {
    const json_t *v = json_object_get(object, key);
    int64_t n = json_is_integer(v)                                                       ? (int64_t)json_integer_value(v)
                : json_is_real(v) && json_real_value(v) < 1e12 && json_real_value(v) > 0 ? (int64_t)json_real_value(v)
                                                                                         : 0;
    return n < 0 || n > 1000000000000 ? 0 : n;
}

iad_status iad_chat_answer_parse(iad_chat_answer *a, const char *body, size_t n, iad_err *err) {
    memset(a, 0, sizeof *a);
    if (n > IAD_CHAT_MAX_ANSWER) return IAD_FAIL(err, IAD_ERR_LIMIT, "the answer has %zu bytes", n);
    IAD_TRY(iad_json_parse(body, n, 64, "answer", &a->root, err));
    const json_t *choice = json_array_get(json_object_get(a->root, "choices"), 0),
                 *content = json_object_get(json_object_get(choice, "message"), "content");
    if (!json_is_string(content) && json_is_array(content)) content = json_object_get(json_array_get(content, 0), "text");
    const json_t *usage = json_object_get(a->root, "usage");
    if (!json_is_string(content) || strlen(json_string_value(content)) != json_string_length(content)) {
        iad_chat_answer_deinit(a);
        return IAD_FAIL(err, IAD_ERR_FORMAT, "the answer has no choices[0].message.content");
    }
    a->content = json_string_value(content);
    a->finish = text_of(choice, "finish_reason");
    a->model = text_of(a->root, "model");
    a->id = text_of(a->root, "id");
    a->prompt_tokens = count_of(usage, "prompt_tokens");
    a->completion_tokens = count_of(usage, "completion_tokens");
    a->cached_tokens = count_of(json_object_get(usage, "prompt_tokens_details"), "cached_tokens");
    return IAD_OK;
}

void iad_chat_answer_deinit(iad_chat_answer *a) {
    json_decref(a->root);
    memset(a, 0, sizeof *a);
}

static iad_status need_word(const json_t *root, const char *key, const char *words, const char **value, iad_err *err) {
    const char *text = text_of(root, key), *at = *text ? strstr(words, text) : NULL;
    size_t n = strlen(text);
    if (!at || (at != words && at[-1] != '|') || (at[n] && at[n] != '|'))
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s is \"%.40s\", wanted %s", key, text, words);
    *value = text;
    return IAD_OK;
}

static iad_status need_number(const json_t *root, const char *key, double lo, double hi, double *value, iad_err *err) {
    const json_t *v = json_object_get(root, key);
    if (json_is_number(v)) *value = json_number_value(v);
    else if (!json_is_string(v) || iad_parse_f64(json_string_value(v), lo, hi, key, value, NULL) != IAD_OK)
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s is no number", key);
    return *value >= lo && *value <= hi ? IAD_OK : IAD_FAIL(err, IAD_ERR_FORMAT, "%s is %.3g, wanted %g to %g", key, *value, lo, hi);
}

static iad_status take_flags(iad_answer_fields *f, iad_err *err) {
    const json_t *photo = json_object_get(f->root, "is_product_photo");
    if (!json_is_boolean(photo)) return IAD_FAIL(err, IAD_ERR_FORMAT, "is_product_photo is neither true nor false");
    f->product_photo = json_is_true(photo);
    IAD_TRY(need_number(f->root, "category_match", 0, 1, &f->category_match, err));
    IAD_TRY(need_word(f->root, "object_count", "one|few|many", &f->object_count, err));
    IAD_TRY(need_word(f->root, "view", "photo|render|drawing|packaging|scene|collage", &f->view, err));
    IAD_TRY(need_word(f->root, "watermark", "none|small|large", &f->watermark, err));
    IAD_TRY(need_word(f->root, "defect_visible", "no|yes|unsure", &f->defect_visible, err));
    f->defect_note = text_of(f->root, "defect_note");
    f->language = text_of(f->root, "language");
    return IAD_OK;
}

static iad_status take_audit(iad_answer_fields *f, iad_err *err) {
    double claims = 0;
    const json_t *list = json_object_get(f->root, "not_visible");
    IAD_TRY(need_number(f->root, "claims", 0, 1000, &claims, err));
    if (!json_is_array(list)) return IAD_FAIL(err, IAD_ERR_FORMAT, "not_visible is no list");
    f->claims = (int64_t)claims;
    f->n_not_visible = json_array_size(list);
    return IAD_OK;
}

static iad_status take(iad_answer_fields *f, const iad_prompt *p, iad_err *err) {
    if (!json_is_object(f->root)) return IAD_FAIL(err, IAD_ERR_FORMAT, "the answer is no JSON object");
    for (size_t i = 0; i < p->n_fields; i++) {
        f->texts[i] = text_of(f->root, p->fields[i].key);
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
    iad_status status = iad_json_parse(from, (size_t)(to - from) + 1, 16, "answer", &f->root, err);
    if (status == IAD_OK) status = take(f, p, err);
    if (status == IAD_OK) return IAD_OK;
    iad_answer_fields_deinit(f);
    return status;
}

void iad_answer_fields_deinit(iad_answer_fields *f) {
    json_decref(f->root);
    memset(f, 0, sizeof *f);
}
