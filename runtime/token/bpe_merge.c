#include "runtime/token/bpe_merge.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

enum { SHORT = 48 };

static iad_status table_alloc(iad_bpe_table *table, size_t size, iad_err *err) {
    table->slots = iad_alloc_aligned(size, sizeof *table->slots);
    if (!table->slots) return IAD_NOMEM(err, "merges");
    for (size_t i = 0; i < size; i++) table->slots[i] = (iad_bpe_slot){-1, -1, IAD_BPE_NO_RANK, -1};
    table->mask = size - 1;
    return IAD_OK;
}

iad_status iad_bpe_table_init(iad_bpe_table *table, size_t expected, iad_err *err) {
    memset(table, 0, sizeof *table);
    size_t size = 16;
    while (size < 2 * expected && size < (size_t)1 << 40) size *= 2;
    return table_alloc(table, size, err);
}

void iad_bpe_table_deinit(iad_bpe_table *table) {
    free(table->slots);
    memset(table, 0, sizeof *table);
}

static void insert(iad_bpe_table *table, iad_bpe_slot item) {
    uint64_t h = ((uint64_t)(uint32_t)item.left << 32 | (uint32_t)item.right) * 0x9E3779B97F4A7C15u;
    size_t i = (size_t)(h >> 32) & table->mask;
    while (table->slots[i].left >= 0) i = (i + 1) & table->mask;
    table->slots[i] = item;
    table->n++;
}

iad_status iad_bpe_table_add(iad_bpe_table *table, int32_t left, int32_t right, uint32_t rank, int32_t merged, iad_err *err) {
    if (iad_bpe_find(table, left, right)) return IAD_FAIL(err, IAD_ERR_EXISTS, "the pair %d %d is merged twice", left, right);
    if (2 * (table->n + 1) > table->mask + 1) {
        iad_bpe_table bigger = {0};
        IAD_TRY(table_alloc(&bigger, 2 * (table->mask + 1), err));
        for (size_t i = 0; i <= table->mask; i++)
            if (table->slots[i].left >= 0) insert(&bigger, table->slots[i]);
        free(table->slots);
        *table = bigger;
    }
    insert(table, (iad_bpe_slot){left, right, rank, merged});
    return IAD_OK;
}

/* Few symbols: the ranks of all pairs stand in an array, the least is searched again after each merge. */
static void merge_short(const iad_bpe_table *table, int32_t *ids, size_t *n) {
    uint32_t rank[SHORT];
    int32_t merged[SHORT];
    size_t left = *n - 1; /* pairs */
    for (size_t i = 0; i < left; i++) {
        const iad_bpe_slot *slot = iad_bpe_find(table, ids[i], ids[i + 1]);
        rank[i] = slot ? slot->rank : IAD_BPE_NO_RANK;
        merged[i] = slot ? slot->merged : -1;
    }
    while (left > 0) {
        size_t best = 0;
        uint32_t least = rank[0];
        for (size_t i = 1; i < left; i++)
            if (rank[i] < least) least = rank[best = i];
        if (least == IAD_BPE_NO_RANK) break;
        ids[best] = merged[best];
        for (size_t i = best + 1; i < left; i++) {
            ids[i] = ids[i + 1];
            rank[i - 1] = rank[i];
            merged[i - 1] = merged[i];
        }
        /* Entries from best on moved one to the left; the pair at best is new, so is the one before it. */
        left--;
        for (size_t i = best ? best - 1 : 0; i <= best && i < left; i++) {
            const iad_bpe_slot *slot = iad_bpe_find(table, ids[i], ids[i + 1]);
            rank[i] = slot ? slot->rank : IAD_BPE_NO_RANK;
            merged[i] = slot ? slot->merged : -1;
        }
    }
    *n = left + 1;
}

typedef struct iad_bpe_heap_item {
    uint32_t rank, at; /* least first, then leftmost */
    int32_t left, right, merged; /* the ids when it was pushed: others there mean it is out of date */
} iad_bpe_heap_item;

