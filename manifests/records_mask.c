/* Masks, their links to pictures, named splits. */
#include <string.h>

#include "manifests/query.h"
#include "manifests/records.h"

void iad_mask_row_deinit(iad_mask_row *row) {
    iad_buf_deinit(&row->png);
    iad_buf_deinit(&row->value_map);
    iad_buf_deinit(&row->boxes);
    memset(row, 0, sizeof *row);
}

iad_status iad_mask_put(iad_manifest *manifest, const iad_mask_row *row, int64_t *id, iad_err *err) {
    iad_query q;
    IAD_TRY(iad_query_open(&q, manifest, "mask", "SELECT id FROM mask WHERE sha256=?", err));
    iad_query_blob(&q, row->sha256, 32);
    *id = iad_query_next(&q) ? iad_query_col_i64(&q, 0) : 0;
    IAD_TRY(iad_query_close(&q, err));
    if (*id) return IAD_OK;
    IAD_TRY(iad_query_open(
        &q, manifest, "mask",
        "INSERT INTO mask(sha256,width,height,png,value_map,area,n_components,boxes,quality) VALUES(?,?,?,?,?,?,?,?,?)",
        err));
    iad_query_blob(&q, row->sha256, 32);
    iad_query_i64(&q, row->width);
    iad_query_i64(&q, row->height);
    iad_query_blob(&q, row->png.data, row->png.len);
    iad_query_text(&q, row->value_map.len ? iad_buf_str(&row->value_map) : NULL);
    iad_query_i64(&q, row->area);
    iad_query_i64(&q, row->n_components);
    iad_query_text(&q, row->boxes.len ? iad_buf_str(&row->boxes) : "[]");
    iad_query_text(&q, iad_mask_quality_name(row->quality));
    IAD_TRY(iad_query_run(&q, NULL, err));
    *id = iad_query_last_id(manifest);
    return IAD_OK;
}

iad_status iad_image_mask_put(iad_manifest *manifest, int64_t image_id, int64_t mask_id, const char *role,
                              iad_err *err) {
    iad_query q;
    IAD_TRY(iad_query_open(&q, manifest, "image_mask",
                           "INSERT INTO image_mask(image_id,role,mask_id) VALUES(?,?,?) ON CONFLICT DO NOTHING", err));
    iad_query_i64(&q, image_id);
    iad_query_text(&q, role);
    iad_query_i64(&q, mask_id);
    return iad_query_run(&q, role, err);
}

iad_status iad_image_mask_clear(iad_manifest *manifest, int64_t image_id, const char *role, iad_err *err) {
    iad_query q;
    IAD_TRY(iad_query_open(&q, manifest, "image_mask", "DELETE FROM image_mask WHERE image_id=? AND role=?", err));
    iad_query_i64(&q, image_id);
    iad_query_text(&q, role);
    return iad_query_run(&q, role, err);
}

iad_status iad_split_put(iad_manifest *manifest, int64_t image_id, const char *scheme, iad_part part, iad_err *err) {
    iad_query q;
    IAD_TRY(iad_query_open(
        &q, manifest, "split",
        "INSERT INTO split(scheme,image_id,part) VALUES(?,?,?) ON CONFLICT DO UPDATE SET part=excluded.part", err));
    iad_query_text(&q, scheme);
    iad_query_i64(&q, image_id);
    iad_query_text(&q, iad_part_name(part));
    return iad_query_run(&q, scheme, err);
}
