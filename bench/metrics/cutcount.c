#include "bench/metrics/cutcount.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "bench/metrics/floatkey.h"
#include "bench/metrics/overlap.h"
#include "bench/metrics/tally.h"

uint32_t iad_cut_key(double t, int strict) {
    uint32_t lo = IAD_FLOAT_KEY_MIN, hi = IAD_FLOAT_KEY_MAX + 1; /* the answer lies in lo..hi */
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        double value = (double)iad_key_float(mid);
        if (strict ? value > t : value >= t) hi = mid;
        else lo = mid + 1;
    }
    return lo;
}

typedef struct order {
    uint32_t key;
    uint32_t cut;
} order;

static int by_key(const void *a, const void *b) {
    const order *x = a, *y = b;
    return x->key < y->key ? -1 : x->key > y->key;
}

/* Overlap sums at the cuts from high to low; pixels are sorted pairs. */
static iad_status overlaps_at(const iad_positives *set, const uint64_t *more, size_t n_more, const order *list, size_t n,
                              iad_cut *cuts, int filled, iad_err *err) {
    iad_overlap o, extra;
    IAD_TRY(iad_overlap_init(&o, set->area, set->n_regions, err));
    iad_status status = iad_overlap_init(&extra, set->area, set->n_regions, err);
    if (status != IAD_OK) {
        iad_overlap_deinit(&o);
        return status;
    }
    size_t at = set->n, at_more = n_more;
    for (size_t i = n; i-- > 0;) {
        while (at && set->pairs[at - 1] >> 32 >= list[i].key) iad_overlap_add(&o, (uint32_t)set->pairs[--at]);
        while (at_more && more[at_more - 1] >> 32 >= list[i].key) iad_overlap_add(&extra, (uint32_t)more[--at_more]);
        iad_cut *cut = cuts + list[i].cut;
        if (filled) {
            cut->filled = iad_overlap_mean(&o, o.sum + extra.sum);
        } else {
            cut->tp = set->n - at;
            cut->overlap = cut->filled = iad_overlap_mean(&o, o.sum);
        }
    }
    iad_overlap_deinit(&o);
    iad_overlap_deinit(&extra);
    return IAD_OK;
}

static iad_status count_all(const iad_map_source *source, int n_threads, const order *list, size_t n, iad_cut *cuts, iad_err *err) {
    uint32_t *keys = iad_alloc(n, sizeof *keys);
    uint64_t *above = iad_calloc(n + 1, sizeof *above); /* pixels on keys[j] or higher */
    size_t k = 0;
    iad_tally tally = {0};
    iad_status status = keys && above ? IAD_OK : IAD_NOMEM(err, "thresholds");
    for (size_t i = 0; i < n && status == IAD_OK; i++)
        if (list[i].key <= IAD_FLOAT_KEY_MAX && (!k || list[i].key != keys[k - 1])) keys[k++] = list[i].key;
    if (status == IAD_OK && k) status = iad_tally_count(source, keys, k, IAD_TALLY_ALL, NULL, n_threads, &tally, err);
    if (status == IAD_OK) {
        for (size_t j = k; j-- > 0;) above[j] = above[j + 1] + tally.slots[2 * j + 1] + tally.slots[2 * j + 2];
        for (size_t i = 0, j = 0; i < n; i++) {
            while (j < k && keys[j] < list[i].key) j++;
            cuts[list[i].cut].fp = above[j] - cuts[list[i].cut].tp; /* above[k] is 0: no finite score is that high */
        }
    }
    iad_tally_deinit(&tally);
    free(keys);
    free(above);
    return status;
}

iad_status iad_cut_count(const iad_map_source *source, const iad_positives *set, int n_threads, iad_cut *cuts, size_t n, iad_err *err) {
    if (!n) return IAD_OK;
    order *list = iad_alloc(n, sizeof *list);
    if (!list) return IAD_NOMEM(err, "thresholds");
    for (size_t i = 0; i < n; i++) list[i] = (order){cuts[i].key, (uint32_t)i};
    qsort(list, n, sizeof *list, by_key);
    iad_status status = overlaps_at(set, NULL, 0, list, n, cuts, 0, err);
    if (status == IAD_OK && set->n_holes) status = overlaps_at(set, set->holes, set->n_holes, list, n, cuts, 1, err);
    if (status == IAD_OK) status = count_all(source, n_threads, list, n, cuts, err);
    free(list);
    return status;
}
