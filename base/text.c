#include "base/text.h"

#include <ctype.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"

#define MAX_STRINGS 50000000u

int iad_text_copy(char *dst, size_t size, const char *src) {
    if (size == 0) return 0;
    size_t n = strnlen(src, size);
    int fits = n < size;
    if (!fits) n = size - 1;
    memcpy(dst, src, n);
    dst[n] = 0;
    return fits;
}

int iad_text_starts(const char *text, const char *prefix) { return strncmp(text, prefix, strlen(prefix)) == 0; }

int iad_text_ends(const char *text, const char *suffix) {
    size_t n = strlen(text), m = strlen(suffix);
    return n >= m && memcmp(text + n - m, suffix, m) == 0;
}

static int lower(char c) { return c >= 'A' && c <= 'Z' ? c + 32 : (unsigned char)c; }

int iad_text_equal_nocase(const char *a, const char *b) {
    while (*a && lower(*a) == lower(*b)) a++, b++;
    return lower(*a) == lower(*b);
}

int iad_text_ends_nocase(const char *text, const char *suffix) {
    size_t n = strlen(text), m = strlen(suffix);
    return n >= m && iad_text_equal_nocase(text + n - m, suffix);
}

static int is_digit(char c) { return c >= '0' && c <= '9'; }

int iad_text_compare_natural(const char *a, const char *b) {
    const char *a0 = a, *b0 = b;
    while (*a && *b) {
        if (is_digit(*a) && is_digit(*b)) {
            while (*a == '0' && is_digit(a[1])) a++;
            while (*b == '0' && is_digit(b[1])) b++;
            size_t na = 0, nb = 0;
            while (is_digit(a[na])) na++;
            while (is_digit(b[nb])) nb++;
            if (na != nb) return na < nb ? -1 : 1;
            int order = memcmp(a, b, na);
            if (order) return order;
            a += na;
            b += nb;
        } else {
            if (*a != *b) return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
            a++;
            b++;
        }
    }
    if (*a || *b) return *a ? 1 : -1;
    return strcmp(a0, b0); /* "1" and "01": any fixed order will do */
}

iad_status iad_parse_i64(const char *text, int64_t lo, int64_t hi, const char *what, int64_t *value, iad_err *err) {
    const char *p = text;
    int negative = *p == '-';
    if (negative || *p == '+') p++;
    int64_t v = 0;
    int bad = !is_digit(*p), overflow = 0;
    for (; is_digit(*p); p++) {
        int digit = *p - '0';
        overflow |= __builtin_mul_overflow(v, (int64_t)10, &v) || __builtin_add_overflow(v, negative ? -digit : digit, &v);
    }
    if (bad || *p) return IAD_FAIL(err, IAD_ERR_ARG, "%s: \"%.80s\" is not a whole number", what, text);
    if (overflow || v < lo || v > hi)
        return IAD_FAIL(err, IAD_ERR_ARG, "%s: %.80s is outside %lld..%lld", what, text, (long long)lo, (long long)hi);
    *value = v;
    return IAD_OK;
}

iad_status iad_parse_u64(const char *text, uint64_t *value, const char *what, iad_err *err) {
    uint64_t v = 0;
    const char *p = text;
    int bad = !is_digit(*p), overflow = 0;
    for (; is_digit(*p); p++)
        overflow |= __builtin_mul_overflow(v, (uint64_t)10, &v) || __builtin_add_overflow(v, (uint64_t)(*p - '0'), &v);
    if (bad || *p) return IAD_FAIL(err, IAD_ERR_ARG, "%s: \"%.80s\" is not a whole number of 0 or more", what, text);
    if (overflow) return IAD_FAIL(err, IAD_ERR_ARG, "%s: %.80s is larger than 64 bits hold", what, text);
    *value = v;
    return IAD_OK;
}

