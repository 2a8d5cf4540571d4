#include "manifests/ingest/ingest_list.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"

#define MAX_JSON_TEXT (16u << 20)

void iad_ingest_list_init(iad_ingest_list *list, const iad_ingest_news *news) {
    memset(list, 0, sizeof *list);
    list->news = news;
}

void iad_ingest_list_deinit(iad_ingest_list *list) {
    free(list->items);
    free(list->tasks);
    json_decref(list->last_values);
    iad_scan_set_deinit(&list->paths);
    iad_arena_deinit(&list->arena);
    memset(list, 0, sizeof *list);
}

void iad_ingest_list_trouble(iad_ingest_list *list, iad_ingest_trouble what, const char *name, const char *reason) {
    if (what == IAD_INGEST_REFUSED) list->refused++;
    if (what == IAD_INGEST_REJECTED) list->rejected++;
    if (list->news && list->news->trouble) list->news->trouble(list->news->user, what, name, reason);
}

/* ---- copies ---- */

/* Copy of text; the same pointer as `before` when the text is the same, since neighbours share most of their facts. */
static iad_status keep(iad_ingest_list *list, const char *text, const char *before, const char **copy, iad_err *err) {
    *copy = NULL;
    if (!text) return IAD_OK;
    if (before && strcmp(before, text) == 0) *copy = before;
    else if (!(*copy = iad_arena_str(&list->arena, text))) return IAD_NOMEM(err, "the list of pictures");
    return IAD_OK;
}

static iad_status keep_json(iad_ingest_list *list, const json_t *value, const char **text, iad_err *err) {
    iad_buf buf;
    iad_buf_init(&buf, MAX_JSON_TEXT);
    iad_status status = iad_json_canonical(value, &buf, err);
    if (status == IAD_OK && !(*text = iad_arena_strn(&list->arena, buf.data ? buf.data : "", buf.len)))
        status = IAD_NOMEM(err, "the list of pictures");
    iad_buf_deinit(&buf);
    return status;
}

static iad_status keep_values(iad_ingest_list *list, json_t *values, const char **map, iad_err *err) {
    *map = NULL;
    if (!values || json_object_size(values) == 0) return IAD_OK;
    if (values != list->last_values) { /* held by us, so its address is not used twice */
        IAD_TRY(keep_json(list, values, &list->last_map, err));
        json_decref(list->last_values);
        list->last_values = json_incref(values);
    }
    *map = list->last_map;
    return IAD_OK;
}

static iad_status keep_texts(iad_ingest_list *list, const char *const *texts, size_t n, const char *const **copy, iad_err *err) {
    *copy = NULL;
    if (!n) return IAD_OK;
    if (n > SIZE_MAX / sizeof(char *) / 2) return IAD_NOMEM(err, "the list of pictures");
    const char **to = iad_arena_take(&list->arena, n * sizeof *to);
    if (!to) return IAD_NOMEM(err, "the list of pictures");
    for (size_t i = 0; i < n; i++)
        if (!(to[i] = iad_arena_str(&list->arena, texts[i]))) return IAD_NOMEM(err, "the list of pictures");
    *copy = to;
    return IAD_OK;
}

static iad_status keep_boxes(iad_ingest_list *list, iad_ingest_item *item, const iad_ingest_item *from, iad_err *err) {
    item->boxes = NULL;
    if (!from->n_boxes) return IAD_OK;
    if (from->n_boxes > SIZE_MAX / sizeof(iad_ingest_box) / 2) return IAD_NOMEM(err, "the list of pictures");
    iad_ingest_box *to = iad_arena_take(&list->arena, from->n_boxes * sizeof *to);
    if (!to) return IAD_NOMEM(err, "the list of pictures");
    const char *before = NULL;
    for (size_t i = 0; i < from->n_boxes; i++) {
        to[i] = from->boxes[i];
        IAD_TRY(keep(list, from->boxes[i].name, before, &to[i].name, err));
        before = to[i].name;
    }
    item->boxes = to;
    return IAD_OK;
}

