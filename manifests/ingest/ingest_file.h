/* Reading files below one folder, and only there: paths come from lists and archives of strangers, and so do symbolic links. */
#ifndef IAD_MANIFESTS_INGEST_FILE_H
#define IAD_MANIFESTS_INGEST_FILE_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef struct iad_ingest_root {
    int fd;              /* of the folder */
    char path[PATH_MAX]; /* absolute, links resolved */
} iad_ingest_root;

/* Errors: IAD_ERR_NOT_FOUND, IAD_ERR_IO. */
iad_status iad_ingest_root_open(iad_ingest_root *root, const char *path, iad_err *err);
void iad_ingest_root_close(iad_ingest_root *root);

/* An open regular file below the root. Links are followed while they stay inside. */
typedef struct iad_ingest_file {
    int fd;
    int64_t bytes, mtime_ns;
} iad_ingest_file;

/* `path`: iad_path_safe. Errors, without the root's own path in the text: IAD_ERR_ARG (a link leads out of the root), IAD_ERR_NOT_FOUND,
 * IAD_ERR_IO (no permission, not a regular file). May be called from several threads. */
iad_status iad_ingest_file_open(const iad_ingest_root *root, const char *path, iad_ingest_file *file, iad_err *err);
/* Whole content into *data (owned by the caller). IAD_ERR_LIMIT beyond max bytes. */
iad_status iad_ingest_file_read(const iad_ingest_file *file, const char *path, size_t max, uint8_t **data, size_t *n, iad_err *err);
void iad_ingest_file_close(iad_ingest_file *file);

#endif
