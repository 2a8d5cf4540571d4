/* A trained tokenizer whose added tokens have the ids that a model's config calls for. */
#ifndef IAD_PROGRAM_MODELTOKENIZER_H
#define IAD_PROGRAM_MODELTOKENIZER_H

#include "base/text.h"
#include "runtime/model/config.h"

typedef struct iad_model_tokenizer_info {
    int base;    /* ids 0 .. base - 1: bytes and merges */
    int size;    /* one more than the highest id */
    int moved;   /* 1: the added tokens stand elsewhere than right behind the base, or some are left out */
} iad_model_tokenizer_info;

/* Trains on the files (none: on the built-in text) and writes tokenizer.json, vocab.json, merges.txt and tokenizer_config.json into
 * dir. config NULL: `vocab` ids, the 22 added tokens last. With a config the base vocabulary is as large as its ids leave room for
 * (at most vocab - 22, when vocab is not 0), and every added token that the config names stands at its id; the others fill the free
 * ids behind, in Qwen's order, as far as they fit. min_count as in bpe_train.h, 0: 1 for the built-in text, 2 for files.
 * Errors: IAD_ERR_ARG (ids that leave no room), those of bpe_train.h. */
iad_status iad_model_tokenizer_train(const iad_model_config *config, int64_t vocab, int64_t min_count, const iad_strings *files,
                                     const iad_strings *words, const char *dir, iad_model_tokenizer_info *info, iad_err *err);

/* 1 when every id that the config names is that token in the tokenizer of dir; 0 with the first difference in why. */
iad_status iad_model_tokenizer_fits(const iad_model_config *config, const char *dir, int *fits, char *why, size_t n_why, iad_err *err);

#endif
