/* The path half of file.h: text only, and one question to the file system. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

iad_status iad_path_join(char *out, size_t size, const char *a, const char *b, iad_err *err) {
    size_t n = strlen(a);
    const char *slash = n && a[n - 1] != '/' && *b ? "/" : "";
    int len = snprintf(out, size, "%s%s%s", a, slash, b);
    if (len < 0 || (size_t)len >= size) return IAD_FAIL(err, IAD_ERR_LIMIT, "%.200s/...: the path is too long", a);
    return IAD_OK;
}

const char *iad_path_base(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

const char *iad_path_ext(const char *path) {
    const char *base = iad_path_base(path), *dot = strrchr(base, '.');
    return dot && dot != base ? dot : "";
}

void iad_path_stem(char *out, size_t size, const char *path) {
    const char *base = iad_path_base(path);
    size_t n = strlen(base) - strlen(iad_path_ext(path));
    if (size == 0) return;
    if (n >= size) n = size - 1;
    memcpy(out, base, n);
    out[n] = 0;
}

void iad_path_dir(char *out, size_t size, const char *path) {
    const char *slash = strrchr(path, '/');
    if (!slash) {
        iad_text_copy(out, size, ".");
        return;
    }
    size_t n = slash == path ? 1 : (size_t)(slash - path);
    if (size == 0) return;
    if (n >= size) n = size - 1;
    memcpy(out, path, n);
    out[n] = 0;
}

int iad_path_safe(const char *path) {
    if (!*path || *path == '/' || strlen(path) >= IAD_PATH_MAX) return 0;
    const char *part = path;
    for (const char *p = path;; p++) {
        if (*p == '\\' || (*p && (unsigned char)*p < 0x20) || *p == 0x7f) return 0;
        if (*p == '/' || *p == 0) {
            size_t n = (size_t)(p - part);
            if (n == 0 || (n == 1 && part[0] == '.') || (n == 2 && part[0] == '.' && part[1] == '.')) return 0;
            if (*p == 0) return 1;
            part = p + 1;
        }
    }
}

int iad_path_inside(const char *root, const char *path) {
    char *real_root = realpath(root, NULL), *real_path = realpath(path, NULL);
    int inside = 0;
    if (real_root && real_path) {
        size_t n = strlen(real_root);
        inside = strncmp(real_root, real_path, n) == 0 &&
                 (real_path[n] == 0 || real_path[n] == '/' || (n && real_root[n - 1] == '/'));
    }
    free(real_root);
    free(real_path);
    return inside;
}
