#include "synth/task/draft.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "base/text.h"
#include "synth/recipe/jitter.h"

void iad_draft_init(iad_draft *draft, const char *maker, const iad_task_pool *pool, const iad_task_options *options, const iad_task_sink *sink) {
    memset(draft, 0, sizeof *draft);
    draft->maker = maker;
    draft->pool = pool;
    draft->options = options;
    draft->sink = sink;
    iad_buf_init(&draft->question, IAD_DRAFT_MAX_TEXT);
    iad_buf_init(&draft->answer, IAD_DRAFT_MAX_TEXT);
    iad_buf_init(&draft->column, IAD_DRAFT_MAX_TEXT);
    iad_buf_init(&draft->head, IAD_DRAFT_MAX_TEXT);
    iad_buf_init(&draft->anomaly, IAD_DRAFT_MAX_TEXT);
    iad_buf_init(&draft->normal, IAD_DRAFT_MAX_TEXT);
}

void iad_draft_deinit(iad_draft *draft) {
    iad_buf_deinit(&draft->question);
    iad_buf_deinit(&draft->answer);
    iad_buf_deinit(&draft->column);
    iad_buf_deinit(&draft->head);
    iad_buf_deinit(&draft->anomaly);
    iad_buf_deinit(&draft->normal);
    iad_arena_deinit(&draft->values);
}

iad_status iad_draft_start(iad_draft *draft, const iad_pool_item *lead, uint32_t ordinal, iad_err *err) {
    draft->seed = iad_task_seed(draft->options->seed, draft->maker, lead, ordinal);
    iad_rng_init(&draft->rng, draft->seed, 0);
    draft->lang = iad_rng_chance(&draft->rng, draft->options->zh_share) ? "zh" : "en";
    draft->n_images = draft->n_slots = draft->boxes.n = 0;
    draft->shots = 0;
    iad_buf_reset(&draft->question);
    iad_buf_reset(&draft->answer);
    iad_buf_reset(&draft->column);
    iad_buf_reset(&draft->head);
    iad_arena_deinit(&draft->values);
    return iad_draft_slot(draft, "category", draft->pool->display, err);
}

iad_status iad_draft_picture(iad_draft *draft, const iad_pool_item *item, const char *role, int geometry, iad_err *err) {
    if (draft->n_images == IAD_DRAFT_MAX_IMAGES) return IAD_FAIL(err, IAD_ERR_LIMIT, "more than %d pictures in one record", IAD_DRAFT_MAX_IMAGES);
    char *text = draft->jitters[draft->n_images];
    iad_jitter jitter = iad_jitter_draw(&draft->rng, geometry);
    if (!draft->options->codec_jitter) jitter.quality = jitter.subsample = 0;
    iad_jitter_text(&jitter, text);
    draft->images[draft->n_images++] = (iad_task_image){item->image_id, item->synth_id, role, *text ? text : NULL};
    return IAD_OK;
}

iad_status iad_draft_box(iad_draft *draft, int image, const int box[4], const char *label, size_t *slot, iad_err *err) {
    if (draft->boxes.n == IAD_BOX_SLOTS_MAX) return IAD_FAIL(err, IAD_ERR_LIMIT, "more than %d boxes in one record", IAD_BOX_SLOTS_MAX);
    *slot = draft->boxes.n;
    iad_box_slot *to = &draft->boxes.items[draft->boxes.n++];
    to->image = image;
    memcpy(to->box, box, sizeof to->box);
    to->label[0] = 0;
    if (label) {
        iad_text_copy(to->label, sizeof to->label, label);
        to->label[iad_utf8_valid(to->label, strlen(to->label))] = 0;
    }
    return IAD_OK;
}

/* ---- slots ---- */

iad_status iad_draft_slot(iad_draft *draft, const char *name, const char *value, iad_err *err) {
    if (draft->n_slots == IAD_DRAFT_MAX_SLOTS) return IAD_FAIL(err, IAD_ERR_LIMIT, "more than %d slots", IAD_DRAFT_MAX_SLOTS);
    const char *copy = iad_arena_str(&draft->values, value);
    if (!copy) return IAD_NOMEM(err, "a record's texts");
    draft->slots[draft->n_slots++] = (iad_slot){name, copy};
    return IAD_OK;
}

iad_status iad_draft_slot_number(iad_draft *draft, const char *name, size_t value, iad_err *err) {
    char text[24];
    snprintf(text, sizeof text, "%zu", value);
    return iad_draft_slot(draft, name, text, err);
}

