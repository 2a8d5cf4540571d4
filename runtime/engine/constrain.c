#include "runtime/engine/constrain.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "runtime/engine/constrain_automaton.h"

/* Tokens in the order of their bytes: neighbours share beginnings, which a walk through the automaton then does only
 * once. */
typedef struct token_order {
    int32_t n;
    int32_t *id;
    uint32_t *offset;      /* into the bytes of the vocabulary */
    uint16_t *len, *lcp;   /* bytes; bytes shared with the one before */
    int32_t begin[257];    /* tokens that begin with byte b: begin[b] .. begin[b + 1] - 1 */
} token_order;

struct iad_constrain_vocab {
    int32_t n_vocab;
    size_t n_word;
    uint8_t *bytes;
    token_order all, rest; /* rest: tokens that are not plain */
    uint64_t *eos;         /* bits */
    /* Plain tokens are whole characters that may stand inside a JSON string as they are; sorted by their number of
     * characters. */
    uint64_t *plain;
    int32_t *by_chars;
    int32_t
        chars_begin[IAD_CONSTRAIN_MAX_TOKEN + 2]; /* tokens of c characters: chars_begin[c] .. chars_begin[c + 1] - 1 */
    int max_chars;
};

struct iad_matcher {
    const iad_constrain_vocab *vocab;
    const iad_constraint *constraint;
    int64_t budget, used;
    int ended, mask_is_new;
    iad_cstate state;
    iad_cstate *path; /* [IAD_CONSTRAIN_MAX_TOKEN + 1]: after so many bytes of the token under test */
    uint64_t *mask;
};

/* ---- vocabulary ---- */

typedef struct sortable {
    const uint8_t *bytes;
    uint32_t n;
    int32_t id;
    int chars; /* of a plain token, else 0 */
} sortable;

static int by_token_bytes(const void *a, const void *b) {
    const sortable *x = a, *y = b;
    const int order = memcmp(x->bytes, y->bytes, x->n < y->n ? x->n : y->n);
    if (order) return order;
    if (x->n != y->n) return x->n < y->n ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

static int plain_chars(const uint8_t *bytes, uint32_t n) {
    int chars = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (bytes[i] < 0x20 || bytes[i] == '"' || bytes[i] == '\\') return 0;
        chars += (bytes[i] & 0xc0) != 0x80;
    }
    return iad_utf8_valid((const char *)bytes, n) == n ? chars : 0;
}

static void free_order(token_order *order) {
    free(order->id);
    free(order->offset);
    free(order->len);
    free(order->lcp);
}

static iad_status make_order(const iad_constrain_vocab *vocab, const sortable *items, const uint32_t *offsets,
                             int32_t n, int skip_plain, token_order *order, iad_err *err) {
    (void)vocab;
    order->id = iad_alloc((size_t)n, sizeof *order->id);
    order->offset = iad_alloc((size_t)n, sizeof *order->offset);
    order->len = iad_alloc((size_t)n, sizeof *order->len);
    order->lcp = iad_alloc((size_t)n, sizeof *order->lcp);
    if (!order->id || !order->offset || !order->len || !order->lcp) return IAD_NOMEM(err, "the token index");
    const sortable *before = NULL;
    int byte = 0;
    for (int32_t i = 0; i < n; i++) {
        const sortable *t = &items[i];
        if (skip_plain && t->chars) continue;
        uint32_t shared = 0;
        while (before && shared < t->n && shared < before->n && t->bytes[shared] == before->bytes[shared]) shared++;
        while (byte <= t->bytes[0]) order->begin[byte++] = order->n;
        order->id[order->n] = t->id;
        order->offset[order->n] = offsets[i];
        order->len[order->n] = (uint16_t)t->n;
        order->lcp[order->n++] = (uint16_t)shared;
        before = t;
    }
    while (byte <= 256) order->begin[byte++] = order->n;
    return IAD_OK;
}

static iad_status check_single_bytes(const sortable *items, int32_t n, iad_err *err) {
    uint8_t seen[256] = {0};
    for (int32_t i = 0; i < n; i++)
        if (items[i].n == 1) seen[items[i].bytes[0]] = 1;
    for (int b = 0; b <= 0xf4; b++)
        if (!seen[b] && b != 0xc0 && b != 0xc1)
            return IAD_FAIL(err, IAD_ERR_UNSUPPORTED,
                            "the vocabulary has no token for the single byte 0x%02x; it is not byte-level", b);
    return IAD_OK;
}

