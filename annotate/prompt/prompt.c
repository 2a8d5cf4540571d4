#include "annotate/prompt/prompt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "annotate/prompt/prompts_builtin.h"
#include "base/alloc.h"
#include "base/file.h"
#include "base/sha256.h"

static int word_ok(const char *text) {
    return *text && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-_") == strlen(text);
}

static int one_of(const char *word, const char *list) {
    size_t n = strlen(word);
    for (const char *p = strstr(list, word); p; p = strstr(p + 1, word))
        if ((p == list || p[-1] == '|') && (p[n] == '|' || !p[n])) return 1;
    return 0;
}

static iad_status parse_field(iad_prompt *p, const char *value, const char *where, iad_err *err) {
    iad_prompt_field f = {.min_words = 15, .max_words = 150};
    iad_strings words = {0};
    int64_t lo = 15, hi = 150;
    iad_status status = iad_strings_split(&words, value, ' ', err);
    if (status == IAD_OK && (words.n < 2 || words.n > 4 || p->n_fields == IAD_PROMPT_MAX_FIELDS || !word_ok(words.items[0]) ||
                             !one_of(words.items[1], "overall|material|structure|surface|defect") || strlen(words.items[0]) >= sizeof f.key))
        status =
            IAD_FAIL(err, IAD_ERR_FORMAT,
                     "%s: a field wants a key, an aspect (overall|material|structure|surface|defect) and two numbers of words; at most %d fields",
                     where, IAD_PROMPT_MAX_FIELDS);
    if (status == IAD_OK && words.n > 2) status = iad_parse_i64(words.items[2], 1, 1000, where, &lo, err);
    if (status == IAD_OK && words.n > 3) status = iad_parse_i64(words.items[3], lo, 2000, where, &hi, err);
    if (status == IAD_OK) {
        iad_text_copy(f.key, sizeof f.key, words.items[0]);
        iad_text_copy(f.aspect, sizeof f.aspect, words.items[1]);
        f.min_words = (int)lo;
        f.max_words = (int)hi;
        p->fields[p->n_fields++] = f;
    }
    iad_strings_deinit(&words);
    return status;
}

static iad_status parse_line(iad_prompt *p, const char *key, const char *value, const char *where, iad_err *err) {
    int64_t n = 0;
    if (!strcmp(key, "id") && word_ok(value) && iad_text_copy(p->id, sizeof p->id, value)) return IAD_OK;
    if (!strcmp(key, "lang") && one_of(value, "en|zh")) return iad_text_copy(p->lang, sizeof p->lang, value), IAD_OK;
    if (!strcmp(key, "mode") && word_ok(value) && iad_text_copy(p->mode, sizeof p->mode, value)) return IAD_OK;
    if (!strcmp(key, "pictures") && one_of(value, "any|normal|anomalous")) return iad_text_copy(p->pictures, sizeof p->pictures, value), IAD_OK;
    if (!strcmp(key, "flags") && one_of(value, "yes|no")) return p->flags = *value == 'y', IAD_OK;
    if (!strcmp(key, "field")) return parse_field(p, value, where, err);
    if (!strcmp(key, "temperature")) return iad_parse_f64(value, 0, 1.99, where, &p->temperature, err);
    int *target = !strcmp(key, "version")           ? &p->version
                  : !strcmp(key, "max_tokens")      ? &p->max_tokens
                  : !strcmp(key, "expected_tokens") ? &p->expected_tokens
                                                    : NULL;
    if (!target) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: \"%.40s %.40s\" is not understood", where, key, value);
    IAD_TRY(iad_parse_i64(value, 1, 1000000, where, &n, err));
    *target = (int)n;
    return IAD_OK;
}

#define FLAG_PROPERTIES                                                                                                                              \
    "\"is_product_photo\":{\"type\":\"boolean\"},\"category_match\":{\"type\":\"number\"},"                                                          \
    "\"object_count\":{\"type\":\"string\",\"enum\":[\"one\",\"few\",\"many\"]},"                                                                    \
    "\"view\":{\"type\":\"string\",\"enum\":[\"photo\",\"render\",\"drawing\",\"packaging\",\"scene\",\"collage\"]},"                                \
    "\"watermark\":{\"type\":\"string\",\"enum\":[\"none\",\"small\",\"large\"]},\"defect_visible\":{\"type\":\"string\",\"enum\":[\"no\",\"yes\","  \
    "\"unsure\"]},"                                                                                                                                  \
    "\"defect_note\":{\"type\":\"string\"},\"language\":{\"type\":\"string\"}"
#define FLAG_KEYS "\"is_product_photo\",\"category_match\",\"object_count\",\"view\",\"watermark\",\"defect_visible\",\"defect_note\",\"language\""

