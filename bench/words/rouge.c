/* ROUGE-L. The longest common subsequence is counted 64 tokens of the reference at a time (Hyyro 2004, "Bit-parallel LCS-length
 * computation revisited"): V = (V + (V & M)) | (V & ~M), where M marks the places of the candidate's token in the reference; the length is the
 * number of zeros in V at the end. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "bench/words/words.h"

typedef struct token {
    const char *text; /* into the lower-cased copy */
    uint32_t length;
    uint32_t id;      /* equal texts of the reference have one id; NONE: not in the reference */
} token;

typedef struct token_list {
    char *text;
    token *items;
    size_t n, cap;
} token_list;

static const uint32_t NONE = UINT32_MAX;

/* What the reference has. The places of id are place[first[id]] .. place[first[id + 1] - 1], rising; an id that has more of them than the
 * mask has words keeps its mask, the others' are filled in for a moment, so that a token never costs more than the mask's words. */
typedef struct places {
    uint32_t *first, *place, *slots;
    uint64_t **masks;
    size_t n_id, n_slot;
} places;

/* Two characters outside ASCII have a lower case that starts in it (Unicode: U+0130, U+212A); the rest divides, in either case. */
static size_t letter(const unsigned char *p, char *out) {
    if ((*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9')) *out = (char)*p;
    else if (*p >= 'A' && *p <= 'Z') *out = (char)(*p + 32);
    else if (p[0] == 0xC4 && p[1] == 0xB0) return *out = 'i', 2;
    else if (p[0] == 0xE2 && p[1] == 0x84 && p[2] == 0xAA) return *out = 'k', 3;
    else *out = 0;
    return 1;
}

static iad_status cut(const char *text, const char *what, token_list *list, iad_err *err) {
    size_t n = strlen(text), at = 0;
    if (!(list->text = iad_alloc(n + 1, 1))) return IAD_NOMEM(err, "a text");
    const unsigned char *p = (const unsigned char *)text;
    int inside = 0;
    while (*p) {
        char c;
        int dot_above = p[0] == 0xC4; /* the lower case of U+0130 ends in a combining mark, which divides */
        p += letter(p, &c);
        if (!c) {
            inside = 0;
            continue;
        }
        if (!inside) {
            IAD_TRY(iad_grow((void **)&list->items, &list->cap, list->n + 1, sizeof *list->items, IAD_ROUGE_MAX_TOKENS, what, err));
            list->items[list->n++] = (token){list->text + at, 0, NONE};
        }
        list->text[at++] = c;
        list->items[list->n - 1].length++;
        inside = !dot_above;
    }
    return IAD_OK;
}

static void list_deinit(token_list *list) {
    free(list->text);
    free(list->items);
}

static uint64_t hash_of(const token *t) {
    uint64_t h = 14695981039346656037u;
    for (uint32_t i = 0; i < t->length; i++) h = (h ^ (unsigned char)t->text[i]) * 1099511628211u;
    return h ^ h >> 32;
}

/* The slot of a token: it holds the index of an equal token of the reference, or NONE. */
static uint32_t *slot_of(const places *where, const token_list *reference, const token *t) {
    size_t at = hash_of(t) & (where->n_slot - 1);
    for (;; at = (at + 1) & (where->n_slot - 1)) {
        if (where->slots[at] == NONE) return &where->slots[at];
        const token *other = &reference->items[where->slots[at]];
        if (other->length == t->length && !memcmp(other->text, t->text, t->length)) return &where->slots[at];
    }
}

static void set_bits(const places *where, uint32_t id, uint64_t *mask) {
    for (uint32_t k = where->first[id]; k < where->first[id + 1]; k++) mask[where->place[k] / 64] |= (uint64_t)1 << where->place[k] % 64;
}

static iad_status find_places(token_list *reference, size_t n_word, places *where, iad_err *err) {
    for (where->n_slot = 16; where->n_slot < 2 * reference->n;) where->n_slot *= 2;
    where->slots = iad_alloc(where->n_slot, sizeof *where->slots);
    where->first = iad_calloc(reference->n + 2, sizeof *where->first);
    where->place = iad_alloc(reference->n, sizeof *where->place);
    if (!where->slots || !where->first || !where->place) return IAD_NOMEM(err, "the tokens of a text");
    memset(where->slots, 0xff, where->n_slot * sizeof *where->slots);
    for (size_t i = 0; i < reference->n; i++) {
        token *t = &reference->items[i];
        uint32_t *slot = slot_of(where, reference, t);
        if (*slot == NONE) {
            *slot = (uint32_t)i;
            t->id = (uint32_t)where->n_id++;
        } else t->id = reference->items[*slot].id;
        where->first[t->id + 2]++; /* the count of an id; one further than its end, which the next loop but one moves */
    }
    for (size_t id = 0; id < where->n_id; id++) where->first[id + 2] += where->first[id + 1];
    for (size_t i = 0; i < reference->n; i++) where->place[where->first[reference->items[i].id + 1]++] = (uint32_t)i;
    if (!(where->masks = iad_calloc(where->n_id, sizeof *where->masks))) return IAD_NOMEM(err, "the tokens of a text");
    for (uint32_t id = 0; id < where->n_id; id++) {
        if (where->first[id + 1] - where->first[id] <= n_word) continue;
        if (!(where->masks[id] = iad_calloc(n_word, sizeof **where->masks))) return IAD_NOMEM(err, "the tokens of a text");
        set_bits(where, id, where->masks[id]);
    }
    return IAD_OK;
}

static void places_deinit(places *where) {
    for (size_t id = 0; where->masks && id < where->n_id; id++) free(where->masks[id]);
    free(where->masks);
    free(where->slots);
    free(where->first);
    free(where->place);
}

static void step(uint64_t *v, const uint64_t *mask, size_t n_word) {
    uint64_t carry = 0;
    for (size_t w = 0; w < n_word; w++) {
        uint64_t both = v[w] & mask[w], sum = v[w] + carry;
        carry = sum < carry;
        sum += both;
        carry |= sum < both;
        v[w] = sum | (v[w] & ~mask[w]);
    }
}

/* v [n_word], moment [n_word]; both are filled here. */
static size_t common(const places *where, const token_list *reference, const token_list *candidate, size_t n_word, uint64_t *v,
                     uint64_t *moment) {
    memset(v, 0xff, n_word * sizeof *v);
    memset(moment, 0, n_word * sizeof *moment);
    for (size_t i = 0; i < candidate->n; i++) {
        uint32_t first = *slot_of(where, reference, &candidate->items[i]);
        if (first == NONE) continue;
        uint32_t id = reference->items[first].id;
        if (where->masks[id]) {
            step(v, where->masks[id], n_word);
            continue;
        }
        set_bits(where, id, moment);
        step(v, moment, n_word);
        for (uint32_t k = where->first[id]; k < where->first[id + 1]; k++) moment[where->place[k] / 64] = 0;
    }
    size_t length = 0;
    for (size_t k = 0; k < reference->n; k++) length += !(v[k / 64] >> k % 64 & 1);
    return length;
}

iad_status iad_rouge_l(const char *reference, const char *candidate, iad_rouge *score, iad_err *err) {
    token_list r = {0}, c = {0};
    places where = {0};
    uint64_t *v = NULL;
    *score = (iad_rouge){0};
    iad_status status = cut(reference, "tokens of a reference text", &r, err);
    if (status == IAD_OK) status = cut(candidate, "tokens of a candidate text", &c, err);
    if (status == IAD_OK && r.n && c.n) {
        size_t n_word = (r.n + 63) / 64;
        status = find_places(&r, n_word, &where, err);
        if (status == IAD_OK && !(v = iad_alloc(2 * n_word, sizeof *v))) status = IAD_NOMEM(err, "the tokens of a text");
        if (status == IAD_OK) {
            double length = (double)common(&where, &r, &c, n_word, v, v + n_word);
            score->precision = length / (double)c.n;
            score->recall = length / (double)r.n;
            if (length > 0) score->f = 2 * score->precision * score->recall / (score->precision + score->recall);
        }
    }
    free(v);
    places_deinit(&where);
    list_deinit(&r);
    list_deinit(&c);
    return status;
}
