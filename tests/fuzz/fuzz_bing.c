/* A search page of Bing, as hostile as it likes: what is read keeps to its limits. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "crawl/engine/searchengine.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    iad_err err;
    iad_page page;
    iad_reply reply = {.status = 200, .body = (const char *)data, .n = size, .last_url = "http://a/b.jpg"};
    if (size > 1u << 20 || iad_engine_bing.parse(&iad_engine_bing, &reply, &page, &err) != IAD_OK) return 0;
    for (size_t i = 0; i < page.hits.n; i++) {
        const char *url = page.hits.items[i].image_url, *title = page.hits.items[i].title;
        if (!url || iad_utf8_valid(url, strlen(url)) != strlen(url)) abort();
        if (title && (strlen(title) > IAD_HIT_MAX_TEXT || iad_utf8_valid(title, strlen(title)) != strlen(title))) abort();
    }
    iad_page_deinit(&page);
    return 0;
}
