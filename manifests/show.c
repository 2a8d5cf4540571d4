#include "manifests/show.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "base/sha256.h"
#include "base/text.h"
#include "manifests/pictures.h"
#include "manifests/query.h"

/* ---- rows as JSON ---- */

/* Blobs of up to 32 bytes as hexadecimal, longer ones as their size. */
static json_t *column_value(iad_query *q, int i) {
    char hex[65], text[48];
    size_t n;
    const void *bytes;
    switch (sqlite3_column_type(q->stmt, i)) {
    case SQLITE_INTEGER: return json_integer(iad_query_col_i64(q, i));
    case SQLITE_FLOAT: return json_real(iad_query_col_f64(q, i));
    case SQLITE_BLOB:
        bytes = iad_query_col_blob(q, i, &n);
        if (n > 32) {
            snprintf(text, sizeof text, "(%zu bytes)", n);
            return json_string(text);
        }
        iad_hex(bytes, n, hex);
        return json_string(hex);
    case SQLITE_TEXT: {
        const char *value = iad_query_col_text(q, i);
        return value ? json_stringn_nocheck(value, iad_utf8_valid(value, strlen(value))) : NULL;
    }
    default: return NULL;
    }
}

/* The present row; NULL columns are left out. */
static json_t *row_object(iad_query *q) {
    json_t *object = json_object();
    for (int i = 0; object && i < sqlite3_column_count(q->stmt); i++) {
        json_t *value = column_value(q, i);
        if (value) json_object_set_new(object, sqlite3_column_name(q->stmt, i), value);
    }
    return object;
}

/* Rows of a query with one number as parameter: an array under `key`; single values instead of objects for one-column
 * queries. Nothing is added when there are no rows. */
static iad_status attach(iad_manifest *manifest, json_t *object, const char *key, const char *sql, int64_t id,
                         iad_err *err) {
    json_t *list = json_array();
    if (!list) return IAD_NOMEM(err, key);
    iad_query q;
    iad_status status = iad_query_open(&q, manifest, key, sql, err);
    if (status == IAD_OK) {
        iad_query_i64(&q, id);
        while (iad_query_next(&q))
            json_array_append_new(list, sqlite3_column_count(q.stmt) == 1 ? column_value(&q, 0) : row_object(&q));
        status = iad_query_close(&q, err);
    }
    if (status == IAD_OK && json_array_size(list)) json_object_set(object, key, list);
    json_decref(list);
    return status;
}

/* ---- finding ---- */

/* Number of rows that match text; *id is the first. */
static iad_status match(iad_manifest *manifest, const char *sql, const char *text, int64_t *id, int *n, iad_err *err) {
    iad_query q;
    *n = 0;
    *id = 0;
    IAD_TRY(iad_query_open(&q, manifest, "look-up", sql, err));
    iad_query_text(&q, text);
    while (*n < 2 && iad_query_next(&q)) {
        if (!(*n)++) *id = iad_query_col_i64(&q, 0);
    }
    return iad_query_close(&q, err);
}

/* By the path of a file on disk: below which data set's folder does it lie? */
static iad_status find_file(iad_manifest *manifest, const char *key, int64_t *id, int *n, iad_err *err) {
    char real[PATH_MAX], root[IAD_PATH_MAX];
    *n = 0;
    if (!realpath(key, real)) return IAD_OK;
    iad_dataset_list list = {0};
    iad_status status = iad_dataset_all(manifest, &list, err);
    for (size_t i = 0; status == IAD_OK && i < list.n && !*n; i++) {
        char folder[PATH_MAX];
        if (iad_manifest_root_unpack(manifest, list.items[i].root, root, sizeof root, NULL) != IAD_OK ||
            !realpath(root, folder))
            continue;
        size_t length = strlen(folder);
        if (strncmp(real, folder, length) != 0 || real[length] != '/') continue;
        status = iad_image_find(manifest, list.items[i].id, real + length + 1, id, err);
        *n = *id != 0;
    }
    iad_dataset_list_deinit(&list);
    return status;
}

