#include "bench/metrics/scorepair.h"

#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "bench/metrics/floatkey.h"
#include "bench/metrics/imagemetrics.h"
#include "bench/metrics/positives.h"

iad_status iad_score_pair_init(iad_score_pair *pair, const double *scores, const uint8_t *labels, size_t n,
                               const char *const *names, iad_err *err) {
    *pair = (iad_score_pair){0};
    if (n > IAD_METRICS_MAX_SCORES) return IAD_FAIL(err, IAD_ERR_LIMIT, "%zu scores, at most %u", n, IAD_METRICS_MAX_SCORES);
    size_t p = 0;
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(scores[i])) {
            if (names && names[i]) return IAD_FAIL(err, IAD_ERR_FORMAT, "%s: score %g is not a finite number", names[i], scores[i]);
            return IAD_FAIL(err, IAD_ERR_FORMAT, "score %zu is %g, not a finite number", i, scores[i]);
        }
        p += labels[i] != 0;
    }
    pair->pos = iad_alloc(p, sizeof *pair->pos);
    pair->neg = iad_alloc(n - p, sizeof *pair->neg);
    if (!pair->pos || !pair->neg) {
        iad_score_pair_deinit(pair);
        return IAD_NOMEM(err, "scores");
    }
    for (size_t i = 0; i < n; i++) {
        if (labels[i]) pair->pos[pair->p++] = iad_double_key(scores[i]);
        else pair->neg[pair->q++] = iad_double_key(scores[i]);
    }
    iad_status status = iad_sort_u64(pair->pos, pair->p, 0, err);
    if (status == IAD_OK) status = iad_sort_u64(pair->neg, pair->q, 0, err);
    if (status != IAD_OK) iad_score_pair_deinit(pair);
    return status;
}

void iad_score_pair_deinit(iad_score_pair *pair) {
    free(pair->pos);
    free(pair->neg);
    *pair = (iad_score_pair){0};
}

int iad_score_pair_next(const iad_score_pair *pair, size_t *i, size_t *j, uint64_t *key, uint64_t *tp, uint64_t *fp) {
    if (!*i && !*j) return 0;
    uint64_t k = 0;
    if (*i) k = pair->pos[*i - 1];
    if (*j && pair->neg[*j - 1] > k) k = pair->neg[*j - 1];
    *key = k;
    *tp = *fp = 0;
    while (*i && pair->pos[*i - 1] == k) --*i, ++*tp;
    while (*j && pair->neg[*j - 1] == k) --*j, ++*fp;
    return 1;
}
