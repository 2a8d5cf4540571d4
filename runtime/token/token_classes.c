#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/alloc.h"
#include "runtime/token/pretok_ranges.h"
#include "runtime/token/token_text.h"

enum { N_POINTS = 0x110000, DECOMPOSED_MAX = 32 };

static void mark(uint8_t *all, const iad_pretok_range *ranges, size_t n, uint8_t bit) {
    for (size_t i = 0; i < n; i++)
        for (uint32_t c = ranges[i].first; c <= ranges[i].last; c++) all[c] |= bit;
}

/* Canonical decomposition of one code point. */
static size_t decompose(int32_t c, int32_t *to) {
    int boundary = 0;
    utf8proc_ssize_t n = utf8proc_decompose_char(c, to, DECOMPOSED_MAX, UTF8PROC_DECOMPOSE, &boundary);
    if (n > 0 && n <= DECOMPOSED_MAX) return (size_t)n;
    to[0] = c;
    return 1;
}

/* NFC_Quick_Check is No for what NFC changes and Maybe for what can end a composition. The second are found as the last
 * element of every decomposition that NFC puts together again. */
static void mark_unsafe(uint8_t *all) {
    for (int32_t c = 0xA0; c < N_POINTS; c++) {
        if (c >= 0xAC00 && c <= 0xD7A3) continue; /* Hangul syllables are stable */
        if (c >= 0xD800 && c <= 0xDFFF) continue;
        const utf8proc_property_t *property = utf8proc_get_property(c);
        if (property->combining_class) all[c] |= IAD_CP_UNSAFE;
        int32_t parts[DECOMPOSED_MAX + 1];
        size_t n = decompose(c, parts);
        if (n == 1 && parts[0] == c) continue;
        int32_t last = parts[n - 1];
        utf8proc_ssize_t composed = utf8proc_normalize_utf32(parts, (utf8proc_ssize_t)n, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
        if (composed == 1 && parts[0] == c) {
            if (n > 1) all[last] |= IAD_CP_UNSAFE;
        } else {
            all[c] |= IAD_CP_UNSAFE;
        }
    }
    for (uint32_t c = 0x1161; c <= 0x1175; c++) all[c] |= IAD_CP_UNSAFE; /* Hangul vowels */
    for (uint32_t c = 0x11A7; c <= 0x11C2; c++) all[c] |= IAD_CP_UNSAFE; /* and final consonants */
}

iad_status iad_token_classes_init(iad_token_classes *classes, iad_err *err) {
    memset(classes, 0, sizeof *classes);
    uint8_t *all = iad_calloc(N_POINTS, 1);
    classes->rows = iad_alloc(256, 256);
    if (!all || !classes->rows) {
        free(all);
        iad_token_classes_deinit(classes);
        return IAD_NOMEM(err, "character classes");
    }
    mark(all, iad_pretok_letters, iad_pretok_n_letters, IAD_CP_LETTER);
    mark(all, iad_pretok_numbers, iad_pretok_n_numbers, IAD_CP_NUMBER);
    mark(all, iad_pretok_spaces, iad_pretok_n_spaces, IAD_CP_SPACE);
    all['\r'] |= IAD_CP_NEWLINE;
    all['\n'] |= IAD_CP_NEWLINE;
    mark_unsafe(all);
    memcpy(classes->ascii, all, sizeof classes->ascii);
    size_t n_rows = 0;
    iad_status status = IAD_OK;
    for (size_t page = 0; page < 0x1100 && status == IAD_OK; page++) {
        size_t row = n_rows; /* most blocks equal the one before or the first empty one */
        for (size_t r = n_rows; r-- > 0 && row == n_rows;)
            if (!memcmp(classes->rows[r], all + page * 256, 256)) row = r;
        if (row == n_rows) {
            if (n_rows == 256) status = IAD_FAIL(err, IAD_ERR_INTERNAL, "more than 256 different blocks of characters");
            else memcpy(classes->rows[n_rows++], all + page * 256, 256);
        }
        classes->page[page] = (uint8_t)row;
    }
    free(all);
    if (status != IAD_OK) iad_token_classes_deinit(classes);
    return status;
}

void iad_token_classes_deinit(iad_token_classes *classes) {
    free(classes->rows);
    classes->rows = NULL;
}
