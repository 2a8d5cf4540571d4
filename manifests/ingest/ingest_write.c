#include "manifests/ingest/ingest_write.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "manifests/query.h"

#define MAX_CATEGORIES 1000000u

void iad_ingest_writer_deinit(iad_ingest_writer *writer) {
    free(writer->categories);
    memset(writer, 0, sizeof *writer);
}

/* Newest first: neighbours share their category. */
static iad_status category_id(iad_ingest_writer *writer, const char *name, const char *kind, int64_t *id, iad_err *err) {
    for (size_t i = writer->n_categories; i-- > 0;) {
        if (writer->categories[i].name == name || strcmp(writer->categories[i].name, name) == 0) {
            *id = writer->categories[i].id;
            return IAD_OK;
        }
    }
    iad_category_row row = {.dataset_id = writer->dataset_id, .name = name, .kind = kind, .grey = -1, .aligned = -1};
    IAD_TRY(iad_category_put(writer->manifest, &row, id, err));
    void *items = writer->categories;
    IAD_TRY(iad_grow(&items, &writer->cap_categories, writer->n_categories + 1, sizeof *writer->categories, MAX_CATEGORIES, "categories", err));
    writer->categories = items;
    writer->categories[writer->n_categories].name = name;
    writer->categories[writer->n_categories++].id = *id;
    return IAD_OK;
}

static iad_status write_splits(iad_ingest_writer *writer, const iad_ingest_item *item, int64_t image_id, iad_err *err) {
    for (size_t i = 0; i < item->n_splits; i++)
        IAD_TRY(iad_split_put(writer->manifest, image_id, item->splits[i].scheme, iad_part_of_split(item->splits[i].part), err));
    return IAD_OK;
}

static iad_status write_boxes(iad_ingest_writer *writer, const iad_ingest_item *item, int64_t image_id, iad_err *err) {
    iad_box_row *boxes = iad_calloc(item->n_boxes, sizeof *boxes);
    if (!boxes) return IAD_NOMEM(err, item->path);
    for (size_t i = 0; i < item->n_boxes; i++)
        boxes[i] = (iad_box_row){item->boxes[i].x0, item->boxes[i].y0, item->boxes[i].x1, item->boxes[i].y1, item->boxes[i].name};
    iad_status status = iad_image_boxes_set(writer->manifest, image_id, boxes, item->n_boxes, err);
    free(boxes);
    return status;
}

static iad_status write_masks(iad_ingest_writer *writer, iad_picture *picture, int64_t image_id, int fresh, iad_err *err) {
    if (!fresh) {
        IAD_TRY(iad_image_mask_clear(writer->manifest, image_id, "gt", err));
        IAD_TRY(iad_image_mask_clear(writer->manifest, image_id, "part", err));
    }
    for (size_t i = 0; i < picture->n_masks; i++) {
        iad_picture_mask *mask = &picture->masks[i];
        IAD_TRY(iad_mask_put(writer->manifest, &mask->row, &mask->row.id, err));
        IAD_TRY(iad_image_mask_put(writer->manifest, image_id, mask->row.id, mask->role, err));
        writer->result->masks += strcmp(mask->role, "gt") == 0;
    }
    return IAD_OK;
}

static void count_put(iad_ingest_result *result, iad_put_result what) {
    if (what == IAD_PUT_ADDED) result->added++;
    else if (what == IAD_PUT_CHANGED) result->changed++;
    else result->same++;
}

iad_status iad_ingest_write_picture(iad_ingest_writer *writer, const iad_ingest_entry *entry, iad_picture *picture,
                                    const iad_known_picture *known, iad_err *err) {
    const iad_ingest_item *item = &entry->item;
    iad_put_result what = IAD_PUT_ADDED;
    picture->row.dataset_id = writer->dataset_id;
    IAD_TRY(category_id(writer, item->category, item->kind, &picture->row.category_id, err));
    IAD_TRY(iad_image_put(writer->manifest, &picture->row, &picture->row.id, &what, err));
    IAD_TRY(write_masks(writer, picture, picture->row.id, known == NULL, err));
    if (item->n_boxes || known) IAD_TRY(write_boxes(writer, item, picture->row.id, err));
    IAD_TRY(write_splits(writer, item, picture->row.id, err));
    /* A mask that turned up later changes nothing in the row itself. */
    if (what == IAD_PUT_SAME && known && picture->n_masks && !known->has_mask) what = IAD_PUT_CHANGED;
    count_put(writer->result, what);
    writer->result->bytes += (uint64_t)picture->row.bytes;
    writer->result->bad += picture->row.bad != 0;
    writer->result->masks_failed += picture->masks_failed != 0;
    return IAD_OK;
}

