/* What a run will need, before anything is allocated: memory by kind, computation, time. */
#ifndef IAD_TRAIN_TRAINPLAN_H
#define IAD_TRAIN_TRAINPLAN_H

#include "train/run/trainconfig.h"

typedef struct iad_plan_request {
    const iad_model_config *model;  /* the training config is applied to it */
    const iad_train_config *config;
    int world;
    int64_t records;                /* of the stage, replayed ones included; 0: unknown, config->steps must be set */
    double flops_per_s;             /* of one rank; 0: no time */
    double budget;                  /* bytes of one rank; 0: no limit */
} iad_plan_request;

enum { IAD_PLAN_KINDS = 8 };

typedef struct iad_plan {
    uint64_t parameters, trainable;
    struct { const char *name; double bytes; } memory[IAD_PLAN_KINDS]; /* of one rank */
    int n_memory;
    double total;
    double sample_flops, sample_rows, sample_patches; /* of a mean record (shapes of the paper's tasks) */
    int64_t steps;
    double flops;                   /* of the run, all ranks */
    double seconds;                 /* 0: unknown */
    int fits;                       /* 1 when there is no budget */
    char advice[3][160];            /* nearest options that fit, "" unused; only when fits is 0 */
} iad_plan;

/* The mean record is made of the paper's tasks: stage 1 one picture and a text of 120 tokens; stage 2 groups of five and pairs; stage 3 1, 2 and 4
 * shots; 448 x 448 where the model leaves the size open. Memory is that of the largest pass that micro_rows and micro_samples allow.
 * IAD_ERR_ARG: neither records nor steps. */
iad_status iad_train_plan(const iad_plan_request *request, iad_plan *plan, iad_err *err);

#endif
