/* Where the defect is, in boxes. */
#include <math.h>
#include <string.h>

#include "bench/reasoning/scorebook.h"
#include "bench/reasoning/scoretable.h"

enum { PICTURES, GOOD, TRUTHS, ANSWERS, IOU, HIT, PRECISION, F1, FALSE_ALARM, BROKEN, COLUMNS };

static const iad_score_column columns[COLUMNS] = {
    {"anomalous", "bad", IAD_FORM_COUNT},          {"normal", "good", IAD_FORM_COUNT},     {"boxes", "boxes", IAD_FORM_COUNT},
    {"answered_boxes", "said", IAD_FORM_COUNT},    {"mean_iou", "IoU", IAD_FORM_FRACTION}, {"recall_50", "rec@.5", IAD_FORM_PERCENT},
    {"precision_50", "prec@.5", IAD_FORM_PERCENT}, {"f1_50", "F1@.5", IAD_FORM_PERCENT},   {"false_alarms", "alarms", IAD_FORM_PERCENT},
    {"broken_boxes", "broken", IAD_FORM_COUNT}};

/* Reads, scales and matches the boxes of one answer. */
static void read_boxes(iad_scorebook *book, size_t i, size_t *unscaled) {
    const iad_ask *ask = &book->asks->items[i];
    const iad_said *said = &book->said->items[i];
    iad_item_score *item = &book->items[i];
    iad_answer_boxes found;
    double overlap[IAD_ANSWER_BOXES], sum = 0;
    int partner[IAD_ANSWER_BOXES], w = said->source_w ? said->source_w : ask->width, h = said->source_h ? said->source_h : ask->height;
    iad_answer_boxes_find(said->text, &found);
    iad_box_space space = book->space;
    if (space == IAD_BOXES_RESIZED && !said->resized_w) space = IAD_BOXES_SOURCE, ++*unscaled;
    if (w && h) iad_answer_boxes_to_source(&found, space, said->resized_w, said->resized_h, w, h);
    iad_boxes_match(ask->boxes, ask->n_boxes, found.items, found.n, overlap, partner);
    item->n_hit = 0;
    for (size_t k = 0; k < ask->n_boxes; k++) sum += overlap[k], item->n_hit += overlap[k] >= 0.5;
    item->n_boxes = found.n;
    item->n_broken = found.broken;
    item->iou = ask->n_boxes ? sum / (double)ask->n_boxes : NAN;
    item->precision = found.n ? (double)item->n_hit / (double)found.n : NAN;
}

static void measure(const iad_scorebook *book, const iad_ask_groups *g, size_t group, double v[COLUMNS]) {
    double iou = 0, hit = 0, alarms = 0;
    for (int c = 0; c < COLUMNS; c++) v[c] = 0;
    for (size_t i = 0; i < book->asks->n; i++) {
        const iad_ask *ask = &book->asks->items[i];
        const iad_item_score *item = &book->items[i];
        if (g->of[i] != group || !item->used) continue;
        v[BROKEN] += (double)item->n_broken;
        v[ANSWERS] += (double)item->n_boxes;
        v[GOOD] += ask->n_boxes == 0;
        v[PICTURES] += ask->n_boxes > 0;
        v[TRUTHS] += (double)ask->n_boxes;
        hit += (double)item->n_hit;
        alarms += ask->n_boxes == 0 && item->n_boxes > 0;
        if (ask->n_boxes) iou += item->iou * (double)ask->n_boxes;
    }
    v[IOU] = v[TRUTHS] > 0 ? iou / v[TRUTHS] : NAN;
    v[HIT] = v[TRUTHS] > 0 ? hit / v[TRUTHS] : NAN;
    v[PRECISION] = v[ANSWERS] > 0 ? hit / v[ANSWERS] : NAN;
    v[F1] = v[TRUTHS] + v[ANSWERS] > 0 ? 2 * hit / (v[TRUTHS] + v[ANSWERS]) : NAN;
    v[FALSE_ALARM] = v[GOOD] > 0 ? alarms / v[GOOD] : NAN;
}

iad_status iad_score_boxes(iad_scorebook *book, iad_err *err) {
    iad_ask_groups g;
    iad_score_table t;
    double values[COLUMNS], mean[COLUMNS];
    size_t unscaled = 0;
    for (size_t i = 0; i < book->asks->n; i++)
        if (book->items[i].used) read_boxes(book, i, &unscaled);
    if (unscaled)
        IAD_TRY(iad_scorebook_note(
            book, err, "%zu answers do not say the size that the model saw: their boxes are taken as pixels of the picture as given", unscaled));
    IAD_TRY(iad_ask_groups_init(&g, book->asks, 0, err));
    iad_status status = iad_score_table_begin(
        &t, book->tables, "boxes",
        "IoU: mean over the true boxes, each with its partner of a one-to-one assignment, 0 without one; alarms: good pictures with a box", columns,
        COLUMNS, err);
    for (size_t k = 0; k < g.n && status == IAD_OK; k++) {
        measure(book, &g, k, values);
        if (values[PICTURES] + values[GOOD] > 0) status = iad_score_table_row(&t, g.names[k], values, err);
    }
    if (status == IAD_OK) status = iad_score_table_mean(&t, "mean", mean, err);
    if (status == IAD_OK) status = iad_scorebook_figure(book, "mean_iou", mean[IOU], err);
    if (status == IAD_OK) status = iad_scorebook_figure(book, "recall_50", mean[HIT], err);
    iad_ask_groups_deinit(&g);
    return status;
}
