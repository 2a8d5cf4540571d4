#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "runtime/engine/engine.h"

/* A prompt on its way into the session. */
typedef struct syncing {
    iadgpt_session *s;
    iad_request request;
    iadgpt_exemplars *set;  /* borrowed; NULL: none */
    int64_t max_tokens;
    iad_chat_message *messages;
    iad_chat_item *items;
    const iadgpt_picture *pictures[IAD_MAX_PROMPT_IMAGES];
    int n_picture;
    iad_chat_tokens tokens;
    iad_timeline wanted;
} syncing;

/* The message that the pictures of the exemplar set stand in front of; -1: none. */
static int first_user(const iadgpt_message *messages, int n) {
    for (int i = 0; i < n; i++)
        if (messages[i].role == IADGPT_ROLE_USER) return i;
    return -1;
}

static iad_status take_messages(syncing *y, const iadgpt_message *messages, int n, iad_err *err) {
    const iad_chat_role roles[] = {[IADGPT_ROLE_SYSTEM] = IAD_ROLE_SYSTEM, [IADGPT_ROLE_USER] = IAD_ROLE_USER,
                                   [IADGPT_ROLE_ASSISTANT] = IAD_ROLE_ASSISTANT};
    size_t n_item = 0, at = 0;
    if (messages == NULL || n < 1 || n > IAD_CHAT_MAX_MESSAGES)
        return IAD_FAIL(err, IAD_ERR_ARG, "a chat of 1 to %d messages is needed", IAD_CHAT_MAX_MESSAGES);
    for (int i = 0; i < n; i++) {
        if (messages[i].n_items < 0 || messages[i].n_items > IAD_CHAT_MAX_ITEMS || (messages[i].n_items > 0 && messages[i].items == NULL))
            return IAD_FAIL(err, IAD_ERR_ARG, "message %d: %d items", i + 1, messages[i].n_items);
        if ((int)messages[i].role < 0 || messages[i].role > IADGPT_ROLE_ASSISTANT)
            return IAD_FAIL(err, IAD_ERR_ARG, "message %d: no such role", i + 1);
        n_item += (size_t)messages[i].n_items;
    }
    int k = y->set != NULL ? y->set->k : 0, user = y->set != NULL ? first_user(messages, n) : -1;
    if (y->set != NULL && user < 0) return IAD_FAIL(err, IAD_ERR_ARG, "an exemplar set needs a message of the user to stand in front of");
    n_item += (size_t)k;
    y->messages = iad_calloc((size_t)n, sizeof *y->messages);
    y->items = iad_calloc(n_item, sizeof *y->items);
    if (y->messages == NULL || y->items == NULL) return IAD_NOMEM(err, "the chat");
    for (int i = 0; i < n; i++) {
        y->messages[i] = (iad_chat_message){.role = roles[messages[i].role], .items = y->items + at, .n = (size_t)messages[i].n_items};
        for (int j = 0; i == user && j < k; j++, at++, y->messages[i].n++) {
            y->items[at] = (iad_chat_item){.kind = IAD_CHAT_IMAGE};
            y->pictures[y->n_picture++] = NULL; /* the set has it */
        }
        for (int j = 0; j < messages[i].n_items; j++, at++) {
            const iadgpt_item *item = &messages[i].items[j];
            if ((item->text == NULL) == (item->picture == NULL))
                return IAD_FAIL(err, IAD_ERR_ARG, "message %d, item %d: either a text or a picture", i + 1, j + 1);
            if (item->text != NULL) {
                y->items[at] = (iad_chat_item){.kind = IAD_CHAT_TEXT, .text = item->text, .n = strlen(item->text)};
                continue;
            }
            if (y->n_picture == IAD_MAX_PROMPT_IMAGES)
                return IAD_FAIL(err, IAD_ERR_LIMIT, "more than %d pictures in one chat", IAD_MAX_PROMPT_IMAGES);
            y->items[at] = (iad_chat_item){.kind = IAD_CHAT_IMAGE};
            y->pictures[y->n_picture++] = item->picture;
        }
    }
    return IAD_OK;
}

