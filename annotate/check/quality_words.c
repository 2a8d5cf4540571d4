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
    if (c < 0x80) return (c | 32) - 'a' < 26u || c - '0' < 10u;
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

size_t iad_quality_look(const char *text, uint32_t *hashes, size_t most, iad_quality_scan *scan) {
    size_t n = 0;
    uint32_t h = 0, c = 0;
    int inside = 0;
    for (const char *p = text;;) {
        const unsigned char byte = (unsigned char)*p;
        if (byte - 1u < 0x7f) c = byte, p++; /* most texts are ASCII */
        else c = iad_text_point(&p);
        const int cjk = c >= 0x80 && iad_point_cjk(c);
        if (!cjk && iad_point_word(c)) {
            scan->letters++;
            scan->latin += c < 0x250 && c > '9';
            h = ((inside ? h : 2166136261u) ^ (c - 'A' < 26u ? c + 32 : c)) * 16777619u;
            inside = 1;
            continue;
        }
        scan->letters += cjk;
        scan->cjk += cjk;
        /* An apostrophe or hyphen within a word belongs to it. */
        const char *q = p;
        if (inside && (c == '\'' || c == '-' || c == 0x2019) && iad_point_word(iad_text_point(&q))) continue;
        if (inside && n < most) hashes[n++] = h;
        inside = 0;
        if (!c) return n;
        if (cjk && n < most) hashes[n++] = c * 2654435761u;
    }
}

size_t iad_quality_words(const char *text, uint32_t *hashes, size_t most) {
    iad_quality_scan unused = {0};
    return iad_quality_look(text, hashes, most, &unused);
}
