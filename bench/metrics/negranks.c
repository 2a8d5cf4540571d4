/* Order statistics of the normal pixels by two counting passes: first the upper, then the lower half of the float keys. */
#include <stdlib.h>

#include "base/alloc.h"
#include "bench/metrics/cutcount.h"
#include "bench/metrics/eachpicture.h"
#include "bench/metrics/floatkey.h"

#define HALF 65536u
#define MAX_RANKS 256u

typedef struct pass {
    const int32_t *row; /* [HALF] row of counts for an upper half, -1: not wanted; NULL: first pass */
    uint64_t **counts;  /* one block per thread: [HALF], or [rows][HALF] */
} pass;

static iad_status count(void *user, size_t i, const iad_map_view *view, int thread, iad_err *err) {
    (void)i, (void)err;
    const pass *p = user;
    size_t n = (size_t)view->width * (size_t)view->height;
    uint64_t *counts = p->counts[thread];
    for (size_t j = 0; j < n; j++) {
        uint32_t key = iad_float_key(view->map[j]);
        if (!p->row) counts[key >> 16]++;
        else if (p->row[key >> 16] >= 0) counts[(size_t)p->row[key >> 16] * HALF + (key & 0xffff)]++;
    }
    return IAD_OK;
}

/* Counts of the negatives into *total [n], owned by the caller. */
static iad_status run_pass(const iad_map_source *source, const iad_positives *set, int n_threads, const int32_t *row,
                           size_t n, uint64_t **total, iad_err *err) {
    uint64_t **counts = iad_calloc((size_t)n_threads, sizeof *counts);
    iad_status status = counts ? IAD_OK : IAD_NOMEM(err, "score histogram");
    for (int t = 0; t < n_threads && status == IAD_OK; t++) {
        counts[t] = iad_calloc(n, sizeof **counts);
        if (!counts[t]) status = IAD_NOMEM(err, "score histogram");
    }
    pass p = {row, counts};
    if (status == IAD_OK) status = iad_each_picture(source, 1, NULL, 0, n_threads, count, &p, err);
    *total = NULL;
    if (status == IAD_OK) {
        uint64_t *sum = *total = counts[0];
        for (int t = 1; t < n_threads; t++)
            for (size_t i = 0; i < n; i++) sum[i] += counts[t][i];
        for (size_t i = 0; i < set->n; i++) {
            uint32_t key = (uint32_t)(set->pairs[i] >> 32);
            if (!row) sum[key >> 16]--;
            else if (row[key >> 16] >= 0) sum[(size_t)row[key >> 16] * HALF + (key & 0xffff)]--;
        }
    }
    for (int t = *total ? 1 : 0; counts && t < n_threads; t++) free(counts[t]);
    free(counts);
    return status;
}

iad_status iad_negative_ranks(const iad_map_source *source, const iad_positives *set, int n_threads, const uint64_t *ranks,
                              size_t n, uint32_t *keys, iad_err *err) {
    if (n > MAX_RANKS) return IAD_FAIL(err, IAD_ERR_ARG, "%zu ranks, at most %u", n, MAX_RANKS);
    uint64_t *high = NULL, *low = NULL;
    int32_t *row = iad_alloc(HALF, sizeof *row);
    if (!row) return IAD_NOMEM(err, "score ranks");
    iad_status status = run_pass(source, set, n_threads, NULL, HALF, &high, err);
    uint32_t upper[MAX_RANKS]; /* upper half of each answer */
    uint64_t below[MAX_RANKS]; /* negatives below that half */
    if (status == IAD_OK) {
        for (size_t i = 0; i < HALF; i++) row[i] = -1;
        int32_t rows = 0;
        uint64_t sum = 0;
        for (size_t i = 0, bin = 0; i < n; i++) {
            while (bin + 1 < HALF && sum + high[bin] <= ranks[i]) sum += high[bin++];
            upper[i] = (uint32_t)bin;
            below[i] = sum;
            if (row[bin] < 0) row[bin] = rows++;
        }
        status = run_pass(source, set, n_threads, row, (size_t)rows * HALF, &low, err);
    }
    for (size_t i = 0; i < n && status == IAD_OK; i++) {
        const uint64_t *bins = low + (size_t)row[upper[i]] * HALF;
        uint64_t sum = below[i];
        uint32_t at = 0;
        while (at + 1 < HALF && sum + bins[at] <= ranks[i]) sum += bins[at++];
        keys[i] = upper[i] << 16 | at;
    }
    free(row);
    free(high);
    free(low);
    return status;
}
