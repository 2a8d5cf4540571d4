/* Joins a manifest that another machine made into this one. */
#ifndef IAD_MANIFESTS_MERGE_H
#define IAD_MANIFESTS_MERGE_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/status.h"
#include "manifests/manifest.h"

typedef struct iad_merge_options {
    const atomic_int *stop; /* may be NULL */
    /* What the two say differently; ours is kept. item names the row, text both values. May be NULL. */
    void (*conflict)(void *user, const char *item, const char *text);
    void *user;
} iad_merge_options;

typedef struct iad_merge_counts {
    int64_t added, same; /* rows over all tables */
    int64_t pictures_added, pictures_same;
    int64_t renamed; /* pictures that lie under another path here, known by their hash */
    int64_t conflicts;
    int64_t left_out; /* rows that hang on a picture in conflict */
} iad_merge_counts;

/* Everything of `from` that `into` does not have, in one transaction: all of it or nothing. Rows are the same when
 * their natural key is: data set by name; category by name; picture by (data set, path), else by file hash within the
 * data set when its path there is unknown to `from`; masks, recipes by hash; captions, templates, tasks, runs by
 * content; exemplar sets by (category, view, split, rule, shots, seed); a crawl's rows as
 * schema.c says: what one of the two has not finished yet takes the other's outcome. Facts unknown here are filled in from there;
 * contradictions are conflicts. Doing it again changes nothing. A new data set's folder is expressed relative to `into`
 * when it lies below it. Errors: IAD_ERR_ARG (the same file, read-only), IAD_ERR_INTERRUPTED, database errors. */
iad_status iad_merge_run(iad_manifest *into, iad_manifest *from, const iad_merge_options *options,
                         iad_merge_counts *counts, iad_err *err);

#endif
