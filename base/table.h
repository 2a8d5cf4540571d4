/* TSV and CSV tables from outside: header line, named columns, limits. RFC 4180 quotes for CSV; TSV has no quoting. */
#ifndef IAD_BASE_TABLE_H
#define IAD_BASE_TABLE_H

#include <stddef.h>

#include "base/status.h"

#define IAD_TABLE_MAX_COLUMNS 256
#define IAD_TABLE_MAX_ROWS 20000000u

typedef struct iad_table {
    char *text;     /* owned copy, cells are pointers into it */
    char **cells;   /* [n_rows][n_columns], never NULL */
    char **columns; /* [n_columns] header names */
    size_t n_rows, n_columns;
    char *name;     /* for messages */
} iad_table;

/* Parses text[n] with the given separator (',' enables quotes). A byte order mark and CRLF are accepted; blank lines are
 * skipped; lines that start with '#' before the header are skipped; a row with another number of cells than the header is IAD_ERR_FORMAT
 * with its line number. */
iad_status iad_table_parse(iad_table *table, const char *text, size_t n, char separator, const char *name, iad_err *err);
/* Separator by extension: .csv ',', else tab. */
iad_status iad_table_load(iad_table *table, const char *path, iad_err *err);
void iad_table_deinit(iad_table *table);

/* Index of a column; -1 when absent. iad_table_need fails with the list of the columns that are there. */
int iad_table_column(const iad_table *table, const char *column);
iad_status iad_table_need(const iad_table *table, const char *column, size_t *index, iad_err *err);
static inline const char *iad_table_cell(const iad_table *table, size_t row, size_t column) {
    return table->cells[row * table->n_columns + column];
}

#endif
