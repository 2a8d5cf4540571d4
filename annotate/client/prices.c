#include "annotate/client/prices.h"

#include <string.h>

#include "annotate/prompt/prompts_builtin.h"
#include "base/table.h"
#include "base/text.h"

static iad_status take(const iad_table *t, size_t row, iad_price *price, iad_err *err) {
    static const char *const columns[] = {"in", "out", "cached", "batch"};
    double *values[] = {&price->in, &price->out, &price->cached, &price->batch};
    size_t c;
    for (int i = 0; i < 4; i++) {
        IAD_TRY(iad_table_need(t, columns[i], &c, err));
        IAD_TRY(iad_parse_f64(iad_table_cell(t, row, c), 0, 1e9, columns[i], values[i], err));
    }
    IAD_TRY(iad_table_need(t, "currency", &c, err));
    iad_text_copy(price->currency, sizeof price->currency, iad_table_cell(t, row, c));
    IAD_TRY(iad_table_need(t, "date", &c, err));
    iad_text_copy(price->date, sizeof price->date, iad_table_cell(t, row, c));
    return IAD_OK;
}

iad_status iad_price_find(const char *path, const char *model, iad_price *price, iad_err *err) {
    iad_table t = {0};
    size_t column = 0, best = 0;
    memset(price, 0, sizeof *price);
    price->batch = IAD_PRICE_BATCH;
    IAD_TRY(path ? iad_table_load(&t, path, err) : iad_table_parse(&t, iad_builtin_prices[0].text, iad_builtin_prices[0].n, '\t', "prices.tsv", err));
    iad_status status = iad_table_need(&t, "model", &column, err);
    for (size_t i = 0; status == IAD_OK && i < t.n_rows; i++) {
        const char *name = iad_table_cell(&t, i, column);
        if (strlen(name) <= best || !iad_text_starts(model, name)) continue;
        best = strlen(name);
        status = take(&t, i, price, err);
    }
    iad_table_deinit(&t);
    return status;
}

double iad_price_of(const iad_price *price, int64_t prompt_tokens, int64_t cached_tokens, int64_t completion_tokens, int batch) {
    if (cached_tokens > prompt_tokens) cached_tokens = prompt_tokens;
    double sum = (double)(prompt_tokens - cached_tokens) * price->in + (double)cached_tokens * price->cached + (double)completion_tokens * price->out;
    return sum / 1e6 * (batch ? price->batch : 1);
}