static iad_status make_schema(iad_prompt *p, iad_err *err) {
    iad_buf b;
    size_t n;
    iad_buf_init(&b, 1 << 16);
    iad_status status = iad_buf_add_str(&b, "{\"type\":\"object\",\"properties\":{", err);
    for (size_t i = 0; i < p->n_fields && status == IAD_OK; i++)
        status = iad_buf_addf(&b, err, "%s\"%s\":{\"type\":\"string\"}", i ? "," : "", p->fields[i].key);
    if (status == IAD_OK && p->audit)
        status = iad_buf_add_str(&b, "\"claims\":{\"type\":\"integer\"},\"not_visible\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}}", err);
    if (status == IAD_OK && p->flags) status = iad_buf_addf(&b, err, "%s" FLAG_PROPERTIES, p->n_fields ? "," : "");
    if (status == IAD_OK) status = iad_buf_add_str(&b, "},\"required\":[", err);
    for (size_t i = 0; i < p->n_fields && status == IAD_OK; i++) status = iad_buf_addf(&b, err, "%s\"%s\"", i ? "," : "", p->fields[i].key);
    if (status == IAD_OK && p->audit) status = iad_buf_add_str(&b, "\"claims\",\"not_visible\"", err);
    if (status == IAD_OK && p->flags) status = iad_buf_addf(&b, err, "%s" FLAG_KEYS, p->n_fields ? "," : "");
    if (status == IAD_OK) status = iad_buf_add_str(&b, "],\"additionalProperties\":false}", err);
    p->schema = status == IAD_OK ? iad_buf_take(&b, &n) : NULL;
    iad_buf_deinit(&b);
    return status != IAD_OK || p->schema ? status : IAD_NOMEM(err, "a prompt");
}

static iad_status parse(iad_prompt *p, const char *name, iad_err *err) {
    char where[200], key[40], value[200];
    int line = 1;
    for (const char *s = p->file; *s; line++) {
        size_t n = strcspn(s, "\n"), k = strcspn(s, " \n");
        const char *next = s + n + (s[n] == '\n');
        if (n && s[n - 1] == '\r') n--;
        snprintf(where, sizeof where, "%.150s, line %d", name, line);
        if (n == 3 && !strncmp(s, "---", 3)) {
            p->text = next;
            break;
        }
        if (n && *s != '#') {
            if (k >= sizeof key || k >= n || n - k - 1 >= sizeof value) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: wanted a key and a value", where);
            memcpy(key, s, k);
            key[k] = 0;
            memcpy(value, s + k + 1, n - k - 1);
            value[n - k - 1] = 0;
            IAD_TRY(parse_line(p, key, value, where, err));
        }
        s = next;
    }
    p->audit = !strcmp(p->mode, "audit");
    if (!p->text || !*p->text) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: no text behind a line \"---\"", name);
    if (!*p->id || !p->version || !*p->lang || !*p->mode || !p->max_tokens)
        return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: wants id, version, lang, mode and max_tokens", name);
    if (!p->audit == !p->n_fields) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: %s", name, p->audit ? "an audit has no fields" : "no field");
    if (!strstr(p->text, "JSON")) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: the text must have the word JSON, or some services refuse it", name);
    if (!p->expected_tokens) p->expected_tokens = p->max_tokens / 2;
    return make_schema(p, err);
}

iad_status iad_prompt_parse(iad_prompt *p, const char *text, size_t n, const char *name, iad_err *err) {
    memset(p, 0, sizeof *p);
    iad_text_copy(p->pictures, sizeof p->pictures, "any");
    if (n > IAD_PROMPT_MAX_BYTES) return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: larger than %d bytes", name, IAD_PROMPT_MAX_BYTES);
    if (iad_utf8_valid(text, n) != n || memchr(text, 0, n)) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: not UTF-8 text", name);
    p->file = iad_alloc(n + 1, 1);
    if (!p->file) return IAD_NOMEM(err, "a prompt");
    memcpy(p->file, text, n);
    p->file[n] = 0;
    iad_status status = iad_sha256_bytes(text, n, p->sha256, err);
    if (status == IAD_OK) status = parse(p, name, err);
    if (status != IAD_OK) iad_prompt_deinit(p);
    return status;
}

void iad_prompt_deinit(iad_prompt *p) {
    free(p->file);
    free(p->schema);
    memset(p, 0, sizeof *p);
}

