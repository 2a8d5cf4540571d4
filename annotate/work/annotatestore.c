#include "annotate/work/annotatestore.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/sha256.h"
#include "manifests/query.h"
#include "manifests/records.h"

void iad_annotate_now(char out[32]) {
    struct tm t;
    time_t now = time(NULL);
    gmtime_r(&now, &t);
    strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &t);
}

void iad_annotate_params(char out[160], int64_t max_pixels, int quality, double temperature, int64_t seed) {
    snprintf(out, 160, "{\"jpeg_quality\":%d,\"max_pixels\":%lld,\"seed\":%lld,\"temperature\":%.3g}", quality, (long long)max_pixels,
             (long long)seed, temperature);
}

iad_status iad_annotate_unit(const uint8_t image_sha256[32], const uint8_t prompt_sha256[32], const char *model, const char *params, int round,
                             const uint8_t *of_unit, uint8_t unit[IAD_UNIT_BYTES], iad_err *err) {
    static const uint8_t none[32];
    iad_sha256 h;
    char number[16];
    snprintf(number, sizeof number, "%d", round);
    IAD_TRY(iad_sha256_init(&h, err));
    const struct {
        const void *bytes;
        size_t n;
    } parts[] = {{"iad-annotate 1", 15},     {image_sha256, 32},           {prompt_sha256, 32},         {of_unit ? of_unit : none, 32},
                 {model, strlen(model) + 1}, {params, strlen(params) + 1}, {number, strlen(number) + 1}};
    iad_status status = IAD_OK;
    for (size_t i = 0; i < sizeof parts / sizeof *parts && status == IAD_OK; i++) status = iad_sha256_add(&h, parts[i].bytes, parts[i].n, err);
    return iad_sha256_end(&h, status, unit, err);
}

iad_status iad_annotate_prompt_put(iad_manifest *m, const iad_prompt *p, iad_err *err) {
    iad_query q;
    IAD_TRY(iad_query_open(&q, m, "annotate_prompt",
                           "INSERT INTO annotate_prompt(sha256,id,version,lang,mode,text) VALUES(?,?,?,?,?,?) ON CONFLICT DO NOTHING", err));
    iad_query_blob(&q, p->sha256, 32);
    iad_query_text(&q, p->id);
    iad_query_i64(&q, p->version);
    iad_query_text(&q, p->lang);
    iad_query_text(&q, p->mode);
    iad_query_text(&q, p->file);
    return iad_query_run(&q, p->id, err);
}

iad_status iad_annotate_unit_state(iad_manifest *m, const uint8_t unit[IAD_UNIT_BYTES], iad_unit_state *state, iad_err *err) {
    iad_query q;
    *state = IAD_UNIT_MISSING;
    IAD_TRY(iad_query_open(
        &q, m, "annotate_answer",
        "SELECT CASE coalesce((SELECT verdict FROM annotate_review WHERE unit=?1),a.state) WHEN 'accept' THEN 1 WHEN 'ok' THEN 1 WHEN 'reject' THEN 2"
        " WHEN 'rejected' THEN 2 ELSE 3 END FROM annotate_answer a WHERE a.unit=?1 UNION ALL SELECT 4 FROM annotate_batch_unit u"
        " JOIN annotate_batch b ON b.name=u.batch WHERE u.unit=?1 AND b.state NOT IN('failed','collected') LIMIT 1",
        err));
    iad_query_blob(&q, unit, IAD_UNIT_BYTES);
    if (iad_query_next(&q)) *state = (iad_unit_state)iad_query_col_i64(&q, 0);
    return iad_query_close(&q, err);
}

