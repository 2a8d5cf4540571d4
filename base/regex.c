#define PCRE2_CODE_UNIT_WIDTH 8
#include "base/regex.h"

#include <pcre2.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define MATCH_LIMIT 10000000u
#define DEPTH_LIMIT 100000u
#define HEAP_LIMIT_KIB (64u * 1024u)

struct iad_regex {
    pcre2_code *code;
    pcre2_match_context *limits; /* read only after creation */
};

iad_status iad_regex_new(const char *pattern, int flags, iad_regex **regex, iad_err *err) {
    *regex = NULL;
    uint32_t options = (flags & IAD_REGEX_BYTES ? 0 : PCRE2_UTF | PCRE2_UCP) | (flags & IAD_REGEX_NOCASE ? PCRE2_CASELESS : 0);
    int number;
    PCRE2_SIZE offset;
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, options, &number, &offset, NULL);
    if (!code) {
        PCRE2_UCHAR text[128] = "";
        pcre2_get_error_message(number, text, sizeof text);
        return IAD_FAIL(err, IAD_ERR_ARG, "pattern \"%.120s\", at byte %zu: %s", pattern, (size_t)offset, (const char *)text);
    }
    pcre2_jit_compile(code, PCRE2_JIT_COMPLETE); /* no JIT on this machine: the interpreter does it */
    iad_regex *r = iad_calloc(1, sizeof *r);
    pcre2_match_context *limits = pcre2_match_context_create(NULL);
    if (!r || !limits) {
        free(r);
        pcre2_match_context_free(limits);
        pcre2_code_free(code);
        return IAD_NOMEM(err, "a pattern");
    }
    pcre2_set_match_limit(limits, MATCH_LIMIT);
    pcre2_set_depth_limit(limits, DEPTH_LIMIT);
    pcre2_set_heap_limit(limits, HEAP_LIMIT_KIB);
    *r = (iad_regex){code, limits};
    *regex = r;
    return IAD_OK;
}

void iad_regex_free(iad_regex *regex) {
    if (!regex) return;
    pcre2_match_context_free(regex->limits);
    pcre2_code_free(regex->code);
    free(regex);
}

iad_status iad_regex_find(const iad_regex *regex, const char *text, size_t len, size_t from, iad_match *groups, size_t *n_groups, iad_err *err) {
    size_t room = *n_groups;
    *n_groups = 0;
    if (from > len) return IAD_OK;
    pcre2_match_data *data = pcre2_match_data_create_from_pattern(regex->code, NULL);
    if (!data) return IAD_NOMEM(err, "a match");
    int found = pcre2_match(regex->code, (PCRE2_SPTR)text, len, from, 0, data, regex->limits);
    iad_status status = IAD_OK;
    if (found > 0) {
        const PCRE2_SIZE *pairs = pcre2_get_ovector_pointer(data);
        size_t n = pcre2_get_ovector_count(data);
        if (n > room) n = room;
        for (size_t i = 0; i < n; i++) groups[i] = (iad_match){pairs[2 * i], pairs[2 * i + 1]};
        *n_groups = n;
    } else if (found != PCRE2_ERROR_NOMATCH) {
        PCRE2_UCHAR message[128] = "";
        pcre2_get_error_message(found, message, sizeof message);
        status = IAD_FAIL(err, IAD_ERR_FORMAT, "matching \"%.60s\": %s", text, (const char *)message);
    }
    pcre2_match_data_free(data);
    return status;
}

iad_status iad_regex_test(const iad_regex *regex, const char *text, int *found, iad_err *err) {
    iad_match group;
    size_t n = 1;
    IAD_TRY(iad_regex_find(regex, text, strlen(text), 0, &group, &n, err));
    *found = n > 0;
    return IAD_OK;
}