typedef struct kind_info {
    const char *name, *row_sql;
    const char *names[3]; /* look-ups by text, tried in order */
    struct {
        const char *key, *sql;
    } links[8];
} kind_info;

static const kind_info kinds[] = {
    {"picture",
     "SELECT i.*,d.name AS dataset,c.name AS category FROM image i JOIN dataset d ON d.id=i.dataset_id LEFT"
     " JOIN category c ON c.id=i.category_id WHERE i.id=?",
     {"SELECT i.id FROM image i JOIN dataset d ON d.id=i.dataset_id WHERE d.name||'/'||i.path=?",
      "SELECT id FROM image WHERE path=?", "SELECT id FROM image WHERE lower(hex(sha256))=lower(?)"},
     {{"splits", "SELECT scheme,part FROM split WHERE image_id=? ORDER BY scheme"},
      {"masks",
       "SELECT x.role,m.* FROM image_mask x JOIN mask m ON m.id=x.mask_id WHERE x.image_id=? ORDER BY x.role,m.id"},
      {"boxes", "SELECT x0,y0,x1,y1,name FROM image_box WHERE image_id=? ORDER BY pos"},
      {"captions", "SELECT aspect,lang,text,model,verified FROM caption WHERE image_id=? ORDER BY aspect,lang,id"},
      {"exemplar_of",
       "SELECT DISTINCT s.id,s.rule,s.shots,s.view FROM exemplar_set s WHERE s.id IN(SELECT set_id FROM exemplar"
       " WHERE image_id=?1 UNION"
       " SELECT set_id FROM exemplar_query WHERE image_id=?1) ORDER BY s.id"},
      {"tasks",
       "SELECT DISTINCT t.id,t.task,x.role FROM task_image x JOIN task t ON t.id=x.task_id WHERE x.image_id=?"
       " ORDER BY t.id LIMIT 100"},
      {"synths", "SELECT id,generator,kind,defect FROM synth WHERE dst_image=? ORDER BY id LIMIT 100"},
      {"doubles",
       "SELECT i.id,d.name||'/'||i.path AS path FROM image i JOIN dataset d ON d.id=i.dataset_id"
       " WHERE i.dup_of=? ORDER BY i.id"}}},
    {"dataset",
     "SELECT * FROM dataset WHERE id=?",
     {"SELECT id FROM dataset WHERE name=?"},
     {{"categories", "SELECT name FROM category WHERE dataset_id=? ORDER BY name"},
      {"pictures", "SELECT count(*) FROM image WHERE dataset_id=?"}}},
    {"category",
     "SELECT c.*,d.name AS dataset FROM category c JOIN dataset d ON d.id=c.dataset_id WHERE c.id=?",
     {"SELECT c.id FROM category c JOIN dataset d ON d.id=c.dataset_id WHERE d.name||'/'||c.name=?",
      "SELECT id FROM category WHERE name=?"},
     {{"counts",
       "SELECT part,label,coalesce(defect,'') AS defect,count(*) AS pictures FROM image WHERE category_id=?"
       " GROUP BY 1,2,3"},
      {"exemplar_sets", "SELECT id,rule,shots,view FROM exemplar_set WHERE category_id=? ORDER BY rule,shots,view"}}},
    {"task",
     "SELECT * FROM task WHERE id=?",
     {"SELECT id FROM task WHERE external_id=?"},
     {{"images",
       "SELECT x.pos,x.role,x.image_id,x.synth_id,i.path,x.jitter FROM task_image x LEFT JOIN image i"
       " ON i.id=x.image_id WHERE x.task_id=? ORDER BY x.pos"}}},
    {"set",
     "SELECT s.*,d.name||'/'||c.name AS category FROM exemplar_set s JOIN category c ON c.id=s.category_id"
     " JOIN dataset d ON d.id=c.dataset_id WHERE s.id=?",
     {NULL},
     {{"exemplars",
       "SELECT e.rank,i.path,e.sha256 FROM exemplar e JOIN image i ON i.id=e.image_id WHERE e.set_id=?"
       " ORDER BY e.rank"},
      {"queries",
       "SELECT q.path AS query,e.rank,i.path,e.sha256 FROM exemplar_query e JOIN image i ON i.id=e.image_id"
       " JOIN image q ON q.id=e.query_id WHERE"
       " e.set_id=? ORDER BY q.path,e.rank"}}},
    {"run", "SELECT * FROM run WHERE id=?", {NULL}, {{NULL, NULL}}},
    {"mask",
     "SELECT * FROM mask WHERE id=?",
     {"SELECT id FROM mask WHERE lower(hex(sha256))=lower(?)"},
     {{"pictures",
       "SELECT x.role,d.name||'/'||i.path AS path FROM image_mask x JOIN image i ON i.id=x.image_id JOIN dataset d"
       " ON d.id=i.dataset_id WHERE"
       " x.mask_id=? ORDER BY 2,1 LIMIT 100"}}}};
