#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "bench/metrics/checksum64.h"
#include "bench/metrics/mapcache_record.h"

struct iad_mapcache {
    iad_map file;          /* n = 0 when the bytes are the caller's */
    const uint8_t *bytes;
    uint64_t n;
    uint64_t *at;          /* [count] offsets of the records */
    size_t count, cap;
    uint64_t torn;
    iad_name_index names;
    char tag[IAD_MAPCACHE_TAG];
    char *name;            /* of the file, for messages */
};

static const char *name_of(const void *user, uint32_t record) {
    const iad_mapcache *cache = user;
    return (const char *)cache->bytes + cache->at[record] + IAD_MAPCACHE_RECORD;
}

static void head_at(const iad_mapcache *cache, size_t index, iad_mapcache_head *head) {
    (void)iad_mapcache_look(cache->bytes, cache->n, cache->at[index], head); /* was sound when the file was opened */
}

static iad_status walk(iad_mapcache *cache, int verify, iad_err *err) {
    IAD_TRY(iad_mapcache_check_file_header(cache->bytes, (size_t)cache->n, cache->name, cache->tag, err));
    uint64_t at = IAD_MAPCACHE_HEADER;
    for (;;) {
        iad_mapcache_head head = {0};
        iad_mapcache_state state = iad_mapcache_look(cache->bytes, cache->n, at, &head);
        if (state == IAD_MAPCACHE_END) return IAD_OK;
        if (state == IAD_MAPCACHE_TORN) {
            cache->torn = cache->n - at;
            return IAD_OK;
        }
        if (state == IAD_MAPCACHE_BAD)
            return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: record %zu at byte %llu is damaged", cache->name, cache->count, (unsigned long long)at);
        IAD_TRY(iad_grow((void **)&cache->at, &cache->cap, cache->count + 1, sizeof *cache->at, IAD_MAPCACHE_MAX_RECORDS, "map cache records", err));
        cache->at[cache->count] = at;
        const char *name = (const char *)cache->bytes + at + IAD_MAPCACHE_RECORD;
        if (iad_name_index_find(&cache->names, name, head.name_bytes, name_of, cache) >= 0)
            return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: record %zu repeats \"%s\"", cache->name, cache->count, name);
        IAD_TRY(iad_name_index_add(&cache->names, (uint32_t)cache->count, name_of, cache, err));
        cache->count++;
        if (verify) IAD_TRY(iad_mapcache_verify(cache, cache->count - 1, err));
        at += head.bytes;
    }
}

static iad_status open_bytes(iad_mapcache *cache, const char *name, int verify, iad_mapcache **out, iad_err *err) {
    cache->name = iad_strdup(name);
    iad_status status = cache->name ? walk(cache, verify, err) : IAD_NOMEM(err, "map cache");
    if (status == IAD_OK) *out = cache;
    else iad_mapcache_close(cache);
    return status;
}

iad_status iad_mapcache_open(const char *path, int verify, iad_mapcache **out, iad_err *err) {
    *out = NULL;
    iad_mapcache *cache = iad_calloc(1, sizeof *cache);
    if (!cache) return IAD_NOMEM(err, "map cache");
    iad_status status = iad_map_open(&cache->file, path, err);
    if (status != IAD_OK) {
        free(cache);
        return status;
    }
    cache->bytes = cache->file.data;
    cache->n = cache->file.n;
    return open_bytes(cache, path, verify, out, err);
}

iad_status iad_mapcache_open_bytes(const void *bytes, size_t n, const char *name, int verify, iad_mapcache **out, iad_err *err) {
    *out = NULL;
    if ((uintptr_t)bytes % IAD_MAPCACHE_ALIGN) return IAD_FAIL(err, IAD_ERR_ARG, "%s: the bytes of a map cache must be aligned", name);
    iad_mapcache *cache = iad_calloc(1, sizeof *cache);
    if (!cache) return IAD_NOMEM(err, "map cache");
    cache->bytes = bytes;
    cache->n = n;
    return open_bytes(cache, name, verify, out, err);
}

