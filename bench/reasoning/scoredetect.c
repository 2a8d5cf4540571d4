/* Yes or no: accuracy, precision, recall, F1. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "bench/reasoning/scorebook.h"
#include "bench/reasoning/scoretable.h"

enum { NORMAL, ANOMALOUS, ACCURACY, PRECISION, RECALL, F1, NEITHER, OV_ACCURACY, OV_PRECISION, OV_RECALL, OV_F1, AG_ACCURACY, COLUMNS };

static const iad_score_column columns[COLUMNS] = {
    {"normal", "good", IAD_FORM_COUNT},           {"anomalous", "bad", IAD_FORM_COUNT},        {"accuracy", "acc", IAD_FORM_PERCENT},
    {"precision", "prec", IAD_FORM_PERCENT},      {"recall", "recall", IAD_FORM_PERCENT},      {"f1", "F1", IAD_FORM_PERCENT},
    {"neither", "neither", IAD_FORM_COUNT},       {"ov_accuracy", "ov:acc", IAD_FORM_PERCENT}, {"ov_precision", "ov:prec", IAD_FORM_PERCENT},
    {"ov_recall", "ov:recall", IAD_FORM_PERCENT}, {"ov_f1", "ov:F1", IAD_FORM_PERCENT},        {"agpt_accuracy", "agpt:acc", IAD_FORM_PERCENT}};

typedef struct counts {
    double tp, fp, fn, right, n; /* fn: defective and not called so, whatever was said instead */
} counts;

static void count(counts *c, int anomalous, int called, int right) {
    c->tp += anomalous && called;
    c->fp += !anomalous && called;
    c->fn += anomalous && !called;
    c->right += right;
    c->n++;
}

/* accuracy, precision, recall, F1; `empty` stands for 0 / 0. */
static void ratios(const counts *c, double empty, double out[4]) {
    out[0] = c->n > 0 ? c->right / c->n : NAN;
    out[1] = c->tp + c->fp > 0 ? c->tp / (c->tp + c->fp) : empty;
    out[2] = c->tp + c->fn > 0 ? c->tp / (c->tp + c->fn) : empty;
    out[3] = c->tp + c->fp + c->fn > 0 ? 2 * c->tp / (2 * c->tp + c->fp + c->fn) : empty;
}

static void measure(const iad_scorebook *book, const iad_ask_groups *g, size_t group, double values[COLUMNS]) {
    counts strict = {0}, ov = {0}, ag = {0};
    double normal = 0, anomalous = 0, neither = 0;
    for (size_t i = 0; i < book->asks->n; i++) {
        const iad_ask *ask = &book->asks->items[i];
        const iad_item_score *item = &book->items[i];
        if (g->of[i] != group || !item->used || ask->anomalous < 0 || strcmp(ask->kind, "detection") != 0) continue;
        int called = item->strict == (book->yes_is_defective ? IAD_SAYS_YES : IAD_SAYS_NO), said = item->strict != IAD_SAYS_NEITHER;
        count(&strict, ask->anomalous, called, said && called == ask->anomalous);
        count(&ov, ask->anomalous, item->ov == IAD_SAYS_YES, (item->ov == IAD_SAYS_YES) == ask->anomalous);
        count(&ag, ask->anomalous, 0, iad_yesno_anomalygpt_right(book->said->items[i].text, ask->anomalous));
        normal += !ask->anomalous;
        anomalous += ask->anomalous;
        neither += !said;
    }
    values[NORMAL] = normal;
    values[ANOMALOUS] = anomalous;
    values[NEITHER] = neither;
    ratios(&strict, NAN, values + ACCURACY);
    ratios(&ov, 0, values + OV_ACCURACY);
    values[AG_ACCURACY] = ag.n > 0 ? ag.right / ag.n : NAN;
    for (int c = OV_ACCURACY; c <= AG_ACCURACY && (!book->yes_is_defective || ov.n == 0); c++) values[c] = NAN;
}

iad_status iad_score_detection(iad_scorebook *book, iad_err *err) {
    iad_ask_groups g;
    iad_score_table t;
    double values[COLUMNS], mean[COLUMNS];
    IAD_TRY(iad_ask_groups_init(&g, book->asks, 0, err));
    iad_status status =
        iad_score_table_begin(&t, book->tables, "detection in words",
                              book->yes_is_defective ? "strict: first standalone yes or no, neither counts as wrong; ov: as Anomaly-OV's script (no "
                                                       "\"yes\" is a no); agpt: as AnomalyGPT's (\"Yes\" or \"No\" anywhere)"
                                                     : "Yes means good here: the published readings, where it means defective, do not apply",
                              columns, COLUMNS, err);
    for (size_t k = 0; k < g.n && status == IAD_OK; k++) {
        measure(book, &g, k, values);
        if (values[NORMAL] + values[ANOMALOUS] > 0) status = iad_score_table_row(&t, g.names[k], values, err);
    }
    if (status == IAD_OK) status = iad_score_table_mean(&t, "mean", mean, err);
    static const struct {
        const char *key;
        int column;
    } figures[] = {{"text_accuracy", OV_ACCURACY},
                   {"precision", OV_PRECISION},
                   {"recall", OV_RECALL},
                   {"f1", OV_F1},
                   {"text_accuracy_strict", ACCURACY},
                   {"f1_strict", F1}};
    for (size_t i = 0; i < sizeof figures / sizeof *figures && status == IAD_OK; i++)
        status = iad_scorebook_figure(book, figures[i].key, mean[figures[i].column], err);
    iad_ask_groups_deinit(&g);
    return status;
}
