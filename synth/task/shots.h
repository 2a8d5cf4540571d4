/* Few-shot records: good pictures, then the query (paper, stage 3). Used by the makers of stage 3. */
#ifndef IAD_SYNTH_SHOTS_H
#define IAD_SYNTH_SHOTS_H

#include "synth/task/draft.h"

/* 1, 2 or 4, by the options' shares. */
int iad_shots_draw(iad_draft *draft);
/* Adds k good pictures for `query` (fresh, same view and light; now and then of another light) as references, then the query, and the marks as the
 * runtime's prompt has them:
 * "<image>" k + 1 times and nothing between. When there are fewer good pictures, the largest of 4, 2, 1 that they suffice for is taken; draft->shots
 * says which, 0: none, and nothing was added. */
iad_status iad_shots_pictures(iad_draft *draft, const iad_pool_item *query, int k, iad_err *err);
/* Slots defect, place and size of a defective query. */
iad_status iad_shots_slots(iad_draft *draft, const iad_pool_item *query, iad_err *err);
/* The query's mask for the row: 0 for a good one, and where it is a union that no row holds. */
int64_t iad_shots_mask(const iad_pool_item *query);
/* A good picture that may be asked about beside `lead`; NULL when there is none. */
const iad_pool_item *iad_shots_good_query(iad_draft *draft, const iad_pool_item *lead);

#endif
