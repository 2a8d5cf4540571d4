/* Text before it is cut into pieces: UTF-8, properties of code points, NFC with a map back to the given bytes. */
#ifndef IAD_RUNTIME_TOKEN_TEXT_H
#define IAD_RUNTIME_TOKEN_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* Properties of a code point. Neither letter, number nor space: 0 in these three bits. */
enum {
    IAD_CP_LETTER = 1,
    IAD_CP_NUMBER = 2,
    IAD_CP_SPACE = 4,
    IAD_CP_NEWLINE = 8, /* CR and LF; they are spaces too */
    IAD_CP_UNSAFE = 16  /* NFC may change it or what stands before it: combining class not 0, or NFC_Quick_Check not Yes */
};
#define IAD_CP_KIND (IAD_CP_LETTER | IAD_CP_NUMBER | IAD_CP_SPACE)

typedef struct iad_token_classes {
    uint8_t ascii[128];
    uint8_t page[0x1100]; /* block of 256 code points -> row */
    uint8_t (*rows)[256];
} iad_token_classes;
iad_status iad_token_classes_init(iad_token_classes *classes, iad_err *err);
void iad_token_classes_deinit(iad_token_classes *classes);

static inline uint8_t iad_token_class(const iad_token_classes *classes, uint32_t cp) {
    return classes->rows[classes->page[cp >> 8]][cp & 255];
}

typedef enum iad_utf8_state { IAD_UTF8_OK, IAD_UTF8_BROKEN, IAD_UTF8_CUT } iad_utf8_state;

/* Reads one character of p[n], n > 0. OK: *cp and its length. BROKEN: the length of the maximal part that begins no valid
 * character (Unicode 15, 3.9, table 3-7). CUT: all n bytes begin a valid character that n ends too early. */
size_t iad_utf8_next(const uint8_t *p, size_t n, uint32_t *cp, iad_utf8_state *state);

/* A character of text known to be valid. */
static inline uint32_t iad_utf8_get(const uint8_t *p, size_t *length) {
    if (p[0] < 0x80) { *length = 1; return p[0]; }
    if (p[0] < 0xE0) { *length = 2; return (uint32_t)(p[0] & 31) << 6 | (p[1] & 63); }
    if (p[0] < 0xF0) { *length = 3; return (uint32_t)(p[0] & 15) << 12 | (uint32_t)(p[1] & 63) << 6 | (p[2] & 63); }
    *length = 4;
    return (uint32_t)(p[0] & 7) << 18 | (uint32_t)(p[1] & 63) << 12 | (uint32_t)(p[2] & 63) << 6 | (p[3] & 63);
}

/* A stretch whose bytes changed: out[out_begin, out_end) came from in[in_begin, in_end). Between the stretches bytes are equal. */
typedef struct iad_token_change {
    uint32_t in_begin, in_end, out_begin, out_end;
} iad_token_change;

/* Result of a normalisation; the buffers are kept and used again. Zero-initialise. */
typedef struct iad_token_text {
    const uint8_t *data; /* the given text itself when nothing changed, else `buffer` */
    size_t n;
    uint8_t *buffer;
    size_t cap;
    iad_token_change *changes;
    size_t n_changes, cap_changes;
    int32_t *points, *sorted; /* code points of one stretch */
    size_t cap_points, cap_sorted;
} iad_token_text;
void iad_token_text_deinit(iad_token_text *text);

/* Replaces broken UTF-8 by U+FFFD and, with nfc, normalises (UAX 15). text->data is valid UTF-8 afterwards. Linear in n, whatever
 * the text. */
iad_status iad_token_normalise(const iad_token_classes *classes, const uint8_t *in, size_t n, int nfc, iad_token_text *text,
                               iad_err *err);
/* Maps out[begin, end) back to the given bytes. *hint: an index into the changes that only grows with begin; 0 at first. */
void iad_token_map_back(const iad_token_text *text, size_t begin, size_t end, size_t *hint, uint32_t *in_begin, uint32_t *in_end);

#endif
