/* Opening, creating, refusing, migrating, transactions, run rows, folders. */
#include "manifests/manifest.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/file.h"
#include "tests/unit/manifest/manifest_fixture.h"
#include "manifests/query.h"
#include "manifests/schema.h"

#define DIR_NAME "test_manifest_open.tmp"

static void make_plain_sqlite(const char *path, const char *sql) {
    sqlite3 *db = NULL;
    unlink(path);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void test_create_and_reopen(void **state) {
    (void)state;
    iad_err err;
    iad_manifest *m = NULL;
    unlink(DIR_NAME "/a b?#%.db");
    assert_ok(iad_manifest_open(DIR_NAME "/a b?#%.db", IAD_MANIFEST_CREATE, &m, &err));
    int64_t value = 0;
    assert_ok(iad_query_scalar(m, "PRAGMA page_size", 0, &value, &err));
    assert_int_equal(value, 8192);
    assert_ok(iad_query_scalar(m, "PRAGMA foreign_keys", 0, &value, &err));
    assert_int_equal(value, 1);
    assert_ok(iad_query_scalar(m, "PRAGMA user_version", 0, &value, &err));
    assert_int_equal(value, IAD_SCHEMA_VERSION);
    assert_ok(
        iad_query_scalar(m, "SELECT count(*) FROM pragma_journal_mode WHERE journal_mode='wal'", 0, &value, &err));
    assert_int_equal(value, 1);
    assert_int_equal(iad_file_exists(DIR_NAME "/a b?#%.db"), 1);
    assert_ok(iad_manifest_meta_set(m, "colour", "blue", &err));
    assert_ok(iad_manifest_meta_set(m, "colour", "green", &err));
    iad_manifest_close(m);

    assert_ok(iad_manifest_open(DIR_NAME "/a b?#%.db", IAD_MANIFEST_READ, &m, &err));
    char text[16], tiny[4];
    assert_ok(iad_manifest_meta_get(m, "colour", text, sizeof text, &err));
    assert_string_equal(text, "green");
    assert_ok(iad_manifest_meta_get(m, "absent", text, sizeof text, &err));
    assert_string_equal(text, "");
    assert_fails(IAD_ERR_LIMIT, iad_manifest_meta_get(m, "colour", tiny, sizeof tiny, &err));
    assert_int_equal(iad_manifest_writable(m), 0);
    assert_fails(IAD_ERR_IO, iad_manifest_meta_set(m, "colour", "red", &err));
    assert_non_null(strstr(err.msg, "read-only"));
    assert_fails(IAD_ERR_ARG, iad_manifest_begin(m, &err));
    iad_manifest_close(m);
}

static void test_refusals(void **state) {
    (void)state;
    iad_err err;
    iad_manifest *m = NULL;
    assert_fails(IAD_ERR_NOT_FOUND, iad_manifest_open(DIR_NAME "/none.db", IAD_MANIFEST_READ, &m, &err));
    assert_non_null(strstr(err.msg, "none.db"));
    assert_fails(IAD_ERR_NOT_FOUND, iad_manifest_open(DIR_NAME "/none.db", IAD_MANIFEST_WRITE, &m, &err));
    assert_int_equal(iad_file_exists(DIR_NAME "/none.db"), 0);
    assert_fails(IAD_ERR_NOT_FOUND, iad_manifest_open(DIR_NAME "/no/such/x.db", IAD_MANIFEST_CREATE, &m, &err));
    assert_fails(IAD_ERR_FORMAT, iad_manifest_open(DIR_NAME, IAD_MANIFEST_READ, &m, &err));
    assert_fails(IAD_ERR_ARG, iad_manifest_open("", IAD_MANIFEST_READ, &m, &err));

    /* A text file is refused, and above all not overwritten. */
    static const char text[] = "not a database, but somebody's notes, and longer than one header of SQLite";
    assert_ok(iad_file_write(DIR_NAME "/notes.txt", text, sizeof text - 1, &err));
    for (int mode = IAD_MANIFEST_READ; mode <= IAD_MANIFEST_CREATE; mode++) {
        assert_fails(IAD_ERR_FORMAT, iad_manifest_open(DIR_NAME "/notes.txt", (iad_manifest_mode)mode, &m, &err));
        assert_non_null(strstr(err.msg, "not an SQLite database"));
    }
    uint8_t *data = NULL;
    size_t n = 0;
    assert_ok(iad_file_read(DIR_NAME "/notes.txt", 1000, &data, &n, &err));
    assert_int_equal(n, sizeof text - 1);
    assert_memory_equal(data, text, n);
    free(data);

    /* Somebody else's SQLite database: refused without touching its journal mode. */
    make_plain_sqlite(DIR_NAME "/other.db", "CREATE TABLE t(a); INSERT INTO t VALUES(1)");
    for (int mode = IAD_MANIFEST_READ; mode <= IAD_MANIFEST_CREATE; mode++) {
        assert_fails(IAD_ERR_FORMAT, iad_manifest_open(DIR_NAME "/other.db", (iad_manifest_mode)mode, &m, &err));
        assert_non_null(strstr(err.msg, "not a manifest"));
    }
    assert_ok(iad_file_read(DIR_NAME "/other.db", 100000, &data, &n, &err));
    assert_int_equal(data[18], 1);
    free(data);

    /* Ours by its mark, but without tables. */
    char sql[200];
    snprintf(sql, sizeof sql,
             "CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT); PRAGMA application_id=%d; PRAGMA user_version=%d",
             IAD_SCHEMA_APP_ID, IAD_SCHEMA_VERSION);
    make_plain_sqlite(DIR_NAME "/hollow.db", sql);
    assert_fails(IAD_ERR_FORMAT, iad_manifest_open(DIR_NAME "/hollow.db", IAD_MANIFEST_READ, &m, &err));
    assert_non_null(strstr(err.msg, "damaged"));

    /* Empty file: fine to create, not to read. */
    assert_ok(iad_file_write(DIR_NAME "/empty.db", "", 0, &err));
    assert_fails(IAD_ERR_FORMAT, iad_manifest_open(DIR_NAME "/empty.db", IAD_MANIFEST_READ, &m, &err));
    assert_fails(IAD_ERR_FORMAT, iad_manifest_open(DIR_NAME "/empty.db", IAD_MANIFEST_WRITE, &m, &err));
    assert_ok(iad_manifest_open(DIR_NAME "/empty.db", IAD_MANIFEST_CREATE, &m, &err));
    iad_manifest_close(m);
}

static void test_newer_schema(void **state) {
    (void)state;
    iad_err err;
    iad_manifest *m = NULL;
    unlink(DIR_NAME "/newer.db");
    assert_ok(iad_manifest_open(DIR_NAME "/newer.db", IAD_MANIFEST_CREATE, &m, &err));
    char sql[64];
    snprintf(sql, sizeof sql, "PRAGMA user_version=%d", IAD_SCHEMA_VERSION + 1);
    assert_ok(iad_query_exec(m, sql, &err));
    iad_manifest_close(m);
    for (int mode = IAD_MANIFEST_READ; mode <= IAD_MANIFEST_CREATE; mode++) {
        assert_fails(IAD_ERR_UNSUPPORTED, iad_manifest_open(DIR_NAME "/newer.db", (iad_manifest_mode)mode, &m, &err));
        assert_non_null(strstr(err.msg, "newer program"));
        assert_non_null(strstr(err.msg, "newer.db"));
    }
}

/* A file of the first version: refused for reading with what to do, brought up to date for writing, its rows kept. */
static void test_older_schema(void **state) {
    (void)state;
    iad_err err;
    iad_manifest *m = NULL;
    static char sql[32768];
    int n = snprintf(sql, sizeof sql, "%s PRAGMA application_id=%d; PRAGMA user_version=1; INSERT INTO meta VALUES('colour','blue')",
                     iad_schema_sql(1), IAD_SCHEMA_APP_ID);
    assert_true(n > 0 && (size_t)n < sizeof sql);
    make_plain_sqlite(DIR_NAME "/older.db", sql);
    assert_fails(IAD_ERR_UNSUPPORTED, iad_manifest_open(DIR_NAME "/older.db", IAD_MANIFEST_READ, &m, &err));
    assert_non_null(strstr(err.msg, "iad-manifest init"));
    assert_ok(iad_manifest_open(DIR_NAME "/older.db", IAD_MANIFEST_WRITE, &m, &err));
    char text[16];
    assert_ok(iad_manifest_meta_get(m, "colour", text, sizeof text, &err));
    assert_string_equal(text, "blue");
    int64_t value = 0;
    assert_ok(iad_query_scalar(m, "PRAGMA user_version", 0, &value, &err));
    assert_int_equal(value, IAD_SCHEMA_VERSION);
    assert_ok(iad_query_scalar(m, "SELECT count(*) FROM crawl_url", -1, &value, &err));
    assert_int_equal(value, 0);
    iad_manifest_close(m);
    assert_ok(iad_manifest_open(DIR_NAME "/older.db", IAD_MANIFEST_READ, &m, &err));
    iad_manifest_close(m);
}

static void test_migration_is_all_or_nothing(void **state) {
    (void)state;
    iad_err err;
    sqlite3 *db = NULL;
    /* A table of the same name is in the way in the middle of the step: nothing of it may stay. */
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "CREATE TABLE task(a)", NULL, NULL, NULL), SQLITE_OK);
    assert_fails(IAD_ERR_DB, iad_schema_migrate(db, "x.db", 0, &err));
    assert_non_null(strstr(err.msg, "x.db"));
    sqlite3_stmt *stmt = NULL;
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT count(*) FROM sqlite_schema WHERE type='table'", -1, &stmt, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    assert_int_equal(sqlite3_column_int(stmt, 0), 1);
    sqlite3_finalize(stmt);
    assert_int_equal(sqlite3_get_autocommit(db), 1);
    sqlite3_close(db);
    assert_null(iad_schema_sql(0));
    assert_non_null(iad_schema_sql(1));
    assert_null(iad_schema_sql(IAD_SCHEMA_VERSION + 1));
}

