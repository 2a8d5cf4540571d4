/* Name -> index, open addressing over borrowed strings. Internal to the runtime. */
#ifndef IAD_TENSOR_NAMETABLE_H
#define IAD_TENSOR_NAMETABLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef struct iad_nametable {
    struct iad_name_slot {
        const char *name; /* NULL: free */
        uint64_t hash;
        size_t index;
    } *slots;
    size_t n_slots; /* a power of two, at least twice the names */
} iad_nametable;

/* Room for n names. */
iad_status iad_nametable_init(iad_nametable *table, size_t n, iad_err *err);
void iad_nametable_deinit(iad_nametable *table);
/* 0 when the name is there already, else 1. */
int iad_nametable_add(iad_nametable *table, const char *name, size_t index);
/* 1 and *index when found. A table that was only zeroed holds nothing. */
int iad_nametable_find(const iad_nametable *table, const char *name, size_t *index);

/* FNV-1a, 64 bits. */
uint64_t iad_fnv1a(const char *text);

#endif
