#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "runtime/engine/engine.h"

static iad_status key_fields(iad_sha256 *hash, const iadgpt_engine *engine, const iad_request *request, const iad_hash *image_keys, int k,
                             const int32_t *ids, size_t n_ids, iad_err *err) {
    const iad_preprocess_options *o = &request->image;
    const int64_t numbers[8] = {k, o->height, o->width, o->min_pixels, o->max_pixels, request->compress_query, request->yes_is_defective,
                                request->calibrate_map};
    const char *question = iad_request_question(request, k);
    IAD_TRY(iad_key_field(hash, "exemplars", "1", 1, err));
    IAD_TRY(iad_key_field(hash, "identity", engine->identity.bytes, sizeof engine->identity.bytes, err));
    IAD_TRY(iad_key_field(hash, "numbers", numbers, sizeof numbers, err));
    IAD_TRY(iad_key_field(hash, "retention", &request->retention, sizeof request->retention, err));
    IAD_TRY(iad_key_field(hash, "aligned", &request->aligned, sizeof request->aligned, err));
    IAD_TRY(iad_key_field(hash, "question", question, strlen(question), err));
    IAD_TRY(iad_key_field(hash, "ids", ids, n_ids * sizeof *ids, err));
    return iad_key_field(hash, "pictures", image_keys, (size_t)k * sizeof *image_keys, err);
}

iad_status iad_exemplars_key_of(const iadgpt_engine *engine, const iad_request *request, const iad_hash *image_keys, int k, const int32_t *ids,
                                size_t n_ids, iad_hash *key, iad_err *err) {
    iad_sha256 hash;
    IAD_TRY(iad_sha256_init(&hash, err));
    iad_status status = key_fields(&hash, engine, request, image_keys, k, ids, n_ids, err);
    return iad_sha256_end(&hash, status, key->bytes, err);
}

/* Keys of the pictures, chained: a compressed exemplar depends on the first one. */
static iad_status picture_keys(const iadgpt_picture *pictures, int k, const iad_request *request, iad_hash *keys, int64_t *n_token, iad_err *err) {
    int side = request->image.patch * request->image.merge;
    *n_token = 0;
    for (int i = 0; i < k; i++) {
        iad_resize_record size;
        const iad_hash *reference = i > 0 && request->retention < 1 ? &keys[0] : NULL;
        iad_status status = iad_picture_key(&pictures[i], request, reference, &keys[i], &size, err);
        if (status != IAD_OK) return iad_err_prefix(err, "exemplar %d", i + 1);
        *n_token += (int64_t)(size.resized_h / side) * (size.resized_w / side);
    }
    return IAD_OK;
}

/* Adds one exemplar to feed and timeline; the first one's tokens stay in set->first. */
static iad_status add_picture(iadgpt_session *s, iadgpt_exemplars *set, const iadgpt_picture *picture, const iad_hash *key, int i, iad_err *err) {
    iad_encoded e;
    int one;
    IAD_TRY(iad_session_encode(s, picture, 1, &set->request, &e, &one, err));
    int32_t *kept = NULL;
    int64_t n_kept = e.tokens.rows, pos = set->line.next_pos;
    iad_status status = IAD_OK;
    if (i > 0 && set->request.retention < 1)
        status = iad_compress_select(s->queue, e.tokens, set->first.tokens, set->request.aligned, set->request.retention, &kept, &n_kept, err);
    if (status == IAD_OK) status = iad_feed_image(s, &e, kept, n_kept, &pos, err);
    if (status == IAD_OK) status = iad_timeline_add_image(&set->line, s->engine->ids.image_pad, key, e.lh, e.lw, kept, n_kept, err);
    free(kept);
    if (i == 0 && status == IAD_OK) {
        set->first = e;
        set->first_key = *key;
    } else iad_encoded_deinit(&e);
    return status;
}

static iad_status fill(iadgpt_session *s, iadgpt_exemplars *set, const iadgpt_picture *pictures, const iad_hash *keys, int64_t n_token,
                       const iad_inspect_prompt *prompt, iad_err *err) {
    const iad_chat_tokens *tokens = &prompt->tokens;
    IAD_TRY(iad_feed_start(s, n_token + (int64_t)prompt->split, err));
    for (size_t i = 0; i < tokens->n_runs && tokens->runs[i].begin < prompt->split; i++) {
        const iad_chat_run *run = &tokens->runs[i];
        if (run->is_image) {
            IAD_TRY(add_picture(s, set, &pictures[run->image], &keys[run->image], (int)run->image, err));
            continue;
        }
        size_t n = run->begin + run->n > prompt->split ? prompt->split - run->begin : run->n;
        int64_t pos = set->line.next_pos;
        IAD_TRY(iad_feed_text(s, tokens->tokens.ids + run->begin, (int64_t)n, &pos, err));
        for (size_t j = 0; j < n; j++) IAD_TRY(iad_timeline_add_text(&set->line, tokens->tokens.ids[run->begin + j], err));
    }
    if (!set->request.compress_query) iad_encoded_deinit(&set->first);
    iad_kv_init(&set->kv, s->engine->model);
    const iad_text_seq seq = {.row = 0, .n_row = s->feed.n_row, .tail = &set->kv};
    return iad_feed_run(s, &seq, 1, NULL, err);
}

