#include "manifests/manifest.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/file.h"
#include "manifests/manifest_handle.h"
#include "manifests/query.h"
#include "manifests/schema.h"

/* The largest text or blob in a manifest: a mask of 256 Mpixel as an incompressible PNG does not occur, a page-long
 * answer does. */
#define MAX_CELL_BYTES (64 * 1024 * 1024)
#define MAX_URI (3 * PATH_MAX + 64)

static const char magic[16] = "SQLite format 3";

/* Absolute folder of the file, which need not exist yet. */
static iad_status folder_of(const char *path, char out[PATH_MAX], iad_err *err) {
    char dir[PATH_MAX];
    iad_path_dir(dir, sizeof dir, path);
    if (!realpath(dir, out)) return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "%s: its folder %.200s does not exist", path, dir);
    return IAD_OK;
}

static iad_status handle_new(const char *path, const char *dir, iad_manifest **manifest, iad_err *err) {
    iad_manifest *fresh = iad_calloc(1, sizeof *fresh);
    if (!fresh) return IAD_NOMEM(err, "a manifest handle");
    fresh->path = iad_strdup(path);
    fresh->dir = iad_strdup(dir);
    if (!fresh->path || !fresh->dir) {
        iad_manifest_close(fresh);
        return IAD_NOMEM(err, "a manifest handle");
    }
    *manifest = fresh;
    return IAD_OK;
}

/* A manifest may come from a stranger: its schema is data, not code. */
static void harden(sqlite3 *db) {
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, (int *)NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, (int *)NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, (int *)NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, (int *)NULL);
    sqlite3_limit(db, SQLITE_LIMIT_LENGTH, MAX_CELL_BYTES);
    sqlite3_limit(db, SQLITE_LIMIT_TRIGGER_DEPTH, 0);
    sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 1);
    sqlite3_extended_result_codes(db, 1);
    sqlite3_busy_timeout(db, IAD_MANIFEST_BUSY_MS);
}

static iad_status pragma(iad_manifest *m, const char *sql, const char *what, iad_err *err) {
    if (sqlite3_exec(m->db, sql, NULL, NULL, NULL) != SQLITE_OK) return iad_query_fail(m->db, m->path, what, err);
    return IAD_OK;
}

static iad_status number(iad_manifest *m, const char *sql, int64_t *value, iad_err *err) {
    sqlite3_stmt *stmt = NULL;
    *value = 0;
    int code = sqlite3_prepare_v2(m->db, sql, -1, &stmt, NULL);
    if (code == SQLITE_OK) code = sqlite3_step(stmt);
    if (code == SQLITE_ROW) *value = sqlite3_column_int64(stmt, 0);
    iad_status status =
        code == SQLITE_ROW || code == SQLITE_DONE ? IAD_OK : iad_query_fail(m->db, m->path, "reading its header", err);
    sqlite3_finalize(stmt);
    return status;
}

/* Every table of the newest schema must be there, otherwise a later statement would fail with a puzzling text. */
static iad_status check_tables(iad_manifest *m, iad_err *err) {
    static const char *const tables[] = {
        "meta",         "run",      "dataset",        "category", "image", "image_box", "mask", "image_mask", "split",
        "exemplar_set", "exemplar", "exemplar_query", "caption",  "synth", "template",  "task", "task_image",
        "crawl_goal", "crawl_query", "crawl_page", "crawl_picture", "crawl_url", "crawl_hit", "crawl_host", "crawl_engine",
        "crawl_rejection"};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        char sql[96];
        snprintf(sql, sizeof sql, "SELECT 1 FROM %s LIMIT 0", tables[i]);
        sqlite3_stmt *stmt = NULL;
        int code = sqlite3_prepare_v2(m->db, sql, -1, &stmt, NULL);
        sqlite3_finalize(stmt);
        if (code == SQLITE_ERROR)
            return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: damaged manifest: %s", m->path, sqlite3_errmsg(m->db));
        if (code != SQLITE_OK) return iad_query_fail(m->db, m->path, tables[i], err);
    }
    return IAD_OK;
}

