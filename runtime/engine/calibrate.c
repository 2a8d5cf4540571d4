#include "runtime/engine/calibrate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"

/* Walks j = 0, 1, ... of a binomial distribution and keeps the sum of Pr[Bin(m, a) <= j]. Terms are kept as logarithms,
 * since the first ones of a large m underflow. */
typedef struct binomial {
    double m, odds, log_term, sum;
    size_t j;
} binomial;

static binomial binomial_start(size_t m, double a) {
    binomial b = {(double)m, log(a) - log1p(-a), (double)m * log1p(-a), 0, 0};
    b.sum = exp(b.log_term);
    return b;
}

static void binomial_step(binomial *b) {
    b->j++;
    b->log_term += log((b->m - (double)b->j + 1) / (double)b->j) + b->odds;
    b->sum += exp(b->log_term);
}

static int in_open_unit(double x) { return x > 0.0 && x < 1.0; }

double iad_calibrate_confidence(size_t m, size_t k, double target_fpr) {
    if (m < 1 || m > IAD_CALIBRATE_MAX_SCORES || k < 1 || k > m || !in_open_unit(target_fpr)) return NAN;
    binomial b = binomial_start(m, target_fpr);
    while (b.j < m - k) binomial_step(&b);
    return b.sum < 1.0 ? 1.0 - b.sum : 0.0;
}

size_t iad_calibrate_needed(double target_fpr, double confidence) {
    if (!in_open_unit(target_fpr) || !in_open_unit(confidence)) return 0;
    const double guess = floor(log1p(-confidence) / log1p(-target_fpr));
    if (!(guess < (double)IAD_CALIBRATE_MAX_SCORES - 2)) return 0;
    size_t m = guess < 2 ? 1 : (size_t)guess - 1;
    while (iad_calibrate_confidence(m, m, target_fpr) < confidence) {
        if (m == IAD_CALIBRATE_MAX_SCORES) return 0;
        m++;
    }
    return m;
}

static int ascending(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

iad_status iad_calibrate(const double *scores, size_t m, double target_fpr, double confidence, iad_calibration *out,
                         iad_err *err) {
    memset(out, 0, sizeof *out);
    if (!in_open_unit(target_fpr))
        return IAD_FAIL(err, IAD_ERR_ARG, "target false positive rate %g is not between 0 and 1", target_fpr);
    if (!in_open_unit(confidence))
        return IAD_FAIL(err, IAD_ERR_ARG, "confidence %g is not between 0 and 1", confidence);
    if (m > IAD_CALIBRATE_MAX_SCORES)
        return IAD_FAIL(err, IAD_ERR_LIMIT, "more than %zu scores", IAD_CALIBRATE_MAX_SCORES);
    for (size_t i = 0; i < m; i++)
        if (isnan(scores[i])) return IAD_FAIL(err, IAD_ERR_ARG, "score %zu is not a number", i);
    const size_t needed = iad_calibrate_needed(target_fpr, confidence);
    if (needed == 0)
        return IAD_FAIL(err, IAD_ERR_LIMIT,
                        "no number of pictures that we handle gives a false positive rate of %g at confidence %g",
                        target_fpr, confidence);
    if (m < needed)
        return IAD_FAIL(
            err, IAD_ERR_LIMIT,
            "a false positive rate of at most %g %% at %g %% confidence needs %zu good pictures; there are %zu",
            100 * target_fpr, 100 * confidence, needed, m);
    double *sorted = iad_alloc(m, sizeof *sorted);
    if (!sorted) return IAD_NOMEM(err, "scores");
    memcpy(sorted, scores, m * sizeof *sorted);
    qsort(sorted, m, sizeof *sorted, ascending);

    /* With one more score above the threshold the guarantee would be lost. 1 - sum >= confidence is asked in this form
     * everywhere. */
    binomial b = binomial_start(m, target_fpr);
    double sum = b.sum;
    size_t above = 0;
    while (b.j + 1 < m) {
        binomial_step(&b);
        if (1.0 - b.sum < confidence) break;
        above = b.j;
        sum = b.sum;
    }
    out->m = m;
    out->k = m - above;
    out->threshold = sorted[out->k - 1];
    out->target_fpr = target_fpr;
    out->wanted = confidence;
    out->reached = 1.0 - sum;
    size_t over = 0;
    while (over < m && sorted[m - 1 - over] > out->threshold) over++;
    out->empirical_fpr = (double)over / (double)m;
    free(sorted);
    return IAD_OK;
}

static int by_index(const void *a, const void *b) {
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

iad_status iad_leave_one_out(uint32_t n, uint32_t held_out, uint32_t k, uint64_t seed, uint32_t *chosen,
                             uint32_t *n_chosen, iad_err *err) {
    if (n < 2 || held_out >= n || k == 0)
        return IAD_FAIL(err, IAD_ERR_ARG, "%u exemplars for picture %u out of %u", k, held_out, n);
    const uint32_t others = n - 1, take = k < others ? k : others;
    uint32_t *pool = iad_alloc(others, sizeof *pool);
    if (!pool) return IAD_NOMEM(err, "exemplars");
    for (uint32_t i = 0; i < others; i++) pool[i] = i < held_out ? i : i + 1;
    iad_rng rng;
    iad_rng_init(&rng, iad_rng_subseed(seed, "leave-one-out", held_out), 0);
    for (uint32_t i = 0; i < take && take < others; i++) {
        const uint32_t j = i + iad_rng_below(&rng, others - i), kept = pool[i];
        pool[i] = pool[j];
        pool[j] = kept;
    }
    qsort(pool, take, sizeof *pool, by_index);
    memcpy(chosen, pool, take * sizeof *pool);
    *n_chosen = take;
    free(pool);
    return IAD_OK;
}
