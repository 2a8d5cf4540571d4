/* Apart from the progress line, so that libraries that only measure time carry no code that prints. */
#include <time.h>

#include "base/progress.h"

double iad_clock(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
