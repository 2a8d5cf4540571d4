/* Files: bounded reading, mapping, atomic writing, listing, safe relative paths. */
#ifndef IAD_BASE_FILE_H
#define IAD_BASE_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/text.h"

#define IAD_PATH_MAX 4096

/* ---- paths (text only) ---- */

/* "a" + "b" -> "a/b" into out[size]; IAD_ERR_LIMIT when too long. An absolute `b` is NOT special: see iad_path_safe. */
iad_status iad_path_join(char *out, size_t size, const char *a, const char *b, iad_err *err);
const char *iad_path_base(const char *path);              /* after the last '/' */
const char *iad_path_ext(const char *path);               /* ".png" with the dot, "" without one */
void iad_path_stem(char *out, size_t size, const char *path); /* base name without its extension */
void iad_path_dir(char *out, size_t size, const char *path);  /* before the last '/', "." without one */

/* 1 when `path` is relative, has no "." or ".." component, no empty component, no backslash, no control byte: such a
 * path cannot leave the folder it is joined to (symbolic links apart, see iad_path_inside). */
int iad_path_safe(const char *path);
/* Resolves symbolic links; 1 when `path` (must exist) lies inside `root`. */
int iad_path_inside(const char *root, const char *path);

/* ---- reading ---- */

/* Whole file into *data (owned by the caller, one extra NUL behind it). IAD_ERR_LIMIT beyond max bytes. */
iad_status iad_file_read(const char *path, size_t max, uint8_t **data, size_t *n, iad_err *err);

/* Read-only mapping of a regular file; an empty file gives data = NULL, n = 0. */
typedef struct iad_map {
    const uint8_t *data;
    size_t n;
} iad_map;
iad_status iad_map_open(iad_map *map, const char *path, iad_err *err);
void iad_map_close(iad_map *map);

int iad_file_exists(const char *path); /* any kind */
int iad_file_is_dir(const char *path); /* follows links */
iad_status iad_file_size(const char *path, uint64_t *bytes, iad_err *err);

/* ---- writing ---- */

/* Creates the folder and its parents; fine when it is there. */
iad_status iad_dir_make(const char *path, iad_err *err);

/* Writes to a temporary name in the same folder, flushes it to disk, renames it: readers see the old or the new file,
 * never half of one. The parent folder is created. On failure nothing is left behind and the old file is untouched. */
iad_status iad_file_write(const char *path, const void *bytes, size_t n, iad_err *err);
/* The same without waiting for the disk: for many files that can be made again. A kill is as harmless as above; after a power failure such a
 * file may be cut short. iad_dir_flush waits for all that was written on the folder's file system. */
iad_status iad_file_write_soon(const char *path, const void *bytes, size_t n, iad_err *err);
iad_status iad_dir_flush(const char *path, iad_err *err);

/* ---- listing ---- */

typedef struct iad_dir_entry {
    char *name;  /* base name, owned */
    int is_dir;  /* links followed */
} iad_dir_entry;
typedef struct iad_dir_list {
    iad_dir_entry *items; /* sorted by bytes */
    size_t n, cap;
} iad_dir_list;
/* Entries of one folder without names that start with a dot. */
iad_status iad_dir_read(const char *path, iad_dir_list *list, iad_err *err);
void iad_dir_list_deinit(iad_dir_list *list);

/* Every regular file below root as a path relative to it, sorted by bytes; hidden names skipped, depth <= 32, directory
 * loops by symbolic links are cut, `max` files at most (IAD_ERR_LIMIT). */
iad_status iad_dir_walk(const char *root, size_t max, iad_strings *files, iad_err *err);

#endif
