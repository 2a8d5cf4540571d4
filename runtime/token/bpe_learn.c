/* The loop of byte-pair encoding: count pairs, merge the most frequent, count again only what changed. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "runtime/token/bpe_train_internal.h"

/* A pair of neighbours: how often, and in which pieces it has been seen (may be out of date or doubled). */
typedef struct pair_entry {
    int32_t left, right; /* left -1: empty slot */
    int64_t count;
    uint32_t *where;
    size_t n_where, cap_where;
    int touched;
} pair_entry;

typedef struct heap_entry {
    int64_t count;
    int32_t left, right;
} heap_entry;

typedef struct learner {
    iad_bpe_train *train;
    int32_t *symbols; /* of all pieces, piece p from start[p], length[p] of them left */
    size_t *start;
    uint32_t *length;
    uint32_t *seen; /* merge in which a piece was last rewritten */
    pair_entry *pairs;
    size_t n_pairs, mask;
    heap_entry *heap;
    size_t n_heap, cap_heap;
    size_t *touched; /* slots whose count went up in this merge */
    size_t n_touched, cap_touched;
} learner;

static size_t pair_slot(const learner *l, int32_t left, int32_t right) {
    uint64_t h = ((uint64_t)(uint32_t)left << 32 | (uint32_t)right) * 0x9E3779B97F4A7C15u;
    size_t i = (size_t)(h >> 32) & l->mask;
    while (l->pairs[i].left >= 0 && (l->pairs[i].left != left || l->pairs[i].right != right)) i = (i + 1) & l->mask;
    return i;
}

static iad_status pairs_alloc(learner *l, size_t size, iad_err *err) {
    pair_entry *old = l->pairs;
    size_t old_size = old ? l->mask + 1 : 0;
    pair_entry *pairs = iad_calloc(size, sizeof *pairs);
    if (!pairs) return IAD_NOMEM(err, "pairs");
    for (size_t i = 0; i < size; i++) pairs[i].left = -1;
    l->pairs = pairs;
    l->mask = size - 1;
    for (size_t i = 0; i < old_size; i++)
        if (old[i].left >= 0) l->pairs[pair_slot(l, old[i].left, old[i].right)] = old[i];
    free(old);
    return IAD_OK;
}

/* Makes room so that the slots stay where they are during one merge of at most `more` new pairs. */
static iad_status pairs_reserve(learner *l, size_t more, iad_err *err) {
    size_t size = l->mask + 1;
    while (2 * (l->n_pairs + more) > size) size *= 2;
    return size > l->mask + 1 ? pairs_alloc(l, size, err) : IAD_OK;
}

static iad_status count_pair(learner *l, int32_t left, int32_t right, int64_t by, uint32_t piece, iad_err *err) {
    size_t i = pair_slot(l, left, right);
    pair_entry *pair = &l->pairs[i];
    if (pair->left < 0) {
        *pair = (pair_entry){.left = left, .right = right};
        l->n_pairs++;
    }
    pair->count += by;
    if (by < 0) return IAD_OK;
    if (!pair->n_where || pair->where[pair->n_where - 1] != piece) {
        IAD_TRY(iad_grow((void **)&pair->where, &pair->cap_where, pair->n_where + 1, sizeof *pair->where, SIZE_MAX / 8, "pairs", err));
        pair->where[pair->n_where++] = piece;
    }
    if (!pair->touched) {
        IAD_TRY(iad_grow((void **)&l->touched, &l->cap_touched, l->n_touched + 1, sizeof *l->touched, SIZE_MAX / 16, "pairs", err));
        l->touched[l->n_touched++] = i;
        pair->touched = 1;
    }
    return IAD_OK;
}

static iad_status count_piece(learner *l, uint32_t piece, int64_t sign, iad_err *err) {
    const int32_t *s = l->symbols + l->start[piece];
    int64_t by = sign * (int64_t)l->train->counts[piece];
    for (uint32_t i = 0; i + 1 < l->length[piece]; i++) IAD_TRY(count_pair(l, s[i], s[i + 1], by, piece, err));
    return IAD_OK;
}

/* Greater counts first, then smaller ids. */
static int first(const heap_entry *a, const heap_entry *b) {
    if (a->count != b->count) return a->count > b->count;
    if (a->left != b->left) return a->left < b->left;
    return a->right < b->right;
}

static iad_status push(learner *l, heap_entry item, iad_err *err) {
    IAD_TRY(iad_grow((void **)&l->heap, &l->cap_heap, l->n_heap + 1, sizeof *l->heap, SIZE_MAX / 32, "pairs", err));
    size_t i = l->n_heap++;
    for (; i && first(&item, &l->heap[(i - 1) / 2]); i = (i - 1) / 2) l->heap[i] = l->heap[(i - 1) / 2];
    l->heap[i] = item;
    return IAD_OK;
}

static heap_entry pop(learner *l) {
    heap_entry top = l->heap[0], item = l->heap[--l->n_heap];
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= l->n_heap) break;
        if (child + 1 < l->n_heap && first(&l->heap[child + 1], &l->heap[child])) child++;
        if (!first(&l->heap[child], &item)) break;
        l->heap[i] = l->heap[child];
        i = child;
    }
    if (l->n_heap) l->heap[i] = item;
    return top;
}

