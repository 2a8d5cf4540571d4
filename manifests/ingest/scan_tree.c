#include "manifests/ingest/scan_tree.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/image/decode.h"
#include "base/json.h"
#include "base/textargs.h"

static iad_status read_file(void *user, const char *path, size_t max, uint8_t **bytes, size_t *n, iad_err *err) {
    const char *root = user;
    char full[IAD_PATH_MAX];
    IAD_TRY(iad_path_join(full, sizeof full, root, path, err));
    if (!iad_path_inside(root, full)) return IAD_FAIL(err, IAD_ERR_ARG, "%s: leads out of %s", path, root);
    return iad_file_read(full, max, bytes, n, err);
}

iad_status iad_scan_with_tree(const char *root, iad_scan_fn fn, const json_t *options, const iad_ingest_sink *sink, iad_err *err) {
    char *copy = NULL; /* `read` gets it as mutable user data */
    iad_scan_tree tree = {root, {NULL, 0, 0}, read_file, NULL};
    iad_status status = iad_dir_walk(root, IAD_SCAN_MAX_FILES, &tree.files, err);
    if (status == IAD_OK) {
        copy = iad_strdup(root);
        if (!copy) status = IAD_FAIL(err, IAD_ERR_NOMEM, "out of memory for %s", root);
    }
    tree.user = copy;
    if (status == IAD_OK) status = fn(&tree, options, sink, err);
    iad_strings_deinit(&tree.files);
    free(copy);
    return status;
}

size_t iad_scan_tree_bound(const iad_scan_tree *tree, const char *path) {
    size_t lo = 0, hi = tree->files.n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (strcmp(tree->files.items[mid], path) < 0) lo = mid + 1;
        else hi = mid;
    }
    return lo;
}

int iad_scan_tree_has(const iad_scan_tree *tree, const char *path) {
    size_t i = iad_scan_tree_bound(tree, path);
    return i < tree->files.n && strcmp(tree->files.items[i], path) == 0;
}

int iad_scan_tree_has_dir(const iad_scan_tree *tree, const char *dir) {
    char start[IAD_PATH_MAX];
    if (!*dir) return 1;
    if (!iad_scan_print(start, sizeof start, "%s/", dir)) return 0;
    size_t i = iad_scan_tree_bound(tree, start);
    return i < tree->files.n && iad_text_starts(tree->files.items[i], start);
}

const char *iad_scan_tree_picture(const iad_scan_tree *tree, const char *dir, const char *stem, const char *suffix) {
    char start[IAD_PATH_MAX];
    if (!iad_scan_print(start, sizeof start, "%s%s%s%s.", dir, *dir ? "/" : "", stem, suffix)) return NULL;
    size_t n = strlen(start);
    for (size_t i = iad_scan_tree_bound(tree, start); i < tree->files.n; i++) {
        const char *path = tree->files.items[i];
        if (strncmp(path, start, n) != 0) break;
        if (!strpbrk(path + n, "./") && iad_scan_is_picture(path)) return path;
    }
    return NULL;
}

iad_status iad_scan_tree_json(const iad_scan_tree *tree, const char *path, json_t **root, iad_err *err) {
    uint8_t *bytes;
    size_t n;
    *root = NULL;
    IAD_TRY(tree->read(tree->user, path, IAD_SCAN_MAX_JSON, &bytes, &n, err));
    iad_status status = iad_json_parse((const char *)bytes, n, 0, path, root, err);
    free(bytes);
    return status;
}

iad_status iad_scan_tree_size(const iad_scan_tree *tree, const char *path, int *width, int *height, iad_err *err) {
    uint8_t *bytes;
    size_t n;
    iad_image_info info;
    IAD_TRY(tree->read(tree->user, path, IAD_IMAGE_MAX_FILE_BYTES, &bytes, &n, err));
    iad_status status = iad_image_probe(bytes, n, path, &info, err);
    free(bytes);
    if (status != IAD_OK) return status;
    *width = info.width;
    *height = info.height;
    return IAD_OK;
}

int iad_scan_split(iad_scan_parts *parts, const char *path) {
    parts->n = 0;
    if (!iad_text_copy(parts->text, sizeof parts->text, path)) return 0;
    for (char *p = parts->text;;) {
        if (parts->n == IAD_SCAN_MAX_PARTS) return 0;
        parts->part[parts->n++] = p;
        char *slash = strchr(p, '/');
        if (!slash) return 1;
        *slash = 0;
        p = slash + 1;
    }
}

int iad_scan_print(char *out, size_t size, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(out, size, fmt, ap);
    va_end(ap);
    return n >= 0 && (size_t)n < size;
}

long iad_scan_number(const char **p) {
    long value = 0;
    int digits = 0;
    while (isdigit((unsigned char)**p)) {
        if (++digits > 9) return -1;
        value = value * 10 + (**p - '0');
        ++*p;
    }
    return digits ? value : -1;
}

const char *iad_scan_split_name(const char *folder) {
    if (iad_scan_in_list_nocase("train training", folder)) return "train";
    if (iad_scan_in_list_nocase("test testing", folder)) return "test";
    if (iad_scan_in_list_nocase("val valid validation", folder)) return "validation";
    return NULL;
}

int iad_scan_exemplar(const char *split) { return !split || !iad_text_starts(split, "test"); }

iad_status iad_scan_reject(const iad_ingest_sink *sink, const char *name, const iad_err *why, iad_err *err) {
    if (why->code == IAD_ERR_NOMEM || why->code == IAD_ERR_INTERRUPTED || why->code == IAD_ERR_INTERNAL) {
        if (err) *err = *why;
        return why->code;
    }
    /* Parsers put the name in front themselves. */
    size_t n = strlen(name);
    int repeats = n && strncmp(why->msg, name, n) == 0 && why->msg[n] == ':' && why->msg[n + 1] == ' ';
    return sink->reject(sink->user, name, repeats ? why->msg + n + 2 : why->msg, err);
}

iad_status iad_scan_rejectf(const iad_ingest_sink *sink, iad_err *err, const char *name, const char *fmt, ...) {
    char reason[512];
    IAD_TEXT_OF_ARGS(reason, fmt);
    return sink->reject(sink->user, name, reason, err);
}
