/* A manifest as text, in the order of its row ids, and its comparison with a stored text. Not in it: hashes of files and times,
 * which depend on the versions of the encoders that wrote the fixture. */
#ifndef IAD_TEST_INGEST_DUMP_H
#define IAD_TEST_INGEST_DUMP_H

#include <ftw.h>
#include <sqlite3.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "manifests/query.h"
#include "tests/unit/iad_test.h"

#define DUMP static __attribute__((unused))

/* Rows of one statement, columns separated by '|', NULL as '-'. Each line starts with `head`. */
DUMP void dump_rows(sqlite3 *db, iad_buf *out, const char *head, const char *sql, int64_t parameter) {
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK) fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    if (sqlite3_bind_parameter_count(stmt)) sqlite3_bind_int64(stmt, 1, parameter);
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        iad_buf_add_str(out, head, NULL);
        for (int c = 0; c < sqlite3_column_count(stmt); c++) {
            const char *text = (const char *)sqlite3_column_text(stmt, c);
            iad_buf_addf(out, NULL, "%s%s", c ? "|" : "", text ? text : "-");
        }
        iad_buf_add_str(out, "\n", NULL);
    }
    sqlite3_finalize(stmt);
}

/* The whole manifest; the caller frees. root: the folder part of notes that is replaced (none: ""). */
DUMP char *dump_manifest(iad_manifest *manifest) {
    sqlite3 *db = iad_manifest_sqlite(manifest);
    iad_buf out;
    iad_buf_init(&out, 1u << 28);
    dump_rows(db, &out, "dataset ", "SELECT id,name,adapter,licence,redistributable,commercial,origin,eval_overlap FROM dataset ORDER BY id", 0);
    dump_rows(db, &out, "category ", "SELECT id,name,kind,grey FROM category ORDER BY id", 0);
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v2(db, "SELECT id FROM image ORDER BY id", -1, &stmt, NULL) != SQLITE_OK) fail_msg("%s", sqlite3_errmsg(db));
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        int64_t id = sqlite3_column_int64(stmt, 0);
        dump_rows(db, &out, "image ",
                  "SELECT i.id,i.path,c.name,source_split,part,label,defect,width||'x'||height||'x'||channels||'@'||depth,format,object_key,view,"
                  "light,'ok='||exemplar_ok,'bad='||bad,bad_reason,note FROM image i LEFT JOIN category c ON c.id=category_id WHERE i.id=?",
                  id);
        dump_rows(db, &out, "  mask ",
                  "SELECT role,mask_id,width||'x'||height,value_map,area,n_components,boxes,quality FROM image_mask JOIN mask ON mask.id=mask_id"
                  " WHERE image_id=? ORDER BY role,mask_id",
                  id);
        dump_rows(db, &out, "  box ", "SELECT x0,y0,x1,y1,name FROM image_box WHERE image_id=? ORDER BY pos", id);
        dump_rows(db, &out, "  split ", "SELECT scheme,part FROM split WHERE image_id=? ORDER BY scheme", id);
    }
    sqlite3_finalize(stmt);
    dump_rows(db, &out, "task ",
              "SELECT t.id,task,external_id,stage,shots,question,answer,turns,query_pos,t.part,c.name,(SELECT group_concat(role||':'||image_id) FROM"
              " (SELECT role,image_id FROM task_image WHERE task_id=t.id ORDER BY pos)) FROM task t LEFT JOIN category c ON c.id=t.category_id ORDER "
              "BY t.id", 0);
    char *text = iad_buf_take(&out, NULL);
    assert_non_null(text);
    return text;
}

/* Everything that the two manifests hold, hashes too, but run rows and times of files. */
DUMP char *dump_exact(iad_manifest *manifest) {
    static const char *const sql[] = {
        "SELECT * FROM dataset ORDER BY id",
        "SELECT * FROM category ORDER BY id",
        ("SELECT id,dataset_id,category_id,path,hex(sha256),hex(pixel_sha256),phash,hex(phash_turns),bytes,mtime_ns,width,height,channels,depth,"
         "format,source_split,part,label,defect,object_key,view,light,exemplar_ok,dup_of,bad,bad_reason,note FROM image ORDER BY id"),
        "SELECT id,hex(sha256),width,height,hex(png),value_map,area,n_components,boxes,quality FROM mask ORDER BY id",
        "SELECT * FROM image_mask ORDER BY image_id,role,mask_id",
        "SELECT * FROM image_box ORDER BY image_id,pos",
        "SELECT * FROM split ORDER BY scheme,image_id",
        "SELECT * FROM task ORDER BY id",
        "SELECT * FROM task_image ORDER BY task_id,pos"};
    iad_buf out;
    iad_buf_init(&out, 1u << 28);
    for (size_t i = 0; i < sizeof sql / sizeof *sql; i++) dump_rows(iad_manifest_sqlite(manifest), &out, "", sql[i], 0);
    char *text = iad_buf_take(&out, NULL);
    assert_non_null(text);
    return text;
}

/* First line in which two texts differ, for the message. */
DUMP void dump_assert_equal(const char *what, const char *got, const char *want) {
    if (strcmp(got, want) == 0) return;
    size_t line = 1;
    while (*got && *got == *want) {
        line += *got == '\n';
        got++, want++;
    }
    fail_msg("%s: line %zu differs near\n  got  \"%.200s\"\n  want \"%.200s\"", what, line, got, want);
}

/* Compares with data/<name>.golden. With IAD_GOLDEN_UPDATE set it writes that file instead: look at the difference before it is kept. */
DUMP void dump_golden(const char *name, const char *text) {
    char path[IAD_PATH_MAX];
    iad_err err = IAD_ERR_NONE;
    snprintf(path, sizeof path, "%s/%s.golden", IAD_TEST_DATA, name);
    if (getenv("IAD_GOLDEN_UPDATE")) {
        assert_ok(iad_file_write(path, text, strlen(text), &err));
        return;
    }
    uint8_t *want;
    size_t n;
    assert_ok(iad_file_read(path, 1u << 24, &want, &n, &err));
    dump_assert_equal(name, text, (const char *)want);
    free(want);
}

/* ---- scratch folders ---- */

static inline int dump_remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw) {
    (void)st, (void)type, (void)ftw;
    return remove(path);
}
DUMP void dump_remove(const char *dir) { nftw(dir, dump_remove_one, 16, FTW_DEPTH | FTW_PHYS); }

/* A fresh folder; absolute path into out. */
DUMP void dump_scratch(const char *name, char out[IAD_PATH_MAX]) {
    char cwd[IAD_PATH_MAX - 100];
    assert_non_null(getcwd(cwd, sizeof cwd));
    snprintf(out, IAD_PATH_MAX, "%s/%s-XXXXXX", cwd, name);
    assert_non_null(mkdtemp(out));
}

#endif
