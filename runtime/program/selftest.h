/* The checks of iadgpt selftest. */
#ifndef IAD_PROGRAM_SELFTEST_H
#define IAD_PROGRAM_SELFTEST_H

#include <stdio.h>

#include "runtime/ops.h"

typedef struct iad_selftest {
    FILE *out; /* one line per check */
    int n, failed;
} iad_selftest;

/* Counts and prints one check. A deviation that is not a number fails. */
void iad_selftest_note(iad_selftest *test, const char *name, double deviation, double allowed);

/* Every operation on both devices with the same small input; deviation: largest difference over the largest magnitude. */
iad_status iad_selftest_ops(iad_selftest *test, iad_device *device, iad_device *reference, iad_err *err);
/* The model page's small model (sections 9.1 to 9.3), written to a folder of its own below TMPDIR or /tmp and removed again. */
iad_status iad_selftest_golden(iad_selftest *test, iad_device *device, int threads, iad_err *err);
/* A checkpoint through the public interface: one by one against a batch, a saved exemplar set against the one in memory, a second run. */
iad_status iad_selftest_model(iad_selftest *test, const char *dir, const char *device, int threads, iad_err *err);

#endif
