/* Speed of sentence embeddings beside sentence-transformers, same model, same texts, same processors. */
#ifndef IAD_SPEED_SPEED_WORDS_H
#define IAD_SPEED_SPEED_WORDS_H

#include <stdio.h>

#include "base/status.h"

typedef struct iad_speed_words_options {
    const char *model;    /* sentence-transformers folder */
    const char *python;   /* NULL: ours alone */
    const char *baseline; /* bench/speed/words_baseline.py */
    int threads, repeats; /* the best of the repeats counts */
} iad_speed_words_options;

/* Prints a table: texts a second by the clock, texts per second of processor time (which neighbours on the machine disturb less), and the largest
 * difference of any number of an embedding. Errors: IAD_ERR_IO (scratch folder), those of iad_words_open. */
iad_status iad_speed_words(FILE *out, const iad_speed_words_options *options, iad_err *err);

#endif
