#include "manifests/export/export.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/image/encode.h"
#include "base/sha256.h"
#include "manifests/pictures.h"
#include "manifests/query.h"

#define MAX_PNG_BYTES (256u * 1024u * 1024u)

const char *iad_export_list_name(iad_export_format format) {
    static const char *const names[] = {"list.tsv", "list.csv", "list.jsonl"};
    return (unsigned)format < 3 ? names[format] : "";
}

/* ---- files ---- */

static iad_status trouble(iad_export_state *state, const char *path, const char *reason) {
    state->counts->failed++;
    if (state->options->trouble) state->options->trouble(state->options->user, path, reason);
    return IAD_OK;
}

/* A link under a temporary name, then renamed over what is there. */
static iad_status make_link(const char *target, const char *path, int symbolic, iad_err *err) {
    char dir[IAD_PATH_MAX], temporary[IAD_PATH_MAX + 32];
    iad_path_dir(dir, sizeof dir, path);
    IAD_TRY(iad_dir_make(dir, err));
    snprintf(temporary, sizeof temporary, "%s.%ld.tmp", path, (long)getpid());
    unlink(temporary);
    if ((symbolic ? symlink(target, temporary) : link(target, temporary)) != 0)
        return IAD_FAIL(err, errno == EXDEV || errno == EPERM ? IAD_ERR_UNSUPPORTED : IAD_ERR_IO,
                        "%s: cannot be linked: %m", path);
    /* rename() of a hard link onto another link of the same file does nothing and leaves the temporary name. */
    if (rename(temporary, path) != 0) {
        int code = errno;
        unlink(temporary);
        errno = code;
        return IAD_FAIL(err, IAD_ERR_IO, "%s: cannot be linked: %m", path);
    }
    unlink(temporary);
    return IAD_OK;
}

iad_status iad_export_place(iad_export_state *state, const iad_image_row *row, const char *relative, int *done,
                            iad_err *err) {
    char from[IAD_PATH_MAX], to[IAD_PATH_MAX];
    uint8_t digest[32];
    iad_err why = IAD_ERR_NONE;
    iad_map map;
    *done = 0;
    IAD_TRY(iad_image_path_join(state->manifest, state->dataset.root, row->path, from, sizeof from, err));
    IAD_TRY(iad_path_join(to, sizeof to, state->options->out, relative, err));
    if (iad_map_open(&map, from, &why) != IAD_OK) return trouble(state, row->path, why.msg);
    iad_status status = iad_sha256_bytes(map.data, map.n, digest, err);
    if (status == IAD_OK && memcmp(digest, row->sha256, 32) != 0) {
        iad_map_close(&map);
        return trouble(state, row->path, "other content than when it was taken in");
    }
    if (status == IAD_OK && state->options->files == IAD_EXPORT_COPY) status = iad_file_write(to, map.data, map.n, err);
    if (status == IAD_OK && state->options->files != IAD_EXPORT_COPY) {
        status = make_link(from, to, state->options->files == IAD_EXPORT_SYMLINK, err);
        if (status == IAD_ERR_UNSUPPORTED) status = iad_file_write(to, map.data, map.n, err);
    }
    iad_map_close(&map);
    *done = status == IAD_OK;
    return status;
}

/* The id of the picture's only ground truth mask when that one holds class ids, else 0. */
static iad_status only_class_map(iad_manifest *manifest, int64_t image_id, int64_t *mask_id, iad_err *err) {
    iad_query q;
    IAD_TRY(iad_query_open(
        &q, manifest, "mask",
        "SELECT m.id,m.value_map IS NOT NULL FROM image_mask x JOIN mask m ON m.id=x.mask_id WHERE x.image_id=?"
        " AND x.role='gt'",
        err));
    iad_query_i64(&q, image_id);
    int n = 0;
    *mask_id = 0;
    while (iad_query_next(&q)) *mask_id = n++ == 0 && iad_query_col_i64(&q, 1) ? iad_query_col_i64(&q, 0) : 0;
    return iad_query_close(&q, err);
}

iad_status iad_export_mask(iad_export_state *state, const iad_image_row *row, const char *relative, int ids,
                           int *written, iad_err *err) {
    iad_image mask = {0};
    iad_mask_facts facts = {0};
    int64_t class_map = 0;
    char to[IAD_PATH_MAX];
    *written = 0;
    IAD_TRY(iad_image_mask(state->manifest, row->id, &mask, &facts, err));
    iad_status status = IAD_OK;
    if (facts.state == IAD_MASK_KNOWN && ids) status = only_class_map(state->manifest, row->id, &class_map, err);
    if (status == IAD_OK && class_map) {
        iad_image_deinit(&mask);
        status = iad_mask_pixels(state->manifest, class_map, &mask, err);
    }
    if (status == IAD_OK && facts.state == IAD_MASK_KNOWN) {
        iad_buf png;
        iad_buf_init(&png, MAX_PNG_BYTES);
        status = iad_path_join(to, sizeof to, state->options->out, relative, err);
        if (status == IAD_OK) status = iad_encode_png(&mask, -1, &png, err);
        if (status == IAD_OK) status = iad_file_write(to, png.data, png.len, err);
        iad_buf_deinit(&png);
        *written = status == IAD_OK;
        state->counts->masks += status == IAD_OK;
    }
    iad_image_deinit(&mask);
    return status;
}

