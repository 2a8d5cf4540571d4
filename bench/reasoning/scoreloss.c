/* Held-out loss: how well reference answers are foreseen. */
#include <math.h>

#include "base/fmath.h"
#include "bench/reasoning/scorebook.h"
#include "bench/reasoning/scoretable.h"

enum { RECORDS, TOKENS, NLL, PERPLEXITY, COLUMNS };

static const iad_score_column columns[COLUMNS] = {{"records", "records", IAD_FORM_COUNT},
                                                  {"tokens", "tokens", IAD_FORM_COUNT},
                                                  {"token_nll", "NLL/token", IAD_FORM_NUMBER},
                                                  {"perplexity", "perplexity", IAD_FORM_NUMBER}};

/* group SIZE_MAX: all. */
static void measure(const iad_scorebook *book, const iad_ask_groups *g, size_t group, double v[COLUMNS]) {
    double nll = 0;
    v[RECORDS] = v[TOKENS] = 0;
    for (size_t i = 0; i < book->asks->n; i++) {
        const iad_said *said = &book->said->items[i];
        if ((group != SIZE_MAX && g->of[i] != group) || !said->there || isnan(said->nll)) continue;
        v[RECORDS]++;
        v[TOKENS] += (double)said->tokens;
        nll += said->nll;
    }
    v[NLL] = v[TOKENS] > 0 ? nll / v[TOKENS] : NAN;
    v[PERPLEXITY] = isnan(v[NLL]) ? NAN : iad_exp(v[NLL]);
}

iad_status iad_score_losses(iad_scorebook *book, iad_err *err) {
    iad_ask_groups g;
    iad_score_table t;
    double values[COLUMNS];
    IAD_TRY(iad_ask_groups_init(&g, book->asks, 1, err));
    iad_status status =
        iad_score_table_begin(&t, book->tables, "held-out loss", "mean over tokens of -log p (natural) of the reference answers, end marks included",
                              columns, COLUMNS, err);
    for (size_t k = 0; k < g.n && status == IAD_OK; k++) {
        measure(book, &g, k, values);
        if (values[RECORDS] > 0) status = iad_score_table_row(&t, g.names[k], values, err);
    }
    measure(book, &g, SIZE_MAX, values);
    if (status == IAD_OK) status = iad_score_table_extra(&t, "all records", values, err);
    if (status == IAD_OK) status = iad_scorebook_figure(book, "token_nll", values[NLL], err);
    iad_ask_groups_deinit(&g);
    return status;
}
