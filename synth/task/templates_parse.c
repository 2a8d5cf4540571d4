/* Template files line by line (templates.h has the form). */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "synth/task/templates_store.h"

typedef struct parser {
    iad_templates *templates;
    const char *name;
    int line, version;
    iad_template_form *form; /* section at hand, NULL before the first */
    size_t question_cap, answer_cap;
} parser;

#define BAD(p, err, ...) (IAD_FAIL((err), IAD_ERR_FORMAT, __VA_ARGS__), iad_err_prefix((err), "%s:%d", (p)->name, (p)->line))

static int is_name(const char *text) {
    for (const char *c = text; *c; c++)
        if (!((*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') || *c == '_')) return 0;
    return *text != 0;
}

/* A section ends. Some hold answers only (none: nothing is odd). */
static iad_status close_form(parser *p, iad_err *err) {
    const iad_template_form *f = p->form;
    if (f && f->n_questions == 0 && f->n_answers == 0) return BAD(p, err, "[%s %s %s] is empty", f->task, f->form, f->lang);
    return IAD_OK;
}

static iad_status check_polarity(parser *p, const iad_template_form *f, iad_err *err) {
    if (!f->canonical) return IAD_OK;
    for (size_t i = 0; i < p->templates->n; i++) {
        const iad_template_form *g = &p->templates->forms[i];
        if (g == f || !g->canonical || strcmp(g->task, f->task) != 0) continue;
        if (!g->yes_means != !f->yes_means || (g->yes_means && strcmp(g->yes_means, f->yes_means) != 0))
            return BAD(p, err, "the canonical forms of %s disagree on what Yes means", f->task);
    }
    return IAD_OK;
}

static iad_status section(parser *p, char *text, iad_err *err) {
    size_t n = strlen(text);
    char *words[8], *rest = NULL;
    int n_words = 0;
    if (n < 2 || text[n - 1] != ']') return BAD(p, err, "a section ends with ]");
    text[n - 1] = 0;
    for (char *w = strtok_r(text + 1, " \t", &rest); w; w = strtok_r(NULL, " \t", &rest)) {
        if (n_words == 8) return BAD(p, err, "too many words in a section");
        words[n_words++] = w;
    }
    if (n_words < 3 || !is_name(words[0]) || !is_name(words[1])) return BAD(p, err, "a section is [task form language ...]");
    if (strcmp(words[2], "en") != 0 && strcmp(words[2], "zh") != 0) return BAD(p, err, "language '%.20s': en or zh", words[2]);
    if (iad_templates_find(p->templates, words[0], words[1], words[2]))
        return BAD(p, err, "[%.40s %.40s %s] stands twice", words[0], words[1], words[2]);
    IAD_TRY(close_form(p, err));
    iad_templates *t = p->templates;
    IAD_TRY(iad_grow((void **)&t->forms, &t->cap, t->n + 1, sizeof *t->forms, IAD_TEMPLATES_MAX_FORMS, "template forms", err));
    iad_template_form *f = &t->forms[t->n];
    *f = (iad_template_form){.version = p->version};
    p->question_cap = p->answer_cap = 0;
    if (!(f->task = iad_arena_str(&t->arena, words[0])) || !(f->form = iad_arena_str(&t->arena, words[1]))) return IAD_NOMEM(err, "templates");
    f->lang = strcmp(words[2], "en") == 0 ? "en" : "zh";
    t->n++;
    p->form = f;
    for (int i = 3; i < n_words; i++) {
        if (strcmp(words[i], "canonical") == 0) f->canonical = 1;
        else if (strcmp(words[i], "yes_means=normal") == 0) f->yes_means = "normal";
        else if (strcmp(words[i], "yes_means=anomalous") == 0) f->yes_means = "anomalous";
        else return BAD(p, err, "'%.40s': canonical, yes_means=normal or yes_means=anomalous", words[i]);
    }
    return check_polarity(p, f, err);
}

static iad_status phrasing(parser *p, const char *text, int question, iad_err *err) {
    iad_template_form *f = p->form;
    if (!f) return BAD(p, err, "a phrasing before the first section");
    if (strstr(text, "<image>")) return BAD(p, err, "a phrasing holds no <image>");
    iad_piece_kind kind;
    const char *at = text, *begin;
    size_t n;
    do {
        if (iad_phrasing_next(&at, &kind, &begin, &n, err) != IAD_OK) return iad_err_prefix(err, "%s:%d", p->name, p->line);
    } while (kind != IAD_PIECE_END);
    iad_phrasing **list = question ? &f->questions : &f->answers;
    size_t *count = question ? &f->n_questions : &f->n_answers, *cap = question ? &p->question_cap : &p->answer_cap;
    for (size_t i = 0; i < *count; i++)
        if (strcmp((*list)[i].text, text) == 0) return BAD(p, err, "the same phrasing twice");
    IAD_TRY(iad_grow((void **)list, cap, *count + 1, sizeof **list, IAD_TEMPLATES_MAX_PHRASINGS, "phrasings of a form", err));
    (*list)[*count] = (iad_phrasing){.text = iad_arena_str(&p->templates->arena, text)};
    if (!(*list)[*count].text) return IAD_NOMEM(err, "templates");
    ++*count;
    return IAD_OK;
}

static iad_status one_line(parser *p, char *line, iad_err *err) {
    size_t n = strlen(line);
    while (n > 0 && (line[n - 1] == ' ' || line[n - 1] == '\r' || line[n - 1] == '\t')) line[--n] = 0;
    if (n == 0 || line[0] == '#') return IAD_OK;
    if (iad_utf8_valid(line, n) != n) return BAD(p, err, "the line is not UTF-8");
    if (line[0] == '[') return section(p, line, err);
    if ((line[0] == '?' || line[0] == '!') && line[1] == ' ' && line[2]) return phrasing(p, line + 2, line[0] == '?', err);
    int64_t version;
    if (iad_text_starts(line, "version ") && iad_parse_i64(line + 8, 1, 1000000, "version", &version, NULL) == IAD_OK) {
        p->version = (int)version;
        return IAD_OK;
    }
    return BAD(p, err, "'%.40s': a line starts with ?, !, [, # or version", line);
}

iad_status iad_templates_parse(const char *text, size_t n, const char *name, iad_templates **templates, iad_err *err) {
    if (!*templates && !(*templates = iad_calloc(1, sizeof **templates))) return IAD_NOMEM(err, "templates");
    parser p = {.templates = *templates, .name = name, .version = 1};
    char line[IAD_TEMPLATES_MAX_LINE + 1];
    for (size_t at = 0; at < n;) {
        const char *end = memchr(text + at, '\n', n - at);
        size_t length = end ? (size_t)(end - (text + at)) : n - at;
        p.line++;
        if (length > IAD_TEMPLATES_MAX_LINE) return BAD(&p, err, "a line of %zu bytes, at most %d", length, IAD_TEMPLATES_MAX_LINE);
        if (memchr(text + at, 0, length)) return BAD(&p, err, "a zero byte");
        memcpy(line, text + at, length);
        line[length] = 0;
        IAD_TRY(one_line(&p, line, err));
        at += length + (end != NULL);
    }
    return close_form(&p, err);
}
