/* Exemplar sets in the database. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "manifests/query.h"
#include "manifests/records_image.h"
#include "manifests/refs_rule.h"

#define MAX_ROWS 100000000u

static iad_status delete_set(iad_manifest *manifest, const iad_refs_set *set, const char *scheme, iad_err *err) {
    iad_query q;
    IAD_TRY(iad_query_open(
        &q, manifest, "exemplar_set",
        "SELECT id FROM exemplar_set WHERE category_id=? AND view=? AND scheme=? AND rule=? AND shots=? AND seed=?",
        err));
    iad_query_i64(&q, set->category_id);
    iad_query_text(&q, set->view);
    iad_query_text(&q, scheme);
    iad_query_text(&q, set->rule);
    iad_query_i64(&q, set->shots);
    iad_query_i64(&q, (int64_t)set->seed);
    int64_t id = iad_query_next(&q) ? iad_query_col_i64(&q, 0) : 0;
    IAD_TRY(iad_query_close(&q, err));
    if (!id) return IAD_OK;
    static const char *const sql[] = {"DELETE FROM exemplar_query WHERE set_id=?",
                                      "DELETE FROM exemplar WHERE set_id=?", "DELETE FROM exemplar_set WHERE id=?"};
    for (int i = 0; i < 3; i++) {
        IAD_TRY(iad_query_open(&q, manifest, "exemplar", sql[i], err));
        iad_query_i64(&q, id);
        IAD_TRY(iad_query_run(&q, set->rule, err));
    }
    return IAD_OK;
}

static iad_status insert_rows(iad_manifest *manifest, const iad_refs_set *set, iad_err *err) {
    iad_query q;
    for (size_t i = 0; i < set->n_common; i++) {
        IAD_TRY(iad_query_open(&q, manifest, "exemplar",
                               "INSERT INTO exemplar(set_id,rank,image_id,sha256) VALUES(?,?,?,?)", err));
        iad_query_i64(&q, set->id);
        iad_query_i64(&q, (int64_t)i);
        iad_query_i64(&q, set->pictures[i].id);
        iad_query_blob(&q, set->pictures[i].sha256, 32);
        IAD_TRY(iad_query_run(&q, set->pictures[i].path, err));
    }
    for (size_t i = 0; i < set->n_queries; i++) {
        const iad_refs_query *query = &set->queries[i];
        for (size_t k = 0; k < query->n; k++) {
            const iad_image_row *picture = &set->pictures[query->first + k];
            IAD_TRY(iad_query_open(&q, manifest, "exemplar_query",
                                   "INSERT INTO exemplar_query(set_id,query_id,rank,image_id,sha256) VALUES(?,?,?,?,?)",
                                   err));
            iad_query_i64(&q, set->id);
            iad_query_i64(&q, query->query_id);
            iad_query_i64(&q, (int64_t)k);
            iad_query_i64(&q, picture->id);
            iad_query_blob(&q, picture->sha256, 32);
            IAD_TRY(iad_query_run(&q, picture->path, err));
        }
    }
    return IAD_OK;
}

static iad_status write_set(iad_manifest *manifest, iad_refs_set *set, const char *scheme, iad_err *err) {
    IAD_TRY(delete_set(manifest, set, scheme, err));
    iad_query q;
    IAD_TRY(iad_query_open(
        &q, manifest, "exemplar_set",
        "INSERT INTO exemplar_set(category_id,view,scheme,rule,shots,seed,nested,note) VALUES(?,?,?,?,?,?,?,?)", err));
    iad_query_i64(&q, set->category_id);
    iad_query_text(&q, set->view);
    iad_query_text(&q, scheme);
    iad_query_text(&q, set->rule);
    iad_query_i64(&q, set->shots);
    iad_query_i64(&q, (int64_t)set->seed);
    iad_query_i64(&q, set->nested);
    iad_query_text(&q, set->note);
    IAD_TRY(iad_query_run(&q, set->rule, err));
    set->id = iad_query_last_id(manifest);
    return insert_rows(manifest, set, err);
}

iad_status iad_refs_store(iad_manifest *manifest, iad_refs_set *set, const char *scheme, iad_err *err) {
    if (!iad_manifest_writable(manifest))
        return IAD_FAIL(err, IAD_ERR_ARG, "%s: opened for reading only, exemplar sets cannot be stored",
                        iad_manifest_path(manifest));
    int own = !iad_manifest_in_transaction(manifest);
    if (own) IAD_TRY(iad_manifest_begin(manifest, err));
    iad_status status = write_set(manifest, set, scheme, err);
    if (own && status == IAD_OK) status = iad_manifest_commit(manifest, err);
    else if (own) iad_manifest_rollback(manifest);
    return status;
}

/* ---- reading back ---- */

/* Pictures of one set: the common ones, then each query's. A file that changed since is told apart by its hash: the
 * stored one counts. */
