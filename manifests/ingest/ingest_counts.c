#include "manifests/ingest/ingest_counts.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "manifests/ingest/known.h"

#define MAX_ROWS 1000000u
#define MAX_EXTRA_TEXT 2000u

static int same(const char *a, const char *b) { return a && b ? strcmp(a, b) == 0 : a == b; }

static iad_status find_row(iad_counts *counts, const char *category, const char *split, size_t *index, iad_err *err) {
    if (counts->last < counts->n && same(counts->rows[counts->last].category, category) && same(counts->rows[counts->last].split, split)) {
        *index = counts->last;
        return IAD_OK;
    }
    for (size_t i = 0; i < counts->n; i++)
        if (same(counts->rows[i].category, category) && same(counts->rows[i].split, split)) {
            *index = counts->last = i;
            return IAD_OK;
        }
    void *rows = counts->rows;
    IAD_TRY(iad_grow(&rows, &counts->cap, counts->n + 1, sizeof *counts->rows, MAX_ROWS, "rows of the table of counts", err));
    counts->rows = rows;
    iad_count_row *row = &counts->rows[counts->n];
    *row = (iad_count_row){.category = iad_strdup(category), .split = split ? iad_strdup(split) : NULL};
    if (!row->category || (split && !row->split)) {
        free(row->category);
        free(row->split);
        return IAD_NOMEM(err, "the table of counts");
    }
    *index = counts->last = counts->n++;
    return IAD_OK;
}

static iad_status note_defect(iad_counts *counts, const char *category, const char *defect, iad_err *err) {
    char word[300];
    snprintf(word, sizeof word, "%.140s/%.140s", category, defect);
    size_t n = counts->extra_defects ? strlen(counts->extra_defects) : 0, len = strlen(word);
    for (const char *p = counts->extra_defects; p; p = strstr(p, ", ") ? strstr(p, ", ") + 2 : NULL)
        if (strncmp(p, word, len) == 0 && (p[len] == 0 || p[len] == ',')) return IAD_OK;
    counts->n_extra++;
    if (n + len + 3 > MAX_EXTRA_TEXT) return IAD_OK;
    char *text = iad_realloc(counts->extra_defects, n + len + 3, 1);
    if (!text) return IAD_NOMEM(err, "the table of counts");
    snprintf(text + n, len + 3, "%s%s", n ? ", " : "", word);
    counts->extra_defects = text;
    return IAD_OK;
}

iad_status iad_counts_add(iad_counts *counts, const iad_adapter *facts, const char *category, const char *split, iad_label label,
                          const char *defect, iad_err *err) {
    size_t index = 0;
    IAD_TRY(find_row(counts, category, split ? split : "", &index, err));
    counts->rows[index].found[label]++;
    if (label == IAD_LABEL_ANOMALOUS && defect && facts->defects && !iad_known_defect(facts, category, defect))
        return note_defect(counts, category, defect, err);
    return IAD_OK;
}

/* ---- judging ---- */

static int is_end(const iad_ingest_count *c) { return !c->category && !c->split && !c->normal && !c->anomalous && !c->unknown; }

static int names_categories(const iad_adapter *facts) {
    if (facts->defects && facts->defects->category) return 1;
    for (const iad_ingest_count *c = facts->counts; c && !is_end(c); c++)
        if (c->category) return 1;
    return 0;
}

static int has_split_rows(const iad_adapter *facts, const char *category) {
    for (const iad_ingest_count *c = facts->counts; c && !is_end(c); c++)
        if (c->category && c->split && same(c->category, category)) return 1;
    return 0;
}

static int has_total_row(const iad_adapter *facts, const char *category) {
    for (const iad_ingest_count *c = facts->counts; c && !is_end(c); c++)
        if (c->category && !c->split && same(c->category, category)) return 1;
    return 0;
}

static void set_published(iad_count_row *row, const iad_ingest_count *c) {
    row->has_published = 1;
    row->published[IAD_LABEL_NORMAL] = c->normal;
    row->published[IAD_LABEL_ANOMALOUS] = c->anomalous;
    row->published[IAD_LABEL_UNKNOWN] = c->unknown;
}

static void judge(iad_counts *counts, iad_count_row *row) {
    for (int k = 0; k < 3 && row->has_published; k++) row->extra |= row->found[k] > row->published[k];
    counts->n_extra += row->extra != 0;
}

/* A row for one published number that covers more than one row of the found ones. */
static iad_status add_sum(iad_counts *counts, const iad_ingest_count *c, size_t n_found, iad_err *err) {
    iad_count_row sum = {.category = NULL};
    int any = 0;
    for (size_t i = 0; i < n_found; i++) {
        const iad_count_row *row = &counts->rows[i];
        if ((c->category && !same(c->category, row->category)) || (c->split && !same(c->split, row->split))) continue;
        any = 1;
        for (int k = 0; k < 3; k++) sum.found[k] += row->found[k];
    }
    if (!any) return IAD_OK;
    size_t index = 0;
    IAD_TRY(find_row(counts, c->category ? c->category : "(all)", c->split, &index, err));
    memcpy(counts->rows[index].found, sum.found, sizeof sum.found);
    set_published(&counts->rows[index], c);
    judge(counts, &counts->rows[index]);
    return IAD_OK;
}

