/* Regular expressions over PCRE2 (UTF-8, JIT where there is one), with match limits against hostile patterns and input. */
#ifndef IAD_BASE_REGEX_H
#define IAD_BASE_REGEX_H

#include <stddef.h>

#include "base/status.h"

typedef struct iad_regex iad_regex;

typedef struct iad_match {
    size_t start, end; /* byte offsets; both SIZE_MAX for a group that did not take part */
} iad_match;

enum { IAD_REGEX_NOCASE = 1, IAD_REGEX_BYTES = 2 /* do not treat text as UTF-8 */ };

/* Compiles; the message shows the place of a syntax error. The compiled object is immutable and may be shared by threads. */
iad_status iad_regex_new(const char *pattern, int flags, iad_regex **regex, iad_err *err);
void iad_regex_free(iad_regex *regex);

/* First match at or after `from`. *n_groups in: size of groups; out: groups filled (0: no match). Exceeding the match limit or
 * invalid UTF-8 is an error. */
iad_status iad_regex_find(const iad_regex *regex, const char *text, size_t len, size_t from, iad_match *groups, size_t *n_groups, iad_err *err);
/* 1/0 in *found. */
iad_status iad_regex_test(const iad_regex *regex, const char *text, int *found, iad_err *err);

#endif
