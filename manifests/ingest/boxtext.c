#include "manifests/ingest/boxtext.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"

#define MAX_COORDINATE 1e6

/* Cuts the next word off *at and ends it with NUL; NULL at the end of the line. */
static char *next_word(char **at) {
    char *p = *at + strspn(*at, " \t,\r");
    if (!*p) return NULL;
    char *end = p + strcspn(p, " \t,\r");
    *at = *end ? end + 1 : end;
    *end = 0;
    return p;
}

/* The `index`-th (from 1) name of a comma list, or NULL; cut out of `names` in place. */
static char *name_of_type(char *names, const char *type, const char *end) {
    int64_t index;
    if (!names || iad_parse_i64(type, 1, 1000, "type", &index, NULL) != IAD_OK) return NULL;
    char *p = names;
    for (int64_t i = 1; p < end; i++) {
        if (i == index) return *p ? p : NULL;
        p += strlen(p) + 1;
    }
    return NULL;
}

static iad_status parse_line(iad_boxtext *boxes, char *line, char *names, const char *names_end, const char *file, size_t number,
                             iad_err *err) {
    double v[4];
    char *at = line, *word = NULL;
    for (int i = 0; i < 4; i++) {
        word = next_word(&at);
        if (!word && i == 0) return IAD_OK;
        if (!word || iad_parse_f64(word, -MAX_COORDINATE, MAX_COORDINATE, "corner", &v[i], NULL) != IAD_OK)
            return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: line %zu: not \"x0 y0 x1 y1 [type]\"", file, number);
    }
    if (boxes->n >= IAD_BOXTEXT_MAX_BOXES)
        return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: more than %u boxes", file, IAD_BOXTEXT_MAX_BOXES);
    void *items = boxes->items;
    IAD_TRY(iad_grow(&items, &boxes->cap, boxes->n + 1, sizeof *boxes->items, IAD_BOXTEXT_MAX_BOXES, file, err));
    boxes->items = items;
    char *type = next_word(&at), *name = type ? name_of_type(names, type, names_end) : NULL;
    boxes->items[boxes->n++] = (iad_ingest_box){v[0] < v[2] ? v[0] : v[2], v[1] < v[3] ? v[1] : v[3],
                                                (v[0] < v[2] ? v[2] : v[0]) + 1, (v[1] < v[3] ? v[3] : v[1]) + 1,
                                                name ? name : type};
    return IAD_OK;
}

iad_status iad_boxtext_parse(iad_boxtext *boxes, const char *text, size_t n, const char *names, const char *file, iad_err *err) {
    *boxes = (iad_boxtext){0};
    if (n > IAD_BOXTEXT_MAX_BYTES) return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: more than %u bytes", file, IAD_BOXTEXT_MAX_BYTES);
    size_t names_len = names ? strlen(names) : 0;
    boxes->text = iad_alloc(n + 1 + names_len + 1, 1);
    if (!boxes->text) return IAD_NOMEM(err, file);
    memcpy(boxes->text, text, n);
    boxes->text[n] = 0;
    if (memchr(boxes->text, 0, n)) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: not a text file", file);
    if (iad_utf8_valid(boxes->text, n) != n) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: not UTF-8", file);
    char *name_text = NULL, *names_end = NULL;
    if (names) {
        name_text = boxes->text + n + 1;
        memcpy(name_text, names, names_len + 1);
        names_end = name_text + names_len;
        for (char *p = name_text; *p || p < names_end; p++)
            if (*p == ',') *p = 0;
    }
    size_t number = 1;
    for (char *line = boxes->text; line; number++) {
        char *end = strchr(line, '\n');
        if (end) *end = 0;
        IAD_TRY(parse_line(boxes, line, name_text, names_end, file, number, err));
        line = end ? end + 1 : NULL;
    }
    return IAD_OK;
}

void iad_boxtext_deinit(iad_boxtext *boxes) {
    free(boxes->items);
    free(boxes->text);
    *boxes = (iad_boxtext){0};
}
