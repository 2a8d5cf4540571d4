#include "runtime/serve/bodychat.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "runtime/serve/bodyinspect.h"
#include "runtime/token/chat.h"

#define ANY_OBJECT "{\"type\":\"object\",\"additionalProperties\":true}"

/* ---- messages ---- */

static iad_status part(iad_body *b, const json_t *value, const char *place, iad_chat_body *c, size_t item, iad_err *err) {
    static const char *const text_names[] = {"type", "text", NULL}, *const image_names[] = {"type", "image_url", NULL},
        *const url_names[] = {"url", "detail", NULL};
    const char *type = NULL, *text = NULL;
    char inner[96];
    if (!json_is_object(value)) {
        snprintf(b->param, sizeof b->param, "%s", place);
        return iad_body_fail(b, IAD_ERR_FORMAT, err, "not an object with \"type\"");
    }
    IAD_TRY(iad_body_text(b, value, place, "type", 40, &type, err));
    if (type && strcmp(type, "text") == 0) {
        IAD_TRY(iad_body_known(b, value, place, text_names, err));
        const json_t *member = iad_body_member(b, value, place, "text");
        if (!json_is_string(member)) return iad_body_fail(b, IAD_ERR_FORMAT, err, "not a text");
        c->items[item].text = json_string_value(member);
        return IAD_OK;
    }
    if (!type || strcmp(type, "image_url") != 0)
        return iad_body_fail(b, IAD_ERR_UNSUPPORTED, err, "\"text\" and \"image_url\" are the parts that this server takes");
    IAD_TRY(iad_body_known(b, value, place, image_names, err));
    const json_t *url = iad_body_member(b, value, place, "image_url");
    if (json_is_string(url)) text = json_string_value(url);
    else {
        snprintf(inner, sizeof inner, "%.80s.image_url", place);
        IAD_TRY(iad_body_known(b, url, inner, url_names, err));
        IAD_TRY(iad_body_choice(b, url, inner, "detail", "auto|low|high", &type, err));
        IAD_TRY(iad_body_text(b, url, inner, "url", SIZE_MAX, &text, err));
        if (!text) return iad_body_fail(b, IAD_ERR_FORMAT, err, "is missing");
    }
    IAD_TRY(iad_body_address(b, text, &c->sources[c->n_sources], err));
    snprintf(c->sources[c->n_sources].param, sizeof c->sources[0].param, "%.39s", place);
    c->source_item[c->n_sources++] = (int32_t)item;
    return IAD_OK;
}

static iad_status message(iad_body *b, const json_t *value, const char *place, iad_chat_body *c, iadgpt_message *to, size_t *item, iad_err *err) {
    static const char *const names[] = {"role", "content", "name", NULL};
    const char *role = NULL, *name = NULL;
    IAD_TRY(iad_body_known(b, value, place, names, err));
    IAD_TRY(iad_body_text(b, value, place, "name", 200, &name, err));
    IAD_TRY(iad_body_choice(b, value, place, "role", "system|developer|user|assistant", &role, err));
    if (!role) return iad_body_fail(b, IAD_ERR_FORMAT, err, "is missing");
    to->role = *role == 'u' ? IADGPT_ROLE_USER : *role == 'a' ? IADGPT_ROLE_ASSISTANT : IADGPT_ROLE_SYSTEM;
    to->items = c->items + *item;
    const json_t *content = iad_body_member(b, value, place, "content");
    if (json_is_string(content)) {
        c->items[(*item)++].text = json_string_value(content);
        to->n_items = 1;
        return IAD_OK;
    }
    if (!json_is_array(content)) return iad_body_fail(b, IAD_ERR_FORMAT, err, "neither a text nor a list of parts");
    for (size_t i = 0; i < json_array_size(content); i++) {
        char inner[80];
        snprintf(inner, sizeof inner, "%.50s.content[%zu]", place, i);
        IAD_TRY(part(b, json_array_get(content, i), inner, c, (*item)++, err));
        if (c->items[*item - 1].text == NULL && to->role != IADGPT_ROLE_USER)
            return iad_body_fail(b, IAD_ERR_UNSUPPORTED, err, "only messages of the user hold pictures");
        to->n_items++;
    }
    return IAD_OK;
}