static void test_transactions(void **state) {
    (void)state;
    iad_err err;
    iad_manifest *m = fixture_open();
    int64_t n = 0;
    assert_ok(iad_manifest_begin(m, &err));
    assert_int_equal(iad_manifest_in_transaction(m), 1);
    assert_fails(IAD_ERR_INTERNAL, iad_manifest_begin(m, &err));
    fixture_dataset(m, "a", "", "");
    iad_manifest_rollback(m);
    iad_manifest_rollback(m);
    assert_ok(iad_query_scalar(m, "SELECT count(*) FROM dataset", -1, &n, &err));
    assert_int_equal(n, 0);
    assert_ok(iad_manifest_begin(m, &err));
    fixture_dataset(m, "a", "", "");
    assert_ok(iad_manifest_commit(m, &err));
    assert_ok(iad_query_scalar(m, "SELECT count(*) FROM dataset", -1, &n, &err));
    assert_int_equal(n, 1);
    iad_manifest_close(m);
}

static void test_runs(void **state) {
    (void)state;
    iad_err err;
    iad_manifest *m = fixture_open();
    int64_t id = 0, n = 0;
    assert_ok(iad_run_begin(m, "iad-test", "1", "iad-test x 'y z'", "{\"a\":1}", UINT64_MAX, &id, &err));
    assert_ok(iad_query_scalar(m, "SELECT count(*) FROM run WHERE status='started' AND seed=-1 AND ended IS NULL", 0,
                               &n, &err));
    assert_int_equal(n, 1);
    assert_ok(iad_run_end(m, id, "ok", "{\"n\":2}", &err));
    assert_ok(iad_query_scalar(m, "SELECT count(*) FROM run WHERE status='ok' AND ended LIKE '____-__-__T__:__:__Z'", 0,
                               &n, &err));
    assert_int_equal(n, 1);
    assert_fails(IAD_ERR_NOT_FOUND, iad_run_end(m, 99, "ok", NULL, &err));
    assert_fails(IAD_ERR_DB, iad_run_end(m, id, "splendid", NULL, &err));
    iad_manifest_close(m);
}

