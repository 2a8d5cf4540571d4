/* Speed of the runtime on the CPU beside transformers with torch, and beside what the machine can do. */
#ifndef IAD_SPEED_RUNTIME_H
#define IAD_SPEED_RUNTIME_H

#include <stdio.h>

#include "base/status.h"

typedef struct iad_speed_runtime_options {
    const char *model;     /* checkpoint directory with a tokenizer */
    const char *python;    /* interpreter with torch and transformers; NULL: not run */
    const char *baseline;  /* bench/speed/runtime_baseline.py */
    int threads;           /* of everything measured */
    int repeats;           /* >= 1; the minimum counts */
    int shots;             /* good pictures */
    int side;              /* pixels, a multiple of 28 */
    int answer;            /* tokens of the answers whose speed is measured */
} iad_speed_runtime_options;

/* Measures, all in one run: the bare product of packed matrices (bf16, int8) and reading memory; our engine in bf16, int8 and f32: the
 * first query (pictures prepared and one query scored), following queries, answers, memory; transformers in bf16 on the same files,
 * the same pictures and as many tokens. Prints tables with ratios. The baseline is skipped, and said to be, when Python cannot run it. */
iad_status iad_speed_runtime(FILE *out, const iad_speed_runtime_options *options, iad_err *err);

#endif