static iad_status fill_plain(iad_constrain_vocab *vocab, const sortable *items, int32_t n, iad_err *err) {
    int32_t count[IAD_CONSTRAIN_MAX_TOKEN + 2] = {0}, next = 0;
    vocab->by_chars = iad_alloc((size_t)n, sizeof *vocab->by_chars);
    if (!vocab->by_chars) return IAD_NOMEM(err, "the token index");
    for (int32_t i = 0; i < n; i++) count[items[i].chars]++;
    for (int c = 1; c <= IAD_CONSTRAIN_MAX_TOKEN; c++) {
        vocab->chars_begin[c] = next;
        next += count[c];
        if (count[c]) vocab->max_chars = c;
        count[c] = vocab->chars_begin[c];
    }
    vocab->chars_begin[IAD_CONSTRAIN_MAX_TOKEN + 1] = next;
    for (int32_t i = 0; i < n; i++) {
        if (!items[i].chars) continue;
        vocab->by_chars[count[items[i].chars]++] = items[i].id;
        vocab->plain[items[i].id / 64] |= UINT64_C(1) << (items[i].id % 64);
    }
    return IAD_OK;
}

/* items [n] sorted; their bytes are copied. */
static iad_status fill_vocab(iad_constrain_vocab *vocab, sortable *items, int32_t n, iad_err *err) {
    size_t total = 0, at = 0;
    IAD_TRY(check_single_bytes(items, n, err));
    for (int32_t i = 0; i < n; i++) total += items[i].n;
    vocab->bytes = iad_alloc(total, 1);
    uint32_t *offsets = iad_alloc((size_t)n, sizeof *offsets);
    iad_status status = vocab->bytes && offsets ? IAD_OK : IAD_NOMEM(err, "the token index");
    for (int32_t i = 0; i < n && status == IAD_OK; i++) {
        offsets[i] = (uint32_t)at;
        memcpy(vocab->bytes + at, items[i].bytes, items[i].n);
        at += items[i].n;
        items[i].chars = plain_chars(items[i].bytes, items[i].n);
    }
    if (status == IAD_OK) status = make_order(vocab, items, offsets, n, 0, &vocab->all, err);
    if (status == IAD_OK) status = make_order(vocab, items, offsets, n, 1, &vocab->rest, err);
    if (status == IAD_OK) status = fill_plain(vocab, items, n, err);
    free(offsets);
    return status;
}

iad_status iad_constrain_vocab_new(const iad_token_bytes *tokens, int32_t n_vocab, const int32_t *eos, int n_eos,
                                   iad_constrain_vocab **vocab, iad_err *err) {
    *vocab = NULL;
    if (n_vocab < 1 || n_eos < 1) return IAD_FAIL(err, IAD_ERR_ARG, "%d tokens with %d ends of text", n_vocab, n_eos);
    if (n_vocab > 1 << 21) return IAD_FAIL(err, IAD_ERR_LIMIT, "vocabulary of %d tokens", n_vocab);
    for (int i = 0; i < n_eos; i++)
        if (eos[i] < 0 || eos[i] >= n_vocab)
            return IAD_FAIL(err, IAD_ERR_ARG, "end of text %d is outside the vocabulary of %d", eos[i], n_vocab);
    iad_constrain_vocab *made = iad_calloc(1, sizeof *made);
    sortable *items = iad_alloc((size_t)n_vocab, sizeof *items);
    iad_status status = IAD_OK;
    if (made) {
        made->n_vocab = n_vocab;
        made->n_word = ((size_t)n_vocab + 63) / 64;
        made->eos = iad_calloc(made->n_word, sizeof *made->eos);
        made->plain = iad_calloc(made->n_word, sizeof *made->plain);
    }
    if (!made || !items || !made->eos || !made->plain) status = IAD_NOMEM(err, "the token index");
    else {
        int32_t n = 0;
        for (int i = 0; i < n_eos; i++) made->eos[eos[i] / 64] |= UINT64_C(1) << (eos[i] % 64);
        for (int32_t i = 0; i < n_vocab; i++)
            if (tokens[i].n >= 1 && tokens[i].n <= IAD_CONSTRAIN_MAX_TOKEN && !(made->eos[i / 64] >> (i % 64) & 1))
                items[n++] = (sortable){tokens[i].bytes, tokens[i].n, i, 0};
        qsort(items, (size_t)n, sizeof *items, by_token_bytes);
        status = fill_vocab(made, items, n, err);
    }
    free(items);
    if (status != IAD_OK) {
        iad_constrain_vocab_free(made);
        return status;
    }
    *vocab = made;
    return IAD_OK;
}

