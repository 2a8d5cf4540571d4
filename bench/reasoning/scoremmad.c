/* MMAD. Paper: what the published summary script computes, with its faults; strict: what it means to compute. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "bench/reasoning/scorebook.h"
#include "bench/reasoning/scoretable.h"

enum { DETECTION, DEFECT_CLASS, LOCALIZATION, DESCRIPTION, ANALYSIS, OBJECT_CLASS, OBJECT_ANALYSIS, OTHER, TASKS };
enum { AVERAGE = TASKS, RECALL, PRECISION, F1, OVERKILL, MISS, QUESTIONS, INVALID, COLUMNS };

static const iad_score_column columns[COLUMNS] = {{"mmad_detection", "detect", IAD_FORM_PERCENT},
                                                  {"mmad_defect_classification", "class", IAD_FORM_PERCENT},
                                                  {"mmad_localization", "where", IAD_FORM_PERCENT},
                                                  {"mmad_description", "descr", IAD_FORM_PERCENT},
                                                  {"mmad_analysis", "analys", IAD_FORM_PERCENT},
                                                  {"mmad_object_classification", "objcls", IAD_FORM_PERCENT},
                                                  {"mmad_object_analysis", "object", IAD_FORM_PERCENT},
                                                  {"mmad_other", "other", IAD_FORM_PERCENT},
                                                  {"mmad_average", "average", IAD_FORM_PERCENT},
                                                  {"recall", "recall", IAD_FORM_PERCENT},
                                                  {"precision", "prec", IAD_FORM_PERCENT},
                                                  {"f1", "F1", IAD_FORM_PERCENT},
                                                  {"overkill", "overkill", IAD_FORM_PERCENT},
                                                  {"miss", "miss", IAD_FORM_PERCENT},
                                                  {"questions", "n", IAD_FORM_COUNT},
                                                  {"invalid", "invalid", IAD_FORM_COUNT}};

static int task_of(const char *type) {
    static const char *const names[] = {"Anomaly Detection", "Defect Classification", "Defect Localization", "Defect Description",
                                        "Defect Analysis",   "Object Classification", "Object Analysis"};
    if (strcmp(type, "Object Structure") == 0 || strcmp(type, "Object Details") == 0) return OBJECT_ANALYSIS;
    for (int i = 0; i < OTHER; i++)
        if (strcmp(type, names[i]) == 0) return i;
    return OTHER;
}

typedef struct counts {
    double total[TASKS], right[TASKS];
    double detect_total[2], detect_right[2]; /* good, defective */
    double questions, invalid;
} counts;

static void add(counts *c, int task, int anomalous, int right) {
    c->total[task]++;
    c->right[task] += right;
    if (task != DETECTION || anomalous < 0) return;
    c->detect_total[anomalous]++;
    c->detect_right[anomalous] += right;
}

static double share(double part, double whole, double empty) { return whole > 0 ? part / whole : empty; }

/* seen[TASKS]: tasks that count into the average. empty: what an accuracy over nothing is. */
static void figure(const counts *c, const int *seen, double empty, double values[COLUMNS]) {
    double sum = 0, n = 0;
    double normal = share(c->detect_right[0], c->detect_total[0], empty), anomaly = share(c->detect_right[1], c->detect_total[1], empty);
    for (int t = 0; t < TASKS; t++) {
        values[t] = !seen[t] ? NAN : t == DETECTION ? (normal + anomaly) / 2 : share(c->right[t], c->total[t], empty);
        if (isfinite(values[t])) sum += values[t], n++;
    }
    double tp = c->detect_right[1], fn = c->detect_total[1] - tp, fp = c->detect_total[0] - c->detect_right[0];
    values[AVERAGE] = n > 0 ? sum / n : NAN;
    values[RECALL] = share(tp, tp + fn, empty);
    values[PRECISION] = share(tp, tp + fp, empty);
    values[F1] = share(2 * tp, 2 * tp + fp + fn, empty);
    values[OVERKILL] = 1 - normal;
    values[MISS] = 1 - anomaly;
    for (int k = RECALL; k <= MISS && !seen[DETECTION]; k++) values[k] = NAN;
    values[QUESTIONS] = c->questions;
    values[INVALID] = c->invalid;
}

