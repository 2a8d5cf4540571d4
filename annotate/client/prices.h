/* What tokens cost. Prices are data: prices.tsv travels inside the program, another file or two numbers can be given. */
#ifndef IAD_ANNOTATE_PRICES_H
#define IAD_ANNOTATE_PRICES_H

#include <stdint.h>

#include "base/status.h"

typedef struct iad_price {
    double in, out, cached, batch; /* per million tokens; batch: factor of batch answers */
    char currency[8], date[16];    /* "" when nothing is known: everything costs 0 */
} iad_price;

/* The row whose model is the longest beginning of `model`; an unknown model gives zeros,
 * with IAD_PRICE_BATCH. path NULL: the built-in table. Errors: those of reading a
 * table. */
iad_status iad_price_find(const char *path, const char *model, iad_price *price, iad_err *err);
#define IAD_PRICE_BATCH 0.5 /* what batch services ask for, of the price of single requests, where a table says nothing else */
double iad_price_of(const iad_price *price, int64_t prompt_tokens, int64_t cached_tokens, int64_t completion_tokens, int batch);

#endif
