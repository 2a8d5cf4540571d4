/* Fuzzing of a data set adapter: the input is a fixture tree as text (tests/unit/adapters/tree_text.h), scanned in memory by a sink
 * that checks what every adapter promises. */
#ifndef IAD_TEST_ADAPTER_FUZZ_H
#define IAD_TEST_ADAPTER_FUZZ_H

#include "manifests/ingest/adapter_scans.h"
#include "tests/unit/adapters/tree_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define AF static __attribute__((unused))

AF size_t af_text(const char *text) { return text ? strlen(text) : 0; }

/* Required members are there, enums are in range, strings end, listed files are part of the tree. */
AF iad_status af_item(void *user, const iad_ingest_item *item, iad_err *err) {
    const iad_scan_tree *tree = (const iad_scan_tree *)user;
    size_t used = 0;
    (void)err;
    if (!item->path || !item->category || !*item->category) abort();
    if (!iad_scan_tree_has(tree, item->path)) abort();
    if (item->label == IAD_LABEL_NORMAL && !item->label_from_mask && (item->defect || item->n_masks || item->n_boxes)) abort();
    if (item->label == IAD_LABEL_ANOMALOUS && !item->defect) abort();
    if (item->label_from_mask && !item->n_masks) abort();
    if (item->exemplar_ok && item->label != IAD_LABEL_NORMAL && !item->label_from_mask) abort();
    if ((unsigned)item->label > IAD_LABEL_UNKNOWN || (unsigned)item->mask_quality > IAD_MASK_AUTO) abort();
    for (size_t i = 0; i < item->n_masks; i++)
        if (!iad_scan_tree_has(tree, item->masks[i])) abort();
    for (size_t i = 0; i < item->n_boxes; i++)
        if (!(item->boxes[i].x0 < item->boxes[i].x1) || !(item->boxes[i].y0 < item->boxes[i].y1) || item->boxes[i].x0 < 0) abort();
    for (size_t i = 0; i < item->n_splits; i++) used += af_text(item->splits[i].scheme) + af_text(item->splits[i].part);
    used += af_text(item->kind) + af_text(item->split) + af_text(item->object_key) + af_text(item->view) + af_text(item->light) + af_text(item->note);
    if (used > 100u << 20) abort(); /* no text is longer than the input can be; and all of them were read */
    return IAD_OK;
}

AF iad_status af_task(void *user, const iad_ingest_task *task, iad_err *err) {
    const iad_scan_tree *tree = (const iad_scan_tree *)user;
    (void)err;
    if (!task->task || !task->external_id || !task->question || !task->answer || !task->part || !task->n_paths) abort();
    for (size_t i = 0; i < task->n_paths; i++)
        if (!iad_scan_tree_has(tree, task->paths[i])) abort();
    return IAD_OK;
}

AF iad_status af_reject(void *user, const char *name, const char *reason, iad_err *err) {
    (void)user, (void)err;
    if (!name || !reason || !*reason) abort();
    return IAD_OK;
}

AF void af_remark(void *user, const char *text) {
    (void)user;
    if (!*text) abort();
}

AF int af_run(iad_scan_fn scan, const uint8_t *data, size_t size) {
    iad_err err = IAD_ERR_NONE;
    tt_tree tree;
    if (tt_parse(&tree, (const char *)data, size, &err) != IAD_OK) return 0;
    iad_ingest_sink sink = {&tree.tree, af_item, af_task, af_reject, af_remark};
    iad_status status = scan(&tree.tree, NULL, &sink, &err);
    if (status != IAD_OK && !*err.msg) abort();
    tt_deinit(&tree);
    return 0;
}

#endif
