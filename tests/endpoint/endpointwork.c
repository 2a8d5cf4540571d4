#include "tests/endpoint/endpointwork.h"

#include <ctype.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/image/decode.h"
#include "base/json.h"
#include "base/sha256.h"

/* ---- reading ---- */

static const struct {
    const char *name, *first;
    iad_ep_type type;
} known[] = {{"shape_structure", "", IAD_EP_STRING},  {"material_surface", "", IAD_EP_STRING},
             {"details", "", IAD_EP_STRING},          {"text", "", IAD_EP_STRING},
             {"description", "", IAD_EP_STRING},      {"is_product_photo", "", IAD_EP_BOOL},
             {"category_match", "", IAD_EP_NUMBER},   {"object_count", "one", IAD_EP_STRING},
             {"view", "photo", IAD_EP_STRING},        {"watermark", "none", IAD_EP_STRING},
             {"defect_visible", "no", IAD_EP_STRING}, {"defect_note", "", IAD_EP_STRING},
             {"language", "", IAD_EP_STRING},         {"defect_text", "", IAD_EP_STRING},
             {"claims", "", IAD_EP_NUMBER},           {"not_visible", "", IAD_EP_ARRAY}};
enum { N_KNOWN = sizeof known / sizeof *known };

static void add_key(iad_ep_work *work, const char *name, const char *first, iad_ep_type type) {
    if (work->n_keys == IAD_EP_MAX_NAMES || strlen(name) >= IAD_EP_NAME) return;
    iad_text_copy(work->keys[work->n_keys].name, IAD_EP_NAME, name);
    iad_text_copy(work->keys[work->n_keys].first, IAD_EP_NAME, first);
    work->keys[work->n_keys++].type = type;
}

/* The keys of a JSON schema; of an enum its first word, or the one that fits a plain product photo. */
static void keys_of_schema(iad_ep_work *work, const json_t *schema) {
    const char *name;
    json_t *about;
    json_object_foreach(json_object_get(schema, "properties"), name, about) {
        const char *type = json_string_value(json_object_get(about, "type")),
                   *first = json_string_value(json_array_get(json_object_get(about, "enum"), 0));
        for (size_t i = 0; i < N_KNOWN; i++)
            if (first && !strcmp(known[i].name, name)) first = known[i].first;
        if (!type) type = "string";
        add_key(work, name, first ? first : "",
                !strcmp(type, "boolean")  ? IAD_EP_BOOL
                : !strcmp(type, "array")  ? IAD_EP_ARRAY
                : !strcmp(type, "string") ? IAD_EP_STRING
                                          : IAD_EP_NUMBER);
    }
}

/* The keys that a prompt names: behind its last "key", or in quotation marks anywhere. */
static void keys_of_prompt(iad_ep_work *work, const char *prompt) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz_";
    const char *list = NULL;
    for (const char *at = prompt; (at = strstr(at, "with the key")); at++) list = at;
    for (const char *at = prompt; (at = strstr(at, "键为")); at++) list = at;
    for (size_t i = 0; i < N_KNOWN; i++) {
        char quoted[IAD_EP_NAME + 2];
        const size_t n = strlen(known[i].name);
        snprintf(quoted, sizeof quoted, "\"%s\"", known[i].name);
        int there = strstr(prompt, quoted) != NULL;
        for (const char *at = list; at && !there && (at = strstr(at, known[i].name)); at += n)
            there = !strchr(letters, at[-1]) && (!at[n] || !strchr(letters, at[n]));
        if (there) add_key(work, known[i].name, known[i].first, known[i].type);
    }
}

/* Tokens of a text by a rule of thumb of byte pair encodings: a word of up to seven letters is one, of more two; a run of signs is one; so
 * is a Chinese character. */
