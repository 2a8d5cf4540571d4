/* Large blocks on large pages where the system grants them: random access into tens of megabytes otherwise spends its
 * time on address translation, doubly so inside virtual machines. */
#ifndef IAD_METRICS_HUGEBLOCK_H
#define IAD_METRICS_HUGEBLOCK_H

#include <stddef.h>

#define IAD_HUGE_ALIGN ((size_t)16 << 10)

/* n objects of `size` bytes, NULL when out of memory or on overflow; aligned to IAD_HUGE_ALIGN at least; freed with free(). zero 1: cleared. */
void *iad_huge_alloc(size_t n, size_t size, int zero);

#endif
