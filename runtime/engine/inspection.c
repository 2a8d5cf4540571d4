#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "runtime/engine/engine.h"

/* Everything one call holds. */
typedef struct inspection {
    iadgpt_session *s;
    const iadgpt_exemplars *set;
    iad_inspect_prompt prompt;
    const char *question;
    size_t *word;          /* compact positions of the map rows */
    int *word_class;
    float *word_weight;
    int n_word;
    iad_text_seq seqs[IAD_MAX_BATCH];
    iad_probe probes[IAD_MAX_BATCH];
    int64_t *rows;         /* [n][n_word] map rows inside each sequence */
    int64_t map_at[IAD_MAX_BATCH]; /* first float of each picture's two maps */
    iad_hash keys[IAD_MAX_BATCH];
    iad_encoded encoded[IAD_MAX_BATCH];
} inspection;

/* Compact positions behind the query's picture follow its tokens; those before it are the prefix and <|vision_start|>. */
static int64_t row_of(const inspection *in, size_t position, int64_t n_kept) {
    return position > in->prompt.query ? (int64_t)(position - in->prompt.split) - 1 + n_kept : (int64_t)(position - in->prompt.split);
}

static iad_status add_query(inspection *in, int i, iadgpt_result *result, iad_err *err) {
    iadgpt_session *s = in->s;
    const iad_request *request = &in->set->request;
    const iad_chat_tokens *tokens = &in->prompt.tokens;
    int compress = request->compress_query && in->set->k > 0 && request->retention < 1;
    const iad_encoded *e = &in->encoded[i];
    int32_t *kept = NULL;
    int64_t n_kept = e->tokens.rows, pos = in->set->line.next_pos, row = s->feed.n_row;
    iad_status status = IAD_OK;
    if (compress) status = iad_compress_select(s->queue, e->tokens, in->set->first.tokens, request->aligned, request->retention, &kept, &n_kept, err);
    if (status == IAD_OK) status = iad_feed_text(s, tokens->tokens.ids + in->prompt.split, 1, &pos, err);
    if (status == IAD_OK) status = iad_feed_image(s, e, kept, n_kept, &pos, err);
    size_t after = in->prompt.query + 1;
    if (status == IAD_OK) status = iad_feed_text(s, tokens->tokens.ids + after, (int64_t)(tokens->tokens.n - after), &pos, err);
    if (status == IAD_OK) {
        *result = (iadgpt_result){.source_height = e->size.source_h, .source_width = e->size.source_w, .resized_height = e->size.resized_h,
                                  .resized_width = e->size.resized_w};
        in->seqs[i] = (iad_text_seq){.row = row, .n_row = s->feed.n_row - row, .prefix = &in->set->kv, .tail = &s->batch[i]};
        s->batch[i].len = 0;
        if (!compress && in->n_word > 0) {
            result->grid_height = e->lh;
            result->grid_width = e->lw;
            for (int j = 0; j < in->n_word; j++) in->rows[(size_t)i * (size_t)in->n_word + (size_t)j] = row_of(in, in->word[j], n_kept);
        }
        /* The timeline of a single inspection lets generate, and later prompts, go on from here. */
        iad_timeline *line = &s->line;
        if (i == 0) status = iad_timeline_add_text(line, tokens->tokens.ids[in->prompt.split], err);
        if (i == 0 && status == IAD_OK)
            status = iad_timeline_add_image(line, s->engine->ids.image_pad, &in->keys[0], e->lh, e->lw, kept, n_kept, err);
        for (size_t j = after; i == 0 && status == IAD_OK && j < tokens->tokens.n; j++)
            status = iad_timeline_add_text(line, tokens->tokens.ids[j], err);
    }
    free(kept);
    return status;
}

static iad_status room_for_maps(iadgpt_session *s, size_t floats, iad_err *err) {
    const iad_ops *ops = s->queue->ops;
    if (floats > s->cap_maps) {
        free(s->maps);
        s->cap_maps = 0;
        s->maps = iad_alloc(floats, sizeof(float));
        if (s->maps == NULL) return IAD_NOMEM(err, "the maps");
        s->cap_maps = floats;
    }
    if (floats > s->cap_map_out) {
        ops->release(s->engine->device, s->map_out);
        s->map_out = NULL;
        s->cap_map_out = 0;
        IAD_TRY(ops->alloc(s->engine->device, floats * sizeof(float), &s->map_out, err));
        s->cap_map_out = floats;
    }
    return ops->zero(s->queue, s->map_out, floats * sizeof(float), err);
}