/* Parts and pictures of all messages, before anything is allocated for them. */
static iad_status count(iad_body *b, const json_t *messages, const iad_serve_limits *limits, size_t *items, size_t *images, iad_err *err) {
    size_t i, k;
    json_t *m, *p;
    json_array_foreach((json_t *)(uintptr_t)messages, i, m) {
        const json_t *content = json_object_get(m, "content");
        if (!json_is_array(content)) {
            ++*items;
            continue;
        }
        *items += json_array_size(content);
        json_array_foreach((json_t *)(uintptr_t)content, k, p)
            *images += json_object_get(p, "image_url") != NULL;
    }
    if (*images > (size_t)limits->images)
        return iad_body_fail(b, IAD_ERR_LIMIT, err, "%zu pictures, at most %lld in one request (--max-images)", *images, (long long)limits->images);
    if (*items > IAD_CHAT_MAX_ITEMS) return iad_body_fail(b, IAD_ERR_LIMIT, err, "%zu parts, at most %d", *items, IAD_CHAT_MAX_ITEMS);
    return IAD_OK;
}

static iad_status messages(iad_body *b, iad_chat_body *c, const iad_serve_limits *limits, iad_err *err) {
    const json_t *list = iad_body_member(b, c->root, "", "messages");
    size_t items = 0, images = 0, item = 0, n = json_array_size(list);
    if (!json_is_array(list) || n == 0) return iad_body_fail(b, IAD_ERR_FORMAT, err, "not a list of messages");
    if (n > IAD_CHAT_MAX_MESSAGES) return iad_body_fail(b, IAD_ERR_LIMIT, err, "%zu messages, at most %d", n, IAD_CHAT_MAX_MESSAGES);
    IAD_TRY(count(b, list, limits, &items, &images, err));
    c->messages = iad_calloc(n, sizeof *c->messages);
    c->items = iad_calloc(items, sizeof *c->items);
    c->sources = iad_calloc(images, sizeof *c->sources);
    c->source_item = iad_calloc(images, sizeof *c->source_item);
    if (!c->messages || !c->items || !c->sources || !c->source_item) return IAD_NOMEM(err, "the chat");
    for (size_t i = 0; i < n; i++, c->n_messages++) {
        char place[40];
        snprintf(place, sizeof place, "messages[%zu]", i);
        IAD_TRY(message(b, json_array_get(list, i), place, c, &c->messages[i], &item, err));
    }
    return IAD_OK;
}

/* ---- the rest ---- */

static iad_status stops(iad_body *b, iad_chat_body *c, iad_err *err) {
    const json_t *value = iad_body_member(b, c->root, "", "stop");
    const size_t n = json_is_array(value) ? json_array_size(value) : value ? 1 : 0;
    if (n > IAD_CHAT_MAX_STOPS) return iad_body_fail(b, IAD_ERR_LIMIT, err, "%zu texts, at most %d", n, IAD_CHAT_MAX_STOPS);
    for (size_t i = 0; i < n; i++) {
        const json_t *text = json_is_array(value) ? json_array_get(value, i) : value;
        if (!json_is_string(text) || json_string_length(text) < 1 || json_string_length(text) > 4096)
            return iad_body_fail(b, IAD_ERR_FORMAT, err, "neither a text of 1 to 4096 bytes nor a list of such");
        c->stops[i] = json_string_value(text);
    }
    c->generate.stop = c->stops;
    c->generate.n_stop = (int32_t)n;
    return IAD_OK;
}