static int64_t count_tokens(const char *text) {
    int64_t tokens = 0;
    while (*text) {
        size_t n = 0;
        if ((unsigned char)*text >= 0x80) {
            tokens += (unsigned char)*text >= 0xc0;
            n = 1;
        } else if (isalnum((unsigned char)*text)) {
            while (isalnum((unsigned char)text[n])) n++;
            tokens += n > 7 ? 2 : 1;
        } else {
            int signs = 0;
            for (; text[n] && (unsigned char)text[n] < 0x80 && !isalnum((unsigned char)text[n]); n++) signs |= !isspace((unsigned char)text[n]);
            tokens += signs;
        }
        text += n;
    }
    return tokens;
}

static int is_zh(const char *prompt) {
    size_t wide = 0, all = 0;
    for (; *prompt; prompt++) wide += (unsigned char)*prompt >= 0xe4 && (unsigned char)*prompt <= 0xe9, all++;
    return 20 * wide > all; /* prompts in Chinese name their keys in English */
}

static void category_of(iad_ep_work *work, const char *prompt) {
    static const char *const marks[] = {"Category: ", "类别：", "类别: "};
    iad_text_copy(work->category, sizeof work->category, work->zh ? "产品" : "object");
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        const char *at = strstr(prompt, marks[i]);
        if (!at) continue;
        at += strlen(marks[i]);
        char name[128];
        iad_text_copy(name, sizeof name, at);
        name[strcspn(name, "\n")] = '\0';
        name[iad_utf8_valid(name, strlen(name))] = '\0';
        size_t n = strlen(name);
        while (n && (name[n - 1] == '.' || name[n - 1] == ' ')) name[--n] = '\0';
        if (n) iad_ep_name_plain(work->category, sizeof work->category, name);
    }
}

static int round_to(int side, int cell) { return (side + cell / 2) / cell > 0 ? (side + cell / 2) / cell : 1; }

static iad_status read_picture(const iad_ep_rules *rules, const char *uri, iad_ep_work *work, int *fault, iad_err *err) {
    static const char mark[] = "data:image/jpeg;base64,";
    const size_t n = strlen(uri);
    work->pictures++;
    *fault = n > IAD_EP_MAX_DATA_URI ? iad_ep_kind_find("image_bytes") : strncmp(uri, mark, sizeof mark - 1) ? iad_ep_kind_find("image_type") : -1;
    if (*fault >= 0) return IAD_OK;
    const size_t text = n - (sizeof mark - 1);
    uint8_t *bytes = iad_alloc(text + 4, 1);
    if (!bytes) return IAD_NOMEM(err, "a picture");
    const int got = EVP_DecodeBlock(bytes, (const unsigned char *)uri + sizeof mark - 1, (int)text);
    iad_image image = {0};
    iad_image_info info = {0};
    iad_status status = IAD_OK;
    if (got <= 0 || iad_image_probe(bytes, (size_t)got, NULL, &info, NULL) != IAD_OK || info.format != IAD_IMAGE_JPEG)
        *fault = iad_ep_kind_find("image_decode");
    else if (info.width <= 10 || info.height <= 10 || info.width > 200 * info.height || info.height > 200 * info.width)
        *fault = iad_ep_kind_find("image_size");
    else if (rules->blind) {
        uint8_t digest[IAD_SHA256_BYTES];
        status = iad_sha256_bytes(bytes, (size_t)got, digest, err);
        memcpy(&work->look.hash, digest, sizeof work->look.hash);
        work->look.width = info.width;
        work->look.height = info.height;
    } else if (iad_image_decode(bytes, (size_t)got, NULL, NULL, &image, NULL, NULL) != IAD_OK)
        *fault = iad_ep_kind_find("image_decode");
    else
        status = iad_ep_look_at(&image, &work->look, err);
    const int cells = info.width && info.height ? round_to(info.width, rules->cell) * round_to(info.height, rules->cell) : 0;
    work->image_tokens += (cells < 4 ? 4 : cells > IAD_EP_FEW_TOKENS ? IAD_EP_FEW_TOKENS : cells) + 2;
    iad_image_deinit(&image);
    free(bytes);
    return status;
}

