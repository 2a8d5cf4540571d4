#include "crawl/hash/slottable.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

static iad_status make_room(iad_slot_table *table, size_t n, iad_err *err) {
    if (!table->start && !(table->start = iad_alloc(IAD_SLOT_VALUES + 1, sizeof *table->start))) return IAD_NOMEM(err, "a slot table");
    if (n <= table->cap) return IAD_OK;
    free(table->word);
    free(table->position);
    table->cap = 0;
    table->word = iad_alloc(n, sizeof *table->word);
    table->position = iad_alloc(n, sizeof *table->position);
    if (!table->word || !table->position) return IAD_NOMEM(err, "a slot table");
    table->cap = n;
    return IAD_OK;
}

iad_status iad_slot_table_fill(iad_slot_table *table, const uint64_t *column, size_t n, int slot, iad_err *err) {
    IAD_TRY(make_room(table, n, err));
    /* Counting sort: start[v] is where the next word of value v goes while filling, and ends up at the beginning of v + 1. */
    uint32_t *start = table->start;
    memset(start, 0, (IAD_SLOT_VALUES + 1) * sizeof *start);
    for (size_t i = 0; i < n; i++) start[iad_slot_value(column[i], slot)]++;
    uint32_t sum = 0;
    for (uint32_t v = 0; v <= IAD_SLOT_VALUES; v++) {
        const uint32_t count = start[v];
        start[v] = sum;
        sum += count;
    }
    for (size_t i = 0; i < n; i++) {
        const uint32_t at = start[iad_slot_value(column[i], slot)]++;
        table->word[at] = column[i];
        table->position[at] = (uint32_t)i;
    }
    memmove(start + 1, start, IAD_SLOT_VALUES * sizeof *start);
    start[0] = 0;
    return IAD_OK;
}

void iad_slot_table_deinit(iad_slot_table *table) {
    free(table->start);
    free(table->word);
    free(table->position);
    memset(table, 0, sizeof *table);
}
