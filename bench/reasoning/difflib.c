#include "bench/reasoning/difflib.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"

/* b's places by character: those of `chars[u]` are places[first[u]] .. places[first[u + 1]], rising. */
typedef struct matcher {
    uint32_t *a, *b, *chars;
    int32_t n_a, n_b, n_chars;
    int32_t *places, *first;
    int32_t *last, *now; /* length of the common run that ends at b's place; of the previous and the present character of a */
    int32_t *todo;       /* ranges a_lo, a_hi, b_lo, b_hi still to be looked at */
} matcher;

static uint32_t *characters(const char *text, int32_t *n) {
    size_t bytes = strlen(text), at = 0;
    if (bytes > 4u * IAD_DIFFLIB_MAX) bytes = 4u * IAD_DIFFLIB_MAX;
    uint32_t *out = iad_alloc(bytes + 1, sizeof *out);
    *n = 0;
    while (out && at < bytes && *n < IAD_DIFFLIB_MAX) {
        unsigned char c = (unsigned char)text[at];
        size_t len = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : c >= 0xC0 ? 2 : 1;
        uint32_t value = c;
        if (len > 1 && at + len <= bytes && iad_utf8_valid(text + at, len) == len) {
            value = c & (0xFFu >> (len + 1));
            for (size_t k = 1; k < len; k++) value = value << 6 | ((unsigned char)text[at + k] & 0x3Fu);
        } else {
            len = 1;
            if (c >= 0x80) value |= 0x80000000u; /* no character has this value */
        }
        out[(*n)++] = value;
        at += len;
    }
    return out;
}

static int by_character(const void *x, const void *y) {
    const uint32_t *a = x, *b = y; /* character, place */
    return a[0] != b[0] ? (a[0] < b[0] ? -1 : 1) : a[1] < b[1] ? -1 : a[1] > b[1];
}

/* Places of b by character, without those of popular ones. */
static int index_b(matcher *m) {
    size_t n = (size_t)m->n_b;
    uint32_t *pairs = iad_alloc(2 * n, sizeof *pairs);
    m->chars = iad_alloc(n, sizeof *m->chars);
    m->places = iad_alloc(n, sizeof *m->places);
    m->first = iad_alloc(n + 1, sizeof *m->first);
    if (!pairs || !m->chars || !m->places || !m->first) return free(pairs), 0;
    for (size_t i = 0; i < n; i++) pairs[2 * i] = m->b[i], pairs[2 * i + 1] = (uint32_t)i;
    qsort(pairs, n, 2 * sizeof *pairs, by_character);
    int32_t popular = m->n_b >= 200 ? m->n_b / 100 + 1 : INT32_MAX, used = 0;
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i; end < n && pairs[2 * end] == pairs[2 * i]; end++) continue;
        if ((int32_t)(end - i) > popular) continue;
        m->first[m->n_chars] = used;
        m->chars[m->n_chars++] = pairs[2 * i];
        for (size_t k = i; k < end; k++) m->places[used++] = (int32_t)pairs[2 * k + 1];
    }
    m->first[m->n_chars] = used;
    free(pairs);
    return 1;
}

static int32_t find_character(const matcher *m, uint32_t c) {
    int32_t lo = 0, hi = m->n_chars;
    while (lo < hi) {
        int32_t mid = (lo + hi) / 2;
        if (m->chars[mid] < c) lo = mid + 1;
        else hi = mid;
    }
    return lo < m->n_chars && m->chars[lo] == c ? lo : -1;
}

/* The longest common run in a range, the earliest in a (then in b) of several; its length. */
static int32_t longest(matcher *m, int32_t a_lo, int32_t a_hi, int32_t b_lo, int32_t b_hi, int32_t *a_at, int32_t *b_at) {
    int32_t best = 0, before = -1;
    *a_at = a_lo, *b_at = b_lo;
    for (int32_t i = a_lo; i < a_hi; i++) {
        int32_t u = find_character(m, m->a[i]);
        for (int32_t k = u < 0 ? 0 : m->first[u]; u >= 0 && k < m->first[u + 1]; k++) {
            int32_t j = m->places[k];
            if (j < b_lo) continue;
            if (j >= b_hi) break;
            int32_t run = (j > 0 ? m->last[j - 1] : 0) + 1;
            m->now[j] = run;
            if (run > best) best = run, *a_at = i - run + 1, *b_at = j - run + 1;
        }
        for (int32_t k = before < 0 ? 0 : m->first[before]; before >= 0 && k < m->first[before + 1]; k++) m->last[m->places[k]] = 0;
        int32_t *swap = m->last;
        m->last = m->now, m->now = swap;
        before = u;
    }
    for (int32_t k = before < 0 ? 0 : m->first[before]; before >= 0 && k < m->first[before + 1]; k++) m->last[m->places[k]] = 0;
    /* Popular characters start nothing, but they extend. */
    while (*a_at > a_lo && *b_at > b_lo && m->a[*a_at - 1] == m->b[*b_at - 1]) (*a_at)--, (*b_at)--, best++;
    while (*a_at + best < a_hi && *b_at + best < b_hi && m->a[*a_at + best] == m->b[*b_at + best]) best++;
    return best;
}

static int64_t matched(matcher *m) {
    int64_t sum = 0, n = 0;
    memcpy(m->todo, (int32_t[4]){0, m->n_a, 0, m->n_b}, 4 * sizeof *m->todo);
    n = 1;
    while (n > 0) {
        int32_t range[4], i, j;
        memcpy(range, m->todo + 4 * --n, sizeof range);
        int32_t size = longest(m, range[0], range[1], range[2], range[3], &i, &j);
        sum += size;
        if (size == 0) continue;
        const int32_t halves[2][4] = {{range[0], i, range[2], j}, {i + size, range[1], j + size, range[3]}};
        for (int h = 0; h < 2; h++)
            if (halves[h][0] < halves[h][1] && halves[h][2] < halves[h][3]) memcpy(m->todo + 4 * n++, halves[h], sizeof range);
    }
    return sum;
}

iad_status iad_difflib_ratio(const char *a, const char *b, double *ratio, iad_err *err) {
    matcher m = {.a = characters(a, &m.n_a), .b = characters(b, &m.n_b)};
    size_t n = (size_t)m.n_b + 1, ranges = (size_t)(m.n_a < m.n_b ? m.n_a : m.n_b) + 2; /* disjoint, none empty */
    m.last = iad_calloc(n, sizeof *m.last);
    m.now = iad_calloc(n, sizeof *m.now);
    m.todo = iad_alloc(4 * ranges, sizeof *m.todo);
    int64_t total = (int64_t)m.n_a + m.n_b;
    int good = m.a && m.b && m.last && m.now && m.todo && index_b(&m);
    if (good) *ratio = total ? 2.0 * (double)(m.n_a && m.n_b ? matched(&m) : 0) / (double)total : 1;
    free(m.a), free(m.b), free(m.chars), free(m.places), free(m.first), free(m.last), free(m.now), free(m.todo);
    return good ? IAD_OK : IAD_NOMEM(err, "comparing texts");
}
