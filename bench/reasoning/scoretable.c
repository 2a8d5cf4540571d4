#include "bench/reasoning/scoretable.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "bench/jsonwrite.h"

static const char *const forms[] = {"percent", "fraction", "score", "count", "number"};

iad_status iad_score_table_begin(iad_score_table *t, json_t *tables, const char *name, const char *note, const iad_score_column *columns, size_t n,
                                 iad_err *err) {
    json_t *list = json_array(), *rows = json_array(), *object = NULL;
    iad_jsonw w = iad_jsonw_new();
    *t = (iad_score_table){.rows = rows, .columns = columns, .n = n};
    for (size_t i = 0; i < n && list; i++)
        if (json_array_append_new(list, json_pack("{ss ss ss}", "key", columns[i].key, "title", columns[i].title, "form", forms[columns[i].form])) !=
            0)
            w.failed = 1;
    iad_jsonw_str(&w, "name", name);
    iad_jsonw_str(&w, "note", note);
    iad_jsonw_take(&w, "columns", list);
    iad_jsonw_take(&w, "rows", rows);
    IAD_TRY(iad_jsonw_finish(&w, &object, err));
    return json_array_append_new(tables, object) == 0 ? IAD_OK : IAD_NOMEM(err, "a table");
}

static iad_status add_row(iad_score_table *t, const char *name, int mean, const double *values, iad_err *err) {
    json_t *list = json_array(), *row = NULL;
    iad_jsonw w = iad_jsonw_new();
    for (size_t i = 0; i < t->n && list; i++) {
        json_t *value = !isfinite(values[i])                   ? json_null()
                        : t->columns[i].form == IAD_FORM_COUNT ? json_integer((json_int_t)values[i])
                                                               : json_real(values[i]);
        if (json_array_append_new(list, value) != 0) w.failed = 1;
    }
    iad_jsonw_str(&w, "name", name);
    iad_jsonw_take(&w, "mean", json_boolean(mean));
    iad_jsonw_take(&w, "values", list);
    IAD_TRY(iad_jsonw_finish(&w, &row, err));
    return json_array_append_new(t->rows, row) == 0 ? IAD_OK : IAD_NOMEM(err, "a table");
}

iad_status iad_score_table_row(iad_score_table *t, const char *name, const double *values, iad_err *err) {
    for (size_t i = 0; i < t->n; i++)
        if (isfinite(values[i])) t->sum[i] += values[i], t->defined[i]++;
    return add_row(t, name, 0, values, err);
}

iad_status iad_score_table_mean(iad_score_table *t, const char *name, double *values, iad_err *err) {
    double mean[IAD_SCORE_COLUMNS];
    for (size_t i = 0; i < t->n; i++) {
        mean[i] = !t->defined[i] ? NAN : t->columns[i].form == IAD_FORM_COUNT ? t->sum[i] : t->sum[i] / (double)t->defined[i];
        if (values) values[i] = mean[i];
    }
    return add_row(t, name, 1, mean, err);
}

iad_status iad_score_table_extra(iad_score_table *t, const char *name, const double *values, iad_err *err) {
    return add_row(t, name, 1, values, err);
}

/* ---- text ---- */

void iad_score_cell(char *out, size_t size, const json_t *value, const char *form) {
    double v = json_number_value(value);
    if (!json_is_number(value)) snprintf(out, size, "-");
    else if (strcmp(form, "percent") == 0) snprintf(out, size, "%.1f", 100 * v);
    else if (strcmp(form, "fraction") == 0) snprintf(out, size, "%.3f", v);
    else if (strcmp(form, "score") == 0) snprintf(out, size, "%.2f", v);
    else if (strcmp(form, "count") == 0) snprintf(out, size, "%.0f", v);
    else snprintf(out, size, "%.5g", v);
}

static const char *text_of(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static int characters(const char *text) {
    int n = 0;
    for (; *text; text++) n += ((unsigned char)*text & 0xC0) != 0x80;
    return n;
}

static iad_status pad(iad_buf *out, const char *text, int width, int right, iad_err *err) {
    int gap = width > characters(text) ? width - characters(text) : 0;
    return right ? iad_buf_addf(out, err, "%*s%s", gap, "", text) : iad_buf_addf(out, err, "%s%*s", text, gap, "");
}

static int name_width(const json_t *rows) {
    size_t i;
    json_t *row;
    int width = 8;
    json_array_foreach(rows, i, row) {
        int n = characters(text_of(row, "name"));
        if (n > width && n < 60) width = n;
    }
    return width;
}

/* row NULL: the head. */
static iad_status add_line(iad_buf *out, const json_t *columns, const json_t *row, int width, const char *format, iad_err *err) {
    int table = strcmp(format, "table") == 0, markdown = strcmp(format, "markdown") == 0, tsv = strcmp(format, "tsv") == 0;
    size_t i;
    json_t *column;
    if (markdown) IAD_TRY(iad_buf_add_str(out, "| ", err));
    IAD_TRY(pad(out, row ? text_of(row, "name") : tsv ? "name" : "", table ? width : 0, 0, err));
    json_array_foreach(columns, i, column) {
        char cell[64];
        const char *title = text_of(column, tsv ? "key" : "title");
        const json_t *value = json_array_get(json_object_get(row, "values"), i);
        if (!row) snprintf(cell, sizeof cell, "%.60s", title);
        else if (tsv && json_is_real(value)) snprintf(cell, sizeof cell, "%.10g", json_real_value(value));
        else iad_score_cell(cell, sizeof cell, value, text_of(column, "form"));
        IAD_TRY(iad_buf_add_str(out, markdown ? " | " : tsv ? "\t" : "  ", err));
        int wide = characters(text_of(column, "title"));
        IAD_TRY(pad(out, cell, !table ? 0 : wide > 6 ? wide : 6, 1, err));
    }
    return iad_buf_add_str(out, markdown ? " |\n" : "\n", err);
}

static iad_status add_table(iad_buf *out, const json_t *table, const char *format, iad_err *err) {
    const json_t *columns = json_object_get(table, "columns"), *rows = json_object_get(table, "rows");
    int markdown = strcmp(format, "markdown") == 0, tsv = strcmp(format, "tsv") == 0, width = name_width(rows);
    size_t i;
    json_t *row;
    IAD_TRY(iad_buf_addf(out, err, "%s%s\n%s", markdown ? "### " : tsv ? "# " : "", text_of(table, "name"), markdown ? "\n" : ""));
    IAD_TRY(add_line(out, columns, NULL, width, format, err));
    if (markdown) {
        IAD_TRY(iad_buf_add_str(out, "| ---", err));
        for (i = 0; i < json_array_size(columns); i++) IAD_TRY(iad_buf_add_str(out, " | ---:", err));
        IAD_TRY(iad_buf_add_str(out, " |\n", err));
    }
    json_array_foreach(rows, i, row) IAD_TRY(add_line(out, columns, row, width, format, err));
    if (*text_of(table, "note"))
        IAD_TRY(iad_buf_addf(out, err, "%s%s%s\n", markdown ? "\n" : tsv ? "# " : "", text_of(table, "note"), markdown ? "\n" : ""));
    return iad_buf_add_str(out, "\n", err);
}

iad_status iad_score_tables_format(const json_t *tables, const char *format, iad_buf *out, iad_err *err) {
    size_t i;
    json_t *table;
    json_array_foreach(tables, i, table) IAD_TRY(add_table(out, table, format, err));
    return IAD_OK;
}
