/* What a trainer holds, shared by learning and writing. */
#ifndef IAD_RUNTIME_BPE_TRAIN_INTERNAL_H
#define IAD_RUNTIME_BPE_TRAIN_INTERNAL_H

#include "runtime/token/bpe_merge.h"
#include "runtime/token/bpe_train.h"
#include "runtime/token/tokenizer_internal.h"

/* Different strings of bytes, numbered from 0 in order of arrival. Zero-initialise. */
typedef struct iad_bpe_strings {
    uint8_t *arena;
    size_t *offset; /* string i: arena[offset[i], offset[i + 1]) */
    uint32_t *slots; /* number + 1 */
    size_t n, used, mask, cap_arena, cap_offset;
} iad_bpe_strings;
/* Finds or adds; *number is its number. */
iad_status iad_bpe_strings_add(iad_bpe_strings *strings, const uint8_t *bytes, size_t n, uint32_t *number, iad_err *err);
void iad_bpe_strings_deinit(iad_bpe_strings *strings);

typedef struct iad_bpe_rule {
    int32_t left, right, merged;
} iad_bpe_rule;

struct iad_bpe_train {
    iad_token_classes classes;
    iad_token_text text;
    iad_bpe_strings pieces;
    uint64_t *counts; /* of the pieces */
    size_t cap_counts;
    /* The result. Tokens 0..255 are the bytes in the order of the checkpoints: printable ones first. */
    iad_bpe_strings tokens;
    iad_bpe_rule *rules;
    size_t n_rules, cap_rules;
    int done;
};

/* Learns up to max_tokens tokens (the bytes included); tokens holds the 256 bytes, rules is empty. */
iad_status iad_bpe_learn(iad_bpe_train *train, size_t max_tokens, uint64_t min_count, iad_err *err);
/* Appends a rule; the token of its result is made when there is none. */
iad_status iad_bpe_rule_add(iad_bpe_train *train, int32_t left, int32_t right, iad_err *err);

/* Name of added token k of the Qwen2.5 family, 0 <= k < IAD_BPE_ADDED, and whether it is special. */
const char *iad_bpe_added_name(int k, int *special);

#endif
