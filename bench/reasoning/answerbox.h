/* Boxes that a model wrote into its answer, and how well they meet the true ones. */
#ifndef IAD_BENCH_ANSWERBOX_H
#define IAD_BENCH_ANSWERBOX_H

#include <stddef.h>

#define IAD_ANSWER_BOXES 64 /* boxes of one answer; further ones are counted only */
#define IAD_ANSWER_BOX_LABEL 96
#define IAD_ANSWER_BOX_SIDE 1e6 /* larger numbers are no coordinates */

typedef struct iad_answer_box {
    double x0, y0, x1, y1;            /* x0 < x1, y0 < y1; x1 and y1 exclusive */
    char label[IAD_ANSWER_BOX_LABEL]; /* "": none; cut at a character */
} iad_answer_box;

typedef struct iad_answer_boxes {
    iad_answer_box items[IAD_ANSWER_BOXES];
    size_t n;
    size_t broken; /* empty or turned over, beyond IAD_ANSWER_BOX_SIDE, or after the IAD_ANSWER_BOXES-th */
} iad_answer_boxes;

/* Finds boxes wherever they stand, with or without a fence and words around them: four numbers in brackets, alone, in lists, or as the member bbox_2d
 * (bbox, box) of objects whose member label is taken along; and (x0,y0),(x1,y1). As soon as one stands in such a member, bare lists are no boxes.
 * A JSON text that breaks off loses only its last box. Never fails. */
void iad_answer_boxes_find(const char *answer, iad_answer_boxes *boxes);

/* What the numbers of an answer count. */
typedef enum iad_box_space {
    IAD_BOXES_RESIZED = 0, /* pixels of the picture as the model saw it (Qwen2.5-VL) */
    IAD_BOXES_SOURCE,      /* pixels of the picture as it was given */
    IAD_BOXES_NORM1000     /* thousandths of the sides (Qwen2-VL, Qwen3-VL) */
} iad_box_space;
/* Scales every box to pixels of the picture as it was given, cut at its borders; boxes that lie outside move to `broken`. Sizes in pixels, all > 0.
 */
void iad_answer_boxes_to_source(iad_answer_boxes *boxes, iad_box_space space, int resized_w, int resized_h, int source_w, int source_h);

/* Area of the intersection over that of the union, 0..1. */
double iad_box_overlap(const iad_answer_box *a, const iad_answer_box *b);
/* One-to-one assignment with the largest sum of overlaps (Hungarian method; Kuhn 1955): overlap[i] of true box i with its partner, 0 without one;
 * partner[i] its index among the answered ones or -1. n_truth and n_answer at most IAD_ANSWER_BOXES. */
void iad_boxes_match(const iad_answer_box *truth, size_t n_truth, const iad_answer_box *answer, size_t n_answer, double *overlap, int *partner);

#endif