static iad_status add(iad_prompts *all, const char *text, size_t n, const char *name, iad_err *err) {
    void *block = all->items;
    IAD_TRY(iad_grow(&block, &all->cap, all->n + 1, sizeof *all->items, 10000, "prompts", err));
    all->items = block;
    IAD_TRY(iad_prompt_parse(&all->items[all->n], text, n, name, err));
    const iad_prompt *p = &all->items[all->n++];
    for (size_t i = 0; i + 1 < all->n; i++)
        if (!strcmp(all->items[i].id, p->id) && all->items[i].version == p->version)
            return IAD_FAIL(err, IAD_ERR_EXISTS, "%s: there is another prompt %s of version %d", name, p->id, p->version);
    return IAD_OK;
}

iad_status iad_prompts_load(iad_prompts *all, const char *folder, iad_err *err) {
    iad_dir_list list = {0};
    iad_status status = IAD_OK;
    if (!folder) {
        for (size_t i = 0; i < iad_builtin_prompts_n && status == IAD_OK; i++)
            status = add(all, iad_builtin_prompts[i].text, iad_builtin_prompts[i].n, iad_builtin_prompts[i].name, err);
        return status;
    }
    IAD_TRY(iad_dir_read(folder, &list, err));
    for (size_t i = 0; i < list.n && status == IAD_OK; i++) {
        char path[IAD_PATH_MAX];
        uint8_t *text = NULL;
        size_t n = 0;
        if (!iad_text_ends(list.items[i].name, ".txt")) continue;
        status = iad_path_join(path, sizeof path, folder, list.items[i].name, err);
        if (status == IAD_OK) status = iad_file_read(path, IAD_PROMPT_MAX_BYTES, &text, &n, err);
        if (status == IAD_OK) status = add(all, (const char *)text, n, path, err);
        free(text);
    }
    iad_dir_list_deinit(&list);
    return status != IAD_OK || all->n ? status : IAD_FAIL(err, IAD_ERR_NOT_FOUND, "%s: no prompt (*.txt) in it", folder);
}

void iad_prompts_deinit(iad_prompts *all) {
    for (size_t i = 0; i < all->n; i++) iad_prompt_deinit(&all->items[i]);
    free(all->items);
    memset(all, 0, sizeof *all);
}

/* The highest version of an id, or the one that is named behind '@'. */
static const iad_prompt *find(const iad_prompts *all, const char *word) {
    const iad_prompt *best = NULL;
    size_t n = strcspn(word, "@");
    for (size_t i = 0; i < all->n; i++) {
        const iad_prompt *p = &all->items[i];
        char version[16];
        snprintf(version, sizeof version, "%d", p->version);
        if (strlen(p->id) != n || strncmp(p->id, word, n) != 0 || (word[n] && strcmp(word + n + 1, version) != 0)) continue;
        if (!best || p->version > best->version) best = p;
    }
    return best;
}

static iad_status not_found(const iad_prompts *all, const char *what, iad_err *err) {
    char list[300] = "";
    for (size_t i = 0; i < all->n; i++) {
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s@%d", i ? ", " : "", all->items[i].id, all->items[i].version);
    }
    return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "no prompt %.80s; there are %s", what, list);
}

iad_status iad_prompts_choose(const iad_prompts *all, const iad_strings *ids, const char *mode, const char *lang, const iad_prompt **chosen,
                              size_t *n, iad_err *err) {
    char what[80];
    *n = 0;
    for (size_t i = 0; ids && i < ids->n && *n < all->n; i++) {
        const iad_prompt *p = find(all, ids->items[i]);
        if (!p) return not_found(all, ids->items[i], err);
        chosen[(*n)++] = p;
    }
    for (size_t i = 0; (!ids || !ids->n) && i < all->n; i++) {
        const iad_prompt *p = &all->items[i];
        if (!strcmp(p->mode, mode) && !strcmp(p->lang, lang) && find(all, p->id) == p) chosen[(*n)++] = p;
    }
    snprintf(what, sizeof what, "of mode %s in %s", mode, lang);
    return *n ? IAD_OK : not_found(all, what, err);
}

iad_status iad_prompt_fill(const iad_prompt *p, const iad_prompt_values *v, iad_buf *out, iad_err *err) {
    const struct {
        const char *name, *value;
    } all[] = {{"{category}", v->category}, {"{group}", v->group}, {"{defect}", v->defect}, {"{place}", v->place}, {"{texts}", v->texts}};
    for (const char *s = p->text; *s;) {
        size_t n = strcspn(s, "{"), hit = 0;
        IAD_TRY(iad_buf_add(out, s, n, err));
        s += n;
        for (size_t i = 0; *s && i < sizeof all / sizeof *all && !hit; i++) {
            if (!iad_text_starts(s, all[i].name)) continue;
            IAD_TRY(iad_buf_add_str(out, all[i].value ? all[i].value : "", err));
            s += strlen(all[i].name);
            hit = 1;
        }
        if (*s && !hit) IAD_TRY(iad_buf_add(out, s++, 1, err));
    }
    return IAD_OK;
}
