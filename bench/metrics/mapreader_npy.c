/* NumPy's .npy, versions 1.0 to 3.0: magic, version, header length, a Python dictionary literal, raw values. */
#include <stdio.h>
#include <string.h>

#include "bench/metrics/halffloat.h"
#include "bench/metrics/mapreader.h"

#define MAX_HEADER 65536u

typedef struct npy {
    char kind;     /* 'f' or 'u' */
    int bytes;     /* per value */
    int big;       /* big endian */
    int fortran;
    uint64_t shape[4];
    int dims;
} npy;

typedef struct text {
    const char *at, *end;
    const char *name;
} text;

static void skip_space(text *t) {
    while (t->at < t->end && (*t->at == ' ' || *t->at == '\t' || *t->at == '\n' || *t->at == '\r')) t->at++;
}

static int take(text *t, char c) {
    skip_space(t);
    if (t->at == t->end || *t->at != c) return 0;
    t->at++;
    return 1;
}

/* A quoted word without escapes into out[size]. */
static int take_quoted(text *t, char *out, size_t size) {
    skip_space(t);
    if (t->at == t->end || (*t->at != '\'' && *t->at != '"')) return 0;
    char quote = *t->at++;
    size_t n = 0;
    while (t->at < t->end && *t->at != quote) {
        if (n + 1 >= size || *t->at == '\\') return 0;
        out[n++] = *t->at++;
    }
    if (t->at == t->end) return 0;
    t->at++;
    out[n] = 0;
    return 1;
}

static iad_status parse_descr(text *t, npy *h, iad_err *err) {
    char word[16];
    if (!take_quoted(t, word, sizeof word))
        return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "%s: a .npy of structured type is no map", t->name);
    static const struct {
        const char *word;
        char kind;
        int bytes;
    } types[] = {{"f2", 'f', 2}, {"f4", 'f', 4}, {"f8", 'f', 8}, {"u1", 'u', 1}, {"u2", 'u', 2}};
    char order = word[0];
    const char *type = word;
    if (order == '<' || order == '>' || order == '=' || order == '|') type++;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (!strcmp(type, types[i].word)) {
            h->kind = types[i].kind;
            h->bytes = types[i].bytes;
            h->big = order == '>';
            return IAD_OK;
        }
    return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "%s: .npy type \"%s\" is not f2, f4, f8, u1 or u2", t->name, word);
}

static iad_status parse_shape(text *t, npy *h, iad_err *err) {
    if (!take(t, '(')) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: .npy shape is not a tuple", t->name);
    h->dims = 0;
    while (!take(t, ')')) {
        skip_space(t);
        uint64_t value = 0;
        int digits = 0;
        while (t->at < t->end && *t->at >= '0' && *t->at <= '9') {
            value = value * 10 + (uint64_t)(*t->at++ - '0');
            if (++digits > 12) return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: .npy shape is too large", t->name);
        }
        if (!digits) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: .npy shape is broken", t->name);
        if (h->dims == 4) return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "%s: a .npy of more than 4 dimensions is no map", t->name);
        h->shape[h->dims++] = value;
        if (!take(t, ',')) {
            if (!take(t, ')')) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: .npy shape is broken", t->name);
            break;
        }
    }
    return IAD_OK;
}

static iad_status parse_dictionary(text *t, npy *h, iad_err *err) {
    enum { DESCR = 1, FORTRAN = 2, SHAPE = 4 };
    int seen = 0;
    if (!take(t, '{')) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: .npy header is not a dictionary", t->name);
    while (!take(t, '}')) {
        char key[32];
        if (!take_quoted(t, key, sizeof key) || !take(t, ':')) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: .npy header is broken", t->name);
        int bit;
        if (!strcmp(key, "descr")) {
            bit = DESCR;
            IAD_TRY(parse_descr(t, h, err));
        } else if (!strcmp(key, "shape")) {
            bit = SHAPE;
            IAD_TRY(parse_shape(t, h, err));
        } else if (!strcmp(key, "fortran_order")) {
            bit = FORTRAN;
            skip_space(t);
            size_t left = (size_t)(t->end - t->at);
            if (left >= 4 && !memcmp(t->at, "True", 4)) h->fortran = 1, t->at += 4;
            else if (left >= 5 && !memcmp(t->at, "False", 5)) h->fortran = 0, t->at += 5;
            else return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: .npy header is broken", t->name);
        } else {
            return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: .npy header has an unknown key \"%s\"", t->name, key);
        }
        if (seen & bit) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: .npy header repeats \"%s\"", t->name, key);
        seen |= bit;
        if (!take(t, ',')) {
            if (!take(t, '}')) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: .npy header is broken", t->name);
            break;
        }
    }
    if (seen != (DESCR | FORTRAN | SHAPE)) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: .npy header lacks a key", t->name);
    return IAD_OK;
}