static iad_status put_row(iad_manifest *m, const iad_answer_row *row, const char *state, const char *detail, const iad_chat_answer *a, int *added,
                          iad_err *err) {
    char now[32];
    iad_query q;
    iad_annotate_now(now);
    IAD_TRY(iad_query_open(
        &q, m, "annotate_answer",
        "INSERT INTO annotate_answer(unit,image_id,image_sha256,prompt_sha256,model,params,round,of_unit,state,detail,raw,request_id,served_model,"
        "finish,prompt_tokens,completion_tokens,cached_tokens,predicted,cost,ms,attempts,colour,batch,run_id,at)"
        " VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT(unit) DO NOTHING",
        err));
    iad_query_blob(&q, row->unit, 32);
    iad_query_i64(&q, row->image_id);
    iad_query_blob(&q, row->image_sha256, 32);
    iad_query_blob(&q, row->prompt->sha256, 32);
    iad_query_text(&q, row->model);
    iad_query_text(&q, row->params);
    iad_query_i64(&q, row->round);
    if (row->of_unit) iad_query_blob(&q, row->of_unit, 32);
    else iad_query_null(&q);
    iad_query_text(&q, state);
    iad_query_text(&q, detail);
    iad_query_text(&q, row->raw);
    iad_query_text(&q, a ? a->id : NULL);
    iad_query_text(&q, a ? a->model : NULL);
    iad_query_text(&q, a ? a->finish : NULL);
    iad_query_i64(&q, a ? a->prompt_tokens : 0);
    iad_query_i64(&q, a ? a->completion_tokens : 0);
    iad_query_i64(&q, a ? a->cached_tokens : 0);
    iad_query_i64(&q, row->predicted);
    iad_query_f64(&q, row->cost);
    iad_query_i64(&q, row->ms);
    iad_query_i64(&q, row->attempts);
    iad_query_text(&q, row->colour ? row->colour : "");
    iad_query_text(&q, row->batch);
    iad_query_id(&q, row->run_id);
    iad_query_text(&q, now);
    IAD_TRY(iad_query_run(&q, "an answer", err));
    *added = iad_query_changes(m) > 0;
    IAD_TRY(iad_query_open(&q, m, "annotate_trouble", "DELETE FROM annotate_trouble WHERE unit=?", err));
    iad_query_blob(&q, row->unit, 32);
    return iad_query_run(&q, "trouble", err);
}

static iad_status put_finding(iad_manifest *m, const uint8_t *unit, const iad_finding *f, iad_err *err) {
    iad_query q;
    IAD_TRY(iad_query_open(&q, m, "annotate_verdict",
                           "INSERT INTO annotate_verdict(unit,check_name,field,weight,detail) VALUES(?,?,?,?,?) ON CONFLICT DO NOTHING", err));
    iad_query_blob(&q, unit, 32);
    iad_query_text(&q, f->check);
    iad_query_text(&q, f->field);
    iad_query_text(&q, f->fail ? "fail" : "note");
    iad_query_text(&q, f->why);
    return iad_query_run(&q, f->check, err);
}

static void caption_params(char out[100], const uint8_t unit[32]) {
    char hex[IAD_SHA256_HEX];
    iad_hex(unit, 32, hex);
    snprintf(out, 100, "{\"unit\":\"%s\"}", hex);
}

iad_status iad_annotate_captions_put(iad_manifest *m, const uint8_t unit[IAD_UNIT_BYTES], int64_t image_id, const iad_prompt *p, const char *model,
                                     char *const *texts, int verified, iad_err *err) {
    char params[100];
    int64_t id;
    caption_params(params, unit);
    for (size_t i = 0; i < p->n_fields; i++) {
        const iad_caption_row row = {.image_id = image_id,
                                     .aspect = p->fields[i].aspect,
                                     .lang = p->lang,
                                     .text = texts[i],
                                     .model = model,
                                     .params = params,
                                     .prompt_sha256 = p->sha256,
                                     .verified = verified};
        IAD_TRY(iad_caption_put(m, &row, &id, err));
    }
    return IAD_OK;
}

iad_status iad_annotate_captions_drop(iad_manifest *m, const uint8_t unit[IAD_UNIT_BYTES], int64_t image_id, iad_err *err) {
    char params[100];
    iad_query q;
    caption_params(params, unit);
    IAD_TRY(iad_query_open(&q, m, "caption", "DELETE FROM caption WHERE image_id=? AND params=?", err));
    iad_query_i64(&q, image_id);
    iad_query_text(&q, params);
    return iad_query_run(&q, "captions", err);
}

