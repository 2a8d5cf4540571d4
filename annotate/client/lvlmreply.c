#include "annotate/client/lvlmreply.h"

#include "base/text.h"

void iad_lvlm_reply_init(iad_lvlm_reply *reply, const iad_http_answer *http, const iad_secret *key) {
    size_t n = http->body ? http->body->len : 0;
    char *body = n ? http->body->data : NULL;
    int fine = http->status >= 200 && http->status < 300;
    iad_err why = IAD_ERR_NONE;
    *reply = (iad_lvlm_reply){.verdict = {IAD_LVLM_TRANSIENT, IAD_LVLM_RETRY}};
    if (body && key) iad_secret_hide(key, body, n);
    if (http->error != IAD_HTTP_NONE) {
        reply->verdict = iad_lvlm_classify(http->error == IAD_HTTP_ADDRESS || http->error == IAD_HTTP_BAD_URL ? 403 : 0, "", http->message);
        iad_text_copy(reply->detail, sizeof reply->detail, http->message);
    } else if (fine && iad_chat_answer_parse(&reply->answer, body ? body : "", n, &why) == IAD_OK) {
        reply->verdict = iad_lvlm_classify(http->status, "", "");
    } else {
        iad_lvlm_error_body(body ? body : "", n, reply->code, reply->detail);
        /* A body that is broken or stops in its middle is trouble that passes; an error in an envelope of 200 is that error. */
        if (fine && !*reply->code) iad_text_copy(reply->detail, sizeof reply->detail, why.msg);
        else reply->verdict = iad_lvlm_classify(http->status, reply->code, reply->detail);
    }
}

void iad_lvlm_reply_deinit(iad_lvlm_reply *reply) { iad_chat_answer_deinit(&reply->answer); }
