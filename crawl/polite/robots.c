#include "crawl/polite/robots.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/text.h"

#define MAX_PATTERN 2048
#define MAX_STEPS 2000000u /* of one comparison */

void iad_robots_deinit(iad_robots *robots) {
    for (size_t i = 0; i < robots->n; i++) free(robots->rules[i].pattern);
    free(robots->rules);
    memset(robots, 0, sizeof *robots);
}

static int hex_value(int c) {
    if (c >= '0' && c <= '9') return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Paths and patterns are compared octet by octet after percent-encoding what is not ASCII and decoding what needs no encoding (2.2.2).
 * Returns the length; out has room for 3 n + 1 bytes. */
static size_t normalise(const char *text, size_t n, char *out) {
    static const char digits[] = "0123456789ABCDEF";
    size_t k = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '%' && i + 2 < n && hex_value((unsigned char)text[i + 1]) >= 0 && hex_value((unsigned char)text[i + 2]) >= 0) {
            int value = hex_value((unsigned char)text[i + 1]) * 16 + hex_value((unsigned char)text[i + 2]);
            if (isalnum(value) || (value && strchr("-._~", value))) out[k++] = (char)value;
            else out[k++] = '%', out[k++] = digits[value >> 4], out[k++] = digits[value & 15];
            i += 2;
        } else if (c >= 0x80 || c <= ' ') {
            out[k++] = '%', out[k++] = digits[c >> 4], out[k++] = digits[c & 15];
        } else {
            out[k++] = (char)c;
        }
    }
    out[k] = 0;
    return k;
}

static iad_status add_rule(iad_robots *robots, const char *value, size_t n, int allow, iad_err *err) {
    if (n == 0 || robots->n >= IAD_ROBOTS_MAX_RULES) return IAD_OK; /* an empty rule says nothing */
    if (n > MAX_PATTERN) n = MAX_PATTERN;
    char *pattern = iad_alloc(3 * n + 1, 1);
    void *rules = robots->rules;
    if (!pattern) return IAD_NOMEM(err, "robots.txt");
    normalise(value, n, pattern);
    iad_status status = iad_grow(&rules, &robots->cap, robots->n + 1, sizeof *robots->rules, IAD_ROBOTS_MAX_RULES, "robots.txt rules", err);
    robots->rules = rules;
    if (status != IAD_OK) {
        free(pattern);
        return status;
    }
    robots->rules[robots->n++] = (iad_robots_rule){pattern, allow};
    return IAD_OK;
}

/* One line split into key and value; 0 when it is no rule. */
static int split_line(const char *line, size_t n, const char **key, size_t *n_key, const char **value, size_t *n_value) {
    const char *hash = memchr(line, '#', n);
    if (hash) n = (size_t)(hash - line);
    const char *colon = memchr(line, ':', n);
    if (!colon) return 0;
    const char *k = line, *k_end = colon, *v = colon + 1, *v_end = line + n;
    while (k < k_end && isspace((unsigned char)*k)) k++;
    while (k_end > k && isspace((unsigned char)k_end[-1])) k_end--;
    while (v < v_end && isspace((unsigned char)*v)) v++;
    while (v_end > v && isspace((unsigned char)v_end[-1])) v_end--;
    *key = k;
    *n_key = (size_t)(k_end - k);
    *value = v;
    *n_value = (size_t)(v_end - v);
    return *n_key > 0;
}

static int is_key(const char *key, size_t n, const char *name) {
    return n == strlen(name) && !strncasecmp(key, name, n);
}

/* A product token is letters, "-" and "_"; "Bot/2.1" means Bot. */
static int is_agent(const char *value, size_t n, const char *token) {
    size_t word = 0;
    while (word < n && (isalpha((unsigned char)value[word]) || value[word] == '-' || value[word] == '_')) word++;
    return word == strlen(token) && word > 0 && !strncasecmp(value, token, word);
}