static iad_status keep_splits(iad_ingest_list *list, iad_ingest_item *item, const iad_ingest_item *from, iad_err *err) {
    item->splits = NULL;
    if (!from->n_splits) return IAD_OK;
    if (from->n_splits > 1000) return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: %zu splits", from->path, from->n_splits);
    iad_ingest_split *to = iad_arena_take(&list->arena, from->n_splits * sizeof *to);
    if (!to) return IAD_NOMEM(err, "the list of pictures");
    const iad_ingest_item *before = list->n ? &list->items[list->n - 1].item : NULL;
    for (size_t i = 0; i < from->n_splits; i++) {
        const iad_ingest_split *last = before && i < before->n_splits ? &before->splits[i] : NULL;
        IAD_TRY(keep(list, from->splits[i].scheme, last ? last->scheme : NULL, &to[i].scheme, err));
        IAD_TRY(keep(list, from->splits[i].part, last ? last->part : NULL, &to[i].part, err));
    }
    item->splits = to;
    return IAD_OK;
}

/* ---- checks ---- */

static int is_utf8(const char *text) {
    size_t n = text ? strlen(text) : 0;
    return n == 0 || iad_utf8_valid(text, n) == n;
}

static int has_control_bytes(const char *text) {
    for (; text && *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f) return 1;
    return 0;
}

/* NULL when the path may be joined to the root. */
static const char *path_fault(const char *path) {
    if (!path || !*path) return "no path";
    if (!iad_path_safe(path)) return "the path leaves the folder of the data set, or is not a plain relative path";
    if (!is_utf8(path)) return "the path is not UTF-8";
    return NULL;
}

static const char *text_fault(const iad_ingest_item *item) {
    const char *const texts[] = {item->category, item->kind, item->split, item->defect, item->object_key, item->view, item->light, item->note};
    if (!item->category || !*item->category) return "no category";
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (!is_utf8(texts[i]) || has_control_bytes(texts[i])) return "a text of the record is not plain UTF-8";
    for (size_t i = 0; i < item->n_boxes; i++)
        if (!is_utf8(item->boxes[i].name) || has_control_bytes(item->boxes[i].name)) return "the name of a box is not UTF-8";
    return NULL;
}

/* ---- the sink ---- */

static iad_status add_item(void *user, const iad_ingest_item *item, iad_err *err) {
    iad_ingest_list *list = user;
    const char *fault = path_fault(item->path);
    if (fault) {
        iad_ingest_list_trouble(list, IAD_INGEST_REFUSED, item->path ? item->path : "(no path)", fault);
        return IAD_OK;
    }
    if ((fault = text_fault(item))) {
        iad_ingest_list_trouble(list, IAD_INGEST_REJECTED, item->path, fault);
        return IAD_OK;
    }
    int added = 0;
    IAD_TRY(iad_scan_set_add(&list->paths, item->path, &added, err));
    if (!added) {
        list->repeated++;
        return IAD_OK;
    }
    void *items = list->items;
    IAD_TRY(iad_grow(&items, &list->cap, list->n + 1, sizeof *list->items, IAD_INGEST_MAX_ITEMS, "pictures of the data set", err));
    list->items = items;
    iad_ingest_entry *entry = &list->items[list->n];
    const iad_ingest_item none = {0}, *before = list->n ? &list->items[list->n - 1].item : &none;
    iad_ingest_item *to = &entry->item;
    *to = *item;
    to->mask_values = NULL;
    IAD_TRY(keep(list, item->path, NULL, &to->path, err));
    IAD_TRY(keep(list, item->category, before->category, &to->category, err));
    IAD_TRY(keep(list, item->kind, before->kind, &to->kind, err));
    IAD_TRY(keep(list, item->split, before->split, &to->split, err));
    IAD_TRY(keep(list, item->defect, before->defect, &to->defect, err));
    IAD_TRY(keep(list, item->object_key, before->object_key, &to->object_key, err));
    IAD_TRY(keep(list, item->view, before->view, &to->view, err));
    IAD_TRY(keep(list, item->light, before->light, &to->light, err));
    IAD_TRY(keep(list, item->note, before->note, &to->note, err));
    IAD_TRY(keep_values(list, item->mask_values, &entry->value_map, err));
    IAD_TRY(keep_boxes(list, to, item, err));
    IAD_TRY(keep_splits(list, to, item, err));
    for (size_t i = 0; i < to->n_masks; i++) {
        if (!(fault = path_fault(item->masks[i]))) continue;
        /* A union without one of its parts would be a wrong mask: then the mask counts as unknown. */
        iad_ingest_list_trouble(list, IAD_INGEST_REFUSED, item->masks[i] ? item->masks[i] : "(no path)", fault);
        to->n_masks = 0;
    }
    IAD_TRY(keep_texts(list, item->masks, to->n_masks, &to->masks, err));
    list->n++;
    return IAD_OK;
}

