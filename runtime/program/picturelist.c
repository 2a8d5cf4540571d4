#include "runtime/program/picturelist.h"

#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/image/decode.h"
#include "base/pool.h"
#include "base/sha256.h"

void iad_picture_list_deinit(iad_picture_list *list) {
    iad_strings_deinit(&list->paths);
    iad_strings_deinit(&list->names);
}

static int looks_like_picture(const char *path) {
    uint8_t head[64];
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe must not hang the listing */
    if (file < 0) return 0;
    ssize_t n = read(file, head, sizeof head);
    close(file);
    return n > 0 && iad_image_sniff(head, (size_t)n) != IAD_IMAGE_UNKNOWN;
}

/* "a/b.c.png" -> "a/b.c" */
static void without_extension(char *name) {
    char *slash = strrchr(name, '/'), *dot = strrchr(name, '.');
    if (dot && dot != name && (!slash || dot > slash + 1)) *dot = 0;
}

static iad_status add(iad_picture_list *list, const char *path, const char *name, iad_err *err) {
    if (list->paths.n >= IAD_PICTURES_MAX) return IAD_FAIL(err, IAD_ERR_LIMIT, "more than %u pictures", IAD_PICTURES_MAX);
    char stem[IAD_PATH_MAX];
    if (!iad_text_copy(stem, sizeof stem, name)) return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: path too long", path);
    without_extension(stem);
    IAD_TRY(iad_strings_add(&list->paths, path, err));
    return iad_strings_add(&list->names, stem, err);
}

static iad_status add_folder(const char *root, iad_picture_list *list, iad_err *err) {
    iad_strings files = {0};
    iad_status status = iad_dir_walk(root, IAD_PICTURES_MAX, &files, err);
    size_t before = list->paths.n;
    if (status == IAD_OK) iad_strings_sort_natural(&files);
    for (size_t i = 0; i < files.n && status == IAD_OK; i++) {
        char path[IAD_PATH_MAX];
        status = iad_path_join(path, sizeof path, root, files.items[i], err);
        if (status == IAD_OK && looks_like_picture(path)) status = add(list, path, files.items[i], err);
    }
    iad_strings_deinit(&files);
    if (status == IAD_OK && list->paths.n == before) return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "%s: no picture in this folder", root);
    return status;
}

static iad_status add_one(const char *operand, const char *what, iad_picture_list *list, iad_err *err);

static iad_status add_pattern(const char *pattern, const char *what, iad_picture_list *list, iad_err *err) {
    glob_t found;
    int code = glob(pattern, GLOB_NOSORT, NULL, &found);
    if (code == GLOB_NOMATCH) return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "%s: \"%s\" matches nothing", what, pattern);
    if (code != 0) return IAD_FAIL(err, code == GLOB_NOSPACE ? IAD_ERR_NOMEM : IAD_ERR_IO, "%s: \"%s\" cannot be looked up", what, pattern);
    iad_strings files = {0};
    iad_status status = IAD_OK;
    for (size_t i = 0; i < found.gl_pathc && status == IAD_OK; i++) status = iad_strings_add(&files, found.gl_pathv[i], err);
    globfree(&found);
    if (status == IAD_OK) iad_strings_sort_natural(&files);
    size_t before = list->paths.n;
    for (size_t i = 0; i < files.n && status == IAD_OK; i++)
        if (iad_file_is_dir(files.items[i]) || looks_like_picture(files.items[i])) status = add_one(files.items[i], what, list, err);
    iad_strings_deinit(&files);
    if (status == IAD_OK && list->paths.n == before) return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "%s: \"%s\" matches no picture", what, pattern);
    return status;
}

static iad_status add_one(const char *operand, const char *what, iad_picture_list *list, iad_err *err) {
    if (iad_file_is_dir(operand)) return add_folder(operand, list, err);
    if (iad_file_exists(operand)) return add(list, operand, iad_path_base(operand), err);
    if (strpbrk(operand, "*?[")) return add_pattern(operand, what, list, err);
    return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "%s: \"%s\" is neither a file nor a folder", what, operand);
}

typedef struct entry {
    const char *text;
    size_t index;
} entry;

