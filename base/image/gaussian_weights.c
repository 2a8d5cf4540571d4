/* Weights of a sampled Gaussian as numpy computes them. numpy's exp differs in the last bit between processors; we take the
 * correctly rounded value, which all of them approximate. */
#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/image/gaussian_lines.h"

/* An unevaluated sum hi + lo with |lo| <= ulp(hi) / 2: about 106 bits. */
typedef struct pair {
    double hi, lo;
} pair;

static pair pair_sum(double a, double b) {
    double s = a + b, t = s - a;
    return (pair){s, (a - (s - t)) + (b - t)};
}

static pair pair_add(pair a, pair b) {
    pair s = pair_sum(a.hi, b.hi);
    return pair_sum(s.hi, s.lo + (a.lo + b.lo));
}

static pair pair_mul(pair a, pair b) {
    double p = a.hi * b.hi, e = fma(a.hi, b.hi, -p); /* fma is exact by definition, in hardware or not */
    return pair_sum(p, e + (a.hi * b.lo + a.lo * b.hi));
}

/* exp(x) for -700 < x <= 0, correctly rounded but for ties beyond 2^-85 or so. */
static double exp_exact(double x) {
    const pair ln2 = {0x1.62e42fefa39efp-1, 0x1.abc9e3b39803fp-56};
    const int halvings = 9;
    double k = floor(x / ln2.hi + 0.5);
    pair r = pair_add((pair){x, 0.0}, pair_mul((pair){-k, 0.0}, ln2));
    r.hi = ldexp(r.hi, -halvings); /* |r| < 7e-4: ten terms of the series leave 1e-38 */
    r.lo = ldexp(r.lo, -halvings);
    pair term = {1.0, 0.0}, sum = {0.0, 0.0}; /* exp(r) - 1: squaring keeps its relative precision */
    for (int n = 1; n <= 10; n++) {
        term = pair_mul(term, r);
        double q = term.hi / n, rest = fma(-q, (double)n, term.hi);
        term = pair_sum(q, (rest + term.lo) / n);
        sum = pair_add(sum, term);
    }
    for (int i = 0; i < halvings; i++) /* (1 + s)^2 - 1 = 2 s + s^2 */
        sum = pair_add((pair){2.0 * sum.hi, 2.0 * sum.lo}, pair_mul(sum, sum));
    sum = pair_add((pair){1.0, 0.0}, sum);
    return ldexp(sum.hi, (int)k);
}

/* numpy's order of summation: eight running sums in blocks of at most 128, halves above that. */
static double sum_pairwise(const double *a, size_t n) {
    if (n < 8) {
        double s = 0.0;
        for (size_t i = 0; i < n; i++) s += a[i];
        return s;
    }
    if (n <= 128) {
        double s[8];
        size_t i = 8;
        for (int k = 0; k < 8; k++) s[k] = a[k];
        for (; i + 8 <= n; i += 8)
            for (size_t k = 0; k < 8; k++) s[k] += a[i + k];
        double total = ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]));
        for (; i < n; i++) total += a[i];
        return total;
    }
    size_t half = n / 2;
    half -= half % 8;
    return sum_pairwise(a, half) + sum_pairwise(a + half, n - half);
}

iad_status iad_gaussian_weights(double sigma, int radius, double *weight, iad_err *err) {
    size_t n = 2 * (size_t)radius + 1;
    double *all = iad_alloc(n, sizeof *all);
    if (!all) return IAD_NOMEM(err, "Gaussian weights");
    for (int x = 0; x <= radius; x++) {
        double e = exp_exact(-0.5 / (sigma * sigma) * ((double)x * x));
        all[radius + x] = all[radius - x] = e;
    }
    double sum = sum_pairwise(all, n);
    for (int x = 0; x <= radius; x++) weight[x] = all[radius + x] / sum;
    free(all);
    return IAD_OK;
}