/* Is it ours, and which version? Migrates when allowed. */
static iad_status check_schema(iad_manifest *m, iad_manifest_mode mode, iad_err *err) {
    int64_t app, version, objects;
    IAD_TRY(number(m, "PRAGMA application_id", &app, err));
    IAD_TRY(number(m, "PRAGMA user_version", &version, err));
    IAD_TRY(number(m, "SELECT count(*) FROM sqlite_schema", &objects, err));
    if (objects == 0 && app == 0 && version == 0) {
        if (mode != IAD_MANIFEST_CREATE) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: empty, not a manifest", m->path);
    } else if (app != IAD_SCHEMA_APP_ID) {
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: an SQLite database, but not a manifest", m->path);
    } else if (version > IAD_SCHEMA_VERSION) {
        return IAD_FAIL(err, IAD_ERR_UNSUPPORTED,
                        "%s: written by a newer program (schema %lld, this program knows up to %d): update the program",
                        m->path, (long long)version, IAD_SCHEMA_VERSION);
    } else if (version < 1) {
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: damaged manifest: schema version %lld", m->path, (long long)version);
    }
    if (version < IAD_SCHEMA_VERSION) {
        if (mode == IAD_MANIFEST_READ)
            return IAD_FAIL(
                err, IAD_ERR_UNSUPPORTED,
                "%s: has the older schema %lld (this program wants %d): run `iad-manifest init --db %s` once", m->path,
                (long long)version, IAD_SCHEMA_VERSION, m->path);
        IAD_TRY(iad_schema_migrate(m->db, m->path, (int)version, err));
    }
    return check_tables(m, err);
}

/* "file:" URI of a path, for options that have no flag. */
static void uri_of(const char *path, const char *options, char out[MAX_URI]) {
    static const char hex[] = "0123456789ABCDEF";
    size_t n = 0;
    for (const char *p = "file:"; *p; p++) out[n++] = *p;
    for (const char *p = path; *p && n < MAX_URI - 40; p++) {
        unsigned char c = (unsigned char)*p;
        if (c == '%' || c == '?' || c == '#' || c < 0x21) {
            out[n++] = '%';
            out[n++] = hex[c >> 4];
            out[n++] = hex[c & 15];
        } else {
            out[n++] = (char)c;
        }
    }
    snprintf(out + n, MAX_URI - n, "%s", options);
}

static iad_status open_file(iad_manifest *m, int flags, const char *options, iad_err *err) {
    char *uri = iad_alloc(1, MAX_URI);
    if (!uri) return IAD_NOMEM(err, "a path");
    if (!strcmp(m->path, ":memory:")) snprintf(uri, MAX_URI, ":memory:");
    else uri_of(m->path, options, uri);
    int code = sqlite3_open_v2(uri, &m->db, flags | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, NULL);
    free(uri);
    if (!m->db) return IAD_NOMEM(err, "SQLite");
    if (code != SQLITE_OK) return iad_query_fail(m->db, m->path, "opening it", err);
    harden(m->db);
    return IAD_OK;
}

