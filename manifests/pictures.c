#include "manifests/pictures.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "manifests/query.h"
#include "manifests/records_image.h"

#define MAX_LIST 100000000u

void iad_category_list_deinit(iad_category_list *list) {
    free(list->items);
    iad_arena_deinit(&list->arena);
    memset(list, 0, sizeof *list);
}

void iad_dataset_list_deinit(iad_dataset_list *list) {
    free(list->items);
    iad_arena_deinit(&list->arena);
    memset(list, 0, sizeof *list);
}

void iad_image_list_deinit(iad_image_list *list) {
    free(list->items);
    iad_arena_deinit(&list->arena);
    memset(list, 0, sizeof *list);
}

/* All ids that a query yields. */
static iad_status collect_ids(iad_query *q, int64_t **ids, size_t *n, iad_err *err) {
    size_t cap = 0;
    iad_status status = IAD_OK;
    while (status == IAD_OK && iad_query_next(q)) {
        void *block = *ids;
        status = iad_grow(&block, &cap, *n + 1, sizeof **ids, MAX_LIST, "rows", err);
        if (status != IAD_OK) break;
        *ids = block;
        (*ids)[(*n)++] = iad_query_col_i64(q, 0);
    }
    iad_status closed = iad_query_close(q, status == IAD_OK ? err : NULL);
    return status != IAD_OK ? status : closed;
}

iad_status iad_dataset_all(iad_manifest *manifest, iad_dataset_list *list, iad_err *err) {
    iad_query q;
    int64_t *ids = NULL;
    size_t n = 0;
    IAD_TRY(iad_query_open(&q, manifest, "dataset", "SELECT id FROM dataset ORDER BY name", err));
    iad_status status = collect_ids(&q, &ids, &n, err);
    for (size_t i = 0; status == IAD_OK && i < n; i++) {
        void *block = list->items;
        status = iad_grow(&block, &list->cap, list->n + 1, sizeof *list->items, MAX_LIST, "data sets", err);
        if (status != IAD_OK) break;
        list->items = block;
        status = iad_dataset_get(manifest, ids[i], &list->arena, &list->items[list->n], err);
        if (status == IAD_OK) list->n++;
    }
    free(ids);
    return status;
}

iad_status iad_category_all(iad_manifest *manifest, int64_t dataset_id, iad_category_list *list, iad_err *err) {
    iad_query q;
    int64_t *ids = NULL;
    size_t n = 0;
    IAD_TRY(iad_query_open(
        &q, manifest, "category",
        "SELECT c.id FROM category c JOIN dataset d ON d.id=c.dataset_id WHERE ?1=0 OR d.id=?1 ORDER BY d.name,c.name",
        err));
    iad_query_i64(&q, dataset_id);
    iad_status status = collect_ids(&q, &ids, &n, err);
    for (size_t i = 0; status == IAD_OK && i < n; i++) {
        void *block = list->items;
        status = iad_grow(&block, &list->cap, list->n + 1, sizeof *list->items, MAX_LIST, "categories", err);
        if (status != IAD_OK) break;
        list->items = block;
        status = iad_category_get(manifest, ids[i], &list->arena, &list->items[list->n], err);
        if (status == IAD_OK) list->n++;
    }
    free(ids);
    return status;
}

#define CONDITIONS                                                                                              \
    " AND (?4=0 OR i.label='normal') AND (?5=0 OR (i.label='normal' AND i.exemplar_ok=1 AND i.dup_of IS NULL))" \
    " AND (?6=0 OR i.label<>'unknown') AND (?7 IS NULL OR coalesce(i.view,'')=?7) AND i.bad=0 "                 \
    "ORDER BY i.path"