/* Mean maps of the exemplars, each inspected against the finished set. */
static iad_status calibrate_map(iadgpt_session *s, iadgpt_exemplars *set, const iadgpt_picture *pictures, iad_err *err) {
    for (int i = 0; i < set->k; i++) {
        iadgpt_result r;
        IAD_TRY(iad_session_inspect(s, set, &pictures[i], 1, &r, err));
        if (r.anomaly == NULL) return IAD_FAIL(err, IAD_ERR_ARG, "the question names no map word, so there is no map to calibrate");
        size_t n = 2 * (size_t)r.grid_height * (size_t)r.grid_width;
        if (i == 0) {
            set->map_mean = iad_calloc(n, sizeof *set->map_mean);
            if (set->map_mean == NULL) return IAD_NOMEM(err, "the mean map");
            set->map_h = r.grid_height;
            set->map_w = r.grid_width;
        }
        if (r.grid_height != set->map_h || r.grid_width != set->map_w)
            return IAD_FAIL(err, IAD_ERR_ARG, "calibrated maps need exemplars of one size, but exemplar %d has another grid", i + 1);
        for (size_t j = 0; j < n; j++) set->map_mean[j] += r.anomaly[j] / (float)set->k; /* both maps stand behind each other */
    }
    return IAD_OK;
}

static iad_status answer_tokens(const iadgpt_engine *engine, iad_err *err) {
    const iad_paper_config *paper = &engine->model->config.paper;
    if (engine->yes < 0) return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "\"%s\" is not one token of this tokenizer: no score can be read", paper->yes);
    if (engine->no < 0) return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "\"%s\" is not one token of this tokenizer: no score can be read", paper->no);
    return IAD_OK;
}

static iad_status prepare(iadgpt_session *s, const iadgpt_picture *pictures, int k, iadgpt_exemplars *set, iadgpt_exemplars **found, iad_err *err) {
    iad_hash keys[IAD_MAX_EXEMPLARS];
    int64_t n_token = 0;
    IAD_TRY(picture_keys(pictures, k, &set->request, keys, &n_token, err));
    iad_inspect_prompt prompt;
    IAD_TRY(iad_inspect_prompt_init(&prompt, s->engine, s->scratch, &set->request, k, err));
    iad_status status = iad_exemplars_key_of(s->engine, &set->request, keys, k, prompt.tokens.tokens.ids, prompt.split, &set->key, err);
    if (status == IAD_OK) *found = iad_shelf_find(&s->engine->shelf, &set->key);
    if (status == IAD_OK && *found == NULL) status = fill(s, set, pictures, keys, n_token, &prompt, err);
    iad_inspect_prompt_deinit(&prompt);
    return status;
}

iad_status iad_exemplars_prepare(iadgpt_session *s, const iadgpt_picture *pictures, int k, const iadgpt_settings *settings, iadgpt_exemplars **set,
                                 iad_err *err) {
    *set = NULL;
    s->timings = (iadgpt_timings){0};
    if (k < 0 || k > IAD_MAX_EXEMPLARS || (k > 0 && pictures == NULL))
        return IAD_FAIL(err, IAD_ERR_ARG, "%d exemplars: 0 to %d", k, IAD_MAX_EXEMPLARS);
    IAD_TRY(answer_tokens(s->engine, err));
    iadgpt_exemplars *made = iad_calloc(1, sizeof *made), *found = NULL;
    if (made == NULL) return IAD_NOMEM(err, "the exemplar set");
    atomic_init(&made->references, 1);
    made->engine = s->engine;
    made->k = k;
    iad_status status = iad_request_init(&made->request, s->engine, settings, err);
    if (status == IAD_OK) status = prepare(s, pictures, k, made, &found, err);
    iadgpt_timings timings = s->timings;
    if (status == IAD_OK && found == NULL && made->request.calibrate_map && k > 0) {
        made->request.calibrate_map = 0; /* raw maps until the mean is known */
        status = calibrate_map(s, made, pictures, err);
        made->request.calibrate_map = 1;
        iad_session_reset(s);
        timings.preprocess += s->timings.preprocess;
        timings.vision += s->timings.vision;
        timings.prefill += s->timings.prefill;
    }
    s->timings = timings;
    s->timings.prompt_tokens = found != NULL ? found->line.n_row : made->line.n_row;
    s->timings.reused_tokens = found != NULL ? found->line.n_row : 0;
    if (status != IAD_OK || found != NULL) {
        iad_exemplars_release(made);
        *set = found;
        return status;
    }
    iad_hex(made->key.bytes, sizeof made->key.bytes, made->key_hex);
    iad_shelf_put(&s->engine->shelf, made);
    *set = made;
    return IAD_OK;
}
