/* SQL without ceremony: statements are prepared once per manifest, parameters are bound in order, the first error
 * sticks and names the table and the item.
 *
 *     iad_query q;
 *     IAD_TRY(iad_query_open(&q, manifest, "image", "SELECT id, path FROM image WHERE category_id = ?", err));
 *     iad_query_i64(&q, category_id);
 *     while (iad_query_next(&q)) use(iad_query_col_i64(&q, 0), iad_query_col_text(&q, 1));
 *     return iad_query_close(&q, err);          // the error of any step above, or IAD_OK
 */
#ifndef IAD_MANIFESTS_QUERY_H
#define IAD_MANIFESTS_QUERY_H

#include <sqlite3.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "manifests/manifest.h"

typedef struct iad_query {
    iad_manifest *manifest;
    sqlite3_stmt *stmt;
    const char *table; /* static text for messages */
    int slot;          /* place in the statement cache, -1: own statement */
    int next;          /* parameter to bind next, 1-based */
    iad_status status; /* sticky */
    iad_err err;
} iad_query;

/* `sql` must be text that outlives the manifest handle (a literal): it is the key of the cache. On failure nothing
 * needs closing. */
iad_status iad_query_open(iad_query *q, iad_manifest *manifest, const char *table, const char *sql, iad_err *err);
/* The same for SQL that was put together at run time; prepared anew each time. */
iad_status iad_query_open_text(iad_query *q, iad_manifest *manifest, const char *table, const char *sql, iad_err *err);

/* Bind the next parameter. NULL text or blob binds NULL; _id binds NULL for 0. Bound memory must live until the
 * statement is closed or reset. */
void iad_query_i64(iad_query *q, int64_t value);
void iad_query_id(iad_query *q, int64_t id);
void iad_query_f64(iad_query *q, double value);
void iad_query_text(iad_query *q, const char *text);
void iad_query_blob(iad_query *q, const void *bytes, size_t n);
void iad_query_null(iad_query *q);

/* 1 when a row is there, 0 at the end or after an error (close tells which). */
int iad_query_next(iad_query *q);

/* Columns of the present row, 0-based. Text and blobs live until the next step; text is NULL for NULL. */
int64_t iad_query_col_i64(iad_query *q, int column);
double iad_query_col_f64(iad_query *q, int column);
const char *iad_query_col_text(iad_query *q, int column);
/* Bytes, *n their number (0 and NULL for NULL). */
const void *iad_query_col_blob(iad_query *q, int column, size_t *n);
int iad_query_col_null(iad_query *q, int column);
/* Copies exactly n bytes; 0 when the column is NULL or has another size. */
int iad_query_col_bytes(iad_query *q, int column, void *out, size_t n);

/* Gives the statement back and reports the first error. */
iad_status iad_query_close(iad_query *q, iad_err *err);
/* For statements without rows: step to the end, close; the message names `item` ("bottle/test/good/000.png", may be
 * NULL). */
iad_status iad_query_run(iad_query *q, const char *item, iad_err *err);
/* Run again with new parameters: keeps the statement, forgets bindings. */
void iad_query_reset(iad_query *q);

/* Row id of the last insert on this handle, number of rows of the last change. */
int64_t iad_query_last_id(const iad_manifest *manifest);
int64_t iad_query_changes(const iad_manifest *manifest);

/* One statement without parameters and rows. */
iad_status iad_query_exec(iad_manifest *manifest, const char *sql, iad_err *err);
/* First column of the first row as a number; `fallback` when there is no row. */
iad_status iad_query_scalar(iad_manifest *manifest, const char *sql, int64_t fallback, int64_t *value, iad_err *err);

/* The connection, for the few things the above cannot do (backup, attach). Borrowed. */
sqlite3 *iad_manifest_sqlite(const iad_manifest *manifest);

/* Turns SQLite's last error into ours: disk full and read-only become IAD_ERR_IO, damage IAD_ERR_FORMAT, constraint
 * IAD_ERR_EXISTS, the rest IAD_ERR_DB; the text says what the user can do. */
iad_status iad_query_fail(sqlite3 *db, const char *file, const char *what, iad_err *err);

#endif
