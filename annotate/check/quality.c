#include "annotate/check/quality.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "annotate/check/quality_text.h"
#include "base/text.h"

#define FAIL(...) return snprintf(why, IAD_WHY, __VA_ARGS__), 0

int iad_quality_transport(const char *finish, const char *asked, const char *served, int names_differ, char why[IAD_WHY]) {
    if (*finish && strcmp(finish, "stop") != 0) FAIL("ended with %.40s", finish);
    size_t n = strlen(asked);
    if (iad_text_ends(asked, "-latest")) n -= 7;
    const char *base = strrchr(served, '/'), *name = strrchr(asked, '/');
    if (names_differ || !*served || !strncmp(served, asked, n)) return 1;
    if (base && !strncmp(base + 1, asked, n)) return 1;
    if (name && !strncmp(served, name + 1, strlen(name + 1))) return 1;
    FAIL("answered by another model: %.100s", served);
}

int iad_quality_refusal(const char *text, char why[IAD_WHY]) {
    static const char *const words[] = {"i'm sorry",
                                        "i\xe2\x80\x99m sorry",
                                        "i am sorry",
                                        "i cannot",
                                        "i can't",
                                        "i can\xe2\x80\x99t",
                                        "i am not able",
                                        "i'm not able",
                                        "as an ai",
                                        "as a language model",
                                        "unable to",
                                        "cannot assist",
                                        "cannot help with",
                                        "无法",
                                        "抱歉",
                                        "对不起",
                                        "不能提供",
                                        "作为一个人工智能",
                                        "作为人工智能",
                                        "作为AI",
                                        "作为一个AI",
                                        "作为一名AI"};
    size_t which;
    if (iad_text_any(text, words, sizeof words / sizeof *words, &which)) FAIL("says \"%s\"", words[which]);
    const char *as = strstr(text, "作为"), *ai = as ? strstr(as, "AI") : NULL;
    if (ai && ai - as < 40) FAIL("speaks of itself as an AI");
    return 1;
}

int iad_quality_length(const char *text, int min, int max, char why[IAD_WHY]) {
    uint32_t words[IAD_QUALITY_MAX_WORDS];
    size_t n = iad_quality_words(text, words, IAD_QUALITY_MAX_WORDS);
    if (n < (size_t)min || n > (size_t)max) FAIL("%zu words, wanted %d to %d", n, min, max);
    return 1;
}

int iad_quality_language(const char *text, const char *lang, char why[IAD_WHY]) {
    int64_t cjk = 0, latin = 0, all = 0;
    uint32_t c;
    for (const char *p = text; (c = iad_text_point(&p)) != 0;) {
        if (!iad_point_word(c)) continue;
        all++;
        cjk += iad_point_cjk(c);
        latin += c < 0x250 && (c > '9');
    }
    if (!all) FAIL("no letters");
    if (!strcmp(lang, "en") && cjk * 100 > all * 2) FAIL("%lld %% of it is Chinese", (long long)(cjk * 100 / all));
    if (!strcmp(lang, "zh") && latin * 100 > all * 30) FAIL("%lld %% of it is Latin", (long long)(latin * 100 / all));
    return 1;
}

