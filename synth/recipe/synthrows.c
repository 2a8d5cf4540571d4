#include "synth/recipe/synthrows.h"

#include <string.h>

#include "base/text.h"
#include "manifests/query.h"

void iad_synth_row_deinit(iad_synth_row *row) {
    iad_recipe_deinit(&row->recipe);
    *row = (iad_synth_row){0};
}

double iad_label_confidence(const iad_recipe_facts *facts) {
    const iad_visible_facts *v = &facts->visible;
    double strength = v->delta_mean / 20, share = v->geom_area > 0 ? (double)v->vis_area / (double)v->geom_area : 1;
    if (strength > 1) strength = 1;
    if (share > 1) share = 1;
    return 0.5 + 0.25 * strength + 0.25 * share;
}

iad_status iad_synth_put(iad_manifest *manifest, const iad_synth_row *row, const iad_mask_row *vis, int *added, iad_err *err) {
    static const char sql[] =
        "INSERT INTO "
        "synth(recipe_sha256,dst_image,src_image,tex_image,generator,generator_version,preset,params,seed,attempts,work_w,work_h,blend,opacity,kind,"
        "mask_vis,"
        "area_frac,delta_mean,delta_max,defect,label_conf) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT(recipe_sha256) DO NOTHING";
    const iad_recipe *r = &row->recipe;
    iad_buf text;
    uint8_t digest[32];
    int64_t mask = 0;
    IAD_TRY(iad_recipe_sha256(r, digest, err));
    if (vis) IAD_TRY(iad_mask_put(manifest, vis, &mask, err));
    iad_buf_init(&text, IAD_RECIPE_MAX_BYTES);
    iad_query q;
    iad_status status = iad_recipe_json(r, &text, err);
    if (status == IAD_OK) status = iad_query_open(&q, manifest, "synth", sql, err);
    if (status == IAD_OK) {
        iad_query_blob(&q, digest, 32);
        iad_query_i64(&q, row->dst_image);
        iad_query_id(&q, row->src_image);
        iad_query_id(&q, row->tex_image);
        iad_query_text(&q, r->generator->name);
        iad_query_text(&q, r->generator->version);
        iad_query_text(&q, row->preset);
        iad_query_text(&q, iad_buf_str(&text));
        iad_query_i64(&q, (int64_t)r->seed);
        iad_query_i64(&q, row->attempts);
        iad_query_i64(&q, r->work_w);
        iad_query_i64(&q, r->work_h);
        iad_query_text(&q, iad_blend_name(r->blend.mode));
        iad_query_f64(&q, r->blend.opacity / 1e6);
        iad_query_text(&q, r->generator->null_edit ? "null_edit" : "anomalous");
        iad_query_id(&q, mask);
        iad_query_f64(&q, row->facts.area_frac);
        iad_query_f64(&q, row->facts.visible.delta_mean);
        iad_query_f64(&q, row->facts.visible.delta_max);
        iad_query_text(&q, r->generator->null_edit ? NULL : r->generator->name);
        iad_query_f64(&q, row->label_conf);
        status = iad_query_run(&q, r->generator->name, err);
    }
    if (status == IAD_OK) *added = iad_query_changes(manifest) > 0;
    iad_buf_deinit(&text);
    return status;
}

iad_status iad_synth_get(iad_manifest *manifest, int64_t id, iad_synth_row *row, iad_err *err) {
    iad_query q;
    *row = (iad_synth_row){.id = id};
    IAD_TRY(iad_query_open(
        &q, manifest, "synth",
        "SELECT dst_image,src_image,tex_image,params,preset,attempts,mask_vis,area_frac,delta_mean,delta_max,label_conf FROM synth WHERE id=?", err));
    iad_query_i64(&q, id);
    int there = iad_query_next(&q);
    iad_status status = IAD_OK;
    if (there) {
        const char *text = iad_query_col_text(&q, 3), *preset = iad_query_col_text(&q, 4);
        row->dst_image = iad_query_col_i64(&q, 0);
        row->src_image = iad_query_col_i64(&q, 1);
        row->tex_image = iad_query_col_i64(&q, 2);
        iad_text_copy(row->preset, sizeof row->preset, preset ? preset : "");
        row->attempts = (int)iad_query_col_i64(&q, 5);
        row->mask_vis = iad_query_col_i64(&q, 6);
        row->facts.area_frac = iad_query_col_f64(&q, 7);
        row->facts.visible.delta_mean = iad_query_col_f64(&q, 8);
        row->facts.visible.delta_max = iad_query_col_f64(&q, 9);
        row->label_conf = iad_query_col_f64(&q, 10);
        status = text ? iad_recipe_parse(text, strlen(text), &row->recipe, err) : IAD_FAIL(err, IAD_ERR_FORMAT, "no recipe");
        if (status != IAD_OK) iad_err_prefix(err, "synth %lld", (long long)id);
    }
    iad_status closed = iad_query_close(&q, status == IAD_OK ? err : NULL);
    if (status == IAD_OK) status = closed;
    if (status == IAD_OK && !there) status = IAD_FAIL(err, IAD_ERR_NOT_FOUND, "synth %lld does not exist", (long long)id);
    if (status != IAD_OK) iad_synth_row_deinit(row);
    return status;
}

iad_status iad_synth_there(iad_manifest *manifest, int64_t dst_image, uint64_t seed, int *there, iad_err *err) {
    iad_query q;
    IAD_TRY(iad_query_open(&q, manifest, "synth", "SELECT 1 FROM synth WHERE dst_image=? AND seed=? LIMIT 1", err));
    iad_query_i64(&q, dst_image);
    iad_query_i64(&q, (int64_t)seed);
    *there = iad_query_next(&q);
    return iad_query_close(&q, err);
}