/* ---- counting ---- */

/* As the script: "good" anywhere in the path is a good picture; an answer outside of A to E is removed from the list that is being walked, so that
 * the one behind it is skipped, and neither counts. */
static void count_paper(const iad_scorebook *book, const iad_ask_groups *g, counts *all) {
    int skip = 0;
    for (size_t i = 0; i < book->asks->n; i++) {
        const iad_ask *ask = &book->asks->items[i];
        const iad_item_score *item = &book->items[i];
        counts *c = &all[g->of[i]];
        if (!item->used || !ask->n_options) continue;
        c->questions++;
        if (skip) {
            skip = 0;
            continue;
        }
        if (item->letter < 'A' || item->letter > 'E' || ask->reference[0] > 'E') {
            c->invalid++;
            skip = 1;
            continue;
        }
        add(c, task_of(ask->kind), strstr(ask->image, "good") == NULL, item->letter == ask->reference[0]);
    }
}

static void count_strict(const iad_scorebook *book, const iad_ask_groups *g, counts *all) {
    for (size_t i = 0; i < book->asks->n; i++) {
        const iad_ask *ask = &book->asks->items[i];
        const iad_item_score *item = &book->items[i];
        counts *c = &all[g->of[i]];
        if (!item->used || !ask->n_options || ask->faulty) continue;
        c->questions++;
        c->invalid += item->strict_letter == 0;
        add(c, task_of(ask->kind), ask->anomalous, item->strict_letter == ask->reference[0]);
    }
}

/* ---- tables ---- */

static iad_status add_table(iad_scorebook *book, const char *name, const char *note, int by_dataset, int paper, int board, iad_err *err) {
    iad_ask_groups g;
    iad_score_table t;
    double values[COLUMNS], mean[COLUMNS];
    int seen[TASKS] = {0};
    IAD_TRY(iad_ask_groups_init(&g, book->asks, by_dataset, err));
    counts *all = iad_calloc(g.n, sizeof *all);
    iad_status status = all ? IAD_OK : IAD_NOMEM(err, "the scores");
    for (size_t i = 0; i < book->asks->n; i++)
        if (book->items[i].used && book->asks->items[i].n_options) seen[task_of(book->asks->items[i].kind)] = 1;
    if (status == IAD_OK) (paper ? count_paper : count_strict)(book, &g, all);
    if (status == IAD_OK) status = iad_score_table_begin(&t, book->tables, name, note, columns, COLUMNS, err);
    for (size_t k = 0; k < g.n && status == IAD_OK; k++) {
        if (all[k].questions == 0) continue;
        figure(&all[k], seen, paper ? 0 : NAN, values);
        status = iad_score_table_row(&t, g.names[k], values, err);
    }
    if (status == IAD_OK) status = iad_score_table_mean(&t, by_dataset ? "average" : "mean", mean, err);
    for (int c = 0; c <= AVERAGE && board && status == IAD_OK; c++)
        if (c != OTHER && isfinite(mean[c])) status = iad_scorebook_figure(book, columns[c].key, 100 * mean[c], err);
    if (board && status == IAD_OK && isfinite(mean[F1])) status = iad_scorebook_figure(book, "mmad_f1", 100 * mean[F1], err);
    free(all);
    iad_ask_groups_deinit(&g);
    return status;
}

iad_status iad_score_mmad(iad_scorebook *book, iad_err *err) {
    IAD_TRY(add_table(book, "MMAD, paper",
                      "as the published script: last letter A to E, else the nearest option; what is neither vanishes with the answer behind it; a "
                      "task without questions counts as 0; detection is balanced",
                      1, 1, 1, err));
    IAD_TRY(add_table(book, "MMAD, strict", "no letter and no option's text is wrong; undefined is a dash", 1, 0, 0, err));
    return add_table(book, "MMAD, strict, per category", NULL, 0, 0, 0, err);
}