void iad_mapcache_close(iad_mapcache *cache) {
    if (!cache) return;
    if (cache->file.n) iad_map_close(&cache->file);
    iad_name_index_deinit(&cache->names);
    free(cache->at);
    free(cache->name);
    free(cache);
}

size_t iad_mapcache_count(const iad_mapcache *cache) { return cache->count; }
const char *iad_mapcache_tag(const iad_mapcache *cache) { return cache->tag; }
uint64_t iad_mapcache_torn(const iad_mapcache *cache) { return cache->torn; }

iad_status iad_mapcache_verify(const iad_mapcache *cache, size_t index, iad_err *err) {
    if (index >= cache->count) return IAD_FAIL(err, IAD_ERR_ARG, "%s: no record %zu", cache->name, index);
    iad_mapcache_head head = {0};
    head_at(cache, index, &head);
    const uint8_t *payload = cache->bytes + cache->at[index] + IAD_MAPCACHE_RECORD;
    if (iad_checksum64(payload, (size_t)(head.bytes - IAD_MAPCACHE_RECORD)) == head.payload_sum) return IAD_OK;
    return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: the map of \"%s\" (record %zu at byte %llu) is damaged", cache->name,
                    name_of(cache, (uint32_t)index), index, (unsigned long long)cache->at[index]);
}

iad_status iad_mapcache_entry_at(const iad_mapcache *cache, size_t index, iad_mapcache_entry *out, int *has_mask, iad_err *err) {
    if (index >= cache->count) return IAD_FAIL(err, IAD_ERR_ARG, "%s: no record %zu", cache->name, index);
    iad_mapcache_head head = {0};
    head_at(cache, index, &head);
    const uint8_t *record = cache->bytes + cache->at[index];
    *out = (iad_mapcache_entry){.name = (const char *)record + head.name_at,
                                .map = (const float *)(const void *)(record + head.map_at),
                                .width = (int)head.width, .height = (int)head.height, .label = head.label,
                                .source_regions = head.source_regions, .image_score = head.image_score};
    memcpy(out->picture_hash, head.picture_hash, sizeof out->picture_hash);
    if (has_mask) *has_mask = head.has_mask;
    return IAD_OK;
}

ptrdiff_t iad_mapcache_find(const iad_mapcache *cache, const char *name) {
    return iad_name_index_find(&cache->names, name, strlen(name), name_of, cache);
}

static iad_status source_get(void *ctx, size_t index, iad_map_view *view, iad_err *err) {
    const iad_mapcache *cache = ctx;
    iad_mapcache_entry entry = {0};
    int has_mask = 0;
    IAD_TRY(iad_mapcache_entry_at(cache, index, &entry, &has_mask, err));
    view->map = entry.map;
    view->width = entry.width;
    view->height = entry.height;
    view->label = entry.label;
    view->source_regions = entry.source_regions;
    view->name = entry.name;
    if (!has_mask || view->skip_mask) return IAD_OK;
    iad_mapcache_head head = {0};
    head_at(cache, index, &head);
    size_t n = (size_t)entry.width * (size_t)entry.height;
    uint8_t *mask = iad_alloc(n, 1);
    if (!mask) return IAD_NOMEM(err, "mask");
    iad_mapcache_unpack(cache->bytes + cache->at[index] + head.mask_at, n, mask);
    view->mask = view->hold = mask;
    return IAD_OK;
}

static void source_release(void *ctx, iad_map_view *view) {
    (void)ctx;
    free(view->hold);
    view->hold = NULL;
}

iad_map_source iad_mapcache_source(const iad_mapcache *cache) {
    /* ctx is only ever read through a const pointer. */
    return (iad_map_source){(void *)(uintptr_t)cache, cache->count, source_get, source_release};
}
