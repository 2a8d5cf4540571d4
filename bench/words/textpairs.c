#include "bench/words/textpairs.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"

void iad_text_pairs_deinit(iad_text_pairs *pairs) {
    free(pairs->text);
    free(pairs->places);
    *pairs = (iad_text_pairs){0};
}

static iad_status keep(iad_text_pairs *pairs, const char *bytes, size_t n, size_t *place, iad_err *err) {
    IAD_TRY(iad_grow((void **)&pairs->text, &pairs->cap_text, pairs->n_text + n + 1, 1, 4 * IAD_TEXT_PAIRS_MAX_FILE, "bytes of texts", err));
    *place = pairs->n_text;
    memcpy(pairs->text + pairs->n_text, bytes, n);
    pairs->text[pairs->n_text + n] = 0;
    pairs->n_text += n + 1;
    return IAD_OK;
}

static iad_status add(iad_text_pairs *pairs, const char *a, size_t n_a, const char *b, size_t n_b, const char *name, iad_err *err) {
    IAD_TRY(iad_grow((void **)&pairs->places, &pairs->cap, pairs->n + 1, 3 * sizeof *pairs->places, IAD_TEXT_PAIRS_MAX, "pairs of texts", err));
    size_t *place = pairs->places + 3 * pairs->n;
    IAD_TRY(keep(pairs, a, n_a, &place[0], err));
    IAD_TRY(keep(pairs, b, n_b, &place[1], err));
    IAD_TRY(keep(pairs, name, strlen(name), &place[2], err));
    pairs->n++;
    return IAD_OK;
}

/* The next line of text[n] from *at on, without its end; 0 at the end. */
static int next_line(const char *text, size_t n, size_t *at, const char **line, size_t *length) {
    if (*at >= n) return 0;
    const char *end = memchr(text + *at, '\n', n - *at);
    *line = text + *at;
    *length = (size_t)((end ? end : text + n) - *line);
    *at += *length + 1;
    if (*length && (*line)[*length - 1] == '\r') --*length;
    return 1;
}

static int is_blank(const char *line, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (line[i] != ' ' && line[i] != '\t' && line[i] != '\r') return 0;
    return 1;
}

iad_status iad_text_pairs_parse(iad_text_pairs *pairs, const char *text, size_t n, const char *where, iad_err *err) {
    const char *line;
    size_t at = 0, length, number = 0;
    while (next_line(text, n, &at, &line, &length)) {
        char place[600];
        json_t *object = NULL;
        const char *a = "", *b = "", *name = "";
        number++;
        if (is_blank(line, length)) continue;
        snprintf(place, sizeof place, "%.500s: line %zu", where, number);
        IAD_TRY(iad_json_parse(line, length, 0, place, &object, err));
        iad_status status = json_is_object(object) ? iad_json_string(object, "a", place, &a, err)
            : IAD_FAIL(err, IAD_ERR_FORMAT, "%s: no object", place);
        if (status == IAD_OK) status = iad_json_string(object, "b", place, &b, err);
        if (status == IAD_OK) status = iad_json_string_opt(object, "id", "", place, &name, err);
        if (status == IAD_OK) status = add(pairs, a, strlen(a), b, strlen(b), name, err);
        json_decref(object);
        IAD_TRY(status);
    }
    return IAD_OK;
}

iad_status iad_text_pairs_load(iad_text_pairs *pairs, const char *path, iad_err *err) {
    uint8_t *bytes;
    size_t n;
    IAD_TRY(iad_file_read(path, IAD_TEXT_PAIRS_MAX_FILE, &bytes, &n, err));
    iad_status status = iad_text_pairs_parse(pairs, (const char *)bytes, n, path, err);
    free(bytes);
    return status;
}

static iad_status check_line(const char *line, size_t n, const char *where, size_t number, iad_err *err) {
    if (iad_utf8_valid(line, n) == n && !memchr(line, 0, n)) return IAD_OK;
    return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: line %zu is no UTF-8 text", where, number);
}

iad_status iad_text_pairs_join(iad_text_pairs *pairs, const char *a, size_t n_a, const char *where_a, const char *b, size_t n_b, const char *where_b,
                               iad_err *err) {
    size_t at_a = 0, at_b = 0, length_a = 0, length_b = 0, number = 0;
    const char *line_a = NULL, *line_b = NULL;
    for (;;) {
        int more_a = next_line(a, n_a, &at_a, &line_a, &length_a), more_b = next_line(b, n_b, &at_b, &line_b, &length_b);
        if (more_a != more_b)
            return IAD_FAIL(err, IAD_ERR_FORMAT, "%s has %zu lines, %s has more", more_a ? where_b : where_a, number, more_a ? where_a : where_b);
        if (!more_a) return IAD_OK;
        number++;
        IAD_TRY(check_line(line_a, length_a, where_a, number, err));
        IAD_TRY(check_line(line_b, length_b, where_b, number, err));
        IAD_TRY(add(pairs, line_a, length_a, line_b, length_b, "", err));
    }
}

iad_status iad_text_pairs_load_two(iad_text_pairs *pairs, const char *path_a, const char *path_b, iad_err *err) {
    uint8_t *a, *b;
    size_t n_a, n_b;
    IAD_TRY(iad_file_read(path_a, IAD_TEXT_PAIRS_MAX_FILE, &a, &n_a, err));
    iad_status status = iad_file_read(path_b, IAD_TEXT_PAIRS_MAX_FILE, &b, &n_b, err);
    if (status == IAD_OK) {
        status = iad_text_pairs_join(pairs, (const char *)a, n_a, path_a, (const char *)b, n_b, path_b, err);
        free(b);
    }
    free(a);
    return status;
}
