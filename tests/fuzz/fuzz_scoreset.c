/* Score tables of other tools. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bench/scoreset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    iad_scoreset set;
    iad_err err = IAD_ERR_NONE;
    if (iad_scoreset_parse(&set, (const char *)data, size, size % 2 ? ',' : '\t', "fuzz", &err) != IAD_OK) return 0;
    for (size_t i = 0; i < set.n; i++) {
        if (set.rows[i].label != 0 && set.rows[i].label != 1) abort();
        if (isinf(set.rows[i].score) || (isnan(set.rows[i].score) && !*set.rows[i].map)) abort();
        if (i && strcmp(set.rows[i].dataset, set.rows[i - 1].dataset) < 0) abort();
    }
    iad_scoreset_deinit(&set);
    return 0;
}
