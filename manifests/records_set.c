/* Data sets and categories. */
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "manifests/query.h"
#include "manifests/records.h"

/* ---- data set ---- */

iad_status iad_dataset_find(iad_manifest *manifest, const char *name, int64_t *id, iad_err *err) {
    iad_query q;
    IAD_TRY(iad_query_open(&q, manifest, "dataset", "SELECT id FROM dataset WHERE name=?", err));
    iad_query_text(&q, name);
    *id = iad_query_next(&q) ? iad_query_col_i64(&q, 0) : 0;
    return iad_query_close(&q, err);
}

iad_status iad_dataset_put(iad_manifest *manifest, const iad_dataset_row *row, int64_t *id, iad_err *err) {
    if (!row->name || !*row->name) return IAD_FAIL(err, IAD_ERR_ARG, "a data set needs a name");
    if (!row->root || !*row->root) return IAD_FAIL(err, IAD_ERR_ARG, "data set %s: no folder", row->name);
    iad_query q;
    IAD_TRY(iad_query_open(
        &q, manifest, "dataset",
        "INSERT INTO dataset(name,part,version,adapter,root,licence,licence_url,redistributable,commercial,citation,"
        "origin,"
        "eval_overlap) VALUES(?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT(name) DO UPDATE SET part=excluded.part,"
        "version=excluded.version,adapter=excluded.adapter,root=excluded.root,licence=excluded.licence,"
        "licence_url=excluded.licence_url,redistributable=excluded.redistributable,commercial=excluded.commercial,"
        "citation=excluded.citation,origin=excluded.origin,eval_overlap=excluded.eval_overlap",
        err));
    iad_query_text(&q, row->name);
    iad_query_text(&q, row->part);
    iad_query_text(&q, row->version);
    iad_query_text(&q, row->adapter);
    iad_query_text(&q, row->root);
    iad_query_text(&q, row->licence ? row->licence : "");
    iad_query_text(&q, row->licence_url);
    iad_query_i64(&q, row->redistributable != 0);
    iad_query_i64(&q, row->commercial != 0);
    iad_query_text(&q, row->citation);
    iad_query_text(&q, row->origin);
    iad_query_text(&q, row->eval_overlap ? row->eval_overlap : "");
    IAD_TRY(iad_query_run(&q, row->name, err));
    return iad_dataset_find(manifest, row->name, id, err);
}

iad_status iad_dataset_get(iad_manifest *manifest, int64_t id, iad_arena *arena, iad_dataset_row *row, iad_err *err) {
    memset(row, 0, sizeof *row);
    iad_query q;
    IAD_TRY(iad_query_open(
        &q, manifest, "dataset",
        "SELECT id,name,part,version,adapter,root,licence,licence_url,citation,redistributable,commercial,origin,"
        "eval_overlap FROM dataset WHERE id=?",
        err));
    iad_query_i64(&q, id);
    int found = iad_query_next(&q);
    if (found) {
        row->id = iad_query_col_i64(&q, 0);
        const char **texts[] = {&row->name, &row->part,    &row->version,     &row->adapter,
                                &row->root, &row->licence, &row->licence_url, &row->citation};
        for (int i = 0; i < 8; i++) *texts[i] = iad_arena_str(arena, iad_query_col_text(&q, i + 1));
        row->redistributable = (int)iad_query_col_i64(&q, 9);
        row->commercial = (int)iad_query_col_i64(&q, 10);
        row->origin = iad_arena_str(arena, iad_query_col_text(&q, 11));
        row->eval_overlap = iad_arena_str(arena, iad_query_col_text(&q, 12));
    }
    IAD_TRY(iad_query_close(&q, err));
    if (!found) return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "no data set with id %lld", (long long)id);
    if (!row->name || !row->root || !row->licence || !row->eval_overlap) return IAD_NOMEM(err, "a data set row");
    return IAD_OK;
}

/* ---- category ---- */

