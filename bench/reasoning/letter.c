#include "bench/reasoning/letter.h"

#include <string.h>
#include <strings.h>

#include <utf8proc.h>

#include "bench/reasoning/difflib.h"

/* What \w matches in Python: letters, numbers, '_'. */
static int in_word(utf8proc_int32_t c) {
    if (c < 0x80) return c == '_' || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    utf8proc_category_t k = utf8proc_category(c);
    return (k >= UTF8PROC_CATEGORY_LU && k <= UTF8PROC_CATEGORY_LO) || (k >= UTF8PROC_CATEGORY_ND && k <= UTF8PROC_CATEGORY_NO);
}

/* The last letter from A to `last` that stands alone; 0: none. */
static char last_letter(const char *text, char last) {
    const utf8proc_uint8_t *p = (const utf8proc_uint8_t *)text;
    utf8proc_ssize_t left = (utf8proc_ssize_t)strlen(text);
    char found = 0, open = 0; /* open: a letter whose right side is not yet seen */
    int before = 0;
    while (left > 0) {
        utf8proc_int32_t c;
        utf8proc_ssize_t n = utf8proc_iterate(p, left, &c);
        if (n < 1) n = 1, c = 0xFFFD;
        int word = in_word(c);
        if (open && !word) found = open;
        open = word && !before && c >= 'A' && c <= last ? (char)c : 0;
        before = word;
        p += n;
        left -= n;
    }
    return open ? open : found;
}

iad_status iad_letter_mmad(const char *answer, const char *const *options, size_t n, char *letter, int *guessed, iad_err *err) {
    double best = -1;
    size_t at = 0;
    *letter = last_letter(answer, 'E');
    *guessed = 0;
    if (*letter) return IAD_OK;
    for (size_t i = 0; i < n && i < IAD_LETTER_MAX; i++) {
        double ratio;
        IAD_TRY(iad_difflib_ratio(options[i], answer, &ratio, err));
        if (ratio > best || (ratio == best && strcmp(options[i], options[at]) > 0)) best = ratio, at = i;
    }
    if (best < 0) return IAD_OK;
    *letter = (char)('A' + (char)at);
    *guessed = 1;
    return IAD_OK;
}

/* Without spaces and ASCII punctuation at both ends. */
static const char *trim(const char *text, size_t *n) {
    static const char around[] = " \t\r\n.,;:!?\"'()[]{}*`_-";
    text += strspn(text, around);
    *n = strlen(text);
    while (*n && strchr(around, text[*n - 1])) --*n;
    return text;
}

char iad_letter_strict(const char *answer, const char *const *options, size_t n) {
    if (n == 0 || n > IAD_LETTER_MAX) return 0;
    char letter = last_letter(answer, (char)('A' + (char)(n - 1)));
    size_t len, option_len;
    const char *said = trim(answer, &len);
    for (size_t i = 0; i < n && !letter && len; i++) {
        const char *option = trim(options[i], &option_len);
        if (option_len == len && strncasecmp(said, option, len) == 0) letter = (char)('A' + (char)i);
    }
    return letter;
}
