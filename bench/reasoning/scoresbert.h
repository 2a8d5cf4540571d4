/* SBERT: cosine of the sentence embeddings of answer and reference. */
#ifndef IAD_BENCH_SCORESBERT_H
#define IAD_BENCH_SCORESBERT_H

#include <stdatomic.h>

#include "bench/reasoning/scorebook.h"

/* For every answer of kind "low" and "complex" with a reference. Adds {"model","dim","max_pieces","texts","truncated"} to the results as "sbert";
 * values of different models are not comparable. Errors: those of the model (bench/words/words.h), IAD_ERR_INTERRUPTED. */
iad_status iad_score_sbert(iad_scorebook *book, const char *dir, int threads, const atomic_int *stop, json_t *results, iad_err *err);

#endif