static iad_status load_pictures(iad_manifest *manifest, iad_refs *refs, iad_refs_set *set, iad_err *err) {
    static const char common[] =
        "SELECT " IAD_IMAGE_COLUMNS
        ",e.sha256,0,'' FROM exemplar e JOIN image i ON i.id=e.image_id WHERE e.set_id=? ORDER BY e.rank";
    static const char own[] =
        "SELECT " IAD_IMAGE_COLUMNS ",e.sha256,e.query_id,x.path FROM exemplar_query e JOIN image i ON i.id=e.image_id"
        " JOIN image x ON x.id=e.query_id WHERE e.set_id=? ORDER BY e.query_id,e.rank";
    size_t cap = 0, cap_queries = 0;
    iad_image_row *rows = NULL;
    iad_refs_query *queries = NULL;
    iad_status status = IAD_OK;
    for (int pass = 0; status == IAD_OK && pass < 2; pass++) {
        iad_query q;
        status = iad_query_open(&q, manifest, "exemplar", pass ? own : common, err);
        if (status != IAD_OK) break;
        iad_query_i64(&q, set->id);
        while (status == IAD_OK && iad_query_next(&q)) {
            void *block = rows;
            status = iad_grow(&block, &cap, set->n_pictures + 1, sizeof *rows, MAX_ROWS, "exemplars", err);
            if (status != IAD_OK) break;
            rows = block;
            status = iad_image_read(&q, &refs->arena, &rows[set->n_pictures], err);
            if (status != IAD_OK) break;
            iad_query_col_bytes(&q, IAD_IMAGE_N_COLUMNS, rows[set->n_pictures].sha256, 32);
            int64_t query_id = iad_query_col_i64(&q, IAD_IMAGE_N_COLUMNS + 1);
            if (pass && (set->n_queries == 0 || queries[set->n_queries - 1].query_id != query_id)) {
                block = queries;
                status = iad_grow(&block, &cap_queries, set->n_queries + 1, sizeof *queries, MAX_ROWS, "queries", err);
                if (status != IAD_OK) break;
                queries = block;
                queries[set->n_queries++] = (iad_refs_query){
                    query_id, iad_arena_str(&refs->arena, iad_query_col_text(&q, IAD_IMAGE_N_COLUMNS + 2)),
                    set->n_pictures, 0};
            }
            set->n_pictures++;
            if (pass) queries[set->n_queries - 1].n++;
            else set->n_common++;
        }
        iad_status closed = iad_query_close(&q, status == IAD_OK ? err : NULL);
        if (status == IAD_OK) status = closed;
    }
    if (status == IAD_OK) {
        set->pictures = iad_arena_take(&refs->arena, set->n_pictures * sizeof *rows);
        set->queries = iad_arena_take(&refs->arena, set->n_queries * sizeof *queries);
        if (!set->pictures || !set->queries) status = IAD_NOMEM(err, "exemplars");
        if (status == IAD_OK && set->n_pictures) memcpy(set->pictures, rows, set->n_pictures * sizeof *rows);
        if (status == IAD_OK && set->n_queries) memcpy(set->queries, queries, set->n_queries * sizeof *queries);
    }
    free(rows);
    free(queries);
    return status;
}

static iad_status read_set(iad_query *q, iad_refs *refs, iad_err *err) {
    void *block = refs->sets;
    IAD_TRY(iad_grow(&block, &refs->cap, refs->n + 1, sizeof *refs->sets, MAX_ROWS, "exemplar sets", err));
    refs->sets = block;
    iad_refs_set *set = &refs->sets[refs->n];
    memset(set, 0, sizeof *set);
    set->id = iad_query_col_i64(q, 0);
    set->category_id = iad_query_col_i64(q, 1);
    set->dataset = iad_arena_str(&refs->arena, iad_query_col_text(q, 2));
    set->category = iad_arena_str(&refs->arena, iad_query_col_text(q, 3));
    set->view = iad_arena_str(&refs->arena, iad_query_col_text(q, 4));
    set->rule = iad_arena_str(&refs->arena, iad_query_col_text(q, 5));
    set->shots = (int)iad_query_col_i64(q, 6);
    set->seed = (uint64_t)iad_query_col_i64(q, 7);
    set->nested = iad_query_col_i64(q, 8) != 0;
    set->note = iad_arena_str(&refs->arena, iad_query_col_text(q, 9));
    if (!set->dataset || !set->category || !set->view || !set->rule) return IAD_NOMEM(err, "exemplar sets");
    refs->n++;
    return IAD_OK;
}

iad_status iad_refs_load(iad_manifest *manifest, int64_t category_id, const char *rule, int shots, iad_refs *refs,
                         iad_err *err) {
    iad_query q;
    size_t first = refs->n;
    iad_refs_rule *parsed = NULL;
    const iad_refs_method *method;
    if (rule) {
        parsed = iad_calloc(1, sizeof *parsed);
        if (!parsed) return IAD_NOMEM(err, "a rule");
        iad_status status = iad_refs_rule_parse(rule, 0, parsed, &method, err);
        if (status != IAD_OK) {
            free(parsed);
            return status;
        }
    }
    iad_status status = iad_query_open(
        &q, manifest, "exemplar_set",
        "SELECT s.id,s.category_id,d.name,c.name,s.view,s.rule,s.shots,s.seed,s.nested,s.note FROM exemplar_set s"
        " JOIN category c ON c.id=s.category_id JOIN dataset d ON d.id=c.dataset_id"
        " WHERE (?1=0 OR s.category_id=?1) AND (?2 IS NULL OR s.rule=?2) AND (?3=0 OR s.shots=?3)"
        " ORDER BY d.name,c.name,s.rule,s.shots,s.view,s.scheme",
        err);
    if (status == IAD_OK) {
        iad_query_i64(&q, category_id);
        iad_query_text(&q, parsed ? parsed->canonical : NULL);
        iad_query_i64(&q, shots);
        while (status == IAD_OK && iad_query_next(&q)) status = read_set(&q, refs, err);
        iad_status closed = iad_query_close(&q, status == IAD_OK ? err : NULL);
        if (status == IAD_OK) status = closed;
    }
    free(parsed);
    for (size_t i = first; status == IAD_OK && i < refs->n; i++)
        status = load_pictures(manifest, refs, &refs->sets[i], err);
    return status;
}