/* The timeline that the prompt asks for; pictures are hashed, not encoded. */
static iad_status plan(syncing *y, iad_err *err) {
    const iad_chat_tokens *t = &y->tokens;
    int side = y->request.image.patch * y->request.image.merge;
    for (size_t i = 0; i < t->n_runs; i++) {
        const iad_chat_run *run = &t->runs[i];
        if (!run->is_image) {
            for (size_t j = 0; j < run->n; j++) IAD_TRY(iad_timeline_add_text(&y->wanted, t->tokens.ids[run->begin + j], err));
            continue;
        }
        iad_hash key;
        iad_resize_record size;
        if (y->pictures[run->image] == NULL) {
            const iad_unit *unit = y->wanted.n < y->set->line.n ? &y->set->line.units[y->wanted.n] : NULL;
            if (unit == NULL || !unit->is_image) return IAD_FAIL(err, IAD_ERR_ARG, "an exemplar set goes with the default system message");
            IAD_TRY(iad_timeline_add_image(&y->wanted, unit->id, &unit->key, unit->lh, unit->lw, unit->kept, unit->n_row, err));
            continue;
        }
        iad_status status = iad_picture_key(y->pictures[run->image], &y->request, NULL, &key, &size, err);
        if (status != IAD_OK) return iad_err_prefix(err, "picture %zu", run->image + 1);
        IAD_TRY(iad_timeline_add_image(&y->wanted, y->s->engine->ids.image_pad, &key, size.resized_h / side, size.resized_w / side, NULL, 0, err));
    }
    if (y->max_tokens > 0 && y->wanted.n_row > y->max_tokens)
        return IAD_FAIL(err, IAD_ERR_LIMIT, "a prompt of %lld tokens, at most %lld are allowed", (long long)y->wanted.n_row,
                        (long long)y->max_tokens);
    return IAD_OK;
}

/* Units of the exemplar set that begin this prompt: all of them, or the prompt is not one of this set. */
static iad_status check_set(const syncing *y, iad_err *err) {
    const iad_timeline *line = &y->set->line;
    size_t same = 0;
    while (same < line->n && same < y->wanted.n && iad_unit_same(&line->units[same], &y->wanted.units[same])) same++;
    if (same < line->n || same == y->wanted.n)
        return IAD_FAIL(err, IAD_ERR_ARG, "an exemplar set goes with the default system message and with pictures or text behind its own");
    return IAD_OK;
}

/* Shortens the session to its first n units. Rows of a shared prefix that stay are copied when not all of it does. */
static iad_status cut(iadgpt_session *s, size_t n, iad_err *err) {
    iad_timeline_cut(&s->line, n);
    int64_t rows = s->line.n_row, shared = s->prefix != NULL ? s->prefix->kv.len : 0;
    if (rows >= shared) {
        s->tail.len = rows - shared;
        return IAD_OK;
    }
    s->tail.len = 0;
    IAD_TRY(iad_kv_reserve(&s->tail, s->queue, rows, err));
    for (int layer = 0; layer < s->tail.n_layer; layer++) {
        IAD_TRY(s->queue->ops->copy(s->queue, iad_kv_keys(&s->prefix->kv, layer, 0, rows), iad_kv_keys(&s->tail, layer, 0, rows), err));
        IAD_TRY(s->queue->ops->copy(s->queue, iad_kv_values(&s->prefix->kv, layer, 0, rows), iad_kv_values(&s->tail, layer, 0, rows), err));
    }
    s->tail.len = rows;
    iad_exemplars_release(s->prefix);
    s->prefix = NULL;
    return IAD_OK;
}

/* The longest prefix that is already there, in the session or in a stored exemplar set. At least one unit is left to compute. */
static iad_status reuse(syncing *y, size_t *same, iad_err *err) {
    iadgpt_session *s = y->s;
    size_t n = 0, most = y->wanted.n - 1;
    while (n < s->line.n && n < most && iad_unit_same(&s->line.units[n], &y->wanted.units[n])) n++;
    iadgpt_exemplars *stored = y->set != NULL && y->set->line.n > n ? iad_exemplars_retain(y->set)
        : iad_shelf_longest(&s->engine->shelf, &y->wanted, n);
    if (stored != NULL && stored->line.n <= most) {
        iad_session_reset(s);
        s->prefix = stored;
        n = stored->line.n;
        iad_timeline_deinit(&s->line);
        IAD_TRY(iad_timeline_copy(&stored->line, n, &s->line, err));
    } else {
        iad_exemplars_release(stored);
        IAD_TRY(cut(s, n, err));
    }
    *same = n;
    return IAD_OK;
}

