/* The strings of the golden files: the same as tests/parity/token_strings.py makes. A change here makes all goldens void.
 *
 * pieces.txt: one piece a line; \n \r \t \\ and \xNN are escapes. Numbers come from splitmix64; string i starts from the state
 * 0x1AD70C ^ i * 0xD1342543DE82EF95. */
#ifndef IAD_TEST_TOKEN_STRINGS_H
#define IAD_TEST_TOKEN_STRINGS_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/file.h"

#define TOKEN_STRINGS 24000
#define TOKEN_BLOCK 100

typedef struct token_strings {
    char **piece;
    size_t *length, n;
    uint64_t state;
} token_strings;

static inline uint64_t strings_next(token_strings *s) {
    uint64_t z = s->state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

static inline uint32_t strings_below(token_strings *s, uint32_t n) { return (uint32_t)(strings_next(s) % n); }

static inline void strings_load(token_strings *s) {
    iad_err err = IAD_ERR_NONE;
    uint8_t *data;
    size_t n;
    memset(s, 0, sizeof *s);
    if (iad_file_read(IAD_TEST_DATA "/pieces.txt", 1 << 20, &data, &n, &err) != IAD_OK) abort();
    s->piece = iad_calloc(4096, sizeof *s->piece);
    s->length = iad_calloc(4096, sizeof *s->length);
    for (size_t at = 0; at < n;) {
        char *to = iad_calloc(1, 512);
        size_t k = 0;
        for (; data[at] != '\n'; at++) {
            char c = (char)data[at];
            if (c == '\\') {
                c = (char)data[++at];
                if (c == 'n') c = '\n';
                else if (c == 'r') c = '\r';
                else if (c == 't') c = '\t';
                else if (c == 'x') {
                    char hex[3] = {(char)data[at + 1], (char)data[at + 2], 0};
                    c = (char)strtoul(hex, NULL, 16);
                    at += 2;
                }
            }
            to[k++] = c;
        }
        at++;
        s->piece[s->n] = to;
        s->length[s->n++] = k;
    }
    free(data);
}

static inline void strings_free(token_strings *s) {
    for (size_t i = 0; i < s->n; i++) free(s->piece[i]);
    free(s->piece);
    free(s->length);
}

static inline void strings_put(iad_buf *out, const void *bytes, size_t n) {
    iad_err err = IAD_ERR_NONE;
    if (n && iad_buf_add(out, bytes, n, &err) != IAD_OK) abort();
}

/* UTF-8 without a look at surrogates: they become broken bytes. */
static inline void strings_put_cp(iad_buf *out, uint32_t c) {
    uint8_t b[4];
    if (c < 0x80) {
        b[0] = (uint8_t)c;
        strings_put(out, b, 1);
    } else if (c < 0x800) {
        b[0] = (uint8_t)(0xC0 | c >> 6), b[1] = (uint8_t)(0x80 | (c & 63));
        strings_put(out, b, 2);
    } else if (c < 0x10000) {
        b[0] = (uint8_t)(0xE0 | c >> 12), b[1] = (uint8_t)(0x80 | (c >> 6 & 63)), b[2] = (uint8_t)(0x80 | (c & 63));
        strings_put(out, b, 3);
    } else {
        b[0] = (uint8_t)(0xF0 | c >> 18), b[1] = (uint8_t)(0x80 | (c >> 12 & 63)), b[2] = (uint8_t)(0x80 | (c >> 6 & 63));
        b[3] = (uint8_t)(0x80 | (c & 63));
        strings_put(out, b, 4);
    }
}

static inline void strings_element(token_strings *s, iad_buf *out) {
    static const uint32_t lo[] = {0, 0, 0x10000, 0x300, 0x1100, 0}, hi[] = {0x7FF, 0xFFFF, 0x1FFFF, 0x36F, 0x11FF, 0x10FFFF};
    static const uint32_t space[] = {' ', ' ', '\t', '\n', '\r', 0x0B, 0xA0, 0x3000, 0x2028, 0x85};
    uint32_t r = strings_below(s, 100), k;
    if (r < 60) {
        k = strings_below(s, (uint32_t)s->n);
        strings_put(out, s->piece[k], s->length[k]);
    } else if (r < 68) {
        for (k = 1 + strings_below(s, 8); k; k--) strings_put_cp(out, 32 + strings_below(s, 95));
    } else if (r < 75) {
        k = strings_below(s, 6);
        strings_put_cp(out, lo[k] + strings_below(s, hi[k] - lo[k] + 1));
    } else if (r < 80) {
        for (k = 1 + strings_below(s, 3); k; k--) {
            uint8_t b = (uint8_t)strings_below(s, 256);
            strings_put(out, &b, 1);
        }
    } else if (r < 88) {
        for (k = 1 + strings_below(s, 6); k; k--) strings_put_cp(out, space[strings_below(s, 10)]);
    } else if (r < 94) {
        uint32_t p = strings_below(s, (uint32_t)s->n);
        for (k = 1 + strings_below(s, 12); k; k--) strings_put(out, s->piece[p], s->length[p]);
    } else if (r < 98) {
        for (k = 1 + strings_below(s, 6); k; k--) strings_put_cp(out, '0' + strings_below(s, 10));
    } else {
        strings_put_cp(out, 'a' + strings_below(s, 26));
        for (k = 1 + strings_below(s, 6); k; k--) strings_put_cp(out, 0x300 + strings_below(s, 0x70));
    }
}

/* String i into out (emptied first). */
static inline void strings_make(token_strings *s, uint64_t i, iad_buf *out) {
    s->state = 0x1AD70Cu ^ i * 0xD1342543DE82EF95u;
    iad_buf_reset(out);
    for (uint32_t k = 1 + strings_below(s, 20); k; k--) strings_element(s, out);
    if (i % 1000 == 999) /* one piece of 20,000 letters */
        for (int k = 0; k < 20000; k++) strings_put_cp(out, 'a' + strings_below(s, 26));
    if (i % 1000 == 499) {
        uint32_t p = strings_below(s, (uint32_t)s->n);
        for (int k = 0; k < 3000; k++) strings_put(out, s->piece[p], s->length[p]);
    }
}

static inline uint64_t strings_hash(uint64_t h, const void *bytes, size_t n) {
    const uint8_t *p = bytes;
    for (size_t i = 0; i < n; i++) h = (h ^ p[i]) * 0x100000001b3u;
    return h;
}
#define STRINGS_HASH_START 0xcbf29ce484222325u

#endif
