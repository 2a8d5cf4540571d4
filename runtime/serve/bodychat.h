/* The body of POST /v1/chat/completions. */
#ifndef IAD_SERVE_BODYCHAT_H
#define IAD_SERVE_BODYCHAT_H

#include "runtime/serve/bodypicture.h"

enum { IAD_CHAT_MAX_STOPS = 4, IAD_CHAT_MAX_TOP = 20, IAD_SET_ID = 16 };

typedef struct iad_chat_body {
    json_t *root;               /* owned; texts are borrowed from it */
    iadgpt_message *messages;   /* [n_messages], items point into `items` */
    int32_t n_messages;
    iadgpt_item *items;
    iad_source *sources;        /* [n_sources] pictures in order of appearance */
    int32_t *source_item;       /* [n_sources] the item that waits for it */
    size_t n_sources;
    const char *stops[IAD_CHAT_MAX_STOPS];
    char *schema;               /* owned; NULL: free text */
    const char **choices;       /* owned list */
    iadgpt_generate_options generate; /* callbacks are the caller's */
    iadgpt_settings settings;
    const char *exemplar_set;   /* NULL: none */
    int stream, include_usage, logprobs;
} iad_chat_body;

/* model: the only name that "model" may hold. Everything is checked that needs no picture and no model. Errors: IAD_ERR_FORMAT, IAD_ERR_ARG,
 * IAD_ERR_LIMIT, IAD_ERR_UNSUPPORTED, IAD_ERR_NOT_FOUND (another model); body->param names the member. Free with iad_chat_body_deinit, also after a
 * failure. */
iad_status iad_chat_body_read(iad_body *body, const char *json, size_t n, const char *model, const iad_serve_limits *limits, iad_chat_body *chat,
                              iad_err *err);
void iad_chat_body_deinit(iad_chat_body *chat);

#endif
