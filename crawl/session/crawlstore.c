#include "crawl/session/crawlstore.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/alloc.h"
#include "base/sha256.h"

iad_status iad_crawl_store_open(iad_crawl_store *store, const char *root, iad_err *err) {
    char path[IAD_PATH_MAX];
    if (!iad_text_copy(store->root, sizeof store->root - 200, root)) return IAD_FAIL(err, IAD_ERR_LIMIT, "%.100s...: path too long", root);
    snprintf(path, sizeof path, "%.*s/images", IAD_PATH_MAX - 300, store->root);
    IAD_TRY(iad_dir_make(path, err));
    snprintf(path, sizeof path, "%.*s/spool", IAD_PATH_MAX - 300, store->root);
    return iad_dir_make(path, err);
}

static iad_status failed(const char *path, iad_err *err) {
    if (errno == ENOSPC || errno == EDQUOT) return IAD_FAIL(err, IAD_ERR_IO, "%s: the disk is full", path);
    return IAD_FAIL(err, IAD_ERR_IO, "%s: cannot be written: %m", path);
}

static iad_status write_bytes(const char *path, const void *bytes, size_t n, iad_err *err) {
    char part[IAD_PATH_MAX + 8];
    snprintf(part, sizeof part, "%s.part", path);
    int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0 && errno == ENOENT) { /* the folder of its first two digits */
        char dir[IAD_PATH_MAX];
        iad_path_dir(dir, sizeof dir, path);
        IAD_TRY(iad_dir_make(dir, err));
        fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    }
    if (fd < 0) return failed(path, err);
    const char *p = bytes;
    while (n) {
        ssize_t written = write(fd, p, n);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) {
            iad_status status = failed(path, err);
            close(fd);
            unlink(part);
            return status;
        }
        p += written;
        n -= (size_t)written;
    }
    if (close(fd) == 0 && rename(part, path) == 0) return IAD_OK;
    iad_status status = failed(path, err);
    unlink(part);
    return status;
}

void iad_crawl_store_spool_path(const iad_crawl_store *store, int64_t number, char path[IAD_PATH_MAX]) {
    snprintf(path, IAD_PATH_MAX, "%.*s/spool/%lld", IAD_PATH_MAX - 100, store->root, (long long)number);
}

iad_status iad_crawl_store_spool(const iad_crawl_store *store, int64_t number, const void *bytes, size_t n, iad_err *err) {
    char path[IAD_PATH_MAX];
    iad_crawl_store_spool_path(store, number, path);
    return write_bytes(path, bytes, n, err);
}

void iad_crawl_store_unspool(const iad_crawl_store *store, int64_t number) {
    char path[IAD_PATH_MAX];
    iad_crawl_store_spool_path(store, number, path);
    unlink(path);
}

iad_status iad_crawl_store_sweep(const iad_crawl_store *store, int (*keep)(void *user, int64_t number), void *user, iad_err *err) {
    char dir[IAD_PATH_MAX], path[IAD_PATH_MAX];
    iad_dir_list list = {0};
    snprintf(dir, sizeof dir, "%.*s/spool", IAD_PATH_MAX - 300, store->root);
    IAD_TRY(iad_dir_read(dir, &list, err));
    for (size_t i = 0; i < list.n; i++) {
        int64_t number = 0;
        if (iad_parse_i64(list.items[i].name, 1, INT64_MAX, "name", &number, NULL) == IAD_OK && keep(user, number)) continue;
        if (iad_path_join(path, sizeof path, dir, list.items[i].name, NULL) == IAD_OK) unlink(path);
    }
    iad_dir_list_deinit(&list);
    return IAD_OK;
}

void iad_crawl_store_image_path(const uint8_t sha256[32], const char *kind, char path[128]) {
    char hex[IAD_SHA256_HEX];
    iad_hex(sha256, 32, hex);
    snprintf(path, 128, "images/%.2s/%s.%s", hex, hex, !strcmp(kind, "jpeg") ? "jpg" : kind);
}

iad_status iad_crawl_store_keep(const iad_crawl_store *store, int64_t number, const char *path, iad_err *err) {
    char from[IAD_PATH_MAX], to[IAD_PATH_MAX], dir[IAD_PATH_MAX];
    iad_crawl_store_spool_path(store, number, from);
    IAD_TRY(iad_path_join(to, sizeof to, store->root, path, err));
    for (int tries = 0; tries < 2; tries++) {
        if (link(from, to) == 0 || errno == EEXIST) return IAD_OK;
        if (errno != ENOENT) break;
        iad_path_dir(dir, sizeof dir, to);
        IAD_TRY(iad_dir_make(dir, err));
    }
    if (errno != EPERM && errno != EMLINK && errno != ENOTSUP && errno != EXDEV) return failed(to, err);
    /* A file system without second names: copy. */
    uint8_t *bytes = NULL;
    size_t n = 0;
    IAD_TRY(iad_file_read(from, SIZE_MAX / 2, &bytes, &n, err));
    iad_status status = write_bytes(to, bytes, n, err);
    free(bytes);
    return status;
}

iad_status iad_crawl_store_write(const iad_crawl_store *store, const char *path, const void *bytes, size_t n, iad_err *err) {
    char to[IAD_PATH_MAX];
    IAD_TRY(iad_path_join(to, sizeof to, store->root, path, err));
    return iad_file_exists(to) ? IAD_OK : write_bytes(to, bytes, n, err);
}

int iad_crawl_store_has(const iad_crawl_store *store, const char *path, int64_t bytes) {
    char whole[IAD_PATH_MAX];
    struct stat st;
    if (iad_path_join(whole, sizeof whole, store->root, path, NULL) != IAD_OK) return 0;
    return stat(whole, &st) == 0 && S_ISREG(st.st_mode) && (int64_t)st.st_size == bytes;
}

iad_status iad_crawl_store_page(const iad_crawl_store *store, const char *path, const void *bytes, size_t n, iad_err *err) {
    z_stream z = {0};
    char to[IAD_PATH_MAX];
    IAD_TRY(iad_path_join(to, sizeof to, store->root, path, err));
    if (n > UINT32_MAX / 2) return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: too long", path);
    if (deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) return IAD_NOMEM(err, "a search page");
    size_t room = deflateBound(&z, (uLong)n);
    Bytef *out = iad_alloc(room, 1);
    iad_status status = out ? IAD_OK : IAD_NOMEM(err, "a search page");
    union { const void *given; Bytef *in; } text = {bytes}; /* zlib does not write to it */
    z.next_in = text.in;
    z.avail_in = (uInt)n;
    z.next_out = out;
    z.avail_out = (uInt)room;
    if (status == IAD_OK && deflate(&z, Z_FINISH) != Z_STREAM_END) status = IAD_FAIL(err, IAD_ERR_INTERNAL, "%s: compression", path);
    if (status == IAD_OK) status = write_bytes(to, out, z.total_out, err);
    deflateEnd(&z);
    free(out);
    return status;
}
