/* The file itself, paths, masks and picture files. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/pool.h"
#include "base/sha256.h"
#include "manifests/check_rules.h"
#include "manifests/identity.h"
#include "manifests/pictures.h"
#include "manifests/schema.h"

/* ---- structure ---- */

static iad_status pragma_rows(iad_check_state *state, const char *rule, const char *sql, int integrity, iad_err *err) {
    iad_query q;
    char item[200];
    IAD_TRY(iad_query_open(&q, state->manifest, rule, sql, err));
    iad_status status = IAD_OK;
    while (status == IAD_OK && iad_query_next(&q)) {
        const char *first = iad_query_col_text(&q, 0);
        if (integrity && first && !strcmp(first, "ok")) continue;
        if (integrity) {
            status = iad_check_report(state, rule, "database file", first ? first : "?", err);
        } else {
            const char *parent = iad_query_col_text(&q, 2);
            snprintf(item, sizeof item, "%.80s row %lld", first ? first : "?", (long long)iad_query_col_i64(&q, 1));
            char text[200];
            snprintf(text, sizeof text, "points at a row of %.80s that is not there", parent ? parent : "?");
            status = iad_check_report(state, rule, item, text, err);
        }
    }
    iad_status closed = iad_query_close(&q, status == IAD_OK ? err : NULL);
    return status != IAD_OK ? status : closed;
}

