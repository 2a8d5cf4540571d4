#include "manifests/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define BLOCK_BYTES ((size_t)16384)

struct iad_arena_block {
    struct iad_arena_block *next;
    size_t used, cap;
    _Alignas(16) char bytes[];
};

void *iad_arena_take(iad_arena *arena, size_t n) {
    if (n > SIZE_MAX / 2) return NULL;
    size_t need = (n + 15) & ~(size_t)15;
    struct iad_arena_block *block = arena->blocks;
    if (!block || block->cap - block->used < need) {
        size_t cap = need > BLOCK_BYTES ? need : BLOCK_BYTES;
        struct iad_arena_block *fresh = iad_alloc(1, sizeof *fresh + cap);
        if (!fresh) return NULL;
        fresh->used = 0;
        fresh->cap = cap;
        /* A large single piece must not hide the half-empty block behind it. */
        if (block && cap > BLOCK_BYTES) {
            fresh->next = block->next;
            block->next = fresh;
        } else {
            fresh->next = block;
            arena->blocks = fresh;
        }
        block = fresh;
    }
    void *place = block->bytes + block->used;
    block->used += need;
    return place;
}

const char *iad_arena_strn(iad_arena *arena, const char *text, size_t n) {
    char *copy = iad_arena_take(arena, n + 1);
    if (!copy) return NULL;
    memcpy(copy, text, n);
    copy[n] = 0;
    return copy;
}

const char *iad_arena_str(iad_arena *arena, const char *text) {
    return text ? iad_arena_strn(arena, text, strlen(text)) : NULL;
}

void iad_arena_deinit(iad_arena *arena) {
    for (struct iad_arena_block *block = arena->blocks; block;) {
        struct iad_arena_block *next = block->next;
        free(block);
        block = next;
    }
    arena->blocks = NULL;
}
