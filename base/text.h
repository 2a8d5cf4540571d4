/* Small helpers for strings and strict number parsing. */
#ifndef IAD_BASE_TEXT_H
#define IAD_BASE_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* Copies src into dst[size], cut at size - 1. Returns 1 when all of it fitted, else 0. */
int iad_text_copy(char *dst, size_t size, const char *src);

int iad_text_starts(const char *text, const char *prefix);
int iad_text_ends(const char *text, const char *suffix);
/* ASCII case-insensitive. */
int iad_text_ends_nocase(const char *text, const char *suffix);
int iad_text_equal_nocase(const char *a, const char *b);

/* Order of people: runs of digits compare as numbers ("2.png" before "10.png"), ties by bytes. For qsort-like use. */
int iad_text_compare_natural(const char *a, const char *b);

/* The whole text must be one number within the range. `what` names the item in the message.
 * Doubles accept decimal notation, inf and nan are refused. Locale is never used. */
iad_status iad_parse_i64(const char *text, int64_t lo, int64_t hi, const char *what, int64_t *value, iad_err *err);
iad_status iad_parse_u64(const char *text, uint64_t *value, const char *what, iad_err *err);
iad_status iad_parse_f64(const char *text, double lo, double hi, const char *what, double *value, iad_err *err);

/* Length of the valid UTF-8 prefix of n bytes; equals n when all is valid (RFC 3629: no surrogates, no overlongs). */
size_t iad_utf8_valid(const char *bytes, size_t n);

/* A list of strings that it owns. Zero-initialise; free with iad_strings_deinit. */
typedef struct iad_strings {
    char **items;
    size_t n, cap;
} iad_strings;
iad_status iad_strings_add(iad_strings *list, const char *text, iad_err *err);
iad_status iad_strings_addn(iad_strings *list, const char *bytes, size_t n, iad_err *err);
/* Splits text at each `separator`; "" gives an empty list, "a,,b" three items. */
iad_status iad_strings_split(iad_strings *list, const char *text, char separator, iad_err *err);
void iad_strings_sort(iad_strings *list);         /* by bytes */
void iad_strings_sort_natural(iad_strings *list); /* numbers as numbers */
void iad_strings_deinit(iad_strings *list);

#endif
