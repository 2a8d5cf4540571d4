#include "runtime/tensor/stheader.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "runtime/tensor/safetensors.h"

typedef struct cursor {
    const char *text, *at, *end, *path;
} cursor;

static iad_status bad(const cursor *c, const char *what, iad_err *err) {
    return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: header byte %zu: %s", c->path, (size_t)(c->at - c->text), what);
}

static void skip_space(cursor *c) {
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\t' || *c->at == '\n' || *c->at == '\r')) c->at++;
}

/* Skips white space; takes the character when it comes next. */
static int take(cursor *c, char wanted) {
    skip_space(c);
    if (c->at >= c->end || *c->at != wanted) return 0;
    c->at++;
    return 1;
}

static int hex4(cursor *c, uint32_t *code) {
    if (c->end - c->at < 4) return 0;
    *code = 0;
    for (int i = 0; i < 4; i++) {
        char d = *c->at++;
        int v = d >= '0' && d <= '9' ? d - '0' : d >= 'a' && d <= 'f' ? d - 'a' + 10 : d >= 'A' && d <= 'F' ? d - 'A' + 10 : -1;
        if (v < 0) return 0;
        *code = *code << 4 | (uint32_t)v;
    }
    return 1;
}

static size_t put_utf8(uint32_t code, char *out) {
    if (code < 0x80) return out[0] = (char)code, 1;
    if (code < 0x800) return out[0] = (char)(0xc0 | code >> 6), out[1] = (char)(0x80 | (code & 63)), 2;
    if (code < 0x10000) return out[0] = (char)(0xe0 | code >> 12), out[1] = (char)(0x80 | (code >> 6 & 63)), out[2] = (char)(0x80 | (code & 63)), 3;
    out[0] = (char)(0xf0 | code >> 18), out[1] = (char)(0x80 | (code >> 12 & 63)), out[2] = (char)(0x80 | (code >> 6 & 63));
    return out[3] = (char)(0x80 | (code & 63)), 4;
}

