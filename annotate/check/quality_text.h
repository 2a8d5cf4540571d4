/* Looking at text: shared by quality*.c. */
#ifndef IAD_ANNOTATE_QUALITY_TEXT_H
#define IAD_ANNOTATE_QUALITY_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* The code point at *p (valid UTF-8), *p behind it; 0 at the end. Invalid bytes count as U+FFFD. */
uint32_t iad_text_point(const char **p);
int iad_point_cjk(uint32_t c);
int iad_point_word(uint32_t c); /* letters and digits of any script */

/* Letters and digits of a text; of those, CJK characters and Latin letters. */
typedef struct iad_quality_scan {
    int64_t letters, cjk, latin;
} iad_quality_scan;
/* iad_quality_words (quality.h), and what the characters are: added to *scan. */
size_t iad_quality_look(const char *text, uint32_t *hashes, size_t most, iad_quality_scan *scan);

/* Is `word` (ASCII, lower case) in the text as a word of its own; its place or NULL. Case is ignored. A word that ends in '*' fits all words that
 * begin so. */
const char *iad_text_word(const char *text, const char *word);

#endif
