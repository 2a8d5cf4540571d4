#include "manifests/stats.h"

#include <string.h>

#include "base/alloc.h"
#include "manifests/label.h"
#include "manifests/pictures.h"
#include "manifests/query.h"

/* Adds n to a counter that may not be there yet; 0 on failure. */
static int bump(json_t *object, const char *key, int64_t n) {
    int64_t old = json_integer_value(json_object_get(object, key));
    return json_object_set_new(object, key, json_integer(old + n)) == 0;
}

/* Widens a [low, high] pair. */
static int widen(json_t *object, const char *key, int64_t low, int64_t high) {
    json_t *pair = json_object_get(object, key);
    if (!pair) return json_object_set_new(object, key, json_pack("[I,I]", (json_int_t)low, (json_int_t)high)) == 0;
    if (low < json_integer_value(json_array_get(pair, 0)) && json_array_set_new(pair, 0, json_integer(low)) != 0)
        return 0;
    if (high > json_integer_value(json_array_get(pair, 1)) && json_array_set_new(pair, 1, json_integer(high)) != 0)
        return 0;
    return 1;
}

static json_t *new_category(const char *name, const char *kind) {
    json_t *parts = json_object(), *category;
    for (int part = 0; parts && part < 4; part++)
        json_object_set_new(parts, iad_part_name((iad_part)part),
                            json_pack("{s:i,s:i,s:i}", "normal", 0, "anomalous", 0, "unknown", 0));
    category = json_pack("{s:s,s:s?,s:i,s:i,s:o,s:{},s:i,s:i,s:i,s:i,s:i}", "name", name, "kind", kind, "pictures", 0,
                         "bad", 0, "parts", parts, "defects", "masks", 0, "masks_unknown", 0, "exemplars", 0, "doubles",
                         0, "bytes", 0);
    return category;
}

/* One group of equal (category, part, label, defect, bad); 0 on failure. */
static int add_group(json_t *category, iad_query *q) {
    const char *part = iad_query_col_text(q, 2), *label = iad_query_col_text(q, 3), *defect = iad_query_col_text(q, 4);
    int64_t n = iad_query_col_i64(q, 6);
    if (!part || !label || !bump(category, "pictures", n) || !bump(category, "bytes", iad_query_col_i64(q, 7)))
        return 0;
    if (iad_query_col_i64(q, 5)) return bump(category, "bad", n);
    json_t *cell = json_object_get(json_object_get(category, "parts"), part);
    if (!cell || !bump(cell, label, n)) return 0;
    if (defect && !bump(json_object_get(category, "defects"), defect, n)) return 0;
    if (!bump(category, "masks", iad_query_col_i64(q, 8)) || !bump(category, "exemplars", iad_query_col_i64(q, 9)) ||
        !bump(category, "doubles", iad_query_col_i64(q, 10)))
        return 0;
    if (!strcmp(label, "anomalous") && !bump(category, "masks_unknown", n - iad_query_col_i64(q, 8))) return 0;
    return widen(category, "width", iad_query_col_i64(q, 11), iad_query_col_i64(q, 12)) &&
           widen(category, "height", iad_query_col_i64(q, 13), iad_query_col_i64(q, 14));
}

/* Categories of one data set, those without pictures included. */
static iad_status count_categories(iad_manifest *manifest, int64_t dataset_id, const char *scheme, json_t *categories,
                                   iad_err *err) {
    static const char sql[] =
        "SELECT coalesce(c.name,''),c.kind,CASE WHEN ?2 IS NULL THEN i.part"
        " ELSE coalesce(s.part,'none') END AS p,i.label,i.defect,i.bad,count(i.id),"
        "sum(coalesce(i.bytes,0)),sum(EXISTS(SELECT 1 FROM image_mask x WHERE x.image_id=i.id AND x.role='gt')),"
        "sum(i.exemplar_ok AND i.dup_of IS NULL),sum(i.dup_of IS NOT NULL),min(i.width),max(i.width),min(i.height),"
        "max(i.height)"
        " FROM image i LEFT JOIN category c ON c.id=i.category_id LEFT JOIN split s ON s.image_id=i.id AND s.scheme=?2"
        " WHERE i.dataset_id=?1 GROUP BY c.id,p,i.label,i.defect,i.bad"
        " ORDER BY coalesce(c.name,''),c.id,p,i.label,i.defect";
    iad_query q;
    IAD_TRY(iad_query_open(&q, manifest, "image", sql, err));
    iad_query_i64(&q, dataset_id);
    iad_query_text(&q, scheme);
    iad_status status = IAD_OK;
    json_t *category = NULL; /* borrowed: the last of categories */
    while (status == IAD_OK && iad_query_next(&q)) {
        const char *name = iad_query_col_text(&q, 0);
        if (!name) break;
        if (!category || strcmp(json_string_value(json_object_get(category, "name")), name) != 0) {
            category = new_category(name, iad_query_col_text(&q, 1));
            if (!category || json_array_append_new(categories, category) != 0) status = IAD_NOMEM(err, "counts");
        }
        if (status == IAD_OK && !add_group(category, &q)) status = IAD_NOMEM(err, "counts");
    }
    iad_status closed = iad_query_close(&q, status == IAD_OK ? err : NULL);
    return status != IAD_OK ? status : closed;
}