static iad_status feed(syncing *y, size_t from, iad_err *err) {
    iadgpt_session *s = y->s;
    int image = 0;
    for (size_t i = 0; i < from; i++) image += y->wanted.units[i].is_image;
    int64_t pos = s->line.next_pos;
    IAD_TRY(iad_feed_start(s, y->wanted.n_row - s->line.n_row, err));
    int32_t *ids = iad_alloc(y->wanted.n, sizeof *ids);
    if (ids == NULL) return IAD_NOMEM(err, "the prompt");
    iad_status status = IAD_OK;
    for (size_t i = from; i < y->wanted.n && status == IAD_OK;) {
        if (y->wanted.units[i].is_image) {
            iad_encoded e;
            int one;
            status = iad_session_encode(s, y->pictures[image++], 1, &y->request, &e, &one, err);
            if (status != IAD_OK) break;
            status = iad_feed_image(s, &e, NULL, 0, &pos, err);
            iad_encoded_deinit(&e);
            i++;
            continue;
        }
        int64_t n = 0;
        while (i < y->wanted.n && !y->wanted.units[i].is_image) ids[n++] = y->wanted.units[i++].id;
        status = iad_feed_text(s, ids, n, &pos, err);
    }
    free(ids);
    if (status != IAD_OK) return status;
    const iad_text_seq seq = {.row = 0, .n_row = s->feed.n_row, .prefix = s->prefix != NULL ? &s->prefix->kv : NULL, .tail = &s->tail};
    return iad_feed_run(s, &seq, 1, s->logits, err);
}

static iad_status take_settings(syncing *y, const iadgpt_settings *settings, iad_err *err) {
    IAD_TRY(iad_request_init(&y->request, y->s->engine, settings, err));
    iadgpt_settings all = iad_settings_complete(settings);
    y->max_tokens = all.max_prompt_tokens;
    if (all.exemplars == NULL) return IAD_OK;
    if (all.exemplars->engine != y->s->engine) return IAD_FAIL(err, IAD_ERR_ARG, "the exemplar set belongs to another engine");
    memcpy(&y->set, &all.exemplars, sizeof y->set); /* counting references is the one change that a const set allows */
    y->request.image = y->set->request.image;
    return IAD_OK;
}

static iad_status run(syncing *y, const iadgpt_message *messages, int n, const iadgpt_settings *settings, iad_err *err) {
    iadgpt_session *s = y->s;
    IAD_TRY(take_settings(y, settings, err));
    IAD_TRY(take_messages(y, messages, n, err));
    IAD_TRY(iad_chat_render(s->engine->tokenizer, s->scratch, y->messages, (size_t)n, IAD_CHAT_GENERATE, &y->tokens, err));
    IAD_TRY(plan(y, err));
    if (y->set != NULL) IAD_TRY(check_set(y, err));
    size_t same = 0;
    IAD_TRY(reuse(y, &same, err));
    s->timings.reused_tokens = s->line.n_row;
    IAD_TRY(feed(y, same, err));
    iad_timeline_deinit(&s->line);
    s->line = y->wanted;
    y->wanted = (iad_timeline){0};
    s->timings.prompt_tokens = s->line.n_row;
    free(s->prompt_ids);
    s->n_prompt_ids = 0;
    s->prompt_ids = iad_alloc(s->line.n, sizeof *s->prompt_ids);
    if (s->prompt_ids == NULL) return IAD_NOMEM(err, "the prompt");
    for (size_t i = 0; i < s->line.n; i++) s->prompt_ids[s->n_prompt_ids++] = s->line.units[i].id;
    s->prompt_units = s->line.n;
    s->prompt_rows = s->line.n_row;
    s->prompt_next = s->line.next_pos;
    s->ready = 1;
    return IAD_OK;
}

iad_status iad_session_sync(iadgpt_session *s, const iadgpt_message *messages, int n, const iadgpt_settings *settings, iad_err *err) {
    s->timings = (iadgpt_timings){0};
    s->ready = 0;
    syncing *y = iad_calloc(1, sizeof *y);
    if (y == NULL) return IAD_NOMEM(err, "the chat");
    y->s = s;
    iad_status status = run(y, messages, n, settings, err);
    if (status != IAD_OK) iad_session_reset(s);
    iad_request_deinit(&y->request);
    iad_chat_tokens_deinit(&y->tokens);
    iad_timeline_deinit(&y->wanted);
    free(y->messages);
    free(y->items);
    free(y);
    return status;
}
