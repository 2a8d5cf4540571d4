#include "runtime/tensor/nametable.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

uint64_t iad_fnv1a(const char *text) {
    uint64_t h = 0xcbf29ce484222325u;
    for (; *text; text++) h = (h ^ (unsigned char)*text) * 0x100000001b3u;
    return h;
}

iad_status iad_nametable_init(iad_nametable *table, size_t n, iad_err *err) {
    *table = (iad_nametable){NULL, 16};
    while (table->n_slots / 2 < n) table->n_slots *= 2;
    table->slots = iad_calloc(table->n_slots, sizeof *table->slots);
    return table->slots ? IAD_OK : IAD_NOMEM(err, "a table of tensor names");
}

void iad_nametable_deinit(iad_nametable *table) {
    free(table->slots);
    *table = (iad_nametable){NULL, 0};
}

/* The slot of the name, or the free one where it belongs. Hostile names that collide cost time in proportion to their square at
 * worst; the finaliser makes the low bits depend on all others. */
static struct iad_name_slot *slot_of(const iad_nametable *table, const char *name, uint64_t *hash) {
    uint64_t h = iad_fnv1a(name);
    h ^= h >> 32;
    h *= 0x9E3779B97F4A7C15u;
    h ^= h >> 29;
    *hash = h;
    for (size_t i = (size_t)h & (table->n_slots - 1);; i = (i + 1) & (table->n_slots - 1)) {
        struct iad_name_slot *slot = &table->slots[i];
        if (!slot->name || (slot->hash == h && strcmp(slot->name, name) == 0)) return slot;
    }
}

int iad_nametable_add(iad_nametable *table, const char *name, size_t index) {
    uint64_t hash;
    struct iad_name_slot *slot = slot_of(table, name, &hash);
    if (slot->name) return 0;
    *slot = (struct iad_name_slot){name, hash, index};
    return 1;
}

int iad_nametable_find(const iad_nametable *table, const char *name, size_t *index) {
    uint64_t hash;
    if (!table->slots) return 0;
    const struct iad_name_slot *slot = slot_of(table, name, &hash);
    if (!slot->name) return 0;
    *index = slot->index;
    return 1;
}
