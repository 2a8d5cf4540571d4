#include <string.h>
#include <strings.h>

#include "annotate/check/quality.h"
#include "annotate/check/quality_text.h"

uint32_t iad_text_point(const char **p) {
    const unsigned char *s = (const unsigned char *)*p;
    if (!*s) return 0;
    int n = *s < 0x80 ? 0 : *s >= 0xf0 ? 3 : *s >= 0xe0 ? 2 : *s >= 0xc0 ? 1 : -1;
    uint32_t c = n == 0 ? *s : n == 1 ? *s & 31u : n == 2 ? *s & 15u : n == 3 ? *s & 7u : 0xfffd;
    s++;
    for (int i = 0; i < n; i++) {
        if ((*s & 0xc0) != 0x80) {
            c = 0xfffd;
            break;
        }
        c = c << 6 | (*s++ & 0x3fu);
    }
    *p = (const char *)s;
    return c ? c : 0xfffd;
}

int iad_point_cjk(uint32_t c) {
    return (c >= 0x3400 && c <= 0x9fff) || (c >= 0xf900 && c <= 0xfaff) || (c >= 0x3040 && c <= 0x30ff) || (c >= 0xac00 && c <= 0xd7af) ||
           (c >= 0x20000 && c <= 0x3ffff);
}

int iad_point_word(uint32_t c) {
    if (c < 0x80) return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return (c >= 0xc0 && c < 0x2000 && c != 0xd7 && c != 0xf7) || iad_point_cjk(c);
}

static int ascii_word(unsigned char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80;
}

const char *iad_text_word(const char *text, const char *word) {
    size_t n = strlen(word);
    int open = n && word[n - 1] == '*';
    if (open) n--;
    const char low = *word, high = low >= 'a' && low <= 'z' ? (char)(low - 32) : low; /* most places end here */
    for (const char *p = text; *p; p++) {
        if ((*p != low && *p != high) || (p != text && ascii_word((unsigned char)p[-1]))) continue;
        if (!strncasecmp(p, word, n) && (open || !ascii_word((unsigned char)p[n]))) return p;
    }
    return NULL;
}

size_t iad_quality_words(const char *text, uint32_t *hashes, size_t most) {
    size_t n = 0;
    uint32_t h = 0, c;
    int inside = 0;
    for (const char *p = text; n < most;) {
        c = iad_text_point(&p);
        int cjk = iad_point_cjk(c), word = c && iad_point_word(c);
        /* An apostrophe or hyphen within a word belongs to it. */
        const char *q = p;
        if (inside && (c == '\'' || c == '-' || c == 0x2019) && iad_point_word(iad_text_point(&q)) && !iad_point_cjk(c)) continue;
        if (inside && (!word || cjk)) {
            hashes[n++] = h;
            inside = 0;
        }
        if (!c) break;
        if (cjk && n < most) {
            hashes[n++] = c * 2654435761u;
        } else if (word) {
            if (!inside) h = 2166136261u;
            inside = 1;
            h = (h ^ (c >= 'A' && c <= 'Z' ? c + 32 : c)) * 16777619u;
        }
    }
    return n;
}

static unsigned char lower(unsigned char c) {
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c + 32) : c;
}

const char *iad_text_any(const char *text, const char *const *words, size_t n, size_t *which) {
    uint8_t begins[256] = {0};
    for (size_t i = 0; i < n; i++) begins[lower((unsigned char)*words[i])] = 1;
    for (const char *p = text; *p; p++) {
        unsigned char c = lower((unsigned char)*p);
        for (size_t i = 0; begins[c] && i < n; i++) {
            if (lower((unsigned char)*words[i]) != c || strncasecmp(p, words[i], strlen(words[i])) != 0) continue;
            if (which) *which = i;
            return p;
        }
    }
    return NULL;
}
