/* A URL in normal form must stay as it is when it is read again. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/http/netguard.h"
#include "base/http/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    iad_err err;
    iad_url url, again;
    char *text = iad_alloc(size + 1, 1);
    if (!text) return 0;
    memcpy(text, data, size);
    text[size] = 0;
    if (iad_url_parse(text, NULL, &url, &err) == IAD_OK) {
        (void)iad_net_public_text(url.host);
        if (iad_url_parse(url.text, NULL, &again, &err) == IAD_OK) {
            if (strcmp(url.text, again.text) != 0) abort();
            iad_url_deinit(&again);
        }
        iad_url_deinit(&url);
    }
    if (iad_url_parse(text, "http://example.com/a/b?c", &url, &err) == IAD_OK) iad_url_deinit(&url);
    free(text);
    return 0;
}