/* Reads the groups of `token` ("*" for all others); *found says whether there is one. */
static iad_status read_groups(const char *text, size_t n, const char *token, iad_robots *robots, int *found, iad_err *err) {
    int mine = 0, in_agents = 0;
    const char *end = text + n;
    *found = 0;
    for (const char *p = text; p < end;) {
        const char *line = p;
        while (p < end && *p != '\n' && *p != '\r') p++;
        const char *key, *value;
        size_t n_key, n_value;
        int rule = split_line(line, (size_t)(p - line), &key, &n_key, &value, &n_value);
        if (p < end) p++;
        if (!rule) continue;
        if (is_key(key, n_key, "user-agent")) {
            if (!in_agents) mine = 0;
            in_agents = 1;
            int match = !strcmp(token, "*") ? n_value == 1 && *value == '*' : is_agent(value, n_value, token);
            mine |= match;
            *found |= match;
        } else if (is_key(key, n_key, "allow") || is_key(key, n_key, "disallow")) {
            in_agents = 0;
            if (mine) IAD_TRY(add_rule(robots, value, n_value, (key[0] | 0x20) == 'a', err));
        } else if (is_key(key, n_key, "crawl-delay")) {
            in_agents = 0;
            char number[32] = "";
            double delay;
            if (n_value < sizeof number) memcpy(number, value, n_value);
            if (mine && iad_parse_f64(number, 0, 1e9, "delay", &delay, NULL) == IAD_OK)
                robots->delay = delay < IAD_ROBOTS_MAX_DELAY ? delay : IAD_ROBOTS_MAX_DELAY;
        }
    }
    return IAD_OK;
}

iad_status iad_robots_parse(const char *text, size_t n, const char *token, iad_robots *robots, iad_err *err) {
    memset(robots, 0, sizeof *robots);
    int found = 0;
    if (n > IAD_ROBOTS_MAX_BYTES) n = IAD_ROBOTS_MAX_BYTES;
    if (n >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) text += 3, n -= 3;
    iad_status status = read_groups(text, n, token, robots, &found, err);
    if (status == IAD_OK && !found) status = read_groups(text, n, "*", robots, &found, err);
    if (status != IAD_OK) iad_robots_deinit(robots);
    return status;
}

/* 1 match, 0 none, -1 too much work. '*' is any run of octets, '$' at the end is the end; without it a prefix matches. */
static int matches(const char *pattern, const char *path) {
    const char *p = pattern, *s = path, *star = NULL, *mark = NULL;
    for (unsigned steps = 0; steps < MAX_STEPS; steps++) {
        if (*p == '*') {
            while (*p == '*') p++;
            star = p;
            mark = s;
            if (!*p) return 1;
        } else if (!*p || (*p == '$' && !p[1] && !*s)) {
            return 1;
        } else if (*s && *p == *s && !(*p == '$' && !p[1])) {
            p++;
            s++;
        } else if (star && *mark) {
            p = star;
            s = ++mark;
        } else {
            return 0;
        }
    }
    return -1;
}

int iad_robots_allowed(const iad_robots *robots, const char *target) {
    if (!strcmp(target, "/robots.txt")) return 1;
    if (robots->deny_all) return 0;
    if (!robots->n) return 1;
    size_t n = strlen(target), best = 0;
    int allowed = 1;
    char *path = iad_alloc(3 * n + 1, 1);
    if (!path) return 0;
    normalise(target, n, path);
    for (size_t i = 0; i < robots->n; i++) {
        const iad_robots_rule *rule = &robots->rules[i];
        size_t length = strlen(rule->pattern);
        if (length < best || (length == best && (allowed || !rule->allow))) continue;
        int match = matches(rule->pattern, path);
        if (match == 0 || (match < 0 && rule->allow)) continue;
        best = length;
        allowed = rule->allow;
    }
    free(path);
    return allowed;
}

iad_status iad_robots_text(const iad_robots *robots, const char *token, iad_buf *out, iad_err *err) {
    IAD_TRY(iad_buf_addf(out, err, "User-agent: %s\n", token));
    if (robots->delay > 0) IAD_TRY(iad_buf_addf(out, err, "Crawl-delay: %.17g\n", robots->delay));
    if (robots->deny_all) return iad_buf_add_str(out, "Disallow: /\n", err);
    for (size_t i = 0; i < robots->n; i++)
        IAD_TRY(iad_buf_addf(out, err, "%s: %s\n", robots->rules[i].allow ? "Allow" : "Disallow", robots->rules[i].pattern));
    return IAD_OK;
}

int iad_robots_meaning(int status) {
    if (status >= 200 && status < 300) return 1;
    return status >= 400 && status < 500 ? 0 : -1;
}
