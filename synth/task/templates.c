#include "synth/task/templates.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "manifests/records.h"
#include "synth/task/templates_builtin.h"
#include "synth/task/templates_store.h"

#define MAX_FILE_BYTES (4u << 20)

/* ---- loading ---- */

static iad_status load_file(const char *folder, const char *name, iad_templates **templates, iad_err *err) {
    char path[IAD_PATH_MAX];
    uint8_t *bytes;
    size_t n;
    IAD_TRY(iad_path_join(path, sizeof path, folder, name, err));
    IAD_TRY(iad_file_read(path, MAX_FILE_BYTES, &bytes, &n, err));
    iad_status status = iad_templates_parse((const char *)bytes, n, name, templates, err);
    free(bytes);
    return status;
}

static iad_status load_folder(const char *folder, iad_templates **templates, iad_err *err) {
    iad_dir_list list = {0};
    size_t taken = 0;
    iad_status status = iad_dir_read(folder, &list, err);
    for (size_t i = 0; status == IAD_OK && i < list.n; i++) {
        if (!iad_text_ends(list.items[i].name, ".txt")) continue;
        status = load_file(folder, list.items[i].name, templates, err);
        taken++;
    }
    if (status == IAD_OK && taken == 0) status = IAD_FAIL(err, IAD_ERR_NOT_FOUND, "%s: no .txt file with phrasings", folder);
    iad_dir_list_deinit(&list);
    return status;
}

iad_status iad_templates_load(const char *folder, iad_templates **templates, iad_err *err) {
    *templates = NULL;
    iad_status status = IAD_OK;
    if (folder) status = load_folder(folder, templates, err);
    for (size_t i = 0; !folder && status == IAD_OK && i < iad_builtin_templates_n; i++) {
        const iad_builtin_text *t = &iad_builtin_templates[i];
        status = iad_templates_parse(t->text, t->n, t->name, templates, err);
    }
    if (status != IAD_OK) {
        iad_templates_free(*templates);
        *templates = NULL;
    }
    return status;
}

void iad_templates_free(iad_templates *templates) {
    if (!templates) return;
    for (size_t i = 0; i < templates->n; i++) {
        free(templates->forms[i].questions);
        free(templates->forms[i].answers);
    }
    free(templates->forms);
    iad_arena_deinit(&templates->arena);
    free(templates);
}

const iad_template_form *iad_templates_find(const iad_templates *templates, const char *task, const char *form, const char *lang) {
    for (size_t i = 0; i < templates->n; i++) {
        const iad_template_form *f = &templates->forms[i];
        if (!strcmp(f->task, task) && !strcmp(f->form, form) && !strcmp(f->lang, lang)) return f;
    }
    return NULL;
}

const iad_template_form *iad_templates_all(const iad_templates *templates, size_t *n) {
    *n = templates->n;
    return templates->forms;
}

iad_status iad_templates_store(iad_templates *templates, iad_manifest *manifest, iad_err *err) {
    for (size_t i = 0; i < templates->n; i++) {
        iad_template_form *f = &templates->forms[i];
        for (size_t k = 0; k < f->n_questions; k++) {
            const iad_template_row row = {.task = f->task, .lang = f->lang, .text = f->questions[k].text, .answer_form = f->form,
                                          .yes_means = f->yes_means, .canonical = f->canonical, .version = f->version};
            IAD_TRY(iad_template_put(manifest, &row, &f->questions[k].row, err));
        }
    }
    return IAD_OK;
}

/* ---- filling ---- */

iad_status iad_phrasing_next(const char **at, iad_piece_kind *kind, const char **begin, size_t *n, iad_err *err) {
    const char *p = *at;
    *begin = p;
    *n = 1;
    if (*p == 0) {
        *kind = IAD_PIECE_END;
        return IAD_OK;
    }
    if ((p[0] == '{' || p[0] == '}') && p[1] == p[0]) {
        *kind = IAD_PIECE_TEXT;
        *at = p + 2;
        return IAD_OK;
    }
    if (*p == '}') return IAD_FAIL(err, IAD_ERR_FORMAT, "a } without {: write }}");
    if (*p == '{' || *p == '*' || *p == '+') {
        const char *end = strchr(p + 1, *p == '{' ? '}' : *p);
        if (!end || end == p + 1) return IAD_FAIL(err, IAD_ERR_FORMAT, "%c is not closed, or nothing stands in it", *p);
        for (const char *c = p + 1; c < end; c++)
            if (strchr("{}*+", *c)) return IAD_FAIL(err, IAD_ERR_FORMAT, "%c inside of %c", *c, *p);
        *kind = *p == '{' ? IAD_PIECE_SLOT : *p == '*' ? IAD_PIECE_ANOMALY : IAD_PIECE_NORMAL;
        *begin = p + 1;
        *n = (size_t)(end - p - 1);
        *at = end + 1;
        return IAD_OK;
    }
    *kind = IAD_PIECE_TEXT;
    *n = strcspn(p, "{}*+");
    *at = p + *n;
    return IAD_OK;
}

static iad_status add_slot(const char *name, size_t n, const iad_slot *slots, size_t n_slots, iad_buf *out, iad_err *err) {
    for (size_t i = 0; i < n_slots; i++)
        if (strlen(slots[i].name) == n && !memcmp(slots[i].name, name, n)) return iad_buf_add_str(out, slots[i].value, err);
    return IAD_FAIL(err, IAD_ERR_ARG, "nothing to put for {%.*s}", (int)(n > 40 ? 40 : n), name);
}

static iad_status add_span(iad_buf *spans, size_t start, size_t end, const char *word, iad_err *err) {
    char text[IAD_TEMPLATES_MAX_LINE + 1];
    if (!spans) return IAD_OK;
    memcpy(text, word, end - start);
    text[end - start] = 0;
    IAD_TRY(iad_buf_addf(spans, err, "%s[%zu,%zu,", spans->len ? "," : "[", start, end));
    IAD_TRY(iad_json_quote(text, spans, err));
    return iad_buf_add_str(spans, "]", err);
}

iad_status iad_phrasing_fill(const char *text, const char *head, const iad_slot *slots, size_t n, iad_buf *out, iad_buf *anomaly, iad_buf *normal,
                             iad_err *err) {
    size_t origin = out->len;
    if (strlen(text) > IAD_TEMPLATES_MAX_LINE) return IAD_FAIL(err, IAD_ERR_LIMIT, "a phrasing of more than %d bytes", IAD_TEMPLATES_MAX_LINE);
    IAD_TRY(iad_buf_add_str(out, head, err));
    for (const char *at = text;;) {
        iad_piece_kind kind;
        const char *begin;
        size_t length, start = out->len - origin;
        IAD_TRY(iad_phrasing_next(&at, &kind, &begin, &length, err));
        if (kind == IAD_PIECE_END) break;
        if (kind == IAD_PIECE_SLOT) {
            IAD_TRY(add_slot(begin, length, slots, n, out, err));
            continue;
        }
        IAD_TRY(iad_buf_add(out, begin, length, err));
        if (kind != IAD_PIECE_TEXT) IAD_TRY(add_span(kind == IAD_PIECE_ANOMALY ? anomaly : normal, start, start + length, begin, err));
    }
    /* an empty list stays an empty buffer: such a question has no such words */
    if (anomaly && anomaly->len) IAD_TRY(iad_buf_add_str(anomaly, "]", err));
    if (normal && normal->len) IAD_TRY(iad_buf_add_str(normal, "]", err));
    return IAD_OK;
}
