#include "synth/task/shots.h"

enum { MAX_SHOTS = 4 };

int iad_shots_draw(iad_draft *draft) {
    const double *share = draft->options->shots_share;
    double u = iad_rng_unit(&draft->rng) * (share[0] + share[1] + share[2]);
    return u < share[0] ? 1 : u < share[0] + share[1] ? 2 : MAX_SHOTS;
}

iad_status iad_shots_pictures(iad_draft *draft, const iad_pool_item *query, int k, iad_err *err) {
    const iad_pool_item *good[MAX_SHOTS];
    int other_light = iad_rng_chance(&draft->rng, draft->options->light_share);
    size_t n = iad_draw_normals(draft->pool, query, &draft->rng, other_light, (size_t)k, good);
    while ((size_t)k > n) k /= 2;
    draft->shots = k;
    if (k == 0) return IAD_OK;
    for (int i = 0; i < k; i++) IAD_TRY(iad_draft_picture(draft, good[i], "ref", 0, err));
    IAD_TRY(iad_draft_picture(draft, query, "query", 0, err));
    iad_buf_reset(&draft->head);
    for (int i = 0; i <= k; i++) IAD_TRY(iad_buf_add_str(&draft->head, "<image>", err));
    return IAD_OK;
}

iad_status iad_shots_slots(iad_draft *draft, const iad_pool_item *query, iad_err *err) {
    double all = (double)query->width * query->height;
    IAD_TRY(iad_draft_slot_defect(draft, "defect", query->defect, err));
    IAD_TRY(iad_draft_slot_places(draft, "place", &query->regions, err));
    return iad_draft_slot(draft, "size", iad_size_word(all > 0 ? (double)query->regions.area / all : 0, draft->lang), err);
}

int64_t iad_shots_mask(const iad_pool_item *query) { return query->anomalous && !query->several_masks ? query->mask_id : 0; }

const iad_pool_item *iad_shots_good_query(iad_draft *draft, const iad_pool_item *lead) {
    const iad_pool_item *good;
    return iad_draw_normals(draft->pool, lead, &draft->rng, 0, 1, &good) ? good : NULL;
}
