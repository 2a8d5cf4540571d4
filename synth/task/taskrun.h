/* Making the records of one stage: every category's pictures through the makers on worker threads, rows written by the calling thread in the order of
 * categories (data set, name), makers, pictures, so that the manifest holds the same rows for any number of threads.
 *
 * A category whose records are all written is marked in the manifest's table `meta` under the configuration's hash, with how many pictures, recipes,
 * masks and captions it had; it is left out the next time, unless it has grown. Rows that exist already (data set, task, external id) are left as
 * they are: a killed run is simply repeated. */
#ifndef IAD_SYNTH_TASKRUN_H
#define IAD_SYNTH_TASKRUN_H

#include <stdatomic.h>

#include "base/text.h"
#include "manifests/manifest.h"
#include "synth/task/taskmaker.h"
#include "synth/task/taskpool.h"

#define IAD_TASK_RUN_MAX_MAKERS 8
#define IAD_TASK_RUN_MAX_SKIPS 64

typedef struct iad_task_run {
    iad_manifest *manifest;         /* open for writing (dry_run: reading is enough); a file, workers open it themselves */
    int stage;                      /* 1..3 */
    iad_task_options options;       /* its templates: the same as below */
    iad_templates *templates;
    iad_task_pool_options pool;     /* threads is set here */
    const iad_strings *datasets, *categories, *makers; /* names to take; NULL or empty: all */
    int eval; /* 0: records for training; data sets that overlap a benchmark are left out. 1: records with part "eval" from all pictures */
    size_t limit;                   /* records of a category and maker; 0: all */
    int dry_run;                    /* makes and counts everything, writes nothing */
    int threads;                    /* workers, 1..256 */
    const atomic_int *stop;         /* may be NULL */
    int64_t run_id;                 /* for the rows; 0: none */
    void (*progress)(void *user, size_t records, size_t categories, size_t n_categories); /* may be NULL; calling thread */
    void (*trouble)(void *user, const char *message);                                     /* a category that failed; may be NULL */
    void *user;
} iad_task_run;

typedef struct iad_task_count { const char *maker; size_t made, added, present; } iad_task_count;
typedef struct iad_task_skip { const char *maker, *reason; size_t n; } iad_task_skip;

typedef struct iad_task_counts {
    iad_task_count makers[IAD_TASK_RUN_MAX_MAKERS];
    size_t n_makers;
    iad_task_skip skips[IAD_TASK_RUN_MAX_SKIPS]; /* by maker, then reason */
    size_t n_skips;
    size_t categories, done_before, failed, eval_left_out; /* done_before: marked by an earlier run */
    size_t made, added, present;
} iad_task_counts;

/* The configuration as canonical JSON (what the hash is of, and what goes into the run's row). Appended. */
iad_status iad_task_run_config(const iad_task_run *run, iad_buf *out, iad_err *err);

/* A category that cannot be read or made is reported, counted in `failed` and passed over. Errors: IAD_ERR_ARG (unknown name in a filter, a maker of
 * another stage), IAD_ERR_DB, IAD_ERR_IO (writing), IAD_ERR_INTERRUPTED: what was made until then is kept. counts is filled in every case. */
iad_status iad_task_run_all(const iad_task_run *run, iad_task_counts *counts, iad_err *err);

#endif