/* Every object of `from` must be in `in` with the same text. Returns SQLite's code. */
static int compare_schema(sqlite3 *from, sqlite3 *in, const char *complaint, iad_check_state *state, iad_status *status,
                          iad_err *err) {
    sqlite3_stmt *have = NULL, *look = NULL;
    int code = sqlite3_prepare_v2(
        from, "SELECT type,name,sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'", -1, &have, NULL);
    if (code == SQLITE_OK)
        code =
            sqlite3_prepare_v2(in, "SELECT 1 FROM sqlite_schema WHERE type=? AND name=? AND sql IS ?", -1, &look, NULL);
    while (code == SQLITE_OK && *status == IAD_OK && (code = sqlite3_step(have)) == SQLITE_ROW) {
        sqlite3_reset(look);
        for (int i = 0; i < 3; i++) sqlite3_bind_value(look, i + 1, sqlite3_column_value(have, i));
        int found = sqlite3_step(look) == SQLITE_ROW;
        char item[200];
        snprintf(item, sizeof item, "%.20s %.150s", (const char *)sqlite3_column_text(have, 0),
                 (const char *)sqlite3_column_text(have, 1));
        if (!found) *status = iad_check_report(state, "schema", item, complaint, err);
        code = SQLITE_OK;
    }
    sqlite3_finalize(have);
    sqlite3_finalize(look);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

iad_status iad_check_schema(iad_check_state *state, iad_err *err) {
    IAD_TRY(pragma_rows(state, "file", "PRAGMA integrity_check(100)", 1, err));
    IAD_TRY(pragma_rows(state, "foreign-key", "PRAGMA foreign_key_check", 0, err));
    sqlite3 *fresh = NULL, *db = iad_manifest_sqlite(state->manifest);
    if (sqlite3_open(":memory:", &fresh) != SQLITE_OK) {
        sqlite3_close(fresh);
        return IAD_NOMEM(err, "SQLite");
    }
    iad_status status = iad_schema_migrate(fresh, "reference schema", 0, err);
    if (status == IAD_OK) {
        int code = compare_schema(fresh, db, "missing or changed", state, &status, err);
        if (code == SQLITE_OK && status == IAD_OK)
            code = compare_schema(db, fresh, "does not belong here, or was changed", state, &status, err);
        if (code != SQLITE_OK && status == IAD_OK)
            status = iad_query_fail(db, iad_manifest_path(state->manifest), "comparing the schema", err);
    }
    sqlite3_close(fresh);
    state->counts->rules += 3;
    return status;
}

/* ---- paths ---- */

static iad_status judge_roots(iad_check_state *state, iad_err *err) {
    iad_dataset_list list = {0};
    iad_status status = iad_dataset_all(state->manifest, &list, err);
    for (size_t i = 0; status == IAD_OK && i < list.n; i++) {
        char root[IAD_PATH_MAX], text[IAD_PATH_MAX + 40];
        iad_err why = IAD_ERR_NONE;
        if (iad_manifest_root_unpack(state->manifest, list.items[i].root, root, sizeof root, &why) != IAD_OK) {
            status = iad_check_report(state, "path", list.items[i].name, why.msg, err);
        } else if (state->options->files && !iad_file_is_dir(root)) {
            snprintf(text, sizeof text, "its folder %s is not there", root);
            status = iad_check_report(state, "file-missing", list.items[i].name, text, err);
        }
    }
    iad_dataset_list_deinit(&list);
    return status;
}

iad_status iad_check_paths(iad_check_state *state, iad_err *err) {
    IAD_TRY(judge_roots(state, err));
    iad_query q;
    IAD_TRY(iad_query_open(&q, state->manifest, "image",
                           "SELECT d.name||'/'||i.path,i.path FROM image i JOIN dataset d ON d.id=i.dataset_id", err));
    iad_status status = IAD_OK;
    while (status == IAD_OK && iad_query_next(&q)) {
        const char *path = iad_query_col_text(&q, 1);
        if (!path || !iad_path_safe(path))
            status =
                iad_check_report(state, "path", iad_query_col_text(&q, 0), "could leave the data set's folder", err);
    }
    state->counts->rules++;
    iad_status closed = iad_query_close(&q, status == IAD_OK ? err : NULL);
    return status != IAD_OK ? status : closed;
}

/* ---- masks ---- */

static iad_status judge_mask(iad_check_state *state, int64_t id, iad_query *q, iad_err *err) {
    char item[64], text[200];
    iad_image pixels = {0};
    iad_mask_row again;
    iad_err why = IAD_ERR_NONE;
    uint8_t stored[32];
    iad_mask_quality quality = IAD_MASK_EXACT;
    snprintf(item, sizeof item, "mask %lld", (long long)id);
    if (iad_mask_pixels(state->manifest, id, &pixels, &why) != IAD_OK)
        return iad_check_report(state, "mask-pixels", item, why.msg, err);
    iad_status status = iad_mask_quality_parse(iad_query_col_text(q, 4), &quality, err);
    if (status == IAD_OK) status = iad_mask_prepare(&pixels, iad_query_col_text(q, 3), quality, &again, err);
    iad_image_deinit(&pixels);
    IAD_TRY(status);
    if (!iad_query_col_bytes(q, 1, stored, 32) || memcmp(stored, again.sha256, 32) != 0)
        status = iad_check_report(state, "mask-pixels", item, "its pixels do not have its hash", err);
    else if (again.area != iad_query_col_i64(q, 2)) {
        snprintf(text, sizeof text, "says %lld pixels, has %lld", (long long)iad_query_col_i64(q, 2),
                 (long long)again.area);
        status = iad_check_report(state, "mask-pixels", item, text, err);
    }
    iad_mask_row_deinit(&again);
    state->counts->masks++;
    return status;
}

iad_status iad_check_masks(iad_check_state *state, iad_err *err) {
    iad_query q;
    IAD_TRY(iad_query_open(&q, state->manifest, "mask", "SELECT id,sha256,area,value_map,quality FROM mask ORDER BY id",
                           err));
    iad_status status = IAD_OK;
    while (status == IAD_OK && iad_query_next(&q)) {
        if (state->options->stop && *state->options->stop) status = IAD_FAIL(err, IAD_ERR_INTERRUPTED, "interrupted");
        else status = judge_mask(state, iad_query_col_i64(&q, 0), &q, err);
    }
    state->counts->rules++;
    iad_status closed = iad_query_close(&q, status == IAD_OK ? err : NULL);
    return status != IAD_OK ? status : closed;
}

/* ---- picture files ---- */

enum { FILE_BATCH = 4096 };

typedef struct file_job {
    char *path, *item; /* owned */
    uint8_t sha256[32];
} file_job;

typedef struct file_batch {
    iad_check_state *state;
    file_job jobs[FILE_BATCH];
    size_t n;
} file_batch;

typedef struct file_result {
    uint8_t sha256[32];
} file_result;

static iad_status hash_file(void *user, size_t i, int thread, void *result, iad_err *err) {
    (void)thread;
    return iad_sha256_file(((file_batch *)user)->jobs[i].path, ((file_result *)result)->sha256, err);
}

static iad_status judge_file(void *user, size_t i, void *result, iad_status status, const iad_err *item_err,
                             iad_err *err) {
    file_batch *batch = user;
    file_job *job = &batch->jobs[i];
    batch->state->counts->files++;
    if (status != IAD_OK) {
        if (!iad_file_exists(job->path))
            return iad_check_report(batch->state, "file-missing", job->item, "its file is not there", err);
        return iad_check_report(batch->state, "file-missing", job->item, item_err->msg, err);
    }
    if (memcmp(((file_result *)result)->sha256, job->sha256, 32) != 0)
        return iad_check_report(batch->state, "file-changed", job->item,
                                "its file has other content than when it was taken in", err);
    return IAD_OK;
}

static iad_status run_batch(file_batch *batch, iad_err *err) {
    iad_pool_job job = {.work = hash_file, .emit = judge_file, .user = batch, .result_size = sizeof(file_result)};
    iad_status status =
        iad_pool_run(&job, batch->n, batch->state->options->threads > 0 ? batch->state->options->threads : 1, 0,
                     batch->state->options->stop, err);
    for (size_t i = 0; i < batch->n; i++) {
        free(batch->jobs[i].path);
        free(batch->jobs[i].item);
    }
    batch->n = 0;
    return status;
}

static iad_status add_file(file_batch *batch, iad_query *q, iad_err *err) {
    char path[IAD_PATH_MAX], item[IAD_PATH_MAX + 256];
    const char *dataset = iad_query_col_text(q, 0), *root = iad_query_col_text(q, 1),
               *relative = iad_query_col_text(q, 2);
    if (!dataset || !root || !relative) return IAD_OK;
    /* Unsafe paths are reported by the rule "path" and never touched. */
    if (iad_image_path_join(batch->state->manifest, root, relative, path, sizeof path, NULL) != IAD_OK) return IAD_OK;
    file_job *job = &batch->jobs[batch->n];
    if (!iad_query_col_bytes(q, 3, job->sha256, 32)) return IAD_OK;
    snprintf(item, sizeof item, "%.200s/%s", dataset, relative);
    job->path = iad_strdup(path);
    job->item = iad_strdup(item);
    batch->n++;
    if (!job->path || !job->item) return IAD_NOMEM(err, "paths");
    return batch->n == FILE_BATCH ? run_batch(batch, err) : IAD_OK;
}

iad_status iad_check_files(iad_check_state *state, iad_err *err) {
    file_batch *batch = iad_calloc(1, sizeof *batch);
    if (!batch) return IAD_NOMEM(err, "a batch of files");
    batch->state = state;
    iad_query q;
    iad_status status = iad_query_open(
        &q, state->manifest, "image",
        "SELECT d.name,d.root,i.path,i.sha256 FROM image i JOIN dataset d ON d.id=i.dataset_id ORDER BY d.name,i.path",
        err);
    if (status == IAD_OK) {
        while (status == IAD_OK && iad_query_next(&q)) status = add_file(batch, &q, err);
        iad_status closed = iad_query_close(&q, status == IAD_OK ? err : NULL);
        if (status == IAD_OK) status = closed;
        if (status == IAD_OK) status = run_batch(batch, err);
    }
    for (size_t i = 0; i < batch->n; i++) {
        free(batch->jobs[i].path);
        free(batch->jobs[i].item);
    }
    free(batch);
    state->counts->rules += 2;
    return status;
}
