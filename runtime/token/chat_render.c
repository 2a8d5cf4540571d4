#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "runtime/token/chat.h"

enum { MAX_PARTS = 1 << 24 };

iad_status iad_chat_ids_find(const iad_tokenizer *tok, iad_chat_ids *ids, iad_err *err) {
    static const char *const names[] = {"<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>"};
    int32_t *to[] = {&ids->im_start, &ids->im_end, &ids->vision_start, &ids->vision_end, &ids->image_pad};
    for (int i = 0; i < 5; i++) {
        *to[i] = iad_tokenizer_id(tok, names[i]);
        if (!iad_tokenizer_is_added(tok, *to[i]))
            return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "the tokenizer has no added token %s", names[i]);
    }
    return IAD_OK;
}

void iad_chat_tokens_deinit(iad_chat_tokens *out) {
    iad_token_list_deinit(&out->tokens);
    free(out->runs);
    free(out->texts);
    free(out->text_begin);
    free(out->text_end);
    memset(out, 0, sizeof *out);
}

/* Text gathers here until a control token ends it; only then is it tokenised, in one go. */
typedef struct renderer {
    const iad_tokenizer *tok;
    iad_token_scratch *scratch;
    iad_chat_ids ids;
    iad_buf text;
    size_t first_text; /* texts[first_text ..] lie in `text` */
    iad_chat_tokens *out;
} renderer;

static iad_status add_run(iad_chat_tokens *out, int is_image, size_t begin, size_t n, iad_err *err) {
    iad_chat_run *last = out->n_runs ? &out->runs[out->n_runs - 1] : NULL;
    if (last && !is_image && !last->is_image) {
        last->n += n;
        return IAD_OK;
    }
    IAD_TRY(iad_grow((void **)&out->runs, &out->cap_runs, out->n_runs + 1, sizeof *out->runs, MAX_PARTS, "runs of a chat", err));
    out->runs[out->n_runs++] = (iad_chat_run){is_image, begin, n, is_image ? out->n_images : SIZE_MAX};
    if (is_image) out->n_images++;
    return IAD_OK;
}

/* Tokenises the gathered text. */
static iad_status flush(renderer *r, iad_err *err) {
    iad_chat_tokens *out = r->out;
    size_t first = out->tokens.n;
    if (r->text.len) {
        IAD_TRY(iad_tokenizer_encode(r->tok, r->scratch, r->text.data, r->text.len, IAD_TOKEN_OFFSETS, &out->tokens, err));
        IAD_TRY(add_run(out, 0, first, out->tokens.n - first, err));
    }
    for (; r->first_text < out->n_texts; r->first_text++) {
        out->texts[r->first_text].first = first;
        out->texts[r->first_text].n = out->tokens.n - first;
    }
    iad_buf_reset(&r->text);
    return IAD_OK;
}

static iad_status control(renderer *r, int32_t id, iad_err *err) {
    IAD_TRY(flush(r, err));
    size_t at = r->out->tokens.n;
    IAD_TRY(iad_token_list_add(&r->out->tokens, id, 1, 0, 0, err));
    return add_run(r->out, id == r->ids.image_pad, at, 1, err);
}

static iad_status user_text(renderer *r, size_t message, size_t item, const char *text, size_t n, iad_err *err) {
    iad_chat_tokens *out = r->out;
    size_t k = out->n_texts;
    IAD_TRY(iad_grow((void **)&out->texts, &out->cap_texts, k + 1, sizeof *out->texts, MAX_PARTS, "texts of a chat", err));
    IAD_TRY(iad_grow((void **)&out->text_begin, &out->cap_text_begin, k + 1, sizeof(size_t), MAX_PARTS, "texts of a chat", err));
    IAD_TRY(iad_grow((void **)&out->text_end, &out->cap_text_end, k + 1, sizeof(size_t), MAX_PARTS, "texts of a chat", err));
    out->texts[k] = (iad_chat_text){message, item, 0, 0};
    out->text_begin[k] = r->text.len;
    out->text_end[k] = r->text.len + n;
    out->n_texts++;
    return n ? iad_buf_add(&r->text, text, n, err) : IAD_OK;
}

static iad_status open_message(renderer *r, iad_chat_role role, iad_err *err) {
    static const char *const roles[] = {"system\n", "user\n", "assistant\n"};
    IAD_TRY(control(r, r->ids.im_start, err));
    return iad_buf_add_str(&r->text, roles[role], err);
}

static iad_status close_message(renderer *r, iad_err *err) {
    IAD_TRY(control(r, r->ids.im_end, err));
    return iad_buf_add(&r->text, "\n", 1, err);
}