static iad_status read_parts(const iad_ep_rules *rules, const json_t *root, iad_ep_work *work, iad_buf *prompt, int *fault, iad_err *err) {
    json_t *messages = NULL, *message, *part;
    size_t i, k;
    IAD_TRY(iad_json_array(root, "messages", "body", &messages, err));
    json_array_foreach(messages, i, message) {
        const json_t *content = json_object_get(message, "content");
        if (json_is_string(content)) IAD_TRY(iad_buf_addf(prompt, err, "%s\n", json_string_value(content)));
        json_array_foreach(content, k, part) {
            const char *text = json_string_value(json_object_get(part, "text"));
            const char *uri = json_string_value(json_object_get(json_object_get(part, "image_url"), "url"));
            if (text) IAD_TRY(iad_buf_addf(prompt, err, "%s\n", text));
            if (uri && *fault < 0) IAD_TRY(read_picture(rules, uri, work, fault, err));
        }
    }
    return IAD_OK;
}

static iad_status read_root(const iad_ep_rules *rules, const json_t *root, iad_ep_work *work, iad_buf *prompt, int *fault, iad_err *err) {
    const char *model;
    int64_t number;
    IAD_TRY(iad_json_string(root, "model", "body", &model, err));
    iad_text_copy(work->model, sizeof work->model, model);
    work->max_tokens = iad_json_int(root, "max_tokens", 1, 1 << 20, "body", &number, NULL) == IAD_OK ? number : 8192;
    work->seed = iad_json_int(root, "seed", 0, INT64_MAX, "body", &number, NULL) == IAD_OK ? (uint64_t)number : 0;
    work->stream = json_is_true(json_object_get(root, "stream"));
    const json_t *format = json_object_get(root, "response_format");
    const char *type = json_string_value(json_object_get(format, "type"));
    IAD_TRY(read_parts(rules, root, work, prompt, fault, err));
    const char *text = iad_buf_str(prompt);
    work->zh = is_zh(text);
    category_of(work, text);
    keys_of_schema(work, json_object_get(json_object_get(format, "json_schema"), "schema"));
    if (!work->n_keys) keys_of_prompt(work, text);
    work->wants_json = work->n_keys > 0;
    work->ratings = strstr(text, "two numbers on the first line") ? 2 : strstr(text, "one number on the first line") ? 1 : 0;
    work->text_tokens = 20 + count_tokens(text); /* and the frame of the conversation */
    if (*fault < 0 && *rules->model && strcmp(rules->model, model)) *fault = iad_ep_kind_find("model");
    if (*fault < 0 && type && !strcmp(type, "json_object") && !strcasestr(text, "json")) *fault = iad_ep_kind_find("parameter");
    return IAD_OK;
}

iad_status iad_ep_work_read(const iad_ep_rules *rules, const char *bytes, size_t n, iad_ep_work *work, int *fault, iad_err *err) {
    uint8_t digest[IAD_SHA256_BYTES];
    json_t *root = NULL;
    iad_buf prompt;
    memset(work, 0, sizeof *work);
    *fault = -1;
    IAD_TRY(iad_sha256_bytes(bytes, n, digest, err));
    memcpy(&work->body, digest, sizeof work->body);
    IAD_TRY(iad_json_parse(bytes, n, 0, "body", &root, err));
    iad_buf_init(&prompt, IAD_EP_MAX_BODY);
    const iad_status status = read_root(rules, root, work, &prompt, fault, err);
    iad_buf_deinit(&prompt);
    json_decref(root);
    return status;
}

/* ---- writing ---- */

static int aspect_of(const char *key) {
    return !strncmp(key, "material", 8) || !strncmp(key, "surface", 7)   ? IAD_EP_MATERIAL
           : !strncmp(key, "detail", 6) || !strncmp(key, "structure", 9) ? IAD_EP_DETAILS
                                                                         : IAD_EP_SHAPE;
}

