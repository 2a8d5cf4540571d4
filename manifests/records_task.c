/* Texts: captions, templates, tasks. */
#include "manifests/query.h"
#include "manifests/records.h"

iad_status iad_caption_put(iad_manifest *manifest, const iad_caption_row *row, int64_t *id, iad_err *err) {
    iad_query q;
    IAD_TRY(iad_query_open(
        &q, manifest, "caption",
        "INSERT INTO caption(image_id,aspect,lang,text,model,prompt_sha256,params,verified) VALUES(?,?,?,?,?,?,?,?)",
        err));
    iad_query_i64(&q, row->image_id);
    iad_query_text(&q, row->aspect);
    iad_query_text(&q, row->lang);
    iad_query_text(&q, row->text);
    iad_query_text(&q, row->model);
    iad_query_blob(&q, row->prompt_sha256, 32);
    iad_query_text(&q, row->params);
    iad_query_i64(&q, row->verified);
    IAD_TRY(iad_query_run(&q, row->aspect, err));
    *id = iad_query_last_id(manifest);
    return IAD_OK;
}

iad_status iad_template_put(iad_manifest *manifest, const iad_template_row *row, int64_t *id, iad_err *err) {
    iad_query q;
    IAD_TRY(iad_query_open(
        &q, manifest, "template",
        "INSERT INTO template(task,lang,text,answer_form,yes_means,canonical,version) VALUES(?,?,?,?,?,?,?)"
        " ON CONFLICT(task,text) DO UPDATE SET lang=excluded.lang,answer_form=excluded.answer_form,"
        "yes_means=excluded.yes_means,canonical=excluded.canonical,version=excluded.version",
        err));
    iad_query_text(&q, row->task);
    iad_query_text(&q, row->lang);
    iad_query_text(&q, row->text);
    iad_query_text(&q, row->answer_form);
    iad_query_text(&q, row->yes_means);
    iad_query_i64(&q, row->canonical != 0);
    iad_query_i64(&q, row->version);
    IAD_TRY(iad_query_run(&q, row->task, err));
    IAD_TRY(iad_query_open(&q, manifest, "template", "SELECT id FROM template WHERE task=? AND text=?", err));
    iad_query_text(&q, row->task);
    iad_query_text(&q, row->text);
    *id = iad_query_next(&q) ? iad_query_col_i64(&q, 0) : 0;
    return iad_query_close(&q, err);
}

static iad_status find_task(iad_manifest *manifest, const iad_task_row *row, int64_t *id, iad_err *err) {
    *id = 0;
    if (!row->external_id || !row->dataset_id) return IAD_OK;
    iad_query q;
    IAD_TRY(iad_query_open(&q, manifest, "task", "SELECT id FROM task WHERE dataset_id=? AND task=? AND external_id=?",
                           err));
    iad_query_i64(&q, row->dataset_id);
    iad_query_text(&q, row->task);
    iad_query_text(&q, row->external_id);
    if (iad_query_next(&q)) *id = iad_query_col_i64(&q, 0);
    return iad_query_close(&q, err);
}

static iad_status insert_task(iad_manifest *manifest, const iad_task_row *row, int64_t *id, iad_err *err) {
    iad_query q;
    IAD_TRY(iad_query_open(
        &q, manifest, "task",
        "INSERT INTO task(dataset_id,category_id,stage,task,shots,template_id,seed,question,answer,turns,yes_means,"
        "query_pos,"
        "mask_id,anomaly_spans,normal_spans,boxes,weight,part,external_id,run_id)"
        " VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        err));
    iad_query_id(&q, row->dataset_id);
    iad_query_id(&q, row->category_id);
    iad_query_i64(&q, row->stage);
    iad_query_text(&q, row->task);
    iad_query_i64(&q, row->shots);
    iad_query_id(&q, row->template_id);
    iad_query_i64(&q, (int64_t)row->seed);
    iad_query_text(&q, row->question);
    iad_query_text(&q, row->answer);
    iad_query_text(&q, row->turns);
    iad_query_text(&q, row->yes_means);
    if (row->query_pos < 0) iad_query_null(&q);
    else iad_query_i64(&q, row->query_pos);
    iad_query_id(&q, row->mask_id);
    iad_query_text(&q, row->anomaly_spans);
    iad_query_text(&q, row->normal_spans);
    iad_query_text(&q, row->boxes);
    iad_query_f64(&q, row->weight);
    iad_query_text(&q, row->part);
    iad_query_text(&q, row->external_id);
    iad_query_id(&q, row->run_id);
    IAD_TRY(iad_query_run(&q, row->external_id ? row->external_id : row->task, err));
    *id = iad_query_last_id(manifest);
    return IAD_OK;
}

iad_status iad_task_put(iad_manifest *manifest, const iad_task_row *row, int64_t *id, int *added, iad_err *err) {
    *added = 0;
    IAD_TRY(find_task(manifest, row, id, err));
    if (*id) return IAD_OK;
    IAD_TRY(insert_task(manifest, row, id, err));
    for (size_t i = 0; i < row->n_images; i++) {
        const iad_task_image *image = &row->images[i];
        iad_query q;
        IAD_TRY(iad_query_open(&q, manifest, "task_image",
                               "INSERT INTO task_image(task_id,pos,image_id,synth_id,role,jitter) VALUES(?,?,?,?,?,?)",
                               err));
        iad_query_i64(&q, *id);
        iad_query_i64(&q, (int64_t)i);
        iad_query_id(&q, image->image_id);
        iad_query_id(&q, image->synth_id);
        iad_query_text(&q, image->role);
        iad_query_text(&q, image->jitter);
        IAD_TRY(iad_query_run(&q, row->external_id, err));
    }
    *added = 1;
    return IAD_OK;
}
