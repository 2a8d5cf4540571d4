/* A text looked through once, for the checks that ask it many questions: its words, its letters in small, and where words begin. */
#ifndef IAD_ANNOTATE_TEXTVIEW_H
#define IAD_ANNOTATE_TEXTVIEW_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#define IAD_VIEW_MAX_TEXT (1u << 20) /* bytes; what is behind them is not looked at */

typedef struct iad_text_run {
    uint32_t at, n, next; /* bytes of `small`; the next run with the same first byte: its place + 1, 0 none */
} iad_text_run;

/* Distinct 64-bit hashes, 0 standing for an empty place; a hash of 0 is kept as 1. */
typedef struct iad_gram_set {
    uint64_t *slot;
    size_t mask, n; /* mask: places - 1 */
} iad_gram_set;

typedef struct iad_text_view {
    const char *text;    /* borrowed */
    char *small;         /* owned: the text with ASCII letters made small, ended */
    uint32_t *words;     /* [n_words] as iad_quality_words */
    iad_text_run *runs;  /* [n_runs] longest pieces of ASCII letters, digits and bytes beyond ASCII */
    iad_gram_set triples; /* of three words in a row */
    size_t n_words, n_runs;
    uint32_t first[256]; /* the last run that begins with this byte: place + 1, 0 none */
    int64_t letters, cjk, latin; /* letters and digits of any script; of those, CJK and Latin letters */
    int digits, wide;    /* whether there are ASCII digits; bytes beyond ASCII */
} iad_text_view;

/* `text` must live as long as the view. Errors: IAD_ERR_NOMEM. */
iad_status iad_text_view_init(iad_text_view *view, const char *text, iad_err *err);
void iad_text_view_deinit(iad_text_view *view);

/* How often `word` stands in the text, as iad_text_word finds it: the same answers, without looking through the text again. */
size_t iad_text_view_count(const iad_text_view *view, const char *word);
/* Whether any of the n words (ASCII letters in small) is a part of the text, in the order of the list; ASCII case is ignored. *which may be NULL. */
int iad_text_view_part(const iad_text_view *view, const char *const *words, size_t n, size_t *which);

/* Hash of k words in a row. */
static inline uint64_t iad_gram_hash(const uint32_t *words, size_t k) {
    uint64_t h = 0x9e3779b97f4a7c15u;
    for (size_t j = 0; j < k; j++) h = (h ^ words[j]) * 0xff51afd7ed558ccdu, h ^= h >> 32;
    return h ? h : 1;
}
static inline size_t iad_gram_place(const iad_gram_set *set, uint64_t h) {
    size_t at = (size_t)(h & set->mask);
    while (set->slot[at] && set->slot[at] != h) at = (at + 1) & set->mask;
    return at;
}
/* Places that a set of up to n hashes needs: at least half of them stay empty. */
size_t iad_gram_places(size_t n);

#endif