static iad_status open_for_reading(iad_manifest *m, iad_err *err) {
    IAD_TRY(open_file(m, SQLITE_OPEN_READONLY, "?mode=ro", err));
    if (sqlite3_exec(m->db, "SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL) != SQLITE_OK) {
        int code = sqlite3_errcode(m->db) & 0xff;
        /* WAL wants to make its side files. In a read-only folder, and when there is no log to be read, the file alone
         * is the truth. */
        char wal[PATH_MAX + 8];
        snprintf(wal, sizeof wal, "%s-wal", m->path);
        uint64_t log_bytes = 0;
        if (iad_file_exists(wal) && iad_file_size(wal, &log_bytes, NULL) != IAD_OK) log_bytes = 1;
        if ((code == SQLITE_CANTOPEN || code == SQLITE_READONLY) && log_bytes == 0) {
            sqlite3_close(m->db);
            m->db = NULL;
            IAD_TRY(open_file(m, SQLITE_OPEN_READONLY, "?mode=ro&immutable=1", err));
        }
    }
    return check_schema(m, IAD_MANIFEST_READ, err);
}

static iad_status open_for_writing(iad_manifest *m, iad_manifest_mode mode, iad_err *err) {
    IAD_TRY(open_file(m, SQLITE_OPEN_READWRITE | (mode == IAD_MANIFEST_CREATE ? SQLITE_OPEN_CREATE : 0), "", err));
    if (sqlite3_db_readonly(m->db, "main") == 1)
        return IAD_FAIL(err, IAD_ERR_IO, "%s: cannot be written (the file is read-only)", m->path);
    int64_t objects;
    IAD_TRY(number(m, "SELECT count(*) FROM sqlite_schema", &objects, err));
    if (objects == 0) IAD_TRY(pragma(m, "PRAGMA page_size = 8192", "setting its page size", err));
    else {
        /* Do not touch what is not ours, not even its journal mode. */
        int64_t app;
        IAD_TRY(number(m, "PRAGMA application_id", &app, err));
        if (app != IAD_SCHEMA_APP_ID)
            return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: an SQLite database, but not a manifest", m->path);
    }
    IAD_TRY(pragma(m, "PRAGMA journal_mode = WAL", "switching to a write-ahead log", err));
    IAD_TRY(pragma(m, "PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON; PRAGMA cell_size_check = ON; PRAGMA cache_size = -16384",
                   "setting it up", err));
    m->writable = 1;
    return check_schema(m, mode, err);
}

/* Looks at the file before SQLite does: clearer messages, and CREATE must not turn somebody's text file into a
 * database. */
static iad_status look_first(const char *path, iad_manifest_mode mode, iad_err *err) {
    struct stat st;
    if (stat(path, &st) != 0) {
        if (mode == IAD_MANIFEST_CREATE) return IAD_OK;
        return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "%s: no such manifest (make one with `iad-manifest init --db %s`)",
                        path, path);
    }
    if (!S_ISREG(st.st_mode)) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: not a file", path);
    if (st.st_size == 0) return IAD_OK;
    FILE *file = fopen(path, "rb");
    if (!file) return IAD_FAIL(err, IAD_ERR_IO, "%s: cannot be read: %m", path);
    char head[sizeof magic] = {0};
    size_t n = fread(head, 1, sizeof head, file);
    fclose(file);
    if (n != sizeof head || memcmp(head, magic, sizeof head) != 0)
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: not a manifest (not an SQLite database)", path);
    return IAD_OK;
}

iad_status iad_manifest_open(const char *path, iad_manifest_mode mode, iad_manifest **manifest, iad_err *err) {
    *manifest = NULL;
    char dir[PATH_MAX];
    if (!path || !*path) return IAD_FAIL(err, IAD_ERR_ARG, "no manifest named");
    if (strlen(path) >= PATH_MAX - 16) return IAD_FAIL(err, IAD_ERR_LIMIT, "%.100s...: path too long", path);
    if (!strcmp(path, ":memory:")) {
        if (!realpath(".", dir)) return IAD_FAIL(err, IAD_ERR_IO, "no working directory: %m");
    } else {
        IAD_TRY(look_first(path, mode, err));
        IAD_TRY(folder_of(path, dir, err));
    }
    iad_manifest *m = NULL;
    IAD_TRY(handle_new(path, dir, &m, err));
    iad_status status = mode == IAD_MANIFEST_READ ? open_for_reading(m, err) : open_for_writing(m, mode, err);
    if (status != IAD_OK) {
        iad_manifest_close(m);
        return status;
    }
    *manifest = m;
    return IAD_OK;
}

