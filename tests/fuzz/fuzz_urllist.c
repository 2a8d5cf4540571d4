/* A list of addresses in any form, read in pieces and at once. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "crawl/engine/urllist.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    iad_err err;
    iad_page page;
    size_t whole = 0, pieces = 0, at = 0;
    iad_urllist_header header = {0};
    if (iad_urllist_read((const char *)data, size, &at, 100000, &header, &page, &err) != IAD_OK) return 0;
    whole = page.hits.n;
    if (whole < 20000 && at < size) abort();
    iad_page_deinit(&page);
    header = (iad_urllist_header){0};
    for (at = 0; at < size;) {
        if (iad_urllist_read((const char *)data, size, &at, 2, &header, &page, &err) != IAD_OK) abort();
        pieces += page.hits.n;
        iad_page_deinit(&page);
    }
    if (whole != pieces) abort();
    return 0;
}
