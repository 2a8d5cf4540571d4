#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "runtime/token/tokenizer_internal.h"

/* Words come again and again: the ids of pieces of up to KEY bytes are kept, one cache line each. */
enum { KEY = 24, IDS = 9, SLOTS = 1 << 14 };

typedef struct word_slot {
    uint64_t key[3];
    int32_t ids[IDS];
    uint8_t length, n; /* length 0: empty */
} word_slot;
_Static_assert(sizeof(word_slot) == 64, "one cache line");

struct iad_token_scratch {
    word_slot *words;
    uint8_t owner[IAD_SHA256_BYTES]; /* whose words these are */
    iad_token_text text;
    iad_bpe_work work;
    int32_t *symbols;
    size_t cap_symbols;
    iad_pretok_matcher matcher;
};

iad_status iad_token_scratch_new(iad_token_scratch **scratch, iad_err *err) {
    *scratch = NULL;
    iad_token_scratch *made = iad_calloc(1, sizeof *made);
    if (made) made->words = iad_alloc_aligned(SLOTS, sizeof *made->words);
    if (!made || !made->words) {
        free(made);
        return IAD_NOMEM(err, "tokenizer working memory");
    }
    memset(made->words, 0, SLOTS * sizeof *made->words);
    *scratch = made;
    return IAD_OK;
}

void iad_token_scratch_free(iad_token_scratch *scratch) {
    if (!scratch) return;
    iad_token_text_deinit(&scratch->text);
    iad_bpe_work_deinit(&scratch->work);
    iad_pretok_matcher_deinit(&scratch->matcher);
    free(scratch->symbols);
    free(scratch->words);
    free(scratch);
}

/* ---- the list ---- */

void iad_token_list_deinit(iad_token_list *list) {
    free(list->ids);
    free(list->begin);
    free(list->end);
    memset(list, 0, sizeof *list);
}

static iad_status list_reserve(iad_token_list *list, size_t more, int offsets, iad_err *err) {
    if (list->n == 0 && offsets && !list->begin && list->cap) { /* the list had memory, but none for offsets */
        list->begin = iad_alloc(list->cap, sizeof *list->begin);
        list->end = iad_alloc(list->cap, sizeof *list->end);
        if (!list->begin || !list->end) {
            free(list->begin);
            free(list->end);
            list->begin = list->end = NULL;
            return IAD_NOMEM(err, "tokens");
        }
    }
    if (list->n + more <= list->cap) return IAD_OK;
    int with = list->cap ? list->begin != NULL : offsets;
    size_t want = list->n + more, cap = list->cap * 2 > want ? list->cap * 2 : want;
    if (cap < 16) cap = 16;
    /* The capacity counts only when all three have grown. */
    void *block = iad_realloc(list->ids, cap, sizeof *list->ids);
    if (!block) return IAD_NOMEM(err, "tokens");
    list->ids = block;
    if (with) {
        block = iad_realloc(list->begin, cap, sizeof *list->begin);
        if (block) list->begin = block;
        void *other = block ? iad_realloc(list->end, cap, sizeof *list->end) : NULL;
        if (!other) return IAD_NOMEM(err, "tokens");
        list->end = other;
    }
    list->cap = cap;
    return IAD_OK;
}

/* Offsets that the list cannot have for all of its tokens are given up. */
static void list_settle(iad_token_list *list, int offsets) {
    if (offsets || !list->begin) return;
    free(list->begin);
    free(list->end);
    list->begin = list->end = NULL;
}

iad_status iad_token_list_add(iad_token_list *list, int32_t id, int offsets, uint32_t begin, uint32_t end, iad_err *err) {
    list_settle(list, offsets);
    IAD_TRY(list_reserve(list, 1, offsets, err));
    if (list->begin) {
        list->begin[list->n] = begin;
        list->end[list->n] = end;
    }
    list->ids[list->n++] = id;
    return IAD_OK;
}

/* ---- one piece ---- */

