#include "base/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

/* jansson recurses; its own depth limit is 2048, which fits any stack. A lower one is checked here, before parsing, by
 * counting brackets outside strings. */
static iad_status check_depth(const char *text, size_t n, int max_depth, const char *name, iad_err *err) {
    int depth = 0, in_string = 0;
    for (size_t i = 0; i < n; i++) {
        char c = text[i];
        if (in_string) {
            if (c == '\\') i++;
            else if (c == '"') in_string = 0;
        } else if (c == '"') {
            in_string = 1;
        } else if (c == '{' || c == '[') {
            if (++depth > max_depth) return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: JSON nested deeper than %d", name, max_depth);
        } else if (c == '}' || c == ']') {
            depth--;
        }
    }
    return IAD_OK;
}

iad_status iad_json_parse(const char *text, size_t n, int max_depth, const char *name, json_t **root, iad_err *err) {
    *root = NULL;
    if (n > IAD_JSON_MAX_BYTES) return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: more than %u bytes of JSON", name, IAD_JSON_MAX_BYTES);
    IAD_TRY(check_depth(text, n, max_depth > 0 ? max_depth : IAD_JSON_MAX_DEPTH, name, err));
    json_error_t at;
    *root = json_loadb(text, n, JSON_REJECT_DUPLICATES, &at);
    if (*root) return IAD_OK;
    /* jansson's text may quote the input: keep it short. */
    return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: line %d column %d: %.120s", name, at.line, at.column, at.text);
}

iad_status iad_json_load(const char *path, size_t max_bytes, json_t **root, iad_err *err) {
    uint8_t *data;
    size_t n;
    *root = NULL;
    IAD_TRY(iad_file_read(path, max_bytes ? max_bytes : IAD_JSON_MAX_BYTES, &data, &n, err));
    iad_status status = iad_json_parse((const char *)data, n, 0, path, root, err);
    free(data);
    return status;
}

static iad_status missing(const json_t *value, const char *key, const char *where, const char *wanted, iad_err *err) {
    if (!value) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: \"%s\" is missing", where, key);
    return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: \"%s\" is not %s", where, key, wanted);
}

/* NULL also when `object` is no object at all: the getters then report the member as missing. */
static json_t *member(const json_t *object, const char *key) { return json_object_get(object, key); }

iad_status iad_json_string(const json_t *object, const char *key, const char *where, const char **value, iad_err *err) {
    const json_t *v = member(object, key);
    if (!json_is_string(v)) return missing(v, key, where, "a string", err);
    *value = json_string_value(v);
    return IAD_OK;
}

iad_status iad_json_string_opt(const json_t *object, const char *key, const char *fallback, const char *where, const char **value, iad_err *err) {
    const json_t *v = member(object, key);
    if (!v || json_is_null(v)) {
        *value = fallback;
        return IAD_OK;
    }
    return iad_json_string(object, key, where, value, err);
}

iad_status iad_json_int(const json_t *object, const char *key, int64_t lo, int64_t hi, const char *where, int64_t *value, iad_err *err) {
    const json_t *v = member(object, key);
    if (!json_is_integer(v)) return missing(v, key, where, "a whole number", err);
    int64_t i = json_integer_value(v);
    if (i < lo || i > hi)
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: \"%s\" = %lld is outside %lld..%lld", where, key, (long long)i, (long long)lo, (long long)hi);
    *value = i;
    return IAD_OK;
}

iad_status iad_json_number(const json_t *object, const char *key, const char *where, double *value, iad_err *err) {
    const json_t *v = member(object, key);
    if (!json_is_number(v)) return missing(v, key, where, "a number", err);
    *value = json_number_value(v);
    return IAD_OK;
}

iad_status iad_json_array(const json_t *object, const char *key, const char *where, json_t **value, iad_err *err) {
    json_t *v = member(object, key);
    if (!json_is_array(v)) return missing(v, key, where, "an array", err);
    *value = v;
    return IAD_OK;
}

iad_status iad_json_object(const json_t *object, const char *key, const char *where, json_t **value, iad_err *err) {
    json_t *v = member(object, key);
    if (!json_is_object(v)) return missing(v, key, where, "an object", err);
    *value = v;
    return IAD_OK;
}

static iad_status dump(const json_t *value, size_t flags, iad_buf *out, iad_err *err) {
    char *text = json_dumps(value, flags | JSON_ENCODE_ANY);
    if (!text) return IAD_FAIL(err, IAD_ERR_INTERNAL, "cannot write a JSON value");
    iad_status status = iad_buf_add_str(out, text, err);
    free(text);
    return status;
}

iad_status iad_json_canonical(const json_t *value, iad_buf *out, iad_err *err) {
    return dump(value, JSON_COMPACT | JSON_SORT_KEYS, out, err);
}

iad_status iad_json_pretty(const json_t *value, iad_buf *out, iad_err *err) {
    IAD_TRY(dump(value, JSON_INDENT(2), out, err));
    return iad_buf_add_str(out, "\n", err);
}

iad_status iad_json_quote(const char *text, iad_buf *out, iad_err *err) {
    IAD_TRY(iad_buf_add_str(out, "\"", err));
    for (const char *p = text; *p;) {
        size_t plain = 0;
        while ((unsigned char)p[plain] >= 0x20 && p[plain] != '"' && p[plain] != '\\' && p[plain] != '<') plain++;
        IAD_TRY(iad_buf_add(out, p, plain, err));
        p += plain;
        if (*p) {
            const char escape[] = {'\\', 'u', '0', '0', "0123456789abcdef"[*p >> 4], "0123456789abcdef"[*p & 15]}; /* they are all ASCII */
            IAD_TRY(iad_buf_add(out, escape, sizeof escape, err));
            p++;
        }
    }
    return iad_buf_add_str(out, "\"", err);
}
