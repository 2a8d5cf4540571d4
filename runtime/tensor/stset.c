/* A checkpoint directory: one safetensors file, or shards named by an index. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "runtime/tensor/nametable.h"
#include "runtime/tensor/safetensors.h"

struct iad_st_set {
    iad_st_file **files;
    size_t n_files;
    const iad_tensor_view **views; /* borrowed from the files */
    size_t n_views;
    iad_nametable table;
};

static iad_status add_views(iad_st_set *set, size_t n, iad_err *err) {
    set->views = iad_calloc(n, sizeof *set->views);
    if (!set->views) return IAD_NOMEM(err, "a list of tensors");
    return iad_nametable_init(&set->table, n, err);
}

static iad_status open_single(iad_st_set *set, const char *path, iad_err *err) {
    if (!(set->files = iad_calloc(1, sizeof *set->files))) return IAD_NOMEM(err, path);
    IAD_TRY(iad_st_open(path, &set->files[0], err));
    set->n_files = 1;
    size_t n = iad_st_count(set->files[0]);
    IAD_TRY(add_views(set, n, err));
    for (size_t i = 0; i < n; i++) {
        set->views[i] = iad_st_at(set->files[0], i);
        iad_nametable_add(&set->table, set->views[i]->name, i);
    }
    set->n_views = n;
    return IAD_OK;
}

/* Sorted list of the distinct file names in the map. */
static iad_status shard_names(json_t *map, const char *index, iad_strings *names, iad_err *err) {
    iad_nametable seen;
    const char *tensor;
    json_t *value;
    IAD_TRY(iad_nametable_init(&seen, json_object_size(map), err));
    iad_status status = IAD_OK;
    json_object_foreach(map, tensor, value) {
        const char *shard = json_string_value(value);
        if (!shard) status = IAD_FAIL(err, IAD_ERR_FORMAT, "%s: tensor %.200s: the file name is no string", index, tensor);
        else if (!iad_path_safe(shard) || strchr(shard, '/'))
            status = IAD_FAIL(err, IAD_ERR_FORMAT, "%s: tensor %.200s: \"%.100s\" is no plain file name", index, tensor, shard);
        else if (iad_nametable_add(&seen, shard, 0))
            status = names->n < IAD_ST_MAX_SHARDS ? iad_strings_add(names, shard, err)
                : IAD_FAIL(err, IAD_ERR_LIMIT, "%s: more than %u files", index, IAD_ST_MAX_SHARDS);
        if (status != IAD_OK) break;
    }
    iad_nametable_deinit(&seen);
    iad_strings_sort(names);
    return status;
}

static iad_status open_shards(iad_st_set *set, const char *dir, const char *index, json_t *map, const iad_strings *names, iad_err *err) {
    char path[IAD_PATH_MAX];
    if (!(set->files = iad_calloc(names->n, sizeof *set->files))) return IAD_NOMEM(err, index);
    for (; set->n_files < names->n; set->n_files++) {
        IAD_TRY(iad_path_join(path, sizeof path, dir, names->items[set->n_files], err));
        IAD_TRY(iad_st_open(path, &set->files[set->n_files], err));
    }
    IAD_TRY(add_views(set, json_object_size(map), err));
    for (size_t f = 0; f < set->n_files; f++)
        for (size_t i = 0; i < iad_st_count(set->files[f]); i++) {
            const iad_tensor_view *view = iad_st_at(set->files[f], i);
            const char *shard = json_string_value(json_object_get(map, view->name));
            if (!shard || strcmp(shard, names->items[f]) != 0) continue;
            iad_nametable_add(&set->table, view->name, set->n_views);
            set->views[set->n_views++] = view;
        }
    const char *tensor;
    json_t *value;
    size_t i;
    json_object_foreach(map, tensor, value) if (!iad_nametable_find(&set->table, tensor, &i))
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: tensor %.200s is not in %.100s", index, tensor, json_string_value(value));
    return IAD_OK;
}

static iad_status open_indexed(iad_st_set *set, const char *dir, const char *index, iad_err *err) {
    json_t *root, *map;
    iad_strings names = {NULL, 0, 0};
    IAD_TRY(iad_json_load(index, IAD_ST_MAX_INDEX, &root, err));
    iad_status status = iad_json_object(root, "weight_map", index, &map, err);
    if (status == IAD_OK) status = shard_names(map, index, &names, err);
    if (status == IAD_OK) status = open_shards(set, dir, index, map, &names, err);
    iad_strings_deinit(&names);
    json_decref(root);
    return status;
}

iad_status iad_st_set_open(const char *dir, iad_st_set **set, iad_err *err) {
    char single[IAD_PATH_MAX], index[IAD_PATH_MAX];
    *set = NULL;
    IAD_TRY(iad_path_join(single, sizeof single, dir, "model.safetensors", err));
    IAD_TRY(iad_path_join(index, sizeof index, dir, "model.safetensors.index.json", err));
    int has_single = iad_file_exists(single);
    if (!has_single && !iad_file_exists(index))
        return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "%s: neither model.safetensors nor model.safetensors.index.json", dir);
    if (!(*set = iad_calloc(1, sizeof **set))) return IAD_NOMEM(err, dir);
    iad_status status = has_single ? open_single(*set, single, err) : open_indexed(*set, dir, index, err);
    if (status != IAD_OK) {
        iad_st_set_close(*set);
        *set = NULL;
    }
    return status;
}

void iad_st_set_close(iad_st_set *set) {
    if (!set) return;
    for (size_t i = 0; i < set->n_files; i++) iad_st_close(set->files[i]);
    free(set->files);
    free(set->views);
    iad_nametable_deinit(&set->table);
    free(set);
}

size_t iad_st_set_count(const iad_st_set *set) { return set->n_views; }

const iad_tensor_view *iad_st_set_at(const iad_st_set *set, size_t i) { return set->views[i]; }

const iad_tensor_view *iad_st_set_find(const iad_st_set *set, const char *name) {
    size_t i;
    return iad_nametable_find(&set->table, name, &i) ? set->views[i] : NULL;
}

size_t iad_st_set_files(const iad_st_set *set) { return set->n_files; }

const iad_st_file *iad_st_set_file(const iad_st_set *set, size_t i) { return set->files[i]; }
