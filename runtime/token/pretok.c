#include "runtime/token/pretok.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

/* ---- the Qwen2 pattern ---- */

static inline uint8_t class_at(const iad_token_classes *classes, const uint8_t *text, size_t at, size_t *length) {
    if (text[at] < 0x80) {
        *length = 1;
        return classes->ascii[text[at]];
    }
    return iad_token_class(classes, iad_utf8_get(text + at, length));
}

static size_t run_of_letters(const iad_token_classes *classes, const uint8_t *text, size_t at, size_t n) {
    size_t length;
    while (at < n && (class_at(classes, text, at, &length) & IAD_CP_LETTER)) at += length;
    return at;
}

/* (?i:'s|'t|'re|'ve|'m|'ll|'d): its length, 0 when it does not match. */
static size_t contraction(const uint8_t *text, size_t at, size_t n) {
    if (at + 1 >= n) return 0;
    uint8_t a = text[at + 1] | 32, b = at + 2 < n ? text[at + 2] | 32 : 0;
    if (a == 's' || a == 't' || a == 'm' || a == 'd') return 2;
    if ((a == 'r' || a == 'v') && b == 'e') return 3;
    if (a == 'l' && b == 'l') return 3;
    if (text[at + 1] == 0xC5 && at + 2 < n && text[at + 2] == 0xBF) return 3; /* U+017F folds to s */
    return 0;
}

/* A piece that begins with white space which no word takes. */
static size_t spaces(const iad_token_classes *classes, const uint8_t *text, size_t begin, size_t n) {
    size_t at = begin, length = 0, newline_end = 0, last = begin;
    uint8_t c;
    while (at < n && ((c = class_at(classes, text, at, &length)) & IAD_CP_SPACE)) {
        last = at;
        at += length;
        if (c & IAD_CP_NEWLINE) newline_end = at;
    }
    if (newline_end) return newline_end;      /* \s*[\r\n]+ */
    if (at == n || last == begin) return at;  /* \s+(?!\S) at the end of the text; \s+ */
    return last;                              /* \s+(?!\S): the last one belongs to the next piece */
}

size_t iad_pretok_qwen2(const iad_token_classes *classes, const uint8_t *text, size_t begin, size_t n) {
    size_t length, next_length = 0, at;
    uint8_t c = class_at(classes, text, begin, &length);
    if (c & IAD_CP_LETTER) return run_of_letters(classes, text, begin + length, n);
    if (c & IAD_CP_NUMBER) return begin + length;
    if (text[begin] == '\'') {
        size_t matched = contraction(text, begin, n);
        if (matched) return begin + matched;
    }
    at = begin + length;
    uint8_t next = at < n ? class_at(classes, text, at, &next_length) : (uint8_t)IAD_CP_SPACE;
    if ((next & IAD_CP_LETTER) && !(c & IAD_CP_NEWLINE)) return run_of_letters(classes, text, at + next_length, n);
    if (c & IAD_CP_SPACE) {
        if (text[begin] != ' ' || (next & IAD_CP_KIND)) return spaces(classes, text, begin, n);
        at += next_length; /* one blank in front of signs */
    }
    while (at < n && !(class_at(classes, text, at, &length) & IAD_CP_KIND)) at += length;
    while (at < n && (text[at] == '\r' || text[at] == '\n')) at++;
    return at;
}

/* ---- any pattern ---- */

struct iad_pretok_regex {
    pcre2_code *code;
};

iad_status iad_pretok_regex_new(const char *pattern, iad_pretok_regex **regex, iad_err *err) {
    *regex = NULL;
    iad_pretok_regex *made = iad_calloc(1, sizeof *made);
    if (!made) return IAD_NOMEM(err, "a pattern");
    int code = 0;
    PCRE2_SIZE at = 0;
    made->code = pcre2_compile((PCRE2_SPTR)pattern, strlen(pattern), PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C, &code, &at,
                               NULL);
    if (!made->code) {
        PCRE2_UCHAR message[128];
        pcre2_get_error_message(code, message, sizeof message);
        free(made);
        return IAD_FAIL(err, IAD_ERR_FORMAT, "pre-tokenisation pattern, character %zu: %s", (size_t)at, (const char *)message);
    }
    pcre2_jit_compile(made->code, PCRE2_JIT_COMPLETE); /* without it the interpreter gives the same */
    *regex = made;
    return IAD_OK;
}

void iad_pretok_regex_free(iad_pretok_regex *regex) {
    if (!regex) return;
    pcre2_code_free(regex->code);
    free(regex);
}

void iad_pretok_matcher_deinit(iad_pretok_matcher *matcher) {
    pcre2_match_data_free(matcher->data);
    pcre2_match_context_free(matcher->context);
    memset(matcher, 0, sizeof *matcher);
}

iad_status iad_pretok_matcher_start(iad_pretok_matcher *matcher, const iad_pretok_regex *regex, iad_err *err) {
    if (!matcher->data) matcher->data = pcre2_match_data_create(1, NULL);
    if (!matcher->context) {
        matcher->context = pcre2_match_context_create(NULL);
        if (matcher->context) {
            pcre2_set_match_limit(matcher->context, 1000000);
            pcre2_set_heap_limit(matcher->context, 65536);
        }
    }
    if (!matcher->data || !matcher->context) return IAD_NOMEM(err, "pattern matching");
    matcher->regex = regex;
    matcher->from = matcher->to = SIZE_MAX;
    matcher->none = 0;
    return IAD_OK;
}

iad_status iad_pretok_matcher_next(iad_pretok_matcher *matcher, const uint8_t *text, size_t begin, size_t n, size_t *end,
                                   iad_err *err) {
    if (!matcher->none && (matcher->from == SIZE_MAX || matcher->from < begin)) {
        size_t from = begin;
        for (;;) {
            int count = pcre2_match(matcher->regex->code, (PCRE2_SPTR)text, n, from, PCRE2_NO_UTF_CHECK | PCRE2_NOTEMPTY,
                                    matcher->data, matcher->context);
            if (count == PCRE2_ERROR_NOMATCH) {
                matcher->none = 1;
                break;
            }
            if (count < 0) {
                PCRE2_UCHAR message[128];
                pcre2_get_error_message(count, message, sizeof message);
                return IAD_FAIL(err, IAD_ERR_LIMIT, "pre-tokenisation pattern at byte %zu: %s", from, (const char *)message);
            }
            const PCRE2_SIZE *ends = pcre2_get_ovector_pointer(matcher->data);
            /* \K and the like can move the ends to odd places: such a match is skipped. */
            if (ends[0] >= from && ends[1] > ends[0] && ends[1] <= n) {
                matcher->from = ends[0];
                matcher->to = ends[1];
                break;
            }
            size_t length;
            iad_utf8_get(text + from, &length);
            from += length;
            if (from >= n) {
                matcher->none = 1;
                break;
            }
        }
    }
    if (matcher->none) *end = n;
    else if (matcher->from > begin) *end = matcher->from;
    else *end = matcher->to;
    return IAD_OK;
}