/* Leading and trailing ones are dropped until two dimensions are left. */
static iad_status plane_shape(const npy *h, const char *name, int *width, int *height, iad_err *err) {
    int first = 0, last = h->dims;
    while (last - first > 2 && h->shape[first] == 1) first++;
    while (last - first > 2 && h->shape[last - 1] == 1) last--;
    if (last - first != 2) return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "%s: .npy of %d dimensions is not one map [h,w]", name, h->dims);
    const uint64_t *size = h->shape + first;
    if (!size[0] || !size[1] || size[0] > IAD_IMAGE_MAX_SIDE || size[1] > IAD_IMAGE_MAX_SIDE ||
        size[0] * size[1] > IAD_IMAGE_MAX_PIXELS)
        return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: map of %llu x %llu pixels", name, (unsigned long long)size[1], (unsigned long long)size[0]);
    *height = (int)size[0];
    *width = (int)size[1];
    return IAD_OK;
}

float iad_half_float(uint16_t half) {
    uint32_t sign = (uint32_t)(half & 0x8000u) << 16, exponent = half >> 10 & 31, fraction = half & 1023u, bits;
    if (exponent == 0) {
        float value = (float)fraction * 0x1p-24f;
        return sign ? -value : value;
    }
    if (exponent == 31) bits = sign | 0x7f800000u | fraction << 13;
    else bits = sign | (exponent + 112) << 23 | fraction << 13;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint64_t load(const uint8_t *at, int bytes, int big) {
    uint64_t value = 0;
    for (int i = 0; i < bytes; i++) value |= (uint64_t)at[big ? bytes - 1 - i : i] << (8 * i);
    return value;
}

static float value_of(const npy *h, const uint8_t *at) {
    uint64_t bits = load(at, h->bytes, h->big);
    if (h->kind == 'u') return (float)bits;
    if (h->bytes == 2) return iad_half_float((uint16_t)bits);
    if (h->bytes == 4) {
        uint32_t word = (uint32_t)bits;
        float value;
        memcpy(&value, &word, sizeof value);
        return value;
    }
    double value;
    memcpy(&value, &bits, sizeof value);
    return (float)value;
}

iad_status iad_mapreader_npy(const void *bytes, size_t n, const char *name, iad_plane *plane, iad_err *err) {
    *plane = (iad_plane){0};
    const uint8_t *p = bytes;
    if (n < 10 || memcmp(p, "\x93NUMPY", 6) != 0) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: not a .npy file", name);
    if (p[6] < 1 || p[6] > 3 || p[7] != 0)
        return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "%s: .npy version %d.%d", name, p[6], p[7]);
    size_t start = p[6] == 1 ? 10 : 12;
    if (n < start) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: .npy file ends in its header", name);
    uint64_t header = load(p + 8, p[6] == 1 ? 2 : 4, 0);
    if (header > MAX_HEADER) return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: .npy header of %llu bytes", name, (unsigned long long)header);
    if (header > n - start) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: .npy file ends in its header", name);
    text t = {(const char *)p + start, (const char *)p + start + header, name};
    npy h = {0};
    IAD_TRY(parse_dictionary(&t, &h, err));
    skip_space(&t);
    if (t.at != t.end) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: .npy header has more behind its dictionary", name);
    int width = 0, height = 0;
    IAD_TRY(plane_shape(&h, name, &width, &height, err));
    if (h.fortran) return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "%s: .npy in Fortran order; save it in C order", name);
    size_t count = (size_t)width * (size_t)height, have = n - start - (size_t)header;
    if (have != count * (size_t)h.bytes)
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: .npy holds %zu bytes of values instead of %zu", name, have, count * (size_t)h.bytes);
    IAD_TRY(iad_plane_init(plane, width, height, err));
    const uint8_t *values = p + start + header;
    for (size_t i = 0; i < count; i++) plane->px[i] = value_of(&h, values + i * (size_t)h.bytes);
    return IAD_OK;
}

iad_status iad_mapreader_encode_npy(const iad_plane *plane, iad_buf *out, iad_err *err) {
    char header[128];
    int n = snprintf(header, sizeof header, "{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d), }", plane->height, plane->width);
    /* Magic, version, length and header together fill a multiple of 64, with a newline at the end. */
    size_t total = (10 + (size_t)n + 1 + 63) / 64 * 64, length = total - 10;
    const uint8_t start[10] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, (uint8_t)length, (uint8_t)(length >> 8)};
    IAD_TRY(iad_buf_add(out, start, sizeof start, err));
    IAD_TRY(iad_buf_add(out, header, (size_t)n, err));
    for (size_t i = (size_t)n; i + 1 < length; i++) IAD_TRY(iad_buf_add(out, " ", 1, err));
    IAD_TRY(iad_buf_add(out, "\n", 1, err));
    size_t count = (size_t)plane->width * (size_t)plane->height;
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, plane->px + i, sizeof bits);
        const uint8_t little[4] = {(uint8_t)bits, (uint8_t)(bits >> 8), (uint8_t)(bits >> 16), (uint8_t)(bits >> 24)};
        IAD_TRY(iad_buf_add(out, little, 4, err));
    }
    return IAD_OK;
}
