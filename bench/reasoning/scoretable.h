/* Tables of a result: JSON inside results.json, and their text forms.
 *
 * {"name": "detection", "note": "...", "columns": [{"key", "title", "form"}], "rows": [{"name", "mean": true|false, "values": [number or null]}]} */
#ifndef IAD_BENCH_SCORETABLE_H
#define IAD_BENCH_SCORETABLE_H

#include <jansson.h>

#include "base/buf.h"
#include "base/status.h"

typedef enum iad_score_form {
    IAD_FORM_PERCENT = 0, /* a fraction, shown times 100 with one decimal */
    IAD_FORM_FRACTION,    /* three decimals */
    IAD_FORM_SCORE,       /* two decimals */
    IAD_FORM_COUNT,       /* whole number; added up in the mean row */
    IAD_FORM_NUMBER       /* five significant digits */
} iad_score_form;

typedef struct iad_score_column {
    const char *key, *title;
    iad_score_form form;
} iad_score_column;

#define IAD_SCORE_COLUMNS 32

typedef struct iad_score_table {
    json_t *rows; /* borrowed from the results */
    const iad_score_column *columns;
    size_t n;
    double sum[IAD_SCORE_COLUMNS];
    size_t defined[IAD_SCORE_COLUMNS];
} iad_score_table;

/* Appends an empty table to `tables` (an array). columns[n] outlives t; n at most IAD_SCORE_COLUMNS. */
iad_status iad_score_table_begin(iad_score_table *t, json_t *tables, const char *name, const char *note, const iad_score_column *columns, size_t n,
                                 iad_err *err);
/* values[n]; NAN: undefined. */
iad_status iad_score_table_row(iad_score_table *t, const char *name, const double *values, iad_err *err);
/* The unweighted mean of the rows so far, without undefined cells; counts are added up. values[n] receives it when not NULL. */
iad_status iad_score_table_mean(iad_score_table *t, const char *name, double *values, iad_err *err);
/* A row that is no part of the mean and looks like one ("all questions"). */
iad_status iad_score_table_extra(iad_score_table *t, const char *name, const double *values, iad_err *err);

/* All tables as text; format: "table" | "tsv" | "markdown". Appended. */
iad_status iad_score_tables_format(const json_t *tables, const char *format, iad_buf *out, iad_err *err);
/* One cell of a table as people read it. */
void iad_score_cell(char *out, size_t size, const json_t *value, const char *form);

#endif
