#include "crawl/session/strmap.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

void iad_strmap_deinit(iad_strmap *map) {
    for (size_t i = 0; i < map->cap; i++) free(map->slots[i].key);
    free(map->slots);
    memset(map, 0, sizeof *map);
}

static size_t place(const iad_strmap *map, const char *key) {
    uint64_t h = 14695981039346656037u; /* FNV-1a */
    for (const char *p = key; *p; p++) h = (h ^ (unsigned char)*p) * 1099511628211u;
    size_t at = (size_t)(h ^ h >> 32) & (map->cap - 1);
    while (map->slots[at].key && strcmp(map->slots[at].key, key) != 0) at = (at + 1) & (map->cap - 1);
    return at;
}

void *iad_strmap_get(const iad_strmap *map, const char *key) {
    return map->n ? map->slots[place(map, key)].value : NULL;
}

static iad_status grow(iad_strmap *map, iad_err *err) {
    iad_strmap bigger = {.cap = map->cap ? map->cap * 2 : 256};
    bigger.slots = iad_calloc(bigger.cap, sizeof *bigger.slots);
    if (!bigger.slots) return IAD_NOMEM(err, "a table");
    for (size_t i = 0; i < map->cap; i++)
        if (map->slots[i].key) bigger.slots[place(&bigger, map->slots[i].key)] = map->slots[i];
    bigger.n = map->n;
    free(map->slots);
    *map = bigger;
    return IAD_OK;
}

iad_status iad_strmap_put(iad_strmap *map, const char *key, void *value, iad_err *err) {
    if (2 * (map->n + 1) > map->cap) IAD_TRY(grow(map, err));
    size_t at = place(map, key);
    if (!map->slots[at].key) {
        map->slots[at].key = iad_strdup(key);
        if (!map->slots[at].key) return IAD_NOMEM(err, "a table");
        map->n++;
    }
    map->slots[at].value = value;
    return IAD_OK;
}

void iad_strmap_remove(iad_strmap *map, const char *key) {
    if (!map->n) return;
    size_t hole = place(map, key);
    if (!map->slots[hole].key) return;
    free(map->slots[hole].key);
    map->slots[hole] = (iad_strmap_slot){0};
    map->n--;
    /* What stands behind may have its place before the hole: put it in again. */
    for (size_t at = (hole + 1) & (map->cap - 1); map->slots[at].key; at = (at + 1) & (map->cap - 1)) {
        iad_strmap_slot moved = map->slots[at];
        map->slots[at] = (iad_strmap_slot){0};
        map->slots[place(map, moved.key)] = moved;
    }
}
