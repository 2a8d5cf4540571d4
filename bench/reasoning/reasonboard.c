#include "bench/reasoning/reasonboard.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "bench/jsonwrite.h"

enum { MAX_CELLS = 10, CELL = 16 };

typedef struct column {
    const char *metric, *title;
    int decimals; /* of an own figure */
} column;

static const struct {
    const char *dataset;
    int order; /* column that rows are sorted by */
    column columns[MAX_CELLS + 1];
    const char *note;
} boards[] = {{"VisA-D&R",
               0,
               {{"text_accuracy", "acc", 2},
                {"precision", "prec", 2},
                {"recall", "recall", 2},
                {"f1", "F1", 2},
                {"lowlevel_rouge_l", "low:ROUGE-L", 2},
                {"lowlevel_sbert", "low:SBERT", 2},
                {"lowlevel_gpt", "low:GPT", 2},
                {"complex_sbert", "cplx:SBERT", 2},
                {"complex_gpt", "cplx:GPT", 2}},
               "SBERT and GPT: the published figures name neither the sentence model nor the judge and its prompt; an own figure beside them shows "
               "an order of size, no more."},
              {"MMAD",
               7,
               {{"mmad_detection", "detect", 2},
                {"mmad_defect_classification", "class", 2},
                {"mmad_localization", "where", 2},
                {"mmad_description", "descr", 2},
                {"mmad_analysis", "analys", 2},
                {"mmad_object_classification", "objcls", 2},
                {"mmad_object_analysis", "object", 2},
                {"mmad_average", "average", 2}},
               "Scored as the published script has it. Some rows trained on a share of MMAD: see the notes (--metric mmad_average)."}};
enum { BOARDS = sizeof boards / sizeof *boards };

typedef struct row {
    const char *method, *setting, *source;
    char cell[MAX_CELLS][CELL];
    int shots, own;
    double order;
} row;

static int find_board(const char *dataset) {
    for (int b = 0; b < BOARDS; b++)
        if (strcmp(boards[b].dataset, dataset) == 0) return b;
    return -1;
}

int iad_reason_board_has(const char *dataset) { return find_board(dataset) >= 0; }

static int column_of(int b, const char *metric) {
    for (int c = 0; boards[b].columns[c].metric; c++)
        if (strcmp(boards[b].columns[c].metric, metric) == 0) return c;
    return -1;
}

static void start_row(row *r) {
    r->order = -1;
    for (int c = 0; c < MAX_CELLS; c++) snprintf(r->cell[c], CELL, "-");
}

/* One row per method, setting, source and number of shots. */
static row *row_for(row *rows, size_t *n, const iad_leaderboard_row *l) {
    for (size_t i = 0; i < *n; i++)
        if (!strcmp(rows[i].method, l->method) && !strcmp(rows[i].setting, l->setting) && rows[i].shots == l->shots) return &rows[i];
    row *r = &rows[(*n)++];
    *r = (row){.method = l->method, .setting = l->setting, .source = l->source, .shots = l->shots};
    start_row(r);
    return r;
}

static void add_published(int b, const iad_leaderboard *board, int shots, const char *setting, row *rows, size_t *n) {
    for (size_t i = 0; i < board->n; i++) {
        const iad_leaderboard_row *l = &board->rows[i];
        int c = column_of(b, l->metric);
        if (c < 0 || !l->primary || !l->has_value || strcmp(l->dataset, boards[b].dataset) || strcmp(l->category, "mean")) continue;
        if (strcmp(l->setting, "ablation") == 0 || (setting && strcmp(l->setting, setting)) ||
            (shots >= 0 && l->shots != shots && l->shots != IAD_SHOTS_FEW))
            continue;
        row *r = row_for(rows, n, l);
        snprintf(r->cell[c], CELL, "%s%.10s%s", l->grade == 'M' ? "(" : "", l->value_text, l->grade == 'M' ? ")" : "");
        if (c == boards[b].order) r->order = l->value;
    }
}