/* ---- the run ---- */

static iad_status choose_dataset(iad_export_state *state, iad_err *err) {
    iad_dataset_list list = {0};
    const char *wanted = state->options->dataset;
    int64_t id = 0;
    iad_status status = iad_dataset_all(state->manifest, &list, err);
    for (size_t i = 0; status == IAD_OK && i < list.n; i++)
        if (!wanted || !strcmp(wanted, list.items[i].name)) id = list.items[i].id;
    if (status == IAD_OK && wanted && !id)
        status = IAD_FAIL(err, IAD_ERR_NOT_FOUND, "%s: no data set '%s'", iad_manifest_path(state->manifest), wanted);
    if (status == IAD_OK && !wanted && list.n != 1)
        status =
            IAD_FAIL(err, IAD_ERR_ARG, "%s: has %zu data sets, name one", iad_manifest_path(state->manifest), list.n);
    iad_dataset_list_deinit(&list);
    return status == IAD_OK ? iad_dataset_get(state->manifest, id, &state->arena, &state->dataset, err) : status;
}

static int wanted_category(const iad_export_options *options, const char *name) {
    if (!options->categories || !options->categories->n) return 1;
    for (size_t i = 0; i < options->categories->n; i++)
        if (!strcmp(options->categories->items[i], name)) return 1;
    return 0;
}

/* Every name asked for must exist. */
static iad_status check_names(const iad_export_state *state, const iad_category_list *list, iad_err *err) {
    const iad_strings *names = state->options->categories;
    for (size_t i = 0; names && i < names->n; i++) {
        size_t k = 0;
        while (k < list->n && strcmp(list->items[k].name, names->items[i]) != 0) k++;
        if (k == list->n)
            return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "data set %s has no category '%s'", state->dataset.name,
                            names->items[i]);
    }
    return IAD_OK;
}

static int is_interrupted(const iad_export_options *options) {
    return options->stop && *options->stop;
}

static iad_status export_category(iad_export_state *state, iad_err *err) {
    iad_image_list rows = {0};
    iad_picture_filter filter = {.category_id = state->category.id, .scheme = state->options->scheme, .any_part = 1};
    int64_t n_bad = 0;
    iad_status status = iad_image_select(state->manifest, &filter, &rows, err);
    for (int part = 0; status == IAD_OK && part < 4; part++) {
        status = iad_image_count_bad(state->manifest, state->category.id, state->options->scheme, (iad_part)part,
                                     &n_bad, err);
        if (status == IAD_OK) state->counts->skipped += (size_t)n_bad;
    }
    if (status == IAD_OK && state->options->format == IAD_EXPORT_MVTEC)
        status = iad_export_mvtec(state, rows.items, rows.n, err);
    for (size_t i = 0; status == IAD_OK && state->options->format != IAD_EXPORT_MVTEC && i < rows.n; i++) {
        if (is_interrupted(state->options)) status = IAD_FAIL(err, IAD_ERR_INTERRUPTED, "interrupted");
        else status = iad_export_list_row(state, &rows.items[i], err);
    }
    iad_image_list_deinit(&rows);
    return status;
}

iad_status iad_export_run(iad_manifest *manifest, const iad_export_options *options, iad_buf *list,
                          iad_export_counts *counts, iad_err *err) {
    iad_export_state state = {.manifest = manifest, .options = options, .list = list, .counts = counts};
    memset(counts, 0, sizeof *counts);
    if (options->format == IAD_EXPORT_MVTEC && options->files == IAD_EXPORT_NONE)
        return IAD_FAIL(err, IAD_ERR_ARG, "MVTec folders need their files: copy, hardlink or symlink");
    if (options->files != IAD_EXPORT_NONE && !options->out) return IAD_FAIL(err, IAD_ERR_ARG, "no folder to export to");
    iad_category_list categories = {0};
    iad_status status = choose_dataset(&state, err);
    if (status == IAD_OK) status = iad_category_all(manifest, state.dataset.id, &categories, err);
    if (status == IAD_OK) status = check_names(&state, &categories, err);
    if (status == IAD_OK && options->format != IAD_EXPORT_MVTEC) status = iad_export_list_head(&state, err);
    for (size_t i = 0; status == IAD_OK && i < categories.n; i++) {
        if (!wanted_category(options, categories.items[i].name)) continue;
        state.category = categories.items[i];
        status = export_category(&state, err);
    }
    iad_category_list_deinit(&categories);
    iad_arena_deinit(&state.arena);
    return status;
}
