#include "annotate/check/textview.h"

#include <stdlib.h>
#include <string.h>

#include "annotate/check/quality.h"
#include "annotate/check/quality_text.h"
#include "base/alloc.h"

/* Of small letters. */
static int in_run(unsigned char c) { return (unsigned char)(c - 'a') < 26 || (unsigned char)(c - '0') < 10 || c >= 0x80; }

size_t iad_gram_places(size_t n) {
    size_t places = 4;
    while (places < 2 * n + 1) places *= 2;
    return places;
}

/* Small letters, and what bytes alone tell. */
static void make_small(iad_text_view *v, size_t n) {
    uint8_t wide = 0, digits = 0; /* of bytes, so that the loop is one of wide registers */
    const uint8_t *from = (const uint8_t *)v->text;
    uint8_t *to = (uint8_t *)v->small;
    for (size_t i = 0; i < n; i++) {
        const uint8_t c = from[i];
        to[i] = (uint8_t)(c + ((uint8_t)(c - 'A') < 26 ? 32 : 0));
        wide |= c;
        digits |= (uint8_t)(c - '0') < 10;
    }
    to[n] = 0;
    v->wide = wide >= 0x80;
    v->digits = digits;
}

static void find_runs(iad_text_view *v, size_t n) {
    const unsigned char *small = (const unsigned char *)v->small;
    for (size_t i = 0; i < n; i++) {
        if (!in_run(small[i])) continue;
        const size_t at = i;
        do i++;
        while (in_run(small[i]));
        uint32_t *first = &v->first[small[at]];
        v->runs[v->n_runs] = (iad_text_run){(uint32_t)at, (uint32_t)(i - at), *first};
        *first = (uint32_t)++v->n_runs;
    }
}

static void find_triples(iad_text_view *v) {
    for (size_t i = 0; i + 2 < v->n_words; i++) {
        const uint64_t h = iad_gram_hash(v->words + i, 3);
        uint64_t *slot = &v->triples.slot[iad_gram_place(&v->triples, h)];
        v->triples.n += !*slot;
        *slot = h;
    }
}

iad_status iad_text_view_init(iad_text_view *v, const char *text, iad_err *err) {
    memset(v, 0, sizeof *v);
    const size_t n = strnlen(text, IAD_VIEW_MAX_TEXT), most = n < IAD_QUALITY_MAX_WORDS ? n : IAD_QUALITY_MAX_WORDS;
    v->text = text;
    v->small = iad_alloc(n + 1, 1);
    v->words = iad_alloc(most + 1, sizeof *v->words);
    v->runs = iad_alloc(n / 2 + 1, sizeof *v->runs);
    if (v->small && v->words && v->runs) {
        make_small(v, n);
        iad_quality_scan scan = {0};
        v->n_words = iad_quality_look(v->small, v->words, most, &scan);
        v->letters = scan.letters, v->cjk = scan.cjk, v->latin = scan.latin;
        find_runs(v, n);
        v->triples.mask = iad_gram_places(v->n_words) - 1;
        v->triples.slot = iad_calloc(v->triples.mask + 1, sizeof *v->triples.slot);
    }
    if (v->triples.slot) {
        find_triples(v);
        return IAD_OK;
    }
    iad_text_view_deinit(v);
    return IAD_NOMEM(err, "a text");
}

void iad_text_view_deinit(iad_text_view *v) {
    free(v->small);
    free(v->words);
    free(v->runs);
    free(v->triples.slot);
    memset(v, 0, sizeof *v);
}

size_t iad_text_view_count(const iad_text_view *v, const char *word) {
    size_t n = strlen(word), count = 0;
    const int open = n && word[n - 1] == '*';
    if (open) n--;
    for (uint32_t at = v->first[(unsigned char)*word]; at; at = v->runs[at - 1].next) {
        const iad_text_run *run = &v->runs[at - 1];
        count += (open ? run->n >= n : run->n == n) && !memcmp(v->small + run->at, word, n);
    }
    return count;
}

int iad_text_view_part(const iad_text_view *v, const char *const *words, size_t n, size_t *which) {
    for (size_t i = 0; i < n; i++) {
        if ((unsigned char)*words[i] >= 0x80 && !v->wide) continue;
        if (!strstr(v->small, words[i])) continue;
        if (which) *which = i;
        return 1;
    }
    return 0;
}