static iad_status response_format(iad_body *b, iad_chat_body *c, iad_err *err) {
    static const char *const names[] = {"type", "json_schema", NULL}, *const inner[] = {"name", "schema", "strict", "description", NULL};
    const json_t *value = iad_body_member(b, c->root, "", "response_format"), *schema;
    const char *type = "text", *text = NULL;
    int strict = 0;
    if (!value) return IAD_OK;
    IAD_TRY(iad_body_known(b, value, "response_format", names, err));
    IAD_TRY(iad_body_choice(b, value, "response_format", "type", "text|json_object|json_schema", &type, err));
    if (strcmp(type, "text") == 0) return IAD_OK;
    if (strcmp(type, "json_object") == 0) {
        c->schema = iad_strdup(ANY_OBJECT);
        return c->schema ? IAD_OK : IAD_NOMEM(err, "the schema");
    }
    value = iad_body_member(b, value, "response_format", "json_schema");
    IAD_TRY(iad_body_known(b, value, "response_format.json_schema", inner, err));
    IAD_TRY(iad_body_text(b, value, "response_format.json_schema", "name", 64, &text, err));
    IAD_TRY(iad_body_flag(b, value, "response_format.json_schema", "strict", &strict, err));
    schema = iad_body_member(b, value, "response_format.json_schema", "schema");
    if (!json_is_object(schema)) return iad_body_fail(b, IAD_ERR_FORMAT, err, "not a JSON object");
    c->schema = json_dumps(schema, JSON_COMPACT);
    return c->schema ? IAD_OK : IAD_NOMEM(err, "the schema");
}

static iad_status choices(iad_body *b, iad_chat_body *c, const json_t *iad, iad_err *err) {
    const json_t *list = iad_body_member(b, iad, "iad", "choices");
    if (!list) return IAD_OK;
    const size_t n = json_array_size(list);
    if (n < 1 || n > 1000) return iad_body_fail(b, IAD_ERR_FORMAT, err, "not a list of 1 to 1000 texts");
    if (c->schema) return iad_body_fail(b, IAD_ERR_ARG, err, "does not go with response_format");
    if (!(c->choices = iad_calloc(n, sizeof *c->choices))) return IAD_NOMEM(err, "the choices");
    for (size_t i = 0; i < n; i++) {
        const json_t *text = json_array_get(list, i);
        if (!json_is_string(text) || json_string_length(text) < 1) return iad_body_fail(b, IAD_ERR_FORMAT, err, "not a list of texts");
        c->choices[i] = json_string_value(text);
    }
    c->generate.choices = c->choices;
    c->generate.n_choices = (int32_t)n;
    return IAD_OK;
}

static iad_status extension(iad_body *b, iad_chat_body *c, iad_err *err) {
    static const char *const names[] = {"exemplar_set", "image_size", "min_pixels", "max_pixels", "top_k", "repetition_penalty", "choices", NULL};
    const json_t *iad = iad_body_member(b, c->root, "", "iad");
    int64_t top_k = 0;
    if (!iad) return IAD_OK;
    IAD_TRY(iad_body_known(b, iad, "iad", names, err));
    IAD_TRY(iad_body_set_id(b, iad, "iad", &c->exemplar_set, err));
    IAD_TRY(iad_body_sizes(b, iad, "iad", &c->settings, err));
    if (c->exemplar_set && (c->settings.image_width != -1 || c->settings.min_pixels || c->settings.max_pixels))
        return iad_body_fail(b, IAD_ERR_ARG, err, "with an exemplar set pictures have the set's size");
    IAD_TRY(iad_body_i64(b, iad, "iad", "top_k", 0, 1 << 21, &top_k, err));
    c->generate.top_k = (int32_t)top_k;
    IAD_TRY(iad_body_f64(b, iad, "iad", "repetition_penalty", 0.01, 100, &c->generate.repetition_penalty, err));
    return choices(b, c, iad, err);
}

/* Members of OpenAI's form that are taken only when they ask for nothing. */
static iad_status nothing_else(iad_body *b, const iad_chat_body *c, iad_err *err) {
    int64_t one = 1;
    double zero = 0;
    IAD_TRY(iad_body_i64(b, c->root, "", "n", 1, 1, &one, err));
    IAD_TRY(iad_body_f64(b, c->root, "", "presence_penalty", 0, 0, &zero, err));
    return iad_body_f64(b, c->root, "", "frequency_penalty", 0, 0, &zero, err);
}

