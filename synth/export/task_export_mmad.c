/* MMAD's form: one object keyed by the query's path, each with its multiple-choice questions. Kept in memory: an evaluation set. */
#include <string.h>

#include "base/json.h"
#include "synth/export/task_export_writers.h"

#define MAX_ENTRIES 1000000

/* Options that came with a question of MMAD, NULL without. */
static json_t *stored_extras(const iad_export_frame *f) {
    const char *turns = f->view.row.turns;
    json_t *value = NULL;
    if (turns) iad_json_parse(turns, strlen(turns), 0, f->id, &value, NULL);
    if (json_is_object(json_object_get(value, "options"))) return value;
    json_decref(value);
    return NULL;
}

/* A question that Yes or No answers becomes one with two options; else NULL. */
static json_t *yes_no(const iad_export_frame *f, const char **letter) {
    const char *answer = json_string_value(json_array_get(f->messages, 1));
    *letter = !f->view.row.yes_means ? NULL : strncmp(answer, "Yes", 3) == 0 ? "A" : strncmp(answer, "No", 2) == 0 ? "B" : NULL;
    return *letter ? json_pack("{s:{s:s,s:s},s:s}", "options", "A", "Yes", "B", "No", "type", "Anomaly Detection") : NULL;
}

/* Longest label of a picture, as in "Image 3: ". */
#define MAX_LABEL 24

/* The question without its marks, as MMAD's readers put pictures in front themselves; labels of pictures ("Image 1: <image>") go with them. NULL:
 * pictures stand within the text. */
static const char *bare_question(const char *text) {
    for (const char *at; (at = strstr(text, "<image>")) != NULL; text = at + 7)
        if (at - text > MAX_LABEL) return NULL;
    return text + strspn(text, "\n ");
}

static json_t *templates(const iad_export_writer *w, const iad_export_frame *f) {
    json_t *list = json_array();
    for (size_t i = 0; i < f->n_pictures; i++)
        if ((int)i != f->view.row.query_pos) json_array_append_new(list, iad_export_path_json(w, f->pictures[i].path, 0));
    return list;
}

static json_t *entry_for(iad_export_writer *w, const iad_export_frame *f, const json_t *extras, const char *path) {
    json_t *entry = json_object_get(w->by_path, path);
    if (entry) return entry;
    const json_t *similar = json_object_get(extras, "similar_templates"), *random = json_object_get(extras, "random_templates");
    entry = json_pack("{s:s,s:[],s:o,s:o,s:o}", "image_path", path, "conversation", "mask_path", f->mask[0] ? json_string(f->mask) : json_string(""),
                      "similar_templates", similar ? json_deep_copy(similar) : templates(w, f), "random_templates",
                      random ? json_deep_copy(random) : templates(w, f));
    return entry && json_object_set_new(w->by_path, path, entry) == 0 ? entry : NULL;
}

iad_status iad_export_mmad_add(iad_export_writer *w, const iad_export_frame *f, iad_err *err) {
    const char *letter = json_string_value(json_array_get(f->messages, 1));
    int query = f->view.row.query_pos >= 0 ? f->view.row.query_pos : (int)f->n_pictures - 1;
    json_t *extras = stored_extras(f);
    if (!extras) extras = yes_no(f, &letter);
    const char *question = bare_question(json_string_value(json_array_get(f->messages, 0)));
    if (!extras || !question || query < 0 || (size_t)query >= f->n_pictures || json_object_size(w->by_path) >= MAX_ENTRIES) {
        json_decref(extras);
        w->counts->unfit++;
        return IAD_OK;
    }
    json_t *entry = entry_for(w, f, extras, f->pictures[query].path), *type = json_object_get(extras, "type");
    json_t *item = json_pack("{s:s,s:s,s:O,s:O}", "Question", question, "Answer", letter, "Options", json_object_get(extras, "options"), "type",
                             type ? type : json_null());
    iad_status status = IAD_OK;
    if (!entry || json_array_append_new(json_object_get(entry, "conversation"), item) != 0)
        status = IAD_FAIL(err, IAD_ERR_NOMEM, "out of memory for a record");
    w->counts->written += status == IAD_OK;
    json_decref(extras);
    return status;
}

iad_status iad_export_mmad_finish(iad_export_writer *w, iad_err *err) {
    char path[IAD_PATH_MAX], name[96];
    iad_buf text;
    snprintf(name, sizeof name, "%s.json", w->name);
    IAD_TRY(iad_path_join(path, sizeof path, w->base, name, err));
    iad_buf_init(&text, IAD_JSON_MAX_BYTES);
    iad_status status = iad_json_pretty(w->by_path, &text, err);
    if (status == IAD_OK) status = iad_file_write(path, text.data, text.len, err);
    iad_buf_deinit(&text);
    return status;
}
