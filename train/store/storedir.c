#include "train/store/storedir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "train/store/storemanifest.h"

iad_status iad_store_step_path(const char *dir, int64_t step, const char *suffix, char path[IAD_PATH_MAX], iad_err *err) {
    char name[64];
    snprintf(name, sizeof name, "step-%08" PRId64 "%s", step, suffix);
    return iad_path_join(path, IAD_PATH_MAX, dir, name, err);
}

/* The step of a name that iad_store_step_path makes with this suffix, else -1. */
static int64_t step_of(const char *name, const char *suffix) {
    char digits[32], again[64];
    int64_t step;
    size_t n = strlen(name), s = strlen(suffix);
    if (n < 5 + s || n - 5 - s >= sizeof digits || strncmp(name, "step-", 5) != 0 || strcmp(name + n - s, suffix) != 0) return -1;
    memcpy(digits, name + 5, n - 5 - s);
    digits[n - 5 - s] = 0;
    if (iad_parse_i64(digits, 0, INT64_MAX, "a step", &step, NULL) != IAD_OK) return -1;
    snprintf(again, sizeof again, "step-%08" PRId64 "%s", step, suffix);
    return strcmp(again, name) == 0 ? step : -1;
}

static int has_manifest(const char *dir, const char *name) {
    char folder[IAD_PATH_MAX], path[IAD_PATH_MAX];
    return iad_path_join(folder, sizeof folder, dir, name, NULL) == IAD_OK && iad_path_join(path, sizeof path, folder, IAD_STORE_MANIFEST,
                                                                                            NULL) == IAD_OK &&
           iad_file_exists(path);
}

/* ---- which there are ---- */

static int falling(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x < y) - (x > y);
}

/* Every checkpoint, newest first. */
static iad_status list_steps(const char *dir, int64_t **steps, size_t *n, iad_err *err) {
    iad_dir_list list;
    *steps = NULL;
    *n = 0;
    if (!iad_file_exists(dir)) {
        *steps = iad_calloc(1, sizeof **steps);
        return *steps ? IAD_OK : IAD_NOMEM(err, dir);
    }
    IAD_TRY(iad_dir_read(dir, &list, err));
    iad_status status = IAD_OK;
    if (!(*steps = iad_calloc(list.n, sizeof **steps))) status = IAD_NOMEM(err, dir);
    for (size_t i = 0; i < list.n && status == IAD_OK; i++) {
        int64_t step = list.items[i].is_dir ? step_of(list.items[i].name, "") : -1;
        if (step >= 0 && has_manifest(dir, list.items[i].name)) (*steps)[(*n)++] = step;
    }
    iad_dir_list_deinit(&list);
    if (*n) qsort(*steps, *n, sizeof **steps, falling);
    return status;
}

/* What `latest` says; -1 when it is not there or says nothing. */
static int64_t latest_read(const char *dir) {
    char path[IAD_PATH_MAX];
    uint8_t *text;
    size_t n;
    if (iad_path_join(path, sizeof path, dir, "latest", NULL) != IAD_OK || iad_file_read(path, 100, &text, &n, NULL) != IAD_OK) return -1;
    char *line = (char *)text;
    line[strcspn(line, "\n")] = 0;
    int64_t step = step_of(line, "");
    free(text);
    return step;
}

iad_status iad_store_candidates(const char *dir, int64_t **steps, size_t *n, iad_err *err) {
    IAD_TRY(list_steps(dir, steps, n, err));
    int64_t latest = latest_read(dir);
    size_t skip = 0;
    while (latest >= 0 && skip < *n && (*steps)[skip] > latest) skip++;
    if (skip == *n) return IAD_OK;
    *n -= skip;
    memmove(*steps, *steps + skip, *n * sizeof **steps);
    return IAD_OK;
}

iad_status iad_store_latest_write(const char *dir, int64_t step, iad_err *err) {
    char path[IAD_PATH_MAX], text[64];
    IAD_TRY(iad_path_join(path, sizeof path, dir, "latest", err));
    snprintf(text, sizeof text, "step-%08" PRId64 "\n", step);
    return iad_file_write(path, text, strlen(text), err);
}

/* ---- changes ---- */

iad_status iad_store_sync_dir(const char *path, iad_err *err) {
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return IAD_FAIL(err, IAD_ERR_IO, "%s: cannot open: %s", path, strerror(errno));
    int failed = fsync(fd) != 0 && errno != EINVAL && errno != EROFS;
    int number = errno;
    close(fd);
    return failed ? IAD_FAIL(err, IAD_ERR_IO, "%s: cannot write: %s", path, strerror(number)) : IAD_OK;
}

