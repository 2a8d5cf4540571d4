/* A sink that writes down everything an adapter delivers, one fact a line: what golden files hold. */
#ifndef IAD_TEST_RECORD_SINK_H
#define IAD_TEST_RECORD_SINK_H

#include "base/buf.h"
#include "base/json.h"
#include "manifests/ingest/adapter.h"
#include "manifests/label.h"

#define RS static __attribute__((unused))

typedef struct rs_record {
    iad_buf text;
    size_t items, tasks, rejects, remarks, normal, anomalous, unknown, from_mask;
} rs_record;

RS iad_status rs_field(iad_buf *out, const char *key, const char *value, iad_err *err) {
    return value ? iad_buf_addf(out, err, " %s=%s", key, value) : IAD_OK;
}

RS iad_status rs_item(void *user, const iad_ingest_item *item, iad_err *err) {
    rs_record *r = (rs_record *)user;
    iad_buf *out = &r->text;
    r->items++;
    if (item->label_from_mask) r->from_mask++;
    else if (item->label == IAD_LABEL_NORMAL) r->normal++;
    else if (item->label == IAD_LABEL_ANOMALOUS) r->anomalous++;
    else r->unknown++;
    IAD_TRY(iad_buf_addf(out, err, "item %s\n ", item->path));
    IAD_TRY(rs_field(out, "category", item->category, err));
    IAD_TRY(rs_field(out, "kind", item->kind, err));
    IAD_TRY(rs_field(out, "split", item->split, err));
    IAD_TRY(rs_field(out, "label", item->label_from_mask ? "from-mask" : iad_label_name(item->label), err));
    IAD_TRY(rs_field(out, "defect", item->defect, err));
    IAD_TRY(iad_buf_addf(out, err, " exemplar=%d\n", item->exemplar_ok));
    for (size_t i = 0; i < item->n_masks; i++)
        IAD_TRY(iad_buf_addf(out, err, "  mask %s %s\n", iad_mask_quality_name(item->mask_quality), item->masks[i]));
    for (size_t i = 0; i < item->n_boxes; i++) {
        const iad_ingest_box *b = &item->boxes[i];
        IAD_TRY(iad_buf_addf(out, err, "  box %.3f %.3f %.3f %.3f %s\n", b->x0, b->y0, b->x1, b->y1, b->name ? b->name : "-"));
    }
    for (size_t i = 0; i < item->n_splits; i++)
        IAD_TRY(iad_buf_addf(out, err, "  split %s %s\n", item->splits[i].scheme, item->splits[i].part));
    if (item->object_key || item->view || item->light) {
        IAD_TRY(iad_buf_add_str(out, " ", err));
        IAD_TRY(rs_field(out, "object", item->object_key, err));
        IAD_TRY(rs_field(out, "view", item->view, err));
        IAD_TRY(rs_field(out, "light", item->light, err));
        IAD_TRY(iad_buf_add_str(out, "\n", err));
    }
    return item->note ? iad_buf_addf(out, err, "  note %s\n", item->note) : IAD_OK;
}

/* Line breaks inside a text would break the form. */
RS iad_status rs_text(iad_buf *out, const char *key, const char *value, iad_err *err) {
    IAD_TRY(iad_buf_addf(out, err, "  %s ", key));
    IAD_TRY(iad_json_quote(value, out, err));
    return iad_buf_add_str(out, "\n", err);
}

RS iad_status rs_task(void *user, const iad_ingest_task *task, iad_err *err) {
    rs_record *r = (rs_record *)user;
    iad_buf *out = &r->text;
    r->tasks++;
    IAD_TRY(iad_buf_addf(out, err, "task %s %s part=%s", task->task, task->external_id, task->part));
    IAD_TRY(rs_field(out, "category", task->category, err));
    IAD_TRY(iad_buf_add_str(out, "\n", err));
    for (size_t i = 0; i < task->n_paths; i++) IAD_TRY(iad_buf_addf(out, err, "  picture %s\n", task->paths[i]));
    IAD_TRY(rs_text(out, "question", task->question, err));
    IAD_TRY(rs_text(out, "answer", task->answer, err));
    if (!task->turns) return IAD_OK;
    IAD_TRY(iad_buf_add_str(out, "  turns ", err));
    IAD_TRY(iad_json_canonical(task->turns, out, err));
    return iad_buf_add_str(out, "\n", err);
}

RS iad_status rs_reject(void *user, const char *name, const char *reason, iad_err *err) {
    rs_record *r = (rs_record *)user;
    r->rejects++;
    return iad_buf_addf(&r->text, err, "reject %s: %s\n", name, reason);
}

RS void rs_remark(void *user, const char *text) {
    rs_record *r = (rs_record *)user;
    r->remarks++;
    (void)iad_buf_addf(&r->text, NULL, "remark %s\n", text);
}

RS void rs_init(rs_record *r) {
    *r = (rs_record){.items = 0};
    iad_buf_init(&r->text, 256u << 20);
}
RS void rs_deinit(rs_record *r) { iad_buf_deinit(&r->text); }

RS iad_ingest_sink rs_sink(rs_record *r) { return (iad_ingest_sink){r, rs_item, rs_task, rs_reject, rs_remark}; }

#endif