static int is_found(const iad_counts *counts, const char *category, size_t n_found) {
    for (size_t i = 0; i < n_found; i++)
        if (same(counts->rows[i].category, category)) return 1;
    return 0;
}

iad_status iad_counts_finish(iad_counts *counts, const iad_adapter *facts, iad_err *err) {
    size_t n_found = counts->n;
    int closed = names_categories(facts);
    for (size_t i = 0; i < n_found; i++) {
        iad_count_row *row = &counts->rows[i];
        for (const iad_ingest_count *c = facts->counts; c && !is_end(c); c++)
            if (c->category && c->split && same(c->category, row->category) && same(c->split, row->split)) set_published(row, c);
        if (closed && !iad_known_category(facts, row->category)) row->extra = 1;
        if (!row->has_published && has_split_rows(facts, row->category) && !has_total_row(facts, row->category)) row->extra = 1;
        judge(counts, row);
    }
    const char *last = NULL;
    for (const iad_ingest_count *c = facts->counts; c && !is_end(c); c++) {
        if (!c->category || !c->split) IAD_TRY(add_sum(counts, c, n_found, err));
        if (c->category && !same(last, c->category) && !is_found(counts, c->category, n_found)) counts->n_absent++;
        last = c->category;
    }
    return IAD_OK;
}

void iad_counts_deinit(iad_counts *counts) {
    for (size_t i = 0; i < counts->n; i++) {
        free(counts->rows[i].category);
        free(counts->rows[i].split);
    }
    free(counts->rows);
    free(counts->extra_defects);
    memset(counts, 0, sizeof *counts);
}

/* ---- showing ---- */

static const char *split_text(const iad_count_row *row) {
    return !row->split ? "(all)" : *row->split ? row->split : "-";
}

static void cell_text(const iad_count_row *row, int k, char *text, size_t size) {
    if (row->has_published) snprintf(text, size, "%ld/%ld", row->found[k], row->published[k]);
    else snprintf(text, size, "%ld", row->found[k]);
}

static const char *verdict(const iad_count_row *row) {
    if (row->extra) return row->has_published ? "MORE than published" : "NOT in the data set as published";
    if (!row->has_published) return "-";
    for (int k = 0; k < 3; k++)
        if (row->found[k] != row->published[k]) return "part of it";
    return "as published";
}

void iad_counts_print(const iad_counts *counts, const iad_adapter *facts, FILE *out) {
    static const char *const heads[] = {"category", "split", "normal", "anomalous", "unknown"};
    int width[5];
    for (int k = 0; k < 5; k++) width[k] = (int)strlen(heads[k]);
    for (size_t i = 0; i < counts->n; i++) {
        char cell[64];
        int len = (int)strlen(counts->rows[i].category);
        if (len > width[0]) width[0] = len;
        if ((int)strlen(split_text(&counts->rows[i])) > width[1]) width[1] = (int)strlen(split_text(&counts->rows[i]));
        for (int k = 0; k < 3; k++) {
            cell_text(&counts->rows[i], k, cell, sizeof cell);
            if ((int)strlen(cell) > width[2 + k]) width[2 + k] = (int)strlen(cell);
        }
    }
    fprintf(out, "%-*s  %-*s  %*s  %*s  %*s  %s\n", width[0], heads[0], width[1], heads[1], width[2], heads[2], width[3], heads[3], width[4],
            heads[4], "found/published");
    for (size_t i = 0; i < counts->n; i++) {
        const iad_count_row *row = &counts->rows[i];
        char cell[3][64];
        for (int k = 0; k < 3; k++) cell_text(row, k, cell[k], sizeof cell[k]);
        fprintf(out, "%-*s  %-*s  %*s  %*s  %*s  %s\n", width[0], row->category, width[1], split_text(row), width[2], cell[0], width[3], cell[1],
                width[4], cell[2], verdict(row));
    }
    if (counts->n_absent) fprintf(out, "%zu published categories of %s are not here\n", counts->n_absent, facts->title);
    if (counts->extra_defects) fprintf(out, "defects that %s does not have: %s\n", facts->title, counts->extra_defects);
}

void iad_counts_complain(const iad_counts *counts, char *text, size_t size) {
    size_t len = 0, shown = 0;
    *text = 0;
    for (size_t i = 0; i < counts->n && shown < 3; i++) {
        const iad_count_row *row = &counts->rows[i];
        if (!row->extra) continue;
        char part[200];
        snprintf(part, sizeof part, "%s%.60s %.40s", shown++ ? ", " : "", row->category, split_text(row));
        iad_text_copy(text + len, size - len, part);
        len = strlen(text);
    }
    if (counts->extra_defects) {
        char part[200];
        snprintf(part, sizeof part, "%sdefects %.150s", shown ? ", " : "", counts->extra_defects);
        iad_text_copy(text + len, size - len, part);
    }
}

