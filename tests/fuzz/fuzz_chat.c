/* Chats in JSON: every text that was parsed must be a readable string inside its limits. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/token/chat.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    iad_chat chat;
    iad_err err = IAD_ERR_NONE;
    if (iad_chat_parse((const char *)data, size, "fuzz", &chat, &err) != IAD_OK) {
        if (chat.messages || chat.owner) abort();
        return 0;
    }
    for (size_t m = 0; m < chat.n; m++)
        for (size_t i = 0; i < chat.messages[m].n; i++) {
            const iad_chat_item *item = &chat.messages[m].items[i];
            if (!item->text || strlen(item->text) != item->n) abort();
        }
    iad_chat_deinit(&chat);
    return 0;
}
