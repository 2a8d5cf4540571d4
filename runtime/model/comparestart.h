/* Weights from which a small model that is trained from nothing begins as a comparison of pictures, instead of as noise: the tower
 * measures what is in a patch, the first layer of the language model subtracts from every token its best match in the other pictures.
 * What remains at a token is how it differs; training decides what that means. Random weights have to find all of this from one Yes or
 * No a record, and do not in thousands of steps.
 *
 * - Patches: cosine coefficients (cosinepatch.h); the last channel is a constant, so that the norms divide by nearly the same everywhere.
 * - Block 0, feed-forward part: x + 2 relu(-x) = |x| for every coefficient but the means. A coefficient's sign depends on where in the
 *   patch an edge lies, its size does not, hence sizes can be compared between pictures that are shifted against each other (as in
 *   scattering transforms).
 * - Merger: features of a token are the three mean colours and sizes summed over bands of frequency and direction, mean over its
 *   patches; they and a constant stand in orthonormal directions of the token.
 * - Layer 0, heads of the first key/value head: keys and queries are those features, sharper from head to head; biases in the time
 *   pairs of the rotary embedding keep tokens from their own picture (all its tokens have one time); the value found is subtracted.
 * - Layer 0, feed-forward part: the sizes of the differences, summed into one direction.
 *
 * Everything else stays as it was drawn. The numbers of features and bands follow from the patch: 21 for patches of 14. */
#ifndef IAD_MODEL_COMPARESTART_H
#define IAD_MODEL_COMPARESTART_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "runtime/model/config.h"
#include "runtime/model/cosinepatch.h"

enum { IAD_COMPARE_MAX_FEATURES = 64 };

typedef struct iad_compare_start {
    const iad_model_config *config;      /* borrowed */
    const iad_cosine_filter *filters;    /* [vision hidden], borrowed */
    int n_feature;
    int *feature_of;                     /* [vision hidden - 1] feature that a coefficient belongs to; the first three features are the means */
    int size[IAD_COMPARE_MAX_FEATURES];  /* coefficients of a feature */
} iad_compare_start;

/* IAD_ERR_ARG names the size that is too small: heads need n_feature dimensions beyond those of the time pairs, the feed-forward part of
 * the tower a unit per coefficient, that of the language model two per feature, the merger a row per feature. IAD_ERR_NOMEM. */
iad_status iad_compare_start_init(iad_compare_start *start, const iad_model_config *config, const iad_cosine_filter *filters, iad_err *err);
void iad_compare_start_deinit(iad_compare_start *start);

/* Puts this start's elements over values[n], elements first .. first + n - 1 of the tensor `name` (old style). Others are left alone. */
void iad_compare_start_apply(const iad_compare_start *start, const char *name, uint64_t first, size_t n, float *values);

/* Element i of direction k (0-based) of tokens: features 0 .. n_feature - 1, the constant at n_feature, the sum of differences behind it. */
double iad_compare_direction(const iad_compare_start *start, int k, int i);

#endif