iad_status iad_image_select(iad_manifest *manifest, const iad_picture_filter *filter, iad_image_list *list,
                            iad_err *err) {
    static const char by_source[] =
        "SELECT " IAD_IMAGE_COLUMNS
        " FROM image i WHERE i.category_id=?1 AND ?2 IS NULL AND (?3 IS NULL OR i.part=?3)" CONDITIONS;
    static const char by_scheme[] =
        "SELECT " IAD_IMAGE_COLUMNS " FROM image i JOIN split s ON s.image_id=i.id AND s.scheme=?2"
        " WHERE i.category_id=?1 AND (?3 IS NULL OR s.part=?3)" CONDITIONS;
    iad_query q;
    IAD_TRY(iad_query_open(&q, manifest, "image", filter->scheme ? by_scheme : by_source, err));
    iad_query_i64(&q, filter->category_id);
    iad_query_text(&q, filter->scheme);
    iad_query_text(&q, filter->any_part ? NULL : iad_part_name(filter->part));
    iad_query_i64(&q, filter->normals_only);
    iad_query_i64(&q, filter->exemplars_only);
    iad_query_i64(&q, filter->known_only);
    iad_query_text(&q, filter->view);
    iad_status status = IAD_OK;
    while (status == IAD_OK && iad_query_next(&q)) {
        void *block = list->items;
        status = iad_grow(&block, &list->cap, list->n + 1, sizeof *list->items, MAX_LIST, "pictures", err);
        if (status != IAD_OK) break;
        list->items = block;
        status = iad_image_read(&q, &list->arena, &list->items[list->n], err);
        if (status == IAD_OK) list->n++;
    }
    iad_status closed = iad_query_close(&q, status == IAD_OK ? err : NULL);
    return status != IAD_OK ? status : closed;
}

iad_status iad_image_tests(iad_manifest *manifest, int64_t category_id, const char *scheme, iad_image_list *list,
                           iad_err *err) {
    iad_picture_filter filter = {.category_id = category_id, .scheme = scheme, .part = IAD_PART_TEST, .known_only = 1};
    return iad_image_select(manifest, &filter, list, err);
}

iad_status iad_image_train_normals(iad_manifest *manifest, int64_t category_id, const char *scheme,
                                   iad_image_list *list, iad_err *err) {
    iad_picture_filter filter = {
        .category_id = category_id, .scheme = scheme, .part = IAD_PART_TRAIN, .exemplars_only = 1};
    return iad_image_select(manifest, &filter, list, err);
}

iad_status iad_image_count_bad(iad_manifest *manifest, int64_t category_id, const char *scheme, iad_part part,
                               int64_t *n, iad_err *err) {
    iad_query q;
    IAD_TRY(
        iad_query_open(&q, manifest, "image",
                       "SELECT count(*) FROM image i LEFT JOIN split s ON s.image_id=i.id AND s.scheme=?2"
                       " WHERE i.category_id=?1 AND i.bad=1 AND CASE WHEN ?2 IS NULL THEN i.part ELSE s.part END=?3",
                       err));
    iad_query_i64(&q, category_id);
    iad_query_text(&q, scheme);
    iad_query_text(&q, iad_part_name(part));
    *n = iad_query_next(&q) ? iad_query_col_i64(&q, 0) : 0;
    return iad_query_close(&q, err);
}

/* ---- files ---- */

iad_status iad_image_path_join(const iad_manifest *manifest, const char *stored_root, const char *path, char *out,
                               size_t size, iad_err *err) {
    char root[IAD_PATH_MAX];
    if (!iad_path_safe(path))
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: unsafe picture path '%.200s'", iad_manifest_path(manifest), path);
    IAD_TRY(iad_manifest_root_unpack(manifest, stored_root, root, sizeof root, err));
    return iad_path_join(out, size, root, path, err);
}

iad_status iad_image_path(iad_manifest *manifest, int64_t image_id, char *out, size_t size, iad_err *err) {
    iad_query q;
    IAD_TRY(iad_query_open(&q, manifest, "image",
                           "SELECT d.root,i.path FROM image i JOIN dataset d ON d.id=i.dataset_id WHERE i.id=?", err));
    iad_query_i64(&q, image_id);
    int found = iad_query_next(&q);
    const char *root = found ? iad_query_col_text(&q, 0) : NULL, *path = found ? iad_query_col_text(&q, 1) : NULL;
    iad_status status = IAD_OK;
    if (root && path) status = iad_image_path_join(manifest, root, path, out, size, err);
    else if (found) status = IAD_FAIL(err, IAD_ERR_NOMEM, "out of memory for a path");
    iad_status closed = iad_query_close(&q, status == IAD_OK ? err : NULL);
    if (status != IAD_OK || closed != IAD_OK) return status != IAD_OK ? status : closed;
    if (!found) return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "no picture with id %lld", (long long)image_id);
    return IAD_OK;
}
