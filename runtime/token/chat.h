/* Chat messages and their rendering by the Qwen2.5-VL template, straight into token ids.
 *
 * The template per message: <|im_start|> role "\n" content <|im_end|> "\n", content items in order with nothing between them,
 * an image being <|vision_start|><|image_pad|><|vision_end|>; a default system message comes first unless the first message has
 * role system; a generation prompt is <|im_start|>assistant "\n". Text between two control tokens is tokenised as one string,
 * as a renderer that builds one big string would have it, but with added tokens disabled: a user cannot type a control token. */
#ifndef IAD_RUNTIME_CHAT_H
#define IAD_RUNTIME_CHAT_H

#include "runtime/token/tokenizer.h"

#define IAD_CHAT_DEFAULT_SYSTEM "You are a helpful assistant."
#define IAD_CHAT_MAX_MESSAGES 4096
#define IAD_CHAT_MAX_ITEMS 65536                   /* of one message */
#define IAD_CHAT_MAX_TEXT (16u * 1024u * 1024u)    /* bytes of all texts together */
#define IAD_CHAT_MAX_JSON (64u * 1024u * 1024u)

typedef enum iad_chat_role { IAD_ROLE_SYSTEM, IAD_ROLE_USER, IAD_ROLE_ASSISTANT } iad_chat_role;
typedef enum iad_chat_kind { IAD_CHAT_TEXT, IAD_CHAT_IMAGE } iad_chat_kind;

typedef struct iad_chat_item {
    iad_chat_kind kind;
    const char *text; /* the text, or the path of the image (the renderer does not read it; may be NULL) */
    size_t n;         /* bytes of text */
} iad_chat_item;

typedef struct iad_chat_message {
    iad_chat_role role;
    const iad_chat_item *items;
    size_t n;
} iad_chat_message;

/* ---- JSON ---- */

/* A chat that owns its texts: messages[n] may be handed to iad_chat_render. */
typedef struct iad_chat {
    iad_chat_message *messages;
    size_t n;
    void *owner;
} iad_chat;
/* Parses [{"role": "user", "content": "text" | [{"type": "text", "text": ".."} | {"type": "image", "image": "path"}]} ...].
 * Roles system, user, assistant. Unknown keys and types, too many messages or bytes are refused. A string content is one text
 * item. Errors name the message: IAD_ERR_FORMAT, IAD_ERR_UNSUPPORTED, IAD_ERR_LIMIT. Free with iad_chat_deinit. */
iad_status iad_chat_parse(const char *json, size_t n, const char *name, iad_chat *chat, iad_err *err);
void iad_chat_deinit(iad_chat *chat);

/* ---- rendering ---- */

/* The control tokens, looked up once. */
typedef struct iad_chat_ids {
    int32_t im_start, im_end, vision_start, vision_end, image_pad;
} iad_chat_ids;
/* IAD_ERR_NOT_FOUND names the token that the checkpoint lacks. */
iad_status iad_chat_ids_find(const iad_tokenizer *tok, iad_chat_ids *ids, iad_err *err);

enum {
    IAD_CHAT_GENERATE = 1,  /* end with <|im_start|>assistant\n */
    IAD_CHAT_VISION_ID = 2, /* "Picture k: " before image k, counted from 1 over the whole chat */
    IAD_CHAT_NO_DEFAULT_SYSTEM = 4
};

/* A run of the compact sequence: either plain ids, or one image (one position, the <|image_pad|> that the caller repeats). */
typedef struct iad_chat_run {
    int is_image;
    size_t begin, n; /* compact positions; n = 1 for an image */
    size_t image;    /* index of the image in order of appearance; SIZE_MAX for ids */
} iad_chat_run;

/* Where a text item went: its tokens are among positions first .. first + n - 1. */
typedef struct iad_chat_text {
    size_t message, item; /* indices in the messages given; SIZE_MAX, 0 for the default system text */
    size_t first, n;
} iad_chat_text;

/* Zero-initialise. "Compact" sequence: every image is ONE position. */
typedef struct iad_chat_tokens {
    iad_token_list tokens; /* compact ids; begin/end: bytes within the text between two control tokens */
    iad_chat_run *runs;
    size_t n_runs, cap_runs;
    iad_chat_text *texts;
    size_t *text_begin, *text_end; /* of texts[i]: its bytes within that stretch of text */
    size_t n_texts, cap_texts, cap_text_begin, cap_text_end;
    size_t n_images;
} iad_chat_tokens;
void iad_chat_tokens_deinit(iad_chat_tokens *out);

/* Renders messages[n]; *out is emptied first. Errors: IAD_ERR_LIMIT, IAD_ERR_NOMEM, IAD_ERR_NOT_FOUND (no chat tokens). */
iad_status iad_chat_render(const iad_tokenizer *tok, iad_token_scratch *scratch, const iad_chat_message *messages, size_t n,
                           int flags, iad_chat_tokens *out, iad_err *err);

/* Compact positions whose token overlaps bytes begin .. end-1 of text item `item` of message `message`: a contiguous range
 * *first .. *first + *count - 1. A token that also covers neighbouring text counts ("defect" inside " defect").
 * IAD_ERR_ARG: no such text item, or an empty or too long span. */
iad_status iad_chat_span(const iad_chat_tokens *out, size_t message, size_t item, size_t begin, size_t end, size_t *first,
                         size_t *count, iad_err *err);

/* The sequence as the model sees it: image i repeated image_tokens[i] times (n_images counts). `ids` is appended to. */
iad_status iad_chat_expand(const iad_chat_tokens *out, const uint32_t *image_tokens, iad_token_list *ids, iad_err *err);
/* Position in the expanded sequence of a compact position (of the first token, for an image). position may equal the length. */
size_t iad_chat_expanded(const iad_chat_tokens *out, const uint32_t *image_tokens, size_t position);

#endif
