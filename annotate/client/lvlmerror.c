#include "annotate/client/lvlmerror.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/text.h"

const char *iad_lvlm_class_name(iad_lvlm_class c) {
    static const char *const names[IAD_LVLM_N_CLASSES] = {"ok", "rate", "burst", "account", "filtered", "input", "bug", "transient"};
    return names[c];
}

typedef struct code_row {
    const char *code; /* '*' at the end: any code that begins so */
    iad_lvlm_class class;
} code_row;

/* The first that fits counts. */
static const code_row codes[] = {{"limit_burst_rate", IAD_LVLM_BURST},
                                 {"Throttling.BurstRate", IAD_LVLM_BURST},
                                 {"limit_requests", IAD_LVLM_RATE},
                                 {"LimitRequests", IAD_LVLM_RATE},
                                 {"rate_limit_exceeded", IAD_LVLM_RATE},
                                 {"Throttling*", IAD_LVLM_RATE},
                                 {"insufficient_quota", IAD_LVLM_RATE},
                                 {"CommodityNotPurchased", IAD_LVLM_ACCOUNT},
                                 {"PrepaidBillOverdue", IAD_LVLM_ACCOUNT},
                                 {"PostpaidBillOverdue", IAD_LVLM_ACCOUNT},
                                 {"Arrearage", IAD_LVLM_ACCOUNT},
                                 {"AllocationQuota.FreeTierOnly", IAD_LVLM_ACCOUNT},
                                 {"AccessDenied*", IAD_LVLM_ACCOUNT},
                                 {"Endpoint.AccessDenied", IAD_LVLM_ACCOUNT},
                                 {"model_not_found", IAD_LVLM_ACCOUNT},
                                 {"ModelNotFound", IAD_LVLM_ACCOUNT},
                                 {"invalid_api_key", IAD_LVLM_ACCOUNT},
                                 {"InvalidApiKey", IAD_LVLM_ACCOUNT},
                                 {"Model.AccessDenied", IAD_LVLM_ACCOUNT},
                                 {"data_inspection_failed", IAD_LVLM_FILTERED},
                                 {"DataInspectionFailed", IAD_LVLM_FILTERED},
                                 {"IPInfringementSuspect", IAD_LVLM_FILTERED},
                                 {"FaqRuleBlocked", IAD_LVLM_FILTERED},
                                 {"CustomRoleBlocked", IAD_LVLM_FILTERED},
                                 {"content_filter", IAD_LVLM_FILTERED},
                                 {"content_policy_violation", IAD_LVLM_FILTERED},
                                 {"RequestTimeOut", IAD_LVLM_TRANSIENT},
                                 {"ModelServiceFailed", IAD_LVLM_TRANSIENT},
                                 {"InternalError*", IAD_LVLM_TRANSIENT},
                                 {"internal_error", IAD_LVLM_TRANSIENT},
                                 {"internal_server_error", IAD_LVLM_TRANSIENT}};

static int has(const char *text, const char *word) {
    return strcasestr(text, word) != NULL;
}

static int code_class(const char *code, iad_lvlm_class *class) {
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        size_t n = strlen(codes[i].code);
        int fits = codes[i].code[n - 1] == '*' ? !strncmp(code, codes[i].code, n - 1) : !strcmp(code, codes[i].code);
        if (!fits) continue;
        *class = codes[i].class;
        return 1;
    }
    return 0;
}

static int about_picture(const char *message) {
    static const char *const words[] = {"length and width do not meet",
                                        "image length and width",
                                        "failed to decode",
                                        "max bytes per data-uri",
                                        "wrong content-type",
                                        "image format",
                                        "image size",
                                        "cannot identify image",
                                        "invalid image",
                                        "failed to load image"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (has(message, words[i])) return 1;
    return 0;
}

/* Quotas that do not come back by waiting. The same code stands for tokens per minute, which do. */
static int exhausted(const char *message) {
    return has(message, "quota has been exhausted") || has(message, "free allocated quota exceeded") ||
           has(message, "exceeded your current quota, please check your plan");
}

static iad_lvlm_class class_of(int status, const char *code, const char *message) {
    iad_lvlm_class class;
    if (status == 0) return IAD_LVLM_TRANSIENT;
    if (status >= 200 && status < 300 && !*code) return IAD_LVLM_OK;
    if (status == 401) return IAD_LVLM_ACCOUNT;
    if (code_class(code, &class)) return class == IAD_LVLM_RATE && exhausted(message) ? IAD_LVLM_ACCOUNT : class;
    if (status == 429) return exhausted(message) ? IAD_LVLM_ACCOUNT : IAD_LVLM_RATE;
    if (status == 408 || status == 409 || status == 425 || status >= 500) return IAD_LVLM_TRANSIENT;
    if (status == 402 || status == 403 || status == 404) return IAD_LVLM_ACCOUNT;
    if (status == 413 || about_picture(message)) return IAD_LVLM_INPUT;
    return IAD_LVLM_BUG;
}

iad_lvlm_verdict iad_lvlm_classify(int status, const char *code, const char *message) {
    static const iad_lvlm_action actions[IAD_LVLM_N_CLASSES] = {IAD_LVLM_TAKE, IAD_LVLM_BACK_OFF, IAD_LVLM_BACK_OFF, IAD_LVLM_STOP,
                                                                IAD_LVLM_CROP, IAD_LVLM_REENCODE, IAD_LVLM_COUNT,    IAD_LVLM_RETRY};
    iad_lvlm_class class = class_of(status, code, message);
    return (iad_lvlm_verdict){class, actions[class]};
}

static void put(char *out, size_t size, const char *text, size_t n) {
    if (n > size - 1) n = size - 1;
    n = iad_utf8_valid(text, n);
    memcpy(out, text, n);
    out[n] = 0;
    for (char *p = out; *p; p++)
        if ((unsigned char)*p < 32 || *p == 127) *p = ' ';
}

static void put_member(const json_t *object, const char *key, char *out, size_t size) {
    const json_t *v = json_object_get(object, key);
    if (json_is_string(v)) put(out, size, json_string_value(v), json_string_length(v));
    else if (json_is_integer(v)) snprintf(out, size, "%lld", (long long)json_integer_value(v));
}

void iad_lvlm_error_body(const char *body, size_t n, char code[96], char message[400]) {
    json_t *root = NULL;
    code[0] = message[0] = 0;
    if (n && n < (1u << 20) && iad_json_parse(body, n, 20, "error", &root, NULL) == IAD_OK && json_is_object(root)) {
        const json_t *error = json_object_get(root, "error");
        if (json_is_string(error)) put(message, 400, json_string_value(error), json_string_length(error));
        const json_t *object = json_is_object(error) ? error : root;
        put_member(object, "code", code, 96);
        if (!*code || strspn(code, "0123456789") == strlen(code)) {
            char type[96] = "";
            put_member(object, "type", type, sizeof type);
            if (json_is_object(error)) put(code, 96, type, strlen(type));
        }
        if (!*message) put_member(object, "message", message, 400);
    }
    if (!*code && !*message && n) put(message, 400, body, n);
    json_decref(root);
}

double iad_lvlm_wait(iad_lvlm_class c, int tries, double retry_after, double base, iad_rng *rng) {
    double most = (c == IAD_LVLM_BURST ? 5 * base : base);
    if (retry_after >= 0) return retry_after > 300 ? 300 : retry_after;
    for (int i = 1; i < tries && most < 60; i++) most *= 2;
    return iad_rng_range(rng, 0, most > 60 ? 60 : most);
}
