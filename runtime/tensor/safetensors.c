#include "runtime/tensor/safetensors.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "runtime/tensor/nametable.h"
#include "runtime/tensor/stheader.h"

struct iad_st_file {
    iad_map map;
    char *path;
    iad_st_header header;
    iad_tensor_view *views; /* [header.n], names borrowed from the header */
    iad_nametable table;
};

static iad_status index_tensors(iad_st_file *file, const uint8_t *data, iad_err *err) {
    size_t n = file->header.n;
    if (!(file->views = iad_calloc(n, sizeof *file->views))) return IAD_NOMEM(err, file->path);
    IAD_TRY(iad_nametable_init(&file->table, n, err));
    for (size_t i = 0; i < n; i++) {
        const iad_st_entry *e = &file->header.items[i];
        if (!iad_nametable_add(&file->table, e->name, i))
            return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: tensor %.200s: the name occurs twice", file->path, e->name);
        iad_tensor_view *view = &file->views[i];
        *view = (iad_tensor_view){.name = e->name, .dtype = e->dtype, .rank = e->rank, .data = data + e->begin, .bytes = (size_t)(e->end - e->begin)};
        memcpy(view->shape, e->shape, sizeof view->shape);
    }
    return IAD_OK;
}

static iad_status read_header(iad_st_file *file, const uint8_t *bytes, size_t n, iad_err *err) {
    if (n < 8) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: %zu bytes are no safetensors file", file->path, n);
    uint64_t header = 0;
    for (int i = 7; i >= 0; i--) header = header << 8 | bytes[i];
    if (header > IAD_ST_MAX_HEADER)
        return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: a header of %llu bytes, more than %u: no safetensors file?", file->path, (unsigned long long)header,
                        IAD_ST_MAX_HEADER);
    if (header > n - 8)
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: a header of %llu bytes in a file of %zu: cut short?", file->path, (unsigned long long)header, n);
    const uint8_t *data = bytes + 8 + header;
    IAD_TRY(iad_st_header_parse(&file->header, (const char *)(bytes + 8), (size_t)header, (uint64_t)(n - 8) - header, file->path, err));
    return index_tensors(file, data, err);
}

static iad_status new_file(const char *path, iad_st_file **file, iad_err *err) {
    *file = iad_calloc(1, sizeof **file);
    if (*file && ((*file)->path = iad_strdup(path))) return IAD_OK;
    free(*file);
    *file = NULL;
    return IAD_NOMEM(err, path);
}

iad_status iad_st_parse(const void *bytes, size_t n, const char *name, iad_st_file **file, iad_err *err) {
    IAD_TRY(new_file(name, file, err));
    iad_status status = read_header(*file, bytes, n, err);
    if (status != IAD_OK) {
        iad_st_close(*file);
        *file = NULL;
    }
    return status;
}

iad_status iad_st_open(const char *path, iad_st_file **file, iad_err *err) {
    IAD_TRY(new_file(path, file, err));
    iad_status status = iad_map_open(&(*file)->map, path, err);
    if (status == IAD_OK) status = read_header(*file, (*file)->map.data, (*file)->map.n, err);
    if (status != IAD_OK) {
        iad_st_close(*file);
        *file = NULL;
    }
    return status;
}

void iad_st_close(iad_st_file *file) {
    if (!file) return;
    iad_nametable_deinit(&file->table);
    free(file->views);
    iad_st_header_deinit(&file->header);
    iad_map_close(&file->map);
    free(file->path);
    free(file);
}

size_t iad_st_count(const iad_st_file *file) { return file->header.n; }

const iad_tensor_view *iad_st_at(const iad_st_file *file, size_t i) { return &file->views[i]; }

const iad_tensor_view *iad_st_find(const iad_st_file *file, const char *name) {
    size_t i;
    return iad_nametable_find(&file->table, name, &i) ? &file->views[i] : NULL;
}

const char *iad_st_metadata(const iad_st_file *file, const char *key) {
    for (size_t i = 0; i + 1 < file->header.n_metadata; i += 2)
        if (strcmp(file->header.metadata[i], key) == 0) return file->header.metadata[i + 1];
    return NULL;
}

const char *iad_st_path(const iad_st_file *file) { return file->path; }
