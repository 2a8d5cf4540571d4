#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "runtime/token/chat.h"

/* What an iad_chat owns: the parsed JSON (all texts live in it) and the items of all messages. */
typedef struct chat_owner {
    json_t *root;
    iad_chat_item *items;
} chat_owner;

void iad_chat_deinit(iad_chat *chat) {
    chat_owner *owner = chat->owner;
    if (owner) {
        json_decref(owner->root);
        free(owner->items);
        free(owner);
    }
    free(chat->messages);
    memset(chat, 0, sizeof *chat);
}

static iad_status only_keys(const json_t *object, const char *a, const char *b, const char *name, size_t m, iad_err *err) {
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, key, value) {
        if (strcmp(key, a) && strcmp(key, b))
            return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "%s: message %zu: unknown key \"%.60s\"", name, m, key);
    }
    return IAD_OK;
}

static iad_status add_text(const json_t *value, const char *name, size_t m, iad_chat_kind kind, iad_chat_item *item, size_t *total,
                           iad_err *err) {
    if (!json_is_string(value)) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: message %zu: content that is not a string", name, m);
    *item = (iad_chat_item){kind, json_string_value(value), json_string_length(value)};
    *total += item->n;
    if (*total > IAD_CHAT_MAX_TEXT) return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: more than %u bytes of text", name, IAD_CHAT_MAX_TEXT);
    if (kind == IAD_CHAT_IMAGE && !item->n) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: message %zu: an image without a path", name, m);
    return IAD_OK;
}

static iad_status read_item(const json_t *from, const char *name, size_t m, iad_chat_item *item, size_t *total, iad_err *err) {
    if (!json_is_object(from)) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: message %zu: an item that is not an object", name, m);
    const char *type = json_string_value(json_object_get(from, "type"));
    if (!type) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: message %zu: an item without \"type\"", name, m);
    int image = !strcmp(type, "image");
    if (!image && strcmp(type, "text"))
        return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "%s: message %zu: items of type \"%.60s\"", name, m, type);
    IAD_TRY(only_keys(from, "type", type, name, m, err));
    return add_text(json_object_get(from, type), name, m, image ? IAD_CHAT_IMAGE : IAD_CHAT_TEXT, item, total, err);
}

static iad_status read_role(const json_t *message, const char *name, size_t m, iad_chat_role *role, iad_err *err) {
    static const char *const roles[] = {"system", "user", "assistant"};
    const char *text = json_string_value(json_object_get(message, "role"));
    if (!text) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: message %zu has no \"role\"", name, m);
    for (int i = 0; i < 3; i++)
        if (!strcmp(text, roles[i])) {
            *role = (iad_chat_role)i;
            return IAD_OK;
        }
    return IAD_FAIL(err, IAD_ERR_UNSUPPORTED, "%s: message %zu: role \"%.60s\"", name, m, text);
}

static iad_status read_all(const json_t *root, const char *name, iad_chat *chat, chat_owner *owner, iad_err *err) {
    size_t n_items = 0, total = 0, n = json_array_size(root);
    if (!json_is_array(root)) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: a chat is an array of messages", name);
    if (n > IAD_CHAT_MAX_MESSAGES) return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: more than %d messages", name, IAD_CHAT_MAX_MESSAGES);
    for (size_t m = 0; m < n; m++) {
        const json_t *content = json_object_get(json_array_get(root, m), "content");
        size_t items = json_is_array(content) ? json_array_size(content) : 1;
        if (items > IAD_CHAT_MAX_ITEMS)
            return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: message %zu: more than %d items", name, m, IAD_CHAT_MAX_ITEMS);
        n_items += items;
    }
    chat->messages = iad_calloc(n, sizeof *chat->messages);
    owner->items = iad_calloc(n_items, sizeof *owner->items);
    if (!chat->messages || !owner->items) return IAD_NOMEM(err, "a chat");
    iad_chat_item *item = owner->items;
    for (size_t m = 0; m < n; m++) {
        const json_t *message = json_array_get(root, m), *content = json_object_get(message, "content");
        if (!json_is_object(message)) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: message %zu is not an object", name, m);
        IAD_TRY(only_keys(message, "role", "content", name, m, err));
        IAD_TRY(read_role(message, name, m, &chat->messages[m].role, err));
        chat->messages[m].items = item;
        if (json_is_array(content)) {
            for (size_t i = 0; i < json_array_size(content); i++)
                IAD_TRY(read_item(json_array_get(content, i), name, m, item++, &total, err));
        } else {
            IAD_TRY(add_text(content, name, m, IAD_CHAT_TEXT, item++, &total, err));
        }
        chat->messages[m].n = (size_t)(item - chat->messages[m].items);
        chat->n = m + 1;
    }
    return IAD_OK;
}

iad_status iad_chat_parse(const char *json, size_t n, const char *name, iad_chat *chat, iad_err *err) {
    memset(chat, 0, sizeof *chat);
    if (n > IAD_CHAT_MAX_JSON) return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: more than %u bytes", name, IAD_CHAT_MAX_JSON);
    chat_owner *owner = iad_calloc(1, sizeof *owner);
    if (!owner) return IAD_NOMEM(err, "a chat");
    chat->owner = owner;
    iad_status status = iad_json_parse(json, n, 8, name, &owner->root, err);
    if (status == IAD_OK) status = read_all(owner->root, name, chat, owner, err);
    if (status != IAD_OK) iad_chat_deinit(chat);
    return status;
}