/* First 24 bytes of p[n], n <= KEY, zeros behind. `room`: bytes that may be read at p. */
static inline void load_key(const uint8_t *p, size_t n, size_t room, uint64_t key[3]) {
    if (room >= KEY) {
        memcpy(key, p, KEY);
        if (n < 8) {
            key[0] &= ((uint64_t)1 << 8 * n) - 1;
            key[1] = key[2] = 0;
        } else if (n < 16) {
            key[1] &= ((uint64_t)1 << 8 * (n - 8)) - 1;
            key[2] = 0;
        } else if (n < 24) {
            key[2] &= ((uint64_t)1 << 8 * (n - 16)) - 1;
        }
    } else {
        key[0] = key[1] = key[2] = 0;
        memcpy(key, p, n);
    }
}

static inline size_t word_place(const uint64_t key[3], size_t n) {
    uint64_t h = (key[0] ^ n) * 0x9E3779B97F4A7C15u;
    h = (h ^ h >> 32 ^ key[1]) * 0xC2B2AE3D27D4EB4Fu;
    h = (h ^ h >> 32 ^ key[2]) * 0x165667B19E3779F9u;
    return (size_t)(h >> 40) & (SLOTS - 1);
}

static iad_status merge_piece(const iad_tokenizer *tok, iad_token_scratch *scratch, const uint8_t *piece, size_t *n, iad_err *err) {
    IAD_TRY(iad_grow((void **)&scratch->symbols, &scratch->cap_symbols, *n, sizeof *scratch->symbols, IAD_TOKEN_MAX_TEXT,
                     "symbols of a piece", err));
    for (size_t i = 0; i < *n; i++) scratch->symbols[i] = tok->byte_id[piece[i]];
    return iad_bpe_merge(&tok->merges, &scratch->work, scratch->symbols, n, err);
}

/* Where the text being cut lies in the given one. */
typedef struct text_place {
    size_t base; /* of this segment */
    size_t hint;
} text_place;

/* Appends the ids of data[begin, end). */
static iad_status add_piece(const iad_tokenizer *tok, iad_token_scratch *scratch, const uint8_t *data, size_t begin, size_t end,
                            size_t n, int offsets, text_place *place, iad_token_list *out, iad_err *err) {
    size_t length = end - begin, count = length;
    const int32_t *ids;
    if (length == 1) {
        ids = &tok->byte_id[data[begin]];
    } else if (length <= KEY) {
        uint64_t key[3];
        load_key(data + begin, length, n - begin, key);
        word_slot *slot = &scratch->words[word_place(key, length)];
        if (slot->length == length && slot->key[0] == key[0] && slot->key[1] == key[1] && slot->key[2] == key[2]) {
            ids = slot->ids;
            count = slot->n;
        } else {
            IAD_TRY(merge_piece(tok, scratch, data + begin, &count, err));
            ids = scratch->symbols;
            if (count <= IDS) {
                memcpy(slot->key, key, sizeof key);
                memcpy(slot->ids, ids, count * sizeof *ids);
                slot->length = (uint8_t)length;
                slot->n = (uint8_t)count;
            }
        }
    } else {
        IAD_TRY(merge_piece(tok, scratch, data + begin, &count, err));
        ids = scratch->symbols;
    }
    if (out->n + count > out->cap) IAD_TRY(list_reserve(out, count, offsets, err));
    int32_t *to = out->ids + out->n;
    for (size_t i = 0; i < count; i++) to[i] = ids[i];
    if (offsets && out->begin) {
        size_t at = begin;
        for (size_t i = 0; i < count; i++) {
            size_t next = at + tok->offset[ids[i] + 1] - tok->offset[ids[i]];
            uint32_t from, until;
            iad_token_map_back(&scratch->text, at, next, &place->hint, &from, &until);
            out->begin[out->n + i] = (uint32_t)place->base + from;
            out->end[out->n + i] = (uint32_t)place->base + until;
            at = next;
        }
    }
    out->n += count;
    return IAD_OK;
}

/* ---- segments between added tokens ---- */

