/* The bodies of answers: the envelope of a chat completion, and the JSON object that we asked for inside it. */
#ifndef IAD_ANNOTATE_CHATANSWER_H
#define IAD_ANNOTATE_CHATANSWER_H

#include <stdint.h>

#include "annotate/prompt/prompt.h"
#include "base/jsonflat.h"

#define IAD_CHAT_MAX_ANSWER (4u << 20)
#define IAD_CHAT_MAX_TEXT 16384 /* bytes of one text */

typedef struct iad_chat_answer {
    iad_json_flat json;                                      /* owned; the strings below belong to it */
    const char *content, *finish, *model, *id;               /* "" when absent */
    int64_t prompt_tokens, completion_tokens, cached_tokens; /* 0 when absent, never negative */
} iad_chat_answer;

/* Errors: IAD_ERR_FORMAT (no JSON, no choices[0].message.content), IAD_ERR_LIMIT. */
iad_status iad_chat_answer_parse(iad_chat_answer *answer, const char *body, size_t n, iad_err *err);
void iad_chat_answer_deinit(iad_chat_answer *answer);

typedef struct iad_answer_fields {
    iad_json_flat json;                       /* owned */
    const char *texts[IAD_PROMPT_MAX_FIELDS]; /* in the order of the prompt's fields */
    /* With prompt->flags. */
    int product_photo;
    double category_match;
    const char *object_count, *view, *watermark, *defect_visible, *defect_note, *language;
    /* With prompt->audit. */
    int64_t claims;
    size_t n_not_visible;
} iad_answer_fields;

/* Removes a code fence and words around the object, parses, demands the prompt's keys with their types and vocabularies. A number in quotes counts as
 * a number. The message says what is missing. Errors: IAD_ERR_FORMAT. */
iad_status iad_answer_fields_parse(iad_answer_fields *fields, const iad_prompt *prompt, const char *content, iad_err *err);
void iad_answer_fields_deinit(iad_answer_fields *fields);

#endif
