/* Stage 2 (c): irregular regions in one picture, without a reference (synth-data 3.3). Only what can be seen without one: real defects, and synthetic
 * ones that stand out. */
#include <string.h>

#include "synth/task/draft.h"
#include "synth/task/leads.h"
#include "synth/task/taskmaker.h"

#define TASK "s2_irregular"
#define MIN_DELTA 10.0 /* mean grey levels over the visible mask */

static const char maker_name[] = "irregular";

static const char *refusal(const iad_task_pool *pool, const iad_pool_item *lead) {
    if (pool->kind && strcmp(pool->kind, "logical") == 0) return "logical defects show only beside a reference";
    if (lead->regions.n == 0) return "mask unknown";
    if (lead->synth_id && lead->delta_mean < MIN_DELTA) return "too faint without a reference";
    return NULL;
}

/* Places in words 20 %, else boxes, half of them with labels. */
static const char *draw_form(iad_rng *rng) {
    if (iad_rng_chance(rng, 0.2)) return "phrase";
    return iad_rng_chance(rng, 0.5) ? "labelled" : "boxes";
}

static iad_status add_boxes(iad_draft *draft, const iad_pool_item *query, int labelled, iad_err *err) {
    iad_buf label;
    iad_buf_init(&label, 4096);
    iad_status status = labelled ? iad_defect_words(query->defect, draft->lang, &label, err) : IAD_OK;
    for (int i = 0; status == IAD_OK && i < query->regions.n; i++) {
        const iad_region *r = &query->regions.items[i];
        const int box[4] = {r->x0, r->y0, r->x1, r->y1};
        size_t slot;
        status = iad_draft_box(draft, 0, box, labelled ? iad_buf_str(&label) : NULL, &slot, err);
    }
    iad_buf_deinit(&label);
    return status;
}

static iad_status write_answer(iad_draft *draft, const iad_template_form *form, const char *name, const iad_pool_item *query, iad_err *err) {
    const iad_template_form *none;
    if (query->anomalous && name[0] != 'p') {
        IAD_TRY(add_boxes(draft, query, name[0] == 'l', err));
        return iad_draft_box_list(draft, name[0] == 'l', err);
    }
    if (query->anomalous) return iad_draft_answer(draft, form, err);
    if (name[0] != 'p') return iad_buf_add_str(&draft->answer, "[]", err);
    IAD_TRY(iad_draft_form(draft, TASK, "none", &none, err));
    return iad_draft_answer(draft, none, err);
}

static iad_status make_record(iad_draft *draft, const iad_pool_item *lead, uint32_t ordinal, iad_err *err) {
    const iad_pool_item *query = lead;
    const iad_template_form *form;
    IAD_TRY(iad_draft_start(draft, lead, ordinal, err));
    if (iad_rng_chance(&draft->rng, draft->options->irregular_normal_share) && iad_draw_normals(draft->pool, lead, &draft->rng, 0, 1, &query) == 0) {
        draft->sink->skip(draft->sink->user, maker_name, "too few good pictures");
        return IAD_OK;
    }
    IAD_TRY(iad_draft_picture(draft, query, "query", 0, err));
    const char *name = draw_form(&draft->rng);
    IAD_TRY(iad_draft_form(draft, TASK, name, &form, err));
    if (query->anomalous) {
        IAD_TRY(iad_draft_slot_defect(draft, "defect", query->defect, err));
        IAD_TRY(iad_draft_slot_places(draft, "place", &query->regions, err));
    }
    IAD_TRY(iad_draft_marks(draft, 0, err));
    IAD_TRY(write_answer(draft, form, name, query, err));
    return iad_draft_emit(draft, 2, form, 0, query->several_masks ? 0 : query->mask_id, err);
}

static iad_status make(iad_manifest *manifest, const iad_task_pool *pool, const iad_task_options *options, const iad_task_sink *sink, iad_err *err) {
    iad_lead_counts counts = iad_lead_count(pool);
    double expected = iad_lead_expected(options->per_picture, options->share, 2);
    iad_draft draft;
    (void)manifest;
    iad_draft_init(&draft, maker_name, pool, options, sink);
    iad_status status = IAD_OK;
    for (size_t i = 0; status == IAD_OK && i < pool->n_anomalies; i++) {
        const iad_pool_item *lead = &pool->items[pool->anomalies[i]];
        const char *reason = refusal(pool, lead);
        if (reason) {
            sink->skip(sink->user, maker_name, reason);
            continue;
        }
        uint32_t n = iad_record_count(options->seed, maker_name, lead, expected * iad_lead_factor(counts, lead, options->real_share));
        for (uint32_t k = 0; status == IAD_OK && k < n; k++) status = make_record(&draft, lead, k, err);
    }
    iad_draft_deinit(&draft);
    return status;
}

const iad_task_maker iad_maker_irregular = {maker_name, 2, make};
