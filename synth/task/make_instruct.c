#include "synth/task/make_instruct.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/sha256.h"
#include "manifests/query.h"
#include "synth/task/shots.h"

#define MAX_TEXT (4u << 20)

/* A record of others, borrowed from the query's row. */
typedef struct source {
    const char *external_id, *question, *answer, *turns;
    int64_t image_id; /* its only picture; 0: several */
    int64_t n_images;
} source;

/* The question without its image marks. */
static iad_status without_marks(const char *question, iad_buf *out, iad_err *err) {
    for (const char *mark; (mark = strstr(question, "<image>")) != NULL; question = mark + strlen("<image>") + (mark[strlen("<image>")] == '\n'))
        IAD_TRY(iad_buf_add(out, question, (size_t)(mark - question), err));
    return iad_buf_add_str(out, question, err);
}

/* "Images 1 to 2 are normal examples; image 3 is the query." in the record's language, which is that of its question. */
static iad_status add_prefix(iad_draft *draft, iad_buf *out, iad_err *err) {
    const iad_template_form *form = NULL;
    if (draft->shots == 1) form = iad_templates_find(draft->options->templates, "s3_reason", "refs1", draft->lang);
    if (!form) IAD_TRY(iad_draft_form(draft, "s3_reason", "refs", &form, err));
    IAD_TRY(iad_draft_slot_number(draft, "k", (size_t)draft->shots, err));
    IAD_TRY(iad_draft_slot_number(draft, "q", (size_t)draft->shots + 1, err));
    return iad_phrasing_fill(form->questions[0].text, "", draft->slots, draft->n_slots, out, NULL, NULL, err);
}

/* The turns with the first one replaced; NULL stays NULL. */
static iad_status replace_first(const char *turns, const char *question, iad_buf *out, iad_err *err) {
    json_t *list;
    if (!turns) return IAD_OK;
    IAD_TRY(iad_json_parse(turns, strlen(turns), 0, "turns", &list, err));
    json_t *first = json_array_get(list, 0);
    iad_status status = json_is_object(first) && json_object_set_new(first, "value", json_string(question)) == 0
                            ? iad_json_canonical(list, out, err)
                            : IAD_FAIL(err, IAD_ERR_FORMAT, "turns: no first turn");
    json_decref(list);
    return status;
}

static iad_status seed_of(const iad_draft *draft, const source *s, uint64_t *seed, iad_err *err) {
    uint8_t digest[32];
    IAD_TRY(iad_sha256_bytes(s->external_id, strlen(s->external_id), digest, err));
    char name[80] = "reason/";
    iad_hex(digest, 32, name + 7);
    *seed = iad_rng_subseed(draft->options->seed, name, 0);
    return IAD_OK;
}

static iad_status emit(iad_draft *draft, const source *s, const char *question, const char *turns, int query_pos, iad_err *err) {
    char external[64];
    snprintf(external, sizeof external, "reason/%016" PRIx64, draft->seed);
    const iad_task_row row = {.dataset_id = draft->pool->dataset_id,
                              .category_id = draft->pool->category_id,
                              .stage = 3,
                              .task = "s3_reason",
                              .shots = draft->shots,
                              .seed = draft->seed,
                              .question = question,
                              .answer = s->answer,
                              .turns = turns,
                              .query_pos = query_pos,
                              .weight = 1,
                              .part = draft->pool->eval ? "eval" : "train",
                              .external_id = external,
                              .images = draft->images,
                              .n_images = draft->n_images};
    return draft->sink->emit(draft->sink->user, &row, err);
}

static iad_status one_picture(iad_draft *draft, const source *s, const iad_pool_item *item, iad_err *err) {
    iad_buf turns;
    IAD_TRY(iad_draft_start(draft, item, 0, err));
    IAD_TRY(seed_of(draft, s, &draft->seed, err));
    iad_rng_init(&draft->rng, draft->seed, 0);
    draft->lang = "en";
    IAD_TRY(iad_shots_pictures(draft, item, iad_shots_draw(draft), err));
    if (draft->shots == 0) IAD_TRY(iad_draft_picture(draft, item, "query", 0, err));
    iad_buf_reset(&draft->question);
    IAD_TRY(iad_image_marks((size_t)draft->shots + 1, draft->shots > 0, &draft->question, err));
    if (draft->shots) {
        IAD_TRY(add_prefix(draft, &draft->question, err));
        IAD_TRY(iad_buf_add_str(&draft->question, "\n", err));
    }
    IAD_TRY(without_marks(s->question, &draft->question, err));
    iad_buf_init(&turns, MAX_TEXT);
    iad_status status = replace_first(s->turns, iad_buf_str(&draft->question), &turns, err);
    if (status == IAD_OK) status = emit(draft, s, iad_buf_str(&draft->question), turns.len ? iad_buf_str(&turns) : NULL, draft->shots, err);
    iad_buf_deinit(&turns);
    return status;
}

static iad_status take_row(iad_draft *draft, iad_query *q, iad_err *err) {
    const source s = {.external_id = iad_query_col_text(q, 0),
                      .question = iad_query_col_text(q, 1),
                      .answer = iad_query_col_text(q, 2),
                      .turns = iad_query_col_text(q, 3),
                      .image_id = iad_query_col_i64(q, 4),
                      .n_images = iad_query_col_i64(q, 5)};
    const iad_pool_item *item = s.n_images == 1 ? iad_task_pool_image(draft->pool, s.image_id) : NULL;
    const char *reason = !s.external_id || !s.question || !s.answer ? "others' record without text"
                         : strstr(s.question, "<box:") || strstr(s.answer, "<box:") || strstr(s.answer, "<image>")
                             ? "others' record with marks of ours"
                         : s.n_images != 1 ? "several views: left zero-shot"
                         : !item           ? "label unknown: left zero-shot"
                         : item->test      ? "of a test part"
                                           : NULL;
    if (!reason) return one_picture(draft, &s, item, err);
    draft->sink->skip(draft->sink->user, draft->maker, reason); /* the zero-shot record itself is in the manifest already, as it came */
    return IAD_OK;
}

iad_status iad_make_instruct(iad_draft *draft, iad_manifest *manifest, iad_err *err) {
    static const char sql[] =
        "SELECT t.external_id,t.question,t.answer,t.turns,min(x.image_id),count(*) FROM task t JOIN task_image x ON x.task_id=t.id"
        " WHERE t.category_id=? AND t.stage=0 AND t.task='instruct' AND t.part='train' GROUP BY t.id ORDER BY t.external_id";
    iad_query q;
    IAD_TRY(iad_query_open(&q, manifest, "task", sql, err));
    iad_query_i64(&q, draft->pool->category_id);
    iad_status status = IAD_OK;
    while (status == IAD_OK && iad_query_next(&q)) status = take_row(draft, &q, err);
    iad_status closed = iad_query_close(&q, status == IAD_OK ? err : NULL);
    return status != IAD_OK ? status : closed;
}