static int by_text(const void *a, const void *b) {
    const entry *x = a, *y = b;
    int order = strcmp(x->text, y->text);
    return order ? order : x->index < y->index ? -1 : x->index > y->index;
}

static iad_status sorted(const iad_strings *list, entry **entries, iad_err *err) {
    *entries = iad_alloc(list->n, sizeof **entries);
    if (!*entries) return IAD_NOMEM(err, "the list of pictures");
    for (size_t i = 0; i < list->n; i++) (*entries)[i] = (entry){list->items[i], i};
    qsort(*entries, list->n, sizeof **entries, by_text);
    return IAD_OK;
}

static iad_status drop_repeats(iad_picture_list *list, iad_err *err) {
    entry *entries = NULL;
    IAD_TRY(sorted(&list->paths, &entries, err));
    uint8_t *drop = iad_calloc(list->paths.n, 1);
    if (drop) {
        for (size_t i = 1; i < list->paths.n; i++) drop[entries[i].index] = strcmp(entries[i].text, entries[i - 1].text) == 0;
        size_t kept = 0;
        for (size_t i = 0; i < list->paths.n; i++) {
            char *path = list->paths.items[i], *name = list->names.items[i];
            if (drop[i]) {
                free(path);
                free(name);
                continue;
            }
            list->paths.items[kept] = path;
            list->names.items[kept++] = name;
        }
        list->paths.n = list->names.n = kept;
    }
    free(entries);
    iad_status status = drop ? IAD_OK : IAD_NOMEM(err, "the list of pictures");
    free(drop);
    return status;
}

/* Two folders may hold the same names: those get a piece of their path's hash, so that a name depends on its picture alone. */
static iad_status part_names(iad_picture_list *list, iad_err *err) {
    entry *entries = NULL;
    IAD_TRY(sorted(&list->names, &entries, err));
    iad_status status = IAD_OK;
    uint8_t *twin = iad_calloc(list->names.n, 1);
    if (!twin) status = IAD_NOMEM(err, "the list of pictures");
    for (size_t i = 1; i < list->names.n && status == IAD_OK; i++)
        if (strcmp(entries[i].text, entries[i - 1].text) == 0) twin[entries[i].index] = twin[entries[i - 1].index] = 1;
    free(entries);
    for (size_t i = 0; i < list->names.n && status == IAD_OK; i++) {
        if (!twin[i]) continue;
        uint8_t digest[IAD_SHA256_BYTES];
        char hex[13], name[IAD_PATH_MAX + 16];
        status = iad_sha256_bytes(list->paths.items[i], strlen(list->paths.items[i]), digest, err);
        if (status != IAD_OK) break;
        iad_hex(digest, 6, hex);
        snprintf(name, sizeof name, "%s-%s", list->names.items[i], hex);
        char *copy = iad_strdup(name);
        if (!copy) {
            status = IAD_NOMEM(err, "the list of pictures");
            break;
        }
        free(list->names.items[i]);
        list->names.items[i] = copy;
    }
    free(twin);
    return status;
}

iad_status iad_picture_list_expand(const iad_strings *operands, const char *what, iad_picture_list *list, iad_err *err) {
    for (size_t i = 0; i < operands->n; i++) IAD_TRY(add_one(operands->items[i], what, list, err));
    if (list->paths.n < 2) return IAD_OK;
    IAD_TRY(drop_repeats(list, err));
    return part_names(list, err);
}

/* ---- loading ---- */

typedef struct load {
    char *const *paths;
    iadgpt_picture *pictures;
    iadgpt_status *statuses;
    iadgpt_error *errors;
} load;

static void load_one(void *user, size_t i, int thread) {
    (void)thread;
    load *l = user;
    l->statuses[i] = iadgpt_picture_load(l->paths[i], &l->pictures[i], &l->errors[i]);
}

void iad_pictures_load(char *const *paths, size_t n, int threads, iadgpt_picture *pictures, iadgpt_status *statuses, iadgpt_error *errors) {
    load l = {paths, pictures, statuses, errors};
    iad_parallel_for(n, n < (size_t)threads ? (int)(n ? n : 1) : threads, load_one, &l);
}
