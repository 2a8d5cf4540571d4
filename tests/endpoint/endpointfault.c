#include "tests/endpoint/endpointfault.h"

#include <string.h>

#include "base/rng.h"

/* Codes and the telling parts of messages as the services send them; the other words are ours. */
const iad_ep_kind iad_ep_kinds[] = {
    {"rate", IAD_EP_PASSING, 429, "limit_requests", "You exceeded your current requests limit for this model.", IAD_EP_COMPATIBLE, NULL},
    {"rate_after", IAD_EP_PASSING, 429, "limit_requests", "You exceeded your current requests limit for this model.", IAD_EP_COMPATIBLE, "1"},
    {"rate_camel", IAD_EP_PASSING, 429, "LimitRequests", "You exceeded your current requests limit for this model.", IAD_EP_COMPATIBLE, NULL},
    {"rate_quota", IAD_EP_PASSING, 429, "Throttling.RateQuota", "Requests rate limit exceeded, please try again later.", IAD_EP_NATIVE, NULL},
    {"burst", IAD_EP_PASSING, 429, "limit_burst_rate", "Request rate increased too quickly.", IAD_EP_COMPATIBLE, NULL},
    {"burst_native", IAD_EP_PASSING, 429, "Throttling.BurstRate", "Request rate increased too quickly.", IAD_EP_NATIVE, NULL},
    {"throttling", IAD_EP_PASSING, 429, "Throttling", "The system throttles requests, try again later.", IAD_EP_NATIVE, NULL},
    {"concurrency", IAD_EP_PASSING, 429, "Throttling.Concurrency", "Too many requests at the same time.", IAD_EP_NATIVE, NULL},
    {"tokens", IAD_EP_PASSING, 429, "insufficient_quota", "You exceeded your current quota of tokens per minute.", IAD_EP_COMPATIBLE, NULL},
    {"allocation", IAD_EP_PASSING, 429, "Throttling.AllocationQuota", "Allocated quota exceeded, please increase your quota limit.", IAD_EP_NATIVE,
     NULL},
    {"timeout", IAD_EP_PASSING, 408, "RequestTimeOut", "Request timed out, please try again later.", IAD_EP_COMPATIBLE, NULL},
    {"server", IAD_EP_PASSING, 500, "internal_server_error", "An internal error has occurred.", IAD_EP_COMPATIBLE, NULL},
    {"internal", IAD_EP_PASSING, 500, "InternalError.Algo", "The algorithm failed.", IAD_EP_NATIVE, NULL},
    {"service", IAD_EP_PASSING, 500, "ModelServiceFailed", "Failed to request model service.", IAD_EP_NATIVE, NULL},
    {"gateway", IAD_EP_PASSING, 502, "", "Bad Gateway", IAD_EP_HTML, NULL},
    {"unavailable", IAD_EP_PASSING, 503, "ServiceUnavailable", "The service is overloaded.", IAD_EP_COMPATIBLE, "1"},
    {"gateway_late", IAD_EP_PASSING, 504, "", "", IAD_EP_EMPTY, NULL},
    {"reset", IAD_EP_PASSING, 0, "", "", IAD_EP_EMPTY, NULL},

    {"inspection", IAD_EP_FILTER, 400, "data_inspection_failed", "Input data may contain inappropriate content.", IAD_EP_COMPATIBLE, NULL},
    {"inspection_native", IAD_EP_FILTER, 400, "DataInspectionFailed", "Output data may contain inappropriate content.", IAD_EP_NATIVE, NULL},
    {"infringement", IAD_EP_FILTER, 400, "IPInfringementSuspect", "Input data is suspected of infringing on the rights of others.", IAD_EP_COMPATIBLE,
     NULL},
    {"faq_rule", IAD_EP_FILTER, 400, "FaqRuleBlocked", "Input or output data is blocked by a rule.", IAD_EP_COMPATIBLE, NULL},
    {"custom_role", IAD_EP_FILTER, 400, "CustomRoleBlocked", "Input or output data is blocked by a custom rule.", IAD_EP_COMPATIBLE, NULL},

    {"image_size", IAD_EP_INPUT, 400, "InvalidParameter", "The image length and width do not meet the model restrictions.", IAD_EP_COMPATIBLE, NULL},
    {"image_decode", IAD_EP_INPUT, 400, "InvalidParameter", "Failed to decode the image during the data inspection.", IAD_EP_COMPATIBLE, NULL},
    {"image_bytes", IAD_EP_INPUT, 400, "InvalidParameter", "Exceeded limit on max bytes per data-uri item : 10485760.", IAD_EP_NATIVE, NULL},
    {"image_type", IAD_EP_INPUT, 400, "InvalidParameter", "Wrong Content-Type of multimodal url.", IAD_EP_COMPATIBLE, NULL},

    {"quota_gone", IAD_EP_STOP, 429, "insufficient_quota", "Your quota has been exhausted, check your plan.", IAD_EP_COMPATIBLE, "1814400"},
    {"free_gone", IAD_EP_STOP, 429, "Throttling.AllocationQuota", "Free allocated quota exceeded.", IAD_EP_NATIVE, NULL},
    {"not_purchased", IAD_EP_STOP, 429, "CommodityNotPurchased", "Commodity has not been purchased yet.", IAD_EP_COMPATIBLE, NULL},
    {"prepaid", IAD_EP_STOP, 429, "PrepaidBillOverdue", "The prepaid bill is overdue.", IAD_EP_COMPATIBLE, NULL},
    {"postpaid", IAD_EP_STOP, 429, "PostpaidBillOverdue", "The postpaid bill is overdue.", IAD_EP_COMPATIBLE, NULL},
    {"arrearage", IAD_EP_STOP, 400, "Arrearage", "Access denied, make sure that your account is in good standing.", IAD_EP_COMPATIBLE, NULL},
    {"free_only", IAD_EP_STOP, 403, "AllocationQuota.FreeTierOnly", "The free tier of the model has been used up.", IAD_EP_COMPATIBLE, NULL},
    {"denied", IAD_EP_STOP, 403, "AccessDenied.Unpurchased", "Access to the model is denied.", IAD_EP_COMPATIBLE, NULL},
    {"endpoint_denied", IAD_EP_STOP, 403, "Endpoint.AccessDenied", "The endpoint is not open to this account.", IAD_EP_COMPATIBLE, NULL},
    {"key", IAD_EP_STOP, 401, "invalid_api_key", "Incorrect API key provided.", IAD_EP_COMPATIBLE, NULL},
    {"model", IAD_EP_STOP, 404, "model_not_found", "The model does not exist or you do not have access to it.", IAD_EP_COMPATIBLE, NULL},
    {"parameter", IAD_EP_STOP, 400, "InvalidParameter", "The parameter top_p is out of range.", IAD_EP_COMPATIBLE, NULL},

    {"slow", IAD_EP_FLOW, 200, "", "", IAD_EP_EMPTY, NULL},      /* a few bytes at a time, whole in the end */
    {"stalled", IAD_EP_FLOW, 200, "", "", IAD_EP_EMPTY, NULL},   /* half of it, then silence */
    {"cut", IAD_EP_FLOW, 200, "", "", IAD_EP_EMPTY, NULL},       /* half of it, then the connection closes */
    {"not_json", IAD_EP_FLOW, 200, "", "", IAD_EP_EMPTY, NULL},  /* a web page with status 200 */
    {"half_json", IAD_EP_FLOW, 200, "", "", IAD_EP_EMPTY, NULL}, /* half of it as if it were all */

    {"fenced", IAD_EP_ANSWER, 200, "", "", IAD_EP_EMPTY, NULL},      /* right, inside a code fence */
    {"wrong_model", IAD_EP_ANSWER, 200, "", "", IAD_EP_EMPTY, NULL}, /* right, from a model of another name */
    {"broken", IAD_EP_ANSWER, 200, "", "", IAD_EP_EMPTY, NULL},      /* JSON that lacks its end */
    {"length", IAD_EP_ANSWER, 200, "", "", IAD_EP_EMPTY, NULL},      /* cut at max_tokens, and it says so */
    {"filtered", IAD_EP_ANSWER, 200, "", "", IAD_EP_EMPTY, NULL},    /* finish_reason content_filter */
    {"empty", IAD_EP_ANSWER, 200, "", "", IAD_EP_EMPTY, NULL},
    {"prose", IAD_EP_ANSWER, 200, "", "", IAD_EP_EMPTY, NULL}, /* the schema is ignored */
    {"missing_key", IAD_EP_ANSWER, 200, "", "", IAD_EP_EMPTY, NULL},
    {"wrong_type", IAD_EP_ANSWER, 200, "", "", IAD_EP_EMPTY, NULL},
    {"refusal", IAD_EP_ANSWER, 200, "", "", IAD_EP_EMPTY, NULL},
    {"refusal_zh", IAD_EP_ANSWER, 200, "", "", IAD_EP_EMPTY, NULL},
    {"language", IAD_EP_ANSWER, 200, "", "", IAD_EP_EMPTY, NULL},
    {"short", IAD_EP_ANSWER, 200, "", "", IAD_EP_EMPTY, NULL},
    {"long", IAD_EP_ANSWER, 200, "", "", IAD_EP_EMPTY, NULL},
    {"repetition", IAD_EP_ANSWER, 200, "", "", IAD_EP_EMPTY, NULL},
    {"markdown", IAD_EP_ANSWER, 200, "", "", IAD_EP_EMPTY, NULL},
    {"address", IAD_EP_ANSWER, 200, "", "", IAD_EP_EMPTY, NULL},
    {"alike", IAD_EP_ANSWER, 200, "", "", IAD_EP_EMPTY, NULL}, /* one text three times */
    {"hedging", IAD_EP_ANSWER, 200, "", "", IAD_EP_EMPTY, NULL},
    {"off_topic", IAD_EP_ANSWER, 200, "", "", IAD_EP_EMPTY, NULL}, /* valid: the picture does not show the category */
};
const int iad_ep_n_kinds = sizeof iad_ep_kinds / sizeof *iad_ep_kinds;
_Static_assert(sizeof iad_ep_kinds / sizeof *iad_ep_kinds <= IAD_EP_MAX_KINDS, "shares have a place for every kind");

