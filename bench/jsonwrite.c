#include "bench/jsonwrite.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"

iad_jsonw iad_jsonw_new(void) {
    iad_jsonw w = {json_object(), 0};
    w.failed = !w.object;
    return w;
}

void iad_jsonw_take(iad_jsonw *w, const char *key, json_t *value) {
    if (!value || !w->object || json_object_set_new(w->object, key, value) != 0) w->failed = 1;
}

void iad_jsonw_num(iad_jsonw *w, const char *key, double value) {
    iad_jsonw_take(w, key, isfinite(value) ? json_real(value) : json_null());
}

void iad_jsonw_int(iad_jsonw *w, const char *key, long long value) { iad_jsonw_take(w, key, json_integer(value)); }

json_t *iad_jsonw_text(const char *text) {
    size_t n = strlen(text);
    if (iad_utf8_valid(text, n) == n) return json_string(text);
    char *copy = iad_strdup(text);
    if (!copy) return NULL;
    for (size_t i = 0; (i += iad_utf8_valid(copy + i, n - i)) < n;) copy[i] = '?';
    json_t *value = json_string(copy);
    free(copy);
    return value;
}

void iad_jsonw_str(iad_jsonw *w, const char *key, const char *text) {
    iad_jsonw_take(w, key, text ? iad_jsonw_text(text) : json_null());
}

iad_status iad_jsonw_finish(iad_jsonw *w, json_t **object, iad_err *err) {
    if (w->failed) {
        json_decref(w->object);
        w->object = NULL;
        *object = NULL;
        return IAD_NOMEM(err, "a result");
    }
    *object = w->object;
    w->object = NULL;
    return IAD_OK;
}

double iad_json_num_or_nan(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}
