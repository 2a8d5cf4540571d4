/* What loading and encoding share. Internal to wordpiece*.c. */
#ifndef IAD_WORDS_WORDPIECE_INTERNAL_H
#define IAD_WORDS_WORDPIECE_INTERNAL_H

#include "bench/words/wordpiece.h"

/* A piece of the vocabulary. "##ing" is known twice: by its own text, and without the prefix as one that goes on a word. */
typedef struct iad_piece {
    uint32_t at, length; /* bytes in `text` */
    int32_t id;
    int goes_on;
} iad_piece;

typedef struct iad_added_token {
    char *text;
    size_t length;
    int32_t id;
    int any_case; /* 1: looked for in the text after its letters became small */
} iad_added_token;

struct iad_wordpiece {
    char *text;
    size_t n_text, cap_text;
    iad_piece *pieces;
    size_t n, cap;
    uint32_t *slots; /* hash -> index of a piece + 1, 0: free */
    size_t n_slot;   /* a power of two */
    size_t longest;  /* bytes of the longest piece */
    iad_added_token *added; /* longest first */
    size_t n_added, cap_added;
    uint8_t added_first[256]; /* 1: an added token begins with this byte, in either case */
    int32_t cls, sep, unknown, largest_id;
    int64_t max_length;
    int max_word; /* characters of a word; longer ones are unknown */
    int clean, ideographs, strip, lower;
};

#define IAD_PIECE_SEED 14695981039346656037u
static inline uint64_t iad_piece_hash(uint64_t h, const char *bytes, size_t n) {
    for (size_t i = 0; i < n; i++) h = (h ^ (unsigned char)bytes[i]) * 1099511628211u;
    return h;
}

/* The id of bytes[n] with its hash, or -1. */
int32_t iad_piece_find(const iad_wordpiece *wordpiece, const char *bytes, size_t n, uint64_t hash, int goes_on);

#endif