static iad_status aim_probes(inspection *in, const iadgpt_result *results, int n, int64_t *floats, iad_err *err) {
    iadgpt_session *s = in->s;
    *floats = 0;
    for (int i = 0; i < n; i++) {
        in->map_at[i] = *floats;
        *floats += 2 * (int64_t)results[i].grid_height * results[i].grid_width;
    }
    IAD_TRY(room_for_maps(s, (size_t)*floats, err));
    for (int i = 0; i < n; i++) {
        int64_t n_col = (int64_t)results[i].grid_height * results[i].grid_width;
        if (n_col == 0) continue;
        in->probes[i] = (iad_probe){.n_row = in->n_word, .row = in->rows + (size_t)i * (size_t)in->n_word, .row_class = in->word_class,
                                    .weight = in->word_weight, .n_class = 2, .col = in->set->line.n_row + 1, .n_col = n_col,
                                    .out = {.data = (float *)s->map_out + in->map_at[i], .rows = 2, .cols = n_col, .stride = n_col,
                                            .dtype = IAD_F32}};
        in->seqs[i].probe = &in->probes[i];
    }
    return IAD_OK;
}

static iad_status score(inspection *in, int n, iadgpt_result *results, iad_err *err) {
    iadgpt_session *s = in->s;
    size_t vocab = (size_t)s->engine->model->config.text.vocab;
    int64_t floats = 0;
    IAD_TRY(aim_probes(in, results, n, &floats, err));
    if ((size_t)n * vocab > s->cap_rows_logits) {
        free(s->rows_logits);
        s->rows_logits = iad_alloc((size_t)n * vocab, sizeof(float));
        s->cap_rows_logits = s->rows_logits != NULL ? (size_t)n * vocab : 0;
        if (s->rows_logits == NULL) return IAD_NOMEM(err, "the logits");
    }
    IAD_TRY(iad_feed_run(s, in->seqs, n, s->rows_logits, err));
    if (floats > 0) IAD_TRY(s->queue->ops->download(s->queue, s->maps, s->map_out, (size_t)floats * sizeof(float), err));
    for (int i = 0; i < n; i++) {
        const float *logits = s->rows_logits + (size_t)i * vocab;
        iadgpt_result *r = &results[i];
        r->logit_yes = logits[s->engine->yes];
        r->logit_no = logits[s->engine->no];
        double margin = (double)r->logit_no - (double)r->logit_yes;
        if (in->set->request.yes_is_defective) margin = -margin;
        r->score = 1.0 / (1.0 + exp(-margin)); /* paper, equation 4 */
        if (!isfinite(r->score)) return IAD_FAIL(err, IAD_ERR_FORMAT, "picture %d: the model's logits are not finite", i + 1);
        if (r->grid_height > 0) {
            r->anomaly = s->maps + in->map_at[i];
            r->normal = r->anomaly + (size_t)r->grid_height * (size_t)r->grid_width;
        }
        s->timings.prompt_tokens += in->set->line.n_row + in->seqs[i].n_row;
        s->timings.reused_tokens += in->set->line.n_row;
    }
    for (int i = 0; i < n; i++) results[i].timings = s->timings;
    return IAD_OK;
}

/* The difference to the exemplars' own maps. */
static iad_status subtract_mean(const inspection *in, int n, const iadgpt_result *results, iad_err *err) {
    const iadgpt_exemplars *set = in->set;
    if (!set->request.calibrate_map || set->map_mean == NULL) return IAD_OK;
    for (int i = 0; i < n; i++) {
        if (results[i].anomaly == NULL) continue;
        if (results[i].grid_height != set->map_h || results[i].grid_width != set->map_w)
            return IAD_FAIL(err, IAD_ERR_ARG, "picture %d has another grid than the exemplars, whose maps calibrate its own", i + 1);
        float *map = in->s->maps + in->map_at[i];
        for (size_t j = 0; j < 2 * (size_t)set->map_h * (size_t)set->map_w; j++) map[j] -= set->map_mean[j];
    }
    return IAD_OK;
}

static iad_status keep_ids(iadgpt_session *s, iad_err *err) {
    free(s->prompt_ids);
    s->n_prompt_ids = 0;
    s->prompt_ids = iad_alloc(s->line.n, sizeof *s->prompt_ids);
    if (s->prompt_ids == NULL) return IAD_NOMEM(err, "the prompt");
    for (size_t i = 0; i < s->line.n; i++) s->prompt_ids[s->n_prompt_ids++] = s->line.units[i].id;
    return IAD_OK;
}

