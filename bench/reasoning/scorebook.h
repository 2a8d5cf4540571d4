/* From answers to scores: every answer is read once, then each protocol makes its tables. */
#ifndef IAD_BENCH_SCOREBOOK_H
#define IAD_BENCH_SCOREBOOK_H

#include <jansson.h>

#include "bench/reasoning/answerfile.h"
#include "bench/reasoning/yesno.h"

/* What one answer says and is worth; NAN and 0 where it does not apply. */
typedef struct iad_item_score {
    int used;                   /* 1: it has an answer in words */
    iad_yesno strict, ov;       /* as said, whatever Yes means */
    char letter, strict_letter; /* 0: none */
    int guessed;
    double rouge, sbert;
    double judge, judge_reference; /* scores of the answer and (two-number prompts) of the reference, 1..10 */
    double iou, precision;         /* boxes: mean over the true ones; share of answered ones that meet a true one by half */
    size_t n_boxes, n_hit, n_broken;
} iad_item_score;

typedef struct iad_scorebook {
    const iad_asks *asks;
    const iad_sayings *said;
    iad_item_score *items; /* [asks->n] */
    int yes_is_defective;  /* of the detection question */
    iad_box_space space;   /* of boxes in answers */
    json_t *tables;        /* array, borrowed from the results */
    json_t *figures;       /* object: published metrics' names with our values, for the leaderboard */
    json_t *notes;         /* array of texts */
} iad_scorebook;

iad_status iad_scorebook_init(iad_scorebook *book, const iad_asks *asks, const iad_sayings *said, json_t *results, iad_err *err);
void iad_scorebook_deinit(iad_scorebook *book);
/* Letters and yes or no of every answer; for every answer with a reference in words ROUGE-L. */
iad_status iad_scorebook_read(iad_scorebook *book, iad_err *err);
iad_status iad_scorebook_note(iad_scorebook *book, iad_err *err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
iad_status iad_scorebook_figure(iad_scorebook *book, const char *key, double value, iad_err *err);

/* Questions in groups, in order of first appearance: by category ("dataset/category" when there are several data sets), or by data set. */
typedef struct iad_ask_groups {
    size_t *of;         /* [asks->n] */
    const char **names; /* owned texts */
    size_t *first;      /* a question of each */
    size_t n;
} iad_ask_groups;
iad_status iad_ask_groups_init(iad_ask_groups *groups, const iad_asks *asks, int by_dataset, iad_err *err);
void iad_ask_groups_deinit(iad_ask_groups *groups);

/* ---- tables: one file each ---- */

/* Yes or no per category and mean (scoredetect.c): strict reading; Anomaly-OV's, its ratios 0 where undefined as scikit-learn has them; AnomalyGPT's.
 * Figures text_accuracy, precision, recall, f1 by Anomaly-OV's reading, which the published ones use. */
iad_status iad_score_detection(iad_scorebook *book, iad_err *err);
/* Low-level and complex reasoning per class, mean over classes, and over all questions (scorereason.c). */
iad_status iad_score_reasoning(iad_scorebook *book, iad_err *err);
/* MMAD (scoremmad.c): as the published script scores (faults included), strictly, and per category. */
iad_status iad_score_mmad(iad_scorebook *book, iad_err *err);
/* Boxes (scoreboxes.c). */
iad_status iad_score_boxes(iad_scorebook *book, iad_err *err);
/* Losses (scoreloss.c). */
iad_status iad_score_losses(iad_scorebook *book, iad_err *err);

#endif
