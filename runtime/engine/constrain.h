/* Answers that must fit: one of a list of choices, or JSON of a small schema. A byte automaton with a stack is advanced
 * by the bytes of the tokens; at every step it says which tokens keep the answer completable, also within a budget of
 * tokens, so that an answer cut off by the budget is still valid.
 *
 * The JSON that is let through, fixed so that the automaton stays deterministic:
 *   - one optional space after ':' and after ',', no other white space;
 *   - properties in the order of the schema, optional ones may be left out, unknown ones never appear; an object whose schema names
 *     no properties and says additionalProperties: true may have any members with any values;
 *   - strings: valid UTF-8 and the escapes \" \\ \/ \b \f \n \r \t (no \u: other characters are written plainly);
 *   - integers: no leading zeros, no exponent; numbers: at most IAD_CONSTRAIN_DECIMALS decimals, no exponent.
 * The schema (JSON Schema keywords): type (one of string, integer, number, boolean, null, array, object, or a list of
 * types that begin with different characters), enum and const (of strings, numbers, booleans, null), minLength,
 * maxLength (code points), minimum, maximum, exclusiveMinimum, exclusiveMaximum, items (one schema), minItems,
 * maxItems, properties, required, additionalProperties (true or false). title, description, default, examples, $schema,
 * $id and $comment are read over. Every other keyword is refused with IAD_ERR_UNSUPPORTED, by name and place.
 *
 * Threads: vocabularies and constraints never change after they were made and may be shared; a matcher belongs to one
 * generation. */
#ifndef IAD_RUNTIME_CONSTRAIN_H
#define IAD_RUNTIME_CONSTRAIN_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"

#define IAD_CONSTRAIN_MAX_SCHEMA_BYTES (1u << 20)
#define IAD_CONSTRAIN_MAX_NESTING 32     /* arrays and objects inside each other */
#define IAD_CONSTRAIN_MAX_NODES 4096     /* schemas inside a schema */
#define IAD_CONSTRAIN_MAX_CHOICES 65536  /* choices of one list */
#define IAD_CONSTRAIN_MAX_TEXT 65536     /* bytes of one choice or property name */
#define IAD_CONSTRAIN_MAX_COUNT 1000000  /* lengths and numbers of items in a schema */
#define IAD_CONSTRAIN_DECIMALS 6
#define IAD_CONSTRAIN_MAX_NUMBER 1000000000 /* numbers lie strictly within +- this, integers within +- the next */
#define IAD_CONSTRAIN_MAX_INTEGER 9007199254740991
#define IAD_CONSTRAIN_MAX_TOKEN 256      /* longer tokens are never allowed */

typedef struct iad_token_bytes {
    const uint8_t *bytes; /* what the token writes; borrowed during the call */
    uint32_t n;           /* 0: a token without text (control tokens); never allowed except as end of text */
} iad_token_bytes;

typedef struct iad_constrain_vocab iad_constrain_vocab;
typedef struct iad_constraint iad_constraint;
typedef struct iad_matcher iad_matcher;

/* Index of a vocabulary, built once per tokenizer (about 10 bytes a token and 8 a byte). tokens [n_vocab] by id; eos:
 * ids that end the answer (their bytes do not count). Every byte that occurs in UTF-8 must exist as a token of its own
 * (byte-level BPE has them all). Errors: IAD_ERR_ARG, IAD_ERR_UNSUPPORTED (a byte is missing), IAD_ERR_LIMIT,
 * IAD_ERR_NOMEM. */
iad_status iad_constrain_vocab_new(const iad_token_bytes *tokens, int32_t n_vocab, const int32_t *eos, int n_eos,
                                   iad_constrain_vocab **vocab, iad_err *err);
void iad_constrain_vocab_free(iad_constrain_vocab *vocab);

/* The answer is exactly one of the strings (duplicates are fine). Errors: IAD_ERR_ARG (none, or an empty or non-UTF-8
 * one), IAD_ERR_LIMIT. */
iad_status iad_constraint_choices(const char *const *choices, size_t n, iad_constraint **constraint, iad_err *err);
/* The answer is JSON of this schema. Errors: IAD_ERR_FORMAT (not JSON, wrong value of a keyword), IAD_ERR_UNSUPPORTED
 * (keyword), IAD_ERR_ARG (nothing can fit, e.g. minimum above maximum), IAD_ERR_LIMIT. */
iad_status iad_constraint_json(const char *schema, size_t n, iad_constraint **constraint, iad_err *err);
void iad_constraint_free(iad_constraint *constraint);
/* Bytes of the shortest answer; a budget of as many tokens always suffices. */
int64_t iad_constraint_shortest(const iad_constraint *constraint);
/* 1 when text[n] is a whole answer, 0 when it is the beginning of one, -1 when no answer begins so. */
int iad_constraint_check(const iad_constraint *constraint, const void *text, size_t n);

/* vocab and constraint outlive the matcher. budget: tokens that the answer may have, end of text not counted; 0: no
 * bound. The bound counts the bytes still to write as one token each, so it bites a little early, never late. Errors:
 * IAD_ERR_LIMIT (budget below iad_constraint_shortest; says how many are needed), IAD_ERR_NOMEM. */
iad_status iad_matcher_new(const iad_constrain_vocab *vocab, const iad_constraint *constraint, int64_t budget,
                           iad_matcher **matcher, iad_err *err);
void iad_matcher_free(iad_matcher *matcher);
/* Back to the start of an answer. */
void iad_matcher_reset(iad_matcher *matcher);

/* Allowed tokens of the next step: bit i of word i / 64; (n_vocab + 63) / 64 words, valid until the next call. At least
 * one bit is set; end-of-text bits exactly when the answer is whole. Fails never after iad_matcher_new succeeded. */
const uint64_t *iad_matcher_mask(iad_matcher *matcher);
/* Takes the chosen token. Errors: IAD_ERR_ARG (not allowed here); nothing is changed then. An end-of-text id finishes.
 */
iad_status iad_matcher_accept(iad_matcher *matcher, int32_t id, iad_err *err);
/* 1 when the answer could end here. */
int iad_matcher_complete(const iad_matcher *matcher);
/* 1 when it must end here (nothing but end of text is allowed, or it was taken): no further step is needed. */
int iad_matcher_done(iad_matcher *matcher);
/* Appends the bytes of the shortest way to a whole answer (nothing when complete); the matcher does not move. */
iad_status iad_matcher_shortest(const iad_matcher *matcher, iad_buf *out, iad_err *err);

#endif
