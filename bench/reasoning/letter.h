/* The letter of a multiple-choice answer. */
#ifndef IAD_BENCH_LETTER_H
#define IAD_BENCH_LETTER_H

#include <stddef.h>

#include "base/status.h"

#define IAD_LETTER_MAX 26 /* options of one question */

/* As MMAD's scripts: the last standalone capital A to E (bounded by characters that are neither letters nor digits nor '_'); without one the option
 * whose text is closest to the answer by iad_difflib_ratio(option, answer), the larger text on a tie as difflib.get_close_matches has it, and the
 * first option with that text. options[n]: texts of A, B ... *letter: 'A'..'Z', or 0 when there is neither a letter nor an option. *guessed: 1 when
 * the text decided. Errors: IAD_ERR_NOMEM. */
iad_status iad_letter_mmad(const char *answer, const char *const *options, size_t n, char *letter, int *guessed, iad_err *err);

/* The strict reading: the last standalone letter of this question's options, or an answer that is one option's text (ASCII case, spaces and
 * punctuation around it aside); 0 for anything else. */
char iad_letter_strict(const char *answer, const char *const *options, size_t n);

#endif
