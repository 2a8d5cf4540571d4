#include "bench/metrics/hugeblock.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HUGE_PAGE ((size_t)2 << 20)

void *iad_huge_alloc(size_t n, size_t size, int zero) {
    if (size && n > SIZE_MAX / 2 / size) return NULL;
    size_t bytes = n * size;
    int large = bytes >= HUGE_PAGE;
    void *block = NULL;
    /* base/alloc.h knows no such alignments. */
    if (posix_memalign(&block, large ? HUGE_PAGE : IAD_HUGE_ALIGN, bytes ? bytes : 1) != 0) return NULL;
    if (large) (void)madvise(block, bytes, MADV_HUGEPAGE); /* only a wish */
    if (zero) memset(block, 0, bytes);
    return block;
}
