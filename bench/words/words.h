/* How near two texts are: the cosine of sentence embeddings (Sentence-BERT: Reimers, Gurevych 2019) and ROUGE-L (Lin 2004). This is the
 * whole library for its users; everything else in this folder is internal. */
#ifndef IAD_WORDS_WORDS_H
#define IAD_WORDS_WORDS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* ---- sentence embeddings ---- */

#define IAD_WORDS_MAX_TEXT (16u << 20) /* bytes of one text */

/* A loaded model, immutable: any number of threads may use one. */
typedef struct iad_words iad_words;

typedef struct iad_words_info {
    const char *name;      /* the folder's own name: a result states it, since cosines of different models cannot be compared */
    const char *kind;      /* "bert" or "mpnet" */
    const char *pooling;   /* "mean", "cls", "max" or "mean_sqrt_len" */
    int dim;               /* floats of an embedding */
    int max_pieces;        /* word pieces of a text with the two that frame it; what is beyond is cut off */
    int n_layer;
    int normalized;        /* 1: embeddings have length 1 */
    uint64_t parameters;
} iad_words_info;

/* Opens a folder as sentence-transformers publishes it: modules.json (Transformer, Pooling, Normalize; without it mean pooling),
 * sentence_bert_config.json, config.json (model_type bert or mpnet), tokenizer.json or vocab.txt, tokenizer_config.json, and the weights as
 * safetensors of f32, bf16 or f16; all products are f32. threads 1..256, 0: every processor this process may run on. Errors name the
 * file: NOT_FOUND, IO, FORMAT, LIMIT, UNSUPPORTED (another architecture, module or pooling), NOMEM. */
iad_status iad_words_open(const char *dir, int threads, iad_words **words, iad_err *err);
void iad_words_close(iad_words *words); /* NULL is fine */
const iad_words_info *iad_words_info_get(const iad_words *words);

typedef struct iad_words_tally {
    uint64_t pieces;       /* that went through the model, framing pieces included */
    uint64_t truncated;    /* texts of more than max_pieces */
    uint64_t unknown;      /* pieces that the vocabulary does not have */
} iad_words_tally;

/* Embeds n UTF-8 texts into vectors [n][dim]. A text's vector depends on neither its neighbours nor the threads, to the last bit. Broken
 * UTF-8 reads as U+FFFD, which is dropped; an empty text has an embedding, too. tally (may be NULL) is added to. stop (may be NULL) is
 * polled. Errors: LIMIT (names the text's index), NOMEM, INTERRUPTED. */
iad_status iad_words_embed(const iad_words *words, const char *const *texts, size_t n, const atomic_int *stop, float *vectors,
                           iad_words_tally *tally, iad_err *err);

/* Cosine of two vectors of n floats, -1..1, summed in double; 0 when either is all zero. */
double iad_words_cosine(const float *a, const float *b, int n);

/* ---- ROUGE-L ---- */

#define IAD_ROUGE_MAX_TOKENS 200000u /* of one text */

typedef struct iad_rouge {
    double precision, recall, f; /* 0..1 */
} iad_rouge;

/* ROUGE-L on whole texts: longest common subsequence of tokens over the tokens of the candidate (precision) and of the reference
 * (recall), f = 2pr / (p + r), all 0 when nothing is common. As Google's rouge_score has it with its default of no Porter stemmer: lower
 * case, tokens are runs of a-z and 0-9, everything else divides. f is the same with the texts exchanged. Time: product of the token
 * counts / 64. Errors: LIMIT, NOMEM. */
iad_status iad_rouge_l(const char *reference, const char *candidate, iad_rouge *score, iad_err *err);

#endif