static iad_status render(renderer *r, const iad_chat_message *messages, size_t n, int flags, iad_err *err) {
    if (!(flags & IAD_CHAT_NO_DEFAULT_SYSTEM) && (!n || messages[0].role != IAD_ROLE_SYSTEM)) {
        IAD_TRY(open_message(r, IAD_ROLE_SYSTEM, err));
        IAD_TRY(user_text(r, SIZE_MAX, 0, IAD_CHAT_DEFAULT_SYSTEM, strlen(IAD_CHAT_DEFAULT_SYSTEM), err));
        IAD_TRY(close_message(r, err));
    }
    for (size_t m = 0; m < n; m++) {
        if ((unsigned)messages[m].role > IAD_ROLE_ASSISTANT) return IAD_FAIL(err, IAD_ERR_ARG, "message %zu has no such role", m);
        IAD_TRY(open_message(r, messages[m].role, err));
        for (size_t i = 0; i < messages[m].n; i++) {
            const iad_chat_item *item = &messages[m].items[i];
            if (item->kind == IAD_CHAT_TEXT) {
                IAD_TRY(user_text(r, m, i, item->text, item->n, err));
                continue;
            }
            if (flags & IAD_CHAT_VISION_ID) IAD_TRY(iad_buf_addf(&r->text, err, "Picture %zu: ", r->out->n_images + 1));
            IAD_TRY(control(r, r->ids.vision_start, err));
            IAD_TRY(control(r, r->ids.image_pad, err));
            IAD_TRY(control(r, r->ids.vision_end, err));
        }
        IAD_TRY(close_message(r, err));
    }
    if (flags & IAD_CHAT_GENERATE) IAD_TRY(open_message(r, IAD_ROLE_ASSISTANT, err));
    return flush(r, err);
}

iad_status iad_chat_render(const iad_tokenizer *tok, iad_token_scratch *scratch, const iad_chat_message *messages, size_t n,
                           int flags, iad_chat_tokens *out, iad_err *err) {
    out->tokens.n = out->n_runs = out->n_texts = out->n_images = 0;
    renderer r = {.tok = tok, .scratch = scratch, .out = out};
    IAD_TRY(iad_chat_ids_find(tok, &r.ids, err));
    iad_buf_init(&r.text, (size_t)IAD_CHAT_MAX_TEXT + (1u << 20));
    iad_status status = render(&r, messages, n, flags, err);
    iad_buf_deinit(&r.text);
    return status;
}

iad_status iad_chat_span(const iad_chat_tokens *out, size_t message, size_t item, size_t begin, size_t end, size_t *first,
                         size_t *count, iad_err *err) {
    *first = *count = 0;
    for (size_t k = 0; k < out->n_texts; k++) {
        const iad_chat_text *text = &out->texts[k];
        if (text->message != message || text->item != item) continue;
        size_t length = out->text_end[k] - out->text_begin[k];
        if (begin >= end || end > length)
            return IAD_FAIL(err, IAD_ERR_ARG, "bytes %zu to %zu of a text of %zu bytes", begin, end, length);
        size_t from = out->text_begin[k] + begin, until = out->text_begin[k] + end;
        for (size_t i = text->first; i < text->first + text->n; i++) {
            if (out->tokens.end[i] <= from || out->tokens.begin[i] >= until) continue;
            if (!*count) *first = i;
            *count = i - *first + 1;
        }
        return *count ? IAD_OK : IAD_FAIL(err, IAD_ERR_INTERNAL, "no token covers bytes %zu to %zu", begin, end);
    }
    return IAD_FAIL(err, IAD_ERR_ARG, "message %zu has no text item %zu", message, item);
}

iad_status iad_chat_expand(const iad_chat_tokens *out, const uint32_t *image_tokens, iad_token_list *ids, iad_err *err) {
    size_t before = ids->n;
    for (size_t r = 0; r < out->n_runs; r++) {
        const iad_chat_run *run = &out->runs[r];
        size_t n = run->is_image ? image_tokens[run->image] : run->n;
        for (size_t i = 0; i < n; i++) {
            iad_status status = iad_token_list_add(ids, out->tokens.ids[run->is_image ? run->begin : run->begin + i], 0, 0, 0, err);
            if (status != IAD_OK) {
                ids->n = before;
                return status;
            }
        }
    }
    return IAD_OK;
}

size_t iad_chat_expanded(const iad_chat_tokens *out, const uint32_t *image_tokens, size_t position) {
    size_t at = position;
    for (size_t r = 0; r < out->n_runs && out->runs[r].begin < position; r++)
        if (out->runs[r].is_image) at += image_tokens[out->runs[r].image] - (size_t)1;
    return at;
}
