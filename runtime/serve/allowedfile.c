#include "runtime/serve/allowedfile.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

static int hex(char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1; }

static iad_status path_of(const char *address, char *path, iad_err *err) {
    const char *at = address + strlen("file://");
    size_t n = 0;
    if (iad_text_starts(at, "localhost/")) at += strlen("localhost");
    if (*at != '/') return IAD_FAIL(err, IAD_ERR_FORMAT, "a file:// address of another machine");
    for (; *at; at++, n++) {
        if (n + 1 >= IAD_PATH_MAX) return IAD_FAIL(err, IAD_ERR_LIMIT, "a path longer than %d bytes", IAD_PATH_MAX);
        path[n] = *at;
        if (*at != '%') continue;
        const int high = hex(at[1]), low = high < 0 ? -1 : hex(at[2]);
        if (low < 0 || (high == 0 && low == 0)) return IAD_FAIL(err, IAD_ERR_FORMAT, "a broken %%-escape in the path");
        path[n] = (char)(high * 16 + low);
        at += 2;
    }
    path[n] = '\0';
    return IAD_OK;
}

/* Both without links; the root itself does not count. */
static int below(const iad_strings *roots, const char *real) {
    for (size_t i = 0; i < roots->n; i++) {
        char root[PATH_MAX];
        if (!realpath(roots->items[i], root)) continue;
        size_t n = strcmp(root, "/") == 0 ? 0 : strlen(root);
        if (strncmp(real, root, n) == 0 && real[n] == '/') return 1;
    }
    return 0;
}

static iad_status outside(const iad_strings *roots, iad_err *err) {
    if (roots->n) return IAD_FAIL(err, IAD_ERR_ARG, "the file is not below a folder of --allow-dir");
    return IAD_FAIL(err, IAD_ERR_ARG, "file:// addresses are off: the server was started without --allow-dir");
}

static iad_status read_all(int fd, size_t max, iad_buf *out, iad_err *err) {
    char block[1 << 16];
    for (;;) {
        ssize_t got = read(fd, block, sizeof block);
        if (got < 0) return IAD_FAIL(err, IAD_ERR_IO, "the file cannot be read: %m");
        if (got == 0) return IAD_OK;
        if (out->len + (size_t)got > max) return IAD_FAIL(err, IAD_ERR_LIMIT, "the file has more than %zu bytes (--max-body)", max);
        IAD_TRY(iad_buf_add(out, block, (size_t)got, err));
    }
}

/* A name that does not resolve: said only when its folder is one that may be looked into. */
static iad_status unresolved(const iad_strings *roots, const char *path, iad_err *err) {
    char folder[IAD_PATH_MAX], real[PATH_MAX + 2];
    iad_path_dir(folder, sizeof folder, path);
    if (!realpath(folder, real)) return outside(roots, err);
    strncat(real, "/", 2);
    return below(roots, real) ? IAD_FAIL(err, IAD_ERR_NOT_FOUND, "there is no such file") : outside(roots, err);
}

iad_status iad_allowed_file_read(const iad_strings *roots, const char *address, size_t max, iad_buf *out, iad_err *err) {
    char path[IAD_PATH_MAX], link[64], real[PATH_MAX];
    struct stat st;
    iad_buf_init(out, max + 1);
    IAD_TRY(path_of(address, path, err));
    if (!realpath(path, real)) return unresolved(roots, path, err);
    if (!below(roots, real)) return outside(roots, err);
    /* O_NONBLOCK: a pipe must not hold the server. */
    const int fd = open(real, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) return IAD_FAIL(err, IAD_ERR_IO, "the file cannot be opened: %m");
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    const ssize_t n = readlink(link, real, sizeof real - 1);
    iad_status status = IAD_OK;
    if (n > 0) real[n] = '\0';
    if (n <= 0) status = IAD_FAIL(err, IAD_ERR_IO, "%s cannot be read: %m", link);
    else if (!below(roots, real)) status = outside(roots, err);
    else if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) status = IAD_FAIL(err, IAD_ERR_ARG, "not a regular file");
    else status = read_all(fd, max, out, err);
    close(fd);
    return status;
}
