#include "train/data/sampletext.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "manifests/canonical.h"

#define MARK "<image>"
enum { MARK_BYTES = sizeof MARK - 1, MAX_TOKENS = 1 << 22 };

/* ---- spans ---- */

static iad_status add_span(iad_word_spans *spans, int64_t begin, int64_t end, int row_class, iad_err *err) {
    size_t n = spans->n;
    IAD_TRY(iad_grow((void **)&spans->place, &spans->cap, 2 * (n + 1), sizeof *spans->place, 2 * IAD_SAMPLE_MAX_SPANS, "marked words", err));
    IAD_TRY(iad_grow((void **)&spans->row_class, &spans->cap_class, n + 1, sizeof *spans->row_class, IAD_SAMPLE_MAX_SPANS, "marked words", err));
    spans->place[2 * n] = (size_t)begin;
    spans->place[2 * n + 1] = (size_t)end;
    spans->row_class[spans->n++] = row_class;
    return IAD_OK;
}

iad_status iad_word_spans_parse(const char *json, int row_class, const char *text, iad_word_spans *spans, iad_err *err) {
    json_t *list;
    int64_t length = (int64_t)strlen(text);
    if (!json || !*json) return IAD_OK;
    IAD_TRY(iad_json_parse(json, strlen(json), 4, "spans", &list, err));
    iad_status status = json_is_array(list) ? IAD_OK : IAD_FAIL(err, IAD_ERR_FORMAT, "spans: no list");
    for (size_t i = 0; status == IAD_OK && i < json_array_size(list); i++) {
        const json_t *entry = json_array_get(list, i), *begin = json_array_get(entry, 0), *end = json_array_get(entry, 1);
        int64_t from = json_is_integer(begin) ? json_integer_value(begin) : -1, to = json_is_integer(end) ? json_integer_value(end) : -1;
        if (from < 0 || to <= from || to > length) status = IAD_FAIL(err, IAD_ERR_FORMAT, "spans[%zu]: no bytes of the question", i);
        else status = add_span(spans, from, to, row_class, err);
    }
    json_decref(list);
    return status;
}

void iad_word_spans_deinit(iad_word_spans *spans) {
    free(spans->place);
    free(spans->row_class);
    *spans = (iad_word_spans){0};
}

/* ---- tokens ---- */

iad_status iad_token_writer_init(iad_token_writer *w, const iad_tokenizer *tokenizer, iad_token_scratch *scratch, size_t max_image, iad_err *err) {
    *w = (iad_token_writer){.tokenizer = tokenizer, .scratch = scratch, .max_image = max_image};
    IAD_TRY(iad_chat_ids_find(tokenizer, &w->chat, err));
    w->image_at = iad_calloc(max_image, sizeof *w->image_at);
    return w->image_at ? IAD_OK : IAD_NOMEM(err, "the places of the pictures");
}

void iad_token_writer_deinit(iad_token_writer *w) {
    iad_token_list_deinit(&w->ids);
    free(w->target);
    free(w->image_at);
    *w = (iad_token_writer){0};
}

/* Appends ids; supervised: each is the target of the row before it. */
static iad_status append(iad_token_writer *w, const int32_t *ids, size_t n, int supervised, iad_err *err) {
    IAD_TRY(iad_grow((void **)&w->target, &w->cap_target, w->ids.n + n, sizeof *w->target, MAX_TOKENS, "the tokens of a sample", err));
    for (size_t i = 0; i < n; i++) {
        if (supervised) w->target[w->ids.n - 1] = ids[i];
        w->target[w->ids.n] = -1;
        IAD_TRY(iad_token_list_add(&w->ids, ids[i], 0, 0, 0, err));
    }
    return IAD_OK;
}

static iad_status append_text(iad_token_writer *w, const char *text, int supervised, iad_err *err) {
    iad_token_list list = {0};
    iad_status status = iad_tokenizer_encode(w->tokenizer, w->scratch, text, strlen(text), 0, &list, err);
    if (status == IAD_OK) status = append(w, list.ids, list.n, supervised, err);
    iad_token_list_deinit(&list);
    return status;
}

/* ---- questions ---- */

