/* What people say of answers. */
#include <stdlib.h>
#include <string.h>

#include "annotate/work/annotatestore.h"
#include "base/alloc.h"
#include "base/sha256.h"
#include "manifests/query.h"

typedef struct reviewed {
    uint8_t unit[32];
    int64_t image_id;
    char *raw, *prompt, *model;
} reviewed;

static iad_status find(iad_manifest *m, const char *word, reviewed *r, iad_err *err) {
    iad_query q;
    size_t n = strlen(word);
    int found = 0;
    memset(r, 0, sizeof *r);
    if (n < 8 || n > 64 || strspn(word, "0123456789abcdefABCDEF") != n)
        return IAD_FAIL(err, IAD_ERR_ARG, "\"%.70s\" is no answer: wanted 8 to 64 hexadecimal digits, as show lists them", word);
    IAD_TRY(iad_query_open(&q, m, "annotate_answer",
                           "SELECT a.unit,a.image_id,a.raw,p.text,a.model FROM annotate_answer a JOIN annotate_prompt p ON p.sha256=a.prompt_sha256"
                           " WHERE substr(hex(a.unit),1,?1)=upper(?2) LIMIT 2",
                           err));
    iad_query_i64(&q, (int64_t)n);
    iad_query_text(&q, word);
    while (iad_query_next(&q) && !found++) {
        iad_query_col_bytes(&q, 0, r->unit, 32);
        r->image_id = iad_query_col_i64(&q, 1);
        char **targets[] = {&r->raw, &r->prompt, &r->model};
        for (int i = 0; i < 3; i++) {
            const char *text = iad_query_col_text(&q, 2 + i);
            *targets[i] = iad_strdup(text ? text : "");
        }
    }
    IAD_TRY(iad_query_close(&q, err));
    if (found == 1) return r->raw && r->prompt && r->model ? IAD_OK : IAD_NOMEM(err, "an answer");
    return IAD_FAIL(err, found ? IAD_ERR_ARG : IAD_ERR_NOT_FOUND, found ? "\"%.70s\" fits several answers" : "no answer \"%.70s\"", word);
}

/* Captions out of the stored answer, also of one that the checks did not let pass. */
static iad_status restore(iad_manifest *m, const reviewed *r, const char *word, iad_err *err) {
    iad_prompt prompt;
    iad_chat_answer answer;
    iad_judged judged = {0};
    IAD_TRY(iad_prompt_parse(&prompt, r->prompt, strlen(r->prompt), "a stored prompt", err));
    iad_status status = iad_chat_answer_parse(&answer, r->raw, strlen(r->raw), err);
    if (status == IAD_OK) {
        const iad_judge_facts facts = {.prompt = &prompt, .model = r->model, .names_differ = 1, .category = "", .colour = ""};
        status = iad_judge_answer(&judged, &facts, &answer, err);
        for (size_t i = 0; status == IAD_OK && i < prompt.n_fields; i++)
            if (!judged.texts[i]) status = IAD_FAIL(err, IAD_ERR_FORMAT, "answer %.70s cannot be accepted: it holds no texts", word);
        if (status == IAD_OK) status = iad_annotate_captions_put(m, r->unit, r->image_id, &prompt, r->model, judged.texts, 1, err);
        iad_judged_deinit(&judged);
        iad_chat_answer_deinit(&answer);
    }
    iad_prompt_deinit(&prompt);
    return status;
}

/* Takes back what the flags said about a picture of a crawl. */
static iad_status unrefuse(iad_manifest *m, int64_t image_id, iad_err *err) {
    iad_query q;
    IAD_TRY(iad_query_open(
        &q, m, "crawl_rejection",
        "DELETE FROM crawl_rejection WHERE reason LIKE 'off_topic:%' AND sha256 IN(SELECT sha256 FROM crawl_picture WHERE image_id=?)", err));
    iad_query_i64(&q, image_id);
    IAD_TRY(iad_query_run(&q, "a refusal", err));
    if (!iad_query_changes(m)) return IAD_OK;
    IAD_TRY(iad_query_open(&q, m, "image", "UPDATE image SET part='train',note=NULL WHERE id=? AND note='not kept any more: off topic'", err));
    iad_query_i64(&q, image_id);
    return iad_query_run(&q, "a picture", err);
}

static iad_status review_one(iad_manifest *m, const char *word, int accept, const char *reason, int64_t run_id, int64_t *changed, iad_err *err) {
    reviewed r;
    char now[32];
    iad_query q;
    iad_status status = find(m, word, &r, err);
    if (status == IAD_OK) {
        iad_annotate_now(now);
        status = iad_query_open(
            &q, m, "annotate_review",
            "INSERT INTO annotate_review(unit,verdict,reason,run_id,at) VALUES(?,?,?,?,?) ON CONFLICT(unit) DO UPDATE SET verdict=excluded.verdict,"
            "reason=excluded.reason,run_id=excluded.run_id,at=excluded.at WHERE verdict<>excluded.verdict",
            err);
    }
    if (status == IAD_OK) {
        iad_query_blob(&q, r.unit, 32);
        iad_query_text(&q, accept ? "accept" : "reject");
        iad_query_text(&q, reason);
        iad_query_id(&q, run_id);
        iad_query_text(&q, now);
        status = iad_query_run(&q, word, err);
    }
    if (status == IAD_OK) *changed += iad_query_changes(m);
    if (status == IAD_OK) status = iad_annotate_captions_drop(m, r.unit, r.image_id, err);
    if (status == IAD_OK && accept) status = restore(m, &r, word, err);
    if (status == IAD_OK && accept) status = unrefuse(m, r.image_id, err);
    free(r.raw);
    free(r.prompt);
    free(r.model);
    return status;
}

iad_status iad_annotate_review(iad_manifest *m, const iad_strings *ids, int accept, const char *reason, int64_t run_id, int64_t *changed,
                               iad_err *err) {
    *changed = 0;
    IAD_TRY(iad_manifest_begin(m, err));
    iad_status status = IAD_OK;
    for (size_t i = 0; i < ids->n && status == IAD_OK; i++) status = review_one(m, ids->items[i], accept, reason, run_id, changed, err);
    if (status == IAD_OK) return iad_manifest_commit(m, err);
    iad_manifest_rollback(m);
    *changed = 0;
    return status;
}