/* The facts that the source may correct without touching the file. */
static void update_facts(const iad_ingest_item *item, iad_image_row *row) {
    row->source_split = item->split;
    row->part = iad_part_of_split(item->split);
    row->object_key = item->object_key;
    row->view = item->view;
    row->light = item->light;
    if (!item->label_from_mask) {
        row->label = item->label;
        row->defect = item->label == IAD_LABEL_NORMAL ? NULL : item->defect;
    }
    row->exemplar_ok = item->exemplar_ok && row->label == IAD_LABEL_NORMAL && !row->bad;
}

iad_status iad_ingest_write_known(iad_ingest_writer *writer, const iad_ingest_entry *entry, const iad_known_picture *known, iad_label *label,
                                  iad_err *err) {
    const iad_ingest_item *item = &entry->item;
    iad_arena arena = {0};
    iad_image_row row;
    iad_put_result what = IAD_PUT_SAME;
    int64_t category = 0, id = 0;
    iad_status status = category_id(writer, item->category, item->kind, &category, err);
    if (status == IAD_OK) status = iad_image_get(writer->manifest, known->id, &arena, &row, err);
    if (status == IAD_OK) {
        row.category_id = category;
        update_facts(item, &row);
        *label = row.label;
        status = iad_image_put(writer->manifest, &row, &id, &what, err);
    }
    if (status == IAD_OK) status = write_splits(writer, item, known->id, err);
    iad_arena_deinit(&arena);
    if (status != IAD_OK) return status;
    count_put(writer->result, what);
    writer->result->not_read++;
    writer->result->bad += known->bad != 0;
    return IAD_OK;
}

/* ---- questions ---- */

static iad_status link_pictures(iad_ingest_writer *writer, const iad_ingest_task *task, iad_task_image *images, const char **why, iad_err *err) {
    for (size_t i = 0; i < task->n_paths && !*why; i++) {
        iad_query q;
        IAD_TRY(iad_query_open(&q, writer->manifest, "image", "SELECT id,bad FROM image WHERE dataset_id=? AND path=?", err));
        iad_query_i64(&q, writer->dataset_id);
        iad_query_text(&q, task->paths[i]);
        int found = iad_query_next(&q);
        if (!found) *why = "one of its pictures is not in the manifest";
        else if (iad_query_col_i64(&q, 1)) *why = "one of its pictures cannot be decoded";
        images[i] = (iad_task_image){.image_id = found ? iad_query_col_i64(&q, 0) : 0, .role = i + 1 == task->n_paths ? "query" : "ref"};
        IAD_TRY(iad_query_close(&q, err));
    }
    return IAD_OK;
}

iad_status iad_ingest_write_task(iad_ingest_writer *writer, const iad_ingest_question *question, const char **why, iad_err *err) {
    const iad_ingest_task *task = &question->task;
    *why = NULL;
    iad_task_image *images = iad_calloc(task->n_paths, sizeof *images);
    if (!images) return IAD_NOMEM(err, task->external_id);
    iad_task_row row = {.dataset_id = writer->dataset_id,
                        .task = task->task,
                        .shots = (int)task->n_paths - 1,
                        .question = task->question,
                        .answer = task->answer,
                        .turns = question->turns,
                        .query_pos = (int)task->n_paths - 1,
                        .weight = 1,
                        .part = task->part ? task->part : writer->default_part,
                        .external_id = task->external_id,
                        .images = images,
                        .n_images = task->n_paths};
    int added = 0;
    int64_t id = 0;
    iad_status status = link_pictures(writer, task, images, why, err);
    if (status == IAD_OK && !*why && task->category)
        status = iad_category_find(writer->manifest, writer->dataset_id, task->category, &row.category_id, err);
    if (status == IAD_OK && !*why) status = iad_task_put(writer->manifest, &row, &id, &added, err);
    free(images);
    if (status != IAD_OK || *why) return status;
    if (added) writer->result->tasks_added++;
    else writer->result->tasks_same++;
    return IAD_OK;
}

iad_status iad_ingest_write_grey(iad_ingest_writer *writer, iad_err *err) {
    for (size_t i = 0; i < writer->n_categories; i++) {
        iad_query q;
        IAD_TRY(iad_query_open(&q, writer->manifest, "category",
                               "UPDATE category SET grey=(SELECT max(channels)=1 FROM image WHERE category_id=?1 AND bad=0) WHERE id=?1", err));
        iad_query_i64(&q, writer->categories[i].id);
        IAD_TRY(iad_query_run(&q, writer->categories[i].name, err));
    }
    return IAD_OK;
}
