#include "manifests/leaderboard.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "manifests/tables.h"

#define MAX_FILE_BYTES (64u * 1024u * 1024u)

static const char *const column_names[] = {"method", "setting", "dataset", "category", "shots",   "metric", "value",
                                           "sd",     "unit",    "source",  "grade",    "primary", "note"};
enum { N_COLUMNS = sizeof column_names / sizeof *column_names };

static iad_status parse_shots(const char *text, int *shots, iad_err *err) {
    if (!strcmp(text, "full")) *shots = IAD_SHOTS_FULL;
    else if (!strcmp(text, "few")) *shots = IAD_SHOTS_FEW;
    else {
        int64_t number;
        IAD_TRY(iad_parse_i64(text, 0, 1000000, "shots", &number, err));
        *shots = (int)number;
    }
    return IAD_OK;
}

/* lo .. hi of a unit. */
static iad_status unit_range(const char *unit, double *lo, double *hi, iad_err *err) {
    if (!strcmp(unit, "percent")) *lo = 0, *hi = 100;
    else if (!strcmp(unit, "fraction")) *lo = 0, *hi = 1;
    else if (!strcmp(unit, "score10")) *lo = 1, *hi = 10;
    else return IAD_FAIL(err, IAD_ERR_FORMAT, "unit '%.40s': not percent, fraction or score10", unit);
    return IAD_OK;
}

static iad_status parse_row(char *const *cells, iad_leaderboard_row *row, iad_err *err) {
    double lo = 0, hi = 0;
    *row = (iad_leaderboard_row){.method = cells[0],
                                 .setting = cells[1],
                                 .dataset = cells[2],
                                 .category = cells[3],
                                 .metric = cells[5],
                                 .value_text = cells[6],
                                 .unit = cells[8],
                                 .source = cells[9],
                                 .note = cells[12]};
    for (int i = 0; i < 6; i++)
        if (!*cells[i]) return IAD_FAIL(err, IAD_ERR_FORMAT, "no %s", column_names[i]);
    IAD_TRY(parse_shots(cells[4], &row->shots, err));
    IAD_TRY(unit_range(row->unit, &lo, &hi, err));
    if (!cells[10][0] || cells[10][1] || !strchr("PTSXM-", cells[10][0]))
        return IAD_FAIL(err, IAD_ERR_FORMAT, "grade '%.40s': not one of P T S X M -", cells[10]);
    row->grade = cells[10][0];
    row->has_value = strcmp(cells[6], "-") != 0;
    if (row->has_value != (row->grade != '-'))
        return IAD_FAIL(err, IAD_ERR_FORMAT, "grade '-' goes with value '-', and only with it");
    if (row->has_value) IAD_TRY(iad_parse_f64(cells[6], lo, hi, "value", &row->value, err));
    row->has_sd = *cells[7] != 0;
    if (row->has_sd) IAD_TRY(iad_parse_f64(cells[7], 0, hi, "sd", &row->sd, err));
    if (strcmp(cells[11], "0") != 0 && strcmp(cells[11], "1") != 0)
        return IAD_FAIL(err, IAD_ERR_FORMAT, "primary '%.40s': not 0 or 1", cells[11]);
    row->primary = cells[11][0] == '1';
    return IAD_OK;
}

static int same_figure(const iad_leaderboard_row *a, const iad_leaderboard_row *b) {
    int order = strcmp(a->method, b->method);
    if (!order) order = strcmp(a->setting, b->setting);
    if (!order) order = strcmp(a->dataset, b->dataset);
    if (!order) order = strcmp(a->category, b->category);
    if (!order) order = strcmp(a->metric, b->metric);
    if (!order) order = (a->shots > b->shots) - (a->shots < b->shots);
    return order;
}

static int by_figure(const void *a, const void *b) {
    return same_figure(*(const iad_leaderboard_row *const *)a, *(const iad_leaderboard_row *const *)b);
}

