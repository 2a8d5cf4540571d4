/* A stored record, read whole: what exports and the browser work on. */
#ifndef IAD_SYNTH_TASKVIEW_H
#define IAD_SYNTH_TASKVIEW_H

#include "base/image/image.h"
#include "manifests/arena.h"
#include "manifests/manifest.h"
#include "manifests/records.h"

typedef struct iad_task_view {
    iad_task_row row;       /* strings and images live in arena */
    const char *dataset, *category, *display;
    const char *lang;       /* of its template, "" unknown */
    const char *form;       /* answer form of its template, "" unknown */
    int canonical;
    iad_arena arena;
} iad_task_view;
/* IAD_ERR_NOT_FOUND names the id. */
iad_status iad_task_view_load(iad_manifest *manifest, int64_t task_id, iad_task_view *view, iad_err *err);
void iad_task_view_deinit(iad_task_view *view);
/* The record's mask in the query's pixels (empty for good queries): one channel 0/255, or all-zero struct when the record has none. The synthetic
 * query's work size, the real one's file size. */
iad_status iad_task_view_mask(iad_manifest *manifest, const iad_task_view *view, iad_image *mask, iad_err *err);

#endif
