/* tokenizer.json, vocab.txt, tokenizer_config.json and a text, divided by zero bytes (an empty part is a file that is not there): load, encode.
 * Every id is one of the vocabulary's, the frame stands, and what is cut off begins as the whole does. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bench/words/wordpiece.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PARTS = 4, SHORT = 7, LONG = 1 << 16 };

static void encode(const iad_wordpiece *wp, const char *text, size_t n, size_t most, iad_pieces *pieces, int *truncated) {
    if (iad_wordpiece_encode(wp, text, n, most, pieces, truncated, NULL) != IAD_OK || pieces->n < 2 || pieces->n > most) abort();
    if (*truncated && pieces->n != most) abort();
    for (size_t i = 0; i < pieces->n; i++)
        if (pieces->ids[i] < 0 || pieces->ids[i] > iad_wordpiece_largest_id(wp)) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *part[PARTS] = {NULL};
    size_t n[PARTS] = {0}, at = 0;
    for (int i = 0; i < PARTS && at < size; i++) {
        const uint8_t *end = i + 1 < PARTS ? memchr(data + at, 0, size - at) : NULL;
        n[i] = end ? (size_t)(end - data) - at : size - at;
        if (n[i]) part[i] = (const char *)data + at;
        at += n[i] + 1;
    }
    iad_wordpiece_files files = {part[0], part[1], part[2], n[0], n[1], n[2]};
    for (int kind = 0; kind < 2; kind++) {
        iad_wordpiece *wp;
        if (iad_wordpiece_parse(&files, kind ? "mpnet" : "bert", "fuzz", &wp, NULL) != IAD_OK) continue;
        iad_pieces whole = {0}, cut = {0};
        int truncated, again;
        const char *text = part[3] ? part[3] : "";
        encode(wp, text, n[3], LONG, &whole, &truncated);
        encode(wp, text, n[3], SHORT, &cut, &again);
        if (again != (whole.n > SHORT)) abort();
        if (cut.n > 1 && memcmp(cut.ids, whole.ids, (cut.n - 1) * sizeof *cut.ids)) abort();
        iad_pieces_deinit(&whole);
        iad_pieces_deinit(&cut);
        iad_wordpiece_free(wp);
    }
    return 0;
}
