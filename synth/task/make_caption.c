/* Stage 1: a picture and what somebody wrote about it. One record for every caption; a picture without one gives none. Pictures whose label is
 * unknown (web pictures) are not in the pool, their captions count all the same. */
#include <inttypes.h>
#include <string.h>

#include "base/sha256.h"
#include "manifests/query.h"
#include "synth/task/draft.h"
#include "synth/task/taskmaker.h"

#define TASK "s1_caption"

static const char maker_name[] = "caption";

/* The caption's number for the seed: from what it says, so that further captions change no other record. */
static iad_status caption_number(const char *aspect, const char *lang, const char *text, uint32_t *number, iad_err *err) {
    iad_sha256 hash;
    uint8_t digest[IAD_SHA256_BYTES];
    IAD_TRY(iad_sha256_init(&hash, err));
    const char *parts[] = {aspect, lang, text};
    iad_status status = IAD_OK;
    for (int i = 0; i < 3 && status == IAD_OK; i++) status = iad_sha256_add(&hash, parts[i], strlen(parts[i]) + 1, err);
    IAD_TRY(iad_sha256_end(&hash, status, digest, err));
    *number = (uint32_t)digest[0] | (uint32_t)digest[1] << 8 | (uint32_t)digest[2] << 16 | (uint32_t)digest[3] << 24;
    return IAD_OK;
}

static iad_status make_record(iad_draft *draft, const iad_pool_item *item, const char *aspect, const char *lang, const char *text, iad_err *err) {
    const iad_template_form *form;
    uint32_t number;
    IAD_TRY(caption_number(aspect, lang, text, &number, err));
    IAD_TRY(iad_draft_start(draft, item, number, err));
    draft->lang = strcmp(lang, "zh") == 0 ? "zh" : "en";
    IAD_TRY(iad_draft_picture(draft, item, "query", 0, err));
    if (iad_draft_form(draft, TASK, aspect, &form, NULL) != IAD_OK) IAD_TRY(iad_draft_form(draft, TASK, "overall", &form, err));
    IAD_TRY(iad_draft_marks(draft, 0, err));
    IAD_TRY(iad_buf_add_str(&draft->answer, text, err));
    return iad_draft_emit(draft, 1, form, 0, 0, err);
}

/* Columns: id, pixel hash, file hash, width, height, test, aspect, lang, text. The pool knows the split scheme; pictures that it does not hold go by
 * the source's. */
static iad_status take_row(iad_draft *draft, iad_query *q, iad_err *err) {
    int64_t id = iad_query_col_i64(q, 0);
    const iad_pool_item *item = iad_task_pool_image(draft->pool, id);
    iad_pool_item stranger = {
        .image_id = id, .original = id, .width = (int)iad_query_col_i64(q, 3), .height = (int)iad_query_col_i64(q, 4), .delta_mean = -1};
    if (!item) {
        stranger.test = !draft->pool->eval && iad_query_col_i64(q, 5);
        if (!iad_query_col_bytes(q, 1, stranger.key, sizeof stranger.key) && !iad_query_col_bytes(q, 2, stranger.key, sizeof stranger.key))
            return IAD_FAIL(err, IAD_ERR_FORMAT, "picture %" PRId64 " has no hash", id);
        item = &stranger;
    }
    const char *aspect = iad_query_col_text(q, 6), *lang = iad_query_col_text(q, 7), *text = iad_query_col_text(q, 8);
    const char *reason = item->test                                                   ? "of a test part"
                         : !text                                                      ? "no caption"
                         : !*text || strstr(text, "<image>") || strstr(text, "<box:") ? "unusable caption"
                                                                                      : NULL;
    if (reason) {
        draft->sink->skip(draft->sink->user, maker_name, reason);
        return IAD_OK;
    }
    return make_record(draft, item, aspect, lang, text, err);
}

static iad_status make(iad_manifest *manifest, const iad_task_pool *pool, const iad_task_options *options, const iad_task_sink *sink, iad_err *err) {
    static const char sql[] = "SELECT i.id,i.pixel_sha256,i.sha256,i.width,i.height,i.part='test',c.aspect,c.lang,c.text FROM image i LEFT JOIN "
                              "caption c ON c.image_id=i.id"
                              " WHERE i.category_id=? AND i.bad=0 AND i.dup_of IS NULL ORDER BY i.path,c.aspect,c.lang,c.id";
    iad_draft draft;
    iad_query q;
    IAD_TRY(iad_query_open(&q, manifest, "caption", sql, err));
    iad_query_i64(&q, pool->category_id);
    iad_draft_init(&draft, maker_name, pool, options, sink);
    iad_status status = IAD_OK;
    while (status == IAD_OK && iad_query_next(&q)) status = take_row(&draft, &q, err);
    iad_draft_deinit(&draft);
    iad_status closed = iad_query_close(&q, status == IAD_OK ? err : NULL);
    return status != IAD_OK ? status : closed;
}

const iad_task_maker iad_maker_caption = {maker_name, 1, make};
