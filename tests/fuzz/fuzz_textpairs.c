/* Pairs of texts: the bytes as JSON lines, and as two files of lines divided by the first zero byte. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "bench/words/textpairs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(iad_text_pairs *pairs) {
    for (size_t i = 0; i < pairs->n; i++) {
        const char *texts[3] = {iad_text_pair_a(pairs, i), iad_text_pair_b(pairs, i), iad_text_pair_name(pairs, i)};
        for (int k = 0; k < 3; k++)
            if (iad_utf8_valid(texts[k], strlen(texts[k])) != strlen(texts[k])) abort();
    }
    iad_text_pairs_deinit(pairs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    iad_text_pairs pairs = {0};
    const char *text = size ? (const char *)data : "";
    (void)iad_text_pairs_parse(&pairs, text, size, "fuzz", NULL);
    check(&pairs);
    const char *zero = size ? memchr(text, 0, size) : NULL;
    size_t n = zero ? (size_t)(zero - text) : size;
    (void)iad_text_pairs_join(&pairs, text, n, "a", zero ? zero + 1 : "", zero ? size - n - 1 : 0, "b", NULL);
    check(&pairs);
    return 0;
}
