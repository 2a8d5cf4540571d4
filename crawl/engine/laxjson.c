#include "crawl/engine/laxjson.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

static int hex4(const char *p, const char *end, unsigned *value) {
    *value = 0;
    if (end - p < 4) return 0;
    for (int i = 0; i < 4; i++) {
        int c = p[i] | 0x20, digit = p[i] >= '0' && p[i] <= '9' ? p[i] - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (digit < 0) return 0;
        *value = *value * 16 + (unsigned)digit;
    }
    return 1;
}

/* An escape at p (behind the backslash); returns the first byte behind it. */
static const char *repair_escape(const char *p, const char *end, iad_buf *out, iad_status *status, iad_err *err) {
    unsigned high, low;
    if (p == end) return p;
    if (strchr("\"\\/bfnrt", *p) && *p) {
        char pair[2] = {'\\', *p};
        *status = iad_buf_add(out, pair, 2, err);
        return p + 1;
    }
    if (*p != 'u' || !hex4(p + 1, end, &high)) return p; /* the backslash is dropped, the letter follows as any other */
    p += 5;
    if (high == 0 || (high >= 0xdc00 && high < 0xe000)) {
        *status = iad_buf_add_str(out, "\\ufffd", err);
    } else if (high >= 0xd800 && high < 0xdc00) {
        if (end - p >= 6 && p[0] == '\\' && p[1] == 'u' && hex4(p + 2, end, &low) && low >= 0xdc00 && low < 0xe000) {
            *status = iad_buf_addf(out, err, "\\u%04x\\u%04x", high, low);
            p += 6;
        } else {
            *status = iad_buf_add_str(out, "\\ufffd", err);
        }
    } else {
        *status = iad_buf_addf(out, err, "\\u%04x", high);
    }
    return p;
}

iad_status iad_laxjson_repair(const char *text, size_t n, iad_buf *out, iad_err *err) {
    const char *p = text, *end = text + n;
    iad_status status = IAD_OK;
    int in_string = 0;
    while (p < end && status == IAD_OK) {
        unsigned char c = (unsigned char)*p;
        if (c == '"') {
            in_string = !in_string;
            status = iad_buf_add(out, p++, 1, err);
        } else if (in_string && c == '\\') {
            p = repair_escape(p + 1, end, out, &status, err);
        } else if (in_string && c < 0x20) {
            status = iad_buf_addf(out, err, "\\u%04x", c ? c : 0xfffd);
            p++;
        } else if (c < 0x80) {
            status = iad_buf_add(out, p++, 1, err);
        } else {
            size_t size = c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
            if ((size_t)(end - p) >= size && iad_utf8_valid(p, size) == size) {
                status = iad_buf_add(out, p, size, err);
                p += size;
            } else {
                status = iad_buf_add_str(out, "\xef\xbf\xbd", err);
                p++;
            }
        }
    }
    return status;
}

iad_status iad_laxjson_parse(const char *text, size_t n, const char *name, json_t **root, iad_err *err) {
    iad_buf strict;
    json_error_t why;
    *root = NULL;
    if (n > IAD_LAXJSON_MAX_BYTES) return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: JSON of %zu bytes, more than %u", name, n, IAD_LAXJSON_MAX_BYTES);
    iad_buf_init(&strict, 6u * IAD_LAXJSON_MAX_BYTES + 64);
    iad_status status = iad_laxjson_repair(text, n, &strict, err);
    if (status == IAD_OK) {
        *root = json_loadb(iad_buf_str(&strict), strict.len, 0, &why);
        if (!*root) status = IAD_FAIL(err, IAD_ERR_FORMAT, "%s: not JSON: line %d: %s", name, why.line, why.text);
    }
    iad_buf_deinit(&strict);
    return status;
}

/* First byte behind the {...} that begins at p, NULL when it does not end. */
static const char *object_end(const char *p, const char *end) {
    int depth = 0, in_string = 0;
    for (; p < end; p++) {
        if (in_string && *p == '\\') p++;
        else if (*p == '"') in_string = !in_string;
        else if (!in_string && *p == '{') depth++;
        else if (!in_string && *p == '}' && --depth == 0) return p + 1;
    }
    return NULL;
}

iad_status iad_laxjson_salvage(const char *text, size_t n, const char *key, iad_status (*visit)(void *user, json_t *item, iad_err *err), void *user,
                               size_t *n_bad, iad_err *err) {
    const char *end = text + n, *p = text;
    size_t n_key = strlen(key);
    *n_bad = 0;
    /* the key in quotes, then a colon and a bracket */
    for (;; p++) {
        p = p < end ? memchr(p, '"', (size_t)(end - p)) : NULL;
        if (!p) return IAD_OK;
        if ((size_t)(end - p) < n_key + 2 || memcmp(p + 1, key, n_key) != 0 || p[n_key + 1] != '"') continue;
        const char *at = p + n_key + 2;
        while (at < end && strchr(" \t\r\n:", *at) && *at) at++;
        if (at < end && *at == '[') {
            p = at + 1;
            break;
        }
    }
    while (p < end && *p != ']') {
        if (*p != '{') {
            p++;
            continue;
        }
        const char *behind = object_end(p, end);
        if (!behind) {
            /* An item whose quotes do not match swallows the rest: go on at the next thing that looks like an item. */
            ++*n_bad;
            const char *next = memmem(p + 1, (size_t)(end - p - 1), ",{", 2);
            if (!next) return IAD_OK;
            p = next + 1;
            continue;
        }
        json_t *item = NULL;
        iad_status status = iad_laxjson_parse(p, (size_t)(behind - p), "item", &item, NULL);
        if (status == IAD_OK) status = visit(user, item, err);
        else if (status == IAD_ERR_FORMAT) ++*n_bad, status = IAD_OK;
        json_decref(item);
        IAD_TRY(status);
        p = behind;
    }
    return IAD_OK;
}

const char *iad_laxjson_string(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    const char *text = json_string_value(value);
    return text && *text ? text : NULL;
}

int64_t iad_laxjson_int(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    int64_t number = 0;
    if (json_is_integer(value)) return json_integer_value(value);
    if (json_is_string(value) && iad_parse_i64(json_string_value(value), INT64_MIN, INT64_MAX, key, &number, NULL) == IAD_OK) return number;
    return 0;
}
