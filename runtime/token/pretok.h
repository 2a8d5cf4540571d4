/* Cutting text into pieces: the Qwen2 pattern by a scanner written for it, other patterns by PCRE2. */
#ifndef IAD_RUNTIME_PRETOK_H
#define IAD_RUNTIME_PRETOK_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "runtime/token/token_text.h"

/* The pattern of tokenizer.json, letter for letter. */
#define IAD_PRETOK_QWEN2                                                                                    \
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|"     \
    "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"

/* End of the piece that begins at text[begin], begin < n; text is valid UTF-8 and ends at n. The Qwen2 pattern exactly, as
 * Hugging Face tokenizers matches it (its letters, numbers and spaces; U+017F counts as an s). */
size_t iad_pretok_qwen2(const iad_token_classes *classes, const uint8_t *text, size_t begin, size_t n);

/* Any pattern. Compiled: immutable. Matcher: one thread's working memory. */
typedef struct iad_pretok_regex iad_pretok_regex;
typedef struct iad_pretok_matcher {
    void *data, *context; /* of PCRE2 */
    const iad_pretok_regex *regex;
    size_t from, to; /* the match found next; from = SIZE_MAX: not searched yet */
    int none;        /* no match any more */
} iad_pretok_matcher;

iad_status iad_pretok_regex_new(const char *pattern, iad_pretok_regex **regex, iad_err *err);
void iad_pretok_regex_free(iad_pretok_regex *regex);
/* Makes *matcher (zero-initialised at first) ready for a new text under `regex`. */
iad_status iad_pretok_matcher_start(iad_pretok_matcher *matcher, const iad_pretok_regex *regex, iad_err *err);
/* End of the piece that begins at `begin`: a match, or what lies before the next one. Calls go from left to right. */
iad_status iad_pretok_matcher_next(iad_pretok_matcher *matcher, const uint8_t *text, size_t begin, size_t n, size_t *end,
                                   iad_err *err);
void iad_pretok_matcher_deinit(iad_pretok_matcher *matcher);

#endif