/* The message's items: texts between the marks (none when there is nothing) and pictures. *items is owned by the caller. */
static iad_status cut_items(const char *text, iad_chat_item **items, size_t *n, size_t *n_image, iad_err *err) {
    size_t cap = 0;
    *items = NULL;
    *n = *n_image = 0;
    for (const char *at = text; *at;) {
        const char *mark = strstr(at, MARK);
        size_t bytes = mark ? (size_t)(mark - at) : strlen(at);
        IAD_TRY(iad_grow((void **)items, &cap, *n + 2, sizeof **items, IAD_CHAT_MAX_ITEMS, "parts of a question", err));
        if (bytes) (*items)[(*n)++] = (iad_chat_item){IAD_CHAT_TEXT, at, bytes};
        if (mark) {
            (*items)[(*n)++] = (iad_chat_item){.kind = IAD_CHAT_IMAGE};
            ++*n_image;
        }
        at += bytes + (mark ? MARK_BYTES : 0);
    }
    return IAD_OK;
}

static int is_canonical(const iad_chat_item *last) {
    static const char *const known[] = {IAD_CANONICAL_QUESTION, IAD_CANONICAL_QUESTION_ALONE};
    for (int i = 0; i < 2; i++)
        if (strcmp(last->text, known[i]) == 0) return 1; /* the last item's text ends with the message's */
    return 0;
}

/* 1 when the bytes from begin to end lie in this text. */
static int holds(const iad_chat_item *item, const char *begin, const char *end) {
    return item->kind == IAD_CHAT_TEXT && begin >= item->text && end <= item->text + item->n;
}

static iad_status find_words(const iad_chat_tokens *tokens, const iad_chat_item *items, size_t n, const char *text, const iad_word_spans *spans,
                             const iad_paper_config *paper, iad_map_words *words, iad_err *err) {
    if (n > 0 && items[n - 1].kind == IAD_CHAT_TEXT && is_canonical(&items[n - 1]))
        return iad_map_words_find(words, paper, tokens, 0, n - 1, items[n - 1].text, err);
    for (size_t s = 0; s < spans->n; s++) {
        size_t begin = spans->place[2 * s], end = spans->place[2 * s + 1], item = 0;
        while (item < n && !holds(&items[item], text + begin, text + end)) item++;
        if (item == n) return IAD_FAIL(err, IAD_ERR_FORMAT, "spans[%zu]: runs across an " MARK " mark", s);
        size_t offset = (size_t)(items[item].text - text);
        IAD_TRY(iad_map_words_add(words, tokens, 0, item, begin - offset, end - offset, spans->row_class[s], err));
    }
    return IAD_OK;
}

iad_status iad_token_writer_question(iad_token_writer *w, const char *text, const iad_word_spans *spans, const iad_paper_config *paper,
                                     iad_map_words *words, iad_err *err) {
    iad_chat_item *items = NULL;
    iad_chat_tokens tokens = {0};
    size_t n, n_image, before = w->ids.n;
    int first = before == 0;
    iad_status status = cut_items(text, &items, &n, &n_image, err);
    if (status == IAD_OK && n_image > w->max_image - w->n_image)
        status = IAD_FAIL(err, IAD_ERR_FORMAT, "the texts have at least %zu " MARK " marks for %zu pictures", w->n_image + n_image, w->max_image);
    const iad_chat_message message = {.role = IAD_ROLE_USER, .items = items, .n = status == IAD_OK ? n : 0};
    int flags = IAD_CHAT_GENERATE | (first ? 0 : IAD_CHAT_NO_DEFAULT_SYSTEM);
    if (status == IAD_OK) status = iad_chat_render(w->tokenizer, w->scratch, &message, 1, flags, &tokens, err);
    if (status == IAD_OK) status = append(w, tokens.tokens.ids, tokens.tokens.n, 0, err);
    for (size_t i = 0; status == IAD_OK && i < tokens.n_runs; i++)
        if (tokens.runs[i].is_image) w->image_at[w->n_image++] = before + tokens.runs[i].begin;
    if (status == IAD_OK && words) status = find_words(&tokens, items, n, text, spans, paper, words, err);
    iad_chat_tokens_deinit(&tokens);
    free(items);
    return status;
}

iad_status iad_token_writer_answer(iad_token_writer *w, const char *text, iad_err *err) {
    if (strstr(text, MARK)) return IAD_FAIL(err, IAD_ERR_FORMAT, "an " MARK " mark in an answer");
    IAD_TRY(append_text(w, text, 1, err));
    IAD_TRY(append(w, &w->chat.im_end, 1, 1, err));
    return append_text(w, "\n", 0, err);
}