static iad_status check_primaries(const iad_leaderboard *board, iad_err *err) {
    const iad_leaderboard_row **sorted = iad_alloc(board->n, sizeof *sorted);
    size_t n = 0;
    if (!sorted) return IAD_NOMEM(err, "published figures");
    for (size_t i = 0; i < board->n; i++)
        if (board->rows[i].primary) sorted[n++] = &board->rows[i];
    qsort(sorted, n, sizeof *sorted, by_figure);
    iad_status status = IAD_OK;
    for (size_t i = 1; status == IAD_OK && i < n; i++)
        if (same_figure(sorted[i - 1], sorted[i]) == 0)
            status = IAD_FAIL(err, IAD_ERR_FORMAT, "%s: two primary rows for %s, %s, %s, %s", board->table.name,
                              sorted[i]->method, sorted[i]->dataset, sorted[i]->category, sorted[i]->metric);
    free(sorted);
    return status;
}

static iad_status build(iad_leaderboard *board, iad_err *err) {
    size_t columns[N_COLUMNS];
    for (int i = 0; i < N_COLUMNS; i++) IAD_TRY(iad_table_need(&board->table, column_names[i], &columns[i], err));
    board->rows = iad_calloc(board->table.n_rows, sizeof *board->rows);
    if (!board->rows) return IAD_NOMEM(err, "published figures");
    for (size_t r = 0; r < board->table.n_rows; r++) {
        char *cells[N_COLUMNS];
        for (int i = 0; i < N_COLUMNS; i++) cells[i] = board->table.cells[r * board->table.n_columns + columns[i]];
        if (parse_row(cells, &board->rows[r], err) != IAD_OK) {
            if (err->code == IAD_ERR_ARG) err->code = IAD_ERR_FORMAT; /* a bad number in a file is no bad option */
            return iad_err_prefix(err, "%s: row %zu (%.60s)", board->table.name, r + 1, cells[0]);
        }
        board->n++;
    }
    return check_primaries(board, err);
}

iad_status iad_leaderboard_parse(iad_leaderboard *board, const char *text, size_t n, const char *name, iad_err *err) {
    iad_err local = IAD_ERR_NONE;
    if (!err) err = &local;
    memset(board, 0, sizeof *board);
    IAD_TRY(iad_table_parse(&board->table, text, n, '\t', name, err));
    iad_status status = build(board, err);
    if (status != IAD_OK) iad_leaderboard_deinit(board);
    return status;
}

iad_status iad_leaderboard_builtin(iad_leaderboard *board, iad_err *err) {
    return iad_leaderboard_parse(board, iad_text_leaderboard, iad_text_leaderboard_size, "leaderboard.tsv", err);
}

iad_status iad_leaderboard_load(iad_leaderboard *board, const char *path, iad_err *err) {
    uint8_t *data = NULL;
    size_t n = 0;
    memset(board, 0, sizeof *board);
    IAD_TRY(iad_file_read(path, MAX_FILE_BYTES, &data, &n, err));
    iad_status status = iad_leaderboard_parse(board, (const char *)data, n, path, err);
    free(data);
    return status;
}

void iad_leaderboard_deinit(iad_leaderboard *board) {
    free(board->rows);
    iad_table_deinit(&board->table);
    memset(board, 0, sizeof *board);
}

const iad_leaderboard_row *iad_leaderboard_find(const iad_leaderboard *board, const char *method, const char *setting,
                                                const char *dataset, const char *category, int shots,
                                                const char *metric) {
    for (size_t i = 0; i < board->n; i++) {
        const iad_leaderboard_row *row = &board->rows[i];
        if (row->primary && row->has_value && row->shots == shots && !strcmp(row->method, method) &&
            (!setting || !strcmp(row->setting, setting)) && !strcmp(row->dataset, dataset) &&
            !strcmp(row->category, category) && !strcmp(row->metric, metric))
            return row;
    }
    return NULL;
}
