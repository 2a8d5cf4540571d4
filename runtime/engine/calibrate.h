/* A threshold from the scores of good pictures alone, with a guarantee that needs no assumption about their
 * distribution.
 *
 * Sort the m scores: s_1 <= ... <= s_m. With threshold s_k and the verdict "anomalous when score > threshold", the
 * false positive rate on further good pictures of the same source is at most a with probability at least
 *
 *     Pr[Bin(m, a) >= m - k + 1] = 1 - sum_{j=0}^{m-k} C(m, j) a^j (1 - a)^(m-j)
 *
 * (order statistics as tolerance limits, Wilks 1941; exact for continuous scores, higher with ties). The smallest k
 * that reaches the wanted confidence is taken, as it finds the most defects. With k = m the needed number is ln(1 - confidence) / ln(1 - a): 29
 * pictures for 10 %, 59 for 5 %, 299 for 1 % at 95 % confidence.
 *
 * The guarantee asks that the m pictures are scored exactly as later ones: none of them is an exemplar. When good
 * pictures are so few that they must be both, score each one with exemplars drawn from the others (iad_leave_one_out).
 * Those scores then depend on each other and the exemplar sets differ from the final one, so the confidence is only
 * approximate: say so where it is shown. */
#ifndef IAD_RUNTIME_CALIBRATE_H
#define IAD_RUNTIME_CALIBRATE_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#define IAD_CALIBRATE_MAX_SCORES ((size_t)1 << 28)

typedef struct iad_calibration {
    double threshold;       /* s_k; the verdict is score > threshold */
    size_t m, k;            /* scores used; rank of the threshold, 1-based, ascending */
    double target_fpr;      /* a */
    double wanted, reached; /* confidence asked for and exactly reached, 0..1 */
    double empirical_fpr;   /* share of the m scores above the threshold */
} iad_calibration;

/* target_fpr in (0, 1), confidence in (0, 1), e.g. 0.95. scores [m], any order, not changed; infinities are fine.
 * Errors: IAD_ERR_ARG (range; a NaN, by index), IAD_ERR_LIMIT (too few scores; says how many are needed, and how
 * many there are), IAD_ERR_NOMEM. */
iad_status iad_calibrate(const double *scores, size_t m, double target_fpr, double confidence, iad_calibration *out,
                         iad_err *err);

/* The fewest good pictures that can give this guarantee; 0 when an argument is out of range or the number exceeds the
 * limit. */
size_t iad_calibrate_needed(double target_fpr, double confidence);
/* Confidence that threshold s_k of m scores gives for target_fpr, by the formula above; NaN when an argument is out of
 * range. */
double iad_calibrate_confidence(size_t m, size_t k, double target_fpr);

/* Exemplars for scoring picture `held_out` of n good ones when they serve as both: k distinct indices out of the
 * others, ascending (all others when k >= n - 1), drawn by seed and held_out alone. chosen has room for min(k, n - 1);
 * *n_chosen says how many. Errors: IAD_ERR_ARG (n < 2, held_out >= n, k = 0), IAD_ERR_NOMEM. */
iad_status iad_leave_one_out(uint32_t n, uint32_t held_out, uint32_t k, uint64_t seed, uint32_t *chosen,
                             uint32_t *n_chosen, iad_err *err);

#endif
