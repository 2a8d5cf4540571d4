#include "bench/metrics/overlap.h"

#include <stdlib.h>

#include "base/alloc.h"

iad_status iad_overlap_init(iad_overlap *overlap, const uint32_t *area, size_t n, iad_err *err) {
    *overlap = (iad_overlap){.n = n};
    overlap->shares = iad_alloc(n, sizeof *overlap->shares);
    if (!overlap->shares) return IAD_NOMEM(err, "region overlaps");
    const uint64_t one = (uint64_t)1 << 62;
    for (size_t i = 0; i < n; i++)
        overlap->shares[i] = (iad_region_share){one / area[i], (uint32_t)(one % area[i]), 0, area[i]};
    return IAD_OK;
}

void iad_overlap_deinit(iad_overlap *overlap) {
    free(overlap->shares);
    *overlap = (iad_overlap){0};
}
