/* The model that is asked. */
#ifndef IAD_BENCH_RESPONDENT_H
#define IAD_BENCH_RESPONDENT_H

#include <stdatomic.h>

#include "bench/reasoning/answerfile.h"
#include "bench/scorer.h"

typedef struct iad_respondent iad_respondent;

/* options->model: checkpoint directory. Answers are greedy, at most max_tokens long. stop is polled while the model is loaded and after every piece
 * of text. */
iad_status iad_respondent_open(const iad_scorer_options *options, int max_tokens, const atomic_int *stop, iad_respondent **respondent, iad_err *err);
void iad_respondent_close(iad_respondent *respondent); /* NULL is fine */
/* What decides an answer besides the question: weights, number formats, tokenizer, settings, greatest length. */
const char *iad_respondent_name(const iad_respondent *respondent);

/* Asks question `at`; earlier turns of its dialogue must have their answers in s. said->text is valid until the next call. Errors: of the pictures
 * (name the file), of the engine (names the question), IAD_ERR_INTERRUPTED. */
iad_status iad_respondent_ask(iad_respondent *respondent, const iad_asks *asks, const iad_sayings *s, size_t at, iad_said *said, iad_err *err);

typedef struct iad_respondent_figures {
    double seconds_prompt, seconds_answer; /* sums: preprocessing, tower and prompt; words */
    int64_t prompt_tokens, reused_tokens, answer_tokens, asked;
} iad_respondent_figures;
iad_respondent_figures iad_respondent_figures_get(const iad_respondent *respondent);

#endif
