/* Stage 2 (b): where two pictures differ (synth-data 3.2): find it, verify a box, choose one of three. Pairs: a recipe and its own original
 * (aligned), a recipe and another good picture, a real defect and a good picture; and pairs without a difference. Boxes lie in the query, whose
 * geometry is never changed. */
#include <string.h>

#include "synth/task/draft.h"
#include "synth/task/leads.h"
#include "synth/task/taskmaker.h"

#define REAL_SHARE 0.35                    /* of pairs, where both kinds exist */
#define ALIGNED_SHARE (0.30 / 0.65)        /* of synthetic pairs */
#define FIND_SHARE 0.40                    /* of records; verify takes the next, choose the rest */
#define VERIFY_SHARE 0.40
#define REFERENCE_FIRST 0.80
#define MAX_TRIES 64

static const char maker_name[] = "difference";

typedef enum pair_form { FORM_FIND, FORM_VERIFY, FORM_CHOOSE } pair_form;

typedef struct pair {
    const iad_pool_item *lead;              /* the anomalous picture; the query unless there is no difference */
    const iad_pool_item *query, *reference;
    int aligned;                            /* reference and query show the same shot */
    int query_at, reference_at;             /* positions */
} pair;

/* ---- pictures ---- */

static const iad_pool_item *own_original(const iad_draft *draft, const iad_pool_item *lead) {
    const iad_pool_item *original = lead->synth_id ? iad_task_pool_image(draft->pool, lead->original) : NULL;
    return original && !original->anomalous && !original->test ? original : NULL;
}

/* 0 when there are not enough good pictures. */
static int choose_pictures(iad_draft *draft, const iad_pool_item *lead, int same, pair *p) {
    const iad_pool_item *normals[2];
    const iad_pool_item *original = own_original(draft, lead);
    *p = (pair){.lead = lead, .query = lead};
    p->aligned = iad_rng_chance(&draft->rng, ALIGNED_SHARE) && original;
    size_t want = p->aligned ? 0 : same ? 2 : 1;
    if (want && iad_draw_normals(draft->pool, lead, &draft->rng, 0, want, normals) < want) return 0;
    p->reference = p->aligned ? original : normals[0];
    if (same) p->query = p->aligned ? original : normals[1];
    p->reference_at = iad_rng_chance(&draft->rng, REFERENCE_FIRST) ? 0 : 1;
    p->query_at = 1 - p->reference_at;
    return 1;
}

static iad_status add_pictures(iad_draft *draft, const pair *p, iad_err *err) {
    for (int at = 0; at < 2; at++) {
        int is_query = at == p->query_at;
        IAD_TRY(iad_draft_picture(draft, is_query ? p->query : p->reference, is_query ? "query" : "ref", p->aligned && !is_query, err));
    }
    IAD_TRY(iad_draft_slot_number(draft, "reference", (size_t)p->reference_at + 1, err));
    return iad_draft_slot_number(draft, "query", (size_t)p->query_at + 1, err);
}

/* ---- boxes ---- */

/* A region's box, each side moved out by half of 5 to 20 % of the box, inside the picture and of at least 4 pixels. */
static void inflate(iad_rng *rng, const iad_region *r, int width, int height, int box[4]) {
    double share = iad_rng_range(rng, 0.05, 0.20);
    int w = r->x1 - r->x0, h = r->y1 - r->y0;
    int dx = (int)(share * w / 2 + 0.999999), dy = (int)(share * h / 2 + 0.999999);
    while (w + 2 * dx < 4) dx++;
    while (h + 2 * dy < 4) dy++;
    box[0] = r->x0 > dx ? r->x0 - dx : 0;
    box[1] = r->y0 > dy ? r->y0 - dy : 0;
    box[2] = r->x1 + dx < width ? r->x1 + dx : width;
    box[3] = r->y1 + dy < height ? r->y1 + dy : height;
}

static int meets(const int a[4], const int b[4]) {
    return a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
}

static int meets_region(const int box[4], const iad_regions *regions) {
    for (int i = 0; i < regions->n; i++) {
        const iad_region *r = &regions->items[i];
        const int of[4] = {r->x0, r->y0, r->x1, r->y1};
        if (meets(box, of)) return 1;
    }
    return 0;
}

/* Middle of a region of another anomalous picture, scaled to this one's size: defects lie on the product, so an empty box there lies on it as well,
 * most of the time, without a look at the pixels. 0 when there is none. */
static int middle_of_another(iad_draft *draft, const iad_pool_item *query, int *x, int *y) {
    const iad_task_pool *pool = draft->pool;
    const iad_pool_item *other = &pool->items[pool->anomalies[iad_rng_below(&draft->rng, (uint32_t)pool->n_anomalies)]];
    if (other->regions.n == 0 || other->group != query->group) return 0;
    const iad_region *r = &other->regions.items[iad_rng_below(&draft->rng, (uint32_t)other->regions.n)];
    *x = (int)(((int64_t)r->x0 + r->x1) * query->width / (2 * (int64_t)other->width));
    *y = (int)(((int64_t)r->y0 + r->y1) * query->height / (2 * (int64_t)other->height));
    return 1;
}

