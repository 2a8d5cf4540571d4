#include "base/table.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/text.h"

#define MAX_TABLE_BYTES (2048u * 1024u * 1024u)

/* Reads one cell in place from *at, ends it with NUL, moves *at behind the separator or line end. *last becomes 1 at the end of
 * the line. Quoted cells are unescaped in place. Returns NULL for a broken quote. */
static char *read_cell(char **at, char separator, int *last, size_t *line) {
    char *p = *at, *start = p, *write = p;
    if (separator == ',' && *p == '"') {
        for (p++;; p++) {
            if (*p == 0) return NULL;
            if (*p == '\n') (*line)++;
            if (*p == '"') {
                if (p[1] != '"') break;
                p++;
            }
            *write++ = *p;
        }
        p++;
        if (*p == '\r' && p[1] == '\n') p++;
        if (*p != separator && *p != '\n' && *p != 0) return NULL;
    } else {
        while (*p && *p != separator && *p != '\n') p++;
        write = p;
        if (*p != separator && write > start && write[-1] == '\r') write--;
    }
    *last = *p != separator;
    char *next = *p ? p + 1 : p;
    if (*p == '\n') (*line)++;
    *write = 0;
    *at = next;
    return start;
}

static void skip_lines(char **at, int comments, size_t *line) {
    for (;;) {
        char *p = *at;
        if (*p == '\r' && p[1] == '\n') p++;
        if (*p == '\n') {
            *at = p + 1;
        } else if (comments && *p == '#') {
            char *end = strchr(p, '\n');
            *at = end ? end + 1 : p + strlen(p);
        } else {
            return;
        }
        (*line)++;
    }
}

static iad_status read_header(iad_table *table, char **at, char separator, size_t *line, iad_err *err) {
    table->columns = iad_calloc(IAD_TABLE_MAX_COLUMNS, sizeof *table->columns);
    if (!table->columns) return IAD_NOMEM(err, table->name);
    for (int last = 0; !last;) {
        char *cell = read_cell(at, separator, &last, line);
        if (!cell) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: line %zu: a quote is not closed", table->name, *line);
        if (table->n_columns == IAD_TABLE_MAX_COLUMNS)
            return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: more than %d columns", table->name, IAD_TABLE_MAX_COLUMNS);
        if (iad_table_column(table, cell) >= 0)
            return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: two columns are called \"%.60s\"", table->name, cell);
        table->columns[table->n_columns++] = cell;
    }
    return IAD_OK;
}

static iad_status read_rows(iad_table *table, char **at, char separator, size_t *line, iad_err *err) {
    size_t cap = 0, n = 0;
    for (skip_lines(at, 0, line); **at; skip_lines(at, 0, line)) {
        size_t here = *line, width = 0;
        if (table->n_rows == IAD_TABLE_MAX_ROWS) return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: more than %u rows", table->name, IAD_TABLE_MAX_ROWS);
        void *cells = table->cells;
        IAD_TRY(iad_grow(&cells, &cap, n + table->n_columns, sizeof *table->cells, SIZE_MAX / 16, table->name, err));
        table->cells = cells;
        for (int last = 0; !last; width++) {
            char *cell = read_cell(at, separator, &last, line);
            if (!cell) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: line %zu: a quote is not closed", table->name, here);
            if (width < table->n_columns) table->cells[n++] = cell;
        }
        if (width != table->n_columns)
            return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: line %zu: %zu cells where the header has %zu", table->name, here, width, table->n_columns);
        table->n_rows++;
    }
    return IAD_OK;
}

iad_status iad_table_parse(iad_table *table, const char *text, size_t n, char separator, const char *name, iad_err *err) {
    *table = (iad_table){0};
    if (n > MAX_TABLE_BYTES) return IAD_FAIL(err, IAD_ERR_LIMIT, "%s: more than %u bytes", name, MAX_TABLE_BYTES);
    if (memchr(text, 0, n)) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: holds a NUL byte, so it is no text table", name);
    if (n >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) text += 3, n -= 3;
    table->text = iad_alloc(n + 1, 1);
    table->name = iad_strdup(name);
    iad_status status = IAD_OK;
    if (!table->text || !table->name) {
        status = IAD_NOMEM(err, name);
    } else {
        memcpy(table->text, text, n);
        table->text[n] = 0;
        char *at = table->text;
        size_t line = 1;
        skip_lines(&at, 1, &line);
        if (!*at) status = IAD_FAIL(err, IAD_ERR_FORMAT, "%s: empty, not even a header line", name);
        if (status == IAD_OK) status = read_header(table, &at, separator, &line, err);
        if (status == IAD_OK) status = read_rows(table, &at, separator, &line, err);
    }
    if (status != IAD_OK) iad_table_deinit(table);
    return status;
}

iad_status iad_table_load(iad_table *table, const char *path, iad_err *err) {
    uint8_t *data;
    size_t n;
    *table = (iad_table){0};
    IAD_TRY(iad_file_read(path, MAX_TABLE_BYTES, &data, &n, err));
    iad_status status = iad_table_parse(table, (const char *)data, n, iad_text_ends_nocase(path, ".csv") ? ',' : '\t', path, err);
    free(data);
    return status;
}

void iad_table_deinit(iad_table *table) {
    free(table->text);
    free(table->cells);
    free(table->columns);
    free(table->name);
    *table = (iad_table){0};
}

int iad_table_column(const iad_table *table, const char *column) {
    for (size_t i = 0; i < table->n_columns; i++)
        if (strcmp(table->columns[i], column) == 0) return (int)i;
    return -1;
}

iad_status iad_table_need(const iad_table *table, const char *column, size_t *index, iad_err *err) {
    int i = iad_table_column(table, column);
    if (i >= 0) {
        *index = (size_t)i;
        return IAD_OK;
    }
    char have[200] = "";
    size_t len = 0;
    for (size_t k = 0; k < table->n_columns && len + 2 < sizeof have; k++) {
        iad_text_copy(have + len, sizeof have - len, k ? " " : "");
        len = strlen(have);
        iad_text_copy(have + len, sizeof have - len, table->columns[k]);
        len = strlen(have);
    }
    return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: no column \"%s\" (there are: %s)", table->name, column, have);
}
