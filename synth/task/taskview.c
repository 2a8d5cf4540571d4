#include "synth/task/taskview.h"

#include <string.h>

#include "base/alloc.h"
#include "manifests/pictures.h"
#include "manifests/query.h"

enum { MAX_IMAGES = 256 };

static const char *keep(iad_task_view *view, const char *text, int *lost) {
    const char *copy = text ? iad_arena_str(&view->arena, text) : NULL;
    *lost |= text && !copy;
    return copy;
}

static iad_status read_row(iad_manifest *manifest, int64_t id, iad_task_view *view, iad_err *err) {
    static const char sql[] =
        "SELECT t.dataset_id,t.category_id,t.stage,t.task,t.shots,t.template_id,t.seed,t.question,t.answer,t.turns,t.yes_means,t.query_pos,t.mask_id,"
        "t.anomaly_spans,t.normal_spans,t.boxes,t.weight,t.part,t.external_id,t.run_id,d.name,c.name,c.display,p.lang,p.answer_form,p.canonical"
        " FROM task t LEFT JOIN dataset d ON d.id=t.dataset_id LEFT JOIN category c ON c.id=t.category_id LEFT JOIN template p ON p.id=t.template_id "
        "WHERE t.id=?";
    iad_query q;
    int lost = 0;
    IAD_TRY(iad_query_open(&q, manifest, "task", sql, err));
    iad_query_i64(&q, id);
    int there = iad_query_next(&q);
    if (there) {
        iad_task_row *r = &view->row;
        r->id = id;
        r->dataset_id = iad_query_col_i64(&q, 0);
        r->category_id = iad_query_col_i64(&q, 1);
        r->stage = (int)iad_query_col_i64(&q, 2);
        r->task = keep(view, iad_query_col_text(&q, 3), &lost);
        r->shots = (int)iad_query_col_i64(&q, 4);
        r->template_id = iad_query_col_i64(&q, 5);
        r->seed = (uint64_t)iad_query_col_i64(&q, 6);
        r->question = keep(view, iad_query_col_text(&q, 7), &lost);
        r->answer = keep(view, iad_query_col_text(&q, 8), &lost);
        r->turns = keep(view, iad_query_col_text(&q, 9), &lost);
        r->yes_means = keep(view, iad_query_col_text(&q, 10), &lost);
        r->query_pos = iad_query_col_null(&q, 11) ? -1 : (int)iad_query_col_i64(&q, 11);
        r->mask_id = iad_query_col_i64(&q, 12);
        r->anomaly_spans = keep(view, iad_query_col_text(&q, 13), &lost);
        r->normal_spans = keep(view, iad_query_col_text(&q, 14), &lost);
        r->boxes = keep(view, iad_query_col_text(&q, 15), &lost);
        r->weight = iad_query_col_f64(&q, 16);
        r->part = keep(view, iad_query_col_text(&q, 17), &lost);
        r->external_id = keep(view, iad_query_col_text(&q, 18), &lost);
        r->run_id = iad_query_col_i64(&q, 19);
        view->dataset = keep(view, iad_query_col_text(&q, 20), &lost);
        view->category = keep(view, iad_query_col_text(&q, 21), &lost);
        view->display = keep(view, iad_query_col_text(&q, 22), &lost);
        view->lang = keep(view, iad_query_col_text(&q, 23), &lost);
        view->form = keep(view, iad_query_col_text(&q, 24), &lost);
        view->canonical = (int)iad_query_col_i64(&q, 25);
    }
    IAD_TRY(iad_query_close(&q, err));
    if (!there) return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "task %lld does not exist", (long long)id);
    if (lost) return IAD_NOMEM(err, "a record");
    if (!view->lang) view->lang = "";
    if (!view->form) view->form = "";
    return IAD_OK;
}

static iad_status read_images(iad_manifest *manifest, int64_t id, iad_task_view *view, iad_err *err) {
    iad_query q;
    iad_task_image *items = iad_arena_take(&view->arena, MAX_IMAGES * sizeof *items);
    if (!items) return IAD_NOMEM(err, "a record");
    IAD_TRY(iad_query_open(&q, manifest, "task_image", "SELECT image_id,synth_id,role,jitter FROM task_image WHERE task_id=? ORDER BY pos", err));
    iad_query_i64(&q, id);
    iad_status status = IAD_OK;
    int lost = 0;
    size_t n = 0;
    while (status == IAD_OK && iad_query_next(&q)) {
        if (n == MAX_IMAGES) status = IAD_FAIL(err, IAD_ERR_LIMIT, "task %lld has more than %d pictures", (long long)id, MAX_IMAGES);
        else
            items[n++] = (iad_task_image){iad_query_col_i64(&q, 0), iad_query_col_i64(&q, 1), keep(view, iad_query_col_text(&q, 2), &lost),
                                          keep(view, iad_query_col_text(&q, 3), &lost)};
    }
    iad_status closed = iad_query_close(&q, status == IAD_OK ? err : NULL);
    view->row.images = items;
    view->row.n_images = n;
    if (status == IAD_OK && closed == IAD_OK && lost) return IAD_NOMEM(err, "a record");
    return status != IAD_OK ? status : closed;
}

iad_status iad_task_view_load(iad_manifest *manifest, int64_t task_id, iad_task_view *view, iad_err *err) {
    *view = (iad_task_view){0};
    iad_status status = read_row(manifest, task_id, view, err);
    if (status == IAD_OK) status = read_images(manifest, task_id, view, err);
    if (status != IAD_OK) iad_task_view_deinit(view);
    return status;
}

void iad_task_view_deinit(iad_task_view *view) {
    iad_arena_deinit(&view->arena);
    *view = (iad_task_view){0};
}

iad_status iad_task_view_mask(iad_manifest *manifest, const iad_task_view *view, iad_image *mask, iad_err *err) {
    const iad_task_row *r = &view->row;
    *mask = (iad_image){0};
    if (r->mask_id) {
        IAD_TRY(iad_mask_pixels(manifest, r->mask_id, mask, err));
        size_t n = (size_t)mask->width * (size_t)mask->height;
        for (size_t i = 0; i < n; i++) mask->px[i] = mask->px[i] ? 255 : 0;
        return IAD_OK;
    }
    if (r->query_pos < 0 || (size_t)r->query_pos >= r->n_images) return IAD_OK;
    const iad_task_image *query = &r->images[r->query_pos];
    iad_mask_facts facts;
    if (query->image_id) return iad_image_mask(manifest, query->image_id, mask, &facts, err);
    return IAD_OK; /* a recipe without a mask row: a null edit, good everywhere; its size is known to whoever renders it */
}
