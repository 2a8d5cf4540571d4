#include "runtime/serve/bodyread.h"

#include <stdio.h>
#include <string.h>

#include "base/textargs.h"

json_t *iad_body_member(iad_body *body, const json_t *object, const char *prefix, const char *key) {
    snprintf(body->param, sizeof body->param, "%s%s%s", prefix, *prefix ? "." : "", key);
    json_t *value = json_object_get(object, key);
    return value && !json_is_null(value) ? value : NULL;
}

iad_status iad_body_fail(const iad_body *body, iad_status code, iad_err *err, const char *fmt, ...) {
    char text[sizeof err->msg - IAD_PARAM_MAX];
    IAD_TEXT_OF_ARGS(text, fmt);
    return IAD_FAIL(err, code, "%s: %s", body->param, text);
}

iad_status iad_body_known(iad_body *body, const json_t *value, const char *prefix, const char *const *names, iad_err *err) {
    const char *key;
    json_t *member;
    if (!json_is_object(value)) {
        snprintf(body->param, sizeof body->param, "%s", *prefix ? prefix : "body");
        return iad_body_fail(body, IAD_ERR_FORMAT, err, "not a JSON object");
    }
    json_object_foreach((json_t *)(uintptr_t)value, key, member) {
        int known = 0;
        for (const char *const *name = names; *name && !known; name++) known = strcmp(key, *name) == 0;
        if (known) continue;
        snprintf(body->param, sizeof body->param, "%s%s%.60s", prefix, *prefix ? "." : "", key);
        return iad_body_fail(body, IAD_ERR_ARG, err, "no such member here");
    }
    return IAD_OK;
}

iad_status iad_body_i64(iad_body *body, const json_t *object, const char *prefix, const char *key, int64_t lo, int64_t hi, int64_t *value,
                        iad_err *err) {
    const json_t *v = iad_body_member(body, object, prefix, key);
    if (!v) return IAD_OK;
    if (!json_is_integer(v)) return iad_body_fail(body, IAD_ERR_FORMAT, err, "not a whole number");
    if (json_integer_value(v) < lo || json_integer_value(v) > hi)
        return iad_body_fail(body, IAD_ERR_ARG, err, "%lld: %lld to %lld", (long long)json_integer_value(v), (long long)lo, (long long)hi);
    *value = json_integer_value(v);
    return IAD_OK;
}

iad_status iad_body_f64(iad_body *body, const json_t *object, const char *prefix, const char *key, double lo, double hi, double *value,
                        iad_err *err) {
    const json_t *v = iad_body_member(body, object, prefix, key);
    if (!v) return IAD_OK;
    if (!json_is_number(v)) return iad_body_fail(body, IAD_ERR_FORMAT, err, "not a number");
    double number = json_number_value(v);
    if (!(number >= lo && number <= hi)) return iad_body_fail(body, IAD_ERR_ARG, err, "%g: %g to %g", number, lo, hi);
    *value = number;
    return IAD_OK;
}

iad_status iad_body_flag(iad_body *body, const json_t *object, const char *prefix, const char *key, int *value, iad_err *err) {
    const json_t *v = iad_body_member(body, object, prefix, key);
    if (!v) return IAD_OK;
    if (!json_is_boolean(v)) return iad_body_fail(body, IAD_ERR_FORMAT, err, "neither true nor false");
    *value = json_is_true(v);
    return IAD_OK;
}

iad_status iad_body_text(iad_body *body, const json_t *object, const char *prefix, const char *key, size_t max, const char **value, iad_err *err) {
    const json_t *v = iad_body_member(body, object, prefix, key);
    if (!v) return IAD_OK;
    if (!json_is_string(v)) return iad_body_fail(body, IAD_ERR_FORMAT, err, "not a text");
    size_t n = json_string_length(v);
    if (n < 1 || n > max) return iad_body_fail(body, IAD_ERR_ARG, err, "%zu bytes: 1 to %zu", n, max);
    *value = json_string_value(v);
    return IAD_OK;
}

iad_status iad_body_choice(iad_body *body, const json_t *object, const char *prefix, const char *key, const char *choices, const char **value,
                           iad_err *err) {
    const char *text = NULL;
    IAD_TRY(iad_body_text(body, object, prefix, key, 40, &text, err));
    if (!text) return IAD_OK;
    size_t n = strlen(text);
    for (const char *at = choices; (at = strstr(at, text)) != NULL; at += n)
        if ((at == choices || at[-1] == '|') && (at[n] == '|' || at[n] == '\0')) {
            *value = text;
            return IAD_OK;
        }
    return iad_body_fail(body, IAD_ERR_ARG, err, "\"%s\": one of %s", text, choices);
}
