/* What came back for a chat request, whatever it was: an answer, an error of the service, or none at all. */
#ifndef IAD_ANNOTATE_LVLMREPLY_H
#define IAD_ANNOTATE_LVLMREPLY_H

#include "annotate/client/chatanswer.h"
#include "annotate/client/lvlmerror.h"
#include "base/http/http.h"
#include "base/secret.h"

typedef struct iad_lvlm_reply {
    iad_lvlm_verdict verdict;
    iad_chat_answer answer; /* class OK: what was said */
    char code[96];          /* of the error body, "" without one */
    char detail[400];       /* of other classes: what is known in words, valid UTF-8 */
} iad_lvlm_reply;

/* Reads and judges; key (NULL: none) is hidden in the answer's body first. *reply is initialised here; deinit ends its answer. */
void iad_lvlm_reply_init(iad_lvlm_reply *reply, const iad_http_answer *http, const iad_secret *key);
void iad_lvlm_reply_deinit(iad_lvlm_reply *reply);

#endif