static inline int before(const iad_bpe_heap_item *a, const iad_bpe_heap_item *b) {
    return a->rank != b->rank ? a->rank < b->rank : a->at < b->at;
}

static void sift_down(iad_bpe_heap_item *heap, size_t n, size_t i) {
    iad_bpe_heap_item item = heap[i];
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= n) break;
        if (child + 1 < n && before(&heap[child + 1], &heap[child])) child++;
        if (!before(&heap[child], &item)) break;
        heap[i] = heap[child];
        i = child;
    }
    heap[i] = item;
}

static void sift_up(iad_bpe_heap_item *heap, size_t i) {
    iad_bpe_heap_item item = heap[i];
    while (i && before(&item, &heap[(i - 1) / 2])) {
        heap[i] = heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    heap[i] = item;
}

void iad_bpe_work_deinit(iad_bpe_work *work) {
    free(work->next);
    free(work->before);
    free(work->heap);
    memset(work, 0, sizeof *work);
}

static int candidate(const iad_bpe_table *table, const int32_t *ids, size_t at, size_t right, iad_bpe_heap_item *item) {
    const iad_bpe_slot *slot = iad_bpe_find(table, ids[at], ids[right]);
    if (!slot) return 0;
    *item = (iad_bpe_heap_item){slot->rank, (uint32_t)at, ids[at], ids[right], slot->merged};
    return 1;
}

static iad_status merge_long(const iad_bpe_table *table, iad_bpe_work *work, int32_t *ids, size_t *n, iad_err *err) {
    size_t count = *n, in_heap = 0;
    if (count > INT32_MAX) return IAD_FAIL(err, IAD_ERR_LIMIT, "a piece of %zu bytes", count);
    IAD_TRY(iad_grow((void **)&work->next, &work->cap_next, count, sizeof *work->next, INT32_MAX, "a long piece", err));
    IAD_TRY(iad_grow((void **)&work->before, &work->cap_before, count, sizeof *work->before, INT32_MAX, "a long piece", err));
    /* Each merge removes one symbol and pushes two pairs at most: the heap never holds more than 3n. */
    IAD_TRY(iad_grow((void **)&work->heap, &work->cap_heap, 3 * count, sizeof *work->heap, SIZE_MAX / 64, "a long piece", err));
    iad_bpe_heap_item *heap = work->heap;
    for (size_t i = 0; i < count; i++) {
        work->next[i] = i + 1 < count ? (int32_t)(i + 1) : -1;
        work->before[i] = (int32_t)i - 1;
        if (i + 1 < count && candidate(table, ids, i, i + 1, &heap[in_heap])) in_heap++;
    }
    for (size_t i = in_heap / 2; i-- > 0;) sift_down(heap, in_heap, i);
    while (in_heap) {
        iad_bpe_heap_item top = heap[0];
        heap[0] = heap[--in_heap];
        if (in_heap) sift_down(heap, in_heap, 0);
        int32_t right = work->next[top.at];
        if (right < 0 || ids[top.at] != top.left || ids[right] != top.right) continue;
        ids[top.at] = top.merged;
        ids[right] = -1; /* gone */
        int32_t after = work->next[right], left = work->before[top.at];
        work->next[top.at] = after;
        work->next[right] = -1;
        if (after >= 0) {
            work->before[after] = (int32_t)top.at;
            if (candidate(table, ids, top.at, (size_t)after, &heap[in_heap])) sift_up(heap, in_heap++);
        }
        if (left >= 0 && candidate(table, ids, (size_t)left, top.at, &heap[in_heap])) sift_up(heap, in_heap++);
    }
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (ids[i] >= 0) ids[kept++] = ids[i];
    *n = kept;
    return IAD_OK;
}

iad_status iad_bpe_merge(const iad_bpe_table *table, iad_bpe_work *work, int32_t *ids, size_t *n, iad_err *err) {
    if (*n < 2) return IAD_OK;
    if (*n > SHORT) return merge_long(table, work, ids, n, err);
    merge_short(table, ids, n);
    return IAD_OK;
}
