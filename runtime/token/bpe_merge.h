/* Merging the bytes of one piece by ranks. */
#ifndef IAD_RUNTIME_BPE_MERGE_H
#define IAD_RUNTIME_BPE_MERGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#define IAD_BPE_NO_RANK UINT32_MAX

/* (left id, right id) -> (rank, id of the two together); open addressing, at most half full. */
typedef struct iad_bpe_slot {
    int32_t left, right; /* left -1: empty */
    uint32_t rank;
    int32_t merged;
} iad_bpe_slot;
typedef struct iad_bpe_table {
    iad_bpe_slot *slots;
    size_t mask, n;
} iad_bpe_table;
iad_status iad_bpe_table_init(iad_bpe_table *table, size_t expected, iad_err *err);
void iad_bpe_table_deinit(iad_bpe_table *table);
/* IAD_ERR_EXISTS when the pair is there already. The table grows as needed. */
iad_status iad_bpe_table_add(iad_bpe_table *table, int32_t left, int32_t right, uint32_t rank, int32_t merged, iad_err *err);

static inline const iad_bpe_slot *iad_bpe_find(const iad_bpe_table *table, int32_t left, int32_t right) {
    uint64_t h = ((uint64_t)(uint32_t)left << 32 | (uint32_t)right) * 0x9E3779B97F4A7C15u;
    for (size_t i = (size_t)(h >> 32) & table->mask;; i = (i + 1) & table->mask) {
        const iad_bpe_slot *slot = &table->slots[i];
        if (slot->left == left && slot->right == right) return slot;
        if (slot->left < 0) return NULL;
    }
}

/* Working memory; zero-initialise. */
typedef struct iad_bpe_work {
    int32_t *next, *before; /* links of the symbols still there */
    struct iad_bpe_heap_item *heap;
    size_t cap_next, cap_before, cap_heap;
} iad_bpe_work;
void iad_bpe_work_deinit(iad_bpe_work *work);

/* Merges ids[n] in place: always the pair of lowest rank, of several the leftmost; *n becomes the number left. Short pieces by
 * looking at all pairs, long ones by a heap: O(n log n). n < 2^31. */
iad_status iad_bpe_merge(const iad_bpe_table *table, iad_bpe_work *work, int32_t *ids, size_t *n, iad_err *err);

#endif
