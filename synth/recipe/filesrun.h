/* Recipes and good pictures as files, for tools that want files: both through the same encoder with the same spread of qualities, so that the codec
 * tells nothing. */
#ifndef IAD_SYNTH_FILESRUN_H
#define IAD_SYNTH_FILESRUN_H

#include <stdatomic.h>

#include "base/buf.h"
#include "base/text.h"
#include "manifests/manifest.h"

typedef struct iad_files_run {
    iad_manifest *manifest;    /* a file; workers open it themselves */
    const char *out;           /* folder, made where it is not there */
    const char *preset;        /* NULL: recipes of any */
    const iad_strings *categories;
    uint64_t seed;             /* of the qualities */
    int png;                   /* 1: PNG instead of JPEG */
    int max_side;
    size_t limit;              /* recipes of a category; 0: all */
    int threads;
    const atomic_int *stop;
    void (*progress)(void *user, size_t done, size_t total);
    void (*trouble)(void *user, const char *message);
    void *user;
} iad_files_run;

typedef struct iad_files_counts { size_t pictures, good, written, present, failed; } iad_files_counts;

/* OUT/<category>/train/good/<name>.jpg: good pictures that recipes were drawn for; test/<generator>/<name>_<recipe>.jpg with
 * ground_truth/<generator>/<name>_<recipe>_mask.png; null edits in test/good. list (OUT/list.tsv, written last): path, kind (good, or the generator),
 * original, category, label, mask, recipe. Files that are there are left: a killed run is simply repeated. Two categories of one name in different
 * data sets are kept apart by the data set's name. Errors: IAD_ERR_NOT_FOUND (no recipes), IAD_ERR_IO, IAD_ERR_INTERRUPTED. */
iad_status iad_files_run_all(const iad_files_run *run, iad_files_counts *counts, iad_err *err);

#endif
