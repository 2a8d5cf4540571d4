#include "manifests/query.h"

#include <stdio.h>
#include <string.h>

#include "manifests/manifest_handle.h"

iad_status iad_query_fail(sqlite3 *db, const char *file, const char *what, iad_err *err) {
    int code = sqlite3_extended_errcode(db);
    const char *said = sqlite3_errmsg(db);
    switch (code & 0xff) {
    case SQLITE_FULL:
        return IAD_FAIL(err, IAD_ERR_IO, "%s: %s: the disk is full (nothing of this transaction was kept)", file, what);
    case SQLITE_READONLY: return IAD_FAIL(err, IAD_ERR_IO, "%s: %s: the file or its folder is read-only", file, what);
    case SQLITE_CANTOPEN:
        return IAD_FAIL(err, IAD_ERR_IO,
                        "%s: %s: cannot open the file (permission, or its folder is missing or read-only)", file, what);
    case SQLITE_PERM:
    case SQLITE_AUTH: return IAD_FAIL(err, IAD_ERR_IO, "%s: %s: permission denied", file, what);
    case SQLITE_IOERR: {
        int os = sqlite3_system_errno(db);
        return IAD_FAIL(err, IAD_ERR_IO, "%s: %s: %s%s%s", file, what, said, os ? ": " : "", os ? strerror(os) : "");
    }
    case SQLITE_NOTADB: return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: not a manifest (not an SQLite database)", file);
    case SQLITE_CORRUPT: return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: %s: the file is damaged (%s)", file, what, said);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return IAD_FAIL(err, IAD_ERR_DB, "%s: %s: another program is writing to it (waited %d s)", file, what,
                        IAD_MANIFEST_BUSY_MS / 1000);
    case SQLITE_NOMEM: return IAD_FAIL(err, IAD_ERR_NOMEM, "%s: %s: out of memory", file, what);
    case SQLITE_TOOBIG: return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: %s: value too large for the database", file, what);
    case SQLITE_CONSTRAINT:
        if (code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY || code == SQLITE_CONSTRAINT_ROWID)
            return IAD_FAIL(err, IAD_ERR_EXISTS, "%s: %s: %s", file, what, said);
        return IAD_FAIL(err, IAD_ERR_DB, "%s: %s: %s", file, what, said);
    default: return IAD_FAIL(err, IAD_ERR_DB, "%s: %s: %s", file, what, said);
    }
}

static iad_status prepare(iad_manifest *manifest, const char *sql, unsigned flags, const char *table,
                          sqlite3_stmt **stmt, iad_err *err) {
    *stmt = NULL;
    if (sqlite3_prepare_v3(manifest->db, sql, -1, flags, stmt, NULL) != SQLITE_OK)
        return iad_query_fail(manifest->db, manifest->path, table, err);
    if (!*stmt) return IAD_FAIL(err, IAD_ERR_INTERNAL, "%s: empty statement", table);
    return IAD_OK;
}

static void start(iad_query *q, iad_manifest *manifest, const char *table) {
    memset(q, 0, sizeof *q);
    q->manifest = manifest;
    q->table = table;
    q->slot = -1;
    q->next = 1;
}

iad_status iad_query_open(iad_query *q, iad_manifest *manifest, const char *table, const char *sql, iad_err *err) {
    start(q, manifest, table);
    for (int i = 0; i < manifest->n_cached; i++) {
        iad_cached_statement *cached = &manifest->cache[i];
        if (cached->sql == sql && !cached->busy) {
            cached->busy = 1;
            q->slot = i;
            q->stmt = cached->stmt;
            return IAD_OK;
        }
    }
    if (manifest->n_cached < IAD_QUERY_CACHE) {
        IAD_TRY(prepare(manifest, sql, SQLITE_PREPARE_PERSISTENT, table, &q->stmt, err));
        q->slot = manifest->n_cached++;
        manifest->cache[q->slot] = (iad_cached_statement){sql, q->stmt, 1};
        return IAD_OK;
    }
    return prepare(manifest, sql, 0, table, &q->stmt, err);
}

iad_status iad_query_open_text(iad_query *q, iad_manifest *manifest, const char *table, const char *sql, iad_err *err) {
    start(q, manifest, table);
    return prepare(manifest, sql, 0, table, &q->stmt, err);
}

static void keep_error(iad_query *q, const char *item) {
    if (q->status != IAD_OK) return;
    char what[256];
    snprintf(what, sizeof what, "table %s%s%.150s", q->table, item ? ", " : "", item ? item : "");
    q->status = iad_query_fail(q->manifest->db, q->manifest->path, what, &q->err);
}

