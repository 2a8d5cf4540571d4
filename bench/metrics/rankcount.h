/* Counts floats against a sorted list of distinct keys: how many fall on each key, and how many strictly between
 * neighbouring keys. Exact, with no copy of the floats. This is the inner loop of the pixel metrics: the keys are the
 * scores of the defect pixels (few), the floats are all pixels (many).
 *
 * Method: the key range is cut into parts of about a thousand keys; pixels are first dropped into one small
 * buffer per part (the write position of every part fits the first-level cache), and a full buffer is then ranked
 * against the few keys of its part by a local table and one or two comparisons, all in cache. With few
 * keys the buffers are skipped. */
#ifndef IAD_METRICS_RANKCOUNT_H
#define IAD_METRICS_RANKCOUNT_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef struct iad_rank_plan iad_rank_plan;       /* read-only after building, shared by threads */
typedef struct iad_rank_counter iad_rank_counter; /* one per thread */

/* keys[k]: strictly ascending float keys (floatkey.h) of finite values, k >= 1; copied. */
iad_status iad_rank_plan_new(const uint32_t *keys, size_t k, iad_rank_plan **out, iad_err *err);
void iad_rank_plan_free(iad_rank_plan *plan);

iad_status iad_rank_counter_new(const iad_rank_plan *plan, iad_rank_counter **out, iad_err *err);
void iad_rank_counter_free(iad_rank_counter *counter);

/* How many more values may be added before iad_rank_finish must be called (counters are 32 bits wide). */
uint64_t iad_rank_room(const iad_rank_counter *counter);

/* Adds n floats (n <= room). Returns n, or the index of the first NaN or Inf (then the counter is useless). */
size_t iad_rank_add(iad_rank_counter *counter, const float *values, size_t n);
/* The scalar oracle: binary search for each value. Same counts. */
size_t iad_rank_add_scalar(iad_rank_counter *counter, const float *values, size_t n);

/* Empties the buffers and ADDS the counts to slots[2k + 1]: slots[2i] values strictly between keys i-1 and i (below key 0
 * for i = 0, above the last for i = k), slots[2i + 1] values equal to key i. Also widens min/max keys of all values seen. */
void iad_rank_finish(iad_rank_counter *counter, uint64_t *slots, uint32_t *min_key, uint32_t *max_key);

#endif
