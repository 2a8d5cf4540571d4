#include "manifests/ingest/ingest_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"

#define OPEN_FLAGS (O_RDONLY | O_CLOEXEC | O_NONBLOCK) /* a named pipe must not hang us */

iad_status iad_ingest_root_open(iad_ingest_root *root, const char *path, iad_err *err) {
    root->fd = -1;
    if (!realpath(path, root->path)) return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "%s: %s", path, strerror(errno));
    root->fd = open(root->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root->fd < 0) return IAD_FAIL(err, IAD_ERR_IO, "%s: cannot open: %s", path, strerror(errno));
    return IAD_OK;
}

void iad_ingest_root_close(iad_ingest_root *root) {
    if (root->fd >= 0) close(root->fd);
    root->fd = -1;
}

/* The kernel walks the path and refuses to leave the folder: one call, and nobody can swap a link in between. -1 with errno EXDEV where
 * it would leave (or meets an absolute link, which may yet lead back), ENOSYS and the like where there is no such call. */
static int open_beneath(const iad_ingest_root *root, const char *path) {
#ifdef SYS_openat2
    /* struct open_how and RESOLVE_BENEATH of linux/openat2.h, which older header packages lack. */
    struct {
        uint64_t flags, mode, resolve;
    } how = {OPEN_FLAGS, 0, 0x08};
    return (int)syscall(SYS_openat2, root->fd, path, &how, sizeof how);
#else
    (void)root, (void)path;
    errno = ENOSYS;
    return -1;
#endif
}

static int is_inside(const char *root, const char *path) {
    size_t n = strlen(root);
    return strncmp(path, root, n) == 0 && (path[n] == '/' || (n && root[n - 1] == '/'));
}

/* The same in user space. -2: leads out. */
static int open_resolved(const iad_ingest_root *root, const char *path) {
    char joined[IAD_PATH_MAX], real[PATH_MAX];
    if (iad_path_join(joined, sizeof joined, root->path, path, NULL) != IAD_OK) {
        errno = ENAMETOOLONG;
        return -1;
    }
    if (!realpath(joined, real)) return -1;
    if (!is_inside(root->path, real)) return -2;
    return open(real, OPEN_FLAGS | O_NOFOLLOW);
}

iad_status iad_ingest_file_open(const iad_ingest_root *root, const char *path, iad_ingest_file *file, iad_err *err) {
    struct stat st;
    file->fd = open_beneath(root, path);
    if (file->fd < 0 && errno != ENOENT && errno != EACCES) file->fd = open_resolved(root, path);
    if (file->fd == -2) return IAD_FAIL(err, IAD_ERR_ARG, "%s: a link leads out of the folder of the data set", path);
    if (file->fd < 0) return IAD_FAIL(err, errno == ENOENT || errno == ENOTDIR ? IAD_ERR_NOT_FOUND : IAD_ERR_IO, "%s: %s", path, strerror(errno));
    if (fstat(file->fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        iad_ingest_file_close(file);
        return IAD_FAIL(err, IAD_ERR_IO, "%s: not a regular file", path);
    }
    file->bytes = (int64_t)st.st_size;
    file->mtime_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
    return IAD_OK;
}

iad_status iad_ingest_file_read(const iad_ingest_file *file, const char *path, size_t max, uint8_t **data, size_t *n, iad_err *err) {
    size_t size = (size_t)file->bytes, got = 0;
    if ((uint64_t)file->bytes > max)
        return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: %lld bytes, more than the limit of %zu", path, (long long)file->bytes, max);
    uint8_t *block = iad_alloc(size, 1);
    if (!block) return IAD_NOMEM(err, path);
    while (got < size) {
        ssize_t k = read(file->fd, block + got, size - got);
        if (k < 0 && errno == EINTR) continue;
        if (k < 0) {
            free(block);
            return IAD_FAIL(err, IAD_ERR_IO, "%s: cannot read: %s", path, strerror(errno));
        }
        if (k == 0) break; /* the file shrank: keep what there is */
        got += (size_t)k;
    }
    *data = block;
    *n = got;
    return IAD_OK;
}

void iad_ingest_file_close(iad_ingest_file *file) {
    if (file->fd >= 0) close(file->fd);
    file->fd = -1;
}
