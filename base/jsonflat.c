#include "base/jsonflat.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "base/text.h"

enum { FEW_KEYS = 16, FIRST_VALUES = 32 };

typedef struct reader {
    const char *start, *at, *end;
    char *out; /* where the next string goes: never longer than what it was read from, with its quotes */
    iad_json_flat *flat;
    const char *name;
    int max_depth;
} reader;

static iad_status wrong(const reader *r, const char *what, iad_err *err) {
    return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: byte %zu: %s", r->name, (size_t)(r->at - r->start), what);
}

static void skip_space(reader *r) {
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\n' || *r->at == '\r' || *r->at == '\t')) r->at++;
}

/* ---- strings ---- */

static int hex4(const char *p) {
    int value = 0;
    for (int i = 0; i < 4; i++) {
        const char c = p[i];
        const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
        if (digit < 0) return -1;
        value = value << 4 | digit;
    }
    return value;
}

static char *put_point(char *out, uint32_t c) {
    if (c < 0x80) *out++ = (char)c;
    else if (c < 0x800) *out++ = (char)(0xc0 | c >> 6), *out++ = (char)(0x80 | (c & 63));
    else if (c < 0x10000) *out++ = (char)(0xe0 | c >> 12), *out++ = (char)(0x80 | (c >> 6 & 63)), *out++ = (char)(0x80 | (c & 63));
    else
        *out++ = (char)(0xf0 | c >> 18), *out++ = (char)(0x80 | (c >> 12 & 63)), *out++ = (char)(0x80 | (c >> 6 & 63)),
        *out++ = (char)(0x80 | (c & 63));
    return out;
}

/* \uXXXX, or two of them for a point beyond 16 bits; `at` stands on the u. */
static iad_status read_point(reader *r, iad_err *err) {
    if (r->end - r->at < 5) return wrong(r, "the text ends in a string", err);
    const int high = hex4(r->at + 1);
    if (high < 0) return wrong(r, "\\u without four digits", err);
    if (high == 0) return wrong(r, "a NUL in a string", err);
    uint32_t point = (uint32_t)high;
    if (high >= 0xd800 && high <= 0xdfff) {
        const int low = r->end - r->at >= 11 && r->at[5] == '\\' && r->at[6] == 'u' ? hex4(r->at + 7) : -1;
        if (high >= 0xdc00 || low < 0xdc00 || low > 0xdfff) return wrong(r, "half of a surrogate pair", err);
        point = 0x10000 + (((uint32_t)high & 0x3ff) << 10 | ((uint32_t)low & 0x3ff));
        r->at += 6;
    }
    r->at += 5;
    r->out = put_point(r->out, point);
    return IAD_OK;
}

static iad_status read_escape(reader *r, iad_err *err) {
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    if (++r->at == r->end) return wrong(r, "the text ends in a string", err);
    if (*r->at == 'u') return read_point(r, err);
    const char *found = *r->at ? strchr(from, *r->at) : NULL;
    if (!found) return wrong(r, "an unknown escape", err);
    *r->out++ = to[found - from];
    r->at++;
    return IAD_OK;
}

/* The bytes up to the next quote, backslash or control character, eight at a time. */
static size_t plain_bytes(const char *p, const char *end) {
    const char *start = p;
    const uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;
    for (; end - p >= 8; p += 8) {
        uint64_t w;
        memcpy(&w, p, 8);
        const uint64_t quote = w ^ 0x2222222222222222u, slash = w ^ 0x5c5c5c5c5c5c5c5cu;
        if (((quote - ones) & ~quote & tops) || ((slash - ones) & ~slash & tops) || ((w - 0x2020202020202020u) & ~w & tops)) break;
    }
    while (p < end && (unsigned char)*p >= 0x20 && *p != '"' && *p != '\\') p++;
    return (size_t)(p - start);
}

/* `at` stands behind the first quote. */
static iad_status read_string(reader *r, const char **text, iad_err *err) {
    *text = r->out;
    for (;;) {
        const size_t n = plain_bytes(r->at, r->end);
        memcpy(r->out, r->at, n);
        r->out += n;
        r->at += n;
        if (r->at == r->end) return wrong(r, "the text ends in a string", err);
        if (*r->at == '"') break;
        if (*r->at != '\\') return wrong(r, "a control character in a string", err);
        IAD_TRY(read_escape(r, err));
    }
    r->at++;
    *r->out++ = 0;
    return IAD_OK;
}