static iad_status add_task(void *user, const iad_ingest_task *task, iad_err *err) {
    iad_ingest_list *list = user;
    const char *fault = NULL, *name = task->external_id ? task->external_id : "(question without a name)";
    for (size_t i = 0; i < task->n_paths && !fault; i++) fault = path_fault(task->paths[i]);
    if (fault) {
        iad_ingest_list_trouble(list, IAD_INGEST_REFUSED, name, fault);
        return IAD_OK;
    }
    if (!task->task || !task->external_id || !task->question || !task->answer || !task->n_paths) fault = "not a whole question";
    else if (!is_utf8(task->external_id) || !is_utf8(task->question) || !is_utf8(task->answer)) fault = "not UTF-8";
    if (fault) {
        iad_ingest_list_trouble(list, IAD_INGEST_REJECTED, name, fault);
        return IAD_OK;
    }
    void *tasks = list->tasks;
    IAD_TRY(iad_grow(&tasks, &list->cap_tasks, list->n_tasks + 1, sizeof *list->tasks, IAD_INGEST_MAX_ITEMS, "questions of the data set", err));
    list->tasks = tasks;
    iad_ingest_question *question = &list->tasks[list->n_tasks];
    const iad_ingest_task none = {0}, *before = list->n_tasks ? &list->tasks[list->n_tasks - 1].task : &none;
    iad_ingest_task *to = &question->task;
    *to = *task;
    to->turns = NULL;
    question->turns = NULL;
    IAD_TRY(keep(list, task->task, before->task, &to->task, err));
    IAD_TRY(keep(list, task->external_id, NULL, &to->external_id, err));
    IAD_TRY(keep(list, task->question, before->question, &to->question, err));
    IAD_TRY(keep(list, task->answer, before->answer, &to->answer, err));
    IAD_TRY(keep(list, task->part, before->part, &to->part, err));
    IAD_TRY(keep(list, task->category, before->category, &to->category, err));
    IAD_TRY(keep_texts(list, task->paths, task->n_paths, &to->paths, err));
    if (task->turns) IAD_TRY(keep_json(list, task->turns, &question->turns, err));
    list->n_tasks++;
    return IAD_OK;
}

static iad_status add_reject(void *user, const char *name, const char *reason, iad_err *err) {
    (void)err;
    iad_ingest_list_trouble(user, IAD_INGEST_REJECTED, name, reason);
    return IAD_OK;
}

static void add_remark(void *user, const char *text) {
    const iad_ingest_list *list = user;
    if (list->news && list->news->remark) list->news->remark(list->news->user, text);
}

iad_ingest_sink iad_ingest_list_sink(iad_ingest_list *list) {
    return (iad_ingest_sink){list, add_item, add_task, add_reject, add_remark};
}
