/* A data set's folder written down as text: the fixtures of the adapters and the seeds of their fuzz targets.
 *
 *     # comment
 *     rgb PATH SEED [WIDTH HEIGHT]     a picture; grey, grey16 likewise (format by extension: png, jpg, bmp)
 *     mask PATH X Y VALUE              a grey mask with a rectangle of 8 x 6 pixels
 *     empty PATH [WIDTH HEIGHT]        a mask without defect
 *     broken PATH SEED                 the first half of a picture's file (as bmp its length is the same everywhere)
 *     text PATH                        a text file: the lines that follow, each behind a '|'
 *
 * Here it becomes a list of paths in memory; tree_files.h writes it to a disk. No test library is needed. */
#ifndef IAD_TEST_TREE_TEXT_H
#define IAD_TEST_TREE_TEXT_H

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "manifests/ingest/scan_tree.h"

#define TT static __attribute__((unused))

typedef struct tt_entry {
    char *kind, *path; /* into `text` */
    char *args[4];     /* "" when absent */
    iad_buf content;   /* of text files */
} tt_entry;

typedef struct tt_tree {
    char *text;
    tt_entry *entries; /* as written */
    size_t n, cap;
    iad_scan_tree tree; /* sorted paths */
} tt_tree;

static inline int tt_number(const char *text, int fallback) {
    char *end;
    long value = strtol(text, &end, 10);
    return *text && !*end && value > 0 && value < 30000 ? (int)value : fallback;
}

/* The header of a 24-bit BMP: enough to learn the size. */
static inline uint8_t *tt_bmp_header(int width, int height, size_t *n) {
    *n = 54;
    uint8_t *out = (uint8_t *)iad_calloc(*n + 1, 1);
    if (!out) return NULL;
    out[0] = 'B', out[1] = 'M', out[10] = 54, out[14] = 40, out[26] = 1, out[28] = 24;
    out[18] = (uint8_t)width, out[19] = (uint8_t)(width >> 8);
    out[22] = (uint8_t)height, out[23] = (uint8_t)(height >> 8);
    return out;
}

static inline size_t tt_find(const tt_tree *t, const char *path) {
    for (size_t i = 0; i < t->n; i++)
        if (strcmp(t->entries[i].path, path) == 0) return i;
    return t->n;
}

TT iad_status tt_read(void *user, const char *path, size_t max, uint8_t **bytes, size_t *n, iad_err *err) {
    const tt_tree *t = (const tt_tree *)user;
    size_t i = tt_find(t, path);
    if (i == t->n) return IAD_FAIL(err, IAD_ERR_IO, "cannot read %s", path);
    const tt_entry *e = &t->entries[i];
    if (strcmp(e->kind, "text") != 0) {
        int by_seed = strcmp(e->kind, "empty") == 0 ? 0 : 1; /* WIDTH and HEIGHT stand behind the seed */
        int is_mask = strcmp(e->kind, "mask") == 0;
        *bytes = tt_bmp_header(is_mask ? 32 : tt_number(e->args[by_seed], 32), is_mask ? 24 : tt_number(e->args[by_seed + 1], 24), n);
        return *bytes ? IAD_OK : IAD_NOMEM(err, path);
    }
    *n = e->content.len;
    if (*n > max) return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: larger than %zu bytes", path, max);
    *bytes = (uint8_t *)iad_alloc(*n + 1, 1);
    if (!*bytes) return IAD_NOMEM(err, path);
    memcpy(*bytes, iad_buf_str(&e->content), *n);
    (*bytes)[*n] = 0;
    return IAD_OK;
}

TT void tt_deinit(tt_tree *t) {
    for (size_t i = 0; i < t->n; i++) iad_buf_deinit(&t->entries[i].content);
    iad_strings_deinit(&t->tree.files);
    free(t->entries);
    free(t->text);
    memset(t, 0, sizeof *t);
}

/* Lines that are not understood are skipped: a fuzzer writes these, too. */
TT iad_status tt_parse(tt_tree *t, const char *text, size_t n, iad_err *err) {
    memset(t, 0, sizeof *t);
    t->text = (char *)iad_alloc(n + 1, 1);
    if (!t->text) return IAD_NOMEM(err, "a tree");
    memcpy(t->text, text, n);
    t->text[n] = 0;
    tt_entry *open = NULL;
    iad_status status = IAD_OK;
    for (char *line = t->text, *end = t->text + n; line < end && status == IAD_OK;) {
        char *eol = (char *)memchr(line, '\n', (size_t)(end - line)), *save = NULL;
        if (!eol) eol = end;
        *eol = 0;
        if (*line == '|' && open) {
            status = iad_buf_add(&open->content, line + 1, (size_t)(eol - line - 1), err);
            if (status == IAD_OK) status = iad_buf_add_str(&open->content, "\n", err);
        } else if (*line != '#') {
            static char none[1] = "";
            tt_entry e = {strtok_r(line, " ", &save), strtok_r(NULL, " ", &save), {none, none, none, none}, {0}};
            for (int k = 0; k < 4 && e.path; k++) {
                char *word = strtok_r(NULL, " ", &save);
                if (!word) break;
                e.args[k] = word;
            }
            if (e.path && iad_path_safe(e.path)) {
                void *items = t->entries;
                status = iad_grow(&items, &t->cap, t->n + 1, sizeof *t->entries, 100000, "a tree", err);
                if (status != IAD_OK) break;
                t->entries = (tt_entry *)items;
                iad_buf_init(&e.content, 16u << 20);
                t->entries[t->n] = e;
                open = &t->entries[t->n++];
                status = iad_strings_add(&t->tree.files, e.path, err);
            }
        }
        line = eol + 1;
    }
    iad_strings_sort(&t->tree.files);
    t->tree.name = "memory";
    t->tree.read = tt_read;
    t->tree.user = t;
    if (status != IAD_OK) tt_deinit(t);
    return status;
}

#endif