/* One picture: its tail becomes the session's, so that generate can go on. */
static iad_status adopt(inspection *in, iad_err *err) {
    iadgpt_session *s = in->s;
    iad_kv tail = s->tail;
    s->tail = s->batch[0];
    s->batch[0] = tail;
    memcpy(s->logits, s->rows_logits, (size_t)s->engine->model->config.text.vocab * sizeof(float));
    IAD_TRY(keep_ids(s, err));
    s->prompt_units = s->line.n;
    s->prompt_rows = s->line.n_row;
    s->prompt_next = s->line.next_pos;
    s->ready = 1;
    return IAD_OK;
}

static iad_status run(inspection *in, const iadgpt_picture *pictures, int n, iadgpt_result *results, iad_err *err) {
    iadgpt_session *s = in->s;
    int side = in->set->request.image.patch * in->set->request.image.merge;
    int64_t rows = 0;
    IAD_TRY(iad_inspect_prompt_init(&in->prompt, s->engine, s->scratch, &in->set->request, in->set->k, err));
    IAD_TRY(iad_inspect_words(s->engine, &in->prompt, in->question, &in->word, &in->word_class, &in->word_weight, &in->n_word, err));
    in->rows = iad_calloc((size_t)n * (size_t)in->n_word, sizeof *in->rows);
    if (in->rows == NULL) return IAD_NOMEM(err, "the rows of the maps");
    for (int i = 0; i < n; i++) {
        iad_resize_record size;
        const iad_hash *reference = in->set->request.compress_query && in->set->k > 0 ? &in->set->first_key : NULL;
        iad_status status = iad_picture_key(&pictures[i], &in->set->request, reference, &in->keys[i], &size, err);
        if (status != IAD_OK) return iad_err_prefix(err, "picture %d", i + 1);
        rows += (int64_t)(size.resized_h / side) * (size.resized_w / side) + (int64_t)(in->prompt.tokens.tokens.n - in->prompt.split);
    }
    IAD_TRY(iad_feed_start(s, rows, err));
    iad_exemplars_release(s->prefix);
    s->prefix = NULL;
    iad_timeline_deinit(&s->line);
    IAD_TRY(iad_timeline_copy(&in->set->line, in->set->line.n, &s->line, err));
    for (int begin = 0, end; begin < n; begin = end) {
        int together = 0;
        IAD_TRY(iad_session_encode(s, pictures + begin, n - begin, &in->set->request, in->encoded + begin, &together, err));
        end = begin + together;
        for (int i = begin; i < end; i++) {
            IAD_TRY(add_query(in, i, &results[i], err));
            iad_encoded_deinit(&in->encoded[i]);
        }
    }
    IAD_TRY(score(in, n, results, err));
    IAD_TRY(subtract_mean(in, n, results, err));
    if (n > 1) return IAD_OK;
    iadgpt_exemplars *shared;
    memcpy(&shared, &in->set, sizeof shared); /* counting a reference is the one change that a const set allows */
    s->prefix = iad_exemplars_retain(shared);
    return adopt(in, err);
}

iad_status iad_session_inspect(iadgpt_session *s, const iadgpt_exemplars *set, const iadgpt_picture *pictures, int n, iadgpt_result *results,
                               iad_err *err) {
    if (set == NULL || pictures == NULL || results == NULL || n < 1 || n > IAD_MAX_BATCH)
        return IAD_FAIL(err, IAD_ERR_ARG, "an inspection takes an exemplar set and 1 to %d pictures", IAD_MAX_BATCH);
    if (set->engine != s->engine) return IAD_FAIL(err, IAD_ERR_ARG, "the exemplar set belongs to another engine");
    s->timings = (iadgpt_timings){0};
    s->ready = 0;
    inspection *in = iad_calloc(1, sizeof *in);
    if (in == NULL) return IAD_NOMEM(err, "the inspection");
    in->s = s;
    in->set = set;
    in->question = iad_request_question(&set->request, set->k);
    iad_status status = run(in, pictures, n, results, err);
    if (status != IAD_OK || n > 1) iad_session_reset(s);
    for (int i = 0; i < n; i++) iad_encoded_deinit(&in->encoded[i]);
    iad_inspect_prompt_deinit(&in->prompt);
    free(in->word);
    free(in->word_class);
    free(in->word_weight);
    free(in->rows);
    free(in);
    return status;
}