static iad_status add_own(int b, const json_t *results, row *rows, size_t *n, iad_err *err) {
    const json_t *of = json_object_get(results, "board"), *figures = json_object_get(results, "figures");
    const char *dataset = json_string_value(json_object_get(of, "dataset"));
    if (!dataset || strcmp(dataset, boards[b].dataset) != 0)
        return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "the result is not of data set %s", boards[b].dataset);
    row *r = &rows[(*n)++];
    *r = (row){.method = "own", .setting = "own", .source = "this result", .shots = (int)json_integer_value(json_object_get(of, "shots")), .own = 1};
    start_row(r);
    for (int c = 0; boards[b].columns[c].metric; c++) {
        double value = iad_json_num_or_nan(figures, boards[b].columns[c].metric);
        if (isnan(value)) continue;
        snprintf(r->cell[c], CELL, "%.*f", boards[b].columns[c].decimals, value);
        if (c == boards[b].order) r->order = value;
    }
    return IAD_OK;
}

static int falling(const void *a, const void *b) {
    const row *x = a, *y = b;
    if (x->order != y->order) return x->order < y->order ? 1 : -1;
    int order = strcmp(x->method, y->method);
    return order ? order : x->shots - y->shots;
}

static void say_shots(char out[8], int shots) {
    if (shots == IAD_SHOTS_FEW) snprintf(out, 8, "few");
    else if (shots == IAD_SHOTS_FULL) snprintf(out, 8, "full");
    else snprintf(out, 8, "%d", shots);
}

static iad_status print(int b, const row *rows, size_t n, int tsv, iad_buf *out, iad_err *err) {
    const column *columns = boards[b].columns;
    char shots[8];
    IAD_TRY(iad_buf_addf(out, err, tsv ? "rank\tmethod\tshots" : "%4s  %-28s %5s", "", "method", "shots"));
    for (int c = 0; columns[c].metric; c++)
        IAD_TRY(tsv ? iad_buf_addf(out, err, "\t%s", columns[c].metric)
                    : iad_buf_addf(out, err, " %*s", (int)strlen(columns[c].title) < 7 ? 7 : (int)strlen(columns[c].title), columns[c].title));
    IAD_TRY(iad_buf_add_str(out, tsv ? "\tsource\town\n" : "  source\n", err));
    for (size_t i = 0; i < n; i++) {
        const row *r = &rows[i];
        say_shots(shots, r->shots);
        if (tsv) IAD_TRY(iad_buf_addf(out, err, "%zu\t%s\t%s", i + 1, r->method, shots));
        else IAD_TRY(iad_buf_addf(out, err, "%s%3zu  %-28s %5s", r->own ? ">" : " ", i + 1, r->method, shots));
        for (int c = 0; columns[c].metric; c++)
            IAD_TRY(tsv ? iad_buf_addf(out, err, "\t%s", r->cell[c])
                        : iad_buf_addf(out, err, " %*s", (int)strlen(columns[c].title) < 7 ? 7 : (int)strlen(columns[c].title), r->cell[c]));
        if (tsv) IAD_TRY(iad_buf_addf(out, err, "\t%s\t%d\n", r->source, r->own));
        else IAD_TRY(iad_buf_addf(out, err, "  %s\n", r->source));
    }
    return tsv ? IAD_OK : iad_buf_addf(out, err, "\n%s\n", boards[b].note);
}

iad_status iad_reason_board(const iad_leaderboard *board, const char *dataset, int shots, const char *setting, const json_t *results,
                            const char *format, iad_buf *out, iad_err *err) {
    int b = find_board(dataset);
    size_t n = 0;
    if (b < 0) return IAD_FAIL(err, IAD_ERR_NOT_FOUND, "no figures of answers are published for data set %s", dataset);
    row *rows = iad_calloc(board->n + 1, sizeof *rows);
    if (!rows) return IAD_NOMEM(err, "the leaderboard");
    iad_status status = IAD_OK;
    add_published(b, board, shots, setting, rows, &n);
    if (results) status = add_own(b, results, rows, &n, err);
    if (status == IAD_OK && n == 0)
        status = IAD_FAIL(err, IAD_ERR_NOT_FOUND, "nothing is published for data set %s with these shots and settings", dataset);
    if (n) qsort(rows, n, sizeof *rows, falling);
    if (status == IAD_OK) status = print(b, rows, n, strcmp(format, "tsv") == 0, out, err);
    free(rows);
    return status;
}