static void test_roots(void **state) {
    (void)state;
    iad_err err;
    iad_manifest *m = NULL;
    char packed[IAD_PATH_MAX], out[IAD_PATH_MAX], here[IAD_PATH_MAX];
    assert_non_null(realpath(DIR_NAME, here));
    assert_ok(iad_dir_make(DIR_NAME "/set/one", &err));
    assert_ok(iad_dir_make("test_manifest_open.tmp2", &err));
    assert_ok(iad_manifest_open(DIR_NAME "/empty.db", IAD_MANIFEST_CREATE, &m, &err));
    assert_string_equal(iad_manifest_dir(m), here);
    assert_ok(iad_manifest_root_pack(m, DIR_NAME "/set/../set/one", packed, sizeof packed, &err));
    assert_string_equal(packed, "set/one");
    assert_ok(iad_manifest_root_unpack(m, packed, out, sizeof out, &err));
    assert_int_equal(strncmp(out, here, strlen(here)), 0);
    assert_string_equal(out + strlen(here), "/set/one");
    assert_ok(iad_manifest_root_pack(m, DIR_NAME, packed, sizeof packed, &err));
    assert_string_equal(packed, ".");
    assert_ok(iad_manifest_root_unpack(m, packed, out, sizeof out, &err));
    assert_string_equal(out, here);
    /* A folder whose name merely begins like the manifest's is not inside it. */
    assert_ok(iad_manifest_root_pack(m, "test_manifest_open.tmp2", packed, sizeof packed, &err));
    assert_int_equal(packed[0], '/');
    assert_ok(iad_manifest_root_unpack(m, packed, out, sizeof out, &err));
    assert_string_equal(out, packed);
    assert_fails(IAD_ERR_NOT_FOUND, iad_manifest_root_pack(m, DIR_NAME "/absent", packed, sizeof packed, &err));
    assert_fails(IAD_ERR_NOT_FOUND, iad_manifest_root_pack(m, DIR_NAME "/empty.db", packed, sizeof packed, &err));
    assert_fails(IAD_ERR_FORMAT, iad_manifest_root_unpack(m, "../../etc", out, sizeof out, &err));
    iad_manifest_close(m);
}

