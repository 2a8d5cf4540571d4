/* Loss curves of runs, beside each other: a self-contained page (no script, nothing from outside; scale, lines and runs are switched by style
 * sheet), or one figure as SVG. */
#ifndef IAD_TRAIN_CURVEPAGE_H
#define IAD_TRAIN_CURVEPAGE_H

#include "base/buf.h"
#include "train/run/curvedata.h"

typedef struct iad_curve_options {
    const char *const *names; /* one per file, or NULL; an entry NULL: the folder's name */
    const char *title;        /* NULL: "Training" and the runs' names */
    double smooth;            /* thick lines average over so many steps to both sides; 0: a fiftieth of each run; below 0: not at all */
    iad_curve_metric metric;  /* SVG only: what it shows, IAD_CURVE_LOSS .. IAD_CURVE_SECONDS */
    int log_scale;            /* SVG: logarithmic; page: that scale is chosen at first */
    int width, height;        /* SVG only, pixels 200..8192; 0: 960 x 420 */
} iad_curve_options;

/* files: 1..IAD_CURVE_MAX_RUNS of metrics.jsonl or folders with one; options NULL: all 0. Appended. Errors: those of iad_curve_run_load, ARG. */
iad_status iad_curve_page(const char *const *files, int n_file, const iad_curve_options *options, iad_buf *html, iad_err *err);
/* IAD_ERR_NOT_FOUND when no run has that metric (on a logarithmic scale: above 0). */
iad_status iad_curve_svg(const char *const *files, int n_file, const iad_curve_options *options, iad_buf *svg, iad_err *err);

#endif