/* Removes what is in a folder, hidden files of interrupted writers too. */
static iad_status empty_folder(const char *path, iad_err *err) {
    char file[IAD_PATH_MAX];
    DIR *dir = opendir(path);
    if (!dir) return IAD_FAIL(err, IAD_ERR_IO, "%s: cannot list: %s", path, strerror(errno));
    iad_status status = IAD_OK;
    for (struct dirent *entry; status == IAD_OK && (entry = readdir(dir));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        status = iad_path_join(file, sizeof file, path, entry->d_name, err);
        if (status == IAD_OK && unlink(file) != 0 && errno != ENOENT)
            status = IAD_FAIL(err, IAD_ERR_IO, "%s: cannot remove: %s", file, strerror(errno));
    }
    closedir(dir);
    return status;
}

iad_status iad_store_remove(const char *path, iad_err *err) {
    char manifest[IAD_PATH_MAX];
    if (!iad_file_exists(path)) return IAD_OK;
    IAD_TRY(iad_path_join(manifest, sizeof manifest, path, IAD_STORE_MANIFEST, err));
    if (unlink(manifest) != 0 && errno != ENOENT) return IAD_FAIL(err, IAD_ERR_IO, "%s: cannot remove: %s", manifest, strerror(errno));
    IAD_TRY(empty_folder(path, err));
    return rmdir(path) == 0 || errno == ENOENT ? IAD_OK : IAD_FAIL(err, IAD_ERR_IO, "%s: cannot remove: %s", path, strerror(errno));
}

static iad_status clean_one(const char *dir, const char *name, iad_err *err) {
    char path[IAD_PATH_MAX], whole[IAD_PATH_MAX];
    int64_t old = step_of(name, ".old");
    IAD_TRY(iad_path_join(path, sizeof path, dir, name, err));
    if (old >= 0 && has_manifest(dir, name)) {
        IAD_TRY(iad_store_step_path(dir, old, "", whole, err));
        if (!iad_file_exists(whole))
            return rename(path, whole) == 0 ? IAD_OK : IAD_FAIL(err, IAD_ERR_IO, "%s: cannot rename: %s", path, strerror(errno));
    }
    if (old < 0 && step_of(name, ".tmp") < 0 && (step_of(name, "") < 0 || has_manifest(dir, name))) return IAD_OK;
    return iad_store_remove(path, err);
}

/* What iad_file_write was about to call `latest` when the run died. */
static iad_status clean_latest(const char *path, iad_err *err) {
    char file[IAD_PATH_MAX];
    DIR *dir = opendir(path);
    if (!dir) return IAD_FAIL(err, IAD_ERR_IO, "%s: cannot list: %s", path, strerror(errno));
    for (struct dirent *entry; (entry = readdir(dir));)
        if (iad_text_starts(entry->d_name, ".latest.") && iad_text_ends(entry->d_name, ".part") &&
            iad_path_join(file, sizeof file, path, entry->d_name, NULL) == IAD_OK)
            unlink(file);
    closedir(dir);
    return IAD_OK;
}

iad_status iad_store_clean(const char *dir, iad_err *err) {
    iad_dir_list list;
    if (!iad_file_exists(dir)) return IAD_OK;
    IAD_TRY(clean_latest(dir, err));
    IAD_TRY(iad_dir_read(dir, &list, err));
    iad_status status = IAD_OK;
    for (size_t i = 0; i < list.n && status == IAD_OK; i++)
        if (list.items[i].is_dir) status = clean_one(dir, list.items[i].name, err);
    iad_dir_list_deinit(&list);
    return status;
}

iad_status iad_store_prune(const char *dir, int64_t step, int keep, int keep_every, iad_err *err) {
    int64_t *steps;
    size_t n;
    char path[IAD_PATH_MAX];
    iad_status status = list_steps(dir, &steps, &n, err);
    int kept = 0;
    for (size_t i = 0; i < n && status == IAD_OK; i++) {
        if (steps[i] > step || kept++ < keep || (keep_every > 0 && steps[i] % keep_every == 0)) continue;
        status = iad_store_step_path(dir, steps[i], "", path, err);
        if (status == IAD_OK) status = iad_store_remove(path, err);
    }
    free(steps);
    return status;
}