static iad_status count_dataset(iad_manifest *manifest, const iad_dataset_row *row, const char *scheme, json_t *list,
                                iad_err *err) {
    json_t *categories = json_array(), *category;
    size_t i;
    json_int_t pictures = 0;
    if (!categories) return IAD_NOMEM(err, "counts");
    iad_status status = count_categories(manifest, row->id, scheme, categories, err);
    json_array_foreach(categories, i, category) pictures += json_integer_value(json_object_get(category, "pictures"));
    json_t *dataset =
        json_pack("{s:s,s:s?,s:s,s:s,s:s,s:I,s:o}", "name", row->name, "adapter", row->adapter, "licence", row->licence,
                  "eval_overlap", row->eval_overlap, "root", row->root, "pictures", pictures, "categories", categories);
    if (!dataset || json_array_append_new(list, dataset) != 0) {
        if (status == IAD_OK) status = IAD_NOMEM(err, "counts");
    }
    return status;
}

static iad_status count_datasets(iad_manifest *manifest, const char *wanted, const char *scheme, json_t *list,
                                 iad_err *err) {
    iad_dataset_list datasets = {0};
    iad_status status = iad_dataset_all(manifest, &datasets, err);
    size_t found = 0;
    for (size_t i = 0; status == IAD_OK && i < datasets.n; i++) {
        if (wanted && strcmp(datasets.items[i].name, wanted) != 0) continue;
        found++;
        status = count_dataset(manifest, &datasets.items[i], scheme, list, err);
    }
    if (status == IAD_OK && wanted && !found)
        status = IAD_FAIL(err, IAD_ERR_NOT_FOUND, "%s: no data set '%s'", iad_manifest_path(manifest), wanted);
    iad_dataset_list_deinit(&datasets);
    return status;
}

static iad_status count_rest(iad_manifest *manifest, json_t *stats, iad_err *err) {
    static const struct {
        const char *key, *sql;
    } totals[] = {{"exemplar_sets", "SELECT count(*) FROM exemplar_set"},
                  {"captions", "SELECT count(*) FROM caption"},
                  {"synth", "SELECT count(*) FROM synth"},
                  {"masks", "SELECT count(*) FROM mask"},
                  {"runs", "SELECT count(*) FROM run"}};
    json_t *tasks = json_array();
    if (!tasks || json_object_set_new(stats, "tasks", tasks) != 0) return IAD_NOMEM(err, "counts");
    iad_query q;
    IAD_TRY(iad_query_open(
        &q, manifest, "task",
        "SELECT task,stage,part,count(*) FROM task GROUP BY task,stage,part ORDER BY stage,task,part", err));
    int whole = 1;
    while (iad_query_next(&q)) {
        json_t *row = json_pack("{s:s,s:I,s:s,s:I}", "task", iad_query_col_text(&q, 0), "stage",
                                (json_int_t)iad_query_col_i64(&q, 1), "part", iad_query_col_text(&q, 2), "count",
                                (json_int_t)iad_query_col_i64(&q, 3));
        whole &= json_array_append_new(tasks, row) == 0;
    }
    IAD_TRY(iad_query_close(&q, err));
    for (size_t i = 0; i < sizeof totals / sizeof *totals; i++) {
        int64_t n = 0;
        IAD_TRY(iad_query_scalar(manifest, totals[i].sql, 0, &n, err));
        whole &= json_object_set_new(stats, totals[i].key, json_integer(n)) == 0;
    }
    return whole ? IAD_OK : IAD_NOMEM(err, "counts");
}

iad_status iad_stats_json(iad_manifest *manifest, const char *dataset, const char *scheme, json_t **stats,
                          iad_err *err) {
    *stats = json_object();
    json_t *datasets = json_array();
    if (!*stats || json_object_set_new(*stats, "datasets", datasets) != 0) {
        json_decref(*stats);
        *stats = NULL;
        return IAD_NOMEM(err, "counts");
    }
    iad_status status = count_datasets(manifest, dataset, scheme, datasets, err);
    if (status == IAD_OK) status = count_rest(manifest, *stats, err);
    if (status != IAD_OK) {
        json_decref(*stats);
        *stats = NULL;
    }
    return status;
}