static void test_bytes(void **state) {
    (void)state;
    iad_err err;
    iad_manifest *m = NULL;
    unlink(DIR_NAME "/bytes.db");
    assert_ok(iad_manifest_open(DIR_NAME "/bytes.db", IAD_MANIFEST_CREATE, &m, &err));
    fixture_dataset(m, "inside", "", "");
    iad_manifest_close(m);
    uint8_t *data = NULL;
    size_t n = 0;
    assert_ok(iad_file_read(DIR_NAME "/bytes.db", 1u << 24, &data, &n, &err));
    assert_ok(iad_manifest_open_bytes(data, n, &m, &err));
    int64_t id = 0;
    assert_ok(iad_dataset_find(m, "inside", &id, &err));
    assert_int_equal(id, 1);
    iad_dataset_row row = {.name = "new", .root = "."};
    assert_fails(IAD_ERR_IO, iad_dataset_put(m, &row, &id, &err));
    iad_manifest_close(m);
    /* Cut anywhere: an error, never a crash; the header page decides. */
    for (size_t cut = 0; cut < n; cut += cut < 1100 ? 100 : 8192) {
        if (iad_manifest_open_bytes(data, cut, &m, &err) == IAD_OK) iad_manifest_close(m);
        else assert_true(err.msg[0]);
    }
    assert_fails(IAD_ERR_FORMAT, iad_manifest_open_bytes(data, 100, &m, &err));
    free(data);
}

/* A manifest in a folder that cannot be written, without side files: still readable. Root may write anywhere, so a
 * child gives up its rights first; the folder lies where that user can reach it. */
