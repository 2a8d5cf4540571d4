#include "bench/metrics/metricstats.h"

#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"

iad_spread iad_spread_of(const double *values, size_t n) {
    iad_spread s = {0, 0, NAN, NAN, NAN, NAN};
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++) {
        if (isnan(values[i])) {
            s.undefined++;
            continue;
        }
        s.min = s.n ? fmin(s.min, values[i]) : values[i];
        s.max = s.n ? fmax(s.max, values[i]) : values[i];
        sum += values[i];
        s.n++;
    }
    if (!s.n) return s;
    s.mean = sum / (double)s.n;
    if (s.n < 2) return s;
    for (size_t i = 0; i < n; i++)
        if (!isnan(values[i])) squares += (values[i] - s.mean) * (values[i] - s.mean);
    s.sd = sqrt(squares / (double)(s.n - 1));
    return s;
}

double iad_mean_rounded(const double *values, size_t n, int decimals) {
    double sum = 0, scale = 100;
    size_t used = 0;
    for (int i = 0; i < decimals && i < 12; i++) scale *= 10;
    for (size_t i = 0; i < n; i++) {
        if (isnan(values[i])) continue;
        sum += decimals < 0 ? values[i] : rint(values[i] * scale) / scale;
        used++;
    }
    return used ? sum / (double)used : NAN;
}

iad_sign_test iad_sign_test_of(const double *a, const double *b, size_t n) {
    iad_sign_test t = {0, 0, 0, 1};
    for (size_t i = 0; i < n; i++) {
        if (a[i] > b[i]) t.wins++;
        else if (a[i] < b[i]) t.losses++;
        else if (a[i] == b[i]) t.ties++;
    }
    size_t m = t.wins + t.losses, few = t.wins < t.losses ? t.wins : t.losses;
    if (!m) return t;
    double tail = 0;
    for (size_t k = 0; k <= few; k++)
        tail += exp(lgamma((double)m + 1) - lgamma((double)k + 1) - lgamma((double)(m - k) + 1) - (double)m * log(2));
    t.p = fmin(1, 2 * tail);
    return t;
}

typedef struct ranked {
    double value;
    size_t at;
} ranked;

static int by_value(const void *a, const void *b) {
    double x = ((const ranked *)a)->value, y = ((const ranked *)b)->value;
    return x < y ? -1 : x > y;
}

/* Twice the mid-rank of every value. */
static iad_status double_ranks(const double *values, size_t n, double *ranks, iad_err *err) {
    ranked *list = iad_alloc(n, sizeof *list);
    if (!list) return IAD_NOMEM(err, "ranks");
    for (size_t i = 0; i < n; i++) list[i] = (ranked){values[i], i};
    qsort(list, n, sizeof *list, by_value);
    for (size_t i = 0; i < n;) {
        size_t j = i;
        while (j < n && list[j].value == list[i].value) j++;
        for (size_t k = i; k < j; k++) ranks[list[k].at] = (double)(i + j - 1);
        i = j;
    }
    free(list);
    return IAD_OK;
}

iad_status iad_rank_correlation(const double *a, const double *b, size_t n, double *rho, iad_err *err) {
    *rho = NAN;
    if (n < 2) return IAD_OK;
    for (size_t i = 0; i < n; i++)
        if (isnan(a[i]) || isnan(b[i])) return IAD_FAIL(err, IAD_ERR_FORMAT, "score %zu is not a number", i);
    double *ra = iad_alloc(2 * n, sizeof *ra);
    if (!ra) return IAD_NOMEM(err, "ranks");
    double *rb = ra + n;
    iad_status status = double_ranks(a, n, ra, err);
    if (status == IAD_OK) status = double_ranks(b, n, rb, err);
    if (status == IAD_OK) {
        const double mean = (double)(n - 1);
        double ab = 0, aa = 0, bb = 0;
        for (size_t i = 0; i < n; i++) {
            ab += (ra[i] - mean) * (rb[i] - mean);
            aa += (ra[i] - mean) * (ra[i] - mean);
            bb += (rb[i] - mean) * (rb[i] - mean);
        }
        if (aa > 0 && bb > 0) *rho = ab / sqrt(aa) / sqrt(bb);
    }
    free(ra);
    return status;
}