static int clamp(int value, int hi) {
    return value < 0 ? 0 : value > hi ? hi : value;
}

/* A box of w x h in the query that meets none of its regions and none of the boxes drawn before. 0 when there is no room. */
static int empty_box(iad_draft *draft, const iad_pool_item *query, int w, int h, int box[4]) {
    for (int i = 0; i < MAX_TRIES; i++) {
        int x, y;
        if (i < MAX_TRIES / 2 && middle_of_another(draft, query, &x, &y)) {
            x = clamp(x - w / 2, query->width - w);
            y = clamp(y - h / 2, query->height - h);
        } else {
            x = (int)iad_rng_below(&draft->rng, (uint32_t)(query->width - w + 1));
            y = (int)iad_rng_below(&draft->rng, (uint32_t)(query->height - h + 1));
        }
        const int found[4] = {x, y, x + w, y + h};
        int free_place = !query->anomalous || !meets_region(found, &query->regions);
        for (size_t k = 0; free_place && k < draft->boxes.n; k++) free_place = !meets(found, draft->boxes.items[k].box);
        if (!free_place) continue;
        memcpy(box, found, sizeof found);
        return 1;
    }
    return 0;
}

/* The lead's region box, inflated, brought into the query's size when that is another picture. */
static void lead_box(iad_draft *draft, const pair *p, int box[4]) {
    const iad_regions *regions = &p->lead->regions;
    inflate(&draft->rng, &regions->items[iad_rng_below(&draft->rng, (uint32_t)regions->n)], p->lead->width, p->lead->height, box);
    if (box[2] - box[0] > p->query->width) box[0] = 0, box[2] = p->query->width;
    if (box[3] - box[1] > p->query->height) box[1] = 0, box[3] = p->query->height;
}

/* ---- find ---- */

static iad_status find_boxes(iad_draft *draft, const pair *p, iad_err *err) {
    iad_buf label;
    iad_buf_init(&label, 4096);
    iad_status status = iad_defect_words(p->query->defect, draft->lang, &label, err);
    for (int i = 0; status == IAD_OK && i < p->query->regions.n; i++) {
        const iad_region *r = &p->query->regions.items[i];
        const int box[4] = {r->x0, r->y0, r->x1, r->y1};
        size_t slot;
        status = iad_draft_box(draft, p->query_at, box, iad_buf_str(&label), &slot, err);
    }
    iad_buf_deinit(&label);
    return status;
}

static iad_status finish_find(iad_draft *draft, const pair *p, int same, iad_err *err) {
    static const char *const names[] = {"boxes", "phrase", "both"};
    const iad_template_form *form, *none;
    double u = iad_rng_unit(&draft->rng);
    int which = u < 0.6 ? 0 : u < 0.8 ? 1 : 2;
    IAD_TRY(iad_draft_form(draft, "s2_diff_find", names[which], &form, err));
    if (same) {
        if (which == 0) {
            IAD_TRY(iad_buf_add_str(&draft->answer, "[]", err));
        } else {
            IAD_TRY(iad_draft_form(draft, "s2_diff_find", "none", &none, err));
            IAD_TRY(iad_draft_answer(draft, none, err));
        }
        return iad_draft_emit(draft, 2, form, p->query_at, 0, err);
    }
    if (which != 1) IAD_TRY(find_boxes(draft, p, err));
    if (which != 0) {
        IAD_TRY(iad_draft_slot_defect(draft, "defect", p->query->defect, err));
        IAD_TRY(iad_draft_slot_places(draft, "place", &p->query->regions, err));
        IAD_TRY(iad_draft_answer(draft, form, err));
    }
    if (which == 2) IAD_TRY(iad_buf_add_str(&draft->answer, "\n", err));
    if (which != 1) IAD_TRY(iad_draft_box_list(draft, 0, err));
    return iad_draft_emit(draft, 2, form, p->query_at, p->query->several_masks ? 0 : p->query->mask_id, err);
}

/* ---- verify ---- */

static iad_status finish_verify(iad_draft *draft, const pair *p, int positive, int *made, iad_err *err) {
    const iad_template_form *form;
    int box[4];
    size_t slot;
    lead_box(draft, p, box);
    if (!positive && !empty_box(draft, p->query, box[2] - box[0], box[3] - box[1], box)) {
        *made = 0;
        return IAD_OK;
    }
    IAD_TRY(iad_draft_box(draft, p->query_at, box, NULL, &slot, err));
    IAD_TRY(iad_draft_slot(draft, "box", "<box:0>", err));
    IAD_TRY(iad_draft_form(draft, "s2_diff_verify", "yesno", &form, err));
    int yes = !form->yes_means || strcmp(form->yes_means, "normal") == 0 ? !positive : positive;
    IAD_TRY(iad_buf_add_str(&draft->answer, yes ? "Yes" : "No", err));
    return iad_draft_emit(draft, 2, form, p->query_at, positive && !p->query->several_masks ? p->query->mask_id : 0, err);
}

