/* One record in the making: draws, pictures with their small changes, boxes, texts. Used by all makers. */
#ifndef IAD_SYNTH_DRAFT_H
#define IAD_SYNTH_DRAFT_H

#include "base/buf.h"
#include "base/rng.h"
#include "synth/task/boxslots.h"
#include "synth/task/taskmaker.h"

#define IAD_DRAFT_MAX_IMAGES 8
#define IAD_DRAFT_MAX_TEXT (256u * 1024u)
#define IAD_DRAFT_MAX_SLOTS 24

typedef struct iad_draft {
    const iad_task_pool *pool;
    const iad_task_options *options;
    const iad_task_sink *sink;
    const char *maker; /* name of the maker */
    /* of the present record */
    iad_rng rng;
    uint64_t seed;
    const char *lang; /* en | zh */
    iad_task_image images[IAD_DRAFT_MAX_IMAGES];
    char jitters[IAD_DRAFT_MAX_IMAGES][160];
    size_t n_images;
    int shots;                 /* good pictures in front of the query; stage 3 */
    iad_box_slots boxes;
    iad_slot slots[IAD_DRAFT_MAX_SLOTS]; /* for phrasings; values live in `values` or elsewhere for as long as the record */
    size_t n_slots;
    iad_arena values;
    iad_buf question, answer, column, head;
    iad_buf anomaly, normal;   /* spans of the question's marked words */
} iad_draft;

void iad_draft_init(iad_draft *draft, const char *maker, const iad_task_pool *pool, const iad_task_options *options, const iad_task_sink *sink);
void iad_draft_deinit(iad_draft *draft);

/* A new record that `lead` leads: seed, dice, language, and the slot "category". */
iad_status iad_draft_start(iad_draft *draft, const iad_pool_item *lead, uint32_t ordinal, iad_err *err);
/* The next picture: role is ref, query or group. Every one gets changes of its own; geometry 1 only for pictures that no mask or box speaks of.
 * IAD_ERR_LIMIT. */
iad_status iad_draft_picture(iad_draft *draft, const iad_pool_item *item, const char *role, int geometry, iad_err *err);
/* Adds a box; label may be NULL; *slot is its number. IAD_ERR_LIMIT. */
iad_status iad_draft_box(iad_draft *draft, int image, const int box[4], const char *label, size_t *slot, iad_err *err);

/* Slots for phrasings; the value is copied. */
iad_status iad_draft_slot(iad_draft *draft, const char *name, const char *value, iad_err *err);
iad_status iad_draft_slot_number(iad_draft *draft, const char *name, size_t value, iad_err *err);
/* Slot of that name with the words for a defect, and a_defect and A_defect with their article; or for the places of regions ("at the top left"). */
iad_status iad_draft_slot_defect(iad_draft *draft, const char *name, const char *defect, iad_err *err);
iad_status iad_draft_slot_places(iad_draft *draft, const char *name, const iad_regions *regions, iad_err *err);

/* The form's section in the record's language, else in English. IAD_ERR_NOT_FOUND names it. */
iad_status iad_draft_form(const iad_draft *draft, const char *task, const char *form, const iad_template_form **found, iad_err *err);
/* draft->head: image marks; draft->answer: one of the form's answers, filled. */
iad_status iad_draft_marks(iad_draft *draft, int numbered, iad_err *err);
iad_status iad_draft_answer(iad_draft *draft, const iad_template_form *form, iad_err *err);
/* "[{"bbox_2d": <box:0>, "label": "scratch"}]" of all boxes, "[]" without, to draft->answer. */
iad_status iad_draft_box_list(iad_draft *draft, int labels, iad_err *err);

/* Draws the question and hands the record to the sink. query_pos -1: none. */
iad_status iad_draft_emit(iad_draft *draft, int stage, const iad_template_form *form, int query_pos, int64_t mask_id, iad_err *err);

#endif
