#include "manifests/ingest/scan.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "base/textargs.h"

#define MAX_FOUND 100000u

static int in_list(const char *list, const char *word, int nocase) {
    size_t n = strlen(word);
    for (const char *p = list; *p;) {
        size_t len = strcspn(p, " ,");
        if (len == n && n && (nocase ? strncasecmp(p, word, n) : strncmp(p, word, n)) == 0) return 1;
        p += len;
        p += strspn(p, " ,");
    }
    return 0;
}

int iad_scan_in_list(const char *list, const char *word) { return in_list(list, word, 0); }
int iad_scan_in_list_nocase(const char *list, const char *word) { return in_list(list, word, 1); }

int iad_scan_is_picture(const char *name) {
    const char *ext = iad_path_ext(name);
    return *ext && in_list("png jpg jpeg bmp webp tif tiff", ext + 1, 1);
}

int iad_scan_is_normal(const char *folder) { return in_list("good ok normal", folder, 1); }

int iad_scan_is_anomalous(const char *folder) {
    return in_list("bad ko ng defect defective anomaly anomalous abnormal", folder, 1);
}

/* First entry that does not sort before `name`. */
static size_t lower_bound(const iad_dir_list *list, const char *name) {
    size_t lo = 0, hi = list->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (strcmp(list->items[mid].name, name) < 0) lo = mid + 1;
        else hi = mid;
    }
    return lo;
}

const iad_dir_entry *iad_scan_entry(const iad_dir_list *list, const char *name) {
    size_t i = lower_bound(list, name);
    return i < list->n && strcmp(list->items[i].name, name) == 0 ? &list->items[i] : NULL;
}

const iad_dir_entry *iad_scan_picture(const iad_dir_list *list, const char *stem, const char *suffix) {
    char start[IAD_PATH_MAX];
    int n = snprintf(start, sizeof start, "%s%s.", stem, suffix);
    if (n < 0 || (size_t)n >= sizeof start) return NULL;
    for (size_t i = lower_bound(list, start); i < list->n && strncmp(list->items[i].name, start, (size_t)n) == 0; i++) {
        const char *name = list->items[i].name;
        if (!list->items[i].is_dir && strlen(iad_path_ext(name)) + (size_t)n == strlen(name) + 1 && iad_scan_is_picture(name))
            return &list->items[i];
    }
    return NULL;
}

iad_status iad_scan_list(const char *root, const char *relative, iad_dir_list *list, iad_err *err) {
    char path[IAD_PATH_MAX];
    *list = (iad_dir_list){NULL, 0, 0};
    IAD_TRY(iad_path_join(path, sizeof path, root, relative, err));
    if (!iad_file_is_dir(path)) return IAD_OK;
    return iad_dir_read(path, list, err);
}

int iad_scan_has_dir(const char *root, const char *relative) {
    char path[IAD_PATH_MAX];
    return iad_path_join(path, sizeof path, root, relative, NULL) == IAD_OK && iad_file_is_dir(path);
}

int iad_scan_has_file(const char *root, const char *relative) {
    char path[IAD_PATH_MAX];
    return iad_path_join(path, sizeof path, root, relative, NULL) == IAD_OK && iad_file_exists(path) && !iad_file_is_dir(path);
}

void iad_scan_root_name(const char *root, char *name, size_t size) {
    char *real = realpath(root, NULL);
    const char *base = iad_path_base(real ? real : root);
    iad_text_copy(name, size, *base ? base : "root");
    free(real);
}

static iad_status find_dirs(const char *root, const char *relative, int depth, int (*is)(const char *, const char *),
                            iad_strings *found, iad_err *err) {
    if (is(root, relative)) {
        if (found->n >= MAX_FOUND) return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: more than %u category folders", root, MAX_FOUND);
        return iad_strings_add(found, relative, err);
    }
    if (depth <= 0) return IAD_OK;
    iad_dir_list list;
    IAD_TRY(iad_scan_list(root, relative, &list, err));
    iad_status status = IAD_OK;
    for (size_t i = 0; i < list.n && status == IAD_OK; i++) {
        char child[IAD_PATH_MAX];
        if (!list.items[i].is_dir) continue;
        status = iad_path_join(child, sizeof child, relative, list.items[i].name, err);
        if (status == IAD_OK) status = find_dirs(root, child, depth - 1, is, found, err);
    }
    iad_dir_list_deinit(&list);
    return status;
}

iad_status iad_scan_find_dirs(const char *root, int depth, int (*is)(const char *root, const char *relative),
                              iad_strings *found, iad_err *err) {
    return find_dirs(root, "", depth, is, found, err);
}

void iad_scan_remark(const iad_ingest_sink *sink, const char *fmt, ...) {
    char text[512];
    if (!sink->remark) return;
    IAD_TEXT_OF_ARGS(text, fmt);
    sink->remark(sink->user, text);
}
