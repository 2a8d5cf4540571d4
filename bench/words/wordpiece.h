/* WordPiece tokenizer of BERT and MPNet. Internal to bench/words.
 *
 * What the published tokenizers do, in this order: added tokens ("[SEP]" in a text is that piece) are found; control characters go, white
 * space divides; CJK ideographs stand alone; accents go (NFD without nonspacing marks) and letters become small, where the model is uncased;
 * punctuation stands alone; each word is taken apart greedily, the longest known piece first, or is the unknown piece as a whole. */
#ifndef IAD_WORDS_WORDPIECE_H
#define IAD_WORDS_WORDPIECE_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#define IAD_WORDPIECE_MAX_VOCAB 2000000   /* pieces; ids are below it */
#define IAD_WORDPIECE_MAX_PIECE 400       /* bytes of a piece */
#define IAD_WORDPIECE_MAX_WORD 1000       /* highest bound on a word's characters that a file may ask for */
#define IAD_WORDPIECE_MAX_ADDED 1000      /* added tokens */
#define IAD_WORDPIECE_MAX_FILE (64u << 20)

typedef struct iad_wordpiece iad_wordpiece; /* immutable, shared by threads */

/* Contents of the files; NULL for one that is not there. The vocabulary comes from tokenizer.json, else from vocab.txt. */
typedef struct iad_wordpiece_files {
    const char *tokenizer, *vocab, *config; /* tokenizer.json, vocab.txt (a piece per line), tokenizer_config.json */
    size_t n_tokenizer, n_vocab, n_config;
} iad_wordpiece_files;

/* kind: "bert" or "mpnet", decides the framing pieces that no file names ([CLS] [SEP], <s> </s>). `where` names the files in messages. What
 * tokenizer_config.json says about case and accents wins over tokenizer.json, as in transformers. Errors: FORMAT, LIMIT, UNSUPPORTED (a
 * tokenizer of another type), NOMEM. */
iad_status iad_wordpiece_parse(const iad_wordpiece_files *files, const char *kind, const char *where, iad_wordpiece **wordpiece, iad_err *err);
/* The files of a folder. */
iad_status iad_wordpiece_load(const char *dir, const char *kind, iad_wordpiece **wordpiece, iad_err *err);
void iad_wordpiece_free(iad_wordpiece *wordpiece); /* NULL is fine */

/* Small letters whatever the files said (sentence_bert_config.json, do_lower_case). Before the first encode. */
void iad_wordpiece_lower(iad_wordpiece *wordpiece);
int32_t iad_wordpiece_largest_id(const iad_wordpiece *wordpiece);
/* "model_max_length" of tokenizer_config.json, 0 without one. */
int64_t iad_wordpiece_max_length(const iad_wordpiece *wordpiece);

/* Pieces of many texts, one text behind the other. Zero-initialise. */
typedef struct iad_pieces {
    int32_t *ids;
    size_t n, cap;
    uint64_t unknown; /* unknown pieces so far */
} iad_pieces;
void iad_pieces_deinit(iad_pieces *pieces);

/* Appends the pieces of text[n] in their frame: at most max_pieces (>= 2), what is beyond is cut off and sets *truncated. Broken UTF-8 is
 * dropped. Errors: LIMIT, NOMEM. */
iad_status iad_wordpiece_encode(const iad_wordpiece *wordpiece, const char *text, size_t n, size_t max_pieces, iad_pieces *pieces, int *truncated,
                                iad_err *err);

#endif
