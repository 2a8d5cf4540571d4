/* Looking at text: shared by quality*.c. */
#ifndef IAD_ANNOTATE_QUALITY_TEXT_H
#define IAD_ANNOTATE_QUALITY_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* The code point at *p (valid UTF-8), *p behind it; 0 at the end. Invalid bytes count as U+FFFD. */
uint32_t iad_text_point(const char **p);
int iad_point_cjk(uint32_t c);
int iad_point_word(uint32_t c); /* letters and digits of any script */
/* Is `word` (ASCII, lower case) in the text as a word of its own; its place or NULL. Case is ignored. A word that ends in '*' fits all words that
 * begin so. */
const char *iad_text_word(const char *text, const char *word);

/* The first place of any of the n words, as parts of words too; ASCII case is ignored. One pass over the text. NULL: none. *which may be NULL. */
const char *iad_text_any(const char *text, const char *const *words, size_t n, size_t *which);

#endif