void iad_constrain_vocab_free(iad_constrain_vocab *vocab) {
    if (!vocab) return;
    free_order(&vocab->all);
    free_order(&vocab->rest);
    free(vocab->bytes);
    free(vocab->eos);
    free(vocab->plain);
    free(vocab->by_chars);
    free(vocab);
}

/* ---- matcher ---- */

iad_status iad_matcher_new(const iad_constrain_vocab *vocab, const iad_constraint *constraint, int64_t budget,
                           iad_matcher **matcher, iad_err *err) {
    *matcher = NULL;
    const int64_t shortest = iad_constraint_shortest(constraint);
    if (budget < 0) return IAD_FAIL(err, IAD_ERR_ARG, "budget of %lld tokens", (long long)budget);
    if (budget && budget < shortest)
        return IAD_FAIL(err, IAD_ERR_LIMIT, "the shortest answer may need %lld tokens; the budget is %lld",
                        (long long)shortest, (long long)budget);
    iad_matcher *made = iad_calloc(1, sizeof *made);
    if (made) {
        made->vocab = vocab;
        made->constraint = constraint;
        made->budget = budget ? budget : INT64_MAX;
        made->path = iad_alloc(IAD_CONSTRAIN_MAX_TOKEN + 1, sizeof *made->path);
        made->mask = iad_calloc(vocab->n_word, sizeof *made->mask);
    }
    if (!made || !made->path || !made->mask) {
        iad_matcher_free(made);
        return IAD_NOMEM(err, "a constrained answer");
    }
    iad_matcher_reset(made);
    *matcher = made;
    return IAD_OK;
}

void iad_matcher_free(iad_matcher *matcher) {
    if (!matcher) return;
    free(matcher->path);
    free(matcher->mask);
    free(matcher);
}

void iad_matcher_reset(iad_matcher *matcher) {
    matcher->used = 0;
    matcher->ended = matcher->mask_is_new = 0;
    iad_cstate_start(matcher->constraint, &matcher->state);
}

static void allow(iad_matcher *m, int32_t id) { m->mask[id / 64] |= UINT64_C(1) << (id % 64); }

/* Tokens order->begin[byte] .. : one after the other, from the first byte that differs from the token before. */
static void walk_byte(iad_matcher *m, const token_order *order, int byte, int64_t left) {
    const int32_t first = order->begin[byte], end = order->begin[byte + 1];
    int reached = 1; /* path[0 .. reached] are the states along the token before */
    iad_cstate_copy(&m->path[1], &m->state);
    if (first == end || !iad_cstate_byte(m->constraint, &m->path[1], (uint8_t)byte)) return;
    for (int32_t i = first; i < end; i++) {
        const int shared = i == first ? 1 : order->lcp[i], len = order->len[i];
        if (shared > reached) continue; /* what stopped the one before stops this one */
        const uint8_t *bytes = m->vocab->bytes + order->offset[i];
        for (reached = shared; reached < len; reached++) {
            iad_cstate_copy(&m->path[reached + 1], &m->path[reached]);
            if (!iad_cstate_byte(m->constraint, &m->path[reached + 1], bytes[reached])) break;
        }
        if (reached == len && iad_cstate_rest(m->constraint, &m->path[len]) <= left) allow(m, order->id[i]);
    }
}

