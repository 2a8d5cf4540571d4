/* One figure over the steps of several runs, as an SVG element. */
#ifndef IAD_TRAIN_CURVEPLOT_H
#define IAD_TRAIN_CURVEPLOT_H

#include "base/buf.h"
#include "train/run/curvedata.h"

typedef struct iad_curve_plot {
    const iad_curve_run *runs;
    int n_run;
    iad_curve_metric metric;
    int eval;             /* a metric with values at some steps, drawn as dots on a dashed line; -1: none */
    const char *title;
    double factor;        /* values are shown times this; 1e-9 for GFLOP/s */
    int log_scale;        /* values above 0 only */
    double smooth;        /* the thick line averages over so many steps to both sides (the constant of an exponential); below 0: a fiftieth of
                           * each run; 0: no thin line, the thick one goes through the values */
    int width, height;    /* pixels */
    const char *classes;  /* of the element */
} iad_curve_plot;

/* Nothing is added, and *drawn is 0, when no run has a value. Lines have the classes "raw" (thin, every step: where steps are closer than pixels,
 * their range) and "mean" (thick), both with "r0", "r1", ... for the run. */
iad_status iad_curve_plot_add(const iad_curve_plot *plot, iad_buf *svg, int *drawn, iad_err *err);

/* Colour of run i. */
const char *iad_curve_color(int i);

#endif
