/* Speed of training steps beside transformers with torch, and beside what the machine can do. */
#ifndef IAD_SPEED_TRAIN_H
#define IAD_SPEED_TRAIN_H

#include <stdio.h>

#include "base/status.h"

typedef struct iad_speed_train_options {
    const char *model;     /* checkpoint directory; NULL: the preset "small" with random weights, made for this run */
    const char *python;    /* interpreter with torch and transformers; NULL: not run */
    const char *baseline;  /* bench/speed/train_baseline.py */
    const char *device;    /* ours (runtime/device.h) and torch's: "cpu", "cuda", "cuda:N" */
    int threads;           /* of everything measured on the processor */
    int repeats;           /* >= 1; the best counts */
    int batch;             /* records of a step, 1..64 */
    int answer;            /* supervised tokens of a record, 8..1024 */
} iad_speed_train_options;

/* Measures whole steps (gradients to zero, forward, backward, clipping, AdamW, packing) of the same records in f32 and bf16: one and four
 * good pictures and a query of 112 and 224 pixels, with and without the loss on maps, the tower frozen and trained; then the same through
 * transformers, whose losses must agree. Prints a table with the share of oneDNN's bare product that whole steps reach (single products:
 * speed_gradients.h). The baseline is skipped, and said to be, when Python cannot run it. */
iad_status iad_speed_train(FILE *out, const iad_speed_train_options *options, iad_err *err);

#endif