/* ---- choose ---- */

static iad_status finish_choose(iad_draft *draft, const pair *p, int *made, iad_err *err) {
    static const char *const slots[] = {"a", "b", "c"}, *const marks[] = {"<box:0>", "<box:1>", "<box:2>"};
    static const char letters[] = "ABC";
    const iad_template_form *form;
    int boxes[3][4];
    size_t slot;
    lead_box(draft, p, boxes[0]);
    for (int i = 0; i < 3; i++) {
        if (i && !empty_box(draft, p->query, boxes[0][2] - boxes[0][0], boxes[0][3] - boxes[0][1], boxes[i])) {
            *made = 0;
            return IAD_OK;
        }
        IAD_TRY(iad_draft_box(draft, p->query_at, boxes[i], NULL, &slot, err));
    }
    uint32_t order[3] = {0, 1, 2};
    iad_rng_shuffle(&draft->rng, order, 3);
    int truth = 0;
    for (int i = 0; i < 3; i++) {
        memcpy(draft->boxes.items[i].box, boxes[order[i]], sizeof boxes[0]);
        if (order[i] == 0) truth = i;
        IAD_TRY(iad_draft_slot(draft, slots[i], marks[i], err));
    }
    IAD_TRY(iad_draft_form(draft, "s2_diff_choose", "letter", &form, err));
    IAD_TRY(iad_buf_addf(&draft->answer, err, "%c", letters[truth]));
    return iad_draft_emit(draft, 2, form, p->query_at, p->query->several_masks ? 0 : p->query->mask_id, err);
}

/* ---- a record ---- */

/* Which question, and whether nothing differs. Pairs without difference are none_share of all: that share of the verified ones (all answered alike,
 * so that Yes and No stay even), and of the found ones what choose, which needs a difference, cannot take. */
static pair_form draw_form(iad_draft *draft, int *same, int *positive) {
    double u = iad_rng_unit(&draft->rng), v = iad_rng_unit(&draft->rng), none = draft->options->none_share;
    *positive = iad_rng_chance(&draft->rng, 0.5);
    if (u < FIND_SHARE) {
        *same = v < none * (1 - VERIFY_SHARE) / FIND_SHARE;
        return FORM_FIND;
    }
    *same = u < FIND_SHARE + VERIFY_SHARE && !*positive && v < 2 * none;
    return u < FIND_SHARE + VERIFY_SHARE ? FORM_VERIFY : FORM_CHOOSE;
}

static iad_status make_record(iad_draft *draft, const iad_pool_item *lead, uint32_t ordinal, iad_err *err) {
    int same, positive, made = 1;
    pair p;
    IAD_TRY(iad_draft_start(draft, lead, ordinal, err));
    pair_form form = draw_form(draft, &same, &positive);
    if (!choose_pictures(draft, lead, same, &p)) {
        draft->sink->skip(draft->sink->user, maker_name, "too few good pictures");
        return IAD_OK;
    }
    IAD_TRY(add_pictures(draft, &p, err));
    IAD_TRY(iad_draft_marks(draft, 1, err));
    if (form == FORM_FIND) IAD_TRY(finish_find(draft, &p, same, err));
    else if (form == FORM_VERIFY) IAD_TRY(finish_verify(draft, &p, positive, &made, err));
    else IAD_TRY(finish_choose(draft, &p, &made, err));
    if (!made) draft->sink->skip(draft->sink->user, maker_name, "no room for a box beside the defect");
    return IAD_OK;
}

static iad_status make(iad_manifest *manifest, const iad_task_pool *pool, const iad_task_options *options, const iad_task_sink *sink, iad_err *err) {
    iad_lead_counts counts = iad_lead_count(pool);
    double expected = iad_lead_expected(options->per_picture, options->share, 1);
    /* real_share shifts the mix: at its default 0.5 real pairs have the published 35 %. */
    double real_share = options->real_share * REAL_SHARE / 0.5;
    iad_draft draft;
    (void)manifest;
    iad_draft_init(&draft, maker_name, pool, options, sink);
    iad_status status = IAD_OK;
    for (size_t i = 0; status == IAD_OK && i < pool->n_anomalies; i++) {
        const iad_pool_item *lead = &pool->items[pool->anomalies[i]];
        if (lead->regions.n == 0) {
            sink->skip(sink->user, maker_name, "mask unknown");
            continue;
        }
        uint32_t n = iad_record_count(options->seed, maker_name, lead, expected * iad_lead_factor(counts, lead, real_share));
        for (uint32_t k = 0; status == IAD_OK && k < n; k++) status = make_record(&draft, lead, k, err);
    }
    iad_draft_deinit(&draft);
    return status;
}

const iad_task_maker iad_maker_difference = {maker_name, 2, make};