iad_status iad_manifest_open_bytes(const void *bytes, size_t n, iad_manifest **manifest, iad_err *err) {
    *manifest = NULL;
    char dir[PATH_MAX];
    if (n < 512 || n > INT64_MAX / 2 || memcmp(bytes, magic, sizeof magic) != 0)
        return IAD_FAIL(err, IAD_ERR_FORMAT, "not a manifest (not an SQLite database)");
    if (!realpath(".", dir)) return IAD_FAIL(err, IAD_ERR_IO, "no working directory: %m");
    iad_manifest *m = NULL;
    IAD_TRY(handle_new("manifest in memory", dir, &m, err));
    iad_status status = IAD_OK;
    if (sqlite3_open_v2(":memory:", &m->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
        status = IAD_NOMEM(err, "SQLite");
    unsigned char *copy = status == IAD_OK ? sqlite3_malloc64(n) : NULL;
    if (status == IAD_OK && !copy) status = IAD_NOMEM(err, "the manifest's bytes");
    if (copy) {
        memcpy(copy, bytes, n);
        /* A file in WAL mode says so in bytes 18 and 19; without a log beside it the file is complete, and memory knows
         * no WAL. */
        if (copy[18] == 2 && copy[19] == 2) copy[18] = copy[19] = 1;
        harden(m->db);
        if (sqlite3_deserialize(m->db, "main", copy, (sqlite3_int64)n, (sqlite3_int64)n,
                                SQLITE_DESERIALIZE_FREEONCLOSE | SQLITE_DESERIALIZE_READONLY) != SQLITE_OK)
            status = iad_query_fail(m->db, m->path, "opening it", err);
    }
    if (status == IAD_OK) status = check_schema(m, IAD_MANIFEST_READ, err);
    if (status != IAD_OK) {
        iad_manifest_close(m);
        return status;
    }
    *manifest = m;
    return IAD_OK;
}

void iad_manifest_close(iad_manifest *m) {
    if (!m) return;
    for (int i = 0; i < m->n_cached; i++) sqlite3_finalize(m->cache[i].stmt);
    if (m->db) {
        if (!sqlite3_get_autocommit(m->db)) sqlite3_exec(m->db, "ROLLBACK", NULL, NULL, NULL);
        sqlite3_close(m->db); /* the last one out folds the log into the file */
    }
    free(m->path);
    free(m->dir);
    free(m);
}

const char *iad_manifest_path(const iad_manifest *m) {
    return m->path;
}

const char *iad_manifest_dir(const iad_manifest *m) {
    return m->dir;
}

int iad_manifest_writable(const iad_manifest *m) {
    return m->writable;
}

iad_status iad_manifest_begin(iad_manifest *m, iad_err *err) {
    if (!m->writable) return IAD_FAIL(err, IAD_ERR_ARG, "%s: opened for reading only", m->path);
    if (!sqlite3_get_autocommit(m->db)) return IAD_FAIL(err, IAD_ERR_INTERNAL, "%s: transactions do not nest", m->path);
    return pragma(m, "BEGIN IMMEDIATE", "starting a transaction", err);
}

iad_status iad_manifest_commit(iad_manifest *m, iad_err *err) {
    iad_status status = pragma(m, "COMMIT", "writing a transaction", err);
    if (status != IAD_OK) iad_manifest_rollback(m);
    return status;
}

void iad_manifest_rollback(iad_manifest *m) {
    if (!sqlite3_get_autocommit(m->db)) sqlite3_exec(m->db, "ROLLBACK", NULL, NULL, NULL);
}

int iad_manifest_in_transaction(const iad_manifest *m) {
    return !sqlite3_get_autocommit(m->db);
}

iad_status iad_manifest_meta_set(iad_manifest *m, const char *key, const char *value, iad_err *err) {
    iad_query q;
    IAD_TRY(iad_query_open(
        &q, m, "meta", "INSERT INTO meta(key,value) VALUES(?,?) ON CONFLICT(key) DO UPDATE SET value=excluded.value",
        err));
    iad_query_text(&q, key);
    iad_query_text(&q, value);
    return iad_query_run(&q, key, err);
}

iad_status iad_manifest_meta_get(iad_manifest *m, const char *key, char *value, size_t size, iad_err *err) {
    iad_query q;
    IAD_TRY(iad_query_open(&q, m, "meta", "SELECT value FROM meta WHERE key=?", err));
    iad_query_text(&q, key);
    int whole = 1;
    value[0] = 0;
    if (iad_query_next(&q)) whole = iad_text_copy(value, size, iad_query_col_text(&q, 0));
    IAD_TRY(iad_query_close(&q, err));
    if (!whole) return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: meta value '%s' is longer than %zu bytes", m->path, key, size);
    return IAD_OK;
}

static void utc_now(char text[32]) {
    struct tm parts;
    time_t now = time(NULL);
    if (!gmtime_r(&now, &parts) || !strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", &parts)) snprintf(text, 32, "unknown");
}

iad_status iad_run_begin(iad_manifest *m, const char *tool, const char *version, const char *argv, const char *config,
                         uint64_t seed, int64_t *run_id, iad_err *err) {
    char now[32];
    utc_now(now);
    iad_query q;
    IAD_TRY(iad_query_open(
        &q, m, "run", "INSERT INTO run(tool,version,argv,config,seed,started,status) VALUES(?,?,?,?,?,?,'started')",
        err));
    iad_query_text(&q, tool);
    iad_query_text(&q, version);
    iad_query_text(&q, argv ? argv : "");
    iad_query_text(&q, config);
    iad_query_i64(&q, (int64_t)seed);
    iad_query_text(&q, now);
    IAD_TRY(iad_query_run(&q, tool, err));
    *run_id = iad_query_last_id(m);
    return IAD_OK;
}

iad_status iad_run_end(iad_manifest *m, int64_t run_id, const char *status, const char *counts, iad_err *err) {
    char now[32];
    utc_now(now);
    iad_query q;
    IAD_TRY(iad_query_open(&q, m, "run", "UPDATE run SET ended=?, status=?, counts=? WHERE id=?", err));
    iad_query_text(&q, now);
    iad_query_text(&q, status);
    iad_query_text(&q, counts);
    iad_query_i64(&q, run_id);
    IAD_TRY(iad_query_run(&q, status, err));
    if (iad_query_changes(m) != 1)
        return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "%s: no run %lld", m->path, (long long)run_id);
    return IAD_OK;
}

iad_status iad_manifest_root_pack(const iad_manifest *m, const char *root, char *out, size_t size, iad_err *err) {
    char real[PATH_MAX];
    if (!realpath(root, real)) return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "%s: no such folder: %m", root);
    if (!iad_file_is_dir(real)) return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "%s: not a folder", root);
    size_t n = strlen(m->dir);
    const char *stored = real;
    if (!strcmp(m->dir, "/")) stored = real[1] ? real + 1 : ".";
    else if (!strcmp(real, m->dir)) stored = ".";
    else if (!strncmp(real, m->dir, n) && real[n] == '/') stored = real + n + 1;
    if (!iad_text_copy(out, size, stored)) return IAD_FAIL(err, IAD_ERR_LIMIT, "%.100s...: path too long", root);
    return IAD_OK;
}

iad_status iad_manifest_root_unpack(const iad_manifest *m, const char *stored, char *out, size_t size, iad_err *err) {
    if (stored[0] == '/' || !strcmp(stored, ".")) {
        if (!iad_text_copy(out, size, stored[0] == '/' ? stored : m->dir))
            return IAD_FAIL(err, IAD_ERR_LIMIT, "%.100s...: path too long", stored);
        return IAD_OK;
    }
    /* A relative root comes from this program and lies below the manifest; anything else was tampered with. */
    if (!iad_path_safe(stored))
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: unsafe data set folder '%.200s'", m->path, stored);
    return iad_path_join(out, size, m->dir, stored, err);
}
