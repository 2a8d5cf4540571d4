/* Stage 3, reasoning (synth-data 3.8): others' records made few-shot, and records of our own from kind, place and extent of a defect and what the
 * manifest knows about the product. */
#include "synth/task/leads.h"
#include "synth/task/make_instruct.h"
#include "synth/task/shots.h"

#define TASK "s3_reason"

static const char maker_name[] = "reason";

/* Which question: "why" needs knowledge, and forms that the template files lack are not asked. A good query is asked the neutral one. */
static const char *draw_form(iad_draft *draft, const iad_pool_item *query) {
    static const char *const forms[] = {"what", "kind", "where", "action", "why"};
    const char *form = forms[iad_rng_below(&draft->rng, 5)];
    if (!query->anomalous) return "what";
    if (form == forms[4] && !(draft->pool->knowledge && *draft->pool->knowledge)) return "what";
    return iad_templates_find(draft->options->templates, TASK, form, draft->lang) ? form : "what";
}

static iad_status make_record(iad_draft *draft, const iad_pool_item *lead, uint32_t ordinal, iad_err *err) {
    const iad_template_form *form, *answer;
    IAD_TRY(iad_draft_start(draft, lead, ordinal, err));
    int k = iad_shots_draw(draft), good = iad_rng_chance(&draft->rng, draft->options->irregular_normal_share);
    const iad_pool_item *query = good ? iad_shots_good_query(draft, lead) : lead;
    if (query) IAD_TRY(iad_shots_pictures(draft, query, k, err));
    if (!query || !draft->shots) {
        draft->sink->skip(draft->sink->user, maker_name, "too few good pictures");
        return IAD_OK;
    }
    IAD_TRY(iad_draft_form(draft, TASK, draw_form(draft, query), &form, err));
    answer = form;
    if (query->anomalous) {
        IAD_TRY(iad_shots_slots(draft, query, err));
        if (draft->pool->knowledge) IAD_TRY(iad_draft_slot(draft, "knowledge", draft->pool->knowledge, err));
    } else IAD_TRY(iad_draft_form(draft, TASK, "good", &answer, err));
    IAD_TRY(iad_draft_answer(draft, answer, err));
    return iad_draft_emit(draft, 3, form, draft->shots, iad_shots_mask(query), err);
}

static iad_status make(iad_manifest *manifest, const iad_task_pool *pool, const iad_task_options *options, const iad_task_sink *sink, iad_err *err) {
    iad_lead_counts counts = iad_lead_count(pool);
    double expected = iad_lead_expected(options->per_picture, options->stage3_share, 2);
    iad_draft draft;
    iad_draft_init(&draft, maker_name, pool, options, sink);
    iad_status status = iad_make_instruct(&draft, manifest, err);
    for (size_t i = 0; status == IAD_OK && i < pool->n_anomalies; i++) {
        const iad_pool_item *lead = &pool->items[pool->anomalies[i]];
        if (lead->regions.n == 0) {
            sink->skip(sink->user, maker_name, "mask unknown");
            continue;
        }
        uint32_t n = iad_record_count(options->seed, maker_name, lead, expected * iad_lead_factor(counts, lead, options->real_share));
        for (uint32_t k = 0; status == IAD_OK && k < n; k++) status = make_record(&draft, lead, k, err);
    }
    iad_draft_deinit(&draft);
    return status;
}

const iad_task_maker iad_maker_reason = {maker_name, 3, make};
