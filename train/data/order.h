/* Which records a step sees: a pure function of (seed, stage, step), without stored permutation (train page 7.3). */
#ifndef IAD_TRAIN_ORDER_H
#define IAD_TRAIN_ORDER_H

#include <stdint.h>

#include "base/status.h"

/* Keyed bijection of [0, n): a Feistel network over the next power of four, cycles walked until the value is inside. n 1..2^62. */
uint64_t iad_order_permute(uint64_t seed, int stage, uint64_t epoch, uint64_t n, uint64_t i);

/* Batch `step` of size `batch` out of n records: positions step * batch + 0..batch-1 of the endless sequence of epochs. index [batch] in 0..n-1. */
void iad_order_batch(uint64_t seed, int stage, uint64_t n, int64_t step, int batch, uint64_t *index);

/* Splits items with costs over ranks: longest first to the least loaded (ties: lower index, lower rank). owner [n]. */
void iad_order_split(const double *cost, int n, int world, int *owner);

/* Packs the items of one rank, in their order, into micro-batches of at most `budget` cost and `most` items each; an item above the budget stands
 * alone. batch_of [n] gets 0, 1, ... Returns the number of micro-batches. */
int iad_order_pack(const double *cost, int n, double budget, int most, int *batch_of);

#endif
