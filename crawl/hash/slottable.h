/* Words in the order of one of their four slots of 16 bits: what has the same value there lies side by side. */
#ifndef IAD_CRAWL_SLOTTABLE_H
#define IAD_CRAWL_SLOTTABLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum { IAD_SLOTS = 4, IAD_SLOT_BITS = 16, IAD_SLOT_VALUES = 1 << IAD_SLOT_BITS };

typedef struct iad_slot_table {
    uint32_t *start;    /* [IAD_SLOT_VALUES + 1]; words of value v: start[v] .. start[v + 1] - 1 */
    uint64_t *word;     /* [cap] */
    uint32_t *position; /* [cap] where the word stands in the column; rising within a value */
    size_t cap;
} iad_slot_table;

/* Sorts column[n] by `slot` (0..3) into the table, which may hold an older state. Errors: IAD_ERR_NOMEM. */
iad_status iad_slot_table_fill(iad_slot_table *table, const uint64_t *column, size_t n, int slot, iad_err *err);
void iad_slot_table_deinit(iad_slot_table *table);

static inline uint32_t iad_slot_value(uint64_t word, int slot) { return (uint32_t)(word >> (IAD_SLOT_BITS * slot)) & (IAD_SLOT_VALUES - 1); }
static inline size_t iad_slot_count(const iad_slot_table *table, uint32_t value) { return table->start[value + 1] - table->start[value]; }

#endif