iad_status iad_draft_slot_defect(iad_draft *draft, const char *name, const char *defect, iad_err *err) {
    iad_buf_reset(&draft->column);
    IAD_TRY(iad_defect_words(defect, draft->lang, &draft->column, err));
    IAD_TRY(iad_draft_slot(draft, name, iad_buf_str(&draft->column), err));
    /* with its article, in a sentence and at its beginning */
    const char *words = iad_buf_str(&draft->column);
    int en = strcmp(draft->lang, "en") == 0, vowel = *words && strchr("aeiouAEIOU", *words) != NULL;
    char with[2][IAD_BOX_SLOTS_LABEL + 8];
    for (int i = 0; i < 2; i++)
        snprintf(with[i], sizeof with[i], "%s%.*s", !en ? "" : i ? (vowel ? "An " : "A ") : (vowel ? "an " : "a "), IAD_BOX_SLOTS_LABEL, words);
    IAD_TRY(iad_draft_slot(draft, "a_defect", with[0], err));
    return iad_draft_slot(draft, "A_defect", with[1], err);
}

iad_status iad_draft_slot_places(iad_draft *draft, const char *name, const iad_regions *regions, iad_err *err) {
    iad_buf_reset(&draft->column);
    IAD_TRY(iad_regions_phrase(regions, draft->lang, &draft->column, err));
    return iad_draft_slot(draft, name, iad_buf_str(&draft->column), err);
}

/* ---- texts ---- */

iad_status iad_draft_form(const iad_draft *draft, const char *task, const char *form, const iad_template_form **found, iad_err *err) {
    *found = iad_templates_find(draft->options->templates, task, form, draft->lang);
    if (!*found) *found = iad_templates_find(draft->options->templates, task, form, "en");
    if (!*found) return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "no phrasings for [%s %s %s]", task, form, draft->lang);
    return IAD_OK;
}

iad_status iad_draft_marks(iad_draft *draft, int numbered, iad_err *err) {
    iad_buf_reset(&draft->head);
    return iad_image_marks(draft->n_images, numbered, &draft->head, err);
}

iad_status iad_draft_answer(iad_draft *draft, const iad_template_form *form, iad_err *err) {
    if (form->n_answers == 0) return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "no answers for [%s %s %s]", form->task, form->form, form->lang);
    const iad_phrasing *answer = &form->answers[iad_rng_below(&draft->rng, (uint32_t)form->n_answers)];
    return iad_phrasing_fill(answer->text, "", draft->slots, draft->n_slots, &draft->answer, NULL, NULL, err);
}

iad_status iad_draft_box_list(iad_draft *draft, int labels, iad_err *err) {
    IAD_TRY(iad_buf_add_str(&draft->answer, "[", err));
    for (size_t i = 0; i < draft->boxes.n; i++) {
        IAD_TRY(iad_buf_addf(&draft->answer, err, "%s{\"bbox_2d\": <box:%zu>", i ? ", " : "", i));
        if (labels && draft->boxes.items[i].label[0]) {
            IAD_TRY(iad_buf_add_str(&draft->answer, ", \"label\": ", err));
            IAD_TRY(iad_json_quote(draft->boxes.items[i].label, &draft->answer, err));
        }
        IAD_TRY(iad_buf_add_str(&draft->answer, "}", err));
    }
    return iad_buf_add_str(&draft->answer, "]", err);
}

iad_status iad_draft_emit(iad_draft *draft, int stage, const iad_template_form *form, int query_pos, int64_t mask_id, iad_err *err) {
    if (form->n_questions == 0) return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "no questions for [%s %s %s]", form->task, form->form, form->lang);
    const iad_phrasing *question = &form->questions[iad_rng_below(&draft->rng, (uint32_t)form->n_questions)];
    iad_buf_reset(&draft->question);
    iad_buf_reset(&draft->column);
    iad_buf_reset(&draft->anomaly);
    iad_buf_reset(&draft->normal);
    IAD_TRY(iad_phrasing_fill(question->text, iad_buf_str(&draft->head), draft->slots, draft->n_slots, &draft->question, &draft->anomaly,
                              &draft->normal, err));
    if (draft->boxes.n) IAD_TRY(iad_box_slots_write(&draft->boxes, &draft->column, err));
    char external[64];
    snprintf(external, sizeof external, "%.30s/%016" PRIx64, draft->maker, draft->seed);
    iad_task_row row = {.dataset_id = draft->pool->dataset_id,
                        .category_id = draft->pool->category_id,
                        .stage = stage,
                        .task = form->task,
                        .shots = draft->shots,
                        .template_id = question->row,
                        .seed = draft->seed,
                        .question = iad_buf_str(&draft->question),
                        .answer = iad_buf_str(&draft->answer),
                        .yes_means = form->yes_means,
                        .query_pos = query_pos,
                        .mask_id = mask_id,
                        .anomaly_spans = draft->anomaly.len ? iad_buf_str(&draft->anomaly) : NULL,
                        .normal_spans = draft->normal.len ? iad_buf_str(&draft->normal) : NULL,
                        .boxes = draft->boxes.n ? iad_buf_str(&draft->column) : NULL,
                        .weight = 1,
                        .part = draft->pool->eval ? "eval" : "train",
                        .external_id = external,
                        .images = draft->images,
                        .n_images = draft->n_images};
    return draft->sink->emit(draft->sink->user, &row, err);
}
