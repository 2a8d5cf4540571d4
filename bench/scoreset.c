#include "bench/scoreset.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"

static int parse_label(const char *text) {
    static const char *const normal[] = {"0", "normal", "good", "ok"},
        *const anomalous[] = {"1", "anomalous", "anomaly", "bad", "defect", "defective", "ng"};
    for (size_t i = 0; i < sizeof normal / sizeof *normal; i++)
        if (iad_text_equal_nocase(text, normal[i])) return 0;
    for (size_t i = 0; i < sizeof anomalous / sizeof *anomalous; i++)
        if (iad_text_equal_nocase(text, anomalous[i])) return 1;
    return -1;
}

static int row_order(const void *a, const void *b) {
    const iad_score_row *x = a, *y = b;
    int order = strcmp(x->dataset, y->dataset);
    if (!order) order = strcmp(x->category, y->category);
    return order ? order : strcmp(x->path, y->path);
}

static const char *optional(const iad_table *t, size_t row, int column, const char *fallback) {
    const char *text = column < 0 ? "" : iad_table_cell(t, row, (size_t)column);
    return *text ? text : fallback;
}

static iad_status read_rows(iad_scoreset *set, iad_err *err) {
    const iad_table *t = &set->table;
    size_t path, label, score;
    IAD_TRY(iad_table_need(t, "path", &path, err));
    IAD_TRY(iad_table_need(t, "label", &label, err));
    IAD_TRY(iad_table_need(t, "score", &score, err));
    int dataset = iad_table_column(t, "dataset"), category = iad_table_column(t, "category"), defect = iad_table_column(t, "defect");
    int map = iad_table_column(t, "map"), mask = iad_table_column(t, "mask");
    set->rows = iad_calloc(t->n_rows, sizeof *set->rows);
    if (!set->rows) return IAD_NOMEM(err, t->name);
    for (size_t i = 0; i < t->n_rows; i++) {
        iad_score_row *r = &set->rows[set->n++];
        const char *number = iad_table_cell(t, i, score);
        *r = (iad_score_row){.dataset = optional(t, i, dataset, "scores"), .category = optional(t, i, category, "all"),
                             .path = iad_table_cell(t, i, path), .map = optional(t, i, map, ""), .mask = optional(t, i, mask, ""),
                             .label = parse_label(iad_table_cell(t, i, label)), .score = NAN, .line = i + 1};
        if (!*r->path) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: row %zu: the path is empty", t->name, i + 1);
        if (r->label < 0)
            return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: row %zu (%s): label \"%.40s\" is neither normal (0, good, ok) nor anomalous (1, bad, defect)",
                            t->name, i + 1, r->path, iad_table_cell(t, i, label));
        r->defect = r->label ? optional(t, i, defect, "defect") : NULL;
        if (*number && iad_parse_f64(number, -HUGE_VAL, HUGE_VAL, "score", &r->score, err) != IAD_OK)
            return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: row %zu (%s): score \"%.40s\" is not a finite number", t->name, i + 1, r->path, number);
        if (!*number && !*r->map) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: row %zu (%s): neither a score nor a map", t->name, i + 1, r->path);
    }
    if (set->n) qsort(set->rows, set->n, sizeof *set->rows, row_order);
    for (size_t i = 1; i < set->n; i++)
        if (row_order(&set->rows[i - 1], &set->rows[i]) == 0)
            return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: %s is given twice (rows %zu and %zu)", t->name, set->rows[i].path, set->rows[i - 1].line,
                            set->rows[i].line);
    return set->n ? IAD_OK : IAD_FAIL(err, IAD_ERR_FORMAT, "%s: a header but no row", t->name);
}

static iad_status finish(iad_scoreset *set, iad_status status, iad_err *err) {
    if (status == IAD_OK) status = read_rows(set, err);
    if (status != IAD_OK) iad_scoreset_deinit(set);
    return status;
}

iad_status iad_scoreset_load(iad_scoreset *set, const char *path, iad_err *err) {
    *set = (iad_scoreset){0};
    return finish(set, iad_table_load(&set->table, path, err), err);
}

iad_status iad_scoreset_parse(iad_scoreset *set, const char *text, size_t n, char separator, const char *name, iad_err *err) {
    *set = (iad_scoreset){0};
    return finish(set, iad_table_parse(&set->table, text, n, separator, name, err), err);
}

void iad_scoreset_deinit(iad_scoreset *set) {
    free(set->rows);
    iad_table_deinit(&set->table);
    *set = (iad_scoreset){0};
}
