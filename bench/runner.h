/* Runs a scorer over one unit (one category, k exemplars, one seed): exemplars -> model -> every test picture -> map caches, one per
 * protocol. Resumable per picture: what a cache already holds is not scored again. */
#ifndef IAD_BENCH_RUNNER_H
#define IAD_BENCH_RUNNER_H

#include <jansson.h>
#include <stdatomic.h>

#include "base/progress.h"
#include "base/status.h"
#include "bench/evalunit.h"
#include "bench/scorer.h"
#include "manifests/pictures.h"
#include "manifests/refs.h"

#define IAD_RUNNER_MAX_PROTOCOLS 8
#define IAD_RUNNER_MAX_THREADS 256

typedef struct iad_runner {
    const char *out_dir;
    iad_scorer scorer;       /* opened */
    const iad_protocol *protocols;
    size_t n_protocols;      /* 1..IAD_RUNNER_MAX_PROTOCOLS */
    iad_eval_options eval;   /* its protocol is set per unit */
    iad_manifest **readers;  /* [threads] read-only handles, one per worker */
    int threads;
    int restart;             /* 1: forget what the unit's files hold */
    int drop_maps;           /* 1: delete the map caches once their unit is measured */
    const atomic_int *stop;
    iad_progress *progress;  /* counts pictures */
    double score_seconds;    /* summed over workers: out */
    size_t scored;           /* pictures scored by this run: out */
} iad_runner;

/* What one unit is about. */
typedef struct iad_runner_unit {
    const char *dataset, *root; /* root: packed form */
    const iad_category_row *category;
    const iad_image_list *tests;
    const iad_refs *refs;
    const char *rule;
    int shots;
    uint64_t seed;
    int64_t n_bad;           /* test pictures that cannot be decoded and are therefore not in `tests` */
} iad_runner_unit;

/* Scores what is missing and measures; appends one object per protocol to `units`, and what failed to `failed`.
 * A picture that fails is left out with a note; a unit whose exemplars fail has no result. Errors: IAD_ERR_INTERRUPTED, IAD_ERR_IO,
 * IAD_ERR_EXISTS (the unit's files were made with other settings, see restart), IAD_ERR_NOMEM. */
iad_status iad_runner_run(iad_runner *runner, const iad_runner_unit *unit, json_t *units, json_t *failed, iad_err *err);

/* "DIR/units/<dataset>/<category>/<preset>/k4-s0<suffix>"; names from the manifest are made safe for a file system. */
iad_status iad_runner_unit_path(const char *out_dir, const char *dataset, const char *category, const char *preset, int shots, uint64_t seed,
                                const char *suffix, char *path, size_t size, iad_err *err);

/* Appends {"unit","item","reason"}. */
iad_status iad_runner_fail(json_t *failed, const iad_runner_unit *unit, const char *item, const char *reason, iad_err *err);

#endif