static void test_read_only_folder(void **state) {
    (void)state;
    iad_err err;
    iad_manifest *m = NULL;
    char dir[] = "/tmp/iad_ro_XXXXXX", path[64];
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/m.db", dir);
    assert_ok(iad_manifest_open(path, IAD_MANIFEST_CREATE, &m, &err));
    fixture_dataset(m, "inside", "", "");
    iad_manifest_close(m);
    assert_int_equal(chmod(path, 0444), 0);
    assert_int_equal(chmod(dir, 0555), 0);
    pid_t child = fork();
    if (child == 0) {
        if (geteuid() == 0 && setuid(65534) != 0) _exit(9);
        int64_t id = 0;
        if (iad_manifest_open(path, IAD_MANIFEST_READ, &m, &err) != IAD_OK) _exit(1);
        if (iad_dataset_find(m, "inside", &id, &err) != IAD_OK || id != 1) _exit(2);
        iad_manifest_close(m);
        if (iad_manifest_open(path, IAD_MANIFEST_WRITE, &m, &err) != IAD_ERR_IO) _exit(3);
        if (!strstr(err.msg, "read-only")) _exit(4);
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    chmod(dir, 0755);
    unlink(path);
    rmdir(dir);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* No room for another page: the message says so, the transaction leaves nothing behind, and the handle still works. */
static void test_disk_full(void **state) {
    (void)state;
    iad_err err;
    iad_manifest *m = NULL;
    unlink(DIR_NAME "/full.db");
    assert_ok(iad_manifest_open(DIR_NAME "/full.db", IAD_MANIFEST_CREATE, &m, &err));
    int64_t dataset = fixture_dataset(m, "d", "", ""), category = fixture_category(m, dataset, "c"), pages = 0, n = 0;
    char sql[64], path[64];
    assert_ok(iad_query_scalar(m, "PRAGMA page_count", 0, &pages, &err));
    snprintf(sql, sizeof sql, "PRAGMA max_page_count=%lld", (long long)pages + 2);
    assert_ok(iad_query_exec(m, sql, &err));
    assert_ok(iad_manifest_begin(m, &err));
    iad_status status = IAD_OK;
    for (int i = 0; status == IAD_OK && i < 10000; i++) {
        int64_t id;
        snprintf(path, sizeof path, "train/%05d.png", i);
        iad_image_row row = fixture_row(dataset, category, path, IAD_PART_TRAIN, IAD_LABEL_NORMAL);
        status = iad_image_put(m, &row, &id, NULL, &err);
    }
    assert_int_equal(status, IAD_ERR_IO);
    assert_non_null(strstr(err.msg, "full.db: table image, train/"));
    assert_non_null(strstr(err.msg, "the disk is full"));
    iad_manifest_rollback(m);
    assert_ok(iad_query_scalar(m, "SELECT count(*) FROM image", -1, &n, &err));
    assert_int_equal(n, 0);
    fixture_image(m, dataset, category, "one.png", IAD_PART_TRAIN, IAD_LABEL_NORMAL);
    iad_manifest_close(m);
}

/* A second writer waits for the first, then says what is going on; readers do not wait. */
static void test_two_writers(void **state) {
    (void)state;
    iad_err err;
    iad_manifest *a = NULL, *b = NULL, *reader = NULL;
    unlink(DIR_NAME "/busy.db");
    assert_ok(iad_manifest_open(DIR_NAME "/busy.db", IAD_MANIFEST_CREATE, &a, &err));
    assert_ok(iad_manifest_open(DIR_NAME "/busy.db", IAD_MANIFEST_WRITE, &b, &err));
    sqlite3_busy_timeout(iad_manifest_sqlite(b), 10);
    assert_ok(iad_manifest_begin(a, &err));
    fixture_dataset(a, "a", "", "");
    assert_fails(IAD_ERR_DB, iad_manifest_begin(b, &err));
    assert_non_null(strstr(err.msg, "another program is writing"));
    assert_ok(iad_manifest_open(DIR_NAME "/busy.db", IAD_MANIFEST_READ, &reader, &err));
    int64_t id = 7;
    assert_ok(iad_dataset_find(reader, "a", &id, &err));
    assert_int_equal(id, 0);
    assert_ok(iad_manifest_commit(a, &err));
    assert_ok(iad_dataset_find(reader, "a", &id, &err));
    assert_int_equal(id, 1);
    assert_ok(iad_manifest_begin(b, &err));
    iad_manifest_close(b);
    iad_manifest_close(a);
    iad_manifest_close(reader);
}

int main(void) {
    iad_err err;
    if (iad_dir_make(DIR_NAME, &err) != IAD_OK) return 1;
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_create_and_reopen),
                                       cmocka_unit_test(test_refusals),
                                       cmocka_unit_test(test_newer_schema),
                                       cmocka_unit_test(test_older_schema),
        cmocka_unit_test(test_migration_is_all_or_nothing),
                                       cmocka_unit_test(test_transactions),
                                       cmocka_unit_test(test_runs),
                                       cmocka_unit_test(test_roots),
                                       cmocka_unit_test(test_bytes),
                                       cmocka_unit_test(test_read_only_folder),
                                       cmocka_unit_test(test_disk_full),
                                       cmocka_unit_test(test_two_writers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
