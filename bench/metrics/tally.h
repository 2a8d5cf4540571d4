/* Second pass of the pixel metrics: all pixels counted against the distinct scores of the defect pixels. Internal. */
#ifndef IAD_METRICS_TALLY_H
#define IAD_METRICS_TALLY_H

#include "bench/metrics/positives.h"

/* Counts of one set against k ascending keys; see iad_rank_finish for the slots. */
typedef struct iad_tally {
    uint64_t *slots; /* [2k + 1] all pixels, owned */
    uint32_t min_key, max_key;
} iad_tally;

/* Which pictures to count. */
typedef enum iad_tally_part { IAD_TALLY_ALL, IAD_TALLY_DEFECT, IAD_TALLY_CLEAN } iad_tally_part;

/* Adds to *tally (slots are allocated when NULL). has_defect: [pictures], may be NULL for IAD_TALLY_ALL.
 * Errors: IAD_ERR_FORMAT (NaN/Inf: first picture in order, first pixel), IAD_ERR_NOMEM, those of the source. */
iad_status iad_tally_count(const iad_map_source *source, const uint32_t *keys, size_t k, iad_tally_part which,
                           const uint8_t *has_defect, int n_threads, iad_tally *tally, iad_err *err);
void iad_tally_deinit(iad_tally *tally);

#endif