const char *iad_ep_family_name(iad_ep_family family) {
    static const char *const names[] = {"passing", "filter", "input", "stop", "flow", "answer"};
    return names[family];
}

int iad_ep_kind_find(const char *name) {
    for (int k = 0; k < iad_ep_n_kinds; k++)
        if (!strcmp(iad_ep_kinds[k].name, name)) return k;
    return -1;
}

static iad_status parse_word(const char *word, iad_ep_script *script, iad_err *err) {
    char name[32];
    const char *equal = strchr(word, '=');
    if (!strcmp(word, "none") || !strcmp(word, "all") || iad_text_starts(word, "all=")) {
        int64_t each = *word == 'n' ? 0 : 3;
        if (word[3] == '=') IAD_TRY(iad_parse_i64(word + 4, 0, 20, "all", &each, err));
        for (int k = 0; k < iad_ep_n_kinds; k++) script->shares[k] = iad_ep_kinds[k].family != IAD_EP_STOP ? (int)each : 0;
        return IAD_OK;
    }
    iad_text_copy(name, sizeof name, word);
    if (equal && (size_t)(equal - word) < sizeof name) name[equal - word] = '\0';
    const int kind = iad_ep_kind_find(name);
    int64_t share = 0;
    if (!equal || kind < 0) return IAD_FAIL(err, IAD_ERR_ARG, "fault \"%s\": none, all, or KIND=THOUSANDTHS is wanted (--kinds lists them)", word);
    IAD_TRY(iad_parse_i64(equal + 1, 0, 1000, name, &share, err));
    script->shares[kind] = (int)share;
    return IAD_OK;
}

