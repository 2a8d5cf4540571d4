#include "base/alloc.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Bytes for n objects, never 0; 0 means overflow. */
static size_t array_bytes(size_t n, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes) || bytes > PTRDIFF_MAX - 64) return 0;
    return bytes ? bytes : 1;
}

void *iad_calloc(size_t n, size_t size) {
    size_t bytes = array_bytes(n, size);
    return bytes ? calloc(1, bytes) : NULL;
}

void *iad_alloc(size_t n, size_t size) {
    size_t bytes = array_bytes(n, size);
    return bytes ? malloc(bytes) : NULL;
}

void *iad_realloc(void *block, size_t n, size_t size) {
    size_t bytes = array_bytes(n, size);
    return bytes ? realloc(block, bytes) : NULL;
}

void *iad_alloc_aligned(size_t n, size_t size) {
    size_t bytes = array_bytes(n, size);
    return bytes ? aligned_alloc(64, (bytes + 63) / 64 * 64) : NULL;
}

char *iad_strdup(const char *text) {
    size_t len = strlen(text) + 1;
    char *copy = iad_alloc(len, 1);
    if (copy) memcpy(copy, text, len);
    return copy;
}

iad_status iad_grow(void **items, size_t *cap, size_t want, size_t size, size_t max, const char *what, iad_err *err) {
    if (want <= *cap) return IAD_OK;
    if (want > max) return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: more than %zu", what, max);
    size_t next = *cap < 8 ? 8 : *cap * 2;
    if (next < want) next = want;
    if (next > max) next = max;
    void *block = iad_realloc(*items, next, size);
    if (!block) return IAD_NOMEM(err, what);
    *items = block;
    *cap = next;
    return IAD_OK;
}