static iad_status numbers(iad_body *b, iad_chat_body *c, const iad_serve_limits *limits, iad_err *err) {
    int64_t tokens = limits->answer_tokens < 256 ? limits->answer_tokens : 256, seed = 0, top = 0;
    IAD_TRY(iad_body_i64(b, c->root, "", "max_tokens", 1, limits->answer_tokens, &tokens, err));
    IAD_TRY(iad_body_i64(b, c->root, "", "max_completion_tokens", 1, limits->answer_tokens, &tokens, err));
    IAD_TRY(iad_body_f64(b, c->root, "", "temperature", 0, 2, &c->generate.temperature, err));
    IAD_TRY(iad_body_f64(b, c->root, "", "top_p", 0, 1, &c->generate.top_p, err));
    IAD_TRY(iad_body_i64(b, c->root, "", "seed", INT64_MIN, INT64_MAX, &seed, err));
    IAD_TRY(iad_body_flag(b, c->root, "", "logprobs", &c->logprobs, err));
    IAD_TRY(iad_body_i64(b, c->root, "", "top_logprobs", 0, IAD_CHAT_MAX_TOP, &top, err));
    if (top > 0 && !c->logprobs) return iad_body_fail(b, IAD_ERR_ARG, err, "wants \"logprobs\": true");
    c->generate.max_tokens = (int32_t)tokens;
    c->generate.seed = (uint64_t)seed;
    c->generate.top_tokens = (int32_t)top;
    if (c->generate.temperature > 0 && c->generate.temperature < 1e-6) c->generate.temperature = 0;
    return IAD_OK;
}

static iad_status read(iad_body *b, iad_chat_body *c, const char *model, const iad_serve_limits *limits, iad_err *err) {
    static const char *const names[] = {"messages", "model", "stream", "stream_options", "max_tokens", "max_completion_tokens", "temperature",
                                        "top_p", "seed", "stop", "n", "logprobs", "top_logprobs", "response_format", "presence_penalty",
                                        "frequency_penalty", "user", "metadata",
                                        "store", "iad", NULL};
    static const char *const stream_names[] = {"include_usage", NULL};
    const char *wanted = NULL;
    IAD_TRY(iad_body_known(b, c->root, "", names, err));
    IAD_TRY(iad_body_text(b, c->root, "", "model", 4096, &wanted, err));
    if (wanted && strcmp(wanted, model) != 0) return iad_body_fail(b, IAD_ERR_NOT_FOUND, err, "this server has the model \"%.100s\" only", model);
    IAD_TRY(iad_body_flag(b, c->root, "", "stream", &c->stream, err));
    const json_t *options = iad_body_member(b, c->root, "", "stream_options");
    if (options) {
        IAD_TRY(iad_body_known(b, options, "stream_options", stream_names, err));
        IAD_TRY(iad_body_flag(b, options, "stream_options", "include_usage", &c->include_usage, err));
        if (!c->stream) return iad_body_fail(b, IAD_ERR_ARG, err, "wants \"stream\": true");
    }
    IAD_TRY(nothing_else(b, c, err));
    IAD_TRY(numbers(b, c, limits, err));
    IAD_TRY(stops(b, c, err));
    IAD_TRY(response_format(b, c, err));
    IAD_TRY(extension(b, c, err));
    c->generate.json_schema = c->schema;
    c->settings.max_prompt_tokens = limits->prompt_tokens;
    return messages(b, c, limits, err);
}

iad_status iad_chat_body_read(iad_body *body, const char *json, size_t n, const char *model, const iad_serve_limits *limits, iad_chat_body *chat,
                              iad_err *err) {
    *chat = (iad_chat_body){0};
    iadgpt_generate_defaults(&chat->generate);
    iadgpt_settings_defaults(&chat->settings);
    snprintf(body->param, sizeof body->param, "body");
    IAD_TRY(iad_json_parse(json, n, IAD_BODY_MAX_DEPTH, "body", &chat->root, err));
    return read(body, chat, model, limits, err);
}

void iad_chat_body_deinit(iad_chat_body *chat) {
    free(chat->messages);
    free(chat->items);
    free(chat->sources);
    free(chat->source_item);
    free(chat->schema);
    free(chat->choices);
    json_decref(chat->root);
    *chat = (iad_chat_body){0};
}
