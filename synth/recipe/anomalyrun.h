/* Recipes for every good picture of a manifest: drawn on worker threads, written by the calling thread in the order of the pictures. */
#ifndef IAD_SYNTH_ANOMALYRUN_H
#define IAD_SYNTH_ANOMALYRUN_H

#include <stdatomic.h>

#include "base/text.h"
#include "manifests/manifest.h"
#include "synth/recipe/picturestore.h"

#define IAD_ANOMALY_MAX_PER_IMAGE 1000

typedef struct iad_anomaly_run {
    iad_manifest *manifest; /* open for writing; a file, workers open it themselves */
    const iad_preset *preset;
    uint64_t seed;
    int per_image;          /* 1..IAD_ANOMALY_MAX_PER_IMAGE */
    double twin_share;      /* of recipes that get a twin with another blend */
    const iad_strings *datasets, *categories; /* names to take; NULL or empty: all */
    const char *scheme;     /* split scheme, NULL: the source's. Pictures of its train part, and those without a part, are destinations */
    const char *textures;   /* data set that textures come from; "other": the other categories of the same data set; "none" */
    int allow_eval;         /* 1: also data sets that overlap a benchmark */
    int max_side;           /* IAD_WORK_MAX_SIDE; 0: never shrink */
    size_t budget;          /* bytes of decoded pictures */
    size_t limit;           /* destinations; 0: all */
    int dry_run, threads;
    const atomic_int *stop; /* may be NULL */
    void (*progress)(void *user, size_t done, size_t total); /* may be NULL; calling thread */
    void (*trouble)(void *user, const char *message);        /* a picture that failed; may be NULL */
    void *user;
} iad_anomaly_run;

typedef struct iad_anomaly_counts {
    size_t pictures, failed;       /* destinations looked at; those that could not be read */
    size_t recipes, added, twins;  /* drawn now; new rows; of them twins */
    size_t present;                /* were there from an earlier run */
    size_t gave_up;                /* no draw could be seen */
    size_t attempts;
    size_t eval_left_out;          /* data sets */
} iad_anomaly_counts;

/* A recipe depends on (seed, preset, destination's pixels, ordinal), on the category's other good pictures (source, chosen by hash: an added picture
 * is chosen only where its hash wins) and on the pictures that textures may come from. Stored recipes are never changed: those that are there are
 * passed over, so that a killed run is simply repeated. Errors: IAD_ERR_ARG, IAD_ERR_NOT_FOUND (a name), IAD_ERR_DB, IAD_ERR_IO, IAD_ERR_INTERRUPTED:
 * what was drawn until then is kept. counts is filled in every case. */
iad_status iad_anomaly_run_all(const iad_anomaly_run *run, iad_anomaly_counts *counts, iad_err *err);

#endif
