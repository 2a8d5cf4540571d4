/* Stage 3, localisation (synth-data 3.5): the forward of detection with the mask attached, answered by boxes or by places in words. Only queries
 * whose mask is known. */
#include "synth/task/leads.h"
#include "synth/task/shots.h"

#define TASK "s3_localise"

static const char maker_name[] = "localise";

static iad_status add_boxes(iad_draft *draft, const iad_pool_item *query, iad_err *err) {
    iad_buf label;
    iad_buf_init(&label, 4096);
    iad_status status = iad_defect_words(query->defect, draft->lang, &label, err);
    for (int i = 0; status == IAD_OK && i < query->regions.n; i++) {
        const iad_region *r = &query->regions.items[i];
        const int box[4] = {r->x0, r->y0, r->x1, r->y1};
        size_t slot;
        status = iad_draft_box(draft, draft->shots, box, iad_buf_str(&label), &slot, err);
    }
    iad_buf_deinit(&label);
    return status;
}

static iad_status write_answer(iad_draft *draft, const iad_pool_item *query, int boxes, const iad_template_form *form, iad_err *err) {
    const iad_template_form *none;
    if (boxes) {
        if (query->anomalous) IAD_TRY(add_boxes(draft, query, err));
        return iad_draft_box_list(draft, 1, err);
    }
    if (query->anomalous) {
        IAD_TRY(iad_shots_slots(draft, query, err));
        return iad_draft_answer(draft, form, err);
    }
    IAD_TRY(iad_draft_form(draft, TASK, "none", &none, err));
    return iad_draft_answer(draft, none, err);
}

static iad_status make_record(iad_draft *draft, const iad_pool_item *lead, uint32_t ordinal, iad_err *err) {
    const iad_template_form *form;
    IAD_TRY(iad_draft_start(draft, lead, ordinal, err));
    int k = iad_shots_draw(draft), boxes = iad_rng_chance(&draft->rng, 0.5),
        good = iad_rng_chance(&draft->rng, draft->options->irregular_normal_share);
    const iad_pool_item *query = good ? iad_shots_good_query(draft, lead) : lead;
    if (query) IAD_TRY(iad_shots_pictures(draft, query, k, err));
    if (!query || !draft->shots) {
        draft->sink->skip(draft->sink->user, maker_name, "too few good pictures");
        return IAD_OK;
    }
    IAD_TRY(iad_draft_form(draft, TASK, boxes ? "boxes" : "phrase", &form, err));
    IAD_TRY(write_answer(draft, query, boxes, form, err));
    return iad_draft_emit(draft, 3, form, draft->shots, iad_shots_mask(query), err);
}

static iad_status make(iad_manifest *manifest, const iad_task_pool *pool, const iad_task_options *options, const iad_task_sink *sink, iad_err *err) {
    iad_lead_counts counts = iad_lead_count(pool);
    double expected = iad_lead_expected(options->per_picture, options->stage3_share, 1);
    iad_draft draft;
    (void)manifest;
    iad_draft_init(&draft, maker_name, pool, options, sink);
    iad_status status = IAD_OK;
    for (size_t i = 0; status == IAD_OK && i < pool->n_anomalies; i++) {
        const iad_pool_item *lead = &pool->items[pool->anomalies[i]];
        if (lead->regions.n == 0 || iad_shots_mask(lead) == 0) {
            sink->skip(sink->user, maker_name, lead->regions.n ? "mask of several rows" : "mask unknown");
            continue;
        }
        uint32_t n = iad_record_count(options->seed, maker_name, lead, expected * iad_lead_factor(counts, lead, options->real_share));
        for (uint32_t k = 0; status == IAD_OK && k < n; k++) status = make_record(&draft, lead, k, err);
    }
    iad_draft_deinit(&draft);
    return status;
}

const iad_task_maker iad_maker_localise = {maker_name, 3, make};