static iad_status escape(cursor *c, char *out, size_t *k, iad_err *err) {
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    uint32_t code, low;
    char kind = c->at < c->end ? *c->at++ : 0;
    const char *hit = kind ? strchr(from, kind) : NULL;
    if (hit) {
        out[0] = to[hit - from];
        *k = 1;
        return IAD_OK;
    }
    if (kind != 'u' || !hex4(c, &code)) return bad(c, "a bad escape", err);
    if (code == 0) return bad(c, "a NUL in a string", err);
    if (code >= 0xd800 && code < 0xe000) {
        if (code >= 0xdc00 || c->end - c->at < 2 || c->at[0] != '\\' || c->at[1] != 'u') return bad(c, "a lone surrogate", err);
        c->at += 2;
        if (!hex4(c, &low) || low < 0xdc00 || low > 0xdfff) return bad(c, "a lone surrogate", err);
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    *k = put_utf8(code, out);
    return IAD_OK;
}

/* A string of at most max bytes into a block that the caller frees. */
static iad_status string(cursor *c, size_t max, char **value, iad_err *err) {
    *value = NULL;
    if (!take(c, '"')) return bad(c, "a string is missing", err);
    const char *close = c->at;
    while (close < c->end && *close != '"') close += *close == '\\' && close + 1 < c->end ? 2 : 1;
    if (close >= c->end) return bad(c, "a string without its end", err);
    size_t raw = (size_t)(close - c->at), n = 0;
    if (raw > 6 * max)
        return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: header byte %zu: a string of more than %zu bytes", c->path, (size_t)(c->at - c->text), max);
    char *out = iad_alloc(raw + 1, 1); /* an escape is never shorter than what it stands for */
    if (!out) return IAD_NOMEM(err, c->path);
    iad_status status = IAD_OK;
    while (status == IAD_OK && *c->at != '"') {
        size_t k = 1;
        char byte = *c->at++;
        if ((unsigned char)byte < 0x20) status = bad(c, "a control byte in a string", err);
        else if (byte == '\\') status = escape(c, out + n, &k, err);
        else out[n] = byte;
        n += k;
    }
    out[n] = 0;
    if (status == IAD_OK && n > max) status = IAD_FAIL(err, IAD_ERR_LIMIT, "%s: a string of more than %zu bytes", c->path, max);
    if (status == IAD_OK && iad_utf8_valid(out, n) != n) status = bad(c, "a string that is not UTF-8", err);
    if (status != IAD_OK) {
        free(out);
        return status;
    }
    c->at++;
    *value = out;
    return IAD_OK;
}

/* A whole number 0 .. 2^63-1 without sign, fraction, exponent or leading zero. */
static iad_status number(cursor *c, uint64_t *value, iad_err *err) {
    skip_space(c);
    const char *start = c->at;
    uint64_t v = 0;
    for (; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++) {
        unsigned digit = (unsigned)(*c->at - '0');
        if (v > ((uint64_t)INT64_MAX - digit) / 10) return bad(c, "a number above 2^63-1", err);
        v = v * 10 + digit;
    }
    if (c->at == start || (c->at - start > 1 && *start == '0')) return bad(c, "a whole number is missing", err);
    if (c->at < c->end && (*c->at == '.' || *c->at == 'e' || *c->at == 'E')) return bad(c, "a number that is not whole", err);
    *value = v;
    return IAD_OK;
}

/* "[n, n, ...]" of at most max numbers. */
static iad_status numbers(cursor *c, uint64_t *values, int max, int *n, const char *name, iad_err *err) {
    *n = 0;
    if (!take(c, '[')) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: tensor %.200s: an array is missing", c->path, name);
    if (take(c, ']')) return IAD_OK;
    do {
        if (*n == max) return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: tensor %.200s: more than %d numbers in an array", c->path, name, max);
        IAD_TRY(number(c, &values[(*n)++], err));
    } while (take(c, ','));
    return take(c, ']') ? IAD_OK : bad(c, "an array without its end", err);
}

static iad_status tensor_member(cursor *c, iad_st_entry *e, const char *key, unsigned *seen, iad_err *err) {
    unsigned bit = strcmp(key, "dtype") == 0 ? 1 : strcmp(key, "shape") == 0 ? 2 : strcmp(key, "data_offsets") == 0 ? 4 : 0;
    if (!bit) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: tensor %.200s: unknown member \"%.40s\"", c->path, e->name, key);
    if (*seen & bit) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: tensor %.200s: \"%s\" twice", c->path, e->name, key);
    *seen |= bit;
    uint64_t values[IAD_TENSOR_MAX_RANK];
    if (bit == 1) {
        char *kind;
        IAD_TRY(string(c, 32, &kind, err));
        int known = iad_dtype_find(kind, &e->dtype);
        iad_status status = known ? IAD_OK : IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "%s: tensor %.200s: element type \"%.32s\"", c->path, e->name, kind);
        free(kind);
        return status;
    }
    if (bit == 2) {
        IAD_TRY(numbers(c, values, IAD_TENSOR_MAX_RANK, &e->rank, e->name, err));
        for (int i = 0; i < e->rank; i++) e->shape[i] = (int64_t)values[i];
        return IAD_OK;
    }
    int n;
    IAD_TRY(numbers(c, values, 2, &n, e->name, err));
    if (n != 2) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: tensor %.200s: data_offsets must be two numbers", c->path, e->name);
    e->begin = values[0];
    e->end = values[1];
    return IAD_OK;
}

static iad_status tensor(cursor *c, iad_st_entry *e, uint64_t data_bytes, iad_err *err) {
    unsigned seen = 0;
    if (!take(c, '{')) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: tensor %.200s: not an object", c->path, e->name);
    if (!take(c, '}')) {
        do {
            char *key;
            IAD_TRY(string(c, 32, &key, err));
            iad_status status = take(c, ':') ? tensor_member(c, e, key, &seen, err) : bad(c, "':' is missing", err);
            free(key);
            IAD_TRY(status);
        } while (take(c, ','));
        if (!take(c, '}')) return bad(c, "an object without its end", err);
    }
    if (seen != 7) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: tensor %.200s: dtype, shape or data_offsets is missing", c->path, e->name);
    uint64_t bytes;
    if (iad_tensor_bytes(e->name, e->dtype, e->rank, e->shape, &bytes, err) != IAD_OK) return iad_err_prefix(err, "%s", c->path);
    if (e->begin > e->end || e->end > data_bytes)
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: tensor %.200s: bytes %llu to %llu of %llu", c->path, e->name, (unsigned long long)e->begin,
                        (unsigned long long)e->end, (unsigned long long)data_bytes);
    char shape[160];
    if (e->end - e->begin != bytes)
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: tensor %.200s: %llu bytes, but %s %s takes %llu", c->path, e->name,
                        (unsigned long long)(e->end - e->begin), iad_dtype_name(e->dtype),
                        iad_tensor_shape_text(e->rank, e->shape, shape, sizeof shape), (unsigned long long)bytes);
    return IAD_OK;
}

