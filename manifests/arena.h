/* Strings and arrays that live exactly as long as the list they belong to: freed together, never singly. */
#ifndef IAD_MANIFESTS_ARENA_H
#define IAD_MANIFESTS_ARENA_H

#include <stddef.h>

typedef struct iad_arena {
    struct iad_arena_block *blocks; /* newest first */
} iad_arena;

/* Zero-initialise; n bytes aligned to 16, NULL when memory is out. */
void *iad_arena_take(iad_arena *arena, size_t n);
/* Copy of n bytes plus a NUL; NULL when memory is out. */
const char *iad_arena_strn(iad_arena *arena, const char *text, size_t n);
/* Copy of text; NULL stays NULL (test text, not the result, for "absent"). */
const char *iad_arena_str(iad_arena *arena, const char *text);
void iad_arena_deinit(iad_arena *arena);

#endif