/* ---- numbers and words ---- */

static size_t digits(const char *p, const char *end) {
    const char *start = p;
    while (p < end && *p >= '0' && *p <= '9') p++;
    return (size_t)(p - start);
}

static iad_status read_number(reader *r, iad_flat_value *v, iad_err *err) {
    const char *p = r->at;
    if (*p == '-') p++;
    const size_t whole = digits(p, r->end);
    if (!whole || (*p == '0' && whole > 1)) return wrong(r, "not a number", err);
    p += whole;
    int real = 0;
    if (p < r->end && *p == '.') {
        const size_t n = digits(p + 1, r->end);
        if (!n) return wrong(r, "not a number", err);
        real = 1;
        p += 1 + n;
    }
    if (p < r->end && (*p == 'e' || *p == 'E')) {
        p++;
        if (p < r->end && (*p == '+' || *p == '-')) p++;
        const size_t n = digits(p, r->end);
        if (!n) return wrong(r, "not a number", err);
        real = 1;
        p += n;
    }
    /* The reader of numbers wants a NUL behind them; a comma or bracket follows here, so there is room. */
    const size_t n = (size_t)(p - r->at);
    memcpy(r->out, r->at, n);
    r->out[n] = 0;
    errno = 0;
    if (real) {
        v->type = IAD_FLAT_REAL;
        v->is.real = strtod(r->out, NULL);
        if (isinf(v->is.real)) return wrong(r, "a number that is too large", err);
    } else {
        v->type = IAD_FLAT_INT;
        v->is.number = strtoll(r->out, NULL, 10);
        if (errno == ERANGE) return wrong(r, "a number that is too large", err);
    }
    r->at = p;
    return IAD_OK;
}

static iad_status read_word(reader *r, iad_flat_value *v, iad_err *err) {
    static const struct {
        const char *word;
        size_t n;
        iad_flat_type type;
    } words[] = {{"true", 4, IAD_FLAT_TRUE}, {"false", 5, IAD_FLAT_FALSE}, {"null", 4, IAD_FLAT_NULL}};
    for (size_t i = 0; i < 3; i++)
        if ((size_t)(r->end - r->at) >= words[i].n && !memcmp(r->at, words[i].word, words[i].n)) {
            v->type = words[i].type;
            r->at += words[i].n;
            return IAD_OK;
        }
    return wrong(r, "not a value", err);
}

/* ---- values ---- */

