/* One unit of a benchmark: one category of one data set, with k exemplars, one exemplar seed and one protocol. This file turns
 * the unit's scores and maps into its result (JSON, unrounded). */
#ifndef IAD_BENCH_EVALUNIT_H
#define IAD_BENCH_EVALUNIT_H

#include <jansson.h>
#include <stddef.h>

#include "base/status.h"
#include "bench/metrics/mapcache.h"
#include "bench/metrics/protocol.h"

typedef struct iad_eval_test {
    const char *path;   /* the picture's name in the map cache */
    const char *defect; /* NULL for normals */
    int label;          /* 0 normal, 1 anomalous */
    double score;       /* image score */
} iad_eval_test;

typedef struct iad_eval_options {
    const iad_protocol *protocol;
    double pro_limits[8]; /* first one is "aupro" */
    size_t n_pro_limits;  /* 0: 0.3 */
    int legacy;           /* 1: every labelled legacy variant too */
    int aupimo;           /* 1: AUPIMO too */
    int bootstrap;        /* replicates for the pixel intervals, 0: none */
    int threads;
} iad_eval_options;

/* Fills the unit object with "counts", "image", "pixel" (null when there is no map or no mask), "defects", "curves", "pictures",
 * and appends to its array "notes". tests[n]: scored pictures in the order of their paths. cache may be NULL (scores only). */
iad_status iad_evalunit_measure(const iad_eval_test *tests, size_t n, const iad_mapcache *cache, const iad_eval_options *options,
                                json_t *unit, iad_err *err);

/* Appends a note to unit's "notes" (created when missing). */
iad_status iad_evalunit_note(json_t *unit, iad_err *err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif
