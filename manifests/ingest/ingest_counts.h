/* How many pictures there are of each kind, beside what was published. */
#ifndef IAD_MANIFESTS_INGEST_COUNTS_H
#define IAD_MANIFESTS_INGEST_COUNTS_H

#include <stddef.h>
#include <stdio.h>

#include "manifests/ingest/adapter.h"

/* One line of the table. */
typedef struct iad_count_row {
    char *category;    /* owned */
    char *split;       /* owned; "" for pictures without one; NULL: all splits together */
    long found[3];     /* by iad_label */
    long published[3]; /* meaningful when has_published */
    int has_published;
    int extra;         /* more, or other labels, than were published */
} iad_count_row;

typedef struct iad_counts {
    iad_count_row *rows; /* in order of first appearance */
    size_t n, cap;
    size_t last;         /* where the last picture was counted */
    char *extra_defects; /* owned; names that the data set does not have, "category/name, ...", NULL: none */
    size_t n_absent;     /* published categories of which nothing was found */
    size_t n_extra;      /* rows that are extra, plus extra names, plus unknown categories */
} iad_counts;

/* Zero-initialise. Adds one picture; split and defect may be NULL. facts: for the known defect names. */
iad_status iad_counts_add(iad_counts *counts, const iad_adapter *facts, const char *category, const char *split, iad_label label,
                          const char *defect, iad_err *err);
/* After the last picture: fills in the published numbers, adds the rows for all splits, judges. */
iad_status iad_counts_finish(iad_counts *counts, const iad_adapter *facts, iad_err *err);
void iad_counts_deinit(iad_counts *counts);

/* Aligned columns with a header: category, split, then normal, anomalous, unknown as found/published, then "as published", "part of it",
 * "MORE than published" or "-" (nothing published). */
void iad_counts_print(const iad_counts *counts, const iad_adapter *facts, FILE *out);

/* First few extras as text, for a message. */
void iad_counts_complain(const iad_counts *counts, char *text, size_t size);

#endif
