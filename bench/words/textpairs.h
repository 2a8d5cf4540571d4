/* Pairs of texts from files: two files of lines, or one of JSON objects. */
#ifndef IAD_WORDS_TEXTPAIRS_H
#define IAD_WORDS_TEXTPAIRS_H

#include <stddef.h>

#include "base/status.h"

#define IAD_TEXT_PAIRS_MAX_FILE ((size_t)1 << 30) /* bytes */
#define IAD_TEXT_PAIRS_MAX 10000000u              /* pairs */

/* The texts of pair i are at[2 i] and at[2 i + 1], its name is names[i] ("" without one); all are valid UTF-8 and end in a zero. Zero-initialise. */
typedef struct iad_text_pairs {
    char *text;
    size_t n_text, cap_text;
    size_t *places;    /* [3 n]: where in text the two texts and the name begin */
    size_t n, cap;
} iad_text_pairs;

static inline const char *iad_text_pair_a(const iad_text_pairs *pairs, size_t i) { return pairs->text + pairs->places[3 * i]; }
static inline const char *iad_text_pair_b(const iad_text_pairs *pairs, size_t i) { return pairs->text + pairs->places[3 * i + 1]; }
static inline const char *iad_text_pair_name(const iad_text_pairs *pairs, size_t i) { return pairs->text + pairs->places[3 * i + 2]; }

/* A JSON object per line: "a" and "b" are the texts, "id" (a text, may be missing) the name; other members are passed over, as are blank lines.
 * Errors: FORMAT, LIMIT (with file and line), NOMEM. */
iad_status iad_text_pairs_parse(iad_text_pairs *pairs, const char *text, size_t n, const char *where, iad_err *err);
iad_status iad_text_pairs_load(iad_text_pairs *pairs, const char *path, iad_err *err);
/* Line i of one text beside line i of the other; an empty line is an empty text. Both must have the same number of lines. */
iad_status iad_text_pairs_join(iad_text_pairs *pairs, const char *a, size_t n_a, const char *where_a, const char *b, size_t n_b, const char *where_b,
                               iad_err *err);
iad_status iad_text_pairs_load_two(iad_text_pairs *pairs, const char *path_a, const char *path_b, iad_err *err);
void iad_text_pairs_deinit(iad_text_pairs *pairs);

#endif