iad_status iad_ep_shares_parse(const char *text, iad_ep_script *script, iad_err *err) {
    iad_strings words = {0};
    iad_status status = iad_strings_split(&words, text, ',', err);
    for (size_t i = 0; status == IAD_OK && i < words.n; i++) status = parse_word(words.items[i], script, err);
    iad_strings_deinit(&words);
    int sum = 0;
    for (int k = 0; k < iad_ep_n_kinds; k++) sum += script->shares[k];
    return status == IAD_OK && sum > 1000 ? IAD_FAIL(err, IAD_ERR_ARG, "faults: %d thousandths in all", sum) : status;
}

iad_status iad_ep_order_parse(const char *text, iad_ep_script *script, iad_err *err) {
    if (script->n_orders == IAD_EP_MAX_ORDERS) return IAD_FAIL(err, IAD_ERR_LIMIT, "more than %d orders", IAD_EP_MAX_ORDERS);
    iad_ep_order *order = &script->orders[script->n_orders];
    iad_strings words = {0};
    iad_status status = iad_strings_split(&words, text, ':', err);
    if (status == IAD_OK && (words.n != 3 || (order->kind = iad_ep_kind_find(words.items[0])) < 0))
        status = IAD_FAIL(err, IAD_ERR_ARG, "order \"%s\": KIND:FROM:COUNT is wanted (--kinds lists them)", text);
    if (status == IAD_OK) status = iad_parse_i64(words.items[1], 0, INT64_MAX / 2, "order: from", &order->from, err);
    if (status == IAD_OK) status = iad_parse_i64(words.items[2], 1, INT64_MAX / 2, "order: count", &order->count, err);
    if (status == IAD_OK) script->n_orders++;
    iad_strings_deinit(&words);
    return status;
}

int iad_ep_script_draw(const iad_ep_script *script, int64_t number, uint64_t request, int attempt) {
    for (int i = 0; i < script->n_orders; i++)
        if (number >= script->orders[i].from && number < script->orders[i].from + script->orders[i].count) return script->orders[i].kind;
    if (attempt >= script->attempts) return -1;
    iad_rng rng;
    iad_rng_init(&rng, script->seed ^ request, (uint64_t)attempt);
    int at = (int)iad_rng_below(&rng, 1000);
    for (int k = 0; k < iad_ep_n_kinds; k++)
        if ((at -= script->shares[k]) < 0) return k;
    return -1;
}
