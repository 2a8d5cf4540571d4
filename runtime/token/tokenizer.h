/* The tokenizer of a Qwen2.5-VL checkpoint: byte-level BPE over NFC text, as Hugging Face tokenizers runs it.
 *
 * Order of work, for a text with added tokens allowed: added tokens are cut out of the raw text (leftmost, longest), what
 * lies between is normalised to NFC (UAX 15), cut into pieces by the pre-tokenisation pattern, and every piece is merged by
 * the ranks of the checkpoint. Nothing is added in front or behind.
 *
 * Threads: a tokenizer never changes after loading and may be used by any number of threads at once; a scratch belongs to one
 * thread at a time. Nothing here prints, exits or keeps state outside these objects. */
#ifndef IAD_RUNTIME_TOKENIZER_H
#define IAD_RUNTIME_TOKENIZER_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/sha256.h"
#include "base/status.h"

#define IAD_TOKEN_MAX_VOCAB (1 << 21)               /* ids lie in 0 .. this - 1 */
#define IAD_TOKEN_MAX_ADDED 65536                   /* added tokens of one checkpoint */
#define IAD_TOKEN_MAX_BYTES 65535                   /* bytes of one token */
#define IAD_TOKEN_MAX_FILE (256u * 1024u * 1024u)   /* bytes of tokenizer.json, vocab.json or merges.txt */
#define IAD_TOKEN_MAX_TEXT (1024u * 1024u * 1024u)  /* bytes of one text, before and after normalisation */

typedef struct iad_tokenizer iad_tokenizer;
typedef struct iad_token_scratch iad_token_scratch;

/* Growable list of ids. Zero-initialise; free with iad_token_list_deinit. begin/end are NULL unless IAD_TOKEN_OFFSETS was
 * given in every call that appended to the list; then token i came from the bytes begin[i] .. end[i]-1 of the text as it was
 * given. Where normalisation or the replacement of broken UTF-8 changed bytes, the range covers the whole changed stretch (a
 * base character with its marks), so ranges of neighbours may overlap; a token that is part of a character covers its bytes. */
typedef struct iad_token_list {
    int32_t *ids;
    uint32_t *begin, *end;
    size_t n, cap;
} iad_token_list;
void iad_token_list_deinit(iad_token_list *list);
/* Appends one token (begin/end are stored only when the list is empty or already has offsets and `offsets` is not 0). */
iad_status iad_token_list_add(iad_token_list *list, int32_t id, int offsets, uint32_t begin, uint32_t end, iad_err *err);

/* ---- loading ---- */

/* Loads from a checkpoint directory: tokenizer.json when there is one, else vocab.json with merges.txt (which may begin with a
 * #version line) and the added tokens of tokenizer_config.json ("added_tokens_decoder") or added_tokens.json, if present.
 * Refused with IAD_ERR_UNSUPPORTED, naming the part: other model types, normalizers, pre-tokenizers, decoders or options than the
 * ones above; Split with another pattern is accepted and runs on PCRE2. IAD_ERR_FORMAT: broken files; IAD_ERR_NOT_FOUND. */
iad_status iad_tokenizer_load(const char *dir, iad_tokenizer **tok, iad_err *err);

/* The same from bytes in memory; `name` is used in messages. json: the content of a tokenizer.json. */
iad_status iad_tokenizer_load_bytes(const char *json, size_t n, const char *name, iad_tokenizer **tok, iad_err *err);
/* vocab: vocab.json; merges: merges.txt; config: tokenizer_config.json (NULL, 0: no added tokens). */
iad_status iad_tokenizer_load_parts(const char *vocab, size_t vocab_n, const char *merges, size_t merges_n, const char *config,
                                    size_t config_n, const char *name, iad_tokenizer **tok, iad_err *err);
void iad_tokenizer_free(iad_tokenizer *tok); /* NULL is fine */

/* ---- facts ---- */

/* Hash over everything that decides the ids: every token with its id, the merges in order, added tokens with their flags, the
 * pattern, normalisation. Equal for the two file forms of one tokenizer. Part of cache keys. */
void iad_tokenizer_sha256(const iad_tokenizer *tok, uint8_t digest[IAD_SHA256_BYTES]);
/* One more than the highest id in use, added tokens included (Qwen2.5: 151665). */
int32_t iad_tokenizer_size(const iad_tokenizer *tok);
/* Id of a token given as plain bytes (" defect" with a real space), added tokens first; -1 when there is none. This asks for ONE
 * token; whether encode() yields it is another question. */
int32_t iad_tokenizer_id(const iad_tokenizer *tok, const char *text);
int32_t iad_tokenizer_id_bytes(const iad_tokenizer *tok, const char *bytes, size_t n);
/* Bytes of a token (not NUL-terminated, borrowed, not always valid UTF-8); *n = 0 and "" for an id without a token. */
const char *iad_tokenizer_bytes(const iad_tokenizer *tok, int32_t id, size_t *n);
int iad_tokenizer_is_added(const iad_tokenizer *tok, int32_t id);   /* 1 for added tokens */
int iad_tokenizer_is_special(const iad_tokenizer *tok, int32_t id); /* 1 for added tokens marked special */

/* ---- encoding ---- */

enum {
    IAD_TOKEN_ADDED = 1,  /* literals such as <|im_end|> in the text become their added token; without: they stay plain text */
    IAD_TOKEN_OFFSETS = 2 /* fill begin and end */
};

/* Working memory and word cache for one thread and one tokenizer at a time (the cache is emptied when the tokenizer changes). */
iad_status iad_token_scratch_new(iad_token_scratch **scratch, iad_err *err);
void iad_token_scratch_free(iad_token_scratch *scratch);

/* Appends the ids of text[n] to *out. The text need not be valid UTF-8: each maximal broken part becomes U+FFFD first, as
 * Python's bytes.decode("utf-8", "replace") and the Unicode standard (table 3-8) do it. NUL bytes are ordinary text.
 * Deterministic: the result never depends on the scratch. On failure *out keeps what it held before the call.
 * Errors: IAD_ERR_LIMIT (text too long, match limit of a foreign pattern), IAD_ERR_NOMEM. */
iad_status iad_tokenizer_encode(const iad_tokenizer *tok, iad_token_scratch *scratch, const char *text, size_t n, int flags,
                                iad_token_list *out, iad_err *err);

/* ---- decoding ---- */

/* Appends the text of ids[n] to *out: the bytes of the tokens, broken UTF-8 replaced by U+FFFD as above. Ids without a token
 * give nothing; skip_special leaves out special tokens. */
iad_status iad_tokenizer_decode(const iad_tokenizer *tok, const int32_t *ids, size_t n, int skip_special, iad_buf *out,
                                iad_err *err);

/* Streaming: the pieces put together equal iad_tokenizer_decode of all ids. Zero-initialise. */
typedef struct iad_token_stream {
    uint8_t tail[4]; /* an incomplete character held back */
    int n_tail;
    int skip_special;
} iad_token_stream;
iad_status iad_token_stream_add(iad_token_stream *stream, const iad_tokenizer *tok, int32_t id, iad_buf *out, iad_err *err);
/* Ends the text: a tail still held becomes U+FFFD. The stream can be used again. */
iad_status iad_token_stream_end(iad_token_stream *stream, iad_buf *out, iad_err *err);

#endif
