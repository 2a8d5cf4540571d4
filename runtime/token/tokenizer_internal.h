/* Inside of a tokenizer, for the files of this folder. */
#ifndef IAD_RUNTIME_TOKENIZER_INTERNAL_H
#define IAD_RUNTIME_TOKENIZER_INTERNAL_H

#include "runtime/token/bpe_merge.h"
#include "runtime/token/pretok.h"
#include "runtime/token/token_text.h"
#include "runtime/token/tokenizer.h"

enum { IAD_TOKEN_IS_ADDED = 1, IAD_TOKEN_IS_SPECIAL = 2, IAD_TOKEN_IS_NORMALISED = 4, IAD_TOKEN_IS_THERE = 8 };

/* Added tokens sorted by their bytes; the longest that text begins with is found by narrowing a range byte by byte. */
typedef struct iad_token_added {
    const uint8_t *bytes;
    size_t n;
    int32_t id;
} iad_token_added;
typedef struct iad_token_added_set {
    iad_token_added *items;
    size_t n;
    uint8_t first[256]; /* 1: some token begins with this byte */
} iad_token_added_set;

struct iad_tokenizer {
    iad_token_classes classes;
    int32_t size;
    uint8_t *arena;   /* bytes of all tokens */
    uint32_t *offset; /* [size + 1] into the arena */
    uint8_t *flags;   /* [size] */
    int32_t byte_id[256];
    iad_bpe_table merges;
    int32_t *by_bytes; /* hash of bytes -> id, -1 empty */
    size_t by_bytes_mask;
    iad_token_added_set raw, normalised; /* matched before and after NFC */
    uint8_t *normalised_arena;           /* NFC forms of the second kind */
    iad_pretok_regex *regex;             /* NULL: the Qwen2 pattern */
    int nfc;
    uint8_t digest[IAD_SHA256_BYTES];
};

/* One token while loading. */
typedef struct iad_token_spec {
    const char *text; /* vocabulary: in byte characters; added: literally */
    size_t n;
    int32_t id;
    int special, normalised;
} iad_token_spec;
typedef struct iad_token_pair {
    const char *left, *right; /* in byte characters, NUL-terminated or as long as n says */
    size_t n_left, n_right;
} iad_token_pair;

/* Everything that a file says, borrowed. */
typedef struct iad_token_spec_set {
    iad_token_spec *vocab, *added;
    size_t n_vocab, n_added;
    iad_token_pair *merges;
    size_t n_merges;
    const char *pattern;
    int nfc;
} iad_token_spec_set;
/* Builds a tokenizer. `name` is used in messages. */
iad_status iad_tokenizer_build(const iad_token_spec_set *set, const char *name, iad_tokenizer **tok, iad_err *err);

/* The byte that a character of the GPT-2 map stands for, -1 for other characters; and back. */
int iad_token_byte_of(uint32_t cp);
uint32_t iad_token_char_of(uint8_t byte);

/* Longest added token of the set that text[at..n) begins with, or NULL. */
const iad_token_added *iad_token_added_find(const iad_token_added_set *set, const uint8_t *text, size_t at, size_t n);

#endif
