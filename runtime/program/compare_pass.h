/* One prompt with pictures through the forward passes, every stage held against stored activations of another
 * implementation. */
#ifndef IAD_PROGRAM_COMPARE_PASS_H
#define IAD_PROGRAM_COMPARE_PASS_H

#include <stdio.h>

#include "base/status.h"
#include "runtime/model/model.h"
#include "runtime/tensor/safetensors.h"

/* How far an array is from its reference. */
typedef struct iad_compare_stats {
    double max_abs;  /* largest absolute difference */
    double relative; /* |a - b| / |b|, Euclidean norms; 0 when both are zero */
    double cosine;
} iad_compare_stats;

typedef struct iad_compare {
    const iad_st_file *file;
    const char *kind;  /* "f32" or "bf16": whose activations */
    double tolerance;  /* of relative */
    int strict_tokens; /* 1: greedy tokens must be equal */
    FILE *out;         /* the table */
    int stages, failed;
    double worst;            /* relative */
    int tokens, same_tokens; /* greedy tokens compared, and equal from the first one on */
} iad_compare;

/* Prints the table. Stages of the file that this model lacks, or the other way round, are IAD_ERR_FORMAT; differences
 * are no error but counted in failed. dir: the model's folder, for its tokenizer. */
iad_status iad_compare_run(iad_compare *compare, const iad_model *model, const char *dir, int threads, iad_err *err);

#endif
