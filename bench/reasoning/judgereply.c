#include "bench/reasoning/judgereply.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

static int digit(char c) { return c >= '0' && c <= '9'; }

/* A decimal number of at most 15 characters at p; its length, 0: none. */
static size_t number(const char *p, const char *end, double *value) {
    char text[16];
    size_t n = 0;
    while (p + n < end && (digit(p[n]) || (p[n] == '.' && p + n + 1 < end && digit(p[n + 1])))) n++;
    if (n == 0 || n >= sizeof text) return 0;
    memcpy(text, p, n);
    text[n] = 0;
    return iad_parse_f64(text, 0, 1e9, "score", value, NULL) == IAD_OK ? n : 0;
}

static int read_line(const char *p, const char *end, int want, double *scores) {
    int n = 0;
    const char *colon = memchr(p, ':', (size_t)(end - p));
    int label = colon != NULL;
    for (const char *s = p; label && s < colon; s++) label = !digit(*s);
    if (label) p = colon + 1;
    while (p < end) {
        double value, ten;
        size_t len = number(p, end, &value);
        if (len) {
            if (n == want || !(value >= 1 && value <= 10)) return 0;
            scores[n++] = value;
            p += len;
            if (p < end && *p == '/') { /* out of ten, nothing else */
                size_t of = number(p + 1, end, &ten);
                if (!of || ten != 10) return 0;
                p += 1 + of;
            }
            if (p < end && (*p == '-' || *p == '%' || *p == '+')) return 0; /* a range, a share */
        } else if (strchr(" \t\r,;|*_`()[]{}.#", *p)) p++;
        else return 0;
    }
    return n == want;
}

int iad_judge_reply(const char *reply, int want, double *scores) {
    double found[2];
    for (const char *line = reply; *line;) {
        const char *end = line + strcspn(line, "\n");
        if (want >= 1 && want <= 2 && read_line(line, end, want, found)) {
            memcpy(scores, found, (size_t)want * sizeof *scores);
            return 1;
        }
        line = end + (*end == '\n');
    }
    return 0;
}
