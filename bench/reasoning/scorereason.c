/* Reasoning in words against reference answers. */
#include <math.h>
#include <string.h>

#include "bench/reasoning/scorebook.h"
#include "bench/reasoning/scoretable.h"

enum { LOW_N, LOW_ROUGE, LOW_SBERT, LOW_GPT, COMPLEX_N, COMPLEX_ROUGE, COMPLEX_SBERT, COMPLEX_GPT, GPT_REFERENCE, COLUMNS };

static const iad_score_column columns[COLUMNS] = {{"lowlevel_n", "low", IAD_FORM_COUNT},          {"lowlevel_rouge_l", "ROUGE-L", IAD_FORM_FRACTION},
                                                  {"lowlevel_sbert", "SBERT", IAD_FORM_FRACTION}, {"lowlevel_gpt", "judge", IAD_FORM_SCORE},
                                                  {"complex_n", "complex", IAD_FORM_COUNT},       {"complex_rouge_l", "ROUGE-L", IAD_FORM_FRACTION},
                                                  {"complex_sbert", "SBERT", IAD_FORM_FRACTION},  {"complex_gpt", "judge", IAD_FORM_SCORE},
                                                  {"reference_gpt", "judge:ref", IAD_FORM_SCORE}};

typedef struct mean {
    double sum, n;
} mean;

static void add(mean *m, double value) {
    if (isfinite(value)) m->sum += value, m->n++;
}
static double of(const mean *m) { return m->n > 0 ? m->sum / m->n : NAN; }

/* group SIZE_MAX: all questions. */
static void measure(const iad_scorebook *book, const iad_ask_groups *g, size_t group, double values[COLUMNS]) {
    mean rouge[2] = {{0}}, sbert[2] = {{0}}, judge[2] = {{0}}, reference = {0};
    double n[2] = {0};
    for (size_t i = 0; i < book->asks->n; i++) {
        const iad_ask *ask = &book->asks->items[i];
        const iad_item_score *item = &book->items[i];
        int complex = strcmp(ask->kind, "complex") == 0;
        if ((group != SIZE_MAX && g->of[i] != group) || !item->used || !ask->reference || (!complex && strcmp(ask->kind, "low") != 0)) continue;
        n[complex]++;
        add(&rouge[complex], item->rouge);
        add(&sbert[complex], item->sbert);
        add(&judge[complex], item->judge);
        add(&reference, item->judge_reference);
    }
    for (int k = 0; k < 2; k++) {
        double *v = values + (k ? COMPLEX_N : LOW_N);
        v[0] = n[k], v[1] = of(&rouge[k]), v[2] = of(&sbert[k]), v[3] = of(&judge[k]);
    }
    values[GPT_REFERENCE] = of(&reference);
}

iad_status iad_score_reasoning(iad_scorebook *book, iad_err *err) {
    iad_ask_groups g;
    iad_score_table t;
    double values[COLUMNS], means[COLUMNS];
    IAD_TRY(iad_ask_groups_init(&g, book->asks, 0, err));
    iad_status status = iad_score_table_begin(&t, book->tables, "reasoning",
                                              "low: what and where; complex: causes, consequences, measures. The published scores name neither "
                                              "sentence model nor judge prompt: not comparable to the digit",
                                              columns, COLUMNS, err);
    for (size_t k = 0; k < g.n && status == IAD_OK; k++) {
        measure(book, &g, k, values);
        if (values[LOW_N] + values[COMPLEX_N] > 0) status = iad_score_table_row(&t, g.names[k], values, err);
    }
    if (status == IAD_OK) status = iad_score_table_mean(&t, "mean", means, err);
    measure(book, &g, SIZE_MAX, values);
    if (status == IAD_OK) status = iad_score_table_extra(&t, "all questions", values, err);
    for (int c = LOW_ROUGE; c < GPT_REFERENCE && status == IAD_OK; c++)
        if (columns[c].form != IAD_FORM_COUNT) status = iad_scorebook_figure(book, columns[c].key, means[c], err);
    iad_ask_groups_deinit(&g);
    return status;
}
