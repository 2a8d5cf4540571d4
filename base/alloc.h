/* Heap allocation with checked sizes. Nothing else in the suite calls malloc.
 *
 * All functions return NULL when n * size overflows or memory is out; a request of zero bytes returns a
 * valid pointer. Blocks are freed with free(). */
#ifndef IAD_BASE_ALLOC_H
#define IAD_BASE_ALLOC_H

#include <stddef.h>

#include "base/status.h"

/* n objects of `size` bytes, zeroed. */
void *iad_calloc(size_t n, size_t size);

/* n objects of `size` bytes, not initialised. */
void *iad_alloc(size_t n, size_t size);

/* Resizes a block to n objects of `size` bytes; on failure the old block stays valid. */
void *iad_realloc(void *block, size_t n, size_t size);

/* n objects of `size` bytes, aligned to 64 bytes (one cache line, one AVX-512 register), not initialised. */
void *iad_alloc_aligned(size_t n, size_t size);

/* Copy of a string, or NULL. */
char *iad_strdup(const char *text);

/* Grows *items (array of objects of `size` bytes) so that at least `want` fit; *cap is the current capacity
 * in objects. Doubles, never beyond `max` objects. Errors: IAD_ERR_LIMIT (names `what`), IAD_ERR_NOMEM. */
iad_status iad_grow(void **items, size_t *cap, size_t want, size_t size, size_t max, const char *what, iad_err *err);

#define IAD_NOMEM(err, what) IAD_FAIL((err), IAD_ERR_NOMEM, "out of memory for %s", (what))

#endif
