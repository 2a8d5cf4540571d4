/* Can good and edited pictures be told apart without looking at the defect? A regression on leakfeatures.h tries, on pictures that it was not fitted
 * to. 0.5 is what it should reach; much more means that a model trained on these pictures will learn the trick instead of the defect. */
#ifndef IAD_BENCH_LEAKPROBE_H
#define IAD_BENCH_LEAKPROBE_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef struct iad_leak_picture {
    const char *path;
    const char *kind;  /* NULL: good; else what made it, e.g. the generator */
    const char *group; /* pictures of one group (one original) are never on both sides of a split */
} iad_leak_picture;

typedef struct iad_leak_result {
    const char *kind;       /* of the pictures; NULL: all edited ones together */
    size_t n_good, n_edited;
    double auroc;           /* on held-out pictures, mean over the folds; folded: max(a, 1 - a) is NOT taken, 0.5 is chance */
    double auroc_sd;        /* over the folds */
    int telling[3];         /* features with the largest weights, -1: none */
} iad_leak_result;

typedef struct iad_leak_report {
    iad_leak_result *items; /* all together, then by kind in the order of names; owned */
    size_t n;
} iad_leak_report;
void iad_leak_report_deinit(iad_leak_report *report);

#define IAD_LEAK_FOLDS 5
/* Reads the files on `threads` threads, splits groups into five folds by hash, fits on four and scores the fifth. Kinds with fewer than 20 pictures
 * stand only in the whole. Errors: IAD_ERR_ARG (fewer than 20 good or edited pictures), those of reading (the file is named), IAD_ERR_INTERRUPTED. */
iad_status iad_leak_probe(const iad_leak_picture *pictures, size_t n, int threads, const atomic_int *stop, iad_leak_report *report, iad_err *err);

#endif
