#include "manifests/ingest/ingest_known.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "manifests/ingest/ingest_list.h"
#include "manifests/query.h"

static iad_status add(iad_known_pictures *known, iad_query *q, iad_err *err) {
    void *items = known->items;
    IAD_TRY(iad_grow(&items, &known->cap, known->n + 1, sizeof *known->items, IAD_INGEST_MAX_ITEMS, "pictures of the data set", err));
    known->items = items;
    const char *path = iad_arena_str(&known->arena, iad_query_col_text(q, 0));
    if (!path) return IAD_NOMEM(err, "the pictures of the data set");
    known->items[known->n++] = (iad_known_picture){.path = path,
                                                   .id = iad_query_col_i64(q, 1),
                                                   .bytes = iad_query_col_i64(q, 2),
                                                   .mtime_ns = iad_query_col_i64(q, 3),
                                                   .has_mask = iad_query_col_i64(q, 4) != 0,
                                                   .bad = iad_query_col_i64(q, 5) != 0};
    return IAD_OK;
}

iad_status iad_known_pictures_load(iad_manifest *manifest, int64_t dataset_id, iad_known_pictures *known, iad_err *err) {
    iad_query q;
    /* BINARY collation: the order of strcmp. */
    IAD_TRY(iad_query_open(&q, manifest, "image",
                           "SELECT path,id,bytes,mtime_ns,EXISTS(SELECT 1 FROM image_mask m WHERE m.image_id=i.id AND m.role='gt'),bad"
                           " FROM image i WHERE dataset_id=? ORDER BY path",
                           err));
    iad_query_i64(&q, dataset_id);
    iad_status status = IAD_OK;
    while (status == IAD_OK && iad_query_next(&q)) status = add(known, &q, err);
    iad_status closed = iad_query_close(&q, status == IAD_OK ? err : NULL);
    return status != IAD_OK ? status : closed;
}

iad_known_picture *iad_known_pictures_find(const iad_known_pictures *known, const char *path) {
    size_t lo = 0, hi = known->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int order = strcmp(known->items[mid].path, path);
        if (order == 0) return &known->items[mid];
        if (order < 0) lo = mid + 1;
        else hi = mid;
    }
    return NULL;
}

void iad_known_pictures_deinit(iad_known_pictures *known) {
    free(known->items);
    iad_arena_deinit(&known->arena);
    memset(known, 0, sizeof *known);
}
