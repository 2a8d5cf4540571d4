/* What is behind the opaque handle. For manifest.c and query.c only. */
#ifndef IAD_MANIFESTS_MANIFEST_HANDLE_H
#define IAD_MANIFESTS_MANIFEST_HANDLE_H

#include <sqlite3.h>

#include "manifests/manifest.h"

#define IAD_QUERY_CACHE 96

typedef struct iad_cached_statement {
    const char *sql;
    sqlite3_stmt *stmt;
    int busy;
} iad_cached_statement;

struct iad_manifest {
    sqlite3 *db;
    char *path, *dir;
    int writable;
    iad_cached_statement cache[IAD_QUERY_CACHE];
    int n_cached;
};

#endif
