/* Training records made in memory, for measuring steps: the same ones that train_baseline.py makes. */
#ifndef IAD_SPEED_TRAINRECORDS_H
#define IAD_SPEED_TRAINRECORDS_H

#include "runtime/model/config.h"
#include "train/data/sample.h"

typedef struct iad_speed_case {
    int pictures, side;   /* the last picture is the query; side in pixels, a multiple of 28 */
    int tower;            /* 1: the vision tower is trained, too (stages 1 and 2) */
    int maps;             /* 1: with the loss on attention maps */
    int paper;            /* 1: with fusion and compression, which the baseline does not have */
} iad_speed_case;

enum { IAD_SPEED_TEXT = 24 }; /* tokens before the pictures, and behind them */

/* Record number s: text, pictures, text, `answer` supervised tokens (at least 8) and one more; ids below 250. With maps, three tokens of the
 * answer are the words, and the mask of the query is a box. Errors: those of preprocessing. */
iad_status iad_speed_record(const iad_model_config *config, const iad_speed_case *c, int s, int answer, iad_sample *sample, iad_err *err);

#endif