static int by_key(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

/* The members of values[place] are all there. */
static iad_status check_keys(const reader *r, size_t place, iad_err *err) {
    const iad_flat_value *v = r->flat->values, *object = &v[place];
    if (object->is.n <= FEW_KEYS) {
        for (size_t i = place + 1; i < object->next; i = v[i].next)
            for (size_t k = place + 1; k < i; k = v[k].next)
                if (*v[i].key == *v[k].key && !strcmp(v[i].key, v[k].key)) return wrong(r, "a key that was there before", err);
        return IAD_OK;
    }
    const char **keys = iad_alloc(object->is.n, sizeof *keys);
    if (!keys) return IAD_NOMEM(err, r->name);
    size_t n = 0;
    for (size_t i = place + 1; i < object->next; i = v[i].next) keys[n++] = v[i].key;
    qsort(keys, n, sizeof *keys, by_key);
    int twice = 0;
    for (size_t i = 1; i < n; i++) twice |= !strcmp(keys[i], keys[i - 1]);
    free(keys);
    return twice ? wrong(r, "a key that was there before", err) : IAD_OK;
}

static iad_status read_value(reader *r, const char *key, int depth, iad_err *err);

static iad_status read_members(reader *r, size_t place, int object, int depth, iad_err *err) {
    const char close = object ? '}' : ']';
    size_t n = 0;
    if (depth > r->max_depth) return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: JSON nested deeper than %d", r->name, r->max_depth);
    r->at++;
    skip_space(r);
    if (r->at < r->end && *r->at == close) r->at++;
    else
        for (int more = 1; more; n++) {
            const char *key = NULL;
            skip_space(r);
            if (object) {
                if (r->at == r->end || *r->at != '"') return wrong(r, "a key is missing", err);
                r->at++;
                IAD_TRY(read_string(r, &key, err));
                skip_space(r);
                if (r->at == r->end || *r->at != ':') return wrong(r, "':' is missing", err);
                r->at++;
            }
            IAD_TRY(read_value(r, key, depth, err));
            skip_space(r);
            if (r->at == r->end || (*r->at != ',' && *r->at != close)) return wrong(r, "',' or the end is missing", err);
            more = *r->at++ == ',';
        }
    r->flat->values[place].is.n = n;
    r->flat->values[place].next = (uint32_t)r->flat->n;
    return object ? check_keys(r, place, err) : IAD_OK;
}

static iad_status read_value(reader *r, const char *key, int depth, iad_err *err) {
    iad_json_flat *flat = r->flat;
    void *values = flat->values;
    skip_space(r);
    if (r->at == r->end) return wrong(r, "the text ends early", err);
    IAD_TRY(iad_grow(&values, &flat->cap, flat->n ? flat->n + 1 : FIRST_VALUES, sizeof *flat->values, UINT32_MAX - 1, r->name, err));
    flat->values = values;
    const size_t place = flat->n++;
    iad_flat_value *v = &flat->values[place]; /* only until there are more */
    *v = (iad_flat_value){.key = key, .next = (uint32_t)flat->n};
    const char c = *r->at;
    if (c == '{' || c == '[') {
        v->type = c == '{' ? IAD_FLAT_OBJECT : IAD_FLAT_ARRAY;
        return read_members(r, place, c == '{', depth + 1, err);
    }
    if (c == '"') {
        r->at++;
        v->type = IAD_FLAT_STRING;
        return read_string(r, &v->is.text, err);
    }
    return c == '-' || (c >= '0' && c <= '9') ? read_number(r, v, err) : read_word(r, v, err);
}

iad_status iad_json_flat_parse(const char *text, size_t n, int max_depth, const char *name, iad_json_flat *flat, iad_err *err) {
    memset(flat, 0, sizeof *flat);
    if (n > IAD_JSON_MAX_BYTES) return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: more than %u bytes of JSON", name, IAD_JSON_MAX_BYTES);
    const size_t valid = iad_utf8_valid(text, n);
    if (valid < n) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: byte %zu: not UTF-8", name, valid);
    flat->text = iad_alloc(n + 1, 1);
    if (!flat->text) return IAD_NOMEM(err, name);
    reader r = {text, text, text + n, flat->text, flat, name, max_depth > 0 ? max_depth : IAD_JSON_MAX_DEPTH};
    skip_space(&r);
    iad_status status = r.at < r.end && (*r.at == '{' || *r.at == '[') ? read_value(&r, NULL, 0, err) : wrong(&r, "no object or array", err);
    if (status == IAD_OK) skip_space(&r);
    if (status == IAD_OK && r.at < r.end) status = wrong(&r, "more than one value", err);
    if (status != IAD_OK) iad_json_flat_deinit(flat);
    return status;
}

void iad_json_flat_deinit(iad_json_flat *flat) {
    free(flat->values);
    free(flat->text);
    memset(flat, 0, sizeof *flat);
}

const iad_flat_value *iad_flat_get(const iad_json_flat *flat, const iad_flat_value *of, const char *key) {
    if (!of || of->type != IAD_FLAT_OBJECT) return NULL;
    const iad_flat_value *v = flat->values;
    for (size_t i = (size_t)(of - v) + 1; i < of->next; i = v[i].next)
        if (!strcmp(v[i].key, key)) return &v[i];
    return NULL;
}

const iad_flat_value *iad_flat_at(const iad_json_flat *flat, const iad_flat_value *of, size_t i) {
    if (!of || of->type != IAD_FLAT_ARRAY || i >= of->is.n) return NULL;
    const iad_flat_value *v = flat->values;
    size_t at = (size_t)(of - v) + 1;
    while (i--) at = v[at].next;
    return &v[at];
}