/* The crawl looks for another picture the next time it runs. */
static iad_status refuse_picture(iad_manifest *m, int64_t image_id, int64_t run_id, const char *why, iad_err *err) {
    char now[32], reason[IAD_WHY + 16];
    iad_query q;
    iad_annotate_now(now);
    snprintf(reason, sizeof reason, "off_topic: %s", why);
    IAD_TRY(iad_query_open(&q, m, "crawl_rejection",
                           "INSERT INTO crawl_rejection(sha256,reason,run_id,at) SELECT sha256,?2,?3,?4 FROM crawl_picture WHERE image_id=?1 ON "
                           "CONFLICT(sha256) DO NOTHING",
                           err));
    iad_query_i64(&q, image_id);
    iad_query_text(&q, reason);
    iad_query_id(&q, run_id);
    iad_query_text(&q, now);
    IAD_TRY(iad_query_run(&q, "an off-topic picture", err));
    if (!iad_query_changes(m)) return IAD_OK;
    IAD_TRY(iad_query_open(&q, m, "image", "UPDATE image SET part='none',note='not kept any more: off topic' WHERE id=?", err));
    iad_query_i64(&q, image_id);
    IAD_TRY(iad_query_run(&q, "an off-topic picture", err));
    IAD_TRY(iad_query_open(&q, m, "crawl_goal",
                           "UPDATE crawl_goal SET state='open' WHERE state='done' AND category_id=(SELECT category_id FROM image WHERE id=?)", err));
    iad_query_i64(&q, image_id);
    return iad_query_run(&q, "an off-topic picture", err);
}

iad_status iad_annotate_answer_put(iad_manifest *m, const iad_answer_row *row, const iad_chat_answer *answer, const iad_judged *j, int *added,
                                   iad_err *err) {
    const char *detail = NULL;
    for (size_t i = 0; i < j->n && !detail; i++)
        if (j->findings[i].fail) detail = j->findings[i].why;
    IAD_TRY(put_row(m, row, j->ok ? "ok" : "rejected", detail, answer, added, err));
    for (size_t i = 0; *added && i < j->n; i++) {
        IAD_TRY(put_finding(m, row->unit, &j->findings[i], err));
        if (row->feedback && j->ok && !strcmp(j->findings[i].check, "relevance"))
            IAD_TRY(refuse_picture(m, row->image_id, row->run_id, j->findings[i].why, err));
    }
    if (!*added || !j->ok || j->withhold) return IAD_OK;
    return iad_annotate_captions_put(m, row->unit, row->image_id, row->prompt, row->model, j->texts, 0, err);
}

iad_status iad_annotate_final_put(iad_manifest *m, const iad_answer_row *row, const char *state, const char *detail, iad_err *err) {
    int added;
    return put_row(m, row, state, detail, NULL, &added, err);
}

iad_status iad_annotate_trouble_put(iad_manifest *m, const iad_answer_row *row, const char *class_name, const char *detail, iad_err *err) {
    char now[32];
    iad_query q;
    iad_annotate_now(now);
    IAD_TRY(iad_query_open(&q, m, "annotate_trouble",
                           "INSERT INTO annotate_trouble(unit,image_id,model,class,detail,attempts,at) VALUES(?,?,?,?,?,?,?) ON CONFLICT(unit) DO "
                           "UPDATE SET class=excluded.class,"
                           "detail=excluded.detail,attempts=attempts+excluded.attempts,at=excluded.at",
                           err));
    iad_query_blob(&q, row->unit, 32);
    iad_query_i64(&q, row->image_id);
    iad_query_text(&q, row->model);
    iad_query_text(&q, class_name);
    iad_query_text(&q, detail);
    iad_query_i64(&q, row->attempts);
    iad_query_text(&q, now);
    return iad_query_run(&q, "trouble", err);
}
