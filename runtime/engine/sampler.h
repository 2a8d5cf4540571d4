/* Choosing the next token from logits, as transformers' generate() does it, and noticing endless repetition.
 *
 * Order of steps: repetition penalty over every id of prompt and output, masks (known ids, allowed tokens),
 * temperature, top-k, top-p, draw. Scores are f32 as there; sums are double. A sampler belongs to one generation and
 * one thread. */
#ifndef IAD_RUNTIME_SAMPLER_H
#define IAD_RUNTIME_SAMPLER_H

#include <stdint.h>

#include "base/status.h"

#define IAD_SAMPLER_MAX_VOCAB (1 << 21)
#define IAD_SAMPLER_MAX_LOGIT 1e30f /* candidates lie below; what is below the negative of it is masked */

typedef struct iad_sampler_options {
    float temperature;        /* 0: greedy (highest score, the lowest id among equals); else 1e-6 .. 100 */
    int top_k;                /* 0: off. Scores below the k-th best are dropped; ties with it stay, as there */
    float top_p; /* 1: off. The fewest best tokens whose probabilities reach top_p, at least one; 0 .. 1. Among equal
                  * scores the lower id comes first */
    float repetition_penalty; /* 1: off; 0.01 .. 100: score < 0 ? score * p : score / p for every id seen, once */
    int32_t n_known; /* ids from here on are never chosen (rows of the head without a token); 0: all are known */
    uint64_t seed;            /* same seed, same logits: same tokens on every machine */
} iad_sampler_options;

iad_sampler_options iad_sampler_greedy(void); /* temperature 0, everything else off */

typedef struct iad_sampler iad_sampler;

/* n_vocab: length of the logits. Errors: IAD_ERR_ARG (options out of range; names the option), IAD_ERR_LIMIT,
 * IAD_ERR_NOMEM. */
iad_status iad_sampler_new(int32_t n_vocab, const iad_sampler_options *options, iad_sampler **sampler, iad_err *err);
void iad_sampler_free(iad_sampler *sampler); /* NULL is fine */
/* As new: nothing seen, the random sequence from its start. */
void iad_sampler_reset(iad_sampler *sampler);

/* Ids that the penalty applies to from now on: the prompt (placeholders of pictures too), then every token of the
 * output; the sampler does not add what it chose by itself. Errors: IAD_ERR_ARG (id outside the vocabulary). */
iad_status iad_sampler_see(iad_sampler *sampler, const int32_t *ids, int64_t n, iad_err *err);

/* logits [n_vocab] f32, not changed. allowed: bit i of word i / 64 set when id i may be chosen, or NULL. *id: the
 * choice. Errors: IAD_ERR_FORMAT (a NaN or a logit above IAD_SAMPLER_MAX_LOGIT among the candidates), IAD_ERR_ARG (no
 * candidate is left). */
iad_status iad_sampler_next(iad_sampler *sampler, const float *logits, const uint64_t *allowed, int32_t *id,
                            iad_err *err);

/* The tokens that would have been drawn from, best first, with their probabilities (sum 1); for tests and --top
 * listings. Fills at most max of ids and probabilities; *n is the whole number. Draws nothing. Greedy gives one. */
iad_status iad_sampler_candidates(iad_sampler *sampler, const float *logits, const uint64_t *allowed, int32_t max,
                                  int32_t *ids, double *probabilities, int32_t *n, iad_err *err);

/* ---- endless repetition ---- */

/* Rule: the output is stuck when its end is one cycle of c tokens (1 <= c <= IAD_REPEAT_MAX_CYCLE) written at least
 * min_repeats times in a row and at least min_tokens tokens long altogether. The smallest such c is reported. */
#define IAD_REPEAT_MAX_CYCLE 256
typedef struct iad_repeat_guard {
    int min_repeats, min_tokens;             /* 4 and 64 after iad_repeat_guard_init */
    int64_t n;                               /* tokens so far */
    int32_t ring[IAD_REPEAT_MAX_CYCLE];      /* the last ones */
    int64_t same[IAD_REPEAT_MAX_CYCLE + 1];  /* how many tokens up to here equal the one c places before */
} iad_repeat_guard;
void iad_repeat_guard_init(iad_repeat_guard *guard);
/* Takes the next token of the output; the length of the cycle when stuck, else 0. */
int iad_repeat_guard_add(iad_repeat_guard *guard, int32_t id);

#endif
