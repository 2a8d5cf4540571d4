/* A data set seen as a sorted list of relative paths plus a way to read small files: what the list-driven and name-driven
 * adapters work on. The list comes from a folder, or from memory in tests, so that no adapter needs a file system. */
#ifndef IAD_MANIFESTS_SCAN_TREE_H
#define IAD_MANIFESTS_SCAN_TREE_H

#include "base/text.h"
#include "manifests/ingest/adapter.h"
#include "manifests/ingest/scan.h"

#define IAD_SCAN_MAX_FILES 20000000u
#define IAD_SCAN_MAX_PARTS 40
#define IAD_SCAN_MAX_SIDE_FILE (4u * 1024u * 1024u) /* yaml, xml, txt beside the pictures */
#define IAD_SCAN_MAX_JSON (1024u * 1024u * 1024u)

typedef struct iad_scan_tree {
    const char *name;  /* the root, for messages; borrowed */
    iad_strings files; /* relative paths, sorted by bytes; owned */
    /* Whole file, one extra NUL behind it, freed by the caller; IAD_ERR_LIMIT beyond max bytes. */
    iad_status (*read)(void *user, const char *path, size_t max, uint8_t **bytes, size_t *n, iad_err *err);
    void *user;
} iad_scan_tree;

typedef iad_status (*iad_scan_fn)(const iad_scan_tree *tree, const json_t *options, const iad_ingest_sink *sink, iad_err *err);

/* Lists the folder, calls fn, frees the list. */
iad_status iad_scan_with_tree(const char *root, iad_scan_fn fn, const json_t *options, const iad_ingest_sink *sink, iad_err *err);

/* Index of the first file that does not sort before `path`. */
size_t iad_scan_tree_bound(const iad_scan_tree *tree, const char *path);
/* 1 when the list holds this file; when files lie below the folder `dir` ("" is always there). */
int iad_scan_tree_has(const iad_scan_tree *tree, const char *path);
int iad_scan_tree_has_dir(const iad_scan_tree *tree, const char *dir);
/* First file "<dir>/<stem><suffix>.<picture extension>" as it is spelt in the list, or NULL. */
const char *iad_scan_tree_picture(const iad_scan_tree *tree, const char *dir, const char *stem, const char *suffix);

/* The file as JSON (json_decref). */
iad_status iad_scan_tree_json(const iad_scan_tree *tree, const char *path, json_t **root, iad_err *err);
/* Width and height from the header of a picture. */
iad_status iad_scan_tree_size(const iad_scan_tree *tree, const char *path, int *width, int *height, iad_err *err);

/* A path cut at its slashes; part[n - 1] is the file name. */
typedef struct iad_scan_parts {
    char text[IAD_PATH_MAX];
    char *part[IAD_SCAN_MAX_PARTS];
    size_t n;
} iad_scan_parts;
/* 0 when the path is too long or too deep. */
int iad_scan_split(iad_scan_parts *parts, const char *path);

/* snprintf that says 1 only when all of it fitted. */
int iad_scan_print(char *out, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* The digits at *p as a number of at most 9 digits, *p behind them; -1 when there is none. */
long iad_scan_number(const char **p);

/* "train", "test", "validation" for folder names of that meaning (Train, TEST, val, valid, testing, ...), else NULL. */
const char *iad_scan_split_name(const char *folder);
/* Normals of the source's test part never serve as examples. split may be NULL. */
int iad_scan_exemplar(const char *split);

/* ---- records of lists ---- */

/* What is wrong with one record of a list: delivered as a reject. Memory and the caller's own stop are passed on. */
iad_status iad_scan_reject(const iad_ingest_sink *sink, const char *name, const iad_err *why, iad_err *err);
iad_status iad_scan_rejectf(const iad_ingest_sink *sink, iad_err *err, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

#endif