/* One text, spoilt as the kind says. */
static iad_status put_text(const iad_ep_rules *rules, const iad_ep_work *work, const char *kind, const char *key, iad_buf *out, iad_err *err) {
    const int alike = !strcmp(kind, "alike"), zh = strcmp(kind, "language") ? work->zh : !work->zh;
    const char *category = zh == work->zh ? work->category : zh ? "产品" : "object";
    if (!strcmp(kind, "refusal"))
        return iad_buf_add_str(
            out, "I'm sorry, but as an AI I cannot describe this picture in the way that you asked for, and I am unable to help with it.", err);
    if (!strcmp(kind, "refusal_zh"))
        return iad_buf_add_str(out, "抱歉，作为人工智能模型，我无法描述这张图片，请换一张图片再试一次，谢谢您的理解与支持。", err);
    if (!strcmp(kind, "short")) return iad_buf_addf(out, err, "A %s.", work->category);
    if (!strcmp(kind, "repetition")) {
        for (int i = 0; i < 8; i++) IAD_TRY(iad_buf_addf(out, err, "%sthe surface of the %s is even", i ? " and " : "", work->category));
        return IAD_OK;
    }
    if (!strcmp(kind, "markdown")) IAD_TRY(iad_buf_add_str(out, "## Description\n- **Object**: ", err));
    if (!strcmp(kind, "hedging"))
        IAD_TRY(iad_buf_add_str(out, "It seems that it might possibly be whole, and it appears likely that it perhaps seems so. ", err));
    IAD_TRY(iad_ep_text_add(out, rules->facts, &work->look, category, alike ? IAD_EP_SHAPE : aspect_of(key), zh, work->seed, err));
    if (!strcmp(kind, "address"))
        IAD_TRY(iad_buf_add_str(out, " See https://shop.example.com/item or write to sales@example.com, only $19.99.", err));
    for (int i = 0; !strcmp(kind, "long") && i < 4; i++) {
        IAD_TRY(iad_buf_add_str(out, " ", err));
        IAD_TRY(iad_ep_text_add(out, rules->facts, &work->look, category, i % IAD_EP_ASPECTS, zh, work->seed + 7 + (uint64_t)i, err));
    }
    return IAD_OK;
}

static iad_status put_value(const iad_ep_rules *rules, const iad_ep_work *work, const char *kind, int at, json_t *object, iad_err *err) {
    const char *name = work->keys[at].name, *first = work->keys[at].first;
    const int off_topic = !strcmp(kind, "off_topic"),
              is_text = work->keys[at].type == IAD_EP_STRING && !*first && strcmp(name, "language") && strcmp(name, "defect_note");
    json_t *value = NULL;
    iad_status status = IAD_OK;
    if (is_text) {
        iad_buf text;
        iad_buf_init(&text, IAD_EP_MAX_ANSWER);
        status = put_text(rules, work, kind, name, &text, err);
        value = !strcmp(kind, "wrong_type") ? json_integer(17) : json_stringn(iad_buf_str(&text), text.len);
        iad_buf_deinit(&text);
    } else if (!strcmp(name, "language"))
        value = json_string(work->zh ? "zh" : "en");
    else if (work->keys[at].type == IAD_EP_STRING)
        value = json_string(off_topic && !strcmp(name, "view") ? "scene" : first);
    else if (work->keys[at].type == IAD_EP_BOOL)
        value = json_boolean(!off_topic);
    else if (work->keys[at].type == IAD_EP_ARRAY)
        value = json_array();
    else
        value = json_real(off_topic ? 0.05 : 0.9);
    if (status != IAD_OK) return json_decref(value), status;
    return json_object_set_new(object, name, value) ? IAD_NOMEM(err, "an answer") : IAD_OK;
}

