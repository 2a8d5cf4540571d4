/* webdataset: tar files whose members share a name up to the first dot: 000012.0.jpg, 000012.1.jpg, 000012.mask.png, 000012.json. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "synth/export/task_export_tar.h"
#include "synth/export/task_export_writers.h"

static iad_status shard_path(const iad_export_writer *w, size_t number, char path[IAD_PATH_MAX], iad_err *err) {
    char name[128];
    snprintf(name, sizeof name, "%s-%06zu.tar", w->name, number);
    return iad_path_join(path, IAD_PATH_MAX, w->base, name, err);
}

static iad_status close_shard(iad_export_writer *w, iad_err *err) {
    IAD_TRY(iad_export_tar_end(&w->tar, err));
    IAD_TRY(iad_export_stream_finish(&w->tar, err));
    w->counts->shards++;
    w->in_shard = 0;
    return IAD_OK;
}

static iad_status add_file(iad_export_writer *w, const char *path, const char *member, iad_err *err) {
    char full[IAD_PATH_MAX];
    iad_map map;
    if (path[0] == '/') snprintf(full, sizeof full, "%s", path);
    else IAD_TRY(iad_path_join(full, sizeof full, w->base, path, err));
    IAD_TRY(iad_map_open(&map, full, err));
    iad_status status = iad_export_tar_add(&w->tar, member, map.data, map.n, err);
    iad_map_close(&map);
    return status;
}

/* Writes pictures, mask and text; the text names the members beside it. */
static iad_status add_members(iad_export_writer *w, const iad_export_frame *f, iad_err *err) {
    char stem[32], member[64];
    snprintf(stem, sizeof stem, "%06zu", w->counts->written);
    json_t *names = json_array();
    iad_status status = IAD_OK;
    for (size_t i = 0; status == IAD_OK && i < f->n_pictures; i++) {
        snprintf(member, sizeof member, "%s.%zu%.8s", stem, i, iad_path_ext(f->pictures[i].path));
        for (char *c = member; *c; c++) *c = (char)(*c >= 'A' && *c <= 'Z' ? *c - 'A' + 'a' : *c);
        status = add_file(w, f->pictures[i].path, member, err);
        if (status == IAD_OK && json_array_append_new(names, json_string(member)) != 0)
            status = IAD_FAIL(err, IAD_ERR_NOMEM, "out of memory for a record");
    }
    json_t *value = json_pack("{s:s,s:o,s:o}", "id", f->id, "images", names, "conversations", iad_export_conversations(f));
    if (status == IAD_OK && (!value || json_object_update_missing(value, f->extras) != 0))
        status = IAD_FAIL(err, IAD_ERR_NOMEM, "out of memory for a record");
    if (status == IAD_OK && f->mask[0]) {
        snprintf(member, sizeof member, "%s.mask.png", stem);
        json_object_set_new(value, "mask", json_string(member));
        status = add_file(w, f->mask, member, err);
    }
    char *text = status == IAD_OK ? json_dumps(value, JSON_COMPACT) : NULL;
    json_decref(value);
    if (status == IAD_OK && !text) status = IAD_FAIL(err, IAD_ERR_NOMEM, "out of memory for a record");
    snprintf(member, sizeof member, "%s.json", stem);
    if (status == IAD_OK) status = iad_export_tar_add(&w->tar, member, text, strlen(text), err);
    free(text);
    return status;
}

iad_status iad_export_shard_add(iad_export_writer *w, const iad_export_frame *f, iad_err *err) {
    char path[IAD_PATH_MAX];
    if (!w->tar.file) {
        IAD_TRY(shard_path(w, w->counts->shards, path, err));
        IAD_TRY(iad_export_stream_open(&w->tar, path, err));
    }
    IAD_TRY(add_members(w, f, err));
    w->counts->written++;
    w->in_shard++;
    return w->tar.bytes >= (uint64_t)w->run->shard_bytes ? close_shard(w, err) : IAD_OK;
}

iad_status iad_export_shard_finish(iad_export_writer *w, iad_err *err) {
    char path[IAD_PATH_MAX];
    if (w->tar.file) IAD_TRY(close_shard(w, err));
    /* shards of an earlier, longer export would be read as part of this one */
    for (size_t i = w->counts->shards;; i++) {
        IAD_TRY(shard_path(w, i, path, err));
        if (remove(path) != 0) return IAD_OK;
    }
}