enum { N_KINDS = sizeof kinds / sizeof *kinds };

static iad_status find(iad_manifest *manifest, const kind_info *kind, const char *key, int64_t *id, iad_err *err) {
    int n = 0;
    if (iad_parse_i64(key, 1, INT64_MAX, "id", id, NULL) == IAD_OK) return IAD_OK;
    for (int i = 0; i < 3 && kind->names[i] && !n; i++) IAD_TRY(match(manifest, kind->names[i], key, id, &n, err));
    if (!n && !strcmp(kind->name, "picture")) IAD_TRY(find_file(manifest, key, id, &n, err));
    if (n > 1) return IAD_FAIL(err, IAD_ERR_ARG, "'%s' fits several rows: give DATASET/%s or an id", key, key);
    if (!n) return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "%s: no %s '%s'", iad_manifest_path(manifest), kind->name, key);
    return IAD_OK;
}

/* What only code can tell about a picture. */
static iad_status add_picture_facts(iad_manifest *manifest, int64_t id, json_t *object, iad_err *err) {
    char path[IAD_PATH_MAX];
    iad_err why = IAD_ERR_NONE;
    if (iad_image_path(manifest, id, path, sizeof path, &why) == IAD_OK) {
        json_object_set_new(object, "file", json_string_nocheck(path));
        json_object_set_new(object, "file_exists", json_boolean(iad_file_exists(path)));
    }
    iad_mask_state state;
    IAD_TRY(iad_image_mask_state(manifest, id, &state, err));
    static const char *const words[] = {"none needed", "known", "unknown"};
    json_object_set_new(object, "ground_truth", json_string(words[state]));
    return IAD_OK;
}

static iad_status show_row(iad_manifest *manifest, const kind_info *kind, int64_t id, json_t **object, iad_err *err) {
    iad_query q;
    IAD_TRY(iad_query_open(&q, manifest, kind->name, kind->row_sql, err));
    iad_query_i64(&q, id);
    int found = iad_query_next(&q);
    if (found) *object = row_object(&q);
    IAD_TRY(iad_query_close(&q, err));
    if (!found)
        return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "%s: no %s with id %lld", iad_manifest_path(manifest), kind->name,
                        (long long)id);
    if (!*object) return IAD_NOMEM(err, "a row");
    if (!strcmp(kind->name, "picture")) IAD_TRY(add_picture_facts(manifest, id, *object, err));
    for (size_t i = 0; i < sizeof kind->links / sizeof *kind->links && kind->links[i].key; i++)
        IAD_TRY(attach(manifest, *object, kind->links[i].key, kind->links[i].sql, id, err));
    return IAD_OK;
}

iad_status iad_show(iad_manifest *manifest, const char *kind, const char *key, json_t **object, iad_err *err) {
    *object = NULL;
    for (int i = 0; i < N_KINDS; i++) {
        int64_t id = 0;
        if (strcmp(kinds[i].name, kind) != 0) continue;
        IAD_TRY(find(manifest, &kinds[i], key, &id, err));
        iad_status status = show_row(manifest, &kinds[i], id, object, err);
        if (status != IAD_OK) {
            json_decref(*object);
            *object = NULL;
        }
        return status;
    }
    return IAD_FAIL(err, IAD_ERR_ARG, "unknown kind '%s': picture, dataset, category, task, set, run or mask", kind);
}
