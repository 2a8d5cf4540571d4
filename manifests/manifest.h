/* The manifest: one SQLite file in which all tools meet. This header: opening, transactions, run rows, paths.
 * Rows are in records.h, lists for readers in pictures.h, raw SQL in query.h, the tables themselves in schema.c.
 *
 * A handle belongs to one thread at a time; open one handle per thread. Several programs may have the same file open:
 * readers never wait, writers wait up to IAD_MANIFEST_BUSY_MS for each other. What was committed survives kill -9 and
 * power loss. */
#ifndef IAD_MANIFESTS_MANIFEST_H
#define IAD_MANIFESTS_MANIFEST_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#define IAD_MANIFEST_BUSY_MS 20000

typedef struct iad_manifest iad_manifest;

typedef enum iad_manifest_mode {
    IAD_MANIFEST_READ = 0, /* the file must exist; nothing is written, not even a migration */
    IAD_MANIFEST_WRITE,    /* the file must exist; an older schema is brought up to date */
    IAD_MANIFEST_CREATE    /* like WRITE, but an absent (or empty) file becomes a new manifest */
} iad_manifest_mode;

/* Opens `path` (":memory:" with CREATE: a private one in memory, its folder is the working directory).
 * Errors, each naming the file: IAD_ERR_NOT_FOUND (absent), IAD_ERR_FORMAT (not SQLite, SQLite but not a manifest,
 * damaged), IAD_ERR_UNSUPPORTED (schema newer than this program; or older and opened READ), IAD_ERR_IO (permission,
 * disk full), IAD_ERR_DB (locked, anything else that SQLite says). */
iad_status iad_manifest_open(const char *path, iad_manifest_mode mode, iad_manifest **manifest, iad_err *err);

/* A read-only manifest from the bytes of a database file (copied). Paths resolve against the working directory. */
iad_status iad_manifest_open_bytes(const void *bytes, size_t n, iad_manifest **manifest, iad_err *err);

/* Rolls back an open transaction, closes; NULL is fine. */
void iad_manifest_close(iad_manifest *manifest);

const char *iad_manifest_path(const iad_manifest *manifest); /* as given to open */
const char *iad_manifest_dir(const iad_manifest *manifest);  /* absolute folder of the file, links resolved */
int iad_manifest_writable(const iad_manifest *manifest);

/* ---- transactions ---- */

/* Writers put 1 000 to 100 000 rows into one transaction. Begin takes the write lock at once. Not nested. */
iad_status iad_manifest_begin(iad_manifest *manifest, iad_err *err);
iad_status iad_manifest_commit(iad_manifest *manifest, iad_err *err);
/* Fine without a transaction. */
void iad_manifest_rollback(iad_manifest *manifest);
int iad_manifest_in_transaction(const iad_manifest *manifest);

/* ---- meta: free key/value pairs ---- */

iad_status iad_manifest_meta_set(iad_manifest *manifest, const char *key, const char *value, iad_err *err);
/* value[size] receives the text, "" when the key is absent. */
iad_status iad_manifest_meta_get(iad_manifest *manifest, const char *key, char *value, size_t size, iad_err *err);

/* ---- run rows: who did what ---- */

/* argv: the command line as text; config: JSON text or NULL; seed: any 64 bits. Written at once (its own transaction
 * when none is open). */
iad_status iad_run_begin(iad_manifest *manifest, const char *tool, const char *version, const char *argv,
                         const char *config, uint64_t seed, int64_t *run_id, iad_err *err);
/* status: ok | partial | failed | interrupted; counts: JSON text or NULL. A run that was killed keeps status "started".
 */
iad_status iad_run_end(iad_manifest *manifest, int64_t run_id, const char *status, const char *counts, iad_err *err);

/* ---- folders of data sets ---- */

/* How a data set's folder is stored: relative to the manifest's folder when it lies in it ("." for the folder itself),
 * so that both can be moved together; absolute otherwise. `root` must exist; links are resolved. out[size]. */
iad_status iad_manifest_root_pack(const iad_manifest *manifest, const char *root, char *out, size_t size, iad_err *err);
/* The other way: an absolute path. The folder need not exist. */
iad_status iad_manifest_root_unpack(const iad_manifest *manifest, const char *stored, char *out, size_t size,
                                    iad_err *err);

#endif
