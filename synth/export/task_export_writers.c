#include "synth/export/task_export_writers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

json_t *iad_export_path_json(const iad_export_writer *writer, const char *path, int absolute) {
    return absolute && path[0] != '/' ? json_sprintf("%s/%s", writer->base, path) : json_string(path);
}

/* NULL members make json_pack fail: no need to look at each. */
static json_t *paths_json(const iad_export_writer *writer, const iad_export_frame *f, int absolute) {
    json_t *list = json_array();
    for (size_t i = 0; i < f->n_pictures; i++)
        if (json_array_append_new(list, iad_export_path_json(writer, f->pictures[i].path, absolute)) != 0) {
            json_decref(list);
            return NULL;
        }
    return list;
}

static json_t *talk(const iad_export_frame *f, const char *role, const char *content, const char *asks, const char *answers) {
    json_t *list = json_array();
    for (size_t i = 0; i < json_array_size(f->messages); i++)
        if (json_array_append_new(list, json_pack("{s:s,s:O}", role, i % 2 ? answers : asks, content, json_array_get(f->messages, i))) != 0) {
            json_decref(list);
            return NULL;
        }
    return list;
}

json_t *iad_export_conversations(const iad_export_frame *frame) { return talk(frame, "from", "value", "human", "gpt"); }

/* Extras behind the format's own keys, which win. */
static json_t *with_extras(json_t *value, const iad_export_frame *f) {
    if (value && json_object_update_missing(value, f->extras) == 0) return value;
    json_decref(value);
    return NULL;
}

static json_t *llava(const iad_export_writer *w, const iad_export_frame *f) {
    int many = f->n_pictures != 1, lists = w->run->format == IAD_EXPORT_QWEN && w->run->images_key;
    json_t *paths = paths_json(w, f, 0);
    json_t *image = paths && !many ? json_incref(json_array_get(paths, 0)) : json_incref(paths);
    json_decref(paths);
    return json_pack("{s:s,s:o,s:o}", "id", f->id, many && lists ? "images" : "image", image, "conversations", iad_export_conversations(f));
}

static json_t *messages(const iad_export_writer *w, const iad_export_frame *f, int absolute) {
    return json_pack("{s:o,s:o}", "messages", talk(f, "role", "content", "user", "assistant"), "images", paths_json(w, f, absolute));
}

static json_t *swift(const iad_export_writer *w, const iad_export_frame *f) {
    json_t *value = messages(w, f, 1);
    if (!value || json_array_size(f->bbox) == 0) return value;
    if (json_object_set_new(value, "objects",
                            json_pack("{s:O,s:O,s:s,s:O}", "ref", f->ref, "bbox", f->bbox, "bbox_type", "real", "image_id", f->image_id)) == 0)
        return value;
    json_decref(value);
    return NULL;
}

/* "file_names": the suffix that imagefolder turns into pictures. Conversations are a column of lists; what has no fixed type goes into one text. */
static json_t *hugging(const iad_export_writer *w, const iad_export_frame *f) {
    char *extras = json_dumps(f->extras, JSON_COMPACT | JSON_SORT_KEYS);
    json_t *value = json_pack("{s:s,s:o,s:o,s:s}", "id", f->id, "file_names", paths_json(w, f, 0), "conversations", iad_export_conversations(f),
                              "metadata", extras ? extras : "");
    free(extras);
    if (value && f->mask[0] && json_object_set_new(value, "mask_file_name", json_string(f->mask)) == 0) return value;
    if (value && json_object_set_new(value, "mask_file_name", json_null()) == 0) return value;
    return NULL;
}

static json_t *grpo(const iad_export_writer *w, const iad_export_frame *f) {
    return json_pack("{s:s,s:o,s:O,s:O}", "id", f->id, "image", paths_json(w, f, 0), "problem", json_array_get(f->messages, 0), "solution",
                     json_array_get(f->messages, 1));
}

/* ---- files ---- */

static iad_status open_json(iad_export_writer *w, const char *name, int lines, iad_err *err) {
    char path[IAD_PATH_MAX];
    IAD_TRY(iad_path_join(path, sizeof path, w->base, name, err));
    return iad_export_json_open(&w->json, path, lines, err);
}

