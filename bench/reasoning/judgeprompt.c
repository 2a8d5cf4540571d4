#include "bench/reasoning/judgeprompt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/sha256.h"

static iad_status whole(const char *value, int lo, int hi, const char *where, int *out, iad_err *err) {
    int64_t n;
    if (iad_parse_i64(value, lo, hi, where, &n, NULL) != IAD_OK)
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: wanted a whole number of %d to %d", where, lo, hi);
    *out = (int)n;
    return IAD_OK;
}

static iad_status parse_line(iad_judge_prompt *p, const char *key, const char *value, const char *where, iad_err *err) {
    if (strcmp(key, "id") == 0) {
        if (!*value || value[strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-")] ||
            !iad_text_copy(p->id, sizeof p->id, value))
            return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: an id has letters, digits and '-'", where);
        return IAD_OK;
    }
    if (strcmp(key, "version") == 0) return whole(value, 1, 1000000, where, &p->version, err);
    if (strcmp(key, "scores") == 0) return whole(value, 1, 2, where, &p->scores, err);
    if (strcmp(key, "max_tokens") == 0) return whole(value, 1, 100000, where, &p->max_tokens, err);
    if (strcmp(key, "temperature") == 0)
        return iad_parse_f64(value, 0, 2, where, &p->temperature, NULL) == IAD_OK
                   ? IAD_OK
                   : IAD_FAIL(err, IAD_ERR_FORMAT, "%s: wanted a number of 0 to 2", where);
    return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: \"%.40s\" is not understood", where, key);
}

static iad_status parse_head(iad_judge_prompt *p, const char *name, iad_err *err) {
    char where[200], key[40], value[200];
    int line = 1;
    for (const char *s = p->file; *s && !p->text; line++) {
        size_t n = strcspn(s, "\n"), k = strcspn(s, " \n");
        const char *next = s + n + (s[n] == '\n');
        if (n && s[n - 1] == '\r') n--;
        snprintf(where, sizeof where, "%.150s, line %d", name, line);
        if (n == 3 && strncmp(s, "---", 3) == 0) p->text = next;
        else if (n && *s != '#') {
            if (k >= sizeof key || k >= n || n - k - 1 >= sizeof value) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: wanted a key and a value", where);
            snprintf(key, sizeof key, "%.*s", (int)k, s);
            snprintf(value, sizeof value, "%.*s", (int)(n - k - 1), s + k + 1);
            IAD_TRY(parse_line(p, key, value, where, err));
        }
        s = next;
    }
    if (!p->text || !*p->text) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: no text behind a line \"---\"", name);
    if (!*p->id || !p->version || !p->scores || !p->max_tokens)
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: wants id, version, scores and max_tokens", name);
    if (!strstr(p->text, "{answer}")) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: the text has no {answer} to judge", name);
    return IAD_OK;
}

iad_status iad_judge_prompt_parse(iad_judge_prompt *p, const char *text, size_t n, const char *name, iad_err *err) {
    *p = (iad_judge_prompt){0};
    if (n > IAD_JUDGE_PROMPT_MAX) return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: larger than %d bytes", name, IAD_JUDGE_PROMPT_MAX);
    if (iad_utf8_valid(text, n) != n || memchr(text, 0, n)) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: not UTF-8 text", name);
    p->file = iad_alloc(n + 1, 1);
    if (!p->file) return IAD_NOMEM(err, "a prompt");
    memcpy(p->file, text, n);
    p->file[n] = 0;
    iad_status status = iad_sha256_hex(text, n, p->sha256, err);
    if (status == IAD_OK) status = parse_head(p, name, err);
    if (status != IAD_OK) iad_judge_prompt_deinit(p);
    return status;
}

void iad_judge_prompt_deinit(iad_judge_prompt *p) {
    free(p->file);
    *p = (iad_judge_prompt){0};
}

static iad_status load_builtin(iad_judge_prompt *p, const char *which, iad_err *err) {
    iad_judge_prompt one;
    char names[300] = "", name[100];
    *p = (iad_judge_prompt){0};
    for (size_t i = 0; i < iad_builtin_judges_n; i++) {
        IAD_TRY(iad_judge_prompt_parse(&one, iad_builtin_judges[i].text, iad_builtin_judges[i].n, iad_builtin_judges[i].name, err));
        snprintf(name, sizeof name, "%s@%d", one.id, one.version);
        snprintf(names + strlen(names), sizeof names - strlen(names), "%s%s", *names ? ", " : "", name);
        int wanted = strcmp(which, name) == 0 || (strcmp(which, one.id) == 0 && one.version > p->version);
        if (wanted) iad_judge_prompt_deinit(p), *p = one;
        else iad_judge_prompt_deinit(&one);
    }
    return p->file ? IAD_OK : IAD_FAIL(err, IAD_ERR_NOT_FOUND, "no judge's prompt %.80s; there are %s, or give a file", which, names);
}

iad_status iad_judge_prompt_load(iad_judge_prompt *p, const char *which, iad_err *err) {
    uint8_t *text = NULL;
    size_t n = 0;
    if (!strpbrk(which, "/.")) return load_builtin(p, which, err);
    IAD_TRY(iad_file_read(which, IAD_JUDGE_PROMPT_MAX, &text, &n, err));
    iad_status status = iad_judge_prompt_parse(p, (const char *)text, n, which, err);
    free(text);
    return status;
}

iad_status iad_judge_prompt_fill(const iad_judge_prompt *p, const char *category, const char *question, const char *reference, const char *answer,
                                 iad_buf *out, iad_err *err) {
    const char *const names[] = {"{category}", "{question}", "{reference}", "{answer}"}, *const values[] = {category, question, reference, answer};
    for (const char *s = p->text; *s;) {
        size_t n = strcspn(s, "{"), hit = 0;
        IAD_TRY(iad_buf_add(out, s, n, err));
        s += n;
        for (size_t i = 0; *s && i < 4 && !hit; i++) {
            if (!iad_text_starts(s, names[i])) continue;
            IAD_TRY(iad_buf_add_str(out, values[i], err));
            s += strlen(names[i]);
            hit = 1;
        }
        if (*s && !hit) IAD_TRY(iad_buf_add(out, s++, 1, err));
    }
    return IAD_OK;
}