static iad_status put_content(const iad_ep_rules *rules, const iad_ep_work *work, const char *kind, iad_buf *out, iad_err *err) {
    if (!strcmp(kind, "empty") || !strcmp(kind, "filtered")) return IAD_OK;
    for (int i = 0; i < work->ratings && !*kind; i++) /* what they are depends on the body alone */
        IAD_TRY(iad_buf_addf(out, err, "%d%s", (int)(1 + (work->body >> (8 * i)) % 10), i + 1 < work->ratings ? " " : "\n"));
    if (!work->wants_json || !strcmp(kind, "prose")) return put_text(rules, work, kind, "shape_structure", out, err);
    json_t *object = json_object();
    iad_status status = object ? IAD_OK : IAD_NOMEM(err, "an answer");
    for (int k = !strcmp(kind, "missing_key"); status == IAD_OK && k < work->n_keys; k++) status = put_value(rules, work, kind, k, object, err);
    if (status == IAD_OK && !strcmp(kind, "fenced")) status = iad_buf_add_str(out, "```json\n", err);
    if (status == IAD_OK) {
        char *text = json_dumps(object, JSON_COMPACT);
        status = text ? iad_buf_add_str(out, text, err) : IAD_NOMEM(err, "an answer");
        free(text);
    }
    if (status == IAD_OK && !strcmp(kind, "fenced")) status = iad_buf_add_str(out, "\n```", err);
    json_decref(object);
    if (status == IAD_OK && (!strcmp(kind, "broken") || !strcmp(kind, "length"))) { /* not within a character */
        size_t n = iad_utf8_valid(out->data, out->len * 6 / 10);
        out->data[out->len = n] = '\0';
    }
    return status;
}

iad_status iad_ep_work_answer(const iad_ep_rules *rules, const iad_ep_work *work, int kind, int64_t number, iad_buf *out, int64_t *completion,
                              iad_err *err) {
    const char *name = kind >= 0 && iad_ep_kinds[kind].family == IAD_EP_ANSWER ? iad_ep_kinds[kind].name : "";
    iad_buf content;
    iad_buf_init(&content, IAD_EP_MAX_ANSWER);
    iad_status status = put_content(rules, work, name, &content, err);
    *completion = 2 + count_tokens(iad_buf_str(&content));
    if (*completion > work->max_tokens) *completion = work->max_tokens;
    const int64_t prompt = work->image_tokens + work->text_tokens;
    if (status == IAD_OK)
        status =
            iad_buf_addf(out, err, "{\"id\":\"chatcmpl-%lld\",\"object\":\"chat.completion\",\"created\":1700000000,\"model\":", (long long)number);
    if (status == IAD_OK) status = iad_json_quote(!strcmp(name, "wrong_model") ? "another-model-2024-01-01" : work->model, out, err);
    if (status == IAD_OK) status = iad_buf_add_str(out, ",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":", err);
    if (status == IAD_OK) status = iad_json_quote(iad_buf_str(&content), out, err);
    if (status == IAD_OK)
        status = iad_buf_addf(out, err,
                              "},\"finish_reason\":\"%s\"}],\"usage\":{\"prompt_tokens\":%lld,\"completion_tokens\":%lld,\"total_tokens\":%lld,"
                              "\"prompt_tokens_details\":{\"cached_tokens\":0,\"image_tokens\":%lld,\"text_tokens\":%lld}}}",
                              !strcmp(name, "length")     ? "length"
                              : !strcmp(name, "filtered") ? "content_filter"
                                                          : "stop",
                              (long long)prompt, (long long)*completion, (long long)(prompt + *completion), (long long)work->image_tokens,
                              (long long)work->text_tokens);
    iad_buf_deinit(&content);
    return status;
}

iad_status iad_ep_error_body(const iad_ep_kind *kind, int64_t number, iad_buf *out, iad_err *err) {
    switch (kind->body) {
        case IAD_EP_HTML:
            return iad_buf_addf(out, err, "<html><head><title>%d %s</title></head><body>%s</body></html>", kind->status, kind->message,
                                kind->message);
        case IAD_EP_EMPTY: return IAD_OK;
        case IAD_EP_NATIVE:
            return iad_buf_addf(out, err, "{\"code\":\"%s\",\"message\":\"%s\",\"request_id\":\"req-%lld\"}", kind->code, kind->message,
                                (long long)number);
        default:
            return iad_buf_addf(out, err,
                                "{\"error\":{\"message\":\"%s\",\"type\":\"%s\",\"param\":null,\"code\":\"%s\"},\"request_id\":\"req-%lld\"}",
                                kind->message, kind->status == 429 ? "limit" : "invalid_request_error", kind->code, (long long)number);
    }
}