static iad_status metadata(cursor *c, iad_st_header *h, iad_err *err) {
    if (h->n_metadata) return bad(c, "__metadata__ twice", err);
    if (!take(c, '{')) return bad(c, "__metadata__ is not an object", err);
    if (take(c, '}')) return IAD_OK;
    do {
        void *items = h->metadata;
        IAD_TRY(iad_grow(&items, &h->cap_metadata, h->n_metadata + 2, sizeof *h->metadata, 2 * IAD_ST_MAX_METADATA, c->path, err));
        h->metadata = items;
        IAD_TRY(string(c, IAD_ST_MAX_HEADER / 8, &h->metadata[h->n_metadata], err));
        h->n_metadata++;
        if (!take(c, ':')) return bad(c, "':' is missing", err);
        IAD_TRY(string(c, IAD_ST_MAX_HEADER / 8, &h->metadata[h->n_metadata], err));
        h->n_metadata++;
    } while (take(c, ','));
    return take(c, '}') ? IAD_OK : bad(c, "__metadata__ without its end", err);
}

static iad_status members(cursor *c, iad_st_header *h, uint64_t data_bytes, iad_err *err) {
    if (c->at >= c->end || *c->at != '{') return bad(c, "the header does not start with '{'", err);
    c->at++;
    if (!take(c, '}')) {
        do {
            char *name;
            IAD_TRY(string(c, IAD_ST_MAX_NAME, &name, err));
            if (!take(c, ':')) {
                free(name);
                return bad(c, "':' is missing", err);
            }
            if (strcmp(name, "__metadata__") == 0) {
                free(name);
                IAD_TRY(metadata(c, h, err));
                continue;
            }
            void *items = h->items;
            iad_status status = iad_grow(&items, &h->cap, h->n + 1, sizeof *h->items, IAD_ST_MAX_TENSORS, c->path, err);
            if (status != IAD_OK) {
                free(name);
                return status;
            }
            h->items = items;
            iad_st_entry *e = &h->items[h->n++];
            *e = (iad_st_entry){.name = name};
            if (!*name) return bad(c, "a tensor without a name", err);
            IAD_TRY(tensor(c, e, data_bytes, err));
        } while (take(c, ','));
        if (!take(c, '}')) return bad(c, "the header has no end", err);
    }
    skip_space(c);
    return c->at == c->end ? IAD_OK : bad(c, "text behind the header's end", err);
}

static int by_place(const void *a, const void *b) {
    const iad_st_entry *x = a, *y = b;
    if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
    if (x->end != y->end) return x->end < y->end ? -1 : 1;
    return strcmp(x->name, y->name);
}

static iad_status check_cover(const iad_st_header *h, uint64_t data_bytes, const char *path, iad_err *err) {
    uint64_t at = 0;
    for (size_t i = 0; i < h->n; i++) {
        const iad_st_entry *e = &h->items[i];
        if (e->begin != at)
            return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: tensor %.200s: %s before it, at byte %llu", path, e->name,
                            e->begin < at ? "an overlap with the one" : "a hole", (unsigned long long)(e->begin < at ? e->begin : at));
        at = e->end;
    }
    if (at != data_bytes)
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: %llu bytes of data, tensors end at %llu", path, (unsigned long long)data_bytes,
                        (unsigned long long)at);
    return IAD_OK;
}

iad_status iad_st_header_parse(iad_st_header *header, const char *text, size_t n, uint64_t data_bytes, const char *path, iad_err *err) {
    cursor c = {text, text, text + n, path};
    memset(header, 0, sizeof *header);
    iad_status status = members(&c, header, data_bytes, err);
    if (status == IAD_OK && header->n) qsort(header->items, header->n, sizeof *header->items, by_place);
    if (status == IAD_OK) status = check_cover(header, data_bytes, path, err);
    if (status != IAD_OK) iad_st_header_deinit(header);
    return status;
}

void iad_st_header_deinit(iad_st_header *header) {
    for (size_t i = 0; i < header->n; i++) free(header->items[i].name);
    for (size_t i = 0; i < header->n_metadata; i++) free(header->metadata[i]);
    free(header->items);
    free(header->metadata);
    memset(header, 0, sizeof *header);
}
