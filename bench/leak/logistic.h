/* Logistic regression with a ridge, by Newton's method: small, exact enough, the same result every time. */
#ifndef IAD_BENCH_LOGISTIC_H
#define IAD_BENCH_LOGISTIC_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#define IAD_LOGISTIC_MAX 64

typedef struct iad_logistic {
    int n_feature;
    double mean[IAD_LOGISTIC_MAX], scale[IAD_LOGISTIC_MAX]; /* of the rows it was fitted to; scale 0: the feature never varied and is ignored */
    double weight[IAD_LOGISTIC_MAX], bias;                  /* on standardised features */
} iad_logistic;

/* Fits P(label) = 1 / (1 + exp(-(bias + weight . z))) to x [n][n_feature], label 0 or 1, by maximising the likelihood less ridge/2 |weight|^2 (ridge
 * > 0; not on the bias). Only rows with use[i] != 0 count (NULL: all). Errors: IAD_ERR_ARG (one class only, too many features), IAD_ERR_NOMEM. */
iad_status iad_logistic_fit(const double *x, const uint8_t *label, const uint8_t *use, size_t n, int n_feature, double ridge, iad_logistic *model,
                            iad_err *err);
/* bias + weight . z of one row. */
double iad_logistic_score(const iad_logistic *model, const double *row);

#endif
