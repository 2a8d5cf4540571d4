/* Trains a small byte-level BPE in the format of a Qwen2.5-VL checkpoint, for small models.
 *
 * Sennrich et al. 2016 over bytes: texts are normalised and cut into pieces exactly as at encoding time, then the most frequent
 * adjacent pair is merged again and again. Deterministic: of equally frequent pairs the one with the smaller (left id, right id)
 * wins; the order in which texts arrive does not matter. */
#ifndef IAD_RUNTIME_BPE_TRAIN_H
#define IAD_RUNTIME_BPE_TRAIN_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#define IAD_BPE_ADDED 22                /* the Qwen2.5 added tokens, behind the base vocabulary */
#define IAD_BPE_MIN_VOCAB (256 + IAD_BPE_ADDED)
#define IAD_BPE_MAX_VOCAB (1 << 20)
#define IAD_BPE_MAX_PIECE 1024          /* longer pieces of the training text are skipped */
#define IAD_BPE_MAX_PIECES (1u << 26)   /* different pieces */

typedef struct iad_bpe_train iad_bpe_train;

typedef struct iad_bpe_options {
    int32_t vocab_size;       /* ids in all, the 22 added tokens included; fewer come out when the text has no more pairs */
    uint32_t min_count;       /* a pair must occur so often to be merged; 0: 2 */
    const char *const *words; /* must become single tokens, each one piece of the pattern ("Yes", " defect"); may be NULL */
    size_t n_words;
} iad_bpe_options;

iad_status iad_bpe_train_new(iad_bpe_train **train, iad_err *err);
void iad_bpe_train_free(iad_bpe_train *train);
/* Adds one text (broken UTF-8 is replaced as at encoding). The caller keeps the bytes. */
iad_status iad_bpe_train_add(iad_bpe_train *train, const char *text, size_t n, iad_err *err);
iad_status iad_bpe_train_add_file(iad_bpe_train *train, const char *path, iad_err *err);

/* Learns the merges. IAD_ERR_ARG: vocab_size out of range or too small for the words, or a word that is not one piece. */
iad_status iad_bpe_train_run(iad_bpe_train *train, const iad_bpe_options *options, iad_err *err);
/* Ids of the result, added tokens included. 0 before iad_bpe_train_run. */
int32_t iad_bpe_train_size(const iad_bpe_train *train);
/* Writes tokenizer.json, vocab.json, merges.txt and tokenizer_config.json into the folder (made when missing). */
iad_status iad_bpe_train_write(const iad_bpe_train *train, const char *dir, iad_err *err);

#endif
