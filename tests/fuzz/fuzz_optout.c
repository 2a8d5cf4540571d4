/* X-Robots-Tag values, meta robots of pages, lists of words. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "crawl/polite/optout.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    iad_err err;
    unsigned words;
    char *text = iad_alloc(size + 1, 1);
    if (!text) return 0;
    memcpy(text, data, size);
    text[size] = 0;
    const char *all = iad_optout_header(text, "iadgpt-crawl", IAD_OPTOUT_ALL);
    if (!all && iad_optout_header(text, "iadgpt-crawl", IAD_OPTOUT_NOAI)) abort();
    (void)iad_optout_page((const char *)data, size, "iadgpt-crawl", IAD_OPTOUT_ALL);
    (void)iad_optout_parse(text, &words, &err);
    free(text);
    return 0;
}
