/* Text to pieces. The text is read once, character by character; the steps of normalisation are taken one after the other for each. */
#include "bench/words/wordpiece_internal.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <utf8proc.h>

#include "base/alloc.h"
#include "bench/words/words.h"
#include "runtime/token/token_text.h"

enum { MOST_PARTS = 8 }; /* characters that one decomposes into: 4 in Unicode 15 */

/* The word being read. Characters beyond max_word are counted only: it is the unknown piece then, whatever they are. */
typedef struct reader {
    const iad_wordpiece *wp;
    iad_pieces *out;
    size_t limit;      /* of out->n, the closing piece apart */
    int full;          /* a piece did not fit */
    int n_char;
    uint32_t word[IAD_WORDPIECE_MAX_WORD];
    uint8_t order[IAD_WORDPIECE_MAX_WORD]; /* canonical combining classes */
} reader;

void iad_pieces_deinit(iad_pieces *pieces) {
    free(pieces->ids);
    *pieces = (iad_pieces){0};
}

static iad_status add_piece(reader *r, int32_t id, iad_err *err) {
    if (r->out->n >= r->limit) {
        r->full = 1;
        return IAD_OK;
    }
    IAD_TRY(iad_grow((void **)&r->out->ids, &r->out->cap, r->out->n + 1, sizeof *r->out->ids, SIZE_MAX / 8, "word pieces", err));
    r->out->ids[r->out->n++] = id;
    r->out->unknown += id == r->wp->unknown;
    return IAD_OK;
}

/* ---- a word to pieces ---- */

/* bytes[n] with n_char characters that end at end[]: the pieces go to ids, their number is returned; 0: not to be had. */
static size_t take_apart(const iad_wordpiece *wp, const char *bytes, const uint32_t *end, int n_char, int32_t *ids) {
    uint64_t hash[IAD_WORDPIECE_MAX_WORD];
    size_t n = 0;
    for (int from = 0; from < n_char;) {
        uint32_t begin = from ? end[from - 1] : 0;
        uint64_t h = IAD_PIECE_SEED;
        int to = from;
        for (uint32_t at = begin; to < n_char && end[to] - begin <= wp->longest; at = end[to++]) {
            h = iad_piece_hash(h, bytes + at, end[to] - at);
            hash[to] = h;
        }
        int32_t id = -1;
        while (to > from && id < 0) {
            to--;
            id = iad_piece_find(wp, bytes + begin, end[to] - begin, hash[to], from > 0);
        }
        if (id < 0) return 0;
        ids[n++] = id;
        from = to + 1;
    }
    return n;
}

static iad_status end_word(reader *r, iad_err *err) {
    int n_char = r->n_char;
    r->n_char = 0;
    if (!n_char) return IAD_OK;
    if (n_char > r->wp->max_word) return add_piece(r, r->wp->unknown, err);
    char bytes[4 * IAD_WORDPIECE_MAX_WORD];
    uint32_t end[IAD_WORDPIECE_MAX_WORD], n = 0;
    int32_t ids[IAD_WORDPIECE_MAX_WORD];
    for (int i = 0; i < n_char; i++) {
        n += (uint32_t)utf8proc_encode_char((utf8proc_int32_t)r->word[i], (utf8proc_uint8_t *)bytes + n);
        end[i] = n;
    }
    size_t n_piece = take_apart(r->wp, bytes, end, n_char, ids);
    if (!n_piece) return add_piece(r, r->wp->unknown, err);
    for (size_t i = 0; i < n_piece && !r->full; i++) IAD_TRY(add_piece(r, ids[i], err));
    return IAD_OK;
}

/* ---- characters to words ---- */

static int is_space(uint32_t c) {
    if (c < 0x80) return c == ' ' || (c >= 9 && c <= 13);
    switch (utf8proc_category((utf8proc_int32_t)c)) {
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP: return 1;
    default: return c == 0x85;
    }
}

static int is_punctuation(uint32_t c) {
    if (c < 0x80) return c > ' ' && c < 127 && !(c >= '0' && c <= '9') && !(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z');
    utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)c);
    return category >= UTF8PROC_CATEGORY_PC && category <= UTF8PROC_CATEGORY_PO;
}

/* Unassigned code points stay. */
static int is_control(uint32_t c) {
    if (c < 0x80) return (c < ' ' && c != '\t' && c != '\n' && c != '\r') || c == 127;
    utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)c);
    return category == UTF8PROC_CATEGORY_CC || category == UTF8PROC_CATEGORY_CF || category == UTF8PROC_CATEGORY_CO || c == 0xFFFD;
}

/* BERT's list of blocks. The tokenizers in use begin the last but one at 2B920, not 2B820, and so do we. */
static int is_ideograph(uint32_t c) {
    return c >= 0x3400 && ((c >= 0x4E00 && c <= 0x9FFF) || c <= 0x4DBF || (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x20000 && c <= 0x2A6DF) ||
                           (c >= 0x2A700 && c <= 0x2B81F) || (c >= 0x2B920 && c <= 0x2CEAF) || (c >= 0x2F800 && c <= 0x2FA1F));
}