/* [sign] digits [. digits] [e [sign] digits]: what we accept, so that "0x1p3", "inf", "1e" and " 1" are refused. */
static int is_decimal(const char *p) {
    if (*p == '-' || *p == '+') p++;
    int digits = 0;
    while (is_digit(*p)) p++, digits++;
    if (*p == '.') {
        p++;
        while (is_digit(*p)) p++, digits++;
    }
    if (!digits) return 0;
    if (*p == 'e' || *p == 'E') {
        p++;
        if (*p == '-' || *p == '+') p++;
        if (!is_digit(*p)) return 0;
        while (is_digit(*p)) p++;
    }
    return *p == 0;
}

iad_status iad_parse_f64(const char *text, double lo, double hi, const char *what, double *value, iad_err *err) {
    if (!is_decimal(text)) return IAD_FAIL(err, IAD_ERR_ARG, "%s: \"%.80s\" is not a number", what, text);
    /* Programs of the suite never call setlocale, but a library's user may have: ask for the C locale. */
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    double v = c ? strtod_l(text, NULL, c) : strtod(text, NULL);
    if (c) freelocale(c);
    if (!(v >= lo && v <= hi)) return IAD_FAIL(err, IAD_ERR_ARG, "%s: %.80s is outside %g..%g", what, text, lo, hi);
    *value = v;
    return IAD_OK;
}

size_t iad_utf8_valid(const char *bytes, size_t n) {
    const unsigned char *s = (const unsigned char *)bytes;
    size_t i = 0;
    while (i < n) {
        unsigned char c = s[i];
        size_t more = c < 0x80 ? 0 : c >= 0xC2 && c < 0xE0 ? 1 : c >= 0xE0 && c < 0xF0 ? 2 : c >= 0xF0 && c < 0xF5 ? 3 : 9;
        if (more == 9 || i + more >= n) return i;
        for (size_t k = 1; k <= more; k++)
            if ((s[i + k] & 0xC0) != 0x80) return i;
        if ((c == 0xE0 && s[i + 1] < 0xA0) || (c == 0xED && s[i + 1] > 0x9F) || (c == 0xF0 && s[i + 1] < 0x90) ||
            (c == 0xF4 && s[i + 1] > 0x8F))
            return i;
        i += more + 1;
    }
    return n;
}

iad_status iad_strings_addn(iad_strings *list, const char *bytes, size_t n, iad_err *err) {
    void *items = list->items;
    IAD_TRY(iad_grow(&items, &list->cap, list->n + 1, sizeof *list->items, MAX_STRINGS, "a list of texts", err));
    list->items = items;
    char *copy = iad_alloc(n + 1, 1);
    if (!copy) return IAD_NOMEM(err, "a text");
    memcpy(copy, bytes, n);
    copy[n] = 0;
    list->items[list->n++] = copy;
    return IAD_OK;
}

iad_status iad_strings_add(iad_strings *list, const char *text, iad_err *err) {
    return iad_strings_addn(list, text, strlen(text), err);
}

iad_status iad_strings_split(iad_strings *list, const char *text, char separator, iad_err *err) {
    if (!*text) return IAD_OK;
    for (;;) {
        const char *end = strchr(text, separator);
        IAD_TRY(iad_strings_addn(list, text, end ? (size_t)(end - text) : strlen(text), err));
        if (!end) return IAD_OK;
        text = end + 1;
    }
}

static int by_bytes(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }
static int by_nature(const void *a, const void *b) { return iad_text_compare_natural(*(char *const *)a, *(char *const *)b); }

void iad_strings_sort(iad_strings *list) {
    if (list->n) qsort(list->items, list->n, sizeof *list->items, by_bytes);
}

void iad_strings_sort_natural(iad_strings *list) {
    if (list->n) qsort(list->items, list->n, sizeof *list->items, by_nature);
}

void iad_strings_deinit(iad_strings *list) {
    for (size_t i = 0; i < list->n; i++) free(list->items[i]);
    free(list->items);
    *list = (iad_strings){NULL, 0, 0};
}
