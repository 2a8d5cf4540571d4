/* Hostile map caches. The second round repairs the header checksums, so that mutated sizes and lengths are reached. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "bench/metrics/checksum64.h"
#include "bench/metrics/mapcache.h"
#include "bench/metrics/mapcache_record.h"
#include "bench/metrics/pixelmetrics.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_all(const uint8_t *bytes, size_t n) {
    iad_mapcache *cache;
    if (iad_mapcache_open_bytes(bytes, n, "fuzz", 0, &cache, NULL) != IAD_OK) return;
    iad_map_source source = iad_mapcache_source(cache);
    uint64_t pixels = 0;
    for (size_t i = 0; i < iad_mapcache_count(cache); i++) {
        iad_mapcache_entry entry;
        int has_mask;
        if (iad_mapcache_entry_at(cache, i, &entry, &has_mask, NULL) != IAD_OK) __builtin_trap();
        if (iad_mapcache_find(cache, entry.name) != (ptrdiff_t)i) __builtin_trap();
        (void)iad_mapcache_verify(cache, i, NULL);
        pixels += (uint64_t)entry.width * (uint64_t)entry.height;
    }
    if (pixels < 100000) {
        iad_pixel_metrics metrics;
        if (iad_pixel_metrics_compute(&source, NULL, &metrics, NULL) == IAD_OK) iad_pixel_metrics_deinit(&metrics);
    }
    iad_mapcache_close(cache);
}

static void sum(uint8_t *bytes, size_t n) {
    uint64_t value = iad_checksum64(bytes, n - 8);
    memcpy(bytes + n - 8, &value, 8);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint8_t *bytes = iad_alloc_aligned(size, 1);
    if (!bytes) return 0;
    memcpy(bytes, data, size);
    read_all(bytes, size);
    if (size >= IAD_MAPCACHE_HEADER) sum(bytes, IAD_MAPCACHE_HEADER);
    for (uint64_t at = IAD_MAPCACHE_HEADER; at <= size && size - at >= IAD_MAPCACHE_RECORD;) {
        sum(bytes + at, IAD_MAPCACHE_RECORD);
        uint64_t length;
        memcpy(&length, bytes + at + 8, sizeof length);
        if (length < IAD_MAPCACHE_RECORD || length > size - at) break;
        at += length;
    }
    read_all(bytes, size);
    free(bytes);
    return 0;
}