iad_status iad_category_find(iad_manifest *manifest, int64_t dataset_id, const char *name, int64_t *id, iad_err *err) {
    iad_query q;
    IAD_TRY(iad_query_open(&q, manifest, "category", "SELECT id FROM category WHERE dataset_id=? AND name=?", err));
    iad_query_i64(&q, dataset_id);
    iad_query_text(&q, name);
    *id = iad_query_next(&q) ? iad_query_col_i64(&q, 0) : 0;
    return iad_query_close(&q, err);
}

static void bind_tristate(iad_query *q, int value) {
    if (value < 0) iad_query_null(q);
    else iad_query_i64(q, value != 0);
}

iad_status iad_category_put(iad_manifest *manifest, const iad_category_row *row, int64_t *id, iad_err *err) {
    if (!row->name || !*row->name) return IAD_FAIL(err, IAD_ERR_ARG, "a category needs a name");
    char display[256];
    if (!row->display) {
        iad_text_copy(display, sizeof display, row->name);
        for (char *p = display; *p; p++)
            if (*p == '_') *p = ' ';
    }
    iad_query q;
    IAD_TRY(iad_query_open(
        &q, manifest, "category",
        "INSERT INTO category(dataset_id,name,display,kind,grey,aligned,fg_method,fg_params,description)"
        " VALUES(?,?,?,?,?,?,?,?,?) ON CONFLICT(dataset_id,name) DO UPDATE SET kind=coalesce(kind,excluded.kind),"
        "grey=coalesce(grey,excluded.grey),aligned=coalesce(aligned,excluded.aligned),"
        "fg_method=coalesce(fg_method,excluded.fg_method),fg_params=coalesce(fg_params,excluded.fg_params),"
        "description=coalesce(description,excluded.description)",
        err));
    iad_query_i64(&q, row->dataset_id);
    iad_query_text(&q, row->name);
    iad_query_text(&q, row->display ? row->display : display);
    iad_query_text(&q, row->kind);
    bind_tristate(&q, row->grey);
    bind_tristate(&q, row->aligned);
    iad_query_text(&q, row->fg_method);
    iad_query_text(&q, row->fg_params);
    iad_query_text(&q, row->description);
    IAD_TRY(iad_query_run(&q, row->name, err));
    return iad_category_find(manifest, row->dataset_id, row->name, id, err);
}

iad_status iad_category_get(iad_manifest *manifest, int64_t id, iad_arena *arena, iad_category_row *row, iad_err *err) {
    memset(row, 0, sizeof *row);
    iad_query q;
    IAD_TRY(iad_query_open(
        &q, manifest, "category",
        "SELECT id,dataset_id,name,display,kind,grey,aligned,fg_method,fg_params,description FROM category WHERE id=?",
        err));
    iad_query_i64(&q, id);
    int found = iad_query_next(&q);
    if (found) {
        row->id = iad_query_col_i64(&q, 0);
        row->dataset_id = iad_query_col_i64(&q, 1);
        row->name = iad_arena_str(arena, iad_query_col_text(&q, 2));
        row->display = iad_arena_str(arena, iad_query_col_text(&q, 3));
        row->kind = iad_arena_str(arena, iad_query_col_text(&q, 4));
        row->grey = iad_query_col_null(&q, 5) ? -1 : (int)iad_query_col_i64(&q, 5);
        row->aligned = iad_query_col_null(&q, 6) ? -1 : (int)iad_query_col_i64(&q, 6);
        row->fg_method = iad_arena_str(arena, iad_query_col_text(&q, 7));
        row->fg_params = iad_arena_str(arena, iad_query_col_text(&q, 8));
        row->description = iad_arena_str(arena, iad_query_col_text(&q, 9));
    }
    IAD_TRY(iad_query_close(&q, err));
    if (!found) return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "no category with id %lld", (long long)id);
    if (!row->name || !row->display) return IAD_NOMEM(err, "a category row");
    return IAD_OK;
}
