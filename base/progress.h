/* A progress line on stderr: redrawn in place on a terminal (at most ten times a second), a plain line every five seconds
 * otherwise, nothing when quiet. */
#ifndef IAD_BASE_PROGRESS_H
#define IAD_BASE_PROGRESS_H

#include <stdint.h>
#include <stdio.h>

typedef struct iad_progress {
    FILE *out;
    const char *what; /* "scoring" */
    uint64_t total, done, failed;
    uint64_t skipped;  /* done before this run; shown, not counted into the rate */
    double started, last_shown; /* seconds, monotonic */
    int tty, quiet, shown;
} iad_progress;

/* total 0: unknown. */
void iad_progress_start(iad_progress *progress, const char *what, uint64_t total, int quiet);
/* Adds to done; shows when it is time. Not thread-safe: call from one thread. */
void iad_progress_add(iad_progress *progress, uint64_t done, uint64_t failed);
/* Last state, ends the line. */
void iad_progress_end(iad_progress *progress);

/* Seconds on a monotonic clock. */
double iad_clock(void);

#endif
