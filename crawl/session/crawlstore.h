/* The files of a crawl below its folder: images/ab/<sha256>.<ext> (kept), spool/<number> (received, not yet judged), pages/ (search pages as they
 * came, gzip). */
#ifndef IAD_CRAWL_CRAWLSTORE_H
#define IAD_CRAWL_CRAWLSTORE_H

#include <stdint.h>

#include "base/file.h"
#include "base/status.h"

typedef struct iad_crawl_store {
    char root[IAD_PATH_MAX];
} iad_crawl_store;

/* Makes the folders. Errors: IAD_ERR_IO. */
iad_status iad_crawl_store_open(iad_crawl_store *store, const char *root, iad_err *err);

/* Files of one number of bytes are written to a hidden name and renamed: never half of one under its name. Nothing is flushed to the disk: a
 * killed program loses nothing, a power failure at most what was fetched last, which the next run notices (iad_crawl_store_has). A full
 * disk is IAD_ERR_IO with a message that says so. */
iad_status iad_crawl_store_spool(const iad_crawl_store *store, int64_t number, const void *bytes, size_t n, iad_err *err);
void iad_crawl_store_spool_path(const iad_crawl_store *store, int64_t number, char path[IAD_PATH_MAX]);
void iad_crawl_store_unspool(const iad_crawl_store *store, int64_t number);
/* Deletes spool files whose number `keep` does not want. */
iad_status iad_crawl_store_sweep(const iad_crawl_store *store, int (*keep)(void *user, int64_t number), void *user, iad_err *err);

/* "images/ab/<sha256>.jpg" into path. kind: "jpeg", "png" ... */
void iad_crawl_store_image_path(const uint8_t sha256[32], const char *kind, char path[128]);
/* A second name for a spooled file; fine when it is there already. */
iad_status iad_crawl_store_keep(const iad_crawl_store *store, int64_t number, const char *path, iad_err *err);
iad_status iad_crawl_store_write(const iad_crawl_store *store, const char *path, const void *bytes, size_t n, iad_err *err);
/* 1 when the file is there with this size. */
int iad_crawl_store_has(const iad_crawl_store *store, const char *path, int64_t bytes);

/* gzip of a search page; path: relative to the root, "pages/<engine>/<query>-<number>.gz". */
iad_status iad_crawl_store_page(const iad_crawl_store *store, const char *path, const void *bytes, size_t n, iad_err *err);

#endif
