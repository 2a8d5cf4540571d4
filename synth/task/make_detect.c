/* Stage 3, detection (paper, stage 3, Q1; synth-data 3.4): k good pictures and a query, is it normal? Yes means normal in every record. Each
 * anomalous lead gives records in pairs, one about itself and one about a good picture with the same number of shots, so that Yes and No are even in
 * every category and for every number of shots. */
#include "synth/task/leads.h"
#include "synth/task/shots.h"

#define TASK "s3_detect"

static const char maker_name[] = "detect";

static iad_status write_answer(iad_draft *draft, const iad_pool_item *query, iad_err *err) {
    const char *word = query->anomalous ? "no" : "yes";
    const iad_template_form *reason;
    int bare = iad_rng_chance(&draft->rng, draft->options->bare_share);
    if (bare || (query->anomalous && query->regions.n == 0)) return iad_buf_add_str(&draft->answer, query->anomalous ? "No." : "Yes.", err);
    if (query->anomalous) IAD_TRY(iad_shots_slots(draft, query, err));
    IAD_TRY(iad_draft_form(draft, TASK, word, &reason, err));
    return iad_draft_answer(draft, reason, err);
}

/* `query` is the lead or a good picture that stands in for it. *made = 0 when there are no good pictures for it. */
static iad_status make_record(iad_draft *draft, const iad_pool_item *lead, int about_good, uint32_t ordinal, int k, int *made, iad_err *err) {
    const iad_template_form *form;
    IAD_TRY(iad_draft_start(draft, lead, ordinal, err));
    const iad_pool_item *query = about_good ? iad_shots_good_query(draft, lead) : lead;
    int canonical = iad_rng_chance(&draft->rng, draft->options->canonical_share);
    if (canonical) draft->lang = "en"; /* the canonical question has one wording; question and answer share the language */
    *made = 0;
    if (!query) return IAD_OK;
    IAD_TRY(iad_shots_pictures(draft, query, k, err));
    if (draft->shots != k) return IAD_OK;
    IAD_TRY(iad_draft_form(draft, TASK, canonical ? "canonical" : "paraphrase", &form, err));
    IAD_TRY(write_answer(draft, query, err));
    *made = 1;
    return iad_draft_emit(draft, 3, form, k, iad_shots_mask(query), err);
}

/* The number of shots for both records of a pair: what the lead's own record can have and its twin too (one good picture more). */
static int pair_shots(iad_draft *draft, const iad_pool_item *lead, uint32_t pair, iad_err *err) {
    const iad_pool_item *good[6];
    if (iad_draft_start(draft, lead, 2 * pair, err) != IAD_OK) return 0;
    int k = iad_shots_draw(draft);
    size_t n = iad_draw_normals(draft->pool, lead, &draft->rng, 0, 6, good);
    while (k > 0 && (size_t)k + 1 > n) k /= 2;
    return k;
}

static iad_status make_pair(iad_draft *draft, const iad_pool_item *lead, uint32_t pair, iad_err *err) {
    int made = 0, k = pair_shots(draft, lead, pair, err);
    if (k > 0) {
        IAD_TRY(make_record(draft, lead, 1, 2 * pair + 1, k, &made, err)); /* the good one first: it is the one that may be impossible */
        if (made) return make_record(draft, lead, 0, 2 * pair, k, &made, err);
    }
    draft->sink->skip(draft->sink->user, maker_name, "too few good pictures");
    return IAD_OK;
}

static iad_status make(iad_manifest *manifest, const iad_task_pool *pool, const iad_task_options *options, const iad_task_sink *sink, iad_err *err) {
    iad_lead_counts counts = iad_lead_count(pool);
    double expected = iad_lead_expected(options->per_picture, options->stage3_share, 0) / 2; /* pairs */
    iad_draft draft;
    (void)manifest;
    iad_draft_init(&draft, maker_name, pool, options, sink);
    iad_status status = IAD_OK;
    for (size_t i = 0; status == IAD_OK && i < pool->n_anomalies; i++) {
        const iad_pool_item *lead = &pool->items[pool->anomalies[i]];
        uint32_t n = iad_record_count(options->seed, maker_name, lead, expected * iad_lead_factor(counts, lead, options->real_share));
        for (uint32_t pair = 0; status == IAD_OK && pair < n; pair++) status = make_pair(&draft, lead, pair, err);
    }
    iad_draft_deinit(&draft);
    return status;
}

const iad_task_maker iad_maker_detect = {maker_name, 3, make};