/* Plain tokens inside a string: only their number of characters matters. */
static void allow_plain(iad_matcher *m, int64_t room, int64_t demanded, int64_t after, int64_t left) {
    const iad_constrain_vocab *v = m->vocab;
    int64_t low = demanded + after - left, high = room < v->max_chars ? room : v->max_chars;
    if (after > left) return;
    if (low < 1) low = 1;
    if (low > high) return;
    if (low == 1 && high == v->max_chars)
        for (size_t i = 0; i < v->n_word; i++) m->mask[i] |= v->plain[i];
    else
        for (int32_t i = v->chars_begin[low]; i < v->chars_begin[high + 1]; i++) allow(m, v->by_chars[i]);
}

const uint64_t *iad_matcher_mask(iad_matcher *matcher) {
    if (matcher->mask_is_new) return matcher->mask;
    const iad_constrain_vocab *v = matcher->vocab;
    const int64_t left = matcher->budget - matcher->used - 1;
    int64_t room, demanded, after;
    memset(matcher->mask, 0, v->n_word * sizeof *matcher->mask);
    if (!matcher->ended && left >= 0) {
        const token_order *order = &v->all;
        if (iad_cstate_in_string(matcher->constraint, &matcher->state, &room, &demanded, &after)) {
            allow_plain(matcher, room, demanded, after, left);
            order = &v->rest;
        }
        for (int byte = 0; byte < 256; byte++) walk_byte(matcher, order, byte, left);
    }
    if (matcher->ended || iad_cstate_complete(matcher->constraint, &matcher->state))
        for (size_t i = 0; i < v->n_word; i++) matcher->mask[i] |= v->eos[i];
    matcher->mask_is_new = 1;
    return matcher->mask;
}

static iad_status refuse(int32_t id, iad_err *err) {
    return IAD_FAIL(err, IAD_ERR_ARG, "token %d does not fit into the answer here", id);
}

iad_status iad_matcher_accept(iad_matcher *matcher, int32_t id, iad_err *err) {
    const iad_constrain_vocab *v = matcher->vocab;
    if (id < 0 || id >= v->n_vocab || !(iad_matcher_mask(matcher)[id / 64] >> (id % 64) & 1)) return refuse(id, err);
    if (v->eos[id / 64] >> (id % 64) & 1) {
        matcher->ended = 1;
        matcher->mask_is_new = 0;
        return IAD_OK;
    }
    int32_t i = 0; /* the token is somewhere in the order; its bytes are found by its id */
    while (v->all.id[i] != id) i++;
    for (int k = 0; k < v->all.len[i]; k++)
        if (!iad_cstate_byte(matcher->constraint, &matcher->state, v->bytes[v->all.offset[i] + (uint32_t)k]))
            return IAD_FAIL(err, IAD_ERR_INTERNAL, "token %d was allowed and does not fit", id);
    matcher->used++;
    matcher->mask_is_new = 0;
    return IAD_OK;
}

int iad_matcher_complete(const iad_matcher *matcher) {
    return matcher->ended || iad_cstate_complete(matcher->constraint, &matcher->state);
}

int iad_matcher_done(iad_matcher *matcher) {
    if (!iad_matcher_complete(matcher)) return 0;
    if (matcher->ended || matcher->state.depth == 0 || matcher->used >= matcher->budget) return 1;
    const uint64_t *mask = iad_matcher_mask(matcher);
    for (size_t i = 0; i < matcher->vocab->n_word; i++)
        if (mask[i] & ~matcher->vocab->eos[i]) return 0;
    return 1;
}

iad_status iad_matcher_shortest(const iad_matcher *matcher, iad_buf *out, iad_err *err) {
    iad_cstate state;
    if (matcher->ended) return IAD_OK;
    iad_cstate_copy(&state, &matcher->state);
    for (int64_t rest = iad_cstate_rest(matcher->constraint, &state); rest > 0; rest--) {
        int found = 0;
        for (int k = 0; k < 256 && !found; k++) {
            const uint8_t byte = (uint8_t)(k + 0x20); /* printable characters first */
            iad_cstate next;
            iad_cstate_copy(&next, &state);
            if (!iad_cstate_byte(matcher->constraint, &next, byte) ||
                iad_cstate_rest(matcher->constraint, &next) != rest - 1)
                continue;
            iad_cstate_copy(&state, &next);
            IAD_TRY(iad_buf_add(out, &byte, 1, err));
            found = 1;
        }
        if (!found) return IAD_FAIL(err, IAD_ERR_INTERNAL, "an answer cannot be finished");
    }
    return IAD_OK;
}
