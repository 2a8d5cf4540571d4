/* The batch service of a provider: half the price, within a day. Files of requests are made, submitted, asked after and their answers taken in; every
 * step is a row, so it goes on where it stopped. */
#ifndef IAD_ANNOTATE_BATCHJOB_H
#define IAD_ANNOTATE_BATCHJOB_H

#include "annotate/work/annotaterun.h"

typedef struct iad_batch_counts {
    int64_t batches, requests, bytes; /* of this step */
    int64_t waiting, done, failed;    /* batches after it */
    iad_annotate_counts answers;      /* collect */
} iad_batch_counts;

/* Writes files DIR/<name>.jsonl of what is missing, each within the profile's limits (bytes, lines, bytes of a line). max_bytes, max_lines: smaller
 * ones; 0: the profile's. Errors: IAD_ERR_UNSUPPORTED (a profile without batches). */
iad_status iad_batch_make(iad_manifest *m, const iad_annotate_options *options, const char *dir, int64_t max_bytes, int64_t max_lines,
                          iad_batch_counts *counts, iad_err *err);
/* Uploads files that were made and begins their batches. */
iad_status iad_batch_submit(iad_manifest *m, const iad_annotate_options *options, const char *dir, iad_batch_counts *counts, iad_err *err);
/* Asks how they are. */
iad_status iad_batch_poll(iad_manifest *m, const iad_annotate_options *options, iad_batch_counts *counts, iad_err *err);
/* Takes in the answers of those that are done, joined by unit. What had an answer keeps it. What a batch leaves out is missing again. */
iad_status iad_batch_collect(iad_manifest *m, const iad_annotate_options *options, iad_batch_counts *counts, iad_err *err);

#endif