static void bound(iad_query *q, int code) {
    q->next++;
    if (code != SQLITE_OK) keep_error(q, "parameter");
}

void iad_query_i64(iad_query *q, int64_t value) {
    bound(q, sqlite3_bind_int64(q->stmt, q->next, value));
}

void iad_query_id(iad_query *q, int64_t id) {
    if (id) iad_query_i64(q, id);
    else iad_query_null(q);
}

void iad_query_f64(iad_query *q, double value) {
    bound(q, sqlite3_bind_double(q->stmt, q->next, value));
}

void iad_query_text(iad_query *q, const char *text) {
    bound(q, text ? sqlite3_bind_text(q->stmt, q->next, text, -1, SQLITE_STATIC) : sqlite3_bind_null(q->stmt, q->next));
}

void iad_query_blob(iad_query *q, const void *bytes, size_t n) {
    bound(q,
          bytes ? sqlite3_bind_blob64(q->stmt, q->next, bytes, n, SQLITE_STATIC) : sqlite3_bind_null(q->stmt, q->next));
}

void iad_query_null(iad_query *q) {
    bound(q, sqlite3_bind_null(q->stmt, q->next));
}

int iad_query_next(iad_query *q) {
    if (q->status != IAD_OK) return 0;
    int code = sqlite3_step(q->stmt);
    if (code == SQLITE_ROW) return 1;
    if (code != SQLITE_DONE) keep_error(q, NULL);
    return 0;
}

int64_t iad_query_col_i64(iad_query *q, int column) {
    return sqlite3_column_int64(q->stmt, column);
}

double iad_query_col_f64(iad_query *q, int column) {
    return sqlite3_column_double(q->stmt, column);
}

const char *iad_query_col_text(iad_query *q, int column) {
    return (const char *)sqlite3_column_text(q->stmt, column);
}

const void *iad_query_col_blob(iad_query *q, int column, size_t *n) {
    const void *bytes = sqlite3_column_blob(q->stmt, column);
    *n = bytes ? (size_t)sqlite3_column_bytes(q->stmt, column) : 0;
    return bytes;
}

int iad_query_col_null(iad_query *q, int column) {
    return sqlite3_column_type(q->stmt, column) == SQLITE_NULL;
}

int iad_query_col_bytes(iad_query *q, int column, void *out, size_t n) {
    size_t have;
    const void *bytes = iad_query_col_blob(q, column, &have);
    if (!bytes || have != n) return 0;
    memcpy(out, bytes, n);
    return 1;
}

void iad_query_reset(iad_query *q) {
    sqlite3_reset(q->stmt);
    sqlite3_clear_bindings(q->stmt);
    q->next = 1;
}

iad_status iad_query_close(iad_query *q, iad_err *err) {
    if (q->stmt) {
        iad_query_reset(q);
        if (q->slot >= 0) q->manifest->cache[q->slot].busy = 0;
        else sqlite3_finalize(q->stmt);
        q->stmt = NULL;
    }
    if (q->status != IAD_OK && err) *err = q->err;
    return q->status;
}

iad_status iad_query_run(iad_query *q, const char *item, iad_err *err) {
    if (q->status == IAD_OK) {
        int code;
        do code = sqlite3_step(q->stmt);
        while (code == SQLITE_ROW);
        if (code != SQLITE_DONE) keep_error(q, item);
    }
    return iad_query_close(q, err);
}

int64_t iad_query_last_id(const iad_manifest *manifest) {
    return sqlite3_last_insert_rowid(manifest->db);
}

int64_t iad_query_changes(const iad_manifest *manifest) {
    return sqlite3_changes64(manifest->db);
}

iad_status iad_query_exec(iad_manifest *manifest, const char *sql, iad_err *err) {
    if (sqlite3_exec(manifest->db, sql, NULL, NULL, NULL) != SQLITE_OK) {
        char what[80];
        snprintf(what, sizeof what, "%.70s", sql);
        return iad_query_fail(manifest->db, manifest->path, what, err);
    }
    return IAD_OK;
}

iad_status iad_query_scalar(iad_manifest *manifest, const char *sql, int64_t fallback, int64_t *value, iad_err *err) {
    iad_query q;
    IAD_TRY(iad_query_open_text(&q, manifest, "count", sql, err));
    *value = iad_query_next(&q) ? iad_query_col_i64(&q, 0) : fallback;
    return iad_query_close(&q, err);
}

sqlite3 *iad_manifest_sqlite(const iad_manifest *manifest) {
    return manifest->db;
}