static iad_status push_touched(learner *l, iad_err *err) {
    for (size_t k = 0; k < l->n_touched; k++) {
        pair_entry *pair = &l->pairs[l->touched[k]];
        pair->touched = 0;
        if (pair->count > 0) IAD_TRY(push(l, (heap_entry){pair->count, pair->left, pair->right}, err));
    }
    l->n_touched = 0;
    return IAD_OK;
}

/* Rewrites every piece that holds the pair. */
static iad_status apply(learner *l, int32_t left, int32_t right, int32_t merged, uint32_t stamp, iad_err *err) {
    size_t more = 0, slot = pair_slot(l, left, right);
    for (size_t k = 0; k < l->pairs[slot].n_where; k++) more += l->length[l->pairs[slot].where[k]];
    IAD_TRY(pairs_reserve(l, more + 1, err));
    slot = pair_slot(l, left, right);
    uint32_t *where = l->pairs[slot].where;
    size_t n_where = l->pairs[slot].n_where;
    l->pairs[slot].where = NULL; /* the list must not grow while it is walked */
    l->pairs[slot].n_where = l->pairs[slot].cap_where = 0;
    iad_status status = IAD_OK;
    for (size_t k = 0; k < n_where && status == IAD_OK; k++) {
        uint32_t piece = where[k];
        if (l->seen[piece] == stamp) continue;
        l->seen[piece] = stamp;
        int32_t *s = l->symbols + l->start[piece];
        status = count_piece(l, piece, -1, err);
        uint32_t n = 0;
        for (uint32_t i = 0; i < l->length[piece]; i++) {
            int joins = i + 1 < l->length[piece] && s[i] == left && s[i + 1] == right;
            s[n++] = joins ? merged : s[i];
            i += (uint32_t)joins;
        }
        l->length[piece] = n;
        if (status == IAD_OK) status = count_piece(l, piece, 1, err);
    }
    free(where);
    return status;
}

static iad_status start(learner *l, iad_err *err) {
    const iad_bpe_train *train = l->train;
    size_t n = train->pieces.n;
    l->symbols = iad_alloc(train->pieces.used, sizeof *l->symbols);
    l->start = iad_calloc(n, sizeof *l->start);
    l->length = iad_calloc(n, sizeof *l->length);
    l->seen = iad_calloc(n, sizeof *l->seen);
    if (!l->symbols || !l->start || !l->length || !l->seen) return IAD_NOMEM(err, "pieces");
    int32_t id_of[256];
    for (int id = 0; id < 256; id++) id_of[train->tokens.arena[id]] = id;
    for (size_t i = 0; i < train->pieces.used; i++) l->symbols[i] = id_of[train->pieces.arena[i]];
    IAD_TRY(pairs_alloc(l, 1 << 12, err));
    for (uint32_t p = 0; p < n; p++) {
        l->start[p] = train->pieces.offset[p];
        l->length[p] = (uint32_t)(train->pieces.offset[p + 1] - train->pieces.offset[p]);
        size_t slots = l->mask;
        /* A table that grows moves its slots, and the list of touched ones with them: hand them over first. */
        if (2 * (l->n_pairs + l->length[p]) > slots + 1) IAD_TRY(push_touched(l, err));
        IAD_TRY(pairs_reserve(l, l->length[p], err));
        IAD_TRY(count_piece(l, p, 1, err));
    }
    return push_touched(l, err);
}

static iad_status learn(learner *l, size_t max_tokens, uint64_t min_count, iad_err *err) {
    iad_bpe_train *train = l->train;
    iad_bpe_table done = {0};
    IAD_TRY(start(l, err));
    IAD_TRY(iad_bpe_table_init(&done, 1024, err));
    iad_status status = IAD_OK;
    for (uint32_t stamp = 1; train->tokens.n < max_tokens && l->n_heap && status == IAD_OK; stamp++) {
        heap_entry top = pop(l);
        int64_t count = l->pairs[pair_slot(l, top.left, top.right)].count;
        if (count != top.count) {
            if (count > 0 && count < top.count) status = push(l, (heap_entry){count, top.left, top.right}, err);
            continue;
        }
        if ((uint64_t)count < min_count) break;
        const iad_bpe_slot *known = iad_bpe_find(&done, top.left, top.right);
        int32_t merged = known ? known->merged : -1;
        if (!known) {
            status = iad_bpe_rule_add(train, top.left, top.right, err);
            if (status != IAD_OK) break;
            merged = train->rules[train->n_rules - 1].merged;
            status = iad_bpe_table_add(&done, top.left, top.right, (uint32_t)train->n_rules, merged, err);
        }
        if (status == IAD_OK) status = apply(l, top.left, top.right, merged, stamp, err);
        if (status == IAD_OK) status = push_touched(l, err);
    }
    iad_bpe_table_deinit(&done);
    return status;
}

iad_status iad_bpe_learn(iad_bpe_train *train, size_t max_tokens, uint64_t min_count, iad_err *err) {
    learner l = {.train = train};
    iad_status status = train->pieces.n ? learn(&l, max_tokens, min_count, err) : IAD_OK;
    for (size_t i = 0; l.pairs && i <= l.mask; i++) free(l.pairs[i].where);
    free(l.pairs);
    free(l.symbols);
    free(l.start);
    free(l.length);
    free(l.seen);
    free(l.heap);
    free(l.touched);
    return status;
}
