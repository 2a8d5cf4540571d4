/* What a run writes about its steps: metrics.jsonl and metrics.csv (one line per step), TensorBoard events, and a line for people. */
#ifndef IAD_TRAIN_STEPLOG_H
#define IAD_TRAIN_STEPLOG_H

#include <stdint.h>
#include <stdio.h>

#include "base/status.h"

typedef struct iad_step_figures {
    int stage;
    int64_t step, steps;          /* done with this one: step + 1 of steps */
    double loss, ce, focal, dice; /* means over the global batch; loss is what was minimised */
    double accuracy;              /* share of supervised tokens whose largest logit is right */
    double grad_norm, rate;
    int skipped;                  /* 1: not finite, no update */
    int64_t samples, maps, broken; /* of this step */
    int64_t tokens;               /* supervised tokens of this step */
    int64_t rows;                 /* rows of the language model */
    double seconds, wait_seconds; /* of the step; of it waiting for data */
    double flops, ceiling;        /* all ranks; ceiling in FLOP/s of all ranks */
    double memory;                /* bytes of this rank's device, peak */
    int has_eval;
    double eval_ce, eval_accuracy, eval_focal, eval_dice;
} iad_step_figures;

typedef struct iad_step_log iad_step_log;
/* Opens the three in dir (created), cutting lines of steps >= first_step off: a resumed run writes them again. quiet: no line for people. */
iad_status iad_step_log_open(const char *dir, int64_t first_step, int quiet, iad_step_log **log, iad_err *err);
/* A failed write is an error: what is in the files by then stays. */
iad_status iad_step_log_add(iad_step_log *log, const iad_step_figures *figures, iad_err *err);
void iad_step_log_close(iad_step_log *log); /* NULL is fine */

#endif