/* Cuts scratch->text.data[begin, end) into pieces. */
static iad_status add_pieces(const iad_tokenizer *tok, iad_token_scratch *scratch, size_t begin, size_t end, int offsets,
                             text_place *place, iad_token_list *out, iad_err *err) {
    const uint8_t *data = scratch->text.data + begin; /* a segment is a text of its own for the pattern */
    size_t n = end - begin;
    if (tok->regex) IAD_TRY(iad_pretok_matcher_start(&scratch->matcher, tok->regex, err));
    for (size_t at = 0, next = 0; at < n; at = next) {
        if (tok->regex) IAD_TRY(iad_pretok_matcher_next(&scratch->matcher, data, at, n, &next, err));
        else next = iad_pretok_qwen2(&tok->classes, data, at, n);
        IAD_TRY(add_piece(tok, scratch, scratch->text.data, begin + at, begin + next, scratch->text.n, offsets, place, out, err));
    }
    return IAD_OK;
}

static iad_status add_segment(const iad_tokenizer *tok, iad_token_scratch *scratch, const uint8_t *text, size_t base, size_t n,
                              int flags, iad_token_list *out, iad_err *err) {
    int offsets = !!(flags & IAD_TOKEN_OFFSETS);
    text_place place = {base, 0};
    IAD_TRY(iad_token_normalise(&tok->classes, text + base, n, tok->nfc, &scratch->text, err));
    size_t done = 0;
    if ((flags & IAD_TOKEN_ADDED) && tok->normalised.n) {
        for (size_t at = 0; at < scratch->text.n;) {
            const uint8_t *data = scratch->text.data;
            const iad_token_added *added =
                tok->normalised.first[data[at]] ? iad_token_added_find(&tok->normalised, data, at, scratch->text.n) : NULL;
            if (!added) {
                at++;
                continue;
            }
            IAD_TRY(add_pieces(tok, scratch, done, at, offsets, &place, out, err));
            uint32_t from, until;
            iad_token_map_back(&scratch->text, at, at + added->n, &place.hint, &from, &until);
            IAD_TRY(iad_token_list_add(out, added->id, offsets, (uint32_t)base + from, (uint32_t)base + until, err));
            done = at += added->n;
        }
    }
    return add_pieces(tok, scratch, done, scratch->text.n, offsets, &place, out, err);
}

iad_status iad_tokenizer_encode(const iad_tokenizer *tok, iad_token_scratch *scratch, const char *text, size_t n, int flags,
                                iad_token_list *out, iad_err *err) {
    if (n > IAD_TOKEN_MAX_TEXT) return IAD_FAIL(err, IAD_ERR_LIMIT, "text of %zu bytes: more than %u", n, IAD_TOKEN_MAX_TEXT);
    if (memcmp(scratch->owner, tok->digest, sizeof scratch->owner) != 0) {
        memset(scratch->words, 0, SLOTS * sizeof *scratch->words);
        memcpy(scratch->owner, tok->digest, sizeof scratch->owner);
    }
    const uint8_t *bytes = (const uint8_t *)text;
    size_t before = out->n, done = 0;
    int offsets = !!(flags & IAD_TOKEN_OFFSETS);
    iad_status status = IAD_OK;
    if (n) list_settle(out, offsets);
    if (out->begin && !offsets) return IAD_FAIL(err, IAD_ERR_INTERNAL, "offsets left over");
    if (n) status = list_reserve(out, n / 4 + 16, offsets, err);
    if ((flags & IAD_TOKEN_ADDED) && tok->raw.n) {
        for (size_t at = 0; at < n && status == IAD_OK;) {
            const iad_token_added *added = tok->raw.first[bytes[at]] ? iad_token_added_find(&tok->raw, bytes, at, n) : NULL;
            if (!added) {
                at++;
                continue;
            }
            if (at > done) status = add_segment(tok, scratch, bytes, done, at - done, flags, out, err);
            if (status == IAD_OK)
                status = iad_token_list_add(out, added->id, offsets, (uint32_t)at, (uint32_t)(at + added->n), err);
            done = at += added->n;
        }
    }
    if (status == IAD_OK && n > done) status = add_segment(tok, scratch, bytes, done, n - done, flags, out, err);
    if (status != IAD_OK) out->n = before;
    return status;
}
