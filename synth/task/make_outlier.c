/* Stage 2 (a): the odd one of a group (synth-data 3.1). Every record is led by an anomalous picture; groups without an outlier show good pictures of
 * its view. */
#include "synth/task/draft.h"
#include "synth/task/leads.h"
#include "synth/task/taskmaker.h"

#define TASK "s2_outlier"
#define MAX_GROUP 5
#define MIN_GROUP 3

static const char maker_name[] = "outlier";

/* 3, 4, 5 pictures: 0.4, 0.4, 0.2. */
static size_t draw_size(iad_rng *rng) {
    double u = iad_rng_unit(rng);
    return u < 0.4 ? 3 : u < 0.8 ? 4 : 5;
}

/* The group's good pictures. A group shrinks to three when there are not enough; 0 when there are fewer. */
static size_t draw_group(iad_draft *draft, const iad_pool_item *lead, size_t size, int none, const iad_pool_item *group[MAX_GROUP]) {
    size_t want = none ? size : size - 1;
    size_t n = iad_draw_normals(draft->pool, lead, &draft->rng, 0, want, group);
    int own = iad_rng_chance(&draft->rng, draft->options->original_share);
    const iad_pool_item *original = lead->synth_id && own && !none ? iad_task_pool_image(draft->pool, lead->original) : NULL;
    if (original && !original->anomalous && !original->test && n > 0) group[iad_rng_below(&draft->rng, (uint32_t)n)] = original;
    return n + (none ? 0 : 1) >= MIN_GROUP ? n : 0;
}

static const char *draw_form(iad_draft *draft, const iad_pool_item *lead, int none) {
    static const char *const forms[] = {"index", "reason", "json"};
    const char *form = forms[iad_rng_below(&draft->rng, 3)];
    /* A reason needs something to say. */
    return form == forms[1] && !none && lead->regions.n == 0 && !lead->defect ? forms[0] : form;
}

static iad_status write_answer(iad_draft *draft, const iad_template_form *form, const char *name, size_t index, iad_err *err) {
    if (name[0] == 'j')
        return index ? iad_buf_addf(&draft->answer, err, "{\"outlier\": %zu}", index) : iad_buf_add_str(&draft->answer, "{\"outlier\": null}", err);
    if (index) return iad_draft_answer(draft, form, err);
    if (name[0] == 'i') return iad_buf_add_str(&draft->answer, draft->lang[0] == 'z' ? "无" : "None", err); /* asked for that word alone */
    const iad_template_form *none;
    IAD_TRY(iad_draft_form(draft, TASK, "none", &none, err));
    return iad_draft_answer(draft, none, err);
}

static iad_status make_record(iad_draft *draft, const iad_pool_item *lead, uint32_t ordinal, iad_err *err) {
    const iad_pool_item *group[MAX_GROUP];
    const iad_template_form *form;
    IAD_TRY(iad_draft_start(draft, lead, ordinal, err));
    int none = iad_rng_chance(&draft->rng, draft->options->none_share);
    size_t n = draw_group(draft, lead, draw_size(&draft->rng), none, group);
    if (n == 0) {
        draft->sink->skip(draft->sink->user, maker_name, "too few good pictures");
        return IAD_OK;
    }
    size_t index = 0; /* of the outlier, from 1 */
    if (!none) {
        size_t at = iad_rng_below(&draft->rng, (uint32_t)n + 1);
        for (size_t i = n; i > at; i--) group[i] = group[i - 1];
        group[at] = lead;
        index = at + 1;
        n++;
    }
    for (size_t i = 0; i < n; i++) IAD_TRY(iad_draft_picture(draft, group[i], "group", 0, err));
    const char *name = draw_form(draft, lead, none);
    IAD_TRY(iad_draft_form(draft, TASK, name, &form, err));
    IAD_TRY(iad_draft_slot_number(draft, "n", n, err));
    if (index) {
        IAD_TRY(iad_draft_slot_number(draft, "index", index, err));
        IAD_TRY(iad_draft_slot_defect(draft, "defect", lead->defect, err));
        IAD_TRY(iad_draft_slot_places(draft, "place", &lead->regions, err));
    }
    IAD_TRY(iad_draft_marks(draft, 1, err));
    IAD_TRY(write_answer(draft, form, name, index, err));
    return iad_draft_emit(draft, 2, form, -1, 0, err);
}

static iad_status make(iad_manifest *manifest, const iad_task_pool *pool, const iad_task_options *options, const iad_task_sink *sink, iad_err *err) {
    iad_lead_counts counts = iad_lead_count(pool);
    double expected = iad_lead_expected(options->per_picture, options->share, 0);
    iad_draft draft;
    (void)manifest;
    iad_draft_init(&draft, maker_name, pool, options, sink);
    iad_status status = IAD_OK;
    for (size_t i = 0; status == IAD_OK && i < pool->n_anomalies; i++) {
        const iad_pool_item *lead = &pool->items[pool->anomalies[i]];
        uint32_t n = iad_record_count(options->seed, maker_name, lead, expected * iad_lead_factor(counts, lead, options->real_share));
        for (uint32_t k = 0; status == IAD_OK && k < n; k++) status = make_record(&draft, lead, k, err);
    }
    iad_draft_deinit(&draft);
    return status;
}

const iad_task_maker iad_maker_outlier = {maker_name, 2, make};
