#include "annotate/check/quality.h"

#include <math.h>
#include <stdio.h>
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

int iad_quality_refusal(const iad_text_view *v, char why[IAD_WHY]) {
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
                                        "作为ai",
                                        "作为一个ai",
                                        "作为一名ai"};
    size_t which;
    if (iad_text_view_part(v, words, sizeof words / sizeof *words, &which)) FAIL("says \"%s\"", words[which]);
    const char *as = v->wide ? strstr(v->text, "作为") : NULL, *ai = as ? strstr(as, "AI") : NULL;
    if (ai && ai - as < 40) FAIL("speaks of itself as an AI");
    return 1;
}

int iad_quality_length(const iad_text_view *v, int min, int max, char why[IAD_WHY]) {
    if (v->n_words < (size_t)min || v->n_words > (size_t)max) FAIL("%zu words, wanted %d to %d", v->n_words, min, max);
    return 1;
}

int iad_quality_language(const iad_text_view *v, const char *lang, char why[IAD_WHY]) {
    if (!v->letters) FAIL("no letters");
    if (!strcmp(lang, "en") && v->cjk * 100 > v->letters * 2) FAIL("%lld %% of it is Chinese", (long long)(v->cjk * 100 / v->letters));
    if (!strcmp(lang, "zh") && v->latin * 100 > v->letters * 30) FAIL("%lld %% of it is Latin", (long long)(v->latin * 100 / v->letters));
    return 1;
}

/* Runs of k words: the largest number of times that one stands in the text, and in *distinct how many different ones there are. */
static size_t most_often(const iad_text_view *v, size_t k, size_t *distinct) {
    uint64_t slot[4 * IAD_QUALITY_MAX_WORDS];
    uint16_t times[4 * IAD_QUALITY_MAX_WORDS];
    const size_t n = v->n_words >= k ? v->n_words - k + 1 : 0, places = iad_gram_places(n);
    const iad_gram_set set = {.slot = slot, .mask = places - 1};
    size_t most = 0;
    *distinct = 0;
    memset(slot, 0, places * sizeof *slot);
    for (size_t i = 0; i < n; i++) {
        const uint64_t h = iad_gram_hash(v->words + i, k);
        const size_t at = iad_gram_place(&set, h);
        if (!slot[at]) slot[at] = h, times[at] = 0, ++*distinct;
        if (++times[at] > most) most = times[at];
    }
    return most;
}

int iad_quality_repetition(const iad_text_view *v, const char *lang, char why[IAD_WHY]) {
    size_t distinct, share = !strcmp(lang, "zh") ? 25 : 40;
    if (most_often(v, !strcmp(lang, "zh") ? 6 : 4, &distinct) >= 3) FAIL("the same words again and again");
    (void)most_often(v, 1, &distinct);
    if (v->n_words >= 20 && distinct * 100 < v->n_words * share) FAIL("only %zu %% of its words are distinct", distinct * 100 / v->n_words);
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

/* A sign before a number, or a unit behind one. */
static int price(const iad_text_view *v) {
    static const char *const signs[] = {"$", "€", "£", "¥", "￥"};
    static const char *const units[] = {"usd", "eur", "rmb", "cny", "dollar", "yuan", "元"};
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        for (const char *p = strstr(v->small, signs[i]); p; p = strstr(p + 1, signs[i])) {
            const char *q = p + strlen(signs[i]);
            while (*q == ' ') q++;
            if (digit(*q)) return 1;
        }
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        for (const char *p = v->small; (p = strstr(p, units[i])) != NULL; p++) {
            const char *q = p;
            while (q > v->small && q[-1] == ' ') q--;
            if (q > v->small && digit(q[-1])) return 1;
        }
    return 0;
}

static int email(const char *text) {
    const char *at = strchr(text, '@');
    return at && at > text && iad_point_word((unsigned char)at[-1]) && iad_point_word((unsigned char)at[1]) && strchr(at, '.');
}

int iad_quality_form(const iad_text_view *v, char why[IAD_WHY]) {
    static const char *const addresses[] = {"http://", "https://", "www."};
    const char *text = v->small;
    if (strstr(text, "**") || strstr(text, "```") || strstr(text, "__")) FAIL("Markdown");
    for (const char *line = text; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
        const char *p = line + strspn(line, " \t");
        if ((strchr("-*+#", *p) && *p && (p[1] == ' ' || p[1] == '#')) || iad_text_starts(p, "•")) FAIL("a list or heading");
        if (digit(*p) && (p[1] == '.' || p[1] == ')') && p[2] == ' ') FAIL("a numbered list");
    }
    if (iad_text_view_part(v, addresses, sizeof addresses / sizeof *addresses, NULL)) FAIL("a web address");
    if (email(text)) FAIL("an e-mail address");
    if (v->digits && price(v)) FAIL("a price");
    if (v->digits && phone(text)) FAIL("a telephone number");
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

double iad_quality_jaccard(const iad_text_view *a, const iad_text_view *b) {
    const iad_gram_set *x = &a->triples, *y = &b->triples;
    size_t both = 0;
    for (size_t i = 0; i <= x->mask; i++) both += x->slot[i] && y->slot[iad_gram_place(y, x->slot[i])];
    return x->n + y->n > both ? (double)both / (double)(x->n + y->n - both) : 0;
}

int iad_quality_distinct(const iad_text_view *a, const iad_text_view *b, char why[IAD_WHY]) {
    double j = iad_quality_jaccard(a, b);
    if (j >= 0.6) FAIL("shares %.0f %% of its word triples with another text of the answer", 100 * j);
    return 1;
}

int iad_quality_hedging(const iad_text_view *v, char why[IAD_WHY]) {
    static const char *const words[] = {"appears", "appear", "seems", "seem", "might", "likely", "possibly", "probably"};
    static const char *const parts[] = {"可能", "似乎", "看起来"};
    size_t n = 0;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) n += iad_text_view_count(v, words[i]);
    for (size_t i = 0; v->wide && i < sizeof parts / sizeof *parts; i++)
        for (const char *p = v->small; (p = strstr(p, parts[i])) != NULL; p += strlen(parts[i])) n++;
    if (n > 3) FAIL("%zu words of doubt", n);
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