/* A character as it is after normalisation. Marks come in canonical order: each moves before those of a higher class. */
static iad_status put(reader *r, uint32_t c, uint8_t order, iad_err *err) {
    if (is_space(c)) return end_word(r, err);
    if (is_punctuation(c)) {
        IAD_TRY(end_word(r, err));
        r->word[0] = c;
        r->n_char = 1;
        return end_word(r, err);
    }
    if (r->n_char >= r->wp->max_word) {
        r->n_char = r->wp->max_word + 1;
        return IAD_OK;
    }
    int at = r->n_char++;
    for (; order && at > 0 && r->order[at - 1] > order; at--) {
        r->word[at] = r->word[at - 1];
        r->order[at] = r->order[at - 1];
    }
    r->word[at] = c;
    r->order[at] = order;
    return IAD_OK;
}

static iad_status put_lower(reader *r, uint32_t c, uint8_t order, iad_err *err) {
    if (!r->wp->lower) return put(r, c, order, err);
    if (c == 0x130) { /* the one character whose lower case is two */
        IAD_TRY(put(r, 'i', 0, err));
        return put(r, 0x307, 0, err);
    }
    return put(r, (uint32_t)utf8proc_tolower((utf8proc_int32_t)c), order, err);
}

static iad_status take(reader *r, uint32_t c, iad_err *err) {
    if (c < 0x80) {
        if (r->wp->clean && is_control(c)) return IAD_OK;
        return put(r, r->wp->lower && c >= 'A' && c <= 'Z' ? c + 32 : c, 0, err);
    }
    if (r->wp->clean && is_control(c)) return IAD_OK;
    int alone = r->wp->ideographs && is_ideograph(c);
    if (alone) IAD_TRY(end_word(r, err));
    if (r->wp->strip) {
        utf8proc_int32_t parts[MOST_PARTS];
        int boundary = 0;
        utf8proc_ssize_t n = utf8proc_decompose_char((utf8proc_int32_t)c, parts, MOST_PARTS, UTF8PROC_DECOMPOSE, &boundary);
        if (n < 0 || n > MOST_PARTS) return IAD_FAIL(err, IAD_ERR_INTERNAL, "U+%04X cannot be decomposed", c);
        for (utf8proc_ssize_t i = 0; i < n; i++) {
            const utf8proc_property_t *property = utf8proc_get_property(parts[i]);
            if (property->category != UTF8PROC_CATEGORY_MN)
                IAD_TRY(put_lower(r, (uint32_t)parts[i], (uint8_t)property->combining_class, err));
        }
    } else IAD_TRY(put_lower(r, c, 0, err));
    return alone ? end_word(r, err) : IAD_OK;
}

/* The longest added token that text[n] begins with, or NULL. */
static const iad_added_token *added_at(const iad_wordpiece *wp, const char *text, size_t n) {
    if (!wp->added_first[(unsigned char)text[0]]) return NULL;
    for (size_t i = 0; i < wp->n_added; i++) {
        const iad_added_token *token = &wp->added[i];
        if (token->length <= n && !(token->any_case ? strncasecmp(text, token->text, token->length) : memcmp(text, token->text, token->length)))
            return token;
    }
    return NULL;
}

iad_status iad_wordpiece_encode(const iad_wordpiece *wp, const char *text, size_t n, size_t max_pieces, iad_pieces *pieces, int *truncated,
                                iad_err *err) {
    reader r = {.wp = wp, .out = pieces, .limit = pieces->n + max_pieces - 1};
    *truncated = 0;
    if (max_pieces < 2) return IAD_FAIL(err, IAD_ERR_ARG, "room for %zu word pieces", max_pieces);
    if (n > IAD_WORDS_MAX_TEXT) return IAD_FAIL(err, IAD_ERR_LIMIT, "a text of %zu bytes: at most %u", n, IAD_WORDS_MAX_TEXT);
    uint64_t unknown = pieces->unknown; /* "[UNK]" may be a framing piece, which is not counted */
    IAD_TRY(add_piece(&r, wp->cls, err));
    pieces->unknown = unknown;
    for (size_t at = 0; at < n && !r.full;) {
        const iad_added_token *token = added_at(wp, text + at, n - at);
        if (token) {
            IAD_TRY(end_word(&r, err));
            if (!r.full) IAD_TRY(add_piece(&r, token->id, err));
            at += token->length;
            continue;
        }
        uint32_t c;
        iad_utf8_state state;
        at += iad_utf8_next((const uint8_t *)text + at, n - at, &c, &state);
        if (state == IAD_UTF8_OK) IAD_TRY(take(&r, c, err));
    }
    if (!r.full) IAD_TRY(end_word(&r, err));
    *truncated = r.full;
    r.limit++;
    unknown = pieces->unknown;
    IAD_TRY(add_piece(&r, wp->sep, err));
    pieces->unknown = unknown;
    return IAD_OK;
}