iad_status iad_export_writer_open(iad_export_writer *w, const iad_task_export *run, iad_export_counts *counts, iad_err *err) {
    char file[96], *base;
    *w = (iad_export_writer){.run = run, .counts = counts};
    iad_buf_init(&w->bytes, (size_t)64 << 20);
    snprintf(w->name, sizeof w->name, "stage%d%s", run->stage, run->eval ? "-eval" : "");
    base = realpath(run->out, NULL);
    if (!base || strlen(base) >= sizeof w->base) {
        free(base);
        return IAD_FAIL(err, IAD_ERR_IO, "%s: cannot find the folder: %m", run->out);
    }
    snprintf(w->base, sizeof w->base, "%s", base);
    free(base);
    int lines = run->format == IAD_EXPORT_SWIFT || run->format == IAD_EXPORT_HF ||
                ((run->format == IAD_EXPORT_QWEN || run->format == IAD_EXPORT_GRPO) && run->jsonl);
    snprintf(file, sizeof file, "%s.%s", w->name, lines ? "jsonl" : "json");
    if (run->format == IAD_EXPORT_WEBDATASET) return IAD_OK;
    if (run->format != IAD_EXPORT_MMAD) return open_json(w, run->format == IAD_EXPORT_HF ? "metadata.jsonl" : file, lines, err);
    w->by_path = json_object();
    return w->by_path ? IAD_OK : IAD_FAIL(err, IAD_ERR_NOMEM, "out of memory for records");
}

iad_status iad_export_writer_add(iad_export_writer *w, const iad_export_frame *f, iad_err *err) {
    json_t *value = NULL;
    switch (w->run->format) {
    case IAD_EXPORT_WEBDATASET: return iad_export_shard_add(w, f, err);
    case IAD_EXPORT_MMAD: return iad_export_mmad_add(w, f, err);
    case IAD_EXPORT_LLAVA:
    case IAD_EXPORT_QWEN: value = with_extras(llava(w, f), f); break;
    case IAD_EXPORT_LLAMA: value = with_extras(messages(w, f, 0), f); break;
    case IAD_EXPORT_SWIFT: value = with_extras(swift(w, f), f); break;
    case IAD_EXPORT_HF: value = hugging(w, f); break;
    case IAD_EXPORT_GRPO:
        if (json_array_size(f->messages) != 2) {
            w->counts->unfit++;
            return IAD_OK;
        }
        value = with_extras(grpo(w, f), f);
        break;
    }
    IAD_TRY(iad_export_json_add(&w->json, value, err));
    w->counts->written++;
    return IAD_OK;
}

/* What LLaMA-Factory must be told about the file. */
static iad_status write_dataset_info(const iad_export_writer *w, iad_err *err) {
    char path[IAD_PATH_MAX], key[96], file[96];
    iad_buf text;
    snprintf(key, sizeof key, "iadgpt_%s", w->name);
    snprintf(file, sizeof file, "%s.json", w->name);
    json_t *info = json_pack("{s:{s:s,s:s,s:{s:s,s:s},s:{s:s,s:s,s:s,s:s}}}", key, "file_name", file, "formatting", "sharegpt", "columns", "messages",
                             "messages", "images", "images", "tags", "role_tag", "role", "content_tag", "content", "user_tag", "user",
                             "assistant_tag", "assistant");
    if (!info) return IAD_FAIL(err, IAD_ERR_NOMEM, "out of memory for dataset_info.json");
    iad_buf_init(&text, 1u << 20);
    iad_status status = iad_json_pretty(info, &text, err);
    if (status == IAD_OK) status = iad_path_join(path, sizeof path, w->base, "dataset_info.json", err);
    if (status == IAD_OK) status = iad_file_write(path, text.data, text.len, err);
    iad_buf_deinit(&text);
    json_decref(info);
    return status;
}

iad_status iad_export_writer_finish(iad_export_writer *w, iad_err *err) {
    if (w->run->format == IAD_EXPORT_WEBDATASET) return iad_export_shard_finish(w, err);
    if (w->run->format == IAD_EXPORT_MMAD) return iad_export_mmad_finish(w, err);
    IAD_TRY(iad_export_json_finish(&w->json, err));
    return w->run->format == IAD_EXPORT_LLAMA ? write_dataset_info(w, err) : IAD_OK;
}

void iad_export_writer_drop(iad_export_writer *w) {
    iad_export_stream_drop(&w->json.stream);
    iad_export_stream_drop(&w->tar);
    json_decref(w->by_path);
    iad_buf_deinit(&w->bytes);
    *w = (iad_export_writer){0};
}