static int by_value(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* Sorted hashes of the runs of k words. */
static size_t grams(const char *text, size_t k, uint64_t *out) {
    uint32_t words[IAD_QUALITY_MAX_WORDS];
    size_t n = iad_quality_words(text, words, IAD_QUALITY_MAX_WORDS), m = n >= k ? n - k + 1 : 0;
    for (size_t i = 0; i < m; i++) {
        uint64_t h = 0x9e3779b97f4a7c15u;
        for (size_t j = 0; j < k; j++) h = (h ^ words[i + j]) * 0xff51afd7ed558ccdu, h ^= h >> 32;
        out[i] = h;
    }
    qsort(out, m, sizeof *out, by_value);
    return m;
}

static size_t distinct(uint64_t *sorted, size_t n) {
    size_t k = 0;
    for (size_t i = 0; i < n; i++)
        if (!i || sorted[i] != sorted[k - 1]) sorted[k++] = sorted[i];
    return k;
}

int iad_quality_repetition(const char *text, const char *lang, char why[IAD_WHY]) {
    uint64_t g[IAD_QUALITY_MAX_WORDS];
    size_t n = grams(text, !strcmp(lang, "zh") ? 6 : 4, g);
    for (size_t i = 2; i < n; i++)
        if (g[i] == g[i - 2]) FAIL("the same words again and again");
    n = grams(text, 1, g);
    size_t d = distinct(g, n), share = !strcmp(lang, "zh") ? 25 : 40;
    if (n >= 20 && d * 100 < n * share) FAIL("only %zu %% of its words are distinct", d * 100 / n);
    return 1;
}

static int digit(char c) {
    return c >= '0' && c <= '9';
}

/* 9 to 15 digits with at most one separator between them, or a plus sign before 7 and more. */
static int phone(const char *text) {
    for (const char *p = text; *p; p++) {
        if (!digit(*p) || (p > text && digit(p[-1]))) continue;
        int digits = 0, gaps = 0;
        const char *q = p;
        for (; *q; q++) {
            if (digit(*q)) digits++;
            else if (strchr(" -()", *q) && q[1] && (digit(q[1]) || strchr(" -()", q[1]))) gaps++;
            else break;
        }
        if (digits >= (p > text && p[-1] == '+' ? 7 : 9) && digits <= 15 && gaps <= digits) return 1;
        p = q > p ? q - 1 : p;
    }
    return 0;
}

static int price(const char *text) {
    static const char *const signs[] = {"$", "€", "£", "¥", "￥"};
    static const char *const units[] = {"usd", "eur", "rmb", "cny", "dollar", "yuan", "元"};
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        for (const char *p = strstr(text, signs[i]); p; p = strstr(p + 1, signs[i])) {
            const char *q = p + strlen(signs[i]);
            while (*q == ' ') q++;
            if (digit(*q)) return 1;
        }
    for (const char *p = text; (p = iad_text_any(p, units, sizeof units / sizeof *units, NULL)) != NULL; p++) {
        const char *q = p;
        while (q > text && q[-1] == ' ') q--;
        if (q > text && digit(q[-1])) return 1;
    }
    return 0;
}

static int email(const char *text) {
    const char *at = strchr(text, '@');
    return at && at > text && iad_point_word((unsigned char)at[-1]) && iad_point_word((unsigned char)at[1]) && strchr(at, '.');
}

int iad_quality_form(const char *text, char why[IAD_WHY]) {
    static const char *const addresses[] = {"http://", "https://", "www."};
    if (strstr(text, "**") || strstr(text, "```") || strstr(text, "__")) FAIL("Markdown");
    for (const char *line = text; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
        const char *p = line + strspn(line, " \t");
        if ((strchr("-*+#", *p) && *p && (p[1] == ' ' || p[1] == '#')) || iad_text_starts(p, "•")) FAIL("a list or heading");
        if (digit(*p) && (p[1] == '.' || p[1] == ')') && p[2] == ' ') FAIL("a numbered list");
    }
    if (iad_text_any(text, addresses, sizeof addresses / sizeof *addresses, NULL)) FAIL("a web address");
    if (email(text)) FAIL("an e-mail address");
    if (price(text)) FAIL("a price");
    if (phone(text)) FAIL("a telephone number");
    if (strstr(text, "<image>") || strstr(text, "<box:")) FAIL("a mark of training records");
    return 1;
}

const char *iad_quality_strip(const char *text) {
    static const char *const subjects[] = {"the image", "this image", "the picture",    "this picture",
                                           "the photo", "this photo", "the photograph", "this photograph"};
    static const char *const verbs[] = {" shows ", " depicts ", " displays ", " features ", " presents ", " contains ", " is of "};
    static const char *const zh[] = {"图片显示", "图中显示", "图片展示了", "图像显示", "图片中展示了", "图像展示了", "该图展示了", "这张图片展示了"};
    const char *p = text + strspn(text, " \t\r\n");
    for (size_t i = 0; i < sizeof subjects / sizeof *subjects; i++) {
        size_t n = strlen(subjects[i]);
        if (strncasecmp(p, subjects[i], n) != 0) continue;
        for (size_t j = 0; j < sizeof verbs / sizeof *verbs; j++)
            if (!strncasecmp(p + n, verbs[j], strlen(verbs[j]))) return p + n + strlen(verbs[j]);
    }
    for (size_t i = 0; i < sizeof zh / sizeof *zh; i++)
        if (iad_text_starts(p, zh[i])) {
            p += strlen(zh[i]);
            while (iad_text_starts(p, "，") || iad_text_starts(p, "：")) p += 3;
            return p;
        }
    return p;
}

double iad_quality_jaccard(const char *a, const char *b) {
    uint64_t x[IAD_QUALITY_MAX_WORDS], y[IAD_QUALITY_MAX_WORDS];
    size_t n = grams(a, 3, x), m = grams(b, 3, y), both = 0;
    n = distinct(x, n);
    m = distinct(y, m);
    for (size_t i = 0, j = 0; i < n && j < m;) {
        if (x[i] == y[j]) both++, i++, j++;
        else if (x[i] < y[j]) i++;
        else j++;
    }
    return n + m > both ? (double)both / (double)(n + m - both) : 0;
}

int iad_quality_distinct(const char *a, const char *b, char why[IAD_WHY]) {
    double j = iad_quality_jaccard(a, b);
    if (j >= 0.6) FAIL("shares %.0f %% of its word triples with another text of the answer", 100 * j);
    return 1;
}

int iad_quality_hedging(const char *text, char why[IAD_WHY]) {
    static const char *const words[] = {"appears", "appear", "seems", "seem", "might", "likely", "possibly", "probably", "可能", "似乎", "看起来"};
    int n = 0;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        int wide = (unsigned char)*words[i] >= 0x80;
        for (const char *p = text; (p = wide ? strstr(p, words[i]) : iad_text_word(p, words[i])) != NULL; p += strlen(words[i])) n++;
    }
    if (n > 3) FAIL("%d words of doubt", n);
    return 1;
}

int iad_quality_relevance(const iad_answer_fields *f, char why[IAD_WHY]) {
    if (f->category_match < 0.5) FAIL("category match %.2f", f->category_match);
    if (strcmp(f->view, "photo") != 0) FAIL("view: %s", f->view);
    return 1;
}

void iad_quality_wilson(int64_t k, int64_t n, double *lo, double *hi) {
    const double z = 1.959963984540054;
    if (n <= 0) {
        *lo = 0, *hi = 1;
        return;
    }
    double p = (double)k / (double)n, d = 1 + z * z / (double)n, mid = (p + z * z / (2 * (double)n)) / d;
    double half = z / d * sqrt(p * (1 - p) / (double)n + z * z / (4 * (double)n * (double)n));
    *lo = mid - half < 0 ? 0 : mid - half;
    *hi = mid + half > 1 ? 1 : mid + half;
}
