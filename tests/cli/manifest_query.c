/* manifest_query DB SQL: the rows of a query as TSV, NULL as nothing, for scripts that look behind the programs. */
#include <sqlite3.h>
#include <stdio.h>

int main(int argc, char **argv) {
    sqlite3 *db = NULL;
    sqlite3_stmt *rows = NULL;
    if (argc != 3) return fprintf(stderr, "usage: manifest_query DB SQL\n"), 2;
    int code = sqlite3_open_v2(argv[1], &db, SQLITE_OPEN_READONLY, NULL);
    if (code == SQLITE_OK) code = sqlite3_prepare_v2(db, argv[2], -1, &rows, NULL);
    while (code == SQLITE_OK && (code = sqlite3_step(rows)) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(rows); i++)
            printf("%s%s", i ? "\t" : "", sqlite3_column_text(rows, i) ? (const char *)sqlite3_column_text(rows, i) : "");
        putchar('\n');
        code = SQLITE_OK;
    }
    if (code != SQLITE_DONE) fprintf(stderr, "manifest_query: %s\n", sqlite3_errmsg(db));
    sqlite3_finalize(rows);
    sqlite3_close(db);
    return code == SQLITE_DONE ? 0 : 1;
}
